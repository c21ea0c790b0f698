//! Silences: made and ended by Alertmanager's own tool, in force at once, and still there after `kill -9`, after
//! a file was damaged, and for a real Alertmanager with the same files; and what else alerting remembers.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use testkit::process::{
    Finished, Page, PageServer, Peer, Signal, finish, is_installed, post_bytes, until,
};

use crate::support::{BOUND, Server, json, serve};

fn start(dir: &Path) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--log.level=error",
    ];
    serve(dir, &flags)
}

fn kill(server: Server) {
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
}

fn amtool(address: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new("amtool");
    command
        .arg(format!("--alertmanager.url=http://{address}"))
        .args(arguments)
        .env("HOME", "/nonexistent");
    finish("amtool", command, BOUND)
}

fn add(address: &str, comment: &str) -> String {
    let comment = format!("--comment={comment}");
    let arguments = [
        "silence",
        "add",
        "--author=me",
        &comment,
        "alertname=Disk",
        "job=~a|b",
    ];
    let made = amtool(address, &arguments);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    made.stdout.trim().to_owned()
}

/// Ids and states, the newest first.
fn silences(address: &str) -> Vec<(String, String)> {
    let all = json(address, "/api/v2/silences");
    let all = all.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|one| (text(&one["id"]), text(&one["status"]["state"])))
        .collect()
}

