//! The event recorder with the real program, as `alertmanager` and as the whole server: events in files, at webhooks
//! and on standard output, outputs that fail or hang, reloads and stops.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};
use testkit::process::{Page, PageServer, Signal, until};

use crate::alertmanager_role::{ALONE, post_json, start};
use crate::support::{BOUND, Server, serve};

const FEATURE: &str = "--enable-feature=event-recorder";

/// Tells `hook` at once; `section` is the event recorder.
fn config(hook: &PageServer, section: &str) -> String {
    format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
- {{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}
inhibit_rules: [{{name: cascade, source_matchers: [severity=critical], target_matchers: [severity=warning]}}]
event_recorder: {section}
",
        hook.address()
    )
}

fn page(status: u16) -> Page {
    Page {
        status,
        content_type: "text/plain".to_owned(),
        body: String::new(),
    }
}

type Taken = Arc<Mutex<Vec<String>>>;

/// Takes everything that is posted; refuses the first `failures` requests.
fn hook(failures: usize) -> (PageServer, Taken) {
    let (taken, asked) = (Taken::default(), AtomicUsize::new(0));
    let bodies = Arc::clone(&taken);
    let server = PageServer::start(move |request| {
        if asked.fetch_add(1, Ordering::SeqCst) < failures {
            return page(500);
        }
        bodies.lock().unwrap().push(request.body.clone());
        page(200)
    });
    (server, taken)
}

fn post_alert(address: &str, labels: &Value, end: &str) {
    let alert = json!({"labels": labels, "endsAt": end});
    post_json(address, "/api/v2/alerts", &json!([alert]));
}

const LATER: &str = "2099-01-01T00:00:00Z";

/// The kind of an event, and what it says.
fn parts(line: &str) -> (String, Value) {
    let mut event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    assert!(!event["@timestamp"].as_str().unwrap().is_empty());
    assert!(!event["instance"].as_str().unwrap().is_empty());
    let data = event["data"].as_object_mut().unwrap();
    assert_eq!(data.len(), 1, "{line}");
    let (kind, data) = std::mem::take(data).into_iter().next().unwrap();
    (kind, data)
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn kinds(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| parts(line).0).collect()
}

/// Waits until the file has an event of this kind, and returns what it says.
#[track_caller]
fn event(path: &Path, kind: &str) -> Value {
    until(kind, BOUND, || {
        let lines = lines(path);
        let mut events = lines.iter().map(|line| parts(line));
        let found = events.find(|(found, _)| found == kind);
        found
            .map(|(_, data)| data)
            .ok_or_else(|| format!("{:?}", kinds(&lines)))
    })
}

fn stop(server: Server) -> (String, String) {
    server.program.signal(Signal::Terminate);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    (finished.stdout, finished.stderr)
}

