//! "Why was I (not) paged?": from the sample of a rule to the answer of the receiver, asked of a running server, after
//! a kill, and of a folder whose server is stopped.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::process::{Finished, Page, PageServer, Signal, finish, post_bytes, until};

use crate::support::{BOUND, Server, keepwatch, serve};

const FLAGS: [&str; 4] = [
    "--web.enable-lifecycle",
    "--config.file=prometheus.yml",
    "--alertmanager.config.file=alertmanager.yml",
    "--storage.tsdb.path=data",
];

const PROMETHEUS: &str = "\
global: {evaluation_interval: 1s, external_labels: {cluster: one}}
rule_files: [rules.yml]
";

const RULES: &str = "\
groups:
- name: shop
  rules:
  - alert: Slow
    expr: vector(0.75) > 0.5
    for: 2s
    labels: {to: good}
  - alert: Patient
    expr: vector(1)
    for: 10h
";

/// A folder with a server's files. `good` takes notifications, `bad` answers 500.
fn files(dir: &Path, good: &PageServer, bad: &PageServer) {
    fs::write(dir.join("prometheus.yml"), PROMETHEUS).unwrap();
    fs::write(dir.join("rules.yml"), RULES).unwrap();
    let webhook = |server: &PageServer| {
        format!(
            "webhook_configs: [{{url: 'http://{}/hook'}}]",
            server.address()
        )
    };
    let config = format!(
        "route:
  receiver: nobody
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  routes:
  - {{matchers: [to=good], receiver: good}}
  - {{matchers: [to=bad], receiver: bad}}
  - {{matchers: [to=twice], receiver: good, continue: true}}
  - {{matchers: [to=twice], receiver: good, mute_time_intervals: [always]}}
time_intervals: [{{name: always, time_intervals: [{{}}]}}]
inhibit_rules:
- {{name: outage, source_matchers: [alertname=Outage], target_matchers: [alertname=Part]}}
receivers:
- name: nobody
- {{name: good, {}}}
- {{name: bad, {}}}
",
        webhook(good),
        webhook(bad)
    );
    fs::write(dir.join("alertmanager.yml"), config).unwrap();
}

fn answering(status: u16) -> PageServer {
    PageServer::start(move |_| Page {
        status,
        content_type: "text/plain".to_owned(),
        body: "I am tired".to_owned(),
    })
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    let headers = [("Content-Type", "application/json")];
    let body = body.to_string();
    let (_, answer) = post_bytes(&server.address, path, &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap_or_default()
}

fn post_alert(server: &Server, name: &str, to: &str) {
    let alert = json!({"labels": {"alertname": name, "to": to}, "endsAt": "2099-01-01T00:00:00Z"});
    post(server, "/api/v2/alerts", &json!([alert]));
}

/// `keepwatch alert …`
fn alert(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.arg("alert").args(arguments);
    finish("keepwatch alert", command, BOUND)
}

fn url(server: &Server) -> String {
    format!("--url=http://{}/alertmanager", server.address)
}

/// What `alert why` says, once it has these words in this order.
#[track_caller]
fn why(dir: &Path, place: &str, arguments: &[&str], words: &[&str]) -> String {
    until(&format!("{arguments:?}"), BOUND, || {
        let finished = alert(dir, &[&["why", place], arguments].concat());
        let mut rest = finished.stdout.as_str();
        for word in words {
            match rest.split_once(word) {
                Some((_, behind)) => rest = behind,
                None => {
                    return Err(format!(
                        "no {word:?} in\n{}{}",
                        finished.stdout, finished.stderr
                    ));
                }
            }
        }
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        Ok(finished.stdout)
    })
}

#[test]
fn why_somebody_was_told_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (good, bad) = (answering(202), answering(500));
    files(dir, &good, &bad);
    let server = serve(dir, &FLAGS);
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "Hushed", "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ada", "comment": "moving house",
    });
    let silence = post(&server, "/api/v2/silences", &silence)["silenceID"].clone();
    let silence = silence.as_str().unwrap();
    for (name, to) in [
        ("Hushed", "good"),
        ("Outage", "good"),
        ("Part", "good"),
        ("Broken", "bad"),
        ("Lonely", "nobody"),
        ("Twin", "twice"),
    ] {
        post_alert(&server, name, to);
    }
    let place = url(&server);
    let chain = [
        "Slow is pending: the expression of rule Slow in group shop has the value 0.75, and the alert fires if it holds for 2s.",
        "Slow fires by rule Slow of group shop: its value is 0.75",
        "Slow arrived, firing since",
        "Slow is in the group",
        "good is being told about 1 firing alert by webhook: first notification.",
        "good was told about 1 firing alert by webhook, which answered 202.",
        "Told: good.",
        "good: told.",
        "If nothing changes, it is told again after",
    ];
    why(dir, &place, &["Slow", "cluster=one"], &chain);
    let held_back = "Nobody was told, because it is held back:";
    let hushed = [&format!("it is silenced by {silence}."), held_back];
    why(dir, &place, &["Hushed"], &hushed);
    let inhibited = [
        "it is inhibited while {alertname=\"Outage\", to=\"good\"} fires, by inhibition rule outage.",
        held_back,
    ];
    why(dir, &place, &["Part"], &inhibited);
    let refused = [
        "Attempt 1 to tell bad by webhook failed: unexpected status code 500: I am tired; the next one is at",
        "Nobody was told, because sending failed:",
        "bad: not told",
    ];
    why(dir, &place, &["Broken"], &refused);
    let lonely = ["nobody is told nothing", "nobody is there to be told"];
    why(dir, &place, &["Lonely"], &lonely);
    let twins = [
        "Told: good. Not everybody was:",
        "not told. good is not told about Twin: it is muted by the time interval always.",
        "By route {}/{to=\"twice\"}/3.",
    ];
    why(dir, &place, &["Twin"], &twins);
    let told = [twins[0], "good: told.", "By route {}/{to=\"twice\"}/2."];
    why(dir, &place, &["Twin"], &told);
    let patient = ["fires if it holds for 10h", "it has not fired yet"];
    why(dir, &place, &["Patient"], &patient);
    let unknown = alert(dir, &["why", &place, "Nothing"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.contains("no alert with these labels"),
        "{}",
        unknown.stderr
    );
    let history = alert(dir, &["history", &place, "-o", "json", "--limit=1000"]);
    let events: Vec<Value> = serde_json::from_str(&history.stdout).unwrap();
    let made = events
        .iter()
        .find(|event| event["code"] == "silence-stored");
    assert_eq!(made.unwrap()["detail"]["createdBy"], "ada");

    // What was told before a kill is known behind it.
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let offline = "--storage.path=data";
    why(dir, offline, &["Slow"], &chain);
    let server = serve(dir, &FLAGS);
    let place = url(&server);
    why(dir, &place, &["Broken"], &refused);
    fs::write(dir.join("alertmanager.yml"), "route: {}").unwrap();
    assert_eq!(server.post("/-/reload").status, 500);
    until("the refused reload", BOUND, || {
        let history = alert(dir, &["history", &place]).stdout;
        match history.contains("A reload was refused: ") {
            true => Ok(()),
            false => Err(history),
        }
    });
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));
    let history = alert(dir, &["history", offline, "--from=-1h", "--to=-0s"]).stdout;
    assert!(history.ends_with("Alerting stopped.\n"), "{history}");
    assert_eq!(history.matches("Alerting started").count(), 2, "{history}");
}

