//! The flags of the process as `/api/v1/status/flags` shows them.

use std::collections::BTreeMap;

use config::ByteSize;

use crate::options::StorageOptions;
use crate::retention::{Limits, block_range_max};

/// Values by name, as given and defaulted.
#[derive(Clone, Debug, Default)]
pub struct ShownFlags {
    /// Those that Prometheus has, and ours that were given: a command line of Prometheus is answered as there.
    pub usual: BTreeMap<String, String>,
    /// Ours that were not given.
    pub own_defaults: BTreeMap<String, String>,
}

impl ShownFlags {
    /// With what flags and configuration made of each other at the start, as the peer shows it.
    pub(crate) fn with_limits(mut self, options: &StorageOptions, limits: Limits) -> Self {
        let bytes = ByteSize(i64::try_from(limits.bytes).unwrap_or(i64::MAX));
        for (name, value) in [
            ("storage.tsdb.retention.time", limits.time.to_string()),
            ("storage.tsdb.retention.size", bytes.to_string()),
            (
                "storage.tsdb.max-block-duration",
                block_range_max(options, limits).to_string(),
            ),
        ] {
            // A server that was started without a command line shows no flags.
            if let Some(shown) = self.usual.get_mut(name) {
                *shown = value;
            }
        }
        self
    }

    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let mut all = self.own_defaults.clone();
        all.extend(self.usual.clone());
        all
    }
}
