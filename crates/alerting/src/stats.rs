//! Counters, as plain data. The server gives them the names that dashboards know.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Labels;

use crate::config::Config;
use crate::delivery::{FailureReason, NotifiedAlert};
use crate::measure::{Queries, Taken};
use crate::nflog::LogReceiver;

/// The label that marks the alert of a fire drill, with the drill's id: something of ours, which the metrics of the peer do not know.
pub const DRILL_LABEL: &str = "keepwatch_drill";

/// Names of alerts that are counted one by one; alerts of further names are counted under the empty name, so that
/// whoever posts alerts cannot fill the memory with names.
const LIMITED_NAMES_MAX: usize = 1000;

/// Totals since the start. Fire drills ([`DRILL_LABEL`]) are not in it, but for what suppresses them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Posted alerts whose end was in the future, invalid ones included.
    pub received_firing: u64,
    pub received_resolved: u64,
    pub invalid: u64,
    /// Posted alerts that were stored, and so seen by inhibition and by the dispatcher.
    pub stored: u64,
    /// Dropped by the limit on alerts of one name, by that name.
    pub limited: BTreeMap<String, u64>,
    pub suppressed_by_silence: u64,
    pub suppressed_by_inhibition: u64,
    pub suppressed_by_mute_interval: u64,
    pub suppressed_by_active_interval: u64,
    /// Putting an alert into the groups of its routes.
    pub dispatching: Taken,
    /// By kind of integration and name of the receiver. Those of receivers that a reload took away are under the empty
    /// name.
    pub integrations: BTreeMap<(Arc<str>, Arc<str>), IntegrationStats>,
}

/// Totals of one kind of integration in one receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrationStats {
    /// Notifications that were due, sent or not.
    pub notifications: u64,
    /// Notifications that were given up, by reason.
    pub failed: BTreeMap<FailureReason, u64>,
    /// Attempts.
    pub requests: u64,
    pub requests_failed: u64,
}

/// What is known of silences, and how the machine got on with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SilenceStats {
    pub queries: Queries,
    /// Collecting those whose retention is over.
    pub garbage: Taken,
    /// Silences without a time at which they may be forgotten; they are forgotten at once.
    pub garbage_failed: u64,
    /// Silences with a pattern that does not compile: found in the snapshot of an earlier run, and come in since.
    pub uncompiled_restored: u64,
    pub uncompiled: u64,
    /// Silences that are kept, in whatever state.
    pub kept: usize,
    /// Of these, the ones that can match.
    pub compiled: usize,
}

/// How the machine got on with the notification log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// A query fails where an integration was never told of a group.
    pub queries: Queries,
    pub garbage: Taken,
}

impl Stats {
    pub(crate) fn integration(&mut self, receiver: &LogReceiver) -> &mut IntegrationStats {
        let key = (receiver.integration.clone(), receiver.group_name.clone());
        self.integrations.entry(key).or_default()
    }

    pub(crate) fn count_limited(&mut self, name: &str) {
        let is_full = self.limited.len() >= LIMITED_NAMES_MAX && !self.limited.contains_key(name);
        let name = if is_full { "" } else { name };
        *self.limited.entry(name.to_owned()).or_default() += 1;
    }

    /// Sums up what receivers did that are no longer there, so that reloads do not pile up names.
    pub(crate) fn forget_receivers(&mut self, config: &Config) {
        let is_there = |name: &Arc<str>| config.receivers.iter().any(|one| one.name == *name);
        let gone = self
            .integrations
            .extract_if(.., |(_, receiver), _| !is_there(receiver));
        let gone: Vec<_> = gone.collect();
        for ((integration, _), stats) in gone {
            let key = (integration, Arc::from(""));
            self.integrations.entry(key).or_default().add(&stats);
        }
    }
}

impl IntegrationStats {
    pub fn add(&mut self, other: &Self) {
        self.notifications += other.notifications;
        for (reason, count) in &other.failed {
            *self.failed.entry(*reason).or_default() += count;
        }
        self.requests += other.requests;
        self.requests_failed += other.requests_failed;
    }
}

/// Whether these are the labels of a fire drill.
pub(crate) fn is_drill(labels: &Labels) -> bool {
    labels.get(DRILL_LABEL).is_some()
}

/// Whether a notification counts: not if all that it tells of are fire drills.
pub fn is_counted(alerts: &[NotifiedAlert]) -> bool {
    alerts.is_empty() || alerts.iter().any(|one| !is_drill(&one.alert.labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NoIntervals, ReceiverSpec};
    use crate::route::RouteSpec;

    fn receiver(name: &str) -> LogReceiver {
        LogReceiver {
            group_name: name.into(),
            integration: "webhook".into(),
            index: 0,
        }
    }

    #[test]
    fn names_do_not_pile_up() {
        let mut stats = Stats::default();
        for number in 0..LIMITED_NAMES_MAX + 5 {
            stats.count_limited(&format!("name{number}"));
        }
        stats.count_limited("name0");
        assert_eq!(stats.limited.len(), LIMITED_NAMES_MAX + 1);
        assert_eq!((stats.limited["name0"], stats.limited[""]), (2, 5));

        for name in ["stays", "goes", "goes too"] {
            let one = stats.integration(&receiver(name));
            one.notifications += 1;
            *one.failed.entry(FailureReason::Other).or_default() += 1;
        }
        let config = Config {
            route: RouteSpec::default(),
            receivers: vec![ReceiverSpec {
                name: "stays".into(),
                ..ReceiverSpec::default()
            }],
            inhibit_rules: Vec::new(),
            intervals: Arc::new(NoIntervals),
            resolve_timeout: model::Duration::ZERO,
        };
        stats.forget_receivers(&config);
        let counts = stats.integrations.iter();
        let counts: Vec<_> = counts
            .map(|((_, name), stats)| (&**name, stats.notifications))
            .collect();
        assert_eq!(counts, [("", 2), ("stays", 1)]);
        let gone = &stats.integrations[&("webhook".into(), "".into())];
        assert_eq!(gone.failed[&FailureReason::Other], 2);
    }
}
