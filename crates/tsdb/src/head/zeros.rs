//! Zeros where counters began, as the peer's `created-timestamp-zero-ingestion` adds them.
//!
//! A row with a start time is preceded by one that is zero at that time, if the series has nothing from then on.

use std::sync::Arc;

use hashbrown::HashMap;
use model::histogram::{CounterResetHint, FloatHistogram, Histogram};
use model::storage::{CommitReport, HistogramSample, SampleBatch, SeriesRef};
use model::time::Timestamp;

use super::commit::{Sample, sample_of, whole_rows};

/// A batch with zeros.
pub(crate) struct Expanded {
    pub(crate) batch: SampleBatch,
    /// By row: the row of the batch that was given; `None` for zeros.
    rows: Vec<Option<usize>>,
}

/// `None` if there is nothing to add. Zeros before `from` are not added; `last_time` is that of the newest
/// sample of a series.
pub(crate) fn expand(
    given: &SampleBatch,
    from: i64,
    last_time: impl Fn(SeriesRef) -> Option<i64>,
) -> Option<Expanded> {
    let starts = given.start_times.iter();
    if starts.copied().all(|start| start == 0) {
        return None;
    }
    let mut expanded = Expanded {
        batch: SampleBatch {
            exemplars: given.exemplars.clone(),
            metadata: given.metadata.clone(),
            ..SampleBatch::default()
        },
        rows: Vec::with_capacity(given.len()),
    };
    // Of the rows before, where a series occurs more than once.
    let mut newest: HashMap<SeriesRef, i64> = HashMap::new();
    for row in 0..whole_rows(given) {
        let (series, time) = (given.series[row], given.times[row]);
        let start = given.start_time(row);
        let last = match newest.get(&series) {
            Some(time) => Some(*time),
            None => last_time(series),
        };
        if start != 0 && start < time && start >= from && last.is_none_or(|last| last < start) {
            let at = Timestamp(start);
            match zero_for(sample_of(given, row)) {
                Some(histogram) => expanded.batch.push_histogram(series, at, histogram),
                None => expanded.batch.push(series, at, 0.0),
            }
            expanded.rows.push(None);
        }
        match sample_of(given, row) {
            Sample::Histogram(histogram) => {
                let histogram = histogram.clone();
                expanded
                    .batch
                    .push_histogram(series, Timestamp(time), histogram);
            }
            Sample::Float(value) => expanded.batch.push(series, Timestamp(time), value),
        }
        if start != 0 {
            expanded.batch.set_start(Timestamp(start));
        }
        expanded.rows.push(Some(row));
        newest.insert(series, time.max(last.unwrap_or(time)));
    }
    Some(expanded)
}

/// A histogram without observations that can be in the same chunk; `None` for floats.
fn zero_for(sample: Sample<'_>) -> Option<HistogramSample> {
    let Sample::Histogram(histogram) = sample else {
        return None;
    };
    // It is a counter reset by what it means.
    let counter_reset_hint = CounterResetHint::Reset;
    Some(match histogram {
        HistogramSample::Integer(histogram) => HistogramSample::Integer(Arc::new(Histogram {
            counter_reset_hint,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            custom_values: histogram.custom_values.clone(),
            ..Histogram::default()
        })),
        HistogramSample::Float(histogram) => HistogramSample::Float(Arc::new(FloatHistogram {
            counter_reset_hint,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            custom_values: histogram.custom_values.clone(),
            ..FloatHistogram::default()
        })),
    })
}

impl Expanded {
    /// The report about the batch that was given.
    pub(crate) fn report(&self, mut report: CommitReport) -> CommitReport {
        let row_of = |row: usize| self.rows.get(row).copied().flatten();
        let zeros = self.rows.iter().filter(|row| row.is_none()).count();
        let refused = report.refused.len();
        report.refused.retain_mut(|(row, _)| match row_of(*row) {
            Some(given) => {
                *row = given;
                true
            }
            None => false,
        });
        let zeros_refused = refused - report.refused.len();
        report.appended = report.appended.saturating_sub(zeros - zeros_refused);
        report
    }
}
