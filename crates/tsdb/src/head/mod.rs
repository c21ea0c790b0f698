//! The head: the newest samples of all series, in memory, with a log behind them.
//!
//! Writing: [`resolve`](Head::resolve) gives a series a number, [`commit`](Head::commit) stores a whole
//! scrape: check every row, write the log, then append; readers see all of it or nothing. Commits run
//! one at a time, each for some tens of nanoseconds a sample. Reading: [`select`](Head::select) finds
//! series through postings and notes how many samples of each are visible; nothing is decoded before it
//! is read. [`truncate`](Head::truncate) drops what is too old, from memory and from the log.
//!
//! Snapshots: every commit has a number, and a series knows the last two commits that touched it and
//! how many samples it had before the last one. A reader notes the number of the last finished commit
//! and takes from each series what that commit left. Only if two later commits have touched one series
//! in the meantime must it look again, and after a few times it makes the writer wait instead.
//!
//! Deleting: a list of series pins the head from its `select` on. What `truncate` may drop is hidden
//! from new lists at once and dropped when no older list is left, so a list never loses rows. Series that
//! have ended can leave before the others: [`stale`].
//!
//! Sizes in bytes per series, at 15 labels and samples every 15 s:
//!
//! | what | where | bytes |
//! |---|---|---|
//! | record | [`series`], densely in pages | 160 |
//! | open chunk | one allocation | 48–300 |
//! | labels | packed symbols in the page | 40–60 |
//! | symbols | shared texts, 24 and the text each | 10–40 |
//! | hash to number | [`index`] | 8–16 |
//! | postings | lists and bitmaps | 30–60 |
//! | closed chunks | 24 each, their data in files ([`mapped`]) | 24 per 120 samples |
//!
//! Closed chunks are written to files by the commit that closes them ([`mapping`]); if that fails, they
//! stay in memory until it works.
//!
//! Samples that come out of order are kept apart: [`late`].
//!
//! Not here yet: start times are not stored.

mod annotations;
mod apply;
pub(crate) mod commit;
mod counters;
mod durable;
mod exemplars;
mod export;
mod index;
mod late;
mod loader;
mod mapped;
mod mapping;
mod matching;
mod options;
mod page;
mod pins;
mod postings;
mod progress;
mod read;
mod replay;
mod segments;
mod select;
mod series;
mod snapshot;
mod stale;
mod stats;
mod symbols;
mod truncate;
pub(crate) mod zeros;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{
    CommitReport, ReadError, SampleBatch, SampleRefusal, SampleWriter, SelectRequest, SeriesList,
    SeriesReader, SeriesRef, TimeRange, WriteError,
};
use model::time::Timestamp;
use parking_lot::{Mutex, RwLock};

use annotations::{MetadataTable, Tombstones};
use commit::Writer;
use counters::SampleCounters;
use exemplars::ExemplarRing;
use index::Index;
use late::Late;
use mapped::files::ChunkFiles;
use page::Pages;
use pins::Pins;
use series::Cutting;
use stale::Hidden;
use truncate::Maintenance;

use crate::chunk::StartTimes;
use crate::log::record::{HistogramForm, SampleColumns, encode_samples, encode_samples_v2};

pub use counters::{KindCounts, SampleCounts};
pub(crate) use export::{Growth, HeadExport};
pub(crate) use late::LateCut;
pub use options::{ExemplarsMax, FloatChunks, FloatEncoding, OpenOptions, OutOfOrderWindow, Zeros};
pub use progress::{ReplayCounters, ReplayProgress};
pub use replay::ReplayReport;
pub use snapshot::LogPosition;
pub use snapshot::write::SnapshotReport;
pub(crate) use stale::StaleSeries;
pub use stats::{HeadStats, LabelStats, NamedCount};
pub use truncate::TruncateReport;

use crate::error::OpenError;
use crate::log::record;

/// The head of one data folder. Clones are the same head.
#[derive(Clone, Debug)]
pub struct Head(Arc<Inner>);

/// Locks are taken in this order: maintenance, writer, index, page; pins and the small tables last.
#[derive(Debug)]
struct Inner {
    options: OpenOptions,
    maintenance: Mutex<Maintenance>,
    writer: Mutex<Writer>,
    index: RwLock<Index>,
    pages: Pages,
    chunks: ChunkFiles,
    /// Records of series that are not in the log yet.
    pending: Mutex<Vec<u8>>,
    pins: Pins,
    exemplars: Mutex<ExemplarRing>,
    metadata: RwLock<MetadataTable>,
    tombstones: RwLock<Tombstones>,
    hidden: RwLock<Hidden>,
    /// The newest commit that readers may see.
    committed: AtomicU64,
    /// References in the log are series numbers plus this.
    base: u64,
    next_series: AtomicU32,
    /// Series that have no sample yet.
    without_samples: AtomicUsize,
    time_min: AtomicI64,
    time_max: AtomicI64,
    /// Samples before this are dropped, or will be.
    valid_from: AtomicI64,
    /// Samples before this are refused; what is there stays.
    closed_before: AtomicI64,
    late: Late,
    counters: SampleCounters,
    is_closed: AtomicBool,
}

