//! Bad input of every kind: said with its place, and never the end of what runs.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use testkit::process::{Finished, Page, PageServer, Signal, finish, until};

use crate::support::{BOUND, Server, active_targets, keepwatch, serve, wait_for_targets};

/// One problem of each kind that a reader can make.
const BAD_CONFIG: &str = "\
global:
  scrape_interval: 15s
  scrap_timeout: 5s
  evaluation_interval: 1 minute
rule_files:
- rules.yml
scrape_configs:
- job_name: api
  sample_limit: many
  static_configs:
  - targets: ['127.0.0.1:1']
- job_name: web
- job_name: api
";

const BAD_RULES: &str = "\
groups:
- name: shop
  rules:
  - alert: Slow
    expr: rate(requests_total[5m) > 1
  - alert: Down
    expr: up == 0
    annotations:
      summary: '{{ $labels.instance }'
";

fn run_to_end(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command
        .arg("serve")
        .args(arguments)
        .arg("--web.listen-address=127.0.0.1:0");
    finish("keepwatch serve", command, BOUND)
}

/// A problem as a terminal shows it.
#[derive(Debug)]
struct Shown {
    /// `FILE:LINE:COLUMN`.
    place: String,
    underlined: String,
    hints: usize,
}

/// Reads the blocks of standard error: the message, `--> PLACE`, the text with a line of `^` below, hints.
fn problems(stderr: &str) -> Vec<Shown> {
    let blocks = stderr
        .split("\n\n")
        .filter(|block| block.starts_with("error"));
    let shown = blocks.map(|block| {
        let lines: Vec<&str> = block.lines().collect();
        let place = lines
            .iter()
            .find_map(|line| line.trim_start().strip_prefix("--> "));
        let underline = lines
            .iter()
            .position(|line| line.contains('^'))
            .unwrap_or(0);
        let marked = lines[underline]
            .char_indices()
            .filter(|(_, character)| *character == '^');
        let columns: Vec<usize> = marked.map(|(column, _)| column).collect();
        let above = lines[underline.saturating_sub(1)].chars().enumerate();
        Shown {
            place: place.unwrap_or_default().to_owned(),
            underlined: above
                .filter(|(column, _)| columns.contains(column))
                .map(|(_, c)| c)
                .collect(),
            hints: lines
                .iter()
                .filter(|line| line.contains("= help: "))
                .count(),
        }
    });
    shown.collect()
}

#[test]
fn all_problems_of_all_files_are_shown_at_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prometheus.yml"), BAD_CONFIG).unwrap();
    fs::write(dir.path().join("rules.yml"), BAD_RULES).unwrap();
    let finished = run_to_end(dir.path(), &["--config.file=prometheus.yml"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let found = problems(&finished.stderr);
    let expected = [
        ("prometheus.yml:3:3", "scrap_timeout"),
        ("prometheus.yml:4:24", "1 minute"),
        ("prometheus.yml:9:17", "many"),
        ("prometheus.yml:13:3", "job_name: api"),
        ("rules.yml:5:33", ")"),
        // At the end of the line: the bracket that is missing.
        ("rules.yml:5:38", ""),
        ("rules.yml:9:37", "}"),
    ];
    for (place, underlined) in expected {
        let problem = found
            .iter()
            .find(|problem| problem.place == place && problem.underlined == underlined);
        let Some(problem) = problem else {
            panic!(
                "nothing underlines {underlined:?} at {place}: {found:#?}\n{}",
                finished.stderr
            )
        };
        assert!(problem.hints > 0, "no hint what to do: {problem:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(
        finished.stderr.contains("scrape_timeout"),
        "no suggestion: {}",
        finished.stderr
    );
    assert!(
        !dir.path().join("data").exists(),
        "a refused start left a data folder"
    );
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let finished = run_to_end(dir.path(), &["--config.file=nowhere.yml"]);
    assert_eq!(finished.code, Some(1));
    assert!(
        finished.stderr.contains("nowhere.yml"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_file_where_the_data_folder_should_be() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in-the-way"), "").unwrap();
    for path in ["in-the-way", "in-the-way/data"] {
        let finished = run_to_end(dir.path(), &[&format!("--storage.tsdb.path={path}")]);
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(
            finished.stderr.contains(path),
            "the folder is not named: {}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    }
}

const SUCCESSFUL: &str = "prometheus_config_last_reload_successful";

fn wait_for_metric(server: &Server, series: &str, wanted: f64) {
    until(&format!("{series} {wanted}"), BOUND, || {
        let found = server.metric(series);
        if found == Some(wanted) {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    });
}

fn jobs(server: &Server) -> Vec<String> {
    let answer = server.json("/api/v1/scrape_pools");
    let pools = answer["data"]["scrapePools"].as_array().unwrap().iter();
    pools
        .map(|pool| pool.as_str().unwrap().to_owned())
        .collect()
}

fn config(job: &str) -> String {
    format!("scrape_configs:\n- job_name: {job}\n  static_configs:\n  - targets: ['127.0.0.1:1']\n")
}

#[test]
fn a_broken_reload_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("prometheus.yml");
    fs::write(&file, config("first")).unwrap();
    let server = serve(
        dir.path(),
        &["--config.file=prometheus.yml", "--web.enable-lifecycle"],
    );
    wait_for_metric(&server, SUCCESSFUL, 1.0);
    assert_eq!(jobs(&server), ["first"]);

    fs::write(
        &file,
        config("second").replace("static_configs", "static_config"),
    )
    .unwrap();
    let answer = server.post("/-/reload");
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(
        answer.body.contains("prometheus.yml:3:3"),
        "no place: {}",
        answer.body
    );
    assert!(
        answer.body.contains("static_configs"),
        "no suggestion: {}",
        answer.body
    );
    assert_eq!(server.metric(SUCCESSFUL), Some(0.0));
    assert_eq!(jobs(&server), ["first"]);

    fs::write(&file, config("second")).unwrap();
    let answer = server.post("/-/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(server.metric(SUCCESSFUL), Some(1.0));
    assert_eq!(jobs(&server), ["second"]);
}

#[test]
fn a_hang_up_reloads_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("prometheus.yml");
    fs::write(&file, config("first")).unwrap();
    let mut server = serve(dir.path(), &["--config.file=prometheus.yml"]);
    wait_for_metric(&server, SUCCESSFUL, 1.0);

    fs::write(&file, "scrape_configs: {").unwrap();
    server.program.signal(Signal::HangUp);
    wait_for_metric(&server, SUCCESSFUL, 0.0);
    assert_eq!(jobs(&server), ["first"]);
    server
        .program
        .wait_for_line("the problem in the log", BOUND, |line| {
            (line.contains("level=ERROR") && line.contains("prometheus.yml:1:")).then_some(())
        });

    fs::write(&file, config("second")).unwrap();
    server.program.signal(Signal::HangUp);
    wait_for_metric(&server, SUCCESSFUL, 1.0);
    assert_eq!(jobs(&server), ["second"]);
}

#[test]
fn without_the_flag_nobody_reloads_over_http() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prometheus.yml"), config("first")).unwrap();
    let server = serve(dir.path(), &["--config.file=prometheus.yml"]);
    assert_eq!(server.post("/-/reload").status, 403);
    assert_eq!(server.post("/-/quit").status, 403);
    assert_eq!(server.get("/-/ready").status, 200);
}

#[test]
fn a_page_that_is_no_exposition() {
    let dir = tempfile::tempdir().unwrap();
    let target = PageServer::start(|_| Page::metrics("fine 1\nthis is { no metric\nlost 2\n"));
    let text = format!(
        "scrape_configs:\n- job_name: bad\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n  \
         static_configs:\n  - targets: ['{}']\n",
        target.address()
    );
    fs::write(dir.path().join("prometheus.yml"), text).unwrap();
    let mut server = serve(dir.path(), &["--config.file=prometheus.yml"]);
    let targets = wait_for_targets(&server.address, "a failed scrape", |targets| {
        targets.len() == 1 && targets[0]["health"] == "down"
    });
    let error = targets[0]["lastError"].as_str().unwrap();
    assert!(error.contains("this is"), "which text? {error}");
    until("up 0", BOUND, || {
        let result = server.query("up");
        if result[0]["value"][1] == "0" {
            Ok(())
        } else {
            Err(result.to_string())
        }
    });
    let taken = server.query("fine");
    assert_eq!(
        taken.as_array().map(Vec::len),
        Some(0),
        "half of a page was taken: {taken}"
    );
    assert!(server.program.is_running());
}

#[test]
fn discovery_that_fails_keeps_the_last_good_list() {
    let dir = tempfile::tempdir().unwrap();
    let answers = Arc::new(Answers(Mutex::new((Kind::Good, 0))));
    let told = Arc::clone(&answers);
    let discovery = PageServer::start(move |_| told.next());
    let text = format!(
        "scrape_configs:\n- job_name: found\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
         http_sd_configs:\n  - url: http://{}/targets\n    refresh_interval: 1s\n",
        discovery.address()
    );
    fs::write(dir.path().join("prometheus.yml"), text).unwrap();
    let server = serve(dir.path(), &["--config.file=prometheus.yml"]);
    let is_there = |targets: &[serde_json::Value]| {
        targets.len() == 1 && targets[0]["labels"]["instance"] == "127.0.0.1:1"
    };
    wait_for_targets(&server.address, "the target of the list", is_there);
    for kind in [Kind::ServerError, Kind::Html, Kind::NotJson] {
        answers.change(kind);
        answers.wait_for_two();
        let targets = active_targets(&server.address);
        assert!(is_there(&targets), "after {kind:?}: {targets:#?}");
    }
    // An empty list is an answer: nothing is there any more.
    answers.change(Kind::Empty);
    wait_for_targets(&server.address, "no targets", <[_]>::is_empty);
}

/// What the discovery server answers.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Good,
    ServerError,
    Html,
    NotJson,
    Empty,
}

const LIST: &str = r#"[{"targets": ["127.0.0.1:1"], "labels": {"service": "shop"}}]"#;

/// The kind of answer, and how many were asked for since it is this kind.
struct Answers(Mutex<(Kind, usize)>);

impl Answers {
    fn next(&self) -> Page {
        let mut current = self.0.lock().unwrap();
        current.1 += 1;
        match current.0 {
            Kind::Good => Page::ok("application/json", LIST),
            Kind::ServerError => Page {
                status: 500,
                ..Page::ok("application/json", "[]")
            },
            Kind::Html => Page::ok("text/html", "[]"),
            Kind::NotJson => Page::ok("application/json", "[{\"targets\": ["),
            Kind::Empty => Page::ok("application/json", "[]"),
        }
    }

    fn change(&self, kind: Kind) {
        *self.0.lock().unwrap() = (kind, 0);
    }

    /// When the second answer of a kind is asked for, the first has been dealt with.
    fn wait_for_two(&self) {
        until("two answers", BOUND, || {
            let (kind, count) = *self.0.lock().unwrap();
            if count >= 2 {
                Ok(())
            } else {
                Err(format!("{count} answers {kind:?}"))
            }
        });
    }
}
