//! Alerts of rules reach a real Alertmanager: relabelled, with external labels, and resolved in the end; one that
//! is not there is told.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::process::{Peer, get, is_installed, post, until};

use crate::support::{BOUND, Server, serve};

const ALERTMANAGER: &str = "prometheus-alertmanager";

fn alertmanager(dir: &Path) -> Peer {
    let config = "route: {receiver: none}\nreceivers: [{name: none}]\n";
    fs::write(dir.join("alertmanager.yml"), config).unwrap();
    let mut command = Command::new(ALERTMANAGER);
    command.current_dir(dir).args([
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        "--cluster.listen-address=",
        "--web.listen-address=127.0.0.1:0",
    ]);
    Peer::start(ALERTMANAGER, command)
}

fn rules(dir: &Path, expr: &str) {
    let rules = format!(
        "groups:\n- name: g\n  interval: 1s\n  rules:\n  - {{alert: Always, expr: '{expr}', labels: {{secret: x}}, annotations: {{summary: it is}}}}\n"
    );
    fs::write(dir.join("rules.yml"), rules).unwrap();
}

/// A server whose rule fires at once, with this configuration of Alertmanagers.
fn firing(dir: &Path, alertmanagers: &str) -> Server {
    rules(dir, "vector(1)");
    let config = format!(
        "global: {{external_labels: {{cluster: here}}}}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n{alertmanagers}"
    );
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    serve(
        dir,
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",
            "--log.level=error",
        ],
    )
}

fn alerts(address: &str) -> Vec<Value> {
    let answer = get(address, "/api/v2/alerts");
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn a_real_alertmanager_gets_the_alerts() {
    if !is_installed(ALERTMANAGER) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let peer = alertmanager(dir.path());
    let server = firing(
        dir.path(),
        &format!(
            "  - alert_relabel_configs: [{{regex: secret, action: labeldrop}}]\n    static_configs: [{{targets: ['{}']}}]\n",
            peer.address
        ),
    );
    let alert = until("the alert to arrive", BOUND, || {
        alerts(&peer.address).pop().ok_or_else(|| "none".to_owned())
    });
    let labels = serde_json::json!({"alertname": "Always", "cluster": "here"});
    assert_eq!(alert["labels"], labels);
    assert_eq!(alert["annotations"]["summary"], "it is");
    let found = server.json("/api/v1/alertmanagers");
    let url = format!("http://{}/api/v2/alerts", peer.address);
    assert_eq!(found["data"]["activeAlertmanagers"][0]["url"], url.as_str());
    let page = get(&server.address, "/metrics").body;
    let line = format!("prometheus_notifications_errors_total{{alertmanager=\"{url}\"}} 0");
    assert!(page.contains(&line), "{page}");
    rules(dir.path(), "vector(1) > 2");
    assert_eq!(post(&server.address, "/-/reload", "").status, 200);
    until("the alert to be resolved", BOUND, || {
        let left = alerts(&peer.address);
        if left.is_empty() {
            return Ok(());
        }
        Err(format!("{left:?}"))
    });
}

#[test]
fn one_that_is_not_there_holds_up_no_other() {
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let there = serve(
        other.path(),
        &["--config.file=prometheus.yml", "--storage.tsdb.path=data"],
    );
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens at port 1.
    let server = firing(
        dir.path(),
        &format!(
            "  - static_configs: [{{targets: ['127.0.0.1:1']}}]\n  - static_configs: [{{targets: ['{}']}}]\n",
            there.address
        ),
    );
    let alert = until("an alert to arrive", BOUND, || {
        let found = alerts(&there.address);
        found.into_iter().next().ok_or_else(|| "none".to_owned())
    });
    assert_eq!(alert["labels"]["secret"], "x");
    until("the other one to be told", BOUND, || {
        let reasons = server.json("/api/keepwatch/v1/reasons?code=alertmanager-not-sent");
        let text = reasons.to_string();
        if text.contains("Alertmanager http://127.0.0.1:1/api/v2/alerts") {
            return Ok(());
        }
        Err(text)
    });
}
