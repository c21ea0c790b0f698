//! What the readers and writers of series agree on: columns, batches, one commit.
//!
//! Reading: [`SeriesReader::select`] gives a list of series, which is read in ranges into columns
//! ([`SeriesBatch`]); disjoint ranges may be read on several threads. Writing: labels are resolved once
//! to a [`SeriesRef`], then whole scrapes are committed as one [`SampleBatch`].

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use diag::Reason;

use crate::exemplar::Exemplar;
use crate::histogram::{FloatHistogram, Histogram};
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::metadata::Metadata;
use crate::time::Timestamp;

/// A closed range of time: both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl TimeRange {
    pub const ALL: Self = Self {
        start: Timestamp::MIN,
        end: Timestamp::MAX,
    };

    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time <= self.end
    }
}

/// Which series, and which of their samples.
#[derive(Clone, Debug)]
pub struct SelectRequest<'a> {
    pub range: TimeRange,
    /// All must match.
    pub matchers: &'a [Matcher],
    /// The labels that the reader of the result will look at. A store may leave out others, if that is
    /// cheaper for it; it never merges series because of it.
    pub projection: Projection<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection<'a> {
    All,
    Only(&'a [String]),
    AllBut(&'a [String]),
}

impl Projection<'_> {
    pub fn contains(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted == name),
            Self::AllBut(names) => !names.iter().any(|unwanted| unwanted == name),
        }
    }

    /// The labels that are left.
    pub fn of(self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            _ => labels.filtered(|name| self.contains(name)),
        }
    }
}

/// Why a read did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("storage is not ready: {0}")]
    NotReady(String),
    #[error("reading storage: {0}")]
    Failed(String),
    #[error("corrupt data: {0}")]
    Corrupt(String),
}

/// A place where series can be read.
pub trait SeriesReader: Send + Sync {
    /// The series that match, in an order that is the same for the same data. The list is a snapshot:
    /// commits made later do not show in it.
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError>;

    /// Names of labels of the matching series that have samples in the range; sorted, unique. Without
    /// matchers a store may answer for all series that it holds at about that time.
    fn label_names(&self, range: TimeRange, matchers: &[Matcher])
    -> Result<Vec<String>, ReadError>;

    /// Values of one label among the matching series; sorted, unique. Without matchers as above.
    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError>;
}

/// Series that were selected. Rows are numbered from 0.
pub trait SeriesList: Send + Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of one row; cheap to call once per row.
    fn labels(&self, row: usize) -> Labels;

    /// Appends the samples of `rows` to the batch, one entry per row (also for rows without samples).
    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError>;

    /// Like [`SeriesList::read`], but of each row only the newest sample in the range. Stores that know it
    /// without decoding the ones before it say so here.
    fn read_newest(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let mut all = SeriesBatch::new();
        self.read(rows, &mut all)?;
        for entry in 0..all.len() {
            batch.push_newest(&all, entry);
            batch.finish_series();
        }
        Ok(())
    }

    /// Puts all rows into groups by the labels that the projection leaves. Stores that can tell labels
    /// apart without making their texts do it here.
    fn groups(&self, by: Projection<'_>) -> RowGroups {
        let mut groups = RowGroups::default();
        let mut known: HashMap<Labels, u32> = HashMap::new();
        for row in 0..self.len() {
            let labels = by.of(&self.labels(row));
            let next = u32::try_from(groups.labels.len()).unwrap_or(u32::MAX);
            let group = *known.entry(labels.clone()).or_insert(next);
            if group == next {
                groups.labels.push(labels);
            }
            groups.of_row.push(group);
        }
        groups
    }

    /// Whether a row may have a label of this name. `true` says nothing.
    fn may_have_label(&self, _name: &str) -> bool {
        true
    }
}

/// Rows with the same labels share a group; groups are numbered in the order of their first rows.
#[derive(Clone, Debug, Default)]
pub struct RowGroups {
    pub of_row: Vec<u32>,
    /// By group.
    pub labels: Vec<Labels>,
}

