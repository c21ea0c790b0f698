//! Notifications by kind of integration, and by receiver where that is wanted.

use std::collections::BTreeMap;

use alerting::FailureReason;
use alerting::stats::{IntegrationStats, Stats};
use metrics::{Kind, Page};

use crate::alertmanager::Counts;
use crate::options::Switch;
use crate::self_metrics::float;

/// All kinds that there are; with receivers, only those that the configuration has.
pub(super) fn show(page: &mut Page, counts: &Counts, receiver_name: Switch) {
    let all = &counts.stats.integrations;
    match receiver_name {
        Switch::Off => {
            let mut sums = BTreeMap::new();
            for ((integration, _), stats) in all {
                let sum: &mut IntegrationStats = sums.entry(&**integration).or_default();
                sum.add(stats);
            }
            for integration in notify::integration::NAMES {
                let sum = sums.remove(integration).unwrap_or_default();
                integration_of(page, &[("integration", integration)], &sum);
            }
        }
        Switch::On => {
            for told in &counts.told {
                let labels = [("integration", &*told.0), ("receiver_name", &*told.1)];
                let none = IntegrationStats::default();
                integration_of(page, &labels, all.get(told).unwrap_or(&none));
            }
        }
    }
    suppressed(page, &counts.stats);
}

fn integration_of(page: &mut Page, labels: &[(&str, &str)], stats: &IntegrationStats) {
    for (name, help, count) in [
        (
            "alertmanager_notifications_total",
            "The total number of attempted notifications.",
            stats.notifications,
        ),
        (
            "alertmanager_notification_requests_total",
            "The total number of attempted notification requests.",
            stats.requests,
        ),
        (
            "alertmanager_notification_requests_failed_total",
            "The total number of failed notification requests.",
            stats.requests_failed,
        ),
    ] {
        page.sample(Kind::Counter, name, help, labels, float(count));
    }
    for reason in FailureReason::ALL {
        let name = "alertmanager_notifications_failed_total";
        let help = "The total number of failed notifications.";
        let count = stats.failed.get(&reason).copied().unwrap_or_default();
        // In the order of their names.
        let place = labels.partition_point(|(name, _)| *name < "reason");
        let mut labels = labels.to_vec();
        labels.insert(place, ("reason", reason.as_str()));
        page.sample(Kind::Counter, name, help, &labels, float(count));
    }
}

/// As with the peer, a reason that never was is not there.
fn suppressed(page: &mut Page, stats: &Stats) {
    for (reason, count) in [
        ("silence", stats.suppressed_by_silence),
        ("inhibition", stats.suppressed_by_inhibition),
        ("mute_time_interval", stats.suppressed_by_mute_interval),
        ("active_time_interval", stats.suppressed_by_active_interval),
    ] {
        if count > 0 {
            let name = "alertmanager_notifications_suppressed_total";
            let help = "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.";
            let labels = [("reason", reason)];
            page.sample(Kind::Counter, name, help, &labels, float(count));
        }
    }
}
