//! The past of new recording rules is filled in the background: rules that read each other, samples that exist, a
//! restart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::process::{Signal, percent_encoded, post_bytes, until};

use crate::support::{BOUND, Server, now, serve};

const HOURS: i64 = 6;

const NO_RULES: &str = "groups: []\n";
/// What is read stands behind what reads it.
const RULES: &str = "\
groups:
- name: new
  interval: 1m
  rules:
  - {record: load:double, expr: 'load:sum * 2'}
  - {record: load:sum, expr: 'sum(load)', labels: {made: later}}
  - {record: load:kept, expr: 'sum(load)'}
  - {record: load:wrong, expr: 'label_replace(load, \"job\", \"x\", \"\", \"\")'}
";

fn start(dir: &Path) -> Server {
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.enable-admin-api",
        "--web.enable-lifecycle",
        "--rules.backfill=4h",
    ];
    serve(dir, &flags)
}

fn import(server: &Server, page: &str) {
    let headers = [("Content-Type", "application/openmetrics-text")];
    let path = "/api/keepwatch/v1/import";
    let (_, answer) = post_bytes(&server.address, path, &headers, page.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// How far each rule is, once all are done with.
fn filled(server: &Server) -> Vec<Value> {
    until("the past of all rules", BOUND, || {
        let answer = server.json("/api/keepwatch/v1/rules/backfill");
        assert_eq!(answer["data"]["enabled"], true);
        let rules = answer["data"]["rules"].as_array().unwrap().clone();
        let is_open = |rule: &Value| rule["state"] == "waiting" || rule["state"] == "running";
        match rules.is_empty() || rules.iter().any(is_open) {
            true => Err(answer.to_string()),
            false => Ok(rules),
        }
    })
}

fn at(server: &Server, query: &str, time: i64) -> Value {
    let query = percent_encoded(query);
    let answer = server.json(&format!("/api/v1/query?query={query}&time={time}"));
    answer["data"]["result"][0]["value"][1].clone()
}

#[test]
fn the_past_of_new_rules_is_filled_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("prometheus.yml"), "rule_files: [rules.yml]\n").unwrap();
    fs::write(dir.join("rules.yml"), NO_RULES).unwrap();
    let server = start(dir);
    let end = now() as i64;
    let mut page = "# TYPE load gauge\n".to_owned();
    for job in ["a", "b"] {
        for minute in (0..HOURS * 60).rev() {
            let time = end - minute * 60;
            writeln!(page, "load{{job=\"{job}\"}} 3 {time}").unwrap();
        }
    }
    import(&server, &format!("{page}# EOF\n"));
    // The newest two hours of this one are there, with another value.
    let mut page = "# TYPE load:kept gauge\n".to_owned();
    for minute in (1..120).rev() {
        writeln!(page, "load:kept 7 {}", end - minute * 60).unwrap();
    }
    import(&server, &format!("{page}# EOF\n"));
    fs::write(dir.join("rules.yml"), RULES).unwrap();
    assert_eq!(server.post("/-/reload").status, 200);

    let rules = filled(&server);
    let states: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{} {}",
                rule["record"].as_str().unwrap(),
                rule["state"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            "load:sum done",
            "load:double done",
            "load:kept done",
            "load:wrong failed"
        ]
    );
    let problem = rules[3]["problem"].as_str().unwrap();
    assert!(problem.contains("labels"), "{problem}");
    let hour = 3600;
    for ago in [hour / 2, 2 * hour, 3 * hour, 4 * hour - 600] {
        let time = end - ago;
        assert_eq!(at(&server, "load:sum{made=\"later\"}", time), "6", "{ago}");
        assert_eq!(at(&server, "load:double", time), "12", "{ago}");
    }
    // Not further back than was asked for.
    assert_eq!(at(&server, "load:sum", end - 4 * hour - 900), Value::Null);
    assert_eq!(at(&server, "load:kept", end - hour), "7");
    assert_eq!(at(&server, "min_over_time(load:kept[1h])", end - 60), "7");
    assert_eq!(at(&server, "load:kept", end - 4 * hour + 600), "6");
    let samples = server
        .metric("keepwatch_rule_backfill_samples_total")
        .unwrap();
    assert!((600.0..=620.0).contains(&samples), "{samples}");
    let failed = "keepwatch_rule_backfill_rules{state=\"failed\"}";
    assert_eq!(server.metric(failed), Some(1.0));
    let reasons = server.json("/api/keepwatch/v1/reasons?code=rule-backfill-failed");
    let subject = &reasons["data"]["entries"][0]["subject"];
    assert_eq!(subject, "recording rule load:wrong", "{reasons}");

    // Nothing is done again behind a restart, or for rules that stay.
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));
    let server = start(dir);
    assert_eq!(filled(&server), rules);
    assert_eq!(
        server.metric("keepwatch_rule_backfill_samples_total"),
        Some(0.0)
    );
    let more = format!("{RULES}  - {{record: load:more, expr: 'max(load)'}}\n");
    fs::write(dir.join("rules.yml"), more).unwrap();
    assert_eq!(server.post("/-/reload").status, 200);
    until("one more rule", BOUND, || match filled(&server).len() {
        5 => Ok(()),
        other => Err(other.to_string()),
    });
    assert_eq!(at(&server, "load:more", end - 3 * hour), "3");
    let samples = server
        .metric("keepwatch_rule_backfill_samples_total")
        .unwrap();
    assert!((235.0..=245.0).contains(&samples), "{samples}");
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
}