/// Samples of several series in columns; meant to be reused ([`SeriesBatch::clear`] keeps the memory).
///
/// The samples of entry `i` are at `bounds[i]..bounds[i + 1]` in `times` and `values`. A native histogram
/// has an entry in `histograms` at its position; its place in `values` is not used.
#[derive(Clone, Debug)]
pub struct SeriesBatch {
    bounds: Vec<usize>,
    /// Milliseconds since the epoch, strictly increasing within a series.
    pub times: Vec<i64>,
    pub values: Vec<f64>,
    /// `(position, histogram)`, by position.
    pub histograms: Vec<(usize, Arc<FloatHistogram>)>,
    /// Start timestamps in milliseconds (0: unknown); empty, or as long as `times`.
    pub start_times: Vec<i64>,
}

impl SeriesBatch {
    pub fn new() -> Self {
        Self {
            bounds: vec![0],
            times: Vec::new(),
            values: Vec::new(),
            histograms: Vec::new(),
            start_times: Vec::new(),
        }
    }

    pub fn clear(&mut self) {
        self.bounds.truncate(1);
        self.times.clear();
        self.values.clear();
        self.histograms.clear();
        self.start_times.clear();
    }

    /// How many series have been finished.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push_float(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(value);
    }

    pub fn push_histogram(&mut self, time: i64, histogram: Arc<FloatHistogram>) {
        self.histograms.push((self.times.len(), histogram));
        self.times.push(time);
        self.values.push(f64::NAN);
    }

    /// Ends the current series; what is pushed from now on belongs to the next one.
    pub fn finish_series(&mut self) {
        self.bounds.push(self.times.len());
    }

    /// Appends the last sample of an entry of another batch, if it has any.
    pub fn push_newest(&mut self, source: &Self, entry: usize) {
        let Some(last) = source.positions(entry).last() else {
            return;
        };
        let (Some(time), Some(value)) = (source.times.get(last), source.values.get(last)) else {
            return;
        };
        match source.histograms_of(entry).last() {
            Some((at, histogram)) if *at == last => self.push_histogram(*time, histogram.clone()),
            _ => self.push_float(*time, *value),
        }
        if let Some(start) = source.start_times.get(last)
            && (*start != 0 || !self.start_times.is_empty())
        {
            self.start_times.resize(self.times.len() - 1, 0);
            self.start_times.push(*start);
        }
    }

    /// The positions of entry `index`; empty if there is no such entry.
    pub fn positions(&self, index: usize) -> Range<usize> {
        match (self.bounds.get(index), self.bounds.get(index + 1)) {
            (Some(start), Some(end)) => *start..*end,
            _ => 0..0,
        }
    }

    /// Times and float values of one entry.
    pub fn floats(&self, index: usize) -> (&[i64], &[f64]) {
        let positions = self.positions(index);
        (&self.times[positions.clone()], &self.values[positions])
    }

    /// The histograms of one entry, with their positions.
    pub fn histograms_of(&self, index: usize) -> &[(usize, Arc<FloatHistogram>)] {
        let positions = self.positions(index);
        let first = self
            .histograms
            .partition_point(|(at, _)| *at < positions.start);
        let last = self
            .histograms
            .partition_point(|(at, _)| *at < positions.end);
        &self.histograms[first..last]
    }
}

impl Default for SeriesBatch {
    fn default() -> Self {
        Self::new()
    }
}

/// A series in one store, valid until the store says [`SampleRefusal::UnknownSeries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u64);

