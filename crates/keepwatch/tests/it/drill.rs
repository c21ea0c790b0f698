//! Fire drills with the real program: to a receiver, through the routes, to nobody, and where nothing may be changed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::process::{Finished, Page, PageServer, finish, post_bytes, until};

use crate::support::{BOUND, Server, keepwatch, serve};

const FLAGS: [&str; 3] = [
    "--config.file=prometheus.yml",
    "--alertmanager.config.file=alertmanager.yml",
    "--storage.tsdb.path=data",
];
const PATH: &str = "/api/keepwatch/v1/alerts/drill";

/// `good` and `bad` take notifications of two integrations each; nobody is told by `nobody`.
fn files(dir: &Path, good: &PageServer, bad: &PageServer) {
    let hook =
        |server: &PageServer, name: &str| format!("{{url: 'http://{}/{name}'}}", server.address());
    let config = format!(
        "route:
  receiver: nobody
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
  - {{matchers: [to=good], receiver: good}}
  - {{matchers: [to=bad], receiver: bad, group_wait: 5m}}
  - {{matchers: [to=both], receiver: good, continue: true}}
  - {{matchers: [to=both], receiver: bad}}
receivers:
- name: nobody
- {{name: good, webhook_configs: [{}, {}]}}
- {{name: bad, webhook_configs: [{}]}}
",
        hook(good, "one"),
        hook(good, "two"),
        hook(bad, "one")
    );
    fs::write(dir.join("prometheus.yml"), "global: {}\n").unwrap();
    fs::write(dir.join("alertmanager.yml"), config).unwrap();
}

/// A receiver, and how often it was asked.
fn receiver(status: u16) -> (PageServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = PageServer::start(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Page {
            status,
            content_type: "text/plain".to_owned(),
            body: "I am tired".to_owned(),
        }
    });
    (server, asked)
}

fn drill(dir: &Path, server: &Server, arguments: &[&str]) -> Finished {
    let url = format!("--url=http://{}/alertmanager", server.address);
    let mut command = keepwatch(dir);
    command.args(["alert", "drill", &url]).args(arguments);
    finish("keepwatch alert drill", command, BOUND)
}

