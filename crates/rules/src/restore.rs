//! After a restart: since when alerts have been active, read back from `ALERTS_FOR_STATE`.

use model::labels::{ALERT_NAME, METRIC_NAME};
use model::storage::{Projection, ReadError, SelectRequest, SeriesBatch, TimeRange};
use model::{Labels, Matcher, Timestamp};

use crate::alerting::AlertingState;
use crate::environment::Environment;
use crate::spec::{ALERTS_FOR_STATE, AlertingSpec};

/// Gives pending alerts the time that they had spent pending before the restart, if the outage was short
/// enough. The time of the outage does not count, and an alert fires at the earliest after the grace
/// period (rules of Prometheus' `RestoreForState`).
pub(crate) fn restore_for_state(
    state: &mut AlertingState,
    rule: &AlertingSpec,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), ReadError> {
    let settings = &environment.settings;
    state.is_restored = true;
    // Such alerts fire so soon that restoring could only make them fire at once.
    if rule.hold < settings.grace_period || state.active.is_empty() {
        return Ok(());
    }
    let range = TimeRange::new(now - settings.outage_tolerance, now);
    let matchers = [
        Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE),
        Matcher::equal(ALERT_NAME, rule.alert.as_str()),
    ];
    let list = environment.reader.select(&SelectRequest {
        range,
        matchers: &matchers,
        projection: Projection::All,
    })?;
    let mut batch = SeriesBatch::new();
    for row in 0..list.len() {
        let labels = list.labels(row);
        let Some(alert) = state.active.get_mut(&alert_labels(&labels)) else {
            continue;
        };
        batch.clear();
        list.read(row..row + 1, &mut batch)?;
        let (times, values) = batch.floats(0);
        let last = times
            .iter()
            .zip(values)
            .rev()
            .find(|(_, value)| !model::sample::is_stale(**value));
        let Some((down_at, active_since)) = last else {
            continue;
        };
        let down_at = Timestamp(*down_at);
        let active_since = Timestamp::from_seconds(*active_since);
        let pending_before = down_at.since(active_since);
        let remaining = rule.hold - pending_before;
        let active_at = if remaining.millis() <= 0 {
            // It fired before: let it fire again without waiting.
            active_since
        } else if remaining < settings.grace_period {
            now + settings.grace_period - rule.hold
        } else {
            active_since + now.since(down_at)
        };
        alert.active_at = active_at;
    }
    Ok(())
}

fn alert_labels(labels: &Labels) -> Labels {
    labels.without_name()
}
