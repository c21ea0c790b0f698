//! Functions of range vectors: windows that slide over the samples of each series.
//!
//! Samples are split by kind once per series; a window is then a pair of indices per kind that only move
//! forward. A subquery is evaluated once on its own grid, and its result slides in the same way.

use std::collections::HashSet;

use diag::Span;
use model::{Duration, Labels};

use super::annotations::Note;
use super::column::{Column, PointRef, Series, histogram_weight, without_metadata};
use super::error::QueryError;
use super::evaluator::{Evaluator, Sink};
use super::result::MatrixSeries;
use super::rows::{SplitOptions, SplitSamples, StoredRows};
use super::steps::Steps;
use crate::ast::Boundary;
use crate::functions::{
    Boundaries, Drops, FloatWindow, HistogramWindow, RangeContext, RangeFunction, Window,
    absent_labels,
};
use crate::plan::{Call, Op, Plan, Subquery};

/// A range vector before windows are cut out of it.
struct RangeInput {
    rows: Rows,
    range: i64,
    offset: i64,
    at: Option<i64>,
    boundary: Boundary,
    options: SplitOptions,
    /// Samples held by an evaluated subquery.
    weight: usize,
}

enum Rows {
    Stored(StoredRows),
    Evaluated { series: Vec<Series>, steps: Steps },
}

impl RangeInput {
    fn len(&self) -> usize {
        match &self.rows {
            Rows::Stored(rows) => rows.len(),
            Rows::Evaluated { series, .. } => series.len(),
        }
    }

    fn load(&mut self, row: usize, samples: &mut SplitSamples) -> Result<(), QueryError> {
        match &mut self.rows {
            Rows::Stored(rows) => {
                samples.labels = rows.labels(row);
                samples.drop_name = false;
                samples.fill_from_row(rows.row(row)?, self.options);
            }
            Rows::Evaluated { series, steps } => {
                if let Some(series) = series.get(row) {
                    samples.fill_from_series(series, *steps, self.options);
                }
            }
        }
        Ok(())
    }

    /// The range at a step, without what anchored and smoothed selectors look at beyond it.
    fn range_at(&self, time: i64) -> (i64, i64) {
        let end = self.at.unwrap_or(time).saturating_sub(self.offset);
        (end.saturating_sub(self.range), end)
    }
}

/// Positions of a window within the times of one kind of samples.
#[derive(Default)]
struct Slide {
    first: usize,
    end: usize,
}

impl Slide {
    /// Moves to the samples in `(start, end]`; both never go down.
    fn to(&mut self, times: &[i64], start: i64, end: i64) {
        while times.get(self.end).is_some_and(|time| *time <= end) {
            self.end += 1;
        }
        while self.first < self.end && times.get(self.first).is_some_and(|time| *time <= start) {
            self.first += 1;
        }
    }
}

