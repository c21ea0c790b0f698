//! Where an alert would go and why, told by the real program: of a server, of a file, and what is wrong with questions.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::process::{Finished, finish, post_bytes};

use crate::support::{BOUND, Server, keepwatch, serve};

const CONFIG: &str = "\
route:
  receiver: nobody
  group_by: [team]
  group_interval: 10m
  routes:
  - {matchers: [team=web], receiver: web}
  - matchers: [team=shop]
    receiver: shop
    continue: true
    group_wait: 1h
    mute_time_intervals: [year-2030]
    routes:
    - {matchers: [severity=page], receiver: pager, active_time_intervals: [office]}
  - {matchers: [audit=yes, team=shop], receiver: audit}
inhibit_rules:
- {source_matchers: [alertname=Calm], target_matchers: [alertname=Nothing]}
- {name: outage, source_matchers: [alertname=Outage], target_matchers: [alertname=Part], equal: [team]}
time_intervals:
- name: year-2030
  time_intervals: [{years: ['2030']}]
- name: office
  time_intervals: [{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]}]
receivers:
- name: nobody
- name: web
- {name: shop, webhook_configs: [{url: 'http://127.0.0.1:9/hook'}]}
- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/hook'}]}
- {name: audit, webhook_configs: [{url: 'http://127.0.0.1:9/hook'}]}
";

fn explain(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.args(["route", "explain"]).args(arguments);
    finish("keepwatch route explain", command, BOUND)
}

