//! Whole runs of the machine, as text: what comes in, and what goes out when.

use std::fmt::Write as _;
use std::sync::Arc;

use model::{Duration, Labels, MatchOp, Matcher, Timestamp};
use proptest::prelude::*;

use crate::config::InhibitRuleSpec;
use crate::silence::SilenceMatcher;
use crate::view::AlertFilter;
use crate::{
    Action, Config, DeliveryId, Event, FailureReason, Input, Integration, Machine, Outcome,
    PostedAlert, ReceiverSpec, Retry, RouteSpec, Settings, Silence, Time, TimeIntervals,
};

/// `never` contains no time, `night` the seconds from 100 on.
#[derive(Debug)]
struct Night;

impl TimeIntervals for Night {
    fn contains(&self, name: &str, at: Timestamp) -> bool {
        name == "night" && at >= Timestamp(100_000)
    }
}

fn seconds(text: &str) -> i64 {
    (text.parse::<f64>().unwrap() * 1000.0).round() as i64
}

fn receiver(name: &str, integrations: &[(&str, bool)]) -> ReceiverSpec {
    ReceiverSpec {
        name: name.into(),
        labels: [("name".to_owned(), name.to_owned())].into(),
        integrations: integrations
            .iter()
            .map(|(name, sends_resolved)| Integration {
                name: (*name).into(),
                index: 0,
                sends_resolved: *sends_resolved,
                ..Integration::default()
            })
            .collect(),
    }
}

fn route(receiver: &str, team: &str) -> RouteSpec {
    RouteSpec {
        receiver: Some(receiver.to_owned()),
        matchers: vec![Matcher::equal("team", team)],
        ..RouteSpec::default()
    }
}

/// Groups by alert name, waits 10 s, then flushes every 30 s and repeats after 60 s. Critical alerts inhibit
/// warnings.
fn config() -> Config {
    Config {
        route: RouteSpec {
            receiver: Some("default".to_owned()),
            group_by: crate::GroupBySpec::Labels(vec!["alertname".to_owned()]),
            group_wait: Some(Duration::from_secs(10)),
            group_interval: Some(Duration::from_secs(30)),
            repeat_interval: Some(Duration::from_secs(60)),
            routes: vec![
                route("nobody", "none"),
                route("both", "both"),
                RouteSpec {
                    mute_time_intervals: vec!["night".to_owned()],
                    ..route("default", "day")
                },
                RouteSpec {
                    active_time_intervals: vec!["never".to_owned()],
                    ..route("default", "never")
                },
            ],
            ..RouteSpec::default()
        },
        receivers: vec![
            receiver("default", &[("webhook", true)]),
            receiver("nobody", &[]),
            receiver("both", &[("webhook", true), ("mail", false)]),
        ],
        inhibit_rules: vec![InhibitRuleSpec {
            name: "cascade".to_owned(),
            source_matchers: vec![Matcher::equal("severity", "critical")],
            target_matchers: vec![Matcher::equal("severity", "warning")],
            equal: Vec::new(),
        }],
        intervals: Arc::new(Night),
        resolve_timeout: Duration::from_secs(300),
    }
}

fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split(',').map(|pair| pair.split_once('=').unwrap()))
}

