//! Comparisons as the API answers them, without a server.

use serde_json::{Value, json};

use super::OfflineTrials;
use config::alertmanager::matchers::MatcherMode;

/// The files that it names do not exist.
const OLD: &str = "\
global: {slack_api_url: 'https://hooks.example/top-secret'}
templates: [/does/not/exist.tmpl]
route:
  receiver: nobody
  group_by: [alertname]
  routes:
  - {matchers: [team=shop], receiver: slack}
  - {matchers: [team=web], receiver: hook}
receivers:
- name: nobody
- name: slack
  slack_configs: [{channel: '#shop'}]
- name: hook
  webhook_configs: [{url_file: /does/not/exist, http_config: {tls_config: {ca_file: /does/not/exist}}}]
";

async fn compare(question: &Value) -> Value {
    let trials = OfflineTrials::open(None, MatcherMode::default()).unwrap();
    let answer = trials.compare(question.to_string()).await.unwrap();
    let text = String::from_utf8(answer.to_vec()).unwrap();
    assert!(!text.contains("top-secret"), "{text}");
    serde_json::from_str(&text).unwrap()
}

fn alerts(teams: &[&str]) -> Value {
    let alert = |team: &&str| json!({ "alertname": "Slow", "team": team });
    teams.iter().map(alert).collect()
}

#[tokio::test]
async fn changes_come_first_and_sums_count_all() {
    let new = OLD
        .replace("team=shop", "team=web")
        .replace("name: slack", "name: chat")
        .replace("receiver: slack", "receiver: chat");
    let question = json!({
        "config": new, "old": OLD, "limit": 2,
        // The second and the last are the same alert.
        "labels": alerts(&["other", "shop", "web", "x", "y", "shop"]),
    });
    let answer = compare(&question).await["data"].take();
    assert_eq!(
        (&answer["compared"], &answer["changed"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(
        answer["candidates"],
        json!({"current": 0, "journalled": 0, "given": 6})
    );
    assert_eq!(answer["leftOut"], json!({"changed": 0, "unchanged": 3}));
    assert_eq!(answer["reasons"], json!({"receiver": 2}));
    assert_eq!(answer["nobody"], json!({"old": 3, "new": 4}));
    let shown = answer["alerts"].as_array().unwrap();
    let teams: Vec<&Value> = shown.iter().map(|one| &one["labels"]["team"]).collect();
    assert_eq!(teams, ["shop", "web"]);
    let end = |which: &str| &shown[1][which]["ends"][0];
    assert_eq!(end("old")["receiver"], "hook");
    assert_eq!(end("old")["integrations"], json!(["webhook"]));
    assert_eq!(end("new")["routeId"], r#"{}/{team="web"}/0"#);
    assert_eq!(
        end("new")["groupKey"],
        r#"{}/{team="web"}:{alertname="Slow"}"#
    );
    let receivers = answer["receivers"].as_array().unwrap().iter();
    let receivers = receivers.map(|one| {
        let numbers = ["old", "new", "gained", "lost"].map(|name| one[name].to_string());
        let [name, state] = ["name", "state"].map(|key| one[key].as_str().unwrap());
        format!("{name} {state} {}", numbers.join(" "))
    });
    let receivers: Vec<String> = receivers.collect();
    assert_eq!(
        receivers,
        [
            "chat comes 0 1 1 0",
            "hook stays 1 0 0 1",
            "nobody stays 3 4 1 0",
            "slack goes 1 0 0 1",
        ]
    );
}

#[tokio::test]
async fn intervals_mute_at_the_time_that_is_asked_for() {
    let interval = "\
time_intervals:
- name: night
  time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]
";
    let new = OLD.replace(
        "receiver: hook}",
        "receiver: hook, mute_time_intervals: [night]}",
    );
    for (at, expected) in [
        ("2026-11-27T21:59:59Z", json!(["intervals"])),
        ("2026-11-27T22:00:00Z", json!(["intervals", "muted"])),
    ] {
        let question = json!({
            "config": new.clone() + interval, "old": OLD, "labels": alerts(&["web"]), "at": at,
        });
        let answer = compare(&question).await["data"].take();
        assert_eq!(answer["alerts"][0]["reasons"], expected, "{at}");
        assert_eq!(answer["at"], at);
    }
}

#[tokio::test]
async fn what_cannot_be_compared_says_why() {
    let undefined = OLD.replace("receiver: hook}", "receiver: hok}");
    let long = "#".repeat((4 << 20) + 1);
    let none = json!([]);
    for (question, expected) in [
        (
            json!({"old": OLD}),
            "the body is not as described: missing field `config`",
        ),
        (
            json!({"config": OLD, "x": 1}),
            "the body is not as described: unknown field `x`",
        ),
        (
            json!({"config": undefined, "old": OLD}),
            "config:8:5: undefined receiver \"hok\" used in route (did you mean `hook`?)",
        ),
        (
            json!({"config": OLD, "old": "{}"}),
            "old:1:1: no routes provided",
        ),
        (
            json!({"config": ""}),
            "config:1:1: no route provided in config",
        ),
        (
            json!({"config": OLD}),
            "no configuration is in use: give the other one as `old`",
        ),
        (
            json!({"config": OLD, "old": OLD, "labels": none, "since": "24h"}),
            "there is no journal",
        ),
        (
            json!({"config": OLD, "old": OLD, "since": "yesterday"}),
            "invalid parameter \"since\": \"yesterday\" is no time",
        ),
        (
            json!({"config": OLD, "old": OLD, "at": "noon"}),
            "invalid parameter \"at\": cannot parse \"noon\"",
        ),
        (
            json!({"config": long}),
            "invalid parameter \"config\": longer than",
        ),
    ] {
        let answer = compare(&question).await;
        assert_eq!(answer["errorType"], "bad_data", "{answer}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{error}");
    }
    let trials = OfflineTrials::open(None, MatcherMode::default()).unwrap();
    let answer = trials.compare(" ".repeat((32 << 20) + 1)).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("reading the body, of at most"), "{error}");
}
