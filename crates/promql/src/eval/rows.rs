//! Rows of a selection, read in batches into columns, and what a range function needs of them.

use std::ops::Range;
use std::sync::Arc;

use model::FloatHistogram;
use model::histogram::CounterResetHint;
use model::sample::is_stale;
use model::storage::{SeriesBatch, SeriesList};

use super::column::{PointRef, Series};
use super::error::QueryError;
use super::steps::Steps;

/// How many series are decoded at once.
const BATCH_ROWS: usize = 64;

/// Reads rows of one list in batches; going through them in order reads each once.
#[derive(Default)]
pub(crate) struct RowReader {
    batch: SeriesBatch,
    loaded: Range<usize>,
}

impl RowReader {
    /// Reads all of `rows`, and forgets what was read before.
    pub(crate) fn load(
        &mut self,
        list: &dyn SeriesList,
        rows: Range<usize>,
    ) -> Result<(), QueryError> {
        self.batch.clear();
        self.loaded = 0..0;
        list.read(rows.clone(), &mut self.batch)?;
        self.loaded = rows;
        Ok(())
    }

    /// Like [`Self::load`], but only the newest sample of each row.
    pub(crate) fn load_newest(
        &mut self,
        list: &dyn SeriesList,
        rows: Range<usize>,
    ) -> Result<(), QueryError> {
        self.batch.clear();
        self.loaded = 0..0;
        list.read_newest(rows.clone(), &mut self.batch)?;
        self.loaded = rows;
        Ok(())
    }

    /// The samples of one row, stale markers included.
    pub(crate) fn row(&mut self, list: &dyn SeriesList, row: usize) -> Result<Row<'_>, QueryError> {
        if !self.loaded.contains(&row) {
            self.load(list, row..list.len().min(row + BATCH_ROWS))?;
        }
        let positions = self.batch.positions(row - self.loaded.start);
        let histograms = self.batch.histograms_of(row - self.loaded.start);
        let column = |values: &'_ [i64]| -> Range<usize> {
            if values.is_empty() {
                0..0
            } else {
                positions.clone()
            }
        };
        let starts = column(&self.batch.start_times);
        Ok(Row {
            first: positions.start,
            times: self.batch.times.get(positions.clone()).unwrap_or(&[]),
            values: self.batch.values.get(positions).unwrap_or(&[]),
            histograms,
            starts: self.batch.start_times.get(starts).unwrap_or(&[]),
        })
    }
}

/// The samples of one series.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The position that `histograms` counts from.
    first: usize,
    pub(crate) times: &'a [i64],
    values: &'a [f64],
    histograms: &'a [(usize, Arc<FloatHistogram>)],
    starts: &'a [i64],
}

impl<'a> Row<'a> {
    /// The sample at a position; none if it is a staleness marker.
    pub(crate) fn sample(&self, at: usize) -> Option<PointRef<'a>> {
        if !self.histograms.is_empty() {
            let found = self
                .histograms
                .binary_search_by(|(position, _)| position.cmp(&(self.first + at)));
            if let Ok(found) = found {
                let (_, histogram) = self.histograms.get(found)?;
                return (!is_stale(histogram.sum)).then_some(PointRef::Histogram(histogram));
            }
        }
        let value = *self.values.get(at)?;
        (!is_stale(value)).then_some(PointRef::Float(value))
    }

    /// The values, if none is a histogram.
    pub(crate) fn plain_floats(&self) -> Option<&'a [f64]> {
        self.histograms.is_empty().then_some(self.values)
    }

    pub(crate) fn start(&self, at: usize) -> i64 {
        self.starts.get(at).copied().unwrap_or(0)
    }
}

/// Reduces histograms to count and sum, one after the other. Resets are found while the buckets are
/// there and kept in the hint.
#[derive(Default)]
pub(crate) struct BucketSkipper {
    previous: Option<Arc<FloatHistogram>>,
}

impl BucketSkipper {
    pub(crate) fn skip(&mut self, histogram: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
        let hint = match (histogram.counter_reset_hint, &self.previous) {
            (CounterResetHint::Unknown, Some(previous)) => {
                if histogram.is_reset_after(previous) {
                    CounterResetHint::Reset
                } else {
                    CounterResetHint::NotReset
                }
            }
            (hint, _) => hint,
        };
        self.previous = Some(Arc::clone(histogram));
        Arc::new(FloatHistogram {
            counter_reset_hint: hint,
            schema: histogram.schema,
            count: histogram.count,
            sum: histogram.sum,
            ..FloatHistogram::default()
        })
    }
}