/// `post LABELS [start=S] [end=S]`, `silence ID NAME=VALUE END`, `expire ID`, `reload`, `ok N`, `fail N
/// later|never`, `peer-wait S`, `tick`.
fn input(words: &[&str]) -> Input {
    match words {
        ["post", own, options @ ..] => {
            let time = |key: &str| {
                let text = options.iter().find_map(|option| option.strip_prefix(key))?;
                Some(Time::from(Timestamp(seconds(text))))
            };
            Input::Posted(vec![PostedAlert {
                starts_at: time("start="),
                ends_at: time("end="),
                ..PostedAlert::from_labels(labels(own))
            }])
        }
        ["silence", id, pair, end] => {
            let (name, value) = pair.split_once('=').unwrap();
            Input::SilenceSet {
                silence: Silence {
                    matcher_sets: vec![vec![SilenceMatcher {
                        op: MatchOp::Equal,
                        name: name.to_owned(),
                        pattern: value.to_owned(),
                    }]],
                    ends_at: Time::from(Timestamp(seconds(end))),
                    ..Silence::default()
                },
                fresh_id: (*id).to_owned(),
            }
        }
        ["expire", id] => Input::SilenceExpired {
            id: (*id).to_owned(),
        },
        ["reload"] => Input::ConfigReplaced(Arc::new(config())),
        ["ok", id] => Input::Delivered {
            delivery: DeliveryId(id.parse().unwrap()),
            outcome: Outcome::delivered(),
        },
        ["fail", id, when] => Input::Delivered {
            delivery: DeliveryId(id.parse().unwrap()),
            outcome: Outcome::Failed {
                retry: match *when {
                    "later" => Retry::Later,
                    "never" => Retry::Never,
                    pause => Retry::After(Duration(seconds(pause))),
                },
                failure: FailureReason::ServerError,
                message: "boom".to_owned(),
            },
        },
        ["peer-wait", wait] => Input::PeerWait(Duration(seconds(wait))),
        ["tick"] => Input::Tick,
        other => panic!("{other:?}"),
    }
}

/// One line for each action that a reader of these tests wants to see.
fn describe(action: &Action) -> Option<String> {
    match action {
        Action::Deliver(delivery) => {
            let mut line = format!(
                "deliver {}/{} #{}.{}",
                delivery.receiver, delivery.integration_name, delivery.id.0, delivery.attempt
            );
            for notified in delivery.alerts.iter() {
                let mark = if notified.is_resolved { '-' } else { '+' };
                write!(line, " {mark}{}", notified.alert.labels).unwrap();
            }
            write!(line, " ({})", delivery.reason.as_str()).unwrap();
            Some(line)
        }
        Action::Journal(
            Event::NotNotified { reason, .. } | Event::AlertSuppressed { reason, .. },
        ) => Some(reason.to_string()),
        Action::Journal(event @ (Event::GroupRemoved { .. } | Event::AlertTimedOut { .. })) => {
            Some(event.code().to_owned())
        }
        Action::AlertRefused(error) => Some(format!("refused: {error}")),
        Action::SilenceRefused(error) => Some(format!("refused: {error}")),
        _ => None,
    }
}

/// Runs a script of `SECONDS INPUT` lines, waking the machine whenever it wants, and compares what it did.
/// Deliveries succeed at once unless the first line is `manual`.
#[track_caller]
fn check(script: &str, expected: &str) {
    let mut machine = Machine::new(Settings::default(), Arc::new(config()), Timestamp(0));
    let mut lines = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let mut lines: Vec<&str> = lines.by_ref().collect();
    let answers_itself = lines[0] != "manual";
    if !answers_itself {
        lines.remove(0);
    }
    let mut log = String::new();
    let mut run = |now: Timestamp, input: Input| {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for action in machine.step(now, input) {
                if let Some(line) = describe(&action) {
                    writeln!(log, "{} {line}", now.seconds()).unwrap();
                }
                if let Action::Deliver(delivery) = action
                    && answers_itself
                {
                    inputs.push(Input::Delivered {
                        delivery: delivery.id,
                        outcome: Outcome::delivered(),
                    });
                }
            }
        }
        machine.wake_at()
    };
    let mut wake_at = None;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let now = Timestamp(seconds(words[0]));
        while let Some(at) = wake_at.filter(|at| *at <= now) {
            wake_at = run(at, Input::Tick);
        }
        wake_at = run(now, input(&words[1..]));
    }
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    assert_eq!(log.trim(), expected.join("\n").trim(), "\n{log}");
}