/// Samples to commit together, in columns. Readers see all of a batch or none of it.
#[derive(Clone, Debug, Default)]
pub struct SampleBatch {
    pub series: Vec<SeriesRef>,
    /// Milliseconds since the epoch.
    pub times: Vec<i64>,
    pub values: Vec<f64>,
    /// `(row, histogram)` by row; `values[row]` is then not used.
    pub histograms: Vec<(usize, HistogramSample)>,
    /// Start timestamps in milliseconds (0: unknown), by row; rows beyond the end have none.
    pub start_times: Vec<i64>,
    pub exemplars: Vec<(SeriesRef, Exemplar)>,
    pub metadata: Vec<(SeriesRef, Metadata)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HistogramSample {
    Integer(Arc<Histogram>),
    Float(Arc<FloatHistogram>),
}

impl SampleBatch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn clear(&mut self) {
        self.series.clear();
        self.times.clear();
        self.values.clear();
        self.histograms.clear();
        self.start_times.clear();
        self.exemplars.clear();
        self.metadata.clear();
    }

    /// Rows, floats and histograms together.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.exemplars.is_empty() && self.metadata.is_empty()
    }

    pub fn push(&mut self, series: SeriesRef, time: Timestamp, value: f64) {
        self.series.push(series);
        self.times.push(time.0);
        self.values.push(value);
    }

    pub fn push_histogram(
        &mut self,
        series: SeriesRef,
        time: Timestamp,
        histogram: HistogramSample,
    ) {
        self.histograms.push((self.series.len(), histogram));
        self.push(series, time, f64::NAN);
    }

    /// Says since when the last row has counted.
    pub fn set_start(&mut self, start: Timestamp) {
        if let Some(row) = self.series.len().checked_sub(1) {
            self.start_times.resize(row, 0);
            self.start_times.push(start.0);
        }
    }

    /// 0: unknown.
    pub fn start_time(&self, row: usize) -> i64 {
        self.start_times.get(row).copied().unwrap_or(0)
    }
}

/// Why one sample was not stored. The other samples of its batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SampleRefusal {
    /// Older than the newest sample of its series, and no out-of-order window allows it.
    OutOfOrder,
    /// Another value at a time that the series already has.
    DuplicateTimestamp,
    /// Older than the out-of-order window.
    TooOld,
    /// Outside the times that the store takes at all.
    OutOfBounds,
    /// The reference is not (or no longer) known: resolve the labels again.
    UnknownSeries,
    /// No room for a new series within the memory budget.
    SeriesLimit,
    /// The labels or the histogram are not well formed.
    Malformed,
}

impl Reason for SampleRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::OutOfOrder => "sample-out-of-order",
            Self::DuplicateTimestamp => "sample-duplicate-timestamp",
            Self::TooOld => "sample-too-old",
            Self::OutOfBounds => "sample-out-of-bounds",
            Self::UnknownSeries => "sample-unknown-series",
            Self::SeriesLimit => "sample-series-limit",
            Self::Malformed => "sample-malformed",
        }
    }
}

impl fmt::Display for SampleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfOrder => "out of order sample",
            Self::DuplicateTimestamp => "duplicate sample for timestamp",
            Self::TooOld => "too old sample",
            Self::OutOfBounds => "out of bounds",
            Self::UnknownSeries => "unknown series",
            Self::SeriesLimit => "no room for a new series",
            Self::Malformed => "malformed sample",
        })
    }
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Samples stored.
    pub appended: usize,
    /// Rows of the batch that were refused, by row.
    pub refused: Vec<(usize, SampleRefusal)>,
}

/// Why nothing of a batch was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("storage is closed")]
    Closed,
    #[error("writing the log: {0}")]
    Log(String),
}

/// Asked before a store makes a new series. Called by many threads; must not wait.
pub trait SeriesGate: Send + Sync + fmt::Debug {
    /// An error refuses the series, and so all its samples until it is let in.
    fn admit(&self, labels: &Labels) -> Result<(), SampleRefusal>;
}

/// A place where series can be written.
pub trait SampleWriter: Send + Sync {
    /// The reference of a series, made if it is new. A new series shows to readers with its first sample.
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal>;

    /// Stores the batch; once this returns `Ok`, the samples survive a crash of the process.
    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError>;
}
