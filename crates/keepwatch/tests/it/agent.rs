//! Agent mode: the peer's flags, refusals and answers, and a log that outlives `kill -9`.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::process::{Finished, Page, PageServer, Signal, finish, is_installed, until};

use crate::support::{BOUND, Server, keepwatch, serve};

fn config(targets: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: app\n  static_configs: [{{targets: [{targets}]}}]\n"
    )
}

fn agent(dir: &Path, config: &str, more: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    let mut arguments = vec!["--agent", "--config.file=prometheus.yml"];
    arguments.extend(more);
    serve(dir, &arguments)
}

fn ended(dir: &Path, mut command: Command, arguments: &[&str]) -> Finished {
    fs::write(dir.join("prometheus.yml"), config("")).unwrap();
    command
        .current_dir(dir)
        .arg("--config.file=prometheus.yml")
        .arg("--web.listen-address=127.0.0.1:0")
        .args(arguments);
    finish("a server that refuses its flags", command, BOUND)
}

#[test]
fn flags_of_the_other_mode_are_refused_as_the_peer_does() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (arguments, expected) in [
        (
            &[
                "--enable-feature=agent",
                "--query.timeout=1m",
                "--storage.tsdb.path=x",
            ][..],
            "The following flag(s) can not be used in agent mode: [\"--query.timeout\" \"--storage.tsdb.path\"]",
        ),
        (
            &["--storage.agent.path=x"][..],
            "The following flag(s) can only be used in agent mode: [\"--storage.agent.path\"]",
        ),
    ] {
        let ours = ended(dir, keepwatch(dir), arguments);
        assert_eq!(ours.code, Some(3), "{}", ours.stderr);
        assert_eq!(ours.stderr.trim_end(), expected);
        if is_installed("prometheus") {
            let theirs = ended(dir, Command::new("prometheus"), arguments);
            assert_eq!(theirs.code, Some(3), "{}", theirs.stderr);
            assert!(theirs.stderr.contains(expected), "{}", theirs.stderr);
        }
    }
    let small = ended(
        dir,
        keepwatch(dir),
        &["--agent", "--storage.agent.wal-segment-size=1MB"],
    );
    assert_eq!(small.code, Some(1));
    assert!(
        small.stderr.contains("choose 10MB to 256MB"),
        "{}",
        small.stderr
    );
}

#[test]
fn sections_of_a_server_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("rules.yml"), "groups: []\n").unwrap();
    let config = "rule_files: [rules.yml]\nremote_read: [{url: 'http://x/'}]\n";
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    let mut command = keepwatch(dir);
    command.args(["--agent", "--config.file=prometheus.yml"]);
    let ended = finish("keepwatch", command, BOUND);
    assert_eq!(ended.code, Some(1));
    for key in ["rule_files", "remote_read"] {
        let expected = format!("field {key} is not allowed in agent mode");
        assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
    }
}

#[test]
fn what_an_agent_cannot_answer_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = agent(dir.path(), &config(""), &["--web.enable-admin-api"]);
    for path in [
        "/api/v1/query?query=up",
        "/api/v1/labels",
        "/api/v1/rules",
        "/api/v1/status/tsdb",
        "/api/keepwatch/v1/query/explain?query=up",
    ] {
        let answer = server.get(path);
        let expected = "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"unavailable with Prometheus Agent\"}";
        assert_eq!(
            (answer.status, answer.body.trim_end()),
            (422, expected),
            "{path}"
        );
    }
    let answer = server.post("/api/v1/admin/tsdb/snapshot");
    assert_eq!(answer.status, 422);
    let answer = server.get("/federate?match[]=up");
    let expected = "unsupported operation with WAL-only storage\n";
    assert_eq!((answer.status, answer.body.as_str()), (500, expected));
    for path in [
        "/api/v1/targets",
        "/api/v1/status/config",
        "/api/v1/metadata",
        "/agent",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let features = server.json("/api/v1/features");
    assert_eq!(features["data"]["prometheus"]["agent_mode"], true);
    assert_eq!(features["data"]["prometheus"]["server_mode"], false);
    assert_eq!(server.json("/api/v1/status/flags")["data"]["agent"], "true");
}

#[test]
fn scraped_samples_are_in_the_log_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let page = PageServer::start(|_| Page::metrics("a 1\nb 2\n"));
    let config = config(page.address());
    let server = agent(dir, &config, &[]);
    let appended = "prometheus_agent_samples_appended_total{type=\"float\"}";
    let scraped = |server: &Server, more_than: f64| {
        until("samples", BOUND, || match server.metric(appended) {
            Some(count) if count > more_than => Ok(count),
            other => Err(format!("{other:?}")),
        })
    };
    // Two samples, and five about the scrape.
    assert!(scraped(&server, 10.0) >= 14.0);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    assert!(dir.join("data-agent/wal/00000000").is_file());
    assert!(!dir.join("data").exists());

    let server = agent(dir, &config, &[]);
    // The series of before, under their old references: no new ones are made for them.
    assert_eq!(server.metric("prometheus_agent_active_series"), Some(7.0));
    scraped(&server, 10.0);
    assert_eq!(server.metric("prometheus_agent_active_series"), Some(7.0));
    assert_eq!(server.metric("prometheus_tsdb_head_series"), None);
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));
}