#[test]
fn an_alert_is_recorded_from_its_creation_to_its_end_at_every_output() {
    let dir = tempfile::tempdir().unwrap();
    let ((receiver, _), (recorder, taken)) = (hook(0), hook(0));
    let section = format!(
        "{{file_outputs: [{{path: events.jsonl}}], webhook_outputs: [{{url: 'http://{}/events', workers: 1}}], stdout_outputs: [{{}}]}}",
        recorder.address()
    );
    let server = start(dir.path(), &config(&receiver, &section), &[ALONE, FEATURE]);
    let file = dir.path().join("events.jsonl");
    let labels = json!({"alertname": "Disk", "severity": "critical"});
    post_alert(&server.address, &labels, LATER);
    let notification = event(&file, "notification");
    assert_eq!(notification["reason"], "NOTIFY_REASON_FIRST_NOTIFICATION");
    assert_eq!(notification["integration"], json!({"name": "webhook"}));
    assert_eq!(notification["groupInfo"]["receiverName"], "hook");

    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Quiet", "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": LATER, "createdBy": "me", "comment": "c",
    });
    let answer = post_json(&server.address, "/api/v2/silences", &silence);
    post_alert(&server.address, &json!({"alertname": "Quiet"}), LATER);
    let muted = event(&file, "silenceMutedAlert");
    assert_eq!(muted["silence"]["id"], answer["silenceID"]);
    let quiet = json!([{"key": "alertname", "value": "Quiet"}]);
    assert_eq!(muted["mutedAlert"]["labels"]["labels"], quiet);
    let warning = json!({"alertname": "Less", "severity": "warning"});
    post_alert(&server.address, &warning, LATER);
    let muted = event(&file, "inhibitionMutedAlert");
    assert_eq!(muted["inhibitRules"][0]["name"], "cascade");

    post_alert(&server.address, &labels, "2021-01-01T00:00:00Z");
    let resolved = event(&file, "alertResolved");
    assert_eq!(resolved["alert"]["details"]["name"], "Disk");
    assert_eq!(resolved["alert"]["details"]["resolved"], true);
    let recorded = format!(
        r#"alertmanager_events_recorded_total{{event_type="alert_created",output="webhook:http://{}/events",result="success"}}"#,
        recorder.address()
    );
    assert_eq!(server.metric(&recorded), Some(3.0));
    until("an empty queue", BOUND, || {
        let waiting = server.metric("alertmanager_event_recorder_queue_length");
        (waiting == Some(0.0))
            .then_some(())
            .ok_or_else(|| format!("{waiting:?}"))
    });

    let (stdout, _) = stop(server);
    let lines = lines(&file);
    let kinds = kinds(&lines);
    assert_eq!(kinds[0], "alertmanagerStartupEvent");
    assert_eq!(kinds[1..3], ["alertCreated", "alertGrouped"]);
    assert_eq!(kinds.last().unwrap(), "alertmanagerShutdownEvent");
    // All have the same, in the same order; the stop has sent the last.
    assert_eq!(*taken.lock().unwrap(), lines);
    let events = stdout.lines().filter(|line| line.starts_with('{'));
    assert_eq!(events.collect::<Vec<_>>(), lines);
}

#[test]
fn a_webhook_that_fails_at_first_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ((receiver, _), (recorder, taken)) = (hook(0), hook(2));
    let section = format!(
        "{{file_outputs: [{{path: events.jsonl}}], webhook_outputs: [{{url: 'http://{}/', workers: 1, retry_backoff: 1ms, batch: true}}]}}",
        recorder.address()
    );
    let server = start(dir.path(), &config(&receiver, &section), &[ALONE, FEATURE]);
    post_alert(&server.address, &json!({"alertname": "Disk"}), LATER);
    let file = dir.path().join("events.jsonl");
    event(&file, "notification");
    stop(server);
    let bodies = taken.lock().unwrap();
    let batches = bodies.iter().map(|body| {
        let events: Vec<Value> = serde_json::from_str(body).unwrap();
        events
    });
    let sent: Vec<Value> = batches.flatten().collect();
    let written = lines(&file);
    let written = written
        .iter()
        .map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(sent, written.collect::<Vec<Value>>());
}

#[test]
fn a_webhook_that_hangs_does_not_hold_up_notifications() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, told) = hook(0);
    let (is_over, bell) = (Arc::new(Mutex::new(false)), Arc::new(Condvar::new()));
    let has_hung = Arc::new(AtomicBool::new(false));
    let (over, rung, hung) = (
        Arc::clone(&is_over),
        Arc::clone(&bell),
        Arc::clone(&has_hung),
    );
    let recorder = PageServer::start(move |_| {
        hung.store(true, Ordering::SeqCst);
        let mut is_over = over.lock().unwrap();
        while !*is_over {
            is_over = rung.wait(is_over).unwrap();
        }
        page(200)
    });
    let section = format!(
        "{{webhook_outputs: [{{url: 'http://{}/', workers: 1, timeout: 5m}}]}}",
        recorder.address()
    );
    let server = start(dir.path(), &config(&receiver, &section), &[ALONE, FEATURE]);
    until("a request that hangs", BOUND, || {
        let has_hung = has_hung.load(Ordering::SeqCst);
        has_hung.then_some(()).ok_or_else(String::new)
    });
    // More than the output's queue holds.
    let alerts = (0..700).map(
        |index| json!({"labels": {"alertname": "Disk", "i": index.to_string()}, "endsAt": LATER}),
    );
    let alerts: Vec<Value> = alerts.collect();
    post_json(&server.address, "/api/v2/alerts", &json!(alerts));
    until("the notification", BOUND, || {
        let told = told.lock().unwrap();
        let all = told
            .iter()
            .any(|body| body.matches("\"i\":").count() >= 700);
        all.then_some(()).ok_or_else(|| format!("{}", told.len()))
    });
    let drops = format!(
        r#"alertmanager_event_output_drops_total{{output="webhook:http://{}/"}}"#,
        recorder.address()
    );
    until("drops", BOUND, || {
        let drops = server.metric(&drops);
        match drops {
            Some(drops) if drops > 300.0 => Ok(()),
            _ => Err(format!("{drops:?}")),
        }
    });
    *is_over.lock().unwrap() = true;
    bell.notify_all();
    stop(server);
}

