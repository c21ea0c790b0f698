//! Instant selectors: the newest sample within the lookback at every step.

use std::sync::Arc;

use diag::Span;
use model::histogram::CounterResetHint;
use model::storage::{Projection, SelectRequest, TimeRange};
use model::{Matcher, Timestamp};

use super::annotations::Note;
use super::column::{Column, PointRef, Series, histogram_weight};
use super::error::QueryError;
use super::evaluator::{Evaluator, Selection, Sink};
use super::rows::{BucketSkipper, Row, StoredRows};
use super::steps::Steps;
use crate::ast::Boundary;
use crate::functions::{interpolate, interpolate_histograms, math};
use crate::plan::Selector;

impl Selector {
    /// The time that a step looks at.
    pub(crate) fn reference(&self, time: i64) -> i64 {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }
}

/// What is taken of the sample that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    Value,
    /// Seconds.
    Timestamp,
    /// Seconds.
    StartTimestamp,
    /// Milliseconds; histograms are refused.
    InfoTimestamp,
}

/// Moves forward through the times of a series to the newest sample at or before a reference time.
struct Cursor<'a> {
    times: &'a [i64],
    /// The number of samples at or before the last reference.
    seen: usize,
    lookback: i64,
}

impl Cursor<'_> {
    fn newest(&mut self, reference: i64) -> Option<usize> {
        // References go up from step to step; a binary search over the rest is cheap for both one step
        // and many.
        let rest = self.times.get(self.seen..).unwrap_or(&[]);
        let ahead = match rest.first() {
            Some(next) if *next <= reference => rest.partition_point(|time| *time <= reference),
            _ => 0,
        };
        self.seen += ahead;
        let at = self.seen.checked_sub(1)?;
        (*self.times.get(at)? > reference.saturating_sub(self.lookback)).then_some(at)
    }
}