/// The samples of one series by kind, without staleness markers; reused from series to series.
#[derive(Default)]
pub(crate) struct SplitSamples {
    pub(crate) float_times: Vec<i64>,
    pub(crate) floats: Vec<f64>,
    pub(crate) float_starts: Vec<i64>,
    pub(crate) histogram_times: Vec<i64>,
    pub(crate) histograms: Vec<Arc<FloatHistogram>>,
    pub(crate) histogram_starts: Vec<i64>,
    /// Positions of floats lower than the one before, if asked for.
    pub(crate) drops: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitOptions {
    pub(crate) with_starts: bool,
    pub(crate) with_drops: bool,
    pub(crate) skips_buckets: bool,
}

impl SplitSamples {
    /// Whether all samples are floats without start times.
    pub(crate) fn is_plain(&self) -> bool {
        self.histograms.is_empty() && self.float_starts.is_empty()
    }

    fn clear(&mut self) {
        self.float_times.clear();
        self.floats.clear();
        self.float_starts.clear();
        self.histogram_times.clear();
        self.histograms.clear();
        self.histogram_starts.clear();
        self.drops.clear();
    }

    pub(crate) fn fill_from_row(&mut self, row: Row<'_>, options: SplitOptions) {
        self.clear();
        let with_starts = options.with_starts && row.starts.iter().any(|start| *start != 0);
        let is_plain =
            row.histograms.is_empty() && !row.values.iter().any(|value| is_stale(*value));
        if is_plain {
            self.float_times.extend_from_slice(row.times);
            self.floats.extend_from_slice(row.values);
            if with_starts {
                self.float_starts.extend_from_slice(row.starts);
            }
        } else {
            self.split(row, with_starts, options);
        }
        self.index_drops(options);
    }

    fn split(&mut self, row: Row<'_>, with_starts: bool, options: SplitOptions) {
        let mut skipper = BucketSkipper::default();
        let mut histograms = row.histograms.iter().peekable();
        for (at, (time, value)) in row.times.iter().zip(row.values).enumerate() {
            let start = row.start(at);
            if let Some((_, histogram)) = histograms.next_if(|(next, _)| *next == row.first + at) {
                if is_stale(histogram.sum) {
                    continue;
                }
                self.histogram_times.push(*time);
                self.histograms.push(if options.skips_buckets {
                    skipper.skip(histogram)
                } else {
                    Arc::clone(histogram)
                });
                if with_starts {
                    self.histogram_starts.push(start);
                }
            } else if !is_stale(*value) {
                self.float_times.push(*time);
                self.floats.push(*value);
                if with_starts {
                    self.float_starts.push(start);
                }
            }
        }
    }

    /// From the result of a subquery. Reset hints between samples say nothing any more once samples were
    /// left out or repeated, so all but "gauge" become "unknown".
    pub(crate) fn fill_from_series(
        &mut self,
        series: &Series,
        steps: Steps,
        options: SplitOptions,
    ) {
        self.clear();
        for (step, time) in steps.times().enumerate() {
            match series.column.get(step) {
                None => {}
                Some(PointRef::Float(value)) => {
                    self.float_times.push(time);
                    self.floats.push(value);
                }
                Some(PointRef::Histogram(histogram)) => {
                    let mut histogram = Arc::clone(histogram);
                    if matches!(
                        histogram.counter_reset_hint,
                        CounterResetHint::Reset | CounterResetHint::NotReset
                    ) {
                        Arc::make_mut(&mut histogram).counter_reset_hint =
                            CounterResetHint::Unknown;
                    }
                    self.histogram_times.push(time);
                    self.histograms.push(histogram);
                }
            }
        }
        self.index_drops(options);
    }

    fn index_drops(&mut self, options: SplitOptions) {
        if !options.with_drops {
            return;
        }
        let drops = (1..).zip(self.floats.windows(2)).filter_map(|(at, pair)| {
            matches!(pair, [before, after] if after < before).then_some(at)
        });
        self.drops.extend(drops);
    }
}