#[test]
fn a_group_from_its_first_alert_to_its_end() {
    check(
        "0 post alertname=A,i=1 end=1000
         5 post alertname=A,i=2 end=1000
         20 post alertname=A,i=3 end=1000
         75 post alertname=A,i=1 end=75
         110 post alertname=A,i=2 end=109
         110 post alertname=A,i=3 end=109
         300 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A", i="1"} +{alertname="A", i="2"} (first notification)
           40 deliver default/webhook #5.1 +{alertname="A", i="1"} +{alertname="A", i="2"} +{alertname="A", i="3"} (new alerts added)
           70 already notified, repeated at the first flush after 1970-01-01T00:01:40Z
           100 deliver default/webhook #9.1 -{alertname="A", i="1"} +{alertname="A", i="2"} +{alertname="A", i="3"} (some alerts resolved)
           130 deliver default/webhook #11.1 -{alertname="A", i="2"} -{alertname="A", i="3"} (all alerts resolved)
           130 group-removed"#,
    );
}

#[test]
fn an_alert_that_started_long_ago_is_told_at_once_and_repeated() {
    check(
        "100 post alertname=A start=1 end=1000
         250 tick",
        r#"100 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           130 already notified, repeated at the first flush after 1970-01-01T00:02:40Z
           190 deliver default/webhook #9.1 +{alertname="A"} (repeat interval elapsed)
           220 already notified, repeated at the first flush after 1970-01-01T00:04:10Z"#,
    );
}

#[test]
fn alerts_that_a_silence_has_stopped_are_counted_once() {
    let mut machine = Machine::new(Settings::default(), Arc::new(config()), Timestamp(0));
    let mut run = |at: i64, script: &str| {
        let words: Vec<&str> = script.split(' ').collect();
        machine.step(Timestamp(at * 1000), input(&words));
        let view = machine.silence_view("s", Timestamp(at * 1000));
        view.map(|view| view.stopped.count)
    };
    assert_eq!(run(0, "silence s alertname=A 1000"), Some(0));
    assert_eq!(run(1, "post alertname=A,i=1 end=1000"), Some(0));
    assert_eq!(run(1, "post alertname=A,i=2 end=1000"), Some(0));
    assert_eq!(run(1, "post alertname=B,i=2 end=1000"), Some(0));
    // The group is flushed after 10 s, and every 30 s from then on.
    assert_eq!(run(11, "tick"), Some(2));
    assert_eq!(run(41, "tick"), Some(2));
    assert_eq!(run(42, "post alertname=A,i=3 end=1000"), Some(2));
    assert_eq!(run(71, "tick"), Some(3));
    // What was counted before a restart counts on; of silences that are gone nothing does.
    machine.restore_stopped("s", crate::Fingerprint(77));
    machine.restore_stopped("gone", crate::Fingerprint(77));
    let now = Timestamp(72_000);
    assert_eq!(
        machine
            .silence_view("s", now)
            .map(|view| view.stopped.count),
        Some(4)
    );
    assert_eq!(machine.stopped.of("gone").count, 0);
}

#[test]
fn every_cause_of_silence_is_named() {
    check(
        "0 silence s1 i=1 1000
         0 post alertname=Silenced,i=1 end=1000
         0 post alertname=Source,severity=critical,team=none end=1000
         0 post alertname=Target,severity=warning end=1000
         0 post alertname=Never,team=never end=1000
         0 post alertname=Short end=5
         10 tick
         95 post alertname=Day,team=day end=1000
         105 tick",
        r#"10 silenced by s1
           10 receiver "nobody" has no integration
           10 inhibited by alert 88be6a22f5333b80 through inhibition rule "cascade"
           10 outside of the active time interval never
           10 resolved before anybody was notified
           10 group-removed
           105 muted by time interval night"#,
    );
}

#[test]
fn each_integration_of_a_receiver_goes_its_own_way() {
    check(
        "0 post alertname=A,team=both end=15
         300 tick",
        r#"10 deliver both/webhook #3.1 +{alertname="A", team="both"} (first notification)
           10 deliver both/mail #4.1 +{alertname="A", team="both"} (first notification)
           40 deliver both/webhook #6.1 -{alertname="A", team="both"} (all alerts resolved)
           40 all alerts are resolved, which this integration does not send
           40 group-removed"#,
    );
}

