//! Instant selectors: the newest sample within the lookback at every step.

use std::sync::Arc;

use diag::Span;
use model::histogram::CounterResetHint;
use model::storage::{Projection, SelectRequest, SeriesList, TimeRange};
use model::{Matcher, Timestamp};

use super::annotations::Note;
use super::column::{Column, PointRef, Series};
use super::error::QueryError;
use super::evaluator::{Evaluator, Selection, Sink};
use super::rows::{Row, RowReader};
use super::sampled::{LabelUse, Sampled};
use super::steps::Steps;
use crate::ast::Boundary;
use crate::functions::{interpolate, interpolate_histograms};
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

impl Evaluator<'_> {
    pub(crate) fn stored(
        &mut self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<Arc<dyn SeriesList>, QueryError> {
        let range = TimeRange::new(Timestamp(start), Timestamp(end));
        let known = self
            .selections
            .iter()
            .find(|known| known.range == range && known.matchers == matchers);
        if let Some(known) = known {
            return Ok(Arc::clone(&known.list));
        }
        let list = self.reader.select(&SelectRequest {
            range,
            matchers,
            projection: Projection::All,
        })?;
        self.budget.charge_series(list.len())?;
        self.selections.push(Selection {
            matchers: matchers.to_vec(),
            range,
            list: Arc::clone(&list),
        });
        Ok(list)
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
        if let Some(operator) = self.sampled(selector, take, steps, LabelUse::All)? {
            self.run_rows(&operator, steps, &mut |evaluator, blocks| {
                evaluator.sink_blocks(blocks, sink)
            })?;
        }
        Ok(())
    }

    /// The selector as work on rows; none without steps.
    pub(super) fn sampled<'p>(
        &mut self,
        selector: &'p Selector,
        take: Take,
        steps: Steps,
        labels: LabelUse,
    ) -> Result<Option<Sampled<'p>>, QueryError> {
        if steps.count == 0 {
            return Ok(None);
        }
        let first = selector.reference(steps.start);
        let last = selector.reference(steps.last());
        let start = first.saturating_sub(self.lookback()).saturating_add(1);
        Ok(Some(Sampled {
            list: self.stored(&selector.matchers, start, last)?,
            selector,
            take,
            steps,
            labels,
        }))
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
        let list = self.stored(&selector.matchers, start.saturating_add(1), end)?;
        let mut reader = RowReader::default();
        let mut result = Vec::new();
        for index in 0..list.len() {
            self.interrupted()?;
            let labels = list.labels(index);
            let row = reader.row(list.as_ref(), index)?;
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
