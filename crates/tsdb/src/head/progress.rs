//! How far reading the log has come, for whoever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Written by the thread that reads.
#[derive(Debug, Default)]
pub struct ReplayCounters {
    first: AtomicU64,
    last: AtomicU64,
    current: AtomicU64,
}

/// Numbers of segments; zeros before the first is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayProgress {
    pub first: u64,
    pub last: u64,
    /// The one that is being read, or was at last.
    pub current: u64,
}

impl ReplayCounters {
    pub(super) fn start(&self, first: u64, last: u64) {
        self.first.store(first, Ordering::Relaxed);
        self.last.store(last, Ordering::Relaxed);
        self.current.store(first, Ordering::Relaxed);
    }

    pub(super) fn is_at(&self, segment: u64) {
        self.current.store(segment, Ordering::Relaxed);
    }

    pub fn get(&self) -> ReplayProgress {
        ReplayProgress {
            first: self.first.load(Ordering::Relaxed),
            last: self.last.load(Ordering::Relaxed),
            current: self.current.load(Ordering::Relaxed),
        }
    }
}
