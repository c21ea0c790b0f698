//! Pairs of configurations, and what alerts make of them.

use std::sync::Arc;

use model::{Duration, Labels, Matcher, Timestamp};

use super::{Trial, differences};
use crate::alert::{Alert, PostedAlert};
use crate::config::{
    Config, InhibitRuleSpec, Integration, IntegrationSettings, ReceiverSpec, TimeIntervals,
};
use crate::route::{GroupBySpec, RouteSpec};

/// Every second hour is night.
#[derive(Debug)]
struct Nights(&'static str);

impl TimeIntervals for Nights {
    fn contains(&self, name: &str, at: Timestamp) -> bool {
        name == "night" && (at.millis() / 3_600_000) % 2 == 1
    }

    fn definition(&self, name: &str) -> Option<String> {
        (name == "night").then(|| self.0.to_owned())
    }
}

fn receiver(name: &str, kinds: &[&str]) -> ReceiverSpec {
    let integrations = kinds.iter().map(|kind| Integration {
        name: (*kind).into(),
        index: 0,
        sends_resolved: true,
        ..Integration::default()
    });
    ReceiverSpec {
        name: name.into(),
        integrations: integrations.collect(),
        ..ReceiverSpec::default()
    }
}

fn to(receiver: &str, name: &str, value: &str) -> RouteSpec {
    RouteSpec {
        receiver: Some(receiver.to_owned()),
        matchers: vec![Matcher::equal(name, value)],
        ..RouteSpec::default()
    }
}

fn config() -> Config {
    Config {
        route: RouteSpec {
            receiver: Some("nobody".to_owned()),
            group_by: GroupBySpec::Labels(vec!["alertname".to_owned()]),
            routes: vec![
                RouteSpec {
                    continues: true,
                    ..to("audit", "team", "shop")
                },
                to("pager", "team", "shop"),
                RouteSpec {
                    mute_time_intervals: vec!["night".to_owned()],
                    ..to("mail", "team", "web")
                },
            ],
            ..RouteSpec::default()
        },
        receivers: vec![
            receiver("nobody", &[]),
            receiver("audit", &["webhook"]),
            receiver("pager", &["pagerduty", "slack"]),
            receiver("mail", &["email"]),
        ],
        inhibit_rules: Vec::new(),
        intervals: Arc::new(Nights("22:00-24:00")),
        resolve_timeout: Duration::from_secs(300),
    }
}

fn outage() -> Arc<Alert> {
    let posted = PostedAlert::from_labels(Labels::from_pairs([("alertname", "Outage")]));
    let alert = Alert::from_posted(
        &posted,
        Timestamp(0).into(),
        Duration::from_secs(300),
        model::name::NameScheme::Utf8,
    );
    Arc::new(alert.unwrap())
}

/// What differs for an alert of the team, where the second configuration is the first one with `change` made; at the
/// beginning of the first hour and of the second.
#[track_caller]
fn check(team: &str, change: impl Fn(&mut Config), expected: [&str; 2]) {
    let firing = [outage()];
    let mut changed = config();
    change(&mut changed);
    let old = Trial::new(Arc::new(config()), &firing);
    let new = Trial::new(Arc::new(changed), &firing);
    let labels = Labels::from_pairs([("alertname", "Slow"), ("team", team)]);
    let found = [0, 3_600_000].map(|at| {
        let outcome = |trial| Trial::outcome(trial, &labels, Timestamp(at), Timestamp(0));
        // A configuration never differs from itself.
        assert!(differences(&outcome(&old), &outcome(&old)).is_empty());
        let found = differences(&outcome(&old), &outcome(&new)).into_iter();
        found
            .map(|word| word.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    });
    assert_eq!(found, expected);
}

#[test]
fn whole_ends_are_compared() {
    check("shop", |_| {}, ["", ""]);
    // Only others are concerned.
    check("shop", |new| new.route.routes.truncate(2), ["", ""]);
    check("web", |new| new.route.routes.truncate(2), ["receiver"; 2]);
    // The first route takes all of it.
    check(
        "shop",
        |new| new.route.routes[0].continues = false,
        ["receiver"; 2],
    );
    check("shop", |new| new.route.routes.rotate_right(1), ["", ""]);
    check(
        "shop",
        |new| new.receivers[2].integrations.truncate(1),
        ["integrations"; 2],
    );
    check(
        "shop",
        |new| new.receivers[2].integrations[0].sends_resolved = false,
        ["integrations"; 2],
    );
    check(
        "shop",
        |new| {
            let url = IntegrationSettings::new("https://elsewhere".to_owned());
            new.receivers[2].integrations[1].settings = url;
        },
        ["settings"; 2],
    );
    check(
        "shop",
        |new| {
            new.route.labels.insert("tier".to_owned(), "1".to_owned());
        },
        ["labels"; 2],
    );
    check(
        "shop",
        |new| new.route.group_wait = Some(Duration::from_secs(1)),
        ["timers"; 2],
    );
    check(
        "shop",
        |new| new.route.group_by = GroupBySpec::All,
        ["grouping"; 2],
    );
    // This alert has no such label, but the next one may.
    check(
        "shop",
        |new| {
            let names = ["alertname", "zone"].map(str::to_owned);
            new.route.group_by = GroupBySpec::Labels(names.to_vec());
        },
        ["grouping"; 2],
    );
    check(
        "shop",
        |new| {
            let matcher = Matcher::not_equal("alertname", "");
            new.route.routes[1].matchers.push(matcher);
        },
        ["group-key"; 2],
    );
}

#[test]
fn two_ends_at_one_receiver_meet_their_like() {
    let twice = |change: fn(&mut Config)| {
        move |new: &mut Config| {
            let child = RouteSpec {
                continues: true,
                ..to("audit", "alertname", "Slow")
            };
            new.route.routes.insert(0, child);
            change(new);
        }
    };
    check("shop", twice(|_| {}), ["receiver"; 2]);
    let firing: [Arc<Alert>; 0] = [];
    let labels = Labels::from_pairs([("alertname", "Slow"), ("team", "shop")]);
    let make = |change: fn(&mut Config)| {
        let mut made = config();
        twice(change)(&mut made);
        Trial::new(Arc::new(made), &firing)
    };
    // The other order, and one of them sooner.
    let (old, new) = (
        make(|_| {}),
        make(|new| {
            new.route.routes.swap(0, 1);
            new.route.routes[0].group_wait = Some(Duration::ZERO);
        }),
    );
    let outcome = |trial: &'_ Trial| {
        let outcome = trial.outcome(&labels, Timestamp(0), Timestamp(0));
        assert_eq!(outcome.ends.len(), 3);
        outcome
            .ends
            .iter()
            .map(|end| end.group_key.clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(outcome(&old), outcome(&new));
    let at = Timestamp(0);
    let found = differences(&old.outcome(&labels, at, at), &new.outcome(&labels, at, at));
    let words: Vec<&str> = found.into_iter().map(|word| word.as_str()).collect();
    assert_eq!(words, ["timers"]);
}

#[test]
fn intervals_count_by_what_they_are_and_by_the_hour() {
    check(
        "web",
        |new| new.intervals = Arc::new(Nights("21:00-24:00")),
        ["intervals"; 2],
    );
    check(
        "web",
        |new| new.route.routes[2].mute_time_intervals.clear(),
        ["intervals", "intervals muted"],
    );
    check(
        "shop",
        |new| new.intervals = Arc::new(Nights("21:00-24:00")),
        ["", ""],
    );
}

#[test]
fn inhibition_is_that_of_each_configuration() {
    let rule = InhibitRuleSpec {
        name: "outage".to_owned(),
        source_matchers: vec![Matcher::equal("alertname", "Outage")],
        target_matchers: vec![Matcher::equal("team", "shop")],
        equal: Vec::new(),
    };
    let add = |new: &mut Config| new.inhibit_rules.push(rule.clone());
    check("shop", add, ["inhibited"; 2]);
    check("web", add, ["", ""]);
}

#[test]
fn nobody_hears_of_what_only_empty_receivers_get() {
    let firing: [Arc<Alert>; 0] = [];
    let trial = Trial::new(Arc::new(config()), &firing);
    for (team, expected) in [("shop", true), ("none", false)] {
        let labels = Labels::from_pairs([("team", team)]);
        let outcome = trial.outcome(&labels, Timestamp(0), Timestamp(0));
        assert_eq!(outcome.has_audience(), expected, "{team}");
        assert!(!outcome.ends.is_empty());
    }
}
