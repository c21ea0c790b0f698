//! Counters over all pools, for our own metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Read by [`crate::Pools::stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatsSnapshot {
    pub scrapes: u64,
    pub scrapes_failed: u64,
    pub samples_appended: u64,
    /// Intervals that passed without a scrape.
    pub intervals_missed: u64,
    pub body_size_limit_exceeded: u64,
    pub sample_limit_exceeded: u64,
    pub label_limit_exceeded: u64,
    pub bucket_limit_exceeded: u64,
    pub target_limit_exceeded: u64,
    pub samples_out_of_order: u64,
    pub samples_duplicate: u64,
    pub samples_out_of_bounds: u64,
    pub syncs: u64,
    pub targets_failed: u64,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// The same fields as [`StatsSnapshot`], counting.
        #[derive(Debug, Default)]
        pub(crate) struct Stats {
            $(pub(crate) $name: Counter,)*
        }

        impl Stats {
            pub(crate) fn snapshot(&self) -> StatsSnapshot {
                StatsSnapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters!(
    scrapes,
    scrapes_failed,
    samples_appended,
    intervals_missed,
    body_size_limit_exceeded,
    sample_limit_exceeded,
    label_limit_exceeded,
    bucket_limit_exceeded,
    target_limit_exceeded,
    samples_out_of_order,
    samples_duplicate,
    samples_out_of_bounds,
    syncs,
    targets_failed,
);

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
