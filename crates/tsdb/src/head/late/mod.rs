//! Late samples: those that are older than the newest one of their series, or than what the head takes
//! from anybody. They are let in if they lie in a window before the head's newest sample.
//!
//! [`log`]: storing them. They have a log of their own, `wbl`, as with Prometheus. A commit that has both
//! kinds of samples is in both logs or in none. [`closing`]: from memory to chunk files. [`read`]: between
//! the other samples. [`compaction`]: into blocks, which may overlap others. [`replay`]: at a start.
//!
//! Series without late samples pay nothing for this: not a byte, and no look at anything that is not looked
//! at anyway. A late sample takes 40 bytes until its chunk is closed.

pub(super) mod closing;
pub(super) mod compaction;
pub(super) mod log;
pub(super) mod read;
pub(super) mod replay;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use model::storage::TimeRange;
use model::time::Timestamp;

use super::options::OutOfOrderWindow;

pub(crate) use compaction::LateCut;

pub(super) fn log_dir(data: &Path) -> PathBuf {
    data.join("wbl")
}

/// What the head knows of its late samples as a whole.
#[derive(Debug)]
pub(super) struct Late {
    window: OutOfOrderWindow,
    /// Of the oldest and the newest one.
    times: Times,
    /// Of those that came since the last count began.
    recent: Times,
}

#[derive(Debug)]
struct Times {
    start: AtomicI64,
    end: AtomicI64,
}

impl Times {
    fn new() -> Self {
        Self {
            start: AtomicI64::new(i64::MAX),
            end: AtomicI64::new(i64::MIN),
        }
    }

    fn add(&self, (start, end): (i64, i64)) {
        self.start.fetch_min(start, Ordering::Relaxed);
        self.end.fetch_max(end, Ordering::Relaxed);
    }

    fn set(&self, (start, end): (i64, i64)) {
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }

    fn get(&self) -> Option<(i64, i64)> {
        let start = self.start.load(Ordering::Relaxed);
        let end = self.end.load(Ordering::Relaxed);
        (start <= end).then_some((start, end))
    }
}

impl Late {
    pub(super) fn new(window: OutOfOrderWindow) -> Self {
        Self {
            window,
            times: Times::new(),
            recent: Times::new(),
        }
    }

    /// From when on late samples are let in; `None` if none are.
    pub(super) fn appendable_from(&self, newest: i64) -> Option<i64> {
        let window = self.window.get().0;
        (window > 0).then(|| newest.saturating_sub(window))
    }

    /// Times of the oldest and the newest late sample.
    pub(super) fn range(&self) -> Option<TimeRange> {
        let (start, end) = self.times.get()?;
        Some(TimeRange::new(Timestamp(start), Timestamp(end)))
    }

    fn note_times(&self, times: (i64, i64)) {
        self.times.add(times);
        self.recent.add(times);
    }

    /// The times of what is left are about to be found out, while more samples may come.
    fn begin_count(&self) {
        self.recent.set((i64::MAX, i64::MIN));
    }

    /// What was found; nothing comes in during this call.
    fn end_count(&self, found: Option<(i64, i64)>) {
        let recent = self.recent.get();
        let times = found.into_iter().chain(recent);
        let times = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.times.set(times.unwrap_or((i64::MAX, i64::MIN)));
    }
}