#[test]
fn failures_are_retried_with_growing_pauses_until_the_flush_is_over() {
    check(
        "manual
         0 post alertname=A end=1000
         10 tick
         10.1 fail 3 later
         11 fail 3 later
         13 fail 3 never
         40 tick
         41 ok 5
         70 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           10.332 deliver default/webhook #3.2 +{alertname="A"} (first notification)
           11.376 deliver default/webhook #3.3 +{alertname="A"} (first notification)
           13 delivery failed after 3 attempts (serverError): boom
           40 deliver default/webhook #5.1 +{alertname="A"} (first notification)
           70 already notified, repeated at the first flush after 1970-01-01T00:01:41Z"#,
    );
}

#[test]
fn a_receiver_that_says_when_is_not_asked_before() {
    check(
        "manual
         0 post alertname=A end=1000
         10 tick
         10.1 fail 3 7
         18 fail 3 100000
         40 tick
         41 ok 5
         42 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           17.1 deliver default/webhook #3.2 +{alertname="A"} (first notification)
           40 delivery failed after 2 attempts (serverError): boom
           40 deliver default/webhook #5.1 +{alertname="A"} (first notification)"#,
    );
}

#[test]
fn a_slow_delivery_holds_up_the_next_flush_of_its_group() {
    check(
        "manual
         0 post alertname=A end=1000
         10 tick
         20 post alertname=A,i=2 end=1000
         45 ok 3
         50 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           45 deliver default/webhook #5.1 +{alertname="A"} +{alertname="A", i="2"} (new alerts added)"#,
    );
}

#[test]
fn a_reload_restarts_timers_and_keeps_what_is_on_the_wire() {
    check(
        "manual
         0 post alertname=A end=1000
         10 tick
         15 reload
         30 ok 3
         62 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           30 already notified, repeated at the first flush after 1970-01-01T00:01:30Z"#,
    );
}

