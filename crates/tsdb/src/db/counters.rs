//! What the database counts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use model::time::{Duration, Timestamp};

use super::Inner;

/// Upper bounds of the times that compactions are counted by, in seconds; the peer's.
pub const COMPACTION_SECONDS: [u32; 14] = [
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
];

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) compactions_failed: AtomicU64,
    pub(super) compactions_vertical: AtomicU64,
    pub(super) reloads: AtomicU64,
    pub(super) reloads_failed: AtomicU64,
    pub(super) retentions_by_time: AtomicU64,
    pub(super) retentions_by_size: AtomicU64,
    pub(super) head_truncations: AtomicU64,
    pub(super) head_truncations_failed: AtomicU64,
    /// Of blocks that were written, or at least tried.
    pub(super) taken: Taken,
    pub(super) is_populating: AtomicU64,
    pub(super) stale_compactions: AtomicU64,
    pub(super) stale_compactions_failed: AtomicU64,
    pub(super) stale_taken: Taken,
}

/// How long things took.
#[derive(Debug, Default)]
pub(super) struct Taken {
    count: AtomicU64,
    /// Milliseconds.
    time: AtomicI64,
    /// By bound; longer ones are only in `count`.
    within: [AtomicU64; COMPACTION_SECONDS.len()],
}

impl Taken {
    pub(super) fn note(&self, taken: Duration) {
        Counters::add(&self.count);
        let taken = taken.0.max(0);
        self.time.fetch_add(taken, Ordering::Relaxed);
        for (bound, count) in COMPACTION_SECONDS.iter().zip(&self.within) {
            if taken <= i64::from(*bound) * 1000 {
                Counters::add(count);
            }
        }
    }

    fn get(&self) -> Durations {
        Durations {
            count: self.count.load(Ordering::Relaxed),
            seconds: self.time.load(Ordering::Relaxed) as f64 / 1000.0,
            within: self.within.each_ref().map(|n| n.load(Ordering::Relaxed)),
        }
    }
}

/// How long things took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    pub count: u64,
    /// Of all together.
    pub seconds: f64,
    /// How many took at most so long, by [`COMPACTION_SECONDS`].
    pub within: [u64; COMPACTION_SECONDS.len()],
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts since the database was opened, and what there is now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DbStats {
    pub blocks: u64,
    pub blocks_rejected: u64,
    /// Bytes of all blocks.
    pub block_bytes: u64,
    /// Bytes of memory that finding symbols in blocks takes.
    pub symbol_bytes: u64,
    /// The oldest time that can have a sample.
    pub lowest_time: Option<Timestamp>,
    pub compactions_failed: u64,
    /// Of blocks that overlapped.
    pub compactions_vertical: u64,
    /// Of blocks that were written.
    pub compactions: Durations,
    /// A block is being written.
    pub is_populating: bool,
    pub reloads: u64,
    pub reloads_failed: u64,
    pub retentions_by_time: u64,
    pub retentions_by_size: u64,
    pub head_truncations: u64,
    pub head_truncations_failed: u64,
    /// Times that stale series were to be written out.
    pub stale_compactions: u64,
    pub stale_compactions_failed: u64,
    /// Of those that came to their end.
    pub stale_compactions_taken: Durations,
}

pub(super) fn stats(inner: &Inner) -> DbStats {
    let set = inner.set();
    let counters = &inner.counters;
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let head = inner.head().time_range().map(|range| range.start);
    let late = inner.head().out_of_order_range().map(|range| range.start);
    let blocks = set.blocks.first().map(|block| block.range().start);
    DbStats {
        blocks: set.blocks.len() as u64,
        blocks_rejected: set.rejected.len() as u64,
        block_bytes: set.blocks.iter().map(|block| block.size()).sum(),
        symbol_bytes: set
            .blocks
            .iter()
            .map(|block| block.symbol_memory() as u64)
            .sum(),
        lowest_time: blocks.into_iter().chain(head).chain(late).min(),
        compactions_failed: get(&counters.compactions_failed),
        compactions_vertical: get(&counters.compactions_vertical),
        compactions: counters.taken.get(),
        is_populating: get(&counters.is_populating) > 0,
        reloads: get(&counters.reloads),
        reloads_failed: get(&counters.reloads_failed),
        retentions_by_time: get(&counters.retentions_by_time),
        retentions_by_size: get(&counters.retentions_by_size),
        head_truncations: get(&counters.head_truncations),
        head_truncations_failed: get(&counters.head_truncations_failed),
        stale_compactions: get(&counters.stale_compactions),
        stale_compactions_failed: get(&counters.stale_compactions_failed),
        stale_compactions_taken: counters.stale_taken.get(),
    }
}
