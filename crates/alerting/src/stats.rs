//! Counters, as plain data. The server gives them the names that dashboards know.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::delivery::FailureReason;

/// Totals since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Posted alerts whose end was in the future.
    pub received_firing: u64,
    pub received_resolved: u64,
    pub invalid: u64,
    /// Dropped by the limit on alerts of one name.
    pub limited: u64,
    pub suppressed_by_silence: u64,
    pub suppressed_by_inhibition: u64,
    pub suppressed_by_mute_interval: u64,
    pub suppressed_by_active_interval: u64,
    /// By kind of integration.
    pub integrations: BTreeMap<Arc<str>, IntegrationStats>,
}

/// Totals of one kind of integration.
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

impl Stats {
    pub(crate) fn integration(&mut self, name: &Arc<str>) -> &mut IntegrationStats {
        self.integrations.entry(name.clone()).or_default()
    }
}