#[test]
fn a_member_of_a_cluster_waits_for_those_before_it() {
    check(
        "0 peer-wait 15
         0 post alertname=A end=1000
         30 tick",
        r#"25 deliver default/webhook #3.1 +{alertname="A"} (first notification)"#,
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_up_notifications() {
    check(
        "1000 post alertname=A start=1000 end=5000
         1005 tick
         105 tick
         110 tick",
        r#"110 deliver default/webhook #3.1 +{alertname="A"} (first notification)"#,
    );
}

#[test]
fn an_alert_that_nobody_repeats_times_out() {
    check(
        "0 post alertname=A
         400 tick",
        r#"10 deliver default/webhook #3.1 +{alertname="A"} (first notification)
           40 already notified, repeated at the first flush after 1970-01-01T00:01:10Z
           100 deliver default/webhook #9.1 +{alertname="A"} (repeat interval elapsed)
           130 already notified, repeated at the first flush after 1970-01-01T00:02:40Z
           190 deliver default/webhook #15.1 +{alertname="A"} (repeat interval elapsed)
           220 already notified, repeated at the first flush after 1970-01-01T00:04:10Z
           280 deliver default/webhook #21.1 +{alertname="A"} (repeat interval elapsed)
           310 alert-timed-out
           310 deliver default/webhook #23.1 -{alertname="A"} (all alerts resolved)
           310 group-removed"#,
    );
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_reason() {
    check(
        "0 post a= end=10
         0 post alertname=A start=20 end=10
         0 silence s alertname= 100
         0 silence s alertname=A 0
         0 expire nope",
        r#"0 refused: at least one label pair required
           0 refused: start time must be before end time
           0 refused: invalid silence: matcher set 0: at least one matcher must not match the empty string
           0 refused: Failed to create silence: start time must be before end time
           0 refused: silence not found"#,
    );
}

/// Anything that may come in, with small numbers so that inputs meet each other.
fn any_input() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        4 => (0..4u8, 0..3u8, 0..4u8, 1..100u32).prop_map(|(name, team, severity, end)| {
            let team = ["both", "none", "day"][usize::from(team)];
            let severity = ["critical", "warning", "info", "none"][usize::from(severity)];
            format!("post alertname={name},team={team},severity={severity} end={end}")
        }),
        1 => (0..3u8, 0..4u8, 1..100u32)
            .prop_map(|(id, name, end)| format!("silence s{id} alertname={name} {end}")),
        1 => (0..3u8).prop_map(|id| format!("expire s{id}")),
        1 => Just("reload".to_owned()),
        3 => (0..60u32).prop_map(|id| format!("ok {id}")),
        1 => (0..60u32).prop_map(|id| format!("fail {id} later")),
        1 => (0..60u32).prop_map(|id| format!("fail {id} never")),
        1 => (0..20u32).prop_map(|wait| format!("peer-wait {wait}")),
        2 => Just("tick".to_owned()),
    ];
    proptest::collection::vec(line, 1..60)
}

fn replay(lines: &[String], steps_ms: &[i64]) -> Vec<Action> {
    let mut machine = Machine::new(Settings::default(), Arc::new(config()), Timestamp(0));
    let mut all = Vec::new();
    let mut now = Timestamp(0);
    for (line, step_ms) in lines.iter().zip(steps_ms.iter().cycle()) {
        now += Duration(*step_ms);
        let words: Vec<&str> = line.split(' ').collect();
        let actions = machine.step(now, input(&words));
        for action in &actions {
            if let Action::Deliver(delivery) = action {
                assert!(!delivery.alerts.is_empty(), "a notification about nothing");
                assert!(delivery.deadline > now, "a notification without time");
            }
        }
        assert!(machine.wake_at() > Some(now), "work was left undone");
        all.extend(actions);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_same_inputs_give_the_same_actions(
        lines in any_input(),
        steps_ms in proptest::collection::vec(-30_000..12_000i64, 1..20),
    ) {
        prop_assert_eq!(replay(&lines, &steps_ms), replay(&lines, &steps_ms));
    }

    /// Whatever happened before: once deliveries succeed again, every alert that nothing mutes is told about.
    #[test]
    fn no_alert_is_lost(
        lines in any_input(),
        steps_ms in proptest::collection::vec(-5_000..12_000i64, 1..20),
    ) {
        let mut machine = Machine::new(Settings::default(), Arc::new(config()), Timestamp(0));
        let mut now = Timestamp(0);
        // Timers that were set before the clock went back are due by what it showed then.
        let mut latest = now;
        let mut open = Vec::new();
        let collect = |actions: Vec<Action>, open: &mut Vec<DeliveryId>| {
            open.extend(actions.into_iter().filter_map(|action| match action {
                Action::Deliver(delivery) => Some(delivery.id),
                _ => None,
            }));
        };
        for (line, step_ms) in lines.iter().zip(steps_ms.iter().cycle()) {
            now += Duration(*step_ms);
            latest = latest.max(now);
            let words: Vec<&str> = line.split(' ').collect();
            collect(machine.step(now, input(&words)), &mut open);
        }
        let late = Input::Posted(vec![PostedAlert::from_labels(labels("alertname=late,i=1"))]);
        collect(machine.step(now, late), &mut open);
        let end = latest + Duration::from_secs(200);
        while let Some(at) = machine.wake_at().filter(|at| *at <= end) {
            now = at.max(now);
            collect(machine.step(now, Input::Tick), &mut open);
            while let Some(delivery) = open.pop() {
                let outcome = Outcome::delivered();
                let answer = Input::Delivered { delivery, outcome };
                collect(machine.step(now, answer), &mut open);
            }
        }
        for view in machine.alert_views(now, &AlertFilter::default()) {
            let is_told = machine.notification_log().iter().any(|stored| {
                stored.entry.firing.contains(&view.alert.log_hash())
            });
            let is_quiet = !view.silenced_by.is_empty()
                || !view.inhibited_by.is_empty()
                || matches!(view.alert.labels.value("team"), "none" | "day");
            prop_assert!(is_told || is_quiet, "{} was lost", view.alert.labels);
        }
    }
}
