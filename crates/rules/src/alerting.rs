//! One alerting rule: which alerts are pending, firing or resolved, and the series that tell so.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use model::labels::{ALERT_NAME, METRIC_NAME};
use model::{Duration, Labels, LabelsBuilder, Pairs, Timestamp, Value};

use crate::alert::{Alert, AlertChange, AlertState, ChangeKind};
use crate::environment::{Environment, ResultSample, SentAlert};
use crate::expand::Expander;
use crate::refusal::RuleRefusal;
use crate::spec::{ALERTS, ALERTS_FOR_STATE, AlertingSpec};

/// A resolved alert stays known this long, so that its end is sent more than once.
const RESOLVED_RETENTION: Duration = Duration::from_secs(15 * 60);
/// An alert counts as firing for so many resend or evaluation intervals without news.
const VALID_INTERVALS: i64 = 4;

/// The alerts of one rule, by labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertingState {
    pub(crate) active: BTreeMap<Labels, Alert>,
    /// Whether the `for` state of an earlier run was looked for. Until then no series are written.
    pub(crate) is_restored: bool,
    /// Of the newest evaluation.
    changes: Vec<AlertChange>,
}

impl AlertingState {
    /// The worst state of any alert.
    pub(crate) fn worst(&self) -> AlertState {
        self.active
            .values()
            .map(|alert| alert.state)
            .max()
            .unwrap_or(AlertState::Inactive)
    }

    /// Evaluates the rule at `time` (looking `offset` into the past) and returns the series to write.
    pub(crate) fn evaluate(
        &mut self,
        rule: &AlertingSpec,
        limit: usize,
        environment: &Environment,
        time: Timestamp,
        offset: Duration,
    ) -> Result<Vec<ResultSample>, RuleRefusal> {
        let samples = environment
            .queries
            .instant(&rule.expr, time - offset)
            .map_err(RuleRefusal::Query)?;
        let found = found(rule, environment, time, samples)?;
        for (labels, (annotations, value)) in &found {
            match self.active.entry(labels.clone()) {
                Entry::Occupied(mut entry) if entry.get().state != AlertState::Inactive => {
                    let alert = entry.get_mut();
                    alert.value = value.clone();
                    alert.annotations = annotations.clone();
                }
                entry => {
                    let alert = Alert {
                        state: AlertState::Pending,
                        labels: labels.clone(),
                        annotations: annotations.clone(),
                        value: value.clone(),
                        active_at: time,
                        fired_at: None,
                        resolved_at: None,
                        last_sent_at: None,
                        keep_firing_since: None,
                    };
                    entry.insert_entry(alert);
                }
            }
        }
        let mut changes = Vec::new();
        self.active.retain(|labels, alert| {
            let before = alert.state;
            let stays = step(alert, rule, time, found.contains_key(labels));
            let kind = match (before, alert.state) {
                (AlertState::Pending, AlertState::Firing) => ChangeKind::Firing,
                (AlertState::Firing, AlertState::Pending) => ChangeKind::Pending,
                (AlertState::Pending, _) if !stays => ChangeKind::Gone,
                (AlertState::Pending, _) if alert.active_at == time => ChangeKind::Pending,
                (AlertState::Firing, AlertState::Inactive) => ChangeKind::Resolved,
                _ => return stays,
            };
            changes.push(AlertChange {
                kind,
                labels: labels.clone(),
                value: alert.value.clone(),
                active_at: alert.active_at,
            });
            stays
        });
        let count = self
            .active
            .values()
            .filter(|alert| alert.state != AlertState::Inactive)
            .count();
        if limit > 0 && count > limit {
            self.active.clear();
            return Err(RuleRefusal::Limit {
                limit,
                count,
                what: "alerts",
            });
        }
        self.changes = changes;
        if !self.is_restored {
            return Ok(Vec::new());
        }
        let living = self
            .active
            .values()
            .filter(|alert| alert.state != AlertState::Inactive);
        Ok(living
            .flat_map(|alert| [state_sample(rule, alert), for_state_sample(rule, alert)])
            .collect())
    }

    /// What the newest evaluation changed.
    pub(crate) fn take_changes(&mut self) -> Vec<AlertChange> {
        std::mem::take(&mut self.changes)
    }

