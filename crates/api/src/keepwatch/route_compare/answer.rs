//! What comparing two configurations says: alerts with both outcomes, and sums over all of them.

use std::collections::{BTreeMap, BTreeSet};

use alerting::ReceiverSpec;
use alerting::trial::{Difference, End, Outcome, Trial, differences};
use model::{Labels, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::route::{SuppressedTwin, group_by, suppressed};
use crate::time::rfc3339;

/// How alerts fare under two configurations.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteComparison")]
pub(crate) struct ComparisonTwin {
    /// RFC 3339; the time at which intervals mute.
    at: String,
    /// Alerts, by their labels, each once.
    pub(super) candidates: Candidates,
    compared: usize,
    /// Those of them that fare differently.
    changed: usize,
    /// In which ways, with how many alerts: `receiver`, `integrations`, `settings`, `labels`, `grouping`, `group-key`,
    /// `timers`, `intervals`, `muted`, `inhibited`.
    reasons: BTreeMap<&'static str, usize>,
    /// Alerts that reach no receiver with an integration.
    nobody: BeforeAfter,
    /// By name; those that no alert concerns too.
    receivers: Vec<ComparedReceiverTwin>,
    /// Those that change first.
    alerts: Vec<ComparedAlertTwin>,
    /// Alerts that `alerts` does not show.
    left_out: LeftOut,
    /// What was not looked at, and what a start would warn of.
    pub(super) warnings: Vec<String>,
}

/// Where the label sets come from.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "RouteComparisonCandidates")]
pub(crate) struct Candidates {
    pub(super) current: usize,
    pub(super) journalled: usize,
    pub(super) given: usize,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct BeforeAfter {
    old: usize,
    new: usize,
}

#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "RouteComparisonLeftOut")]
pub(crate) struct LeftOut {
    changed: usize,
    unchanged: usize,
}

/// What becomes of a receiver.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ComparedReceiver")]
pub(crate) struct ComparedReceiverTwin {
    name: String,
    /// `stays`, `comes` or `goes`.
    state: &'static str,
    /// Kinds of its integrations that go elsewhere or say something else, where it has the same kinds.
    settings: Vec<String>,
    /// Alerts that reach it.
    old: usize,
    new: usize,
    /// Alerts that reach it only with the new configuration.
    gained: usize,
    /// Alerts that reach it only with the old one.
    lost: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ComparedAlert")]
pub(crate) struct ComparedAlertTwin {
    labels: BTreeMap<String, String>,
    changed: bool,
    reasons: Vec<&'static str>,
    old: OutcomeTwin,
    new: OutcomeTwin,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RouteOutcome")]
pub(crate) struct OutcomeTwin {
    /// In the order of the routes.
    ends: Vec<ComparedEndTwin>,
    /// Why another alert keeps it quiet now.
    #[serde(skip_serializing_if = "Option::is_none")]
    inhibited: Option<SuppressedTwin>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ComparedEnd")]
pub(crate) struct ComparedEndTwin {
    route_id: String,
    receiver: String,
    /// Kinds; none: nobody is told.
    integrations: Vec<String>,
    /// `...` alone means every label.
    group_by: Vec<String>,
    group_labels: BTreeMap<String, String>,
    group_key: String,
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    mute_time_intervals: Vec<String>,
    active_time_intervals: Vec<String>,
    /// Those that the route gives, with their templates.
    route_labels: BTreeMap<String, String>,
    /// Why the intervals hold it back at the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<SuppressedTwin>,
}

/// What is asked for besides the configurations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    /// Alerts of the answer.
    pub(super) limit: usize,
}

impl ComparisonTwin {
    pub(super) fn of(
        (old, new): (&Trial, &Trial),
        sets: &[Labels],
        Asked { at, now, limit }: Asked,
    ) -> Self {
        let mut receivers = receivers(old, new);
        let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut nobody = BeforeAfter::default();
        // Those that change and those that do not; so many of each as the answer may need.
        let (mut changing, mut staying) = (Vec::new(), Vec::new());
        let (mut changed, mut left_out) = (0, LeftOut::default());
        for labels in sets {
            let before = old.outcome(labels, at, now);
            let after = new.outcome(labels, at, now);
            let found = differences(&before, &after);
            count_receivers(&mut receivers, &before, &after);
            nobody.old += usize::from(!before.has_audience());
            nobody.new += usize::from(!after.has_audience());
            for difference in &found {
                *reasons.entry(difference.as_str()).or_default() += 1;
            }
            changed += usize::from(!found.is_empty());
            let kept = match found.is_empty() {
                true => &mut staying,
                false => &mut changing,
            };
            if kept.len() < limit {
                kept.push(alert(labels, &found, (&before, &after)));
            }
        }
        staying.truncate(limit - changing.len());
        left_out.changed = changed - changing.len();
        left_out.unchanged = sets.len() - changed - staying.len();
        changing.append(&mut staying);
        Self {
            at: rfc3339(Some(at)),
            candidates: Candidates::default(),
            compared: sets.len(),
            changed,
            reasons,
            nobody,
            receivers: receivers.into_values().collect(),
            alerts: changing,
            left_out,
            warnings: Vec::new(),
        }
    }
}

fn receivers(old: &Trial, new: &Trial) -> BTreeMap<String, ComparedReceiverTwin> {
    let names = |trial: &Trial| -> BTreeSet<String> {
        let receivers = trial.config().receivers.iter();
        receivers
            .map(|receiver| receiver.name.to_string())
            .collect()
    };
    fn settings(old: &ReceiverSpec, new: &ReceiverSpec) -> Vec<String> {
        let integrations = old.integrations.iter().flat_map(|one| {
            let same = new.integrations.iter();
            same.filter(move |other| other.name == one.name && other.index == one.index)
                .filter(move |other| other.settings != one.settings)
        });
        integrations.map(|one| one.name.to_string()).collect()
    }
    let (before, after) = (names(old), names(new));
    let (by_name, by_name_after) = (by_name(old), by_name(new));
    let all = before.union(&after);
    let twin = |name: &String| ComparedReceiverTwin {
        name: name.clone(),
        state: match (before.contains(name), after.contains(name)) {
            (true, false) => "goes",
            (false, true) => "comes",
            _ => "stays",
        },
        settings: match (by_name.get(&**name), by_name_after.get(&**name)) {
            (Some(old), Some(new)) => settings(old, new),
            _ => Vec::new(),
        },
        ..ComparedReceiverTwin::default()
    };
    all.map(|name| (name.clone(), twin(name))).collect()
}

fn by_name(trial: &Trial) -> BTreeMap<&str, &ReceiverSpec> {
    let receivers = trial.config().receivers.iter();
    receivers.map(|one| (&*one.name, one)).collect()
}

/// An alert that reaches a receiver twice counts once.
fn count_receivers(
    receivers: &mut BTreeMap<String, ComparedReceiverTwin>,
    before: &Outcome<'_>,
    after: &Outcome<'_>,
) {
    fn names<'o>(outcome: &'o Outcome<'_>) -> BTreeSet<&'o str> {
        outcome.ends.iter().map(End::receiver).collect()
    }
    let (before, after) = (names(before), names(after));
    for name in before.union(&after) {
        let Some(receiver) = receivers.get_mut(*name) else {
            continue;
        };
        let (was, is) = (before.contains(name), after.contains(name));
        receiver.old += usize::from(was);
        receiver.new += usize::from(is);
        receiver.gained += usize::from(is && !was);
        receiver.lost += usize::from(was && !is);
    }
}

fn alert(
    labels: &Labels,
    found: &BTreeSet<Difference>,
    (before, after): (&Outcome<'_>, &Outcome<'_>),
) -> ComparedAlertTwin {
    ComparedAlertTwin {
        labels: labels.to_map(),
        changed: !found.is_empty(),
        reasons: found.iter().map(|one| one.as_str()).collect(),
        old: outcome(before),
        new: outcome(after),
    }
}

fn outcome(outcome: &Outcome<'_>) -> OutcomeTwin {
    let inhibited = outcome.inhibited.clone();
    OutcomeTwin {
        ends: outcome.ends.iter().map(end).collect(),
        inhibited: inhibited.map(|by| suppressed(&alerting::NotNotified::Inhibited(by))),
    }
}

fn end(end: &End<'_>) -> ComparedEndTwin {
    let options = &end.route.options;
    let integrations = end.integrations().iter();
    ComparedEndTwin {
        route_id: end.route.id.to_string(),
        receiver: end.receiver().to_owned(),
        integrations: integrations.map(|one| one.name.to_string()).collect(),
        group_by: group_by(options),
        group_labels: end.group_labels.to_map(),
        group_key: end.group_key.clone(),
        group_wait: options.group_wait.to_string(),
        group_interval: options.group_interval.to_string(),
        repeat_interval: options.repeat_interval.to_string(),
        mute_time_intervals: options.mute_time_intervals.clone(),
        active_time_intervals: options.active_time_intervals.clone(),
        route_labels: (*options.labels).clone(),
        muted: end.muted.as_ref().map(suppressed),
    }
}
