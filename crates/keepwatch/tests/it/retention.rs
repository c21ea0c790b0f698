//! Series that need not stay: rules of the retention, and series that have ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use testkit::process::{Page, PageServer, Signal, until};

use crate::support::*;

/// Times of the samples of a series, in milliseconds.
fn times(result: &Value, name: &str) -> Vec<i64> {
    let series = result.as_array().unwrap().iter();
    let mut series = series.filter(|series| series["metric"]["__name__"] == name);
    let values = series.next().map(|series| &series["values"]);
    let values = values.and_then(Value::as_array).into_iter().flatten();
    let seconds = values.map(|value| value[0].as_f64().unwrap());
    #[expect(clippy::cast_possible_truncation, reason = "times are far below 2^53")]
    seconds
        .map(|seconds| (seconds * 1000.0).round() as i64)
        .collect()
}

/// Blocks of two seconds; what a rule says is short goes after four, and nothing else.
#[test]
fn a_rule_drops_its_series_from_blocks() {
    const KEEP: i64 = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let shop = PageServer::start(|_| {
        Page::metrics("short{namespace=\"dev\"} 1\nlong{namespace=\"prod\"} 1\n".to_owned())
    });
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\n\
         scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{}']}}]}}]\n",
        shop.address()
    );
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let rule = "{namespace=\"dev\"}=4s";
    let server = serve(
        dir.path(),
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.min-block-duration=2s",
            "--storage.tsdb.max-block-duration=2s",
            &format!("--storage.tsdb.retention.rule={rule}"),
            "--storage.tsdb.retention.rule=up=100d",
        ],
    );
    let both = "{namespace=~\"dev|prod\"}[10m]";
    let dropped = format!(
        "keepwatch_tsdb_retention_rule_samples_dropped_total{{rule=\"{}\"}}",
        rule.replace('"', "\\\"")
    );
    until("a rule that drops samples", BOUND, || {
        let result = server.query(both);
        let (short, long) = (times(&result, "short"), times(&result, "long"));
        if let Some(newest) = long.last() {
            let young: Vec<i64> = long.iter().copied().filter(|t| newest - t < KEEP).collect();
            assert!(short.ends_with(&young), "{young:?} of {short:?}");
        }
        let count = server.metric(&dropped).unwrap();
        if count > 4.0 && long.len() > short.len() + 4 {
            Ok(())
        } else {
            Err(format!("{count} are gone, {short:?} of {long:?} are there"))
        }
    });
    assert_eq!(
        server.json("/api/v1/status/flags")["data"]["storage.tsdb.retention.rule"],
        format!("{rule},up=100d")
    );
    let reasons = server.json("/api/keepwatch/v1/reasons").to_string();
    for expected in ["retention-rule-without-effect", "retention rule up=100d"] {
        assert!(reasons.contains(expected), "{expected}: {reasons}");
    }
}

#[test]
fn bad_rules_end_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = keepwatch(dir.path());
    command.args(["serve", "--storage.tsdb.retention.rule={namespace=dev}=2d"]);
    command.args(["--storage.tsdb.retention.rule=up=never"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    for expected in [
        "--storage.tsdb.retention.rule: {namespace=dev}=2d: the selector: ",
        "up=never: the duration: ",
        "{namespace=\"dev\"}=2d",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!dir.path().join("data").exists());
}

/// Pods that ended leave memory, and stay in the answers.
#[test]
fn series_that_have_ended_leave_memory() {
    let dir = tempfile::tempdir().unwrap();
    let has_ended = Arc::new(AtomicBool::new(false));
    let pods = {
        let has_ended = Arc::clone(&has_ended);
        PageServer::start(move |_| {
            let mut page = "stays 1\n".to_owned();
            if !has_ended.load(Ordering::SeqCst) {
                (0..50).for_each(|n| page.push_str(&format!("pod{{n=\"{n}\"}} {n}\n")));
            }
            Page::metrics(page)
        })
    };
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         storage: {{tsdb: {{stale_series_compaction_threshold: 0.5}}}}\n\
         scrape_configs: [{{job_name: pods, static_configs: [{{targets: ['{}']}}]}}]\n",
        pods.address()
    );
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let arguments = ["--config.file=prometheus.yml"];
    let server = serve(dir.path(), &arguments);
    until("the pods", BOUND, || match server.query("count(pod)") {
        Value::Array(found) if found.len() == 1 => Ok(()),
        other => Err(other.to_string()),
    });
    has_ended.store(true, Ordering::SeqCst);
    until("their end", BOUND, || {
        match server.metric("prometheus_tsdb_head_stale_series") {
            Some(50.0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    let sum = "sum(sum_over_time(pod[1h]))";
    let before = server.query(sum);
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));

    // It looks at once when it starts, and every minute from then on.
    let server = serve(dir.path(), &arguments);
    until("they are gone from memory", BOUND, || {
        let metric = |name: &str| server.metric(name).unwrap_or(-1.0);
        let stale = metric("prometheus_tsdb_head_stale_series");
        let compactions = metric("prometheus_tsdb_stale_series_compactions_triggered_total");
        let series = metric("prometheus_tsdb_head_series");
        if (stale, compactions) == (0.0, 1.0) && series < 20.0 {
            Ok(())
        } else {
            Err(format!(
                "{stale} stale of {series}, {compactions} compactions"
            ))
        }
    });
    assert_eq!(server.query(sum)[0]["value"][1], before[0]["value"][1]);
    assert_eq!(
        server.metric("prometheus_tsdb_stale_series_compaction_duration_seconds_count"),
        Some(1.0)
    );
}