    /// The alerts that are due to be sent, marked as sent at `time`.
    pub(crate) fn take_due(
        &mut self,
        rule: &AlertingSpec,
        environment: &Environment,
        time: Timestamp,
        interval: Duration,
    ) -> Vec<SentAlert> {
        let resend_delay = environment.settings.resend_delay;
        let valid_until = time + interval.max(resend_delay) * VALID_INTERVALS;
        let mut due = Vec::new();
        for alert in self
            .active
            .values_mut()
            .filter(|alert| is_due(alert, time, resend_delay))
        {
            alert.last_sent_at = Some(time);
            due.push(environment.sent(alert, &rule.expr, valid_until));
        }
        due
    }
}

type Found = BTreeMap<Labels, (Pairs, Value)>;

/// Labels and annotations of every result of the query.
fn found(
    rule: &AlertingSpec,
    environment: &Environment,
    time: Timestamp,
    samples: Vec<ResultSample>,
) -> Result<Found, RuleRefusal> {
    let mut found = Found::new();
    for sample in samples {
        let expander = Expander::new(
            &rule.alert,
            environment,
            time,
            (&sample.labels, &sample.value),
        );
        let mut labels = sample.labels.to_builder();
        labels.remove(METRIC_NAME);
        for (name, text) in &rule.labels {
            labels.set(name, expander.text(text));
        }
        labels.set(ALERT_NAME, rule.alert.as_str());
        let annotations = expander.annotations(&rule.annotations);
        if found
            .insert(labels.build(), (annotations, sample.value))
            .is_some()
        {
            return Err(RuleRefusal::SameLabels { kind: "alert" });
        }
    }
    Ok(found)
}

/// Moves one alert on; false once it can be forgotten.
fn step(alert: &mut Alert, rule: &AlertingSpec, time: Timestamp, is_found: bool) -> bool {
    if is_found {
        alert.keep_firing_since = None;
    } else {
        let is_kept = alert.state == AlertState::Firing
            && !rule.keep_firing_for.is_zero()
            && time.since(*alert.keep_firing_since.get_or_insert(time)) < rule.keep_firing_for;
        let is_old = alert
            .resolved_at
            .is_some_and(|resolved| time.since(resolved) > RESOLVED_RETENTION);
        if alert.state == AlertState::Pending || is_old {
            return false;
        }
        if !is_kept {
            if alert.state != AlertState::Inactive {
                alert.state = AlertState::Inactive;
                alert.resolved_at = Some(time);
            }
            return true;
        }
    }
    if alert.state == AlertState::Pending && time.since(alert.active_at) >= rule.hold {
        alert.state = AlertState::Firing;
        alert.fired_at = Some(time);
    } else if alert.state == AlertState::Firing && time.since(alert.active_at) < rule.hold {
        // A reload made `for` longer: the alert waits again.
        alert.state = AlertState::Pending;
        alert.fired_at = None;
        alert.last_sent_at = None;
        alert.keep_firing_since = None;
    }
    true
}

fn is_due(alert: &Alert, time: Timestamp, resend_delay: Duration) -> bool {
    if alert.state == AlertState::Pending {
        return false;
    }
    let Some(last_sent) = alert.last_sent_at else {
        return true;
    };
    // The end of an alert is news, whenever the firing was sent.
    alert
        .resolved_at
        .is_some_and(|resolved| resolved > last_sent)
        || last_sent + resend_delay < time
}

/// Of the series that tell of an alert. As in the peer, a label of the rule whose template gave nothing stands there as
/// the rule has it.
pub(crate) fn series_labels(rule: &AlertingSpec, alert: &Alert, metric: &str) -> LabelsBuilder {
    let mut labels = LabelsBuilder::new();
    for (name, value) in rule.labels.iter().chain(&alert.labels) {
        labels.set(name, value);
    }
    labels.set(METRIC_NAME, metric);
    labels.set(ALERT_NAME, rule.alert.as_str());
    labels
}

/// `ALERTS{alertstate="…"} 1`.
fn state_sample(rule: &AlertingSpec, alert: &Alert) -> ResultSample {
    let mut labels = series_labels(rule, alert, ALERTS);
    labels.set("alertstate", alert.state.as_str());
    ResultSample {
        labels: labels.build(),
        value: Value::Float(1.0),
    }
}

/// `ALERTS_FOR_STATE`: since when the alert has been active, in seconds; read back after a restart.
fn for_state_sample(rule: &AlertingSpec, alert: &Alert) -> ResultSample {
    let labels = series_labels(rule, alert, ALERTS_FOR_STATE);
    // Whole seconds, as the peer writes them.
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since the epoch fit exactly"
    )]
    let seconds = alert.active_at.millis().div_euclid(1000) as f64;
    ResultSample {
        labels: labels.build(),
        value: Value::Float(seconds),
    }
}
