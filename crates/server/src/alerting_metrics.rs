//! Metrics of alerting, under the peer's names; and the whole page of an Alertmanager alone.

use std::sync::Arc;

use alerting::stats::Stats;
use diag::ReasonBook;
use md5::{Digest, Md5};
use metrics::{Kind, Page, Registry};
use model::Timestamp;
use parking_lot::RwLock;

use crate::alertmanager::Alertmanager;
use crate::self_metrics::{build_info, float, float_of, process, refusals, reloads};

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
        process(page, observed.started_at);
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

pub(crate) fn alerts(page: &mut Page, alertmanager: &Alertmanager) {
    let mut gauge = |name: &str, help: &str, labels: &[(&str, &str)], value: usize| {
        page.sample(Kind::Gauge, name, help, labels, float_of(value));
    };
    let counts = alertmanager.counts();
    gauge(
        "alertmanager_cluster_enabled",
        "Indicates whether the clustering is enabled or not.",
        &[],
        usize::from(alertmanager.is_clustered()),
    );
    for (state, count) in [("active", counts.active), ("suppressed", counts.suppressed)] {
        let help = "How many alerts by state.";
        gauge("alertmanager_alerts", help, &[("state", state)], count);
    }
    for state in ["active", "expired", "pending"] {
        let count = counts.silences.get(state).copied().unwrap_or_default();
        let help = "How many silences by state.";
        gauge("alertmanager_silences", help, &[("state", state)], count);
    }
    for (name, help, count) in [
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
    totals(page, &counts.stats);
    alertmanager.journal.show(page);
}

/// As with the peer, what never happened is not there.
fn totals(page: &mut Page, stats: &Stats) {
    let mut counter = |name: &str, help: &str, labels: &[(&str, &str)], value: u64| {
        if value > 0 {
            page.sample(Kind::Counter, name, help, labels, float(value));
        }
    };
    for (reason, count) in [
        ("silence", stats.suppressed_by_silence),
        ("inhibition", stats.suppressed_by_inhibition),
        ("mute_time_interval", stats.suppressed_by_mute_interval),
        ("active_time_interval", stats.suppressed_by_active_interval),
    ] {
        let name = "alertmanager_notifications_suppressed_total";
        let help = "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.";
        counter(name, help, &[("reason", reason)], count);
    }
    let help =
        "Total number of alerts that were dropped due to hitting the limit on alerts of one name.";
    counter(
        "alertmanager_alerts_limited_total",
        help,
        &[],
        stats.limited,
    );
    for (name, integration) in &stats.integrations {
        let labels = [("integration", &**name)];
        let requests = "alertmanager_notification_requests_total";
        let help = "The total number of attempted notification requests.";
        counter(requests, help, &labels, integration.requests);
        let failed = "alertmanager_notification_requests_failed_total";
        let help = "The total number of failed notification requests.";
        counter(failed, help, &labels, integration.requests_failed);
    }
}