#[test]
fn a_reload_changes_the_outputs_unless_one_cannot_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, _) = hook(0);
    let at = |name: &str| dir.path().join(name);
    let section = |path: &str| config(&receiver, &format!("{{file_outputs: [{{path: {path}}}]}}"));
    let server = start(dir.path(), &section("a"), &[ALONE, FEATURE]);
    let reload = |path: &str| {
        fs::write(at("alertmanager.yml"), section(path)).unwrap();
        assert_eq!(server.post("/-/reload").status, 200);
    };
    event(&at("a"), "alertmanagerStartupEvent");
    reload("b");
    post_alert(&server.address, &json!({"alertname": "One"}), LATER);
    event(&at("b"), "notification");
    let before = lines(&at("a"));
    reload("no/folder/c");
    fs::rename(at("b"), at("b.1")).unwrap();
    post_alert(&server.address, &json!({"alertname": "Two"}), LATER);
    // Where the file was moved away, as logrotate does it, there is a new one.
    let created = event(&at("b"), "alertCreated");
    assert_eq!(created["alert"]["name"], "Two");
    assert_eq!(lines(&at("a")), before);
    let reasons = server.json("/api/keepwatch/v1/reasons?code=event-output-not-opened");
    assert!(reasons.to_string().contains("No such file"), "{reasons}");
    let (_, log) = stop(server);
    assert!(
        log.contains("the outputs of the event recorder stay as they were"),
        "{log}"
    );
}

#[test]
fn without_the_feature_nothing_is_recorded_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, told) = hook(0);
    let section = "{file_outputs: [{path: events.jsonl}]}";
    let server = start(dir.path(), &config(&receiver, section), &[ALONE]);
    post_alert(&server.address, &json!({"alertname": "Disk"}), LATER);
    until("a notification", BOUND, || {
        let is_told = !told.lock().unwrap().is_empty();
        is_told.then_some(()).ok_or_else(String::new)
    });
    let page = server.get("/metrics").body;
    assert!(!page.contains("alertmanager_event"), "{page}");
    let (_, log) = stop(server);
    assert!(
        log.contains("event_recorder has no effect without --enable-feature=event-recorder"),
        "{log}"
    );
    assert!(!dir.path().join("events.jsonl").exists());
}

#[test]
fn the_whole_server_records_alerts_of_its_rules() {
    let dir = tempfile::tempdir().unwrap();
    let (receiver, _) = hook(0);
    let files = [
        (
            "prometheus.yml",
            "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n".to_owned(),
        ),
        (
            "rules.yml",
            "groups: [{name: g, rules: [{alert: Always, expr: vector(1)}]}]\n".to_owned(),
        ),
        (
            "alertmanager.yml",
            config(&receiver, "{file_outputs: [{path: events.jsonl}]}"),
        ),
    ];
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let server = serve(
        dir.path(),
        &[
            "--config.file=prometheus.yml",
            "--alertmanager.config.file=alertmanager.yml",
            "--storage.tsdb.path=data",
            FEATURE,
        ],
    );
    let file = dir.path().join("events.jsonl");
    let notification = event(&file, "notification");
    assert_eq!(notification["alerts"][0]["details"]["name"], "Always");
    let (_, log) = stop(server);
    assert!(!log.contains("Unknown option"), "{log}");
    let kinds = kinds(&lines(&file));
    assert_eq!(kinds[0], "alertmanagerStartupEvent");
    assert_eq!(kinds[1..3], ["alertCreated", "alertGrouped"]);
    assert_eq!(kinds.last().unwrap(), "alertmanagerShutdownEvent");
}
