//! Two configurations compared by the real program: for the alerts of a server, for those of its journal, and without
//! a server.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::process::{Finished, Signal, finish, post_bytes};

use crate::support::{BOUND, Server, keepwatch, serve};

const RUNNING: &str = "\
route:
  receiver: nobody
  group_wait: 1h
  routes:
  - {matchers: [team=shop], receiver: shop}
inhibit_rules:
- {source_matchers: [alertname=Outage], target_matchers: [alertname=Part], equal: [team]}
receivers:
- name: nobody
- {name: shop, webhook_configs: [{url: 'http://127.0.0.1:9/hook', http_config: {authorization: {credentials_file: token}}}]}
";

fn post_alert(server: &Server, name: &str, ends_at: &str) {
    let labels = json!({"alertname": name, "team": "shop"});
    let alert = json!([{"labels": labels, "startsAt": "2020-01-01T00:00:00Z", "endsAt": ends_at}]);
    let headers = [("Content-Type", "application/json")];
    let body = alert.to_string();
    let (_, answer) = post_bytes(&server.address, "/api/v2/alerts", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn stop(server: Server) {
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));
}

fn compare(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.args(["route", "compare"]).args(arguments);
    finish("keepwatch route compare", command, BOUND)
}

/// What it says in JSON, and its exit code.
#[track_caller]
fn compared(dir: &Path, arguments: &[&str]) -> (i32, Value) {
    let finished = compare(dir, &[arguments, &["-o", "json"]].concat());
    let answer = serde_json::from_str(&finished.stdout);
    let answer = answer.unwrap_or_else(|_| panic!("{finished:?}"));
    (finished.code.unwrap(), answer)
}

/// Names of the alerts that change, with reasons.
fn changes(answer: &Value) -> Vec<String> {
    let alerts = answer["alerts"].as_array().unwrap().iter();
    let changed = alerts.filter(|alert| alert["changed"] == true);
    let mut names: Vec<String> = changed
        .map(|alert| {
            format!(
                "{} {}",
                alert["labels"]["alertname"].as_str().unwrap(),
                alert["reasons"]
            )
        })
        .collect();
    names.sort();
    names
}