fn state(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

fn post_alert(address: &str) {
    let body = br#"[{"labels":{"alertname":"Disk","job":"a"},"endsAt":"2099-01-01T00:00:00Z"}]"#;
    let json = [("Content-Type", "application/json")];
    let (_, answer) = post_bytes(address, "/api/v2/alerts", &json, body);
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn silenced_by(address: &str) -> Value {
    json(address, "/api/v2/alerts")[0]["status"]["silencedBy"].clone()
}

#[test]
fn a_silence_holds_at_once_and_over_a_crash() {
    if !is_installed("amtool") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let first = add(&server.address, "first");
    post_alert(&server.address);
    assert_eq!(silenced_by(&server.address), serde_json::json!([first]));
    let queried = amtool(
        &server.address,
        &["silence", "query", "-q", "alertname=Disk"],
    );
    assert_eq!(queried.stdout.trim(), first, "{}", queried.stderr);
    kill(server);

    let server = start(dir.path());
    assert_eq!(silences(&server.address), [state(&first, "active")]);
    let second = add(&server.address, "second");
    let ended = amtool(&server.address, &["silence", "expire", &first]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    kill(server);

    let server = start(dir.path());
    let expected = [state(&second, "active"), state(&first, "expired")];
    assert_eq!(silences(&server.address), expected);
    post_alert(&server.address);
    assert_eq!(silenced_by(&server.address), serde_json::json!([second]));
    kill(server);

    // What can be read of a damaged file is kept, and the file as it was.
    let file = dir.path().join("data/alertmanager/silences");
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend([0x20, 0x0a, 0x05]);
    fs::write(&file, &bytes).unwrap();
    let server = start(dir.path());
    assert_eq!(silences(&server.address), expected);
    let aside = dir.path().join("data/alertmanager/silences.damaged");
    assert_eq!(fs::read(aside).unwrap(), bytes);
    let output = server.program.output();
    assert!(output.contains("a file of alerting is damaged"), "{output}");
}

#[test]
fn alertmanager_takes_over_the_files_and_gives_them_back() {
    if !is_installed("prometheus-alertmanager") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let ours = add(&server.address, "ours");
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);

    let peer = alertmanager(dir.path());
    assert_eq!(silences(&peer.address), [state(&ours, "active")]);
    let theirs = add(&peer.address, "theirs");
    // It writes its files when it stops.
    peer.stop();

    let server = start(dir.path());
    let mut known = silences(&server.address);
    known.sort();
    let mut expected = [state(&ours, "active"), state(&theirs, "active")];
    expected.sort();
    assert_eq!(known, expected);
    let shown = json(&server.address, &format!("/api/v2/silence/{theirs}"));
    assert_eq!(shown["comment"], "theirs");
    assert_eq!(shown["matchers"].as_array().unwrap().len(), 2);
}

#[test]
fn what_was_notified_is_not_notified_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let hook = PageServer::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Page::ok("text/plain", "")
    });
    let config = format!(
        "route: {{receiver: hook, group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/'}}]}}]\n",
        hook.address()
    );
    fs::write(dir.path().join("alertmanager.yml"), config).unwrap();
    let start = || {
        let flags = [
            "--alertmanager.config.file=alertmanager.yml",
            "--storage.tsdb.path=data",
            "--log.level=error",
        ];
        serve(dir.path(), &flags)
    };
    let server = start();
    post_alert(&server.address);
    until("the first notification", BOUND, || {
        match hits.load(Ordering::Relaxed) {
            1 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    until("the notification log", BOUND, || {
        match fs::metadata(dir.path().join("data/alertmanager/nflog")) {
            Ok(file) if file.len() > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    kill(server);

    let server = start();
    post_alert(&server.address);
    until("the decision not to notify", BOUND, || {
        let reasons = server.json("/api/keepwatch/v1/reasons")["data"]["counts"].clone();
        match reasons["alert-already-notified"].as_u64() {
            Some(count) if count > 0 => Ok(()),
            _ => Err(reasons.to_string()),
        }
    });
    assert_eq!(hits.load(Ordering::Relaxed), 1);
}

#[test]
fn what_a_silence_has_stopped_is_known_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let config = "route: {receiver: none, group_by: [job], group_wait: 0s, group_interval: 1s}\n\
                  receivers: [{name: none}]\n";
    fs::write(dir.path().join("alertmanager.yml"), config).unwrap();
    let start = || {
        let flags = [
            "--alertmanager.config.file=alertmanager.yml",
            "--storage.tsdb.path=data",
            "--log.level=error",
        ];
        serve(dir.path(), &flags)
    };
    let stopped = |server: &Server, expected: u64| {
        until("the alerts that the silence stopped", BOUND, || {
            let row = server.json("/api/keepwatch/v1/silences")["data"]["rows"][0].clone();
            match row["stopped"].as_u64() {
                Some(count) if count == expected => Ok(()),
                _ => Err(row.to_string()),
            }
        });
    };
    let server = start();
    let silence = br#"{"matchers":[{"name":"alertname","value":"Disk","isRegex":false}],
        "startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"me","comment":"c"}"#;
    let post = |path: &str, body: &[u8]| {
        let headers = [("content-type", "application/json")];
        let (_, answer) = post_bytes(&server.address, path, &headers, body);
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    post("/api/v2/silences", silence);
    let alerts =
        br#"[{"labels":{"alertname":"Disk","job":"a"}},{"labels":{"alertname":"Disk","job":"b"}},
        {"labels":{"alertname":"Cpu","job":"a"}}]"#;
    post("/api/v2/alerts", alerts);
    stopped(&server, 2);
    // What the journal has is what is counted after the crash; its thread writes behind.
    until("the journal", BOUND, || {
        let journal = server.json("/api/keepwatch/v1/journal?code=alert-silenced");
        match journal["data"]["events"].as_array() {
            Some(events) if events.len() == 2 => Ok(()),
            _ => Err(journal.to_string()),
        }
    });
    kill(server);
    stopped(&start(), 2);
}

/// A real Alertmanager over our files.
fn alertmanager(dir: &Path) -> Peer {
    fs::write(
        dir.join("alertmanager.yml"),
        "route: {receiver: none}\nreceivers: [{name: none}]\n",
    )
    .unwrap();
    let mut command = Command::new("prometheus-alertmanager");
    command.current_dir(dir).args([
        "--config.file=alertmanager.yml",
        "--storage.path=data/alertmanager",
        "--cluster.listen-address=",
        "--web.listen-address=127.0.0.1:0",
    ]);
    Peer::start("prometheus-alertmanager", command)
}
