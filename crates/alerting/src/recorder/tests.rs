//! What is recorded when, and how it is written. Numbers, names and order were taken from Alertmanager 0.34 with the
//! same alerts.

use std::sync::Arc;

use model::{Duration, Labels, MatchOp, Matcher, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::codec::proto::Reader;
use crate::silence::SilenceMatcher;
use crate::{
    Action, Config, GroupBySpec, Input, Integration, Machine, NoIntervals, Outcome, PostedAlert,
    ReceiverSpec, RouteSpec, Settings,
};

fn matcher(op: MatchOp, name: &str, value: &str) -> Matcher {
    Matcher::new(op, name, value).unwrap()
}

/// Groups by alert name, waits 1 s, flushes every 10 s. Critical alerts inhibit warnings.
fn config() -> Arc<Config> {
    let to_hook = |integrations: &[(&str, bool)]| {
        let integrations = integrations.iter().enumerate();
        let integrations = integrations.map(|(index, (name, sends_resolved))| Integration {
            name: (*name).into(),
            index: u32::try_from(index).unwrap(),
            sends_resolved: *sends_resolved,
            ..Integration::default()
        });
        integrations.collect()
    };
    Arc::new(Config {
        route: RouteSpec {
            receiver: Some("hook".to_owned()),
            group_by: GroupBySpec::Labels(vec!["alertname".to_owned()]),
            group_wait: Some(Duration::from_secs(1)),
            group_interval: Some(Duration::from_secs(10)),
            repeat_interval: Some(Duration::from_secs(3600)),
            routes: vec![RouteSpec {
                matchers: vec![
                    matcher(MatchOp::Regex, "team", "a|b"),
                    Matcher::equal("q", "x\"y"),
                ],
                ..RouteSpec::default()
            }],
            ..RouteSpec::default()
        },
        receivers: vec![ReceiverSpec {
            name: "hook".into(),
            integrations: to_hook(&[("webhook", true), ("webhook", false)]),
            ..ReceiverSpec::default()
        }],
        inhibit_rules: vec![InhibitRuleSpec {
            name: "cascade".to_owned(),
            source_matchers: vec![Matcher::equal("severity", "critical")],
            target_matchers: vec![matcher(MatchOp::Regex, "severity", "warn.*")],
            equal: vec!["zone".to_owned(), "area".to_owned()],
        }],
        intervals: Arc::new(NoIntervals),
        resolve_timeout: Duration::from_secs(300),
    })
}

/// A machine, with what it recorded.
struct Run {
    machine: Machine,
    recorded: Vec<Envelope>,
    open: Vec<crate::DeliveryId>,
}

impl Run {
    fn new(records_events: bool) -> Self {
        let settings = Settings {
            records_events,
            ..Settings::default()
        };
        Self {
            machine: Machine::new(settings, config(), Timestamp(0)),
            recorded: Vec::new(),
            open: Vec::new(),
        }
    }

    fn step(&mut self, second: i64, input: Input) {
        let at = Timestamp(second * 1000);
        for action in self.machine.step(at, input) {
            match action {
                Action::Record(event) => self.recorded.push(Envelope {
                    at: at.into(),
                    instance: "host".into(),
                    position: 0,
                    event,
                }),
                Action::Deliver(delivery) => self.open.push(delivery.id),
                _ => {}
            }
        }
    }

    fn post(&mut self, second: i64, labels: &[(&str, &str)], end: Option<i64>) {
        let posted = PostedAlert {
            starts_at: Some(Time::new(second.min(5), 0)),
            ends_at: end.map(|end| Time::new(end, 0)),
            ..PostedAlert::from_labels(Labels::from_pairs(labels.iter().copied()))
        };
        self.step(second, Input::Posted(vec![posted]));
    }

    fn deliver(&mut self, second: i64) {
        for delivery in std::mem::take(&mut self.open) {
            let outcome = Outcome::delivered();
            self.step(second, Input::Delivered { delivery, outcome });
        }
    }

    fn silence(&mut self, second: i64, id: &str, pattern: &str, end: i64) {
        let silence = Silence {
            id: id.to_owned(),
            matcher_sets: vec![vec![SilenceMatcher {
                op: MatchOp::Regex,
                name: "alertname".to_owned(),
                pattern: pattern.to_owned(),
            }]],
            starts_at: Time::new(if id.is_empty() { second } else { 5 }, 0),
            ends_at: Time::new(end, 0),
            created_by: "me".to_owned(),
            comment: "c".to_owned(),
            annotations: [("k".to_owned(), "v".to_owned())].into(),
            ..Silence::default()
        };
        let fresh_id = format!("fresh-{second}");
        self.step(second, Input::SilenceSet { silence, fresh_id });
    }

    /// What was recorded since this was last asked.
    fn kinds(&mut self) -> Vec<&'static str> {
        let recorded = std::mem::take(&mut self.recorded);
        recorded.iter().map(|one| one.event.kind()).collect()
    }

    /// The only event since this was last asked.
    fn json(&mut self) -> Value {
        let [one] = &self.recorded[..] else {
            panic!("{:?}", self.recorded);
        };
        let json = serde_json::from_str(&one.to_json().unwrap()).unwrap();
        self.recorded.clear();
        json
    }
}