#[track_caller]
fn explained(dir: &Path, arguments: &[&str]) -> Value {
    let finished = explain(dir, &[arguments, &["-o", "json"]].concat());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    let headers = [("Content-Type", "application/json")];
    let body = body.to_string();
    let (_, answer) = post_bytes(&server.address, path, &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap_or_default()
}

fn codes(end: &Value) -> Vec<&str> {
    let reasons = end["suppressedBy"].as_array().unwrap().iter();
    reasons
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}

#[test]
fn of_a_server_with_alerts_and_silences() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("alertmanager.yml"), CONFIG).unwrap();
    let server = serve(
        dir,
        &[
            "--alertmanager.config.file=alertmanager.yml",
            "--storage.tsdb.path=data",
        ],
    );
    let alert = |name: &str| {
        json!({
            "labels": {"alertname": name, "team": "shop"},
            "endsAt": "2099-01-01T00:00:00Z",
        })
    };
    post(
        &server,
        "/api/v2/alerts",
        &json!([alert("Part"), alert("Outage")]),
    );
    let silence = |comment: &str, starts: &str, ends: &str| {
        json!({
            "matchers": [{"name": "alertname", "value": "Part", "isRegex": false}],
            "startsAt": starts, "endsAt": ends, "createdBy": "ann", "comment": comment,
        })
    };
    for silence in [
        silence("works", "2020-01-01T00:00:00Z", "2090-01-01T02:00:00+02:00"),
        silence("later", "2080-01-01T00:00:00Z", "2095-01-01T00:00:00Z"),
    ] {
        post(&server, "/api/v2/silences", &silence);
    }
    let url = format!("--url=http://{}/alertmanager", server.address);
    let answer = explained(dir, &[&url, "Part", "team=shop"]);
    let end = &answer["ends"][0];
    assert_eq!(answer["ends"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(end["receiver"], "shop");
    assert_eq!(end["groupKey"], r#"{}/{team="shop"}:{team="shop"}"#);
    assert_eq!(end["membership"], "member");
    assert_eq!(codes(end), ["alert-inhibited", "alert-silenced"]);
    assert_eq!(end["suppressedBy"][1]["until"], "2090-01-01T00:00:00Z");
    assert_eq!(answer["silences"][0]["comment"], "works");
    assert_eq!(answer["silences"].as_array().unwrap().len(), 1);
    let inhibition = &answer["inhibitions"][0];
    assert_eq!(
        (&inhibition["rule"], &inhibition["name"]),
        (&json!(2), &json!("outage"))
    );
    assert_eq!(
        inhibition["source"],
        json!({"alertname": "Outage", "team": "shop"})
    );
    assert_eq!(
        end["setBy"],
        json!({
            "receiver": r#"{}/{team="shop"}/1"#, "groupBy": "{}",
            "groupWait": r#"{}/{team="shop"}/1"#, "groupInterval": "{}",
        })
    );
    // Another alert would join the group that is there; and in another time it would not be silenced.
    let answer = explained(dir, &[&url, "New", "team=shop"]);
    assert_eq!(answer["ends"][0]["membership"], "joins");
    assert_eq!(codes(&answer["ends"][0]), Vec::<&str>::new());
    let at = "--at=2010-01-01T00:00:00Z";
    let answer = explained(dir, &[&url, at, "Part", "team=shop"]);
    assert_eq!(codes(&answer["ends"][0]), ["alert-inhibited"]);
    let at = "--at=2092-01-01T00:00:00Z";
    let answer = explained(dir, &[&url, at, "Part", "team=shop"]);
    assert_eq!(answer["silences"][0]["comment"], "later", "{answer}");
    // Every ten minutes from the group's first look at it on, and not before that time.
    let flush = answer["ends"][0]["nextFlush"].as_str().unwrap();
    assert!(flush.starts_with("2092-01-01T00:0"), "{flush}");

    let told = explain(dir, &[&url, "Part", "team=shop"]).stdout;
    for line in [
        "{alertname=\"Part\", team=\"shop\"} at ",
        "  {} to nobody: goes on, it takes every alert, and a route below took it",
        "    {team=\"web\"} to web: does not match, team=\"web\" fails, team is \"shop\"",
        "    {team=\"shop\"} to shop, continues: ends here, all of its matchers match, and no route below does",
        "    {audit=\"yes\",team=\"shop\"} to audit: does not match, audit=\"yes\" fails, there is no label audit",
        "group_wait       1h (set here)",
        "group_interval   10m (set by {})",
        "repeat_interval  4h (the default)",
        "by ann, until 2090-01-01 00:00:00: works",
        "Inhibition rule 2 \"outage\", while this fires: {alertname=\"Outage\", team=\"shop\"}",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn of_a_file_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("a.yml"), CONFIG).unwrap();
    fs::write(
        dir.join("broken.yml"),
        CONFIG.replace("receiver: web}", "receiver: wb}"),
    )
    .unwrap();
    let file = "--config.file=a.yml";
    // A Friday evening of 2030: all routes of the shop hold it back.
    let question = ["X", "team=shop", "severity=page", "audit=yes", file];
    let at = |time: &'static str| [&question[..], &[time]].concat();
    let answer = explained(dir, &at("--at=2029-12-28T20:00:00Z"));
    let ends = answer["ends"].as_array().unwrap();
    let receivers: Vec<&Value> = ends.iter().map(|end| &end["receiver"]).collect();
    assert_eq!(receivers, ["pager", "audit"]);
    assert_eq!(codes(&ends[0]), ["alert-outside-active-interval"]);
    assert_eq!(ends[0]["suppressedBy"][0]["until"], "2029-12-31T09:00:00Z");
    assert_eq!(
        ends[0]["activeTimeIntervals"],
        json!([{"name": "office", "holds": false, "until": "2029-12-31T09:00:00Z"}])
    );
    assert_eq!(ends[0]["nextFlush"], "2029-12-28T21:00:00Z");
    assert_eq!(ends[1]["nextFlush"], "2029-12-28T20:00:30Z");
    assert_eq!(ends[1]["membership"], "new");
    let visit = &answer["visits"][r#"{}/{team="shop"}/1"#];
    assert_eq!(
        (&visit["outcome"], &visit["depth"]),
        (&json!("passed"), &json!(1))
    );
    let answer = explained(dir, &at("--at=2029-12-31T09:00:00Z"));
    assert_eq!(codes(&answer["ends"][0]), Vec::<&str>::new());
    // Muted for a whole year, of which more than half is over.
    let answer = explained(dir, &["X", "team=shop", file, "--at=2030-08-01T00:00:00Z"]);
    let reason = &answer["ends"][0]["suppressedBy"][0];
    assert_eq!(
        (&reason["code"], &reason["until"]),
        (
            &json!("alert-muted-by-interval"),
            &json!("2031-01-01T00:00:00Z")
        )
    );
    let answer = explained(dir, &["X", file]);
    assert_eq!(
        codes(&answer["ends"][0]),
        ["alert-default-without-integration"]
    );

    for (arguments, problem) in [
        (&[file][..], "which alert? give its labels"),
        (
            &["X", "team=~shop", file],
            "labels must be specified as key=value pairs",
        ),
        (&["X", "team", file], "labels: "),
        (&["X", file, "--at=noon"], "--at noon: no time"),
        (&["X", "--config.file=none.yml"], "none.yml"),
        (
            &["X", "--config.file=broken.yml"],
            "broken.yml:6:5: undefined receiver \"wb\"",
        ),
        (&["X", file, "--url=http://127.0.0.1:9"], "not both"),
        (&["X", "--url=http://127.0.0.1:9"], "127.0.0.1:9"),
    ] {
        let finished = explain(dir, arguments);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(problem), "{finished:?}");
    }
}
