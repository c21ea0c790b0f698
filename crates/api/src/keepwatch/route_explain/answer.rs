//! What is said of an alert: what each route says to it, and how it fares at those that it ends at.

use std::cell::Cell;
use std::collections::BTreeMap;

use alerting::inhibit::Inhibition;
use alerting::route::{Route, RouteTree, Visit};
use alerting::view::{Explanation, IntegrationExplanation, Membership, RouteExplanation, Told};
use alerting::{NotNotified, Silence, Time, TimeIntervals};
use config::alertmanager::matchers::matcher_to_text;
use model::{Labels, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::route::group_by;
use crate::time::rfc3339;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteAnswer")]
pub(crate) struct AnswerTwin {
    /// RFC 3339; the time that is asked about.
    at: String,
    /// What each route of the tree says, by the route's id.
    visits: BTreeMap<String, VisitTwin>,
    /// The routes that the alert ends at, in the order of the tree; none: nobody is told.
    ends: Vec<EndTwin>,
    /// Those that hide the alert at the time.
    silences: Vec<SilencingTwin>,
    /// Rules of inhibition that keep the alert quiet, by the alerts that there are now.
    inhibitions: Vec<InhibitionTwin>,
    /// What a start with `config` would warn of.
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteVisit")]
pub(crate) struct VisitTwin {
    /// Parents before children, siblings in order; the root has 0.
    position: usize,
    /// How many routes are above.
    depth: usize,
    receiver: String,
    matchers: Vec<String>,
    continues: bool,
    /// `end`, `passed`, `differs` or `not-reached`.
    outcome: &'static str,
    /// The first matcher that does not match, where the outcome is `differs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    /// For people: what matches, the label that differs, or who took the alert.
    because: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteEnd")]
pub(crate) struct EndTwin {
    route_id: String,
    receiver: String,
    integrations: Vec<IntegrationTwin>,
    group_key: String,
    group_labels: BTreeMap<String, String>,
    /// `...` alone means every label.
    group_by: Vec<String>,
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    /// Ids of the routes that set `receiver`, `groupBy`, `groupWait`, `groupInterval` and `repeatInterval`; what is not
    /// there has its default.
    set_by: BTreeMap<&'static str, String>,
    mute_time_intervals: Vec<RouteIntervalTwin>,
    active_time_intervals: Vec<RouteIntervalTwin>,
    /// `member`: the alert is in the group; `joins`: the group is there without it; `new`: it would make the group.
    membership: &'static str,
    /// RFC 3339; when the group is looked at next, not before the time that is asked about. A group that is not there
    /// is taken to begin then.
    next_flush: String,
    /// Everything that would keep it from being told of, in the order in which it is asked.
    suppressed_by: Vec<SuppressionTwin>,
}

/// A time interval of a route.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteInterval")]
pub(crate) struct RouteIntervalTwin {
    name: String,
    /// Whether the time lies in it.
    holds: bool,
    /// RFC 3339; when that changes, if that is within a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteIntegration")]
pub(crate) struct IntegrationTwin {
    name: String,
    /// `nothing`, `firing` or `resolved`: what it was told about this alert last.
    told: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    told_at: Option<String>,
}

/// Why nobody would be told.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Suppression")]
pub(crate) struct SuppressionTwin {
    code: &'static str,
    message: String,
    /// RFC 3339; when it ends by itself, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteSilence")]
pub(crate) struct SilencingTwin {
    id: String,
    created_by: String,
    comment: String,
    /// RFC 3339.
    ends_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteInhibition")]
pub(crate) struct InhibitionTwin {
    /// The number of the rule in the configuration; the first has 1.
    rule: usize,
    /// Of the rule; "" if it has none.
    name: String,
    /// An alert that fires.
    source: BTreeMap<String, String>,
    source_fingerprint: String,
}

/// The time that is asked about, and how often it may still be looked when intervals change: that takes some
/// milliseconds, and a configuration may have thousands.
struct Asked {
    at: Timestamp,
    looks_left: Cell<usize>,
}

/// Further intervals of one answer are shown without the time at which they change.
const LOOKS_MAX: usize = 200;

impl Asked {
    fn look(&self, find: impl FnOnce(Timestamp) -> Option<Timestamp>) -> Option<String> {
        self.looks_left.set(self.looks_left.get().checked_sub(1)?);
        Some(rfc3339(Some(find(self.at)?)))
    }
}

impl AnswerTwin {
    pub(super) fn of(explanation: &Explanation, labels: &Labels, at: Timestamp) -> Self {
        let asked = Asked {
            at,
            looks_left: Cell::new(LOOKS_MAX),
        };
        let ends = explanation.ends.iter();
        Self {
            at: rfc3339(Some(at)),
            visits: visits(explanation, labels),
            ends: ends.map(|end| end_twin(explanation, end, &asked)).collect(),
            silences: explanation.silences.iter().map(silencing).collect(),
            inhibitions: explanation.inhibitions.iter().map(inhibition).collect(),
            warnings: Vec::new(),
        }
    }
}

fn visits(explanation: &Explanation, labels: &Labels) -> BTreeMap<String, VisitTwin> {
    let tree = explanation.tree();
    let mut depths = vec![0; tree.routes().len()];
    for route in tree.routes() {
        let below = depths.get(route.index).map_or(0, |depth| depth + 1);
        for child in tree.children(route) {
            if let Some(depth) = depths.get_mut(child.index) {
                *depth = below;
            }
        }
    }
    let visits = tree.routes().iter().zip(&explanation.visits).zip(depths);
    let twins = visits.map(|((route, visit), depth)| {
        let (outcome, because) = told(tree, route, visit, labels);
        let failed = match visit {
            Visit::Differs { matcher } => route.matchers.get(*matcher).map(matcher_to_text),
            _ => None,
        };
        let twin = VisitTwin {
            position: route.index,
            depth,
            receiver: route.options.receiver.to_string(),
            matchers: route.matchers.iter().map(matcher_to_text).collect(),
            continues: route.continues,
            outcome,
            failed,
            because,
        };
        (route.id.to_string(), twin)
    });
    twins.collect()
}

/// The outcome, and why.
fn told(tree: &RouteTree, route: &Route, visit: &Visit, labels: &Labels) -> (&'static str, String) {
    let matches = match route.matchers.is_empty() {
        true => "it takes every alert",
        false => "all of its matchers match",
    };
    match visit {
        Visit::End => {
            let below = match tree.children(route).next() {
                Some(_) => "no route below does",
                None => "there is no route below",
            };
            ("end", format!("{matches}, and {below}"))
        }
        Visit::Passed => ("passed", format!("{matches}, and a route below took it")),
        Visit::Differs { matcher } => {
            let matcher = route.matchers.get(*matcher);
            let name = matcher.map_or("", |matcher| matcher.name());
            let because = match labels.get(name) {
                Some(value) => format!("{name} is {value:?}"),
                None => format!("there is no label {name}"),
            };
            ("differs", because)
        }
        Visit::ParentDiffers => ("not-reached", "the route above does not match".to_owned()),
        Visit::TakenBy { route } => {
            let receiver = tree
                .route(*route)
                .map_or("", |taker| &*taker.options.receiver);
            let because = format!("an earlier route to {receiver} took it and does not continue");
            ("not-reached", because)
        }
    }
}

fn end_twin(explanation: &Explanation, end: &RouteExplanation, asked: &Asked) -> EndTwin {
    let tree = explanation.tree();
    // An explanation is made of the routes of its tree.
    let defaults = alerting::route::RouteOptions::default();
    let route = tree.route(end.route);
    let options = route.map_or(&defaults, |route| &route.options);
    let origins = route.map(|route| route.origins).unwrap_or_default();
    let set_by = [
        ("receiver", origins.receiver),
        ("groupBy", origins.group_by),
        ("groupWait", origins.group_wait),
        ("groupInterval", origins.group_interval),
        ("repeatInterval", origins.repeat_interval),
    ];
    let set_by = set_by.into_iter().filter_map(|(what, origin)| {
        let route = tree.route(origin?)?;
        Some((what, route.id.to_string()))
    });
    let intervals = &*explanation.config().intervals;
    let muted_until = || asked.look(|at| options.muted_until(at, intervals));
    let suppressions = end.suppressed_by.iter().map(|reason| SuppressionTwin {
        code: diag::Reason::code(reason),
        message: reason.to_string(),
        until: match reason {
            NotNotified::MutedByInterval(_) | NotNotified::OutsideActiveIntervals(_) => {
                muted_until()
            }
            NotNotified::Silenced(_) => {
                let ends = explanation.silences.iter().map(|silence| silence.ends_at);
                ends.max().map(utc)
            }
            _ => None,
        },
    });
    let twins = |names: &[String]| {
        let twins = names.iter().map(|name| interval(name, intervals, asked));
        twins.collect()
    };
    EndTwin {
        route_id: end.route_id.to_string(),
        receiver: end.receiver.to_string(),
        integrations: end.integrations.iter().map(integration).collect(),
        group_key: end.group_key.clone(),
        group_labels: end.group_labels.to_map(),
        group_by: group_by(options),
        group_wait: options.group_wait.to_string(),
        group_interval: options.group_interval.to_string(),
        repeat_interval: options.repeat_interval.to_string(),
        set_by: set_by.collect(),
        mute_time_intervals: twins(&options.mute_time_intervals),
        active_time_intervals: twins(&options.active_time_intervals),
        membership: match end.membership {
            Membership::Member => "member",
            Membership::Joins => "joins",
            Membership::New => "new",
        },
        next_flush: rfc3339(Some(end.flush_at)),
        suppressed_by: suppressions.collect(),
    }
}

fn interval(name: &str, intervals: &dyn TimeIntervals, asked: &Asked) -> RouteIntervalTwin {
    let holds = |at| intervals.contains(name, at);
    RouteIntervalTwin {
        name: name.to_owned(),
        holds: holds(asked.at),
        until: asked.look(|at| intervals.next_change(&[name], at, &holds)),
    }
}

fn integration(integration: &IntegrationExplanation) -> IntegrationTwin {
    IntegrationTwin {
        name: integration.name.to_string(),
        told: match integration.told {
            Told::Nothing => "nothing",
            Told::Firing => "firing",
            Told::Resolved => "resolved",
        },
        told_at: integration.group_told_at.map(utc),
    }
}

/// Times of silences may have the offset that they were posted with.
fn utc(time: Time) -> String {
    rfc3339(Some(time.timestamp()))
}

fn silencing(silence: &Silence) -> SilencingTwin {
    SilencingTwin {
        id: silence.id.clone(),
        created_by: silence.created_by.clone(),
        comment: silence.comment.clone(),
        ends_at: utc(silence.ends_at),
    }
}

fn inhibition(inhibition: &Inhibition) -> InhibitionTwin {
    InhibitionTwin {
        rule: inhibition.rule + 1,
        name: inhibition.rule_name.to_string(),
        source: inhibition.source_labels.to_map(),
        source_fingerprint: inhibition.source.to_string(),
    }
}