const DISK: [(&str, &str); 4] = [
    ("alertname", "Disk"),
    ("team", "a"),
    ("q", "x\"y"),
    ("n", "\u{1}\tü<&>"),
];

#[test]
fn an_alert_from_its_creation_to_its_end() {
    let mut run = Run::new(true);
    run.post(5, &DISK, None);
    assert_eq!(run.kinds(), ["alert_created", "alert_grouped"]);
    // As with the peer, each post puts it into its group again.
    run.post(5, &DISK, None);
    assert_eq!(run.kinds(), ["alert_grouped"]);
    run.step(6, Input::Tick);
    assert_eq!(run.kinds(), [""; 0]);
    run.deliver(7);
    assert_eq!(run.kinds(), ["notification", "notification"]);
    run.step(16, Input::Tick);
    assert_eq!(run.kinds(), [""; 0]);
    run.post(17, &DISK, Some(17));
    assert_eq!(run.kinds(), ["alert_grouped"]);
    run.step(26, Input::Tick);
    // The second one does not tell of ends: it is sent nothing, and nothing is recorded.
    assert_eq!(run.open.len(), 1);
    run.deliver(27);
    assert_eq!(run.kinds(), ["notification", "alert_resolved"]);
    // A new one with the same labels, while the store still has the old one, is none that was created.
    run.post(30, &DISK, None);
    assert_eq!(run.kinds(), ["alert_grouped"]);
}

#[test]
fn without_a_recorder_nothing_is_made() {
    let mut run = Run::new(false);
    run.post(5, &DISK, None);
    run.silence(5, "", "D.*", 100);
    run.step(6, Input::Tick);
    run.deliver(7);
    assert_eq!(run.kinds(), [""; 0]);
}

#[test]
fn a_failed_notification_is_not_recorded_and_a_resolved_alert_waits_for_a_good_one() {
    let mut run = Run::new(true);
    run.post(5, &DISK, None);
    run.step(6, Input::Tick);
    run.deliver(6);
    run.post(8, &DISK, Some(8));
    run.kinds();
    run.step(16, Input::Tick);
    for delivery in std::mem::take(&mut run.open) {
        let outcome = Outcome::Failed {
            retry: crate::Retry::Never,
            failure: crate::FailureReason::Other,
            message: String::new(),
        };
        run.step(16, Input::Delivered { delivery, outcome });
    }
    assert_eq!(run.kinds(), [""; 0]);
    run.step(26, Input::Tick);
    run.deliver(26);
    assert_eq!(run.kinds(), ["notification", "alert_resolved"]);
}

#[test]
fn every_flush_tells_what_it_leaves_out() {
    let mut run = Run::new(true);
    run.post(5, &[("alertname", "Src"), ("severity", "critical")], None);
    run.post(5, &[("alertname", "Tgt"), ("severity", "warning")], None);
    run.silence(5, "", "T.*", 100);
    run.silence(5, "", "Sr.*", 100);
    run.kinds();
    run.step(6, Input::Tick);
    // What is inhibited is not looked at for silences.
    assert_eq!(
        run.kinds(),
        ["silence_muted_alert", "inhibition_muted_alert"]
    );
    run.step(16, Input::Tick);
    assert_eq!(
        run.kinds(),
        ["silence_muted_alert", "inhibition_muted_alert"]
    );
    // A reload makes new groups, which are old enough to be flushed at once.
    run.step(17, Input::ConfigReplaced(config()));
    assert_eq!(
        run.kinds(),
        [
            "alert_grouped",
            "alert_grouped",
            "inhibition_muted_alert",
            "silence_muted_alert"
        ]
    );
}

