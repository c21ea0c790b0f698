//! After a restart: since when alerts have been active, read back from `ALERTS_FOR_STATE`.

use std::collections::HashMap;

use model::labels::{ALERT_NAME, METRIC_NAME};
use model::storage::{Projection, ReadError, SelectRequest, SeriesBatch, TimeRange};
use model::{Labels, Matcher, Timestamp};

use crate::alert::Alert;
use crate::alerting::{AlertingState, series_labels};
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
    let alerts = state.active.values_mut();
    let mut by_series: HashMap<Labels, &mut Alert> = alerts
        .map(|alert| (series_labels(rule, alert, ALERTS_FOR_STATE).build(), alert))
        .collect();
    let mut batch = SeriesBatch::new();
    for row in 0..list.len() {
        let labels = list.labels(row);
        let Some(alert) = by_series.get_mut(&labels) else {
            continue;
        };
        batch.clear();
        list.read(row..row + 1, &mut batch)?;
        let (times, values) = batch.floats(0);
        let Some((down_at, active_since)) = times.last().zip(values.last()) else {
            continue;
        };
        if model::sample::is_stale(*active_since) {
            // It was over before the restart: what is active now is another occurrence.
            continue;
        }
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
