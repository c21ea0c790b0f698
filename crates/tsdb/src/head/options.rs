//! What a head is opened with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use model::disk::Disk;
use model::storage::SeriesGate;
use model::time::{Duration, Timestamp};

use super::progress::ReplayCounters;
use crate::chunk::{Encoding, StartTimes};
use crate::log::LogOptions;

#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The data folder; the log is in its `wal`. Locking it is the caller's.
    pub dir: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub log: LogOptions,
    pub floats: FloatChunks,
    /// Whether start timestamps are stored with the samples: in the log, and in chunks whose encoding has
    /// room for them.
    pub start_times: StartTimes,
    /// Whether chunks of native histograms have room for start timestamps.
    pub histogram_chunks: StartTimes,
    pub zeros: Zeros,
    /// Chunks do not cross multiples of this, and samples older than half of it before the newest one
    /// are refused: that is where blocks may have been cut.
    pub block_range: Duration,
    /// Samples before this are not the head's: blocks have them. The log may still name them.
    pub valid_from: Timestamp,
    /// Which samples are taken that come out of order.
    pub out_of_order: OutOfOrderWindow,
    pub exemplars_max: ExemplarsMax,
    /// Threads that append samples while the log is read; without any the caller's does it.
    pub replay_workers: usize,
    /// Series held at once; more are refused.
    pub series_max: usize,
    /// Says which new series are let in; not asked about those in the log.
    pub gate: Option<Arc<dyn SeriesGate>>,
    /// Where opening tells how far it has come.
    pub progress: Arc<ReplayCounters>,
}

impl OpenOptions {
    /// The peers' defaults.
    pub fn new(dir: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Self {
        Self {
            dir: dir.into(),
            disk,
            log: LogOptions::default(),
            floats: FloatChunks::default(),
            start_times: StartTimes::Without,
            histogram_chunks: StartTimes::Without,
            block_range: Duration(2 * 60 * 60 * 1000),
            valid_from: Timestamp::MIN,
            out_of_order: OutOfOrderWindow::default(),
            exemplars_max: ExemplarsMax::default(),
            zeros: Zeros::NotAdded,
            replay_workers: 2,
            series_max: usize::MAX,
            gate: None,
            progress: Arc::default(),
        }
    }
}

/// How far before the newest sample of all a sample may lie that comes out of order. Zero, which is the
/// default, refuses those. Clones are the same window: it can be changed at any time, also before the head is
/// open.
#[derive(Clone, Debug, Default)]
pub struct OutOfOrderWindow(Arc<AtomicI64>);

impl OutOfOrderWindow {
    pub fn set(&self, window: Duration) {
        self.0.store(window.0.max(0), Ordering::Relaxed);
    }

    pub fn get(&self) -> Duration {
        Duration(self.0.load(Ordering::Relaxed))
    }
}

/// Exemplars kept in all; 0 keeps none. Clones are the same setting: it can be changed at any time, also before
/// the head is open.
#[derive(Clone, Debug)]
pub struct ExemplarsMax(Arc<AtomicUsize>);

impl Default for ExemplarsMax {
    /// The peer's.
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(100_000)))
    }
}

impl ExemplarsMax {
    pub fn set(&self, max: usize) {
        self.0.store(max, Ordering::Relaxed);
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a sample with a start timestamp is preceded by a zero at that time, where its series has nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zeros {
    #[default]
    NotAdded,
    Added,
}

/// How floats are stored in new chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloatEncoding {
    #[default]
    Xor,
    Xor2,
}

/// The encoding of new float chunks. Clones are the same setting: it can be changed at any time, also before
/// the head is open.
#[derive(Clone, Debug, Default)]
pub struct FloatChunks(Arc<AtomicBool>);

impl FloatChunks {
    pub fn set(&self, encoding: FloatEncoding) {
        let is_xor2 = encoding == FloatEncoding::Xor2;
        self.0.store(is_xor2, Ordering::Relaxed);
    }

    pub fn get(&self) -> FloatEncoding {
        if self.0.load(Ordering::Relaxed) {
            FloatEncoding::Xor2
        } else {
            FloatEncoding::Xor
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match self.get() {
            FloatEncoding::Xor => Encoding::Xor,
            FloatEncoding::Xor2 => Encoding::Xor2,
        }
    }
}