#[test]
fn alerts_of_a_server_of_its_journal_and_of_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("alertmanager.yml"), RUNNING).unwrap();
    fs::write(dir.join("same.yml"), format!("# the same\n{RUNNING}")).unwrap();
    let new = RUNNING.replace("group_wait: 1h", "group_wait: 2h");
    fs::write(dir.join("slower.yml"), new).unwrap();
    let new = RUNNING.replace("alertname=Part", "alertname=Other");
    fs::write(dir.join("loud.yml"), new).unwrap();
    fs::write(
        dir.join("broken.yml"),
        RUNNING.replace("receiver: shop}", "receiver: shp}"),
    )
    .unwrap();
    fs::write(dir.join("token"), "t0ken").unwrap();
    fs::write(
        dir.join("elsewhere.yml"),
        RUNNING.replace("/hook", "/hook?key=t0psecret"),
    )
    .unwrap();
    // Relative paths start from the file's folder, however it is named.
    let file = format!(
        "--alertmanager.config.file={}/alertmanager.yml",
        dir.display()
    );
    let flags = [file.as_str(), "--storage.tsdb.path=data", "--web.read-only"];
    // What only reads is not refused; alerts come in before.
    let server = serve(dir, &flags[..2]);
    for name in ["Part", "Outage"] {
        post_alert(&server, name, "2099-01-01T00:00:00Z");
    }
    post_alert(&server, "Past", "2020-01-02T00:00:00Z");
    let url = |server: &Server| format!("--url=http://{}/alertmanager", server.address);
    let here = url(&server);

    let (code, answer) = compared(dir, &[&here, "same.yml"]);
    assert_eq!((code, changes(&answer)), (0, vec![]));
    assert_eq!(answer["compared"], 2, "{answer}");
    let (code, answer) = compared(dir, &[&here, "elsewhere.yml"]);
    let all = ["Outage", "Part"].map(|name| format!(r#"{name} ["settings"]"#));
    assert_eq!((code, changes(&answer)), (1, all.to_vec()), "{answer}");
    let shop = answer["receivers"].as_array().unwrap().iter();
    let settings: Vec<&Value> = shop.map(|receiver| &receiver["settings"]).collect();
    assert_eq!(settings, [&json!([]), &json!(["webhook"])]);
    assert!(!answer.to_string().contains("t0psecret"), "{answer}");
    let finished = compare(dir, &[&here, "elsewhere.yml"]);
    let note = "shop (other settings: webhook)";
    assert!(finished.stdout.contains(note), "{finished:?}");
    let (code, answer) = compared(dir, &[&here, "loud.yml"]);
    assert_eq!(
        (code, changes(&answer)),
        (1, vec![r#"Part ["inhibited"]"#.to_owned()])
    );
    let inhibited = &answer["alerts"][0]["old"]["inhibited"];
    assert_eq!(inhibited["code"], "alert-inhibited");
    let (code, answer) = compared(dir, &[&here, "slower.yml", "--since=-1h"]);
    let all = ["Outage", "Part", "Past"].map(|name| format!(r#"{name} ["timers"]"#));
    assert_eq!((code, changes(&answer)), (1, all.to_vec()), "{answer}");
    assert_eq!(
        answer["candidates"],
        json!({"current": 2, "journalled": 3, "given": 0})
    );
    // Two files, and the server's alerts.
    let (code, answer) = compared(dir, &[&here, "slower.yml", "slower.yml"]);
    assert_eq!((code, &answer["compared"]), (0, &json!(2)));
    let status = server.json("/api/v2/status");
    let config = status["config"]["original"].as_str().unwrap();
    assert!(config.contains("group_wait: 1h"), "{config}");

    let finished = compare(dir, &[&here, "slower.yml"]);
    assert_eq!(finished.code, Some(1));
    let first = finished.stdout.lines().next().unwrap();
    assert_eq!(
        first.split_whitespace().next(),
        Some("Alert"),
        "{finished:?}"
    );
    assert!(
        finished
            .stdout
            .contains("2 alerts are compared, 2 fare differently.")
    );
    let finished = compare(dir, &[&here, "broken.yml"]);
    assert_eq!(finished.code, Some(2));
    assert!(
        finished
            .stderr
            .starts_with("broken.yml:5:5: undefined receiver"),
        "{finished:?}"
    );

    stop(server);
    let server = serve(dir, &flags);
    let question = json!({"config": RUNNING, "since": "1h"}).to_string();
    let path = "/alertmanager/api/keepwatch/v1/route/compare";
    let (_, answer) = post_bytes(&server.address, path, &[], question.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    stop(server);

    let (code, answer) = compared(
        dir,
        &["alertmanager.yml", "slower.yml", "--storage.path=data"],
    );
    assert_eq!((code, changes(&answer)), (1, all.to_vec()), "{answer}");
    let finished = compare(dir, &["slower.yml", "--storage.path=data"]);
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("OLD and NEW"), "{finished:?}");
}

#[test]
fn alerts_from_standard_input_need_no_server() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("old.yml"), RUNNING).unwrap();
    fs::write(
        dir.join("new.yml"),
        RUNNING.replace("team=shop", "team=web"),
    )
    .unwrap();
    fs::write(
        dir.join("alerts"),
        "{alertname=\"A\",team=\"shop\"}\n{\"alertname\":\"B\"}\n",
    )
    .unwrap();
    let (code, answer) = compared(dir, &["old.yml", "new.yml", "--alerts=alerts"]);
    assert_eq!(
        (code, changes(&answer)),
        (1, vec![r#"A ["receiver"]"#.to_owned()])
    );
    // Alerts that are given fire together.
    fs::write(
        dir.join("together"),
        "{alertname=\"Part\",team=\"shop\"}\n{alertname=\"Outage\",team=\"shop\"}\n",
    )
    .unwrap();
    fs::write(
        dir.join("loud.yml"),
        RUNNING.replace("alertname=Part", "alertname=Other"),
    )
    .unwrap();
    let (code, answer) = compared(dir, &["old.yml", "loud.yml", "--alerts=together"]);
    assert_eq!(
        (code, changes(&answer)),
        (1, vec![r#"Part ["inhibited"]"#.to_owned()])
    );
    let finished = compare(dir, &["old.yml", "old.yml", "--alerts=alerts"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for (arguments, problem) in [
        (
            &["old.yml", "nosuch.yml", "--alerts=alerts"][..],
            "nosuch.yml",
        ),
        (&["old.yml", "new.yml", "--alerts=old.yml"], "old.yml:1: "),
        (
            &["old.yml", "new.yml", "--alerts=alerts", "--at=noon"],
            "--at noon: no time",
        ),
        (&["a", "b", "c"], "give NEW, or OLD and NEW"),
        (&["new.yml", "-o", "xml"], "got 'xml'"),
        (&["new.yml", "--url=http://127.0.0.1:9"], "127.0.0.1:9"),
    ] {
        let finished = compare(dir, arguments);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(problem), "{finished:?}");
    }
}