#[test]
fn events_and_timelines_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (good, bad) = (answering(200), answering(500));
    files(dir, &good, &bad);
    let server = serve(dir, &FLAGS);
    post_alert(&server, "Disk", "good");
    let journal = "/api/keepwatch/v1/journal";
    let told = until("the delivery", BOUND, || {
        let path = format!("{journal}?filter=alertname%3DDisk&code=delivery-succeeded");
        let answer = server.json(&path);
        match answer["data"]["events"].get(0) {
            Some(event) => Ok(event.clone()),
            None => Err(answer.to_string()),
        }
    });
    assert_eq!(told["kind"], "delivery");
    assert_eq!(told["group"]["receiver"], "good");
    assert_eq!(told["integration"], "webhook");
    assert_eq!(told["detail"]["status"], "200");
    let fingerprint = told["alerts"][0]["fingerprint"].as_str().unwrap();
    let codes = |query: &str| -> Vec<String> {
        let mut codes = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = server.json(&format!("{journal}?limit=1&{query}{cursor}"));
            let events = answer["data"]["events"].as_array().unwrap();
            codes.extend(
                events
                    .iter()
                    .map(|event| event["code"].as_str().unwrap().to_owned()),
            );
            match answer["data"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return codes,
            }
        }
    };
    let mut all = codes(&format!(
        "fingerprint={fingerprint}&kind=alert&kind=delivery"
    ));
    all.reverse();
    let expected = [
        "alert-fired",
        "alert-routed",
        "delivery-started",
        "delivery-succeeded",
    ];
    assert_eq!(all[..4], expected);
    let oldest = codes(&format!("fingerprint={fingerprint}&kind=alert&order=asc"));
    assert_eq!(oldest, expected[..2]);
    assert!(codes("receiver=bad").is_empty());

    let timeline = server.json(&format!("/api/keepwatch/v1/alerts/{fingerprint}/timeline"));
    let timeline = &timeline["data"];
    assert_eq!(timeline["labels"]["alertname"], "Disk");
    assert_eq!(timeline["spans"][0]["state"], "firing");
    assert_eq!(timeline["spans"][0]["isOpen"], true);
    assert_eq!(timeline["marks"][0]["kind"], "notified");
    assert_eq!(timeline["marks"][0]["id"], told["id"]);
    assert_eq!(timeline["isComplete"], true);

    for (query, problem) in [
        (
            "kind=nothing",
            "there are alert, group, delivery, silence, config, rule",
        ),
        ("cursor=x", "is no `next` of an answer"),
        ("order=up", "there are desc and asc"),
        ("fingerprint=12", "is not 16 hexadecimal digits"),
        ("from=yesterday", "cannot parse"),
        ("filter=%7B%7B", "filter"),
        ("limit=many", "not a number"),
    ] {
        let answer = server.get(&format!("{journal}?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.contains(problem), "{query}: {}", answer.body);
    }
    assert!(server.metric("keepwatch_journal_events_total").unwrap() > 4.0);
    assert_eq!(
        server.metric("keepwatch_journal_events_dropped_total"),
        Some(0.0)
    );
}
