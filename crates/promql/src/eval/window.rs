//! Functions of range vectors: windows that slide over the samples of each series.
//!
//! Samples are split by kind once per series; a window is then a pair of indices per kind that only move
//! forward.

use std::collections::HashSet;

use diag::Span;
use model::Labels;

use super::annotations::Note;
use super::column::{Column, PointRef, Series, histogram_weight, without_metadata};
use super::error::QueryError;
use super::evaluator::{Evaluator, Sink};
use super::range_input::RangeInput;
use super::rows::{SplitOptions, SplitSamples};
use super::steps::Steps;
use crate::ast::Boundary;
use crate::functions::{
    Boundaries, Drops, FloatWindow, HistogramWindow, RangeContext, RangeFunction, Window,
    absent_labels,
};
use crate::plan::{Call, Op, Plan};

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
            let name = samples.labels.metric_name();
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
                let weight = weight_after(&window, i64::MIN);
                largest = largest.max(weight);
                self.counts.add(step, weight);
                if input.reads_at(step) {
                    let seen = to.saturating_sub(steps.interval);
                    let new = if step == 0 {
                        weight
                    } else {
                        weight_after(&window, seen)
                    };
                    self.counts.add_read(step, new);
                }
                at_step.clear();
                at_step.extend(params.iter().filter_map(|values| values.get(step)));
                let context = RangeContext {
                    time,
                    start,
                    end,
                    boundary: input.boundary,
                    params: &at_step,
                    name,
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
            for (step, is_present) in is_present.iter_mut().enumerate() {
                let (start, end) = input.range_at(steps.at(step));
                floats.to(&samples.float_times, start, end);
                histograms.to(&samples.histogram_times, start, end);
                let window = window(&samples, &floats, &histograms);
                let weight = weight_after(&window, i64::MIN);
                *is_present |= weight > 0;
                self.counts.add(step, weight);
                if input.reads_at(step) {
                    let seen = end.saturating_sub(steps.interval);
                    let seen = if step == 0 { i64::MIN } else { seen };
                    self.counts.add_read(step, weight_after(&window, seen));
                }
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

/// What the samples after a time count.
fn weight_after(window: &Window<'_>, time: i64) -> usize {
    let (floats, histograms) = (&window.floats, &window.histograms);
    let first_float = floats.times.partition_point(|t| *t <= time);
    let first_histogram = histograms.times.partition_point(|t| *t <= time);
    let histograms = histograms.values.iter().skip(first_histogram);
    floats.times.len() - first_float + histograms.map(|h| histogram_weight(h)).sum::<usize>()
}

pub(super) fn boundary_name(boundary: Boundary) -> &'static str {
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
