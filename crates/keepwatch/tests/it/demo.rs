//! `keepwatch demo`: the Kasten scenario from rule to webhook.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testkit::process::{Finished, Program, Signal, finish, until};

use crate::support::{BOUND, json, keepwatch, shared_dir, wait_for_targets, workspace_root};

/// A script waits for up to 90 s at each of its steps before it gives up and says why.
const SCRIPT_BOUND: Duration = Duration::from_secs(240);

const BREAK_AND_HEAL: &str = "break metering-svc; wait firing; heal; wait resolved; quit";
const FAIL_BACKUP: &str = "fail-backup; wait firing; quit";

const HTTP_POOL: &str = "scrapeConfig/kasten-io/k10-http-service-discovery";
const EXECUTOR_POOL: &str = "scrapeConfig/kasten-io/k10-executor-discovery";
const OPERATING: &str = "kasten-io/kasten-alerting/kasten-operating-receiver";
const ACTION_ON_ERROR: &str = "failed-ns/kasten-alerting/kasten-action-on-error-receiver";

fn examples() -> PathBuf {
    workspace_root().join("examples/kasten")
}

fn seeds() -> Option<PathBuf> {
    Some(shared_dir()?.join("seeds/kasten"))
}

fn play(manifests: &Path, script: &str) -> Finished {
    let dir = tempfile::tempdir().unwrap();
    let mut command = keepwatch(dir.path());
    command.args([
        "demo",
        "--port",
        "0",
        "--script",
        script,
        "--data-dir",
        "data",
        "--manifests",
    ]);
    command.arg(manifests);
    finish("keepwatch demo", command, SCRIPT_BOUND)
}

