//! Metrics of alerting, under the peer's names; and the whole page of an Alertmanager alone.

mod kept;
mod notifications;

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use alerting::measure::{Stopwatch, Taken};
use alerting::stats::Stats;
use diag::ReasonBook;
use md5::{Digest, Md5};
use metrics::{Kind, Page, Registry};
use model::Timestamp;
use parking_lot::RwLock;

use crate::alertmanager::{Alertmanager, Counts};
use crate::build_info::build_info;
use crate::options::Switch;
use crate::process;
use crate::self_metrics::{float, float_of, refusals, reloads};

/// What a reload of an Alertmanager alone changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    /// Of the newest try.
    pub(crate) is_ok: bool,
    /// The newest that succeeded, as all below.
    pub(crate) at: Timestamp,
    pub(crate) hash: f64,
}

/// What the page of an Alertmanager alone is rendered from.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) alertmanager: Arc<Alertmanager>,
    pub(crate) loaded: Arc<RwLock<Loaded>>,
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) started_at: Timestamp,
}

pub(crate) fn register(registry: &Registry, observed: Observed) {
    registry.on_render(move |page| {
        build_info(page, "alertmanager");
        let loaded = *observed.loaded.read();
        reloads(page, "alertmanager", loaded.is_ok, loaded.at);
        let help = "Hash of the currently loaded alertmanager configuration.";
        page.sample(
            Kind::Gauge,
            "alertmanager_config_hash",
            help,
            &[],
            loaded.hash,
        );
        alerts(page, &observed.alertmanager);
        process::metrics(page, observed.started_at);
        refusals(page, &observed.reasons);
    });
}

/// Of the text of a configuration, as the peer computes it: as much of it as fits a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "48 bits are exact in a float of 64"
)]
pub(crate) fn hash(text: &str) -> f64 {
    let digest = Md5::digest(text.as_bytes());
    let number = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    digest.iter().take(6).rev().fold(0, number) as f64
}

/// Real time, from the first time that it is asked for.
pub(crate) fn stopwatch() -> Stopwatch {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Stopwatch::new(|| START.elapsed())
}

/// A summary without quantiles.
fn taken(page: &mut Page, name: &str, help: &str, taken: Taken) {
    let seconds = taken.time.as_secs_f64();
    page.summary(name, help, &[], &[], seconds, float(taken.count));
}

pub(crate) fn alerts(page: &mut Page, alertmanager: &Alertmanager) {
    let counts = alertmanager.counts();
    let labels = alertmanager.counters.labels;
    states(page, &counts, labels.group_key);
    let mut gauge = |name: &str, help: &str, labels: &[(&str, &str)], value: usize| {
        page.sample(Kind::Gauge, name, help, labels, float_of(value));
    };
    for state in ["active", "expired", "pending"] {
        let count = counts.silences.get(state).copied().unwrap_or_default();
        let help = "How many silences by state.";
        gauge("alertmanager_silences", help, &[("state", state)], count);
    }
    for (name, help, count) in [
        (
            "alertmanager_cluster_enabled",
            "Indicates whether the clustering is enabled or not.",
            usize::from(alertmanager.is_clustered()),
        ),
        (
            "alertmanager_alerts_per_alert_limit",
            "Current limit on number of alerts per alert name",
            counts.alerts_per_name_max,
        ),
        (
            "alertmanager_receivers",
            "Number of configured receivers.",
            counts.receivers,
        ),
        (
            "alertmanager_integrations",
            "Number of configured integrations.",
            counts.integrations,
        ),
        (
            "alertmanager_inhibition_rules",
            "Number of configured inhibition rules.",
            counts.inhibit_rules,
        ),
        (
            "alertmanager_dispatcher_aggregation_groups",
            "Number of active aggregation groups",
            counts.groups,
        ),
    ] {
        gauge(name, help, &[], count);
    }
    received(page, &counts.stats, labels.alert_name);
    dispatching(page, &counts.stats);
    notifications::show(page, &counts, labels.receiver_name);
    let counters = &alertmanager.counters;
    kept::silences(page, &counts.silence_stats, counters.silences.counts());
    kept::log(page, &counts.log_stats, counters.log.counts());
    alertmanager.journal.show(page);
    alertmanager.tracing.show(page);
}

/// The state of an alert is worked out when somebody asks, so none is ever unprocessed.
fn states(page: &mut Page, counts: &Counts, group_key: Switch) {
    let mut show = |(active, suppressed): (usize, usize), key: Option<&str>| {
        for (state, count) in [
            ("active", active),
            ("suppressed", suppressed),
            ("unprocessed", 0),
        ] {
            let mut labels = Vec::from_iter(key.map(|key| ("group_key", key)));
            labels.push(("state", state));
            let help = "How many alerts by state.";
            let count = float_of(count);
            page.sample(Kind::Gauge, "alertmanager_alerts", help, &labels, count);
        }
    };
    match group_key {
        Switch::Off => show((counts.active, counts.suppressed), None),
        Switch::On => {
            for (key, counts) in &counts.by_group {
                show(*counts, Some(key));
            }
        }
    }
}

/// As with the peer, what drops alerts or hands them on is not there before it did so.
fn received(page: &mut Page, stats: &Stats, alert_name: Switch) {
    let mut counter = |name: &str, help: &str, labels: &[(&str, &str)], value: u64| {
        page.sample(Kind::Counter, name, help, labels, float(value));
    };
    for (status, count) in [
        ("firing", stats.received_firing),
        ("resolved", stats.received_resolved),
    ] {
        let name = "alertmanager_alerts_received_total";
        let help = "The total number of received alerts.";
        let labels = [("status", status), ("version", "v2")];
        counter(name, help, &labels, count);
    }
    counter(
        "alertmanager_alerts_invalid_total",
        "The total number of received alerts that were invalid.",
        &[("version", "v2")],
        stats.invalid,
    );
    let name = "alertmanager_alerts_limited_total";
    let help = "Total number of alerts that were dropped due to per alert name limit";
    match alert_name {
        Switch::On => {
            for (alert, count) in &stats.limited {
                counter(name, help, &[("alertname", alert)], *count);
            }
        }
        Switch::Off if stats.limited.is_empty() => {}
        Switch::Off => counter(name, help, &[], stats.limited.values().sum()),
    }
    if stats.stored > 0 {
        let name = "alertmanager_alerts_subscriber_channel_writes_total";
        let help = "Number of times alerts were written to subscriber channels";
        for subscriber in ["dispatcher", "inhibitor"] {
            counter(name, help, &[("subscriber", subscriber)], stats.stored);
        }
    }
}

/// Groups are made one after another and without limit, so what may go wrong with that at the peer cannot here.
fn dispatching(page: &mut Page, stats: &Stats) {
    taken(
        page,
        "alertmanager_dispatcher_alert_processing_duration_seconds",
        "Summary of latencies for the processing of alerts.",
        stats.dispatching,
    );
    for (name, help) in [
        (
            "alertmanager_dispatcher_aggregation_group_limit_reached_total",
            "Number of times when dispatcher failed to create new aggregation group due to limit.",
        ),
        (
            "alertmanager_dispatcher_aggregation_group_creation_retries_total",
            "Number of CAS retries while creating aggregation groups under contention.",
        ),
        (
            "alertmanager_dispatcher_aggregation_group_creation_given_up_total",
            "Number of alerts dropped because aggregation group creation exceeded the retry limit.",
        ),
    ] {
        page.sample(Kind::Counter, name, help, &[], 0.0);
    }
}
