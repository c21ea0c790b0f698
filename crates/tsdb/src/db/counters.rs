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
    compactions: AtomicU64,
    pub(super) compactions_failed: AtomicU64,
    pub(super) compactions_vertical: AtomicU64,
    pub(super) reloads: AtomicU64,
    pub(super) reloads_failed: AtomicU64,
    pub(super) retentions_by_time: AtomicU64,
    pub(super) retentions_by_size: AtomicU64,
    pub(super) head_truncations: AtomicU64,
    pub(super) head_truncations_failed: AtomicU64,
    /// Milliseconds.
    compaction_time: AtomicI64,
    /// By bound; longer ones are only in `compactions`.
    compactions_within: [AtomicU64; COMPACTION_SECONDS.len()],
    pub(super) is_populating: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A block was written, or at least tried.
    pub(super) fn note_compaction(&self, taken: Duration) {
        Self::add(&self.compactions);
        let taken = taken.0.max(0);
        self.compaction_time.fetch_add(taken, Ordering::Relaxed);
        for (bound, count) in COMPACTION_SECONDS.iter().zip(&self.compactions_within) {
            if taken <= i64::from(*bound) * 1000 {
                Self::add(count);
            }
        }
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
    pub compactions: u64,
    pub compactions_failed: u64,
    /// Of blocks that overlapped.
    pub compactions_vertical: u64,
    /// Time spent writing blocks.
    pub compaction_seconds: f64,
    /// Compactions that took at most so long, by [`COMPACTION_SECONDS`].
    pub compactions_within: [u64; COMPACTION_SECONDS.len()],
    /// A block is being written.
    pub is_populating: bool,
    pub reloads: u64,
    pub reloads_failed: u64,
    pub retentions_by_time: u64,
    pub retentions_by_size: u64,
    pub head_truncations: u64,
    pub head_truncations_failed: u64,
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
        compactions: get(&counters.compactions),
        compactions_failed: get(&counters.compactions_failed),
        compactions_vertical: get(&counters.compactions_vertical),
        compaction_seconds: counters.compaction_time.load(Ordering::Relaxed) as f64 / 1000.0,
        compactions_within: counters.compactions_within.each_ref().map(get),
        is_populating: get(&counters.is_populating) > 0,
        reloads: get(&counters.reloads),
        reloads_failed: get(&counters.reloads_failed),
        retentions_by_time: get(&counters.retentions_by_time),
        retentions_by_size: get(&counters.retentions_by_size),
        head_truncations: get(&counters.head_truncations),
        head_truncations_failed: get(&counters.head_truncations_failed),
    }
}