/// Every expected line must come, in this order; the script adds the time that it took to the end.
fn assert_plays(manifests: &Path, script: &str, expected: &[&str]) {
    let finished = play(manifests, script);
    assert_eq!(
        finished.code,
        Some(0),
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    let mut lines = finished.stdout.lines();
    for wanted in expected {
        let found = lines.any(|line| line.starts_with(wanted));
        assert!(
            found,
            "{wanted:?} is missing, or not in order, in\n{}",
            finished.stdout
        );
    }
}

fn assert_breaks_and_heals(manifests: &Path) {
    let group = format!("group: {OPERATING} {{alertname=\"kasten-service-down\"}}");
    let expected = [
        "running the script",
        "metering-svc is stopped",
        "rule: kasten-service-down is firing for service=metering-svc",
        &group,
        "webhook: told that kasten-service-down is firing",
        "metering-svc runs again",
        "rule: kasten-service-down is resolved for service=metering-svc",
        "webhook: told that kasten-service-down is resolved",
        "all of the script happened",
    ];
    assert_plays(manifests, BREAK_AND_HEAL, &expected);
}

fn assert_fails_a_backup(manifests: &Path) {
    let group = format!("group: {ACTION_ON_ERROR} {{type=\"backup\"}}");
    let expected = [
        "one more backup of namespace failed-ns failed",
        "rule: action-on-error is firing for namespace=failed-ns",
        &group,
        "webhook: told that action-on-error is firing",
        "all of the script happened",
    ];
    assert_plays(manifests, FAIL_BACKUP, &expected);
}

#[test]
fn a_service_breaks_and_heals() {
    assert_breaks_and_heals(&examples());
}

#[test]
fn a_backup_fails() {
    assert_fails_a_backup(&examples());
}

#[test]
fn a_service_of_the_seed_breaks_and_heals() {
    let Some(seeds) = seeds() else { return };
    assert_breaks_and_heals(&seeds);
}

#[test]
fn a_backup_of_the_seed_fails() {
    let Some(seeds) = seeds() else { return };
    assert_fails_a_backup(&seeds);
}

#[test]
fn a_script_that_cannot_be_played_fails() {
    let finished = play(&examples(), "break nothing-svc; quit");
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(
        finished.stderr.contains("metering-svc"),
        "no list of services: {}",
        finished.stderr
    );
    let finished = play(&examples(), "brake metering-svc");
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(
        finished.stderr.contains("break SERVICE"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_second_terminal() {
    second_terminal(&examples(), "failed for namespace failed-ns");
}

#[test]
fn a_second_terminal_with_the_seed() {
    let Some(seeds) = seeds() else { return };
    let description = "The action of type backup executed on policy failed-ns-backup for the namespace failed-ns is on error.";
    second_terminal(&seeds, description);
}

/// The author's procedure, by hand: look, break, look, heal, fail a backup, look.
fn second_terminal(manifests: &Path, description: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = start(dir.path(), manifests);
    let address = demo.wait_for_line("its address", BOUND, |line| {
        let url = line
            .trim()
            .strip_prefix("targets")?
            .trim()
            .strip_prefix("http://")?;
        url.split_once('/').map(|(address, _)| address.to_owned())
    });
    demo.wait_for_line("the end of the introduction", BOUND, |line| {
        line.starts_with("ready").then_some(())
    });
    assert_targets_up(&address);
    assert_rules_healthy(&address);

    command(
        dir.path(),
        &["break", "metering-svc"],
        "metering-svc is stopped",
    );
    let wanted = ("kasten-service-down", "service", "metering-svc");
    wait_for_alert(&address, wanted, "kasten-io");
    // The service that is broken also answers discovery; the last good list stays in use.
    let targets = json(&address, "/api/v1/targets?state=active");
    let targets = targets["data"]["activeTargets"].as_array().unwrap();
    assert_eq!(
        targets
            .iter()
            .filter(|target| target["scrapePool"] == HTTP_POOL)
            .count(),
        4
    );
    wait_for_group(
        &address,
        OPERATING,
        ("alertname", "kasten-service-down"),
        wanted,
    );
    wait_for_webhook(&mut demo, "  firing kasten-service-down", "metering-svc");

    command(dir.path(), &["heal"], "metering-svc runs again");
    wait_for_webhook(&mut demo, "  resolved kasten-service-down", "metering-svc");

    command(
        dir.path(),
        &["fail-backup"],
        "one more backup of namespace failed-ns failed",
    );
    let wanted = ("action-on-error", "policy", "failed-ns-backup");
    wait_for_alert(&address, wanted, "failed-ns");
    wait_for_group(&address, ACTION_ON_ERROR, ("type", "backup"), wanted);
    wait_for_webhook(&mut demo, "  firing action-on-error", description);

    demo.signal(Signal::Interrupt);
    assert_eq!(demo.wait(BOUND).code, Some(0));
    let finished = command_line(dir.path(), &["heal"]);
    assert_eq!(
        finished.code,
        Some(1),
        "a demo that ended answered: {finished:?}"
    );
    assert!(
        finished.stderr.contains("no demo is running"),
        "{}",
        finished.stderr
    );
}

fn start(dir: &Path, manifests: &Path) -> Program {
    let mut command = keepwatch(dir);
    command
        .args(["demo", "--port", "0", "--data-dir", "data", "--manifests"])
        .arg(manifests);
    Program::start("keepwatch demo", command)
}

fn command_line(dir: &Path, words: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.arg("demo").args(words);
    finish("keepwatch demo in a second terminal", command, BOUND)
}

fn command(dir: &Path, words: &[&str], answer: &str) {
    let finished = command_line(dir, words);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stdout.trim_end(), answer);
}

fn assert_targets_up(address: &str) {
    let targets = wait_for_targets(address, "two pools with all targets up", |targets| {
        targets.len() == 6 && targets.iter().all(|target| target["health"] == "up")
    });
    let count = |pool: &str| {
        targets
            .iter()
            .filter(|target| target["scrapePool"] == pool)
            .count()
    };
    assert_eq!(
        (count(HTTP_POOL), count(EXECUTOR_POOL)),
        (4, 2),
        "{targets:#?}"
    );
    for target in &targets {
        let labels = &target["labels"];
        let identity = if target["scrapePool"] == HTTP_POOL {
            "application"
        } else {
            "app"
        };
        assert_eq!(labels[identity], "k10", "{target:#}");
        assert_eq!(labels["job"], target["scrapePool"], "{target:#}");
        assert_eq!(target["lastError"], "", "{target:#}");
    }
}

fn assert_rules_healthy(address: &str) {
    let groups = until("six healthy rules", BOUND, || {
        let answer = json(address, "/api/v1/rules");
        let groups = answer["data"]["groups"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let rules = || {
            groups
                .iter()
                .flat_map(|group| group["rules"].as_array().into_iter().flatten())
        };
        let is_healthy = rules().count() == 6 && rules().all(|rule| rule["health"] == "ok");
        if is_healthy {
            Ok(groups)
        } else {
            Err(format!("{answer:#}"))
        }
    });
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["name"], "./kasten.rules");
    for rule in groups[0]["rules"].as_array().unwrap() {
        assert_eq!(rule["type"], "alerting");
        let evaluated = rule["lastEvaluation"].as_str().unwrap_or_default();
        assert!(evaluated.starts_with("20"), "never evaluated: {rule:#}");
    }
}

/// An alert by its name and one more label.
type Wanted<'a> = (&'a str, &'a str, &'a str);

fn is_alert(alert: &Value, (name, label, value): Wanted<'_>) -> bool {
    alert["labels"]["alertname"] == name && alert["labels"][label] == value
}

fn wait_for_alert(address: &str, wanted: Wanted<'_>, namespace: &str) {
    let alert = until("a firing alert", BOUND, || {
        let answer = json(address, "/api/v1/alerts");
        let alerts = answer["data"]["alerts"].as_array().into_iter().flatten();
        let mut firing = alerts.filter(|alert| alert["state"] == "firing");
        let found = firing.find(|alert| is_alert(alert, wanted)).cloned();
        found.ok_or_else(|| format!("{answer:#}"))
    });
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["labels"]["namespace"], namespace);
    let listed = until("the alert among Alertmanager's", BOUND, || {
        let answer = json(address, "/api/v2/alerts");
        let mut alerts = answer.as_array().into_iter().flatten();
        let found = alerts.find(|alert| is_alert(alert, wanted)).cloned();
        found.ok_or_else(|| format!("{answer:#}"))
    });
    assert_eq!(listed["status"]["state"], "active");
}

fn wait_for_group(address: &str, receiver: &str, label: (&str, &str), wanted: Wanted<'_>) {
    let group = until("the alert's group", BOUND, || {
        let answer = json(address, "/api/v2/alerts/groups");
        let groups = answer.as_array().into_iter().flatten();
        let mut of_receiver = groups.filter(|group| group["receiver"]["name"] == receiver);
        let found = of_receiver.find(|group| {
            group["alerts"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|alert| is_alert(alert, wanted))
        });
        found.cloned().ok_or_else(|| format!("{answer:#}"))
    });
    assert_eq!(group["labels"], serde_json::json!({label.0: label.1}));
}

fn wait_for_webhook(demo: &mut Program, start: &str, part: &str) {
    demo.wait_for_line(&format!("{start:?} with {part:?}"), BOUND, |line| {
        (line.starts_with(start) && line.contains(part)).then_some(())
    });
}