#[test]
fn silences_are_created_updated_and_replaced() {
    let mut run = Run::new(true);
    run.silence(5, "", "S.*", 100);
    let matchers = json!([{
        "type": "TYPE_REGEXP", "name": "alertname", "pattern": "S.*",
        "rendered": "alertname=~\"S.*\"",
    }]);
    assert_eq!(
        run.json(),
        json!({
            "@timestamp": "1970-01-01T00:00:05Z",
            "instance": "host",
            "data": {"silenceCreated": {"silence": {
                "id": "fresh-5", "matchers": matchers,
                "startsAt": "1970-01-01T00:00:05Z", "endsAt": "1970-01-01T00:01:40Z",
                "updatedAt": "1970-01-01T00:00:05Z", "createdBy": "me", "comment": "c",
                "matcherSets": [{"matchers": matchers}],
            }}},
        })
    );
    run.silence(6, "fresh-5", "S.*", 200);
    assert_eq!(run.kinds(), ["silence_updated"]);
    run.silence(7, "fresh-5", "T.*", 200);
    // The old one ends without an event.
    assert_eq!(run.kinds(), ["silence_created"]);
    let id = "fresh-7".to_owned();
    run.step(8, Input::SilenceExpired { id });
    assert_eq!(run.kinds(), [""; 0]);
}

#[test]
fn an_alert_as_the_peer_writes_it() {
    let mut run = Run::new(true);
    run.post(5, &DISK, None);
    run.recorded.remove(0);
    let expected = r#"{"@timestamp":"1970-01-01T00:00:05Z","instance":"host","data":{"alertGrouped":{"alert":{"hash":"14137052794462344880","details":{"fingerprint":"14722148850725620544","name":"Disk","labels":{"labels":[{"key":"alertname","value":"Disk"},{"key":"n","value":"\u0001\tü<&>"},{"key":"q","value":"x\"y"},{"key":"team","value":"a"}]},"annotations":{},"startsAt":"1970-01-01T00:00:05Z","endsAt":"1970-01-01T00:05:05Z"}},"groupInfo":{"groupKey":"{}/{q=\"x\\\"y\",team=~\"a|b\"}:{alertname=\"Disk\"}","groupLabels":{"labels":[{"key":"alertname","value":"Disk"}]},"groupId":"55f055a86482a09be51b3b3e04f2050a68431903208b36aefbe7516db9153edf","receiverName":"hook"}}}}"#;
    assert_eq!(run.recorded[0].to_json().unwrap(), expected);
}

#[test]
fn a_notification_as_the_peer_writes_it() {
    let mut run = Run::new(true);
    run.silence(5, "", "Disk", 100);
    run.post(5, &DISK, None);
    run.step(6, Input::Tick);
    let id = "fresh-5".to_owned();
    run.step(7, Input::SilenceExpired { id });
    run.step(16, Input::Tick);
    run.recorded.clear();
    run.open.remove(0);
    run.deliver(16);
    let mut json = run.json();
    let uuid = json["data"]["notification"]["groupInfo"]["groupUuid"].take();
    assert_eq!(uuid.as_str().unwrap().len(), 36);
    let mut details = json["data"]["notification"]["alerts"][0]["details"].take();
    assert_eq!(
        details["labels"].take()["labels"].as_array().unwrap().len(),
        4
    );
    assert_eq!(
        details,
        json!({
            "fingerprint": "14722148850725620544", "name": "Disk", "labels": null,
            "annotations": {}, "startsAt": "1970-01-01T00:00:05Z",
            "endsAt": "0001-01-01T00:00:00Z",
        })
    );
    assert_eq!(
        json["data"]["notification"],
        json!({
            "alerts": [{"hash": "14137052794462344880", "details": null}],
            "firingAlerts": [{"hash": "14137052794462344880"}],
            "groupInfo": {
                "groupKey": r#"{}/{q="x\"y",team=~"a|b"}:{alertname="Disk"}"#,
                "groupLabels": {"labels": [{"key": "alertname", "value": "Disk"}]},
                "groupId": "55f055a86482a09be51b3b3e04f2050a68431903208b36aefbe7516db9153edf",
                "receiverName": "hook",
                "matchers": [
                    {"type": "TYPE_EQUAL", "name": "q", "pattern": "x\"y", "rendered": "q=\"x\\\"y\""},
                    {"type": "TYPE_REGEXP", "name": "team", "pattern": "a|b", "rendered": "team=~\"a|b\""},
                ],
                "groupUuid": null,
            },
            "repeatInterval": "3600s",
            "reason": "NOTIFY_REASON_FIRST_NOTIFICATION",
            "flushId": "2",
            "integration": {"name": "webhook", "index": "1"},
        })
    );
}

#[test]
fn what_a_flush_left_out_is_in_the_notification() {
    let mut run = Run::new(true);
    run.post(5, &[("alertname", "A"), ("severity", "critical")], None);
    run.post(5, &[("alertname", "A"), ("severity", "warning")], None);
    run.step(6, Input::Tick);
    run.recorded.clear();
    run.open.remove(0);
    run.deliver(6);
    let json = run.json();
    let muted = &json["data"]["notification"]["mutedAlerts"];
    let warning = Labels::from_pairs([("alertname", "A"), ("severity", "warning")]);
    assert_eq!(*muted, json!([{"hash": warning.xxhash().to_string()}]));
}

