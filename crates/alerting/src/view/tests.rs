//! What the API shows of a machine with a few alerts, groups and silences.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::pattern::Pattern;
use model::{Duration, Labels, MatchOp, Matcher, Timestamp};

use super::*;
use crate::config::InhibitRuleSpec;
use crate::silence::SilenceMatcher;
use crate::{
    Config, GroupBySpec, Input, Machine, NoIntervals, PostedAlert, ReceiverSpec, RouteSpec,
    Settings, Silence, Time,
};

const NOW: Timestamp = Timestamp(1_000_000);

fn machine() -> Machine {
    let route = |receiver: &str, team: &str| RouteSpec {
        receiver: Some(receiver.to_owned()),
        matchers: vec![Matcher::equal("team", team)],
        continues: true,
        ..RouteSpec::default()
    };
    let receiver = |name: &str, tier: &str| ReceiverSpec {
        name: name.into(),
        labels: BTreeMap::from([
            ("name".to_owned(), name.to_owned()),
            ("tier".to_owned(), tier.to_owned()),
        ]),
        integrations: Vec::new(),
    };
    let config = Config {
        route: RouteSpec {
            receiver: Some("default".to_owned()),
            group_by: GroupBySpec::Labels(vec!["team".to_owned()]),
            routes: vec![route("z-audit", "a"), route("a-team", "a")],
            ..RouteSpec::default()
        },
        receivers: vec![
            receiver("default", ""),
            receiver("z-audit", "low"),
            receiver("a-team", "high"),
        ],
        inhibit_rules: vec![InhibitRuleSpec {
            source_matchers: vec![Matcher::equal("severity", "critical")],
            target_matchers: vec![Matcher::equal("severity", "warning")],
            ..InhibitRuleSpec::default()
        }],
        intervals: Arc::new(NoIntervals),
        resolve_timeout: Duration::from_secs(300),
    };
    let mut machine = Machine::new(Settings::default(), Arc::new(config), NOW);
    let alert = |pairs: &[(&str, &str)], ends_at: i64| PostedAlert {
        starts_at: Some(Time::new(0, 0)),
        ends_at: Some(Time::new(ends_at, 0)),
        ..PostedAlert::from_labels(Labels::from_pairs(pairs.iter().copied()))
    };
    let alerts = vec![
        alert(
            &[
                ("alertname", "Crit"),
                ("severity", "critical"),
                ("team", "a"),
            ],
            2000,
        ),
        alert(
            &[
                ("alertname", "Warn"),
                ("severity", "warning"),
                ("team", "a"),
            ],
            2000,
        ),
        alert(&[("alertname", "Plain")], 2000),
        alert(&[("alertname", "Over")], 999),
    ];
    machine.step(NOW, Input::Posted(alerts));
    let silence = |name: &str, starts_at: i64, ends_at: i64| Silence {
        matcher_sets: vec![vec![SilenceMatcher {
            op: MatchOp::Equal,
            name: "alertname".to_owned(),
            pattern: name.to_owned(),
        }]],
        starts_at: Time::new(starts_at, 0),
        ends_at: Time::new(ends_at, 0),
        ..Silence::default()
    };
    for (id, silence) in [
        ("later", silence("Plain", 0, 1900)),
        ("sooner", silence("Plain", 0, 1800)),
        ("pending", silence("Crit", 1500, 1600)),
        ("gone", silence("Crit", 0, 1700)),
    ] {
        let fresh_id = id.to_owned();
        machine.step(NOW, Input::SilenceSet { silence, fresh_id });
    }
    let id = "gone".to_owned();
    machine.step(NOW, Input::SilenceExpired { id });
    machine
}

fn line(view: &AlertView) -> String {
    format!(
        "{} {} {:?} by {} silences and {} alerts",
        view.alert.name(),
        view.state.as_str(),
        view.receivers,
        view.silenced_by.len(),
        view.inhibited_by.len()
    )
}

#[track_caller]
fn check_alerts(filter: AlertFilter, expected: &[&str]) {
    let mut lines: Vec<String> = machine()
        .alert_views(NOW, &filter)
        .iter()
        .map(line)
        .collect();
    lines.sort();
    assert_eq!(lines, expected);
}

const CRIT: &str = r#"Crit active ["z-audit", "a-team"] by 0 silences and 0 alerts"#;
const WARN: &str = r#"Warn suppressed ["z-audit", "a-team"] by 0 silences and 1 alerts"#;
const PLAIN: &str = r#"Plain suppressed ["default"] by 2 silences and 0 alerts"#;

#[test]
fn alerts_with_their_state_and_receivers() {
    check_alerts(AlertFilter::default(), &[CRIT, PLAIN, WARN]);
    let without = |active: bool, silenced: bool, inhibited: bool| AlertFilter {
        active: active.into(),
        silenced: silenced.into(),
        inhibited: inhibited.into(),
        ..AlertFilter::default()
    };
    check_alerts(without(false, true, true), &[PLAIN, WARN]);
    check_alerts(without(true, false, true), &[CRIT, WARN]);
    check_alerts(without(true, true, false), &[CRIT, PLAIN]);
    assert_eq!(machine().alert_counts(NOW), (1, 2));
}