impl Evaluator<'_> {
    pub(crate) fn stored(
        &mut self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<StoredRows, QueryError> {
        let range = TimeRange::new(Timestamp(start), Timestamp(end));
        let known = self
            .selections
            .iter()
            .find(|known| known.range == range && known.matchers == matchers);
        if let Some(known) = known {
            return Ok(StoredRows::new(Arc::clone(&known.list)));
        }
        let list = self.reader.select(&SelectRequest {
            range,
            matchers,
            projection: Projection::All,
        })?;
        self.selections.push(Selection {
            matchers: matchers.to_vec(),
            range,
            list: Arc::clone(&list),
        });
        Ok(StoredRows::new(list))
    }

    pub(crate) fn select(
        &mut self,
        selector: &Selector,
        span: Span,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        if selector.boundary == Boundary::Smoothed {
            return self.select_smoothed(selector, span, steps);
        }
        self.selected(selector, Take::Value, steps)
    }

    /// All selected series at once.
    pub(crate) fn selected(
        &mut self,
        selector: &Selector,
        take: Take,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let mut result = Vec::new();
        self.select_taking(selector, take, steps, &mut |_, series| {
            result.push(series);
            Ok(())
        })?;
        Ok(result)
    }

    pub(crate) fn select_taking(
        &mut self,
        selector: &Selector,
        take: Take,
        steps: Steps,
        sink: Sink<'_>,
    ) -> Result<(), QueryError> {
        if steps.count == 0 {
            return Ok(());
        }
        let lookback = self.lookback();
        let first = selector.reference(steps.start);
        let last = selector.reference(steps.last());
        let start = first.saturating_sub(lookback).saturating_add(1);
        let mut rows = self.stored(&selector.matchers, start, last)?;
        for index in 0..rows.len() {
            if index % 16 == 0 {
                self.interrupted()?;
            }
            let column = match sampled(rows.row(index)?, selector, take, lookback, steps) {
                Ok(column) => column,
                Err(Unsuitable) => {
                    return Err(QueryError::Evaluation(format!(
                        "this should be an info metric, with float samples: {}",
                        rows.labels(index)
                    )));
                }
            };
            if let Some((column, weight)) = column {
                self.budget.charge(weight)?;
                for (step, point) in column.points() {
                    let weight = point.weight();
                    self.counts.add(step, weight);
                    self.counts.add_read(step, weight);
                }
                let series = Series {
                    labels: rows.labels(index),
                    drop_name: false,
                    column,
                };
                sink(self, series)?;
            }
        }
        Ok(())
    }

    /// Values interpolated between the samples around every step, or the last one if none follows.
    fn select_smoothed(
        &mut self,
        selector: &Selector,
        span: Span,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        if steps.count == 0 {
            return Ok(Vec::new());
        }
        let lookback = self.lookback();
        let start = selector.reference(steps.start).saturating_sub(lookback);
        let end = selector.reference(steps.last()).saturating_add(lookback);
        let mut rows = self.stored(&selector.matchers, start.saturating_add(1), end)?;
        let mut result = Vec::new();
        for index in 0..rows.len() {
            self.interrupted()?;
            let labels = rows.labels(index);
            let row = rows.row(index)?;
            let mut column = Column::absent(steps.count);
            for (step, time) in steps.times().enumerate() {
                let reference = selector.reference(time);
                self.smooth_at(
                    row,
                    reference,
                    (step, &mut column),
                    labels.metric_name(),
                    span,
                );
            }
            if !column.is_absent() {
                self.budget.charge(column.weight())?;
                result.push(Series {
                    labels,
                    drop_name: false,
                    column,
                });
            }
        }
        Ok(result)
    }

    fn smooth_at(
        &mut self,
        row: Row<'_>,
        reference: i64,
        (step, column): (usize, &mut Column),
        name: &str,
        span: Span,
    ) {
        let lookback = self.lookback();
        let first = row
            .times
            .partition_point(|time| *time <= reference.saturating_sub(lookback));
        let end = row
            .times
            .partition_point(|time| *time <= reference.saturating_add(lookback));
        let samples: Vec<(i64, PointRef<'_>)> = (first..end)
            .filter_map(|at| Some((*row.times.get(at)?, row.sample(at)?)))
            .collect();
        let is_histogram = |point: &PointRef<'_>| matches!(point, PointRef::Histogram(_));
        let histograms = samples.iter().filter(|(_, p)| is_histogram(p)).count();
        let name = || name.to_owned();
        if histograms > 0 && histograms < samples.len() {
            self.note(Note::MixedFloatsHistograms { name: name() }, span);
            return;
        }
        let next = samples.partition_point(|(time, _)| *time < reference);
        let before = next.checked_sub(1).and_then(|at| samples.get(at).copied());
        match (before, samples.get(next).copied()) {
            (_, Some((time, point))) if time == reference => column.set(step, point.to_owned()),
            (Some((t1, PointRef::Float(v1))), Some((t2, PointRef::Float(v2)))) => {
                column.set_float(step, interpolate((t1, v1), (t2, v2), reference, false));
            }
            (Some((t1, PointRef::Histogram(h1))), Some((t2, PointRef::Histogram(h2)))) => {
                // A counter unless both say that they are gauges.
                let is_counter = [h1, h2]
                    .iter()
                    .any(|h| h.counter_reset_hint != CounterResetHint::Gauge);
                let fits = h1.uses_custom_buckets() == h2.uses_custom_buckets();
                let between = fits.then(|| {
                    interpolate_histograms(
                        (t1, h1),
                        (t2, h2),
                        reference,
                        is_counter,
                        span,
                        &mut self.notes,
                    )
                });
                match between {
                    Some(Ok(histogram)) => column.set_histogram(step, Arc::new(histogram)),
                    _ => self.note(Note::MixedExponentialCustom { name: name() }, span),
                }
            }
            (Some((_, PointRef::Float(value))), None) => column.set_float(step, value),
            (Some((_, PointRef::Histogram(histogram))), None) => {
                // The hint is about two neighbours, not about the value that is carried on.
                let mut histogram = Arc::clone(histogram);
                Arc::make_mut(&mut histogram).counter_reset_hint = CounterResetHint::Unknown;
                column.set_histogram(step, histogram);
            }
            _ => {}
        }
    }
}

/// A histogram where only floats make sense.
struct Unsuitable;

fn sampled(
    row: Row<'_>,
    selector: &Selector,
    take: Take,
    lookback: i64,
    steps: Steps,
) -> Result<Option<(Column, usize)>, Unsuitable> {
    let mut cursor = Cursor {
        times: row.times,
        seen: 0,
        lookback,
    };
    let mut column: Option<Column> = None;
    let mut weight = 0;
    let mut skipper = BucketSkipper::default();
    // All samples pass the skipper, also those that no step shows: resets are found between neighbours.
    let mut skipped = None;
    let mut skipped_until = 0;
    for (step, time) in steps.times().enumerate() {
        let Some(at) = cursor.newest(selector.reference(time)) else {
            continue;
        };
        let Some(point) = row.sample(at) else {
            continue;
        };
        let column = column.get_or_insert_with(|| Column::absent(steps.count));
        match (take, point) {
            (Take::Value, PointRef::Float(value)) => {
                column.set_float(step, value);
                weight += 1;
            }
            (Take::Value, PointRef::Histogram(histogram)) => {
                if selector.skips_buckets {
                    for sample in skipped_until..=at {
                        if let Some(PointRef::Histogram(histogram)) = row.sample(sample) {
                            skipped = Some(skipper.skip(histogram));
                        }
                    }
                    skipped_until = at + 1;
                }
                let histogram = Arc::clone(skipped.as_ref().unwrap_or(histogram));
                weight += histogram_weight(&histogram);
                column.set_histogram(step, histogram);
            }
            (Take::InfoTimestamp, PointRef::Histogram(_)) => return Err(Unsuitable),
            (Take::Timestamp | Take::InfoTimestamp | Take::StartTimestamp, _) => {
                let time = row.times.get(at).copied().unwrap_or(0);
                let value = match take {
                    Take::InfoTimestamp => math::float(time),
                    Take::StartTimestamp => math::seconds(row.start(at)),
                    Take::Timestamp | Take::Value => math::seconds(time),
                };
                column.set_float(step, value);
                weight += 1;
            }
        }
    }
    Ok(column.map(|column| (column, weight)))
}