impl Evaluator<'_> {
    fn range_input(
        &mut self,
        plan: &Plan,
        steps: Steps,
        options: SplitOptions,
    ) -> Result<RangeInput, QueryError> {
        match &plan.op {
            Op::Range(range) => {
                let selector = &range.selector;
                let lookback = self.lookback();
                let (before, after) = match selector.boundary {
                    Boundary::Plain => (0, 0),
                    Boundary::Anchored => (lookback, 0),
                    Boundary::Smoothed => (lookback, lookback),
                };
                let start = selector
                    .reference(steps.start)
                    .saturating_sub(range.range)
                    .saturating_sub(before)
                    .saturating_add(1);
                let end = selector.reference(steps.last()).saturating_add(after);
                let rows = self.stored(&selector.matchers, start, end)?;
                Ok(RangeInput {
                    rows: Rows::Stored(rows),
                    range: range.range,
                    offset: selector.offset,
                    at: selector.at,
                    boundary: selector.boundary,
                    options: SplitOptions {
                        skips_buckets: selector.skips_buckets,
                        ..options
                    },
                    weight: 0,
                })
            }
            Op::Subquery(subquery) => {
                let (series, child) = self.subquery(subquery, steps)?;
                let weight = series.iter().map(|series| series.column.weight()).sum();
                Ok(RangeInput {
                    rows: Rows::Evaluated {
                        series,
                        steps: child,
                    },
                    range: subquery.range,
                    offset: subquery.offset,
                    at: subquery.at,
                    boundary: Boundary::Plain,
                    options,
                    weight,
                })
            }
            _ => Err(QueryError::unexpected("not a range vector")),
        }
    }

    /// Evaluates the inner expression at all multiples of its step that any outer step looks at.
    fn subquery(
        &mut self,
        subquery: &Subquery,
        steps: Steps,
    ) -> Result<(Vec<Series>, Steps), QueryError> {
        let default_step = Duration::millis(self.options.subquery_step_default);
        let interval = subquery.step.unwrap_or(default_step).max(1);
        let reference = |time: i64| subquery.at.unwrap_or(time).saturating_sub(subquery.offset);
        let oldest = reference(steps.start).saturating_sub(subquery.range);
        // Rounded towards zero, then up to the first multiple after the left-open start.
        let mut start = interval.saturating_mul(oldest / interval);
        if start <= oldest {
            start = start.saturating_add(interval);
        }
        let child = Steps::new(start, reference(steps.last()), interval);
        if child.count == 0 {
            return Ok((Vec::new(), child));
        }
        let series = match self.evaluate(&subquery.plan, child)? {
            super::column::Value::Vector(series) => series,
            super::column::Value::Scalar(values) => vec![Series {
                labels: Labels::empty(),
                drop_name: false,
                column: Column::from_floats(values),
            }],
            super::column::Value::Text(_) => {
                return Err(QueryError::unexpected("subquery of a string"));
            }
        };
        Ok((series, child))
    }

    /// A range vector as the result of an instant query.
    pub(crate) fn raw_range(
        &mut self,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Vec<MatrixSeries>, QueryError> {
        let options = SplitOptions {
            with_starts: false,
            with_drops: false,
            skips_buckets: false,
        };
        if let Op::Subquery(subquery) = &plan.op {
            // Reset hints stay as they are, so the columns are taken directly.
            let (series, child) = self.subquery(subquery, steps)?;
            let series = self.finish_names(series)?;
            return Ok(series
                .iter()
                .map(|series| super::engine::matrix_series(series, child))
                .collect());
        }
        let mut input = self.range_input(plan, steps, options)?;
        let mut samples = SplitSamples::default();
        let mut result = Vec::new();
        for row in 0..input.len() {
            self.interrupted()?;
            input.load(row, &mut samples)?;
            let (start, end) = input.range_at(steps.start);
            let mut series = MatrixSeries {
                labels: samples.labels.clone(),
                ..MatrixSeries::default()
            };
            if input.boundary != Boundary::Plain {
                if !samples.histograms.is_empty() {
                    return Err(QueryError::Evaluation(format!(
                        "{} modifier is not supported with histograms",
                        boundary_name(input.boundary)
                    )));
                }
                crate::functions::extend(
                    &samples.float_times,
                    &samples.floats,
                    (start, end),
                    input.boundary,
                    &mut series,
                );
            } else {
                for (time, value) in samples.float_times.iter().zip(&samples.floats) {
                    if *time > start && *time <= end {
                        series.times.push(*time);
                        series.values.push(*value);
                    }
                }
                for (time, histogram) in samples.histogram_times.iter().zip(&samples.histograms) {
                    if *time > start && *time <= end {
                        series.histograms.push((*time, histogram.clone()));
                    }
                }
            }
            if !series.is_empty() {
                let weight = series.times.len()
                    + series
                        .histograms
                        .iter()
                        .map(|(_, histogram)| histogram_weight(histogram))
                        .sum::<usize>();
                self.budget.charge(weight)?;
                self.budget.count(weight);
                result.push(series);
            }
        }
        Ok(result)
    }

    /// Calls a function of one range vector and scalars.
    pub(crate) fn range_call(
        &mut self,
        call: &Call,
        function: &RangeFunction,
        steps: Steps,
        sink: Sink<'_>,
    ) -> Result<(), QueryError> {
        if steps.count == 0 {
            return Ok(());
        }
        let (input, params) = self.range_args(call, function, steps)?;
        check_boundary(call.name, function, input.boundary)?;
        self.slide((call, function), input, &params, steps, sink)
    }

    /// The range vector and the scalars. Apart from [`Self::slide`], so that nested subqueries take little of
    /// the stack.
    fn range_args(
        &mut self,
        call: &Call,
        function: &RangeFunction,
        steps: Steps,
    ) -> Result<(RangeInput, Vec<Vec<f64>>), QueryError> {
        let is_range = |plan: &Plan| matches!(plan.op, Op::Range(_) | Op::Subquery(_));
        let Some(range_plan) = call.args.iter().find(|arg| is_range(arg)) else {
            return Err(QueryError::unexpected(
                "no range vector among the arguments",
            ));
        };
        let options = SplitOptions {
            with_starts: function.uses_starts && self.options.start_timestamps.is_on(),
            with_drops: function.uses_drops,
            skips_buckets: false,
        };
        // The subquery is evaluated before the scalars, as in Prometheus: its error comes first.
        let input = self.range_input(range_plan, steps, options)?;
        let mut params: Vec<Vec<f64>> = Vec::new();
        for arg in call.args.iter().filter(|arg| !is_range(arg)) {
            params.push(self.scalar(arg, steps)?);
        }
        Ok((input, params))
    }

    /// Calls the function for every window of every series.
    fn slide(
        &mut self,
        (call, function): (&Call, &RangeFunction),
        mut input: RangeInput,
        params: &[Vec<f64>],
        steps: Steps,
        sink: Sink<'_>,
    ) -> Result<(), QueryError> {
        let first_arg = call.args.first().map_or(Span::default(), |arg| arg.span);
        let lookback = self.lookback();
        let mut samples = SplitSamples::default();
        let mut at_step: Vec<f64> = Vec::with_capacity(params.len());
        let mut seen: HashSet<Labels> = HashSet::new();
        for row in 0..input.len() {
            self.interrupted()?;
            input.load(row, &mut samples)?;
            let mut column: Option<Column> = None;
            let (mut floats, mut histograms) = (Slide::default(), Slide::default());
            let mut largest = 0;
            for (step, time) in steps.times().enumerate() {
                let (start, end) = input.range_at(time);
                let (from, to) = match input.boundary {
                    Boundary::Plain => (start, end),
                    Boundary::Anchored => (start.saturating_sub(lookback), end),
                    Boundary::Smoothed => {
                        (start.saturating_sub(lookback), end.saturating_add(lookback))
                    }
                };
                floats.to(&samples.float_times, from, to);
                histograms.to(&samples.histogram_times, from, to);
                let window = window(&samples, &floats, &histograms);
                let len = window.floats.values.len() + window.histograms.values.len();
                if len == 0 {
                    continue;
                }
                let weight = window.floats.values.len()
                    + window
                        .histograms
                        .values
                        .iter()
                        .map(|histogram| histogram_weight(histogram))
                        .sum::<usize>();
                largest = largest.max(weight);
                self.budget.count(weight);
                at_step.clear();
                at_step.extend(params.iter().filter_map(|values| values.get(step)));
                let context = RangeContext {
                    time,
                    start,
                    end,
                    boundary: input.boundary,
                    params: &at_step,
                    name: samples.labels.metric_name(),
                    first_arg,
                };
                if let Some(point) = (function.kernel)(&context, &window, &mut self.notes)? {
                    column
                        .get_or_insert_with(|| Column::absent(steps.count))
                        .set(step, point);
                }
            }
            self.budget.charge(largest)?;
            self.budget.release(largest);
            let Some(column) = column else {
                continue;
            };
            if function.expects_counter_name && has_floats(&column) {
                self.note_counter_name(&samples, first_arg);
            }
            let drop_name = !function.keeps_name || samples.drop_name;
            let labels = if drop_name && !self.delays_names() {
                without_metadata(&samples.labels)
            } else {
                samples.labels.clone()
            };
            if !self.delays_names() && !seen.insert(labels.clone()) {
                return Err(QueryError::same_labelset());
            }
            self.budget.charge(column.weight())?;
            let series = Series {
                labels,
                drop_name,
                column,
            };
            sink(self, series)?;
        }
        self.budget.release(input.weight);
        Ok(())
    }

    /// 1 at every step at which no series has a sample in the range.
    pub(crate) fn absent_over_time(
        &mut self,
        call: &Call,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let Some(arg) = call.args.first() else {
            return Err(QueryError::unexpected("absent_over_time without argument"));
        };
        let options = SplitOptions {
            with_starts: false,
            with_drops: false,
            skips_buckets: false,
        };
        let mut input = self.range_input(arg, steps, options)?;
        check_boundary(
            call.name,
            &RangeFunction::plain(|_, _, _| Ok(None)),
            input.boundary,
        )?;
        let mut is_present = vec![false; steps.count];
        let mut samples = SplitSamples::default();
        for row in 0..input.len() {
            self.interrupted()?;
            input.load(row, &mut samples)?;
            let (mut floats, mut histograms) = (Slide::default(), Slide::default());
            for (time, is_present) in steps.times().zip(&mut is_present) {
                let (start, end) = input.range_at(time);
                floats.to(&samples.float_times, start, end);
                histograms.to(&samples.histogram_times, start, end);
                let len = floats.end - floats.first + histograms.end - histograms.first;
                self.budget.count(len);
                *is_present |= len > 0;
            }
        }
        self.budget.release(input.weight);
        if is_present.iter().all(|is_present| *is_present) {
            return Ok(Vec::new());
        }
        let mut column = Column::absent(steps.count);
        for (step, is_present) in is_present.iter().enumerate() {
            if !is_present {
                column.set_float(step, 1.0);
            }
        }
        self.budget.charge(column.weight())?;
        Ok(vec![Series {
            labels: absent_labels(arg),
            drop_name: true,
            column,
        }])
    }

    fn note_counter_name(&mut self, samples: &SplitSamples, span: Span) {
        let name = samples.labels.metric_name();
        if name.is_empty() {
            return;
        }
        if self.options.type_and_unit_labels.is_on() {
            let label = samples.labels.value("__type__");
            if label != "counter" && label != "histogram" {
                let note = Note::PossiblyNotACounterByLabel {
                    name: name.to_owned(),
                    label: label.to_owned(),
                };
                self.note(note, span);
            }
        } else if !["_total", "_sum", "_count", "_bucket"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
        {
            let name = name.to_owned();
            self.note(Note::PossiblyNotACounter { name }, span);
        }
    }
}

fn has_floats(column: &Column) -> bool {
    (0..column.len()).any(|step| matches!(column.get(step), Some(PointRef::Float(_))))
}

fn window<'a>(samples: &'a SplitSamples, floats: &Slide, histograms: &Slide) -> Window<'a> {
    fn part<'a, T>(all: &'a [T], slide: &Slide) -> &'a [T] {
        all.get(slide.first..slide.end).unwrap_or(&[])
    }
    Window {
        floats: FloatWindow {
            times: part(&samples.float_times, floats),
            values: part(&samples.floats, floats),
            starts: part(&samples.float_starts, floats),
            drops: Drops {
                positions: &samples.drops,
                first: floats.first,
            },
        },
        histograms: HistogramWindow {
            times: part(&samples.histogram_times, histograms),
            values: part(&samples.histograms, histograms),
            starts: part(&samples.histogram_starts, histograms),
        },
    }
}

fn boundary_name(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Anchored => "anchored",
        Boundary::Plain | Boundary::Smoothed => "smoothed",
    }
}

fn check_boundary(
    name: &str,
    function: &RangeFunction,
    boundary: Boundary,
) -> Result<(), QueryError> {
    let (allowed, is_allowed) = match boundary {
        Boundary::Plain => return Ok(()),
        Boundary::Anchored => (
            "changes, delta, increase, rate, resets",
            function.boundaries != Boundaries::Plain,
        ),
        Boundary::Smoothed => (
            "delta, increase, rate",
            function.boundaries == Boundaries::AnchoredAndSmoothed,
        ),
    };
    if is_allowed {
        return Ok(());
    }
    Err(QueryError::Evaluation(format!(
        "{} modifier can only be used with: {allowed} - not with {name}",
        boundary_name(boundary)
    )))
}