#[test]
fn filters_on_labels_and_receivers() {
    let labels = |matcher: Matcher| AlertFilter {
        labels: LabelFilter {
            matchers: vec![matcher],
        },
        ..AlertFilter::default()
    };
    check_alerts(labels(Matcher::equal("team", "")), &[PLAIN]);
    check_alerts(labels(Matcher::not_equal("team", "")), &[CRIT, WARN]);
    let by_name = AlertFilter {
        receiver: Some(Pattern::new("a-.*").unwrap()),
        ..AlertFilter::default()
    };
    check_alerts(by_name, &[CRIT, WARN]);
    let by_tier = AlertFilter {
        receiver_labels: LabelFilter {
            matchers: vec![Matcher::equal("tier", "")],
        },
        ..AlertFilter::default()
    };
    check_alerts(by_tier, &[PLAIN]);
}

#[test]
fn groups_by_labels_and_then_receiver() {
    let machine = machine();
    let lines: Vec<String> = machine
        .group_views(NOW, &AlertFilter::default())
        .iter()
        .map(|group| {
            let alerts: Vec<String> = group.alerts.iter().map(line).collect();
            format!("{} {}: {}", group.labels, group.receiver, alerts.join("; "))
        })
        .collect();
    let both = r#"Crit active ["a-team", "z-audit"] by 0 silences and 0 alerts; Warn suppressed ["a-team", "z-audit"] by 0 silences and 1 alerts"#;
    assert_eq!(
        lines,
        [
            format!("{{}} default: {PLAIN}"),
            format!("{{team=\"a\"}} a-team: {both}"),
            format!("{{team=\"a\"}} z-audit: {both}"),
        ]
    );
}

#[test]
fn silences_by_state_and_time() {
    let machine = machine();
    let ids = |filter: &SilenceFilter| -> Vec<String> {
        let views = machine.silence_views(NOW, filter);
        views
            .iter()
            .map(|view| format!("{} {}", view.silence.id, view.state.as_str()))
            .collect()
    };
    assert_eq!(
        ids(&SilenceFilter::default()),
        [
            "sooner active",
            "later active",
            "pending pending",
            "gone expired"
        ]
    );
    let filter = SilenceFilter {
        matchers: vec![Matcher::equal("alertname", "Crit")],
        expired: Shown::No,
        ..SilenceFilter::default()
    };
    assert_eq!(ids(&filter), ["pending pending"]);
    let one = machine.silence_view("gone", NOW).unwrap();
    assert_eq!(one.state.as_str(), "expired");
}

#[test]
fn an_alert_explained_route_by_route() {
    let machine = machine();
    let warn = Labels::from_pairs([
        ("alertname", "Warn"),
        ("severity", "warning"),
        ("team", "a"),
    ]);
    let explanation = machine.explain(&warn, NOW, NOW);
    let routes = &explanation.ends;
    let receivers: Vec<&str> = routes.iter().map(|route| &*route.receiver).collect();
    assert_eq!(receivers, ["z-audit", "a-team"]);
    assert_eq!(routes[0].group_key, r#"{}/{team="a"}:{team="a"}"#);
    assert_eq!(
        codes(&routes[0]),
        ["alert-inhibited", "alert-receiver-without-integration"]
    );
    assert_eq!(explanation.inhibitions.len(), 1);
    assert_eq!(routes[0].membership, Membership::Member);
    assert_eq!(routes[0].flush_at, NOW + Duration::from_secs(300));
    // An alert that nobody has sent yet can be asked about as well.
    let unknown = Labels::from_pairs([("alertname", "New"), ("team", "b")]);
    let routes = machine.explain(&unknown, NOW, NOW).ends;
    assert_eq!(routes[0].membership, Membership::New);
    let reason = routes[0].suppressed_by[0].to_string();
    assert_eq!(
        reason,
        r#"no route matched, and the default receiver "default" has no integration"#
    );
}

fn codes(route: &RouteExplanation) -> Vec<&'static str> {
    let reasons = route.suppressed_by.iter();
    reasons.map(diag::Reason::code).collect()
}

#[test]
fn another_time_has_other_silences_and_flushes() {
    let machine = machine();
    let after = |seconds: i64| NOW + Duration::from_secs(seconds);
    let explained = |name: &str, at: Timestamp| {
        let labels = Labels::from_pairs([("alertname", name)]);
        let explanation = machine.explain(&labels, at, NOW);
        let silences = explanation.silences.iter();
        let ids: Vec<String> = silences.map(|silence| silence.id.clone()).collect();
        (ids, explanation.ends[0].flush_at)
    };
    // The alerts are old, so that their groups were looked at at once; every 5 minutes after that.
    let ids = |of: &[&str]| of.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        explained("Plain", NOW),
        (ids(&["later", "sooner"]), after(300))
    );
    assert_eq!(
        explained("Plain", after(850)),
        (ids(&["later"]), after(900))
    );
    assert_eq!(explained("Plain", after(930)), (ids(&[]), after(1200)));
    assert_eq!(explained("Crit", after(500)).0, ids(&["pending"]));
    assert_eq!(explained("Crit", after(601)).0, ids(&[]));
}