/// A snapshot is due after so many samples for each series. Saving a series takes as long as storing some
/// ten samples, which is little beside scraping them, and reading it again as long as reading some ten from the
/// log.
const SNAPSHOT_SAMPLES_PER_SERIES: u64 = 24;
/// And not before so many in all: they are read in a few milliseconds.
const SNAPSHOT_SAMPLES_MIN: u64 = 500_000;

impl Head {
    /// Reads the log in `options.dir`, repairs it if it is damaged, and starts a new segment.
    pub fn open(options: OpenOptions) -> Result<(Self, ReplayReport), OpenError> {
        replay::open(options)
    }

    /// A head without samples that takes none: one that could not be opened.
    pub(crate) fn closed(options: OpenOptions) -> Self {
        let inner = Inner::new(options, 0);
        inner.is_closed.store(true, Ordering::Relaxed);
        Self(Arc::new(inner))
    }

    /// Makes the log durable and takes no more commits. Reading goes on.
    pub fn close(&self) -> Result<(), WriteError> {
        durable::close(&self.0)
    }

    /// Makes everything that was acknowledged so far survive a power cut. To be called every few
    /// seconds; commits go on meanwhile.
    pub fn sync(&self) -> Result<(), WriteError> {
        durable::sync(&self.0)
    }

    /// The same for the logs alone. What is made of the head's samples must not outlive the log: else a power
    /// cut could leave a part of a commit.
    pub(crate) fn sync_logs(&self) -> Result<(), WriteError> {
        durable::sync_log(&self.0).map(drop)
    }

    /// Saves all series with their open chunks, so that a start needs only the log from now on. Commits
    /// go on meanwhile.
    pub fn snapshot(&self) -> Result<SnapshotReport, crate::ChunkSnapshotError> {
        let _maintenance = self.0.maintenance.lock();
        snapshot::write::snapshot(&self.0)
    }

    /// Takes a snapshot if reading the log after the newest one would take noticeably longer than
    /// reading a snapshot. To be called every few seconds.
    pub fn snapshot_if_due(&self) -> Result<Option<SnapshotReport>, crate::ChunkSnapshotError> {
        if !self.0.is_snapshot_due() {
            return Ok(None);
        }
        self.snapshot().map(Some)
    }

    /// From now on samples before `time` are refused, so that what is there can be written out whole.
    pub(crate) fn close_before(&self, time: Timestamp) {
        // Commits check their rows under the writer's lock: none is under way afterwards.
        let _writer = self.0.writer.lock();
        self.0.closed_before.fetch_max(time.0, Ordering::Relaxed);
    }

    /// Drops samples before `keep_from`, series without later ones, and the log of both. If lists from
    /// before this call are still in use, dropping is put off until the next call.
    pub fn truncate(&self, keep_from: Timestamp) -> Result<TruncateReport, crate::TruncateError> {
        truncate::truncate(&self.0, keep_from)
    }

    /// Deletes the samples of matching series in the range, but none that came out of order; gives the number
    /// of series.
    pub fn delete(&self, range: TimeRange, matchers: &[Matcher]) -> Result<usize, WriteError> {
        annotations::delete(&self.0, range, matchers)
    }

    /// What became of samples since the head was opened.
    pub fn sample_counts(&self) -> SampleCounts {
        self.0.counters.get()
    }

    /// Whether there may be samples in the range.
    pub(crate) fn reaches(&self, range: TimeRange) -> bool {
        self.0.reaches(range)
    }

    /// Times of the oldest and the newest sample that came out of order and is not in a block yet.
    pub fn out_of_order_range(&self) -> Option<TimeRange> {
        self.0.late.range()
    }

    /// Times of the oldest and the newest sample that came in order; `None` without any.
    pub fn time_range(&self) -> Option<TimeRange> {
        self.0.time_range()
    }

    /// Counts, with the `top` largest of each kind.
    pub fn stats(&self, top: usize) -> HeadStats {
        stats::stats(&self.0, top)
    }

    /// Exemplars of series that match any of the selectors, by series, oldest first.
    pub fn exemplars(
        &self,
        range: TimeRange,
        selectors: &[Vec<Matcher>],
    ) -> Vec<(Labels, Vec<model::Exemplar>)> {
        exemplars::query(&self.0, range, selectors)
    }

    /// Type, help and unit by metric name; of one metric if a name is given.
    pub fn metadata(&self, metric: Option<&str>) -> Vec<(String, model::Metadata)> {
        self.0.metadata.read().list(metric)
    }
}

impl SampleWriter for Head {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        self.0.resolve(labels)
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        commit::commit(&self.0, batch)
    }
}

impl SeriesReader for Head {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        Ok(Arc::new(read::HeadSeries::new(&self.0, request)))
    }

    fn label_names(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        Ok(select::label_names(&self.0, range, matchers))
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        Ok(select::label_values(&self.0, name, range, matchers))
    }
}