/// Its answer as JSON.
#[track_caller]
fn drill_json(dir: &Path, server: &Server, (code, arguments): (i32, &[&str])) -> Value {
    let finished = drill(dir, server, &[arguments, &["-o", "json"]].concat());
    assert_eq!(finished.code, Some(code), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn ends(drill: &Value) -> Vec<String> {
    let ends = drill["ends"].as_array().unwrap().iter();
    let mut ends: Vec<String> = ends
        .map(|end| {
            let word = |name: &str| end[name].as_str().unwrap_or("-").to_owned();
            let is_resolved = end["isResolved"].as_bool().unwrap();
            let status = end["status"].to_string();
            let state = if is_resolved { "resolved" } else { "firing" };
            [
                &word("receiver"),
                &word("integration"),
                state,
                &word("outcome"),
                &status,
            ]
            .join(" ")
        })
        .collect();
    ends.sort();
    ends
}

fn proven(server: &Server, receiver: &str) -> Option<f64> {
    let name = "keepwatch_last_proven_delivery_timestamp_seconds";
    server.metric(&format!("{name}{{receiver=\"{receiver}\"}}"))
}

fn post(server: &Server, body: &Value) -> (u16, String) {
    let headers = [("Content-Type", "application/json")];
    let (_, answer) = post_bytes(&server.address, PATH, &headers, body.to_string().as_bytes());
    (answer.status, answer.body)
}

#[test]
fn a_receiver_is_told_and_told_that_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ((good, good_asked), (bad, bad_asked)) = (receiver(200), receiver(500));
    files(dir, &good, &bad);
    let server = serve(dir, &FLAGS);

    assert_eq!(proven(&server, "good"), None);
    let told = drill_json(dir, &server, (0, &["--receiver", "good"]));
    assert_eq!(told["outcome"], "proven");
    let expected = [
        "good webhook firing delivered 200",
        "good webhook firing delivered 200",
        "good webhook resolved delivered 200",
        "good webhook resolved delivered 200",
    ];
    assert_eq!(ends(&told), expected);
    assert_eq!(good_asked.load(Ordering::SeqCst), 4);
    assert_eq!(told["labels"]["keepwatch_drill"], told["id"]);
    assert_eq!(told["hops"].as_array().unwrap().len(), 8);
    assert!(proven(&server, "good").unwrap() > 1.7e9);
    // It never was an alert of the routes, and the journal has it.
    assert_eq!(server.json("/api/v2/alerts"), json!([]));
    let fingerprint = told["fingerprint"].as_str().unwrap();
    let path =
        format!("/api/keepwatch/v1/journal?fingerprint={fingerprint}&code=delivery-succeeded");
    let events = server.json(&path)["data"]["events"].clone();
    assert_eq!(events.as_array().unwrap().len(), 4, "{events}");

    // 500 may pass, so that it is tried a few times, for the alert and for its end; and then no more.
    let finished = drill(dir, &server, &["--receiver", "bad"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for words in [
        "Attempt 2 to tell bad by webhook failed: unexpected status code 500",
        "bad was not told about 1 firing alert by webhook: given up after 3 attempts",
        "Somebody could not be told.\n  bad, webhook: failed. ",
        "bad, webhook: its end: failed. ",
    ] {
        assert!(
            finished.stdout.contains(words),
            "{words}: {}",
            finished.stdout
        );
    }
    assert_eq!(bad_asked.load(Ordering::SeqCst), 6);
    assert_eq!(proven(&server, "bad"), None);
}

#[test]
fn the_routes_choose_whom_to_tell() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ((good, good_asked), (bad, _)) = (receiver(200), receiver(400));
    files(dir, &good, &bad);
    let server = serve(dir, &FLAGS);

    let told = drill_json(dir, &server, (0, &["--labels", "Disk", "to=good"]));
    assert_eq!(told["outcome"], "proven");
    assert_eq!(ends(&told), ["good webhook firing delivered 200"; 2]);
    assert_eq!(told["labels"]["alertname"], "Disk");
    let codes: Vec<&str> = told["hops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hop| hop["code"].as_str().unwrap())
        .collect();
    for code in [
        "alert-fired",
        "alert-routed",
        "delivery-started",
        "delivery-succeeded",
    ] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    assert_eq!(codes.last(), Some(&"alert-resolved"));
    // The end goes the usual way, once, and then the alert is gone from its group.
    until("the end", BOUND, || {
        match (
            good_asked.load(Ordering::SeqCst),
            server.json("/api/v2/alerts/groups"),
        ) {
            (4, Value::Array(groups)) if groups.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });

    let told = drill_json(dir, &server, (1, &["--labels", "Disk", "to=both"]));
    assert_eq!(told["outcome"], "failed");
    let expected = [
        "bad webhook firing failed null",
        "good webhook firing delivered 200",
        "good webhook firing delivered 200",
    ];
    assert_eq!(ends(&told), expected);

    let told = drill_json(dir, &server, (1, &["--labels", "to=nobody-knows"]));
    assert_eq!(told["outcome"], "nobody");
    assert_eq!(ends(&told), ["nobody - firing nobody null"]);

    // Its group waits for five minutes.
    let told = drill_json(dir, &server, (1, &["--labels", "to=bad", "--wait", "1s"]));
    assert_eq!(told["outcome"], "waiting");
    assert_eq!(ends(&told), ["bad - firing waiting null"]);

    let silence = json!({
        "matchers": [{"name": "to", "value": "good", "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "ada", "comment": "moving house",
    });
    let headers = [("Content-Type", "application/json")];
    let silence = silence.to_string();
    post_bytes(
        &server.address,
        "/api/v2/silences",
        &headers,
        silence.as_bytes(),
    );
    let told = drill_json(dir, &server, (1, &["--labels", "Disk", "to=good"]));
    assert_eq!(told["outcome"], "suppressed");
    assert_eq!(ends(&told), ["good - firing suppressed null"]);
}

#[test]
fn what_cannot_be_drilled_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ((good, asked), (bad, _)) = (receiver(200), receiver(500));
    files(dir, &good, &bad);
    let server = serve(dir, &FLAGS);
    for (body, status, words) in [
        (
            json!({"receiver": "none"}),
            404,
            "there is no receiver \\\"none\\\"; there are nobody, good, bad",
        ),
        (
            json!({"receiver": "nobody"}),
            422,
            "has no integration: nobody would be told",
        ),
        (json!({}), 400, "give either `receiver`"),
        (
            json!({"receiver": "good", "labels": {"a": "b"}}),
            400,
            "give either `receiver`",
        ),
        (json!({"labels": {"": "b"}}), 400, "the alert was refused: "),
        (json!({"receiver": "good", "wait": "2h"}), 400, "at most 1h"),
        (json!({"receiver": "good", "wait": "-1"}), 400, "wait"),
        (json!({"whom": "good"}), 400, "the body is not as described"),
        (json!([]), 400, "the body is not as described"),
    ] {
        let (got, text) = post(&server, &body);
        assert_eq!(got, status, "{body}: {text}");
        assert!(text.contains(words), "{body}: {text}");
    }
    let finished = drill(dir, &server, &[]);
    assert_eq!(finished.code, Some(1));
    assert!(
        finished.stderr.starts_with("whom to tell?"),
        "{}",
        finished.stderr
    );
    drop(server);

    let server = serve(dir, &[&FLAGS[..], &["--web.read-only"]].concat());
    let finished = drill(dir, &server, &["--receiver", "good"]);
    assert_eq!(finished.code, Some(1));
    let words = "403 Forbidden and no JSON";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("this server is read-only"),
        "{}",
        finished.stderr
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