#[test]
fn an_inhibited_alert_as_the_peer_writes_it() {
    let mut run = Run::new(true);
    run.post(5, &[("alertname", "Src"), ("severity", "critical")], None);
    run.post(5, &[("alertname", "Tgt"), ("severity", "warning")], None);
    run.recorded.clear();
    run.step(6, Input::Tick);
    assert_eq!(
        run.json()["data"],
        json!({"inhibitionMutedAlert": {
            "inhibitRules": [{
                "sourceMatchers": [{"type": "TYPE_EQUAL", "name": "severity", "pattern": "critical", "rendered": "severity=\"critical\""}],
                "targetMatchers": [{"type": "TYPE_REGEXP", "name": "severity", "pattern": "warn.*", "rendered": "severity=~\"warn.*\""}],
                "equalLabels": ["area", "zone"],
                "name": "cascade",
            }],
            "mutedAlert": {
                "labels": {"labels": [{"key": "alertname", "value": "Tgt"}, {"key": "severity", "value": "warning"}]},
                "fingerprint": "12933458318629287544",
            },
            "inhibitingFingerprints": ["16554754473500385726"],
        }})
    );
}

fn envelope(at: Time, event: Recorded) -> Envelope {
    Envelope {
        at,
        instance: "h".into(),
        position: 2,
        event,
    }
}

#[test]
fn times_have_as_many_digits_as_they_need() {
    for (nanos, expected) in [
        (0, ""),
        (120_000_000, ".120"),
        (120, ".000000120"),
        (120_000, ".000120"),
    ] {
        let json = envelope(Time::new(1, nanos), Recorded::Shutdown).to_json();
        assert_eq!(
            json.unwrap(),
            format!(
                r#"{{"@timestamp":"1970-01-01T00:00:01{expected}Z","instance":"h","data":{{"alertmanagerShutdownEvent":{{}}}},"clusterPosition":2}}"#
            )
        );
    }
    let late = envelope(Time::new(253_402_300_800, 0), Recorded::Shutdown);
    let error = late.to_json().unwrap_err();
    assert_eq!(error.field, "@timestamp");
    let early = envelope(Time::new(-62_135_596_801, 0), Recorded::Shutdown);
    assert!(early.to_json().is_err());
}

#[test]
fn uuids_are_of_version_4() {
    let uuid = Uuid::new(u128::MAX).to_string();
    assert_eq!(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(
        Uuid::new(0).to_string(),
        "00000000-0000-4000-8000-000000000000"
    );
}

/// Numbers of fields with how long they are, and what is in those that are messages.
fn outline(bytes: &[u8], path: &[u64]) -> Vec<u64> {
    let mut reader = Reader::new(bytes);
    let mut numbers = Vec::new();
    while let Some(field) = reader.field().unwrap() {
        if path.first() == Some(&field.number) {
            return outline(field.bytes().unwrap(), &path[1..]);
        }
        numbers.push(field.number);
    }
    numbers
}

#[test]
fn protobuf_has_the_numbers_of_the_schema() {
    let startup = Recorded::Startup {
        version: "1".to_owned(),
        build_context: "b".to_owned(),
    };
    // Timestamp 1 {seconds 1: 3, nanos 2: 4}, instance 2, data 3 {startup 1 {version 1, context 2}}, position 4.
    assert_eq!(
        envelope(Time::new(3, 4), startup).to_protobuf(),
        [
            0x0a, 4, 0x08, 3, 0x10, 4, 0x12, 1, b'h', 0x1a, 8, 0x0a, 6, 0x0a, 1, b'1', 0x12, 1,
            b'b', 0x20, 2
        ]
    );
    let mut run = Run::new(true);
    run.post(5, &DISK, None);
    run.step(6, Input::Tick);
    run.deliver(6);
    let created = run.recorded[0].to_protobuf();
    assert_eq!(outline(&created, &[3, 3, 1]), [1, 2, 3, 4, 5, 6]);
    let grouped = run.recorded[1].to_protobuf();
    assert_eq!(outline(&grouped, &[3, 5]), [1, 2]);
    let notification = run.recorded[2].to_protobuf();
    assert_eq!(outline(&notification, &[3, 6]), [1, 2, 5, 6, 7, 8, 9]);
    assert_eq!(outline(&notification, &[3, 6, 5]), [1, 2, 3, 4, 5, 5, 6]);
    // The end of what fires is the year 1, before 1970.
    assert_eq!(outline(&notification, &[3, 6, 1, 2, 6]), [1]);
}