impl Inner {
    fn new(options: OpenOptions, base: u64) -> Self {
        let dir = options.dir.join("chunks_head");
        let chunks = ChunkFiles::new(options.disk.clone(), dir);
        let late = Late::new(options.out_of_order.clone());
        Self {
            exemplars: Mutex::new(ExemplarRing::new(options.exemplars_max.clone())),
            valid_from: AtomicI64::new(options.valid_from.0),
            closed_before: AtomicI64::new(options.valid_from.0),
            options,
            maintenance: Mutex::default(),
            writer: Mutex::default(),
            index: RwLock::default(),
            pages: Pages::default(),
            chunks,
            pending: Mutex::default(),
            pins: Pins::default(),
            metadata: RwLock::default(),
            tombstones: RwLock::default(),
            hidden: RwLock::default(),
            committed: AtomicU64::new(0),
            base,
            next_series: AtomicU32::new(1),
            without_samples: AtomicUsize::new(0),
            time_min: AtomicI64::new(i64::MAX),
            time_max: AtomicI64::new(i64::MIN),
            late,
            counters: SampleCounters::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    fn is_snapshot_due(&self) -> bool {
        let samples = self.writer.lock().samples_since_snapshot;
        let series = self.index.read().all.len();
        let limit = series.saturating_mul(SNAPSHOT_SAMPLES_PER_SERIES);
        samples as u64 >= limit.max(SNAPSHOT_SAMPLES_MIN)
    }

    fn cutting(&self) -> Cutting {
        Cutting {
            floats: self.options.floats.encoding(),
            histograms: self.options.histogram_chunks,
            block_range: self.options.block_range.0,
        }
    }

    /// Of the newest sample of a series that came in order.
    fn last_time(&self, series: SeriesRef) -> Option<i64> {
        let series = self.series_of(series.0)?;
        self.pages.with(series, |view| view.record.last_time())?
    }

    fn stores_starts(&self) -> bool {
        self.options.start_times == StartTimes::With
    }

    /// Appends a record for the log: with start timestamps only if they are stored, as older programs do not
    /// know that form.
    fn encode_samples(&self, out: &mut Vec<u8>, samples: &SampleColumns) {
        match self.options.start_times {
            StartTimes::Without => encode_samples(out, samples),
            StartTimes::With => encode_samples_v2(out, samples),
        }
    }

    fn histogram_form(&self) -> HistogramForm {
        match self.options.start_times {
            StartTimes::Without => HistogramForm::V1,
            StartTimes::With => HistogramForm::V2,
        }
    }

    fn reference(&self, series: u32) -> u64 {
        self.base + u64::from(series)
    }

    fn series_of(&self, reference: u64) -> Option<u32> {
        u32::try_from(reference.checked_sub(self.base)?).ok()
    }

    fn time_range(&self) -> Option<TimeRange> {
        let start = self.time_min.load(Ordering::Relaxed);
        let end = self.time_max.load(Ordering::Relaxed);
        (start <= end).then_some(TimeRange::new(Timestamp(start), Timestamp(end)))
    }

    /// Whether there may be samples in the range, late ones included.
    fn reaches(&self, range: TimeRange) -> bool {
        let mut own = self.time_range().into_iter().chain(self.late.range());
        own.any(|own| own.start <= range.end && range.start <= own.end)
    }

    fn note_times(&self, start: i64, end: i64) {
        self.time_min.fetch_min(start, Ordering::Relaxed);
        self.time_max.fetch_max(end, Ordering::Relaxed);
    }

    /// Samples before this are refused.
    fn appendable_from(&self) -> i64 {
        let closed = self.closed_before.load(Ordering::Relaxed);
        let valid = self.valid_from.load(Ordering::Relaxed).max(closed);
        match self.time_max.load(Ordering::Relaxed) {
            i64::MIN => valid,
            newest => valid.max(newest.saturating_sub(self.options.block_range.0 / 2)),
        }
    }

    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        if labels.is_empty() {
            return Err(SampleRefusal::Malformed);
        }
        let tag = {
            let index = self.index.read();
            let tag = index.tag(labels);
            if let Some(series) = index.find(&self.pages, tag, labels.iter()) {
                return Ok(SeriesRef(self.reference(series)));
            }
            tag
        };
        if let Some(gate) = &self.options.gate {
            gate.admit(labels)?;
        }
        let mut index = self.index.write();
        // Somebody may have been faster.
        if let Some(series) = index.find(&self.pages, tag, labels.iter()) {
            return Ok(SeriesRef(self.reference(series)));
        }
        if index.all.len() >= self.options.series_max as u64 {
            return Err(SampleRefusal::SeriesLimit);
        }
        let series = self.next_series.load(Ordering::Relaxed);
        // The last number is never given out, so this cannot run over.
        let next = series.checked_add(1).ok_or(SampleRefusal::SeriesLimit)?;
        index
            .add(&self.pages, series, tag, labels)
            .ok_or(SampleRefusal::SeriesLimit)?;
        self.next_series.store(next, Ordering::Relaxed);
        self.without_samples.fetch_add(1, Ordering::Relaxed);
        let pairs: Vec<_> = labels.iter().collect();
        record::encode_series(
            &mut self.pending.lock(),
            self.reference(series),
            pairs.into_iter(),
        );
        Ok(SeriesRef(self.reference(series)))
    }
}
