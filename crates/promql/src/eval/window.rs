//! Functions of range vectors: windows that slide over the samples of each series.
//!
//! Samples are split by kind once per series; a window is then a pair of indices per kind that only move
//! forward.

use std::collections::HashSet;
use std::ops::Range;

use diag::Span;
use model::labels::METRIC_NAME;
use model::{Labels, MatchOp, Matcher};

use super::annotations::Note;
use super::blocks::{Block, RowOperator, RowResult, Scratch};
use super::budget::StepCounts;
use super::column::{ABSENT, Column, Series, histogram_weight, without_metadata};
use super::error::QueryError;
use super::evaluator::{Evaluator, Shared, Sink};
use super::range_input::{RangeInput, Rows};
use super::rows::{RowReader, SplitOptions, SplitSamples};
use super::sampled::LabelUse;
use super::steps::Steps;
use crate::ast::Boundary;
use crate::functions::{
    Boundaries, Drops, FloatWindow, FloatWindows, HistogramWindow, RangeContext, RangeFunction,
    Window, absent_labels,
};
use crate::plan::{Call, Op, Plan};

/// A single window may be long; samples that are looked at before somebody may stop the query.
const SAMPLES_BETWEEN_CHECKS: usize = 1 << 18;

/// A function of one range vector and scalars as work on single rows.
pub(super) struct Windowed<'p> {
    function: &'static RangeFunction,
    pub(super) input: RangeInput,
    /// The scalars, by argument and step.
    params: Vec<Vec<f64>>,
    steps: Steps,
    first_arg: Span,
    labels: LabelUse,
    /// The metric name that all rows have, if the query says it.
    metric: Option<&'p str>,
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

/// Finds how many times lie at or before a bound that only goes up. With samples and steps at regular
/// distances it goes as far as the last time, which is tried first.
struct Search<'a> {
    times: &'a [i64],
    at: usize,
    stride: usize,
}

impl<'a> Search<'a> {
    fn new(times: &'a [i64], bound: i64) -> Self {
        Self {
            times,
            at: times.partition_point(|time| *time <= bound),
            stride: 0,
        }
    }

    #[inline]
    fn to(&mut self, bound: i64) -> usize {
        let guess = self.at + self.stride;
        let is_past = |at: usize| self.times.get(at).is_none_or(|time| *time > bound);
        let is_reached = guess == 0 || !is_past(guess - 1);
        if is_reached && is_past(guess) {
            self.at = guess;
            return guess;
        }
        let from = self.at;
        while !is_past(self.at) {
            self.at += 1;
        }
        self.stride = self.at - from;
        self.at
    }
}

impl Evaluator<'_> {
    /// Calls a function of one range vector and scalars.
    pub(crate) fn range_call(
        &mut self,
        call: &Call,
        function: &'static RangeFunction,
        steps: Steps,
        sink: Sink<'_>,
    ) -> Result<(), QueryError> {
        let Some(operator) = self.windowed(call, function, steps, LabelUse::All)? else {
            return Ok(());
        };
        let mut seen: HashSet<Labels> = HashSet::new();
        let is_unique = self.delays_names() || operator.keeps_labels_apart();
        let rows = self.run_rows(&operator, steps, &mut |evaluator, blocks| {
            if !is_unique {
                let rows = blocks.iter().flat_map(|block| &block.rows);
                for row in rows.filter(|row| row.column.is_some()) {
                    if let Some(labels) = &row.labels
                        && !seen.insert(labels.clone())
                    {
                        return Err(QueryError::same_labelset());
                    }
                }
            }
            evaluator.sink_blocks(blocks, sink)
        })?;
        self.measure_rows(None, call.range_arg(), rows);
        self.budget.release(operator.input.weight);
        Ok(())
    }

    /// The call as work on rows; none without steps.
    pub(super) fn windowed<'p>(
        &mut self,
        call: &'p Call,
        function: &'static RangeFunction,
        steps: Steps,
        labels: LabelUse,
    ) -> Result<Option<Windowed<'p>>, QueryError> {
        if steps.count == 0 {
            return Ok(None);
        }
        let (input, params) = self.range_args(call, function, steps)?;
        check_boundary(call.name, function, input.boundary)?;
        let range = call.range_arg().and_then(|arg| match &arg.op {
            Op::Range(range) => Some(range),
            _ => None,
        });
        Ok(Some(Windowed {
            function,
            input,
            params,
            steps,
            first_arg: call.args.first().map_or(Span::default(), |arg| arg.span),
            labels,
            metric: range.and_then(|range| metric_name(&range.selector.matchers)),
        }))
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
        let Some(range_plan) = call.range_arg() else {
            return Err(QueryError::unexpected(
                "no range vector among the arguments",
            ));
        };
        let options = SplitOptions {
            with_starts: function.uses_starts && self.shared.options.start_timestamps.is_on(),
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
        let input = self.range_input(arg, steps, options)?;
        check_boundary(
            call.name,
            &RangeFunction::plain(|_, _, _| Ok(None)),
            input.boundary,
        )?;
        let mut is_present = vec![false; steps.count];
        let mut samples = SplitSamples::default();
        let mut reader = RowReader::default();
        for row in 0..input.len() {
            self.interrupted()?;
            input.load(row, &mut reader, &mut samples)?;
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
}

/// The name that an equality matcher asks for.
pub(super) fn metric_name(matchers: &[Matcher]) -> Option<&str> {
    matchers
        .iter()
        .find(|matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal)
        .map(Matcher::value)
        .filter(|name| !name.is_empty())
}

impl RowOperator for Windowed<'_> {
    fn len(&self) -> usize {
        self.input.len()
    }

    fn evaluate(
        &self,
        shared: &Shared<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        block: &mut Block,
    ) -> Result<(), QueryError> {
        if let Rows::Stored(list) = &self.input.rows {
            let started = shared.timer.map(|timer| timer());
            scratch.reader.load(list.as_ref(), rows.clone())?;
            if let (Some(timer), Some(started)) = (shared.timer, started) {
                block.read_seconds += timer() - started;
            }
        }
        for row in rows {
            shared.interrupted()?;
            self.input
                .load(row, &mut scratch.reader, &mut scratch.samples)?;
            let (column, held) = match self.quick(scratch, block) {
                Some(done) => done,
                None => self.by_window(row, shared, &scratch.samples, block)?,
            };
            if self.function.expects_counter_name && column.as_ref().is_some_and(Column::has_floats)
            {
                self.note_counter_name(row, shared, block);
            }
            let (labels, drop_name) = self.result_labels(row, column.is_some(), shared);
            block.rows.push(RowResult {
                row,
                labels,
                drop_name,
                held,
                column,
            });
        }
        Ok(())
    }
}

impl Windowed<'_> {
    /// Whether rows that differ still do so without their names.
    pub(super) fn keeps_labels_apart(&self) -> bool {
        match &self.input.rows {
            _ if self.function.keeps_name => true,
            Rows::Stored(list) => {
                self.metric.is_some()
                    && !list.may_have_label("__type__")
                    && !list.may_have_label("__unit__")
            }
            Rows::Evaluated { .. } => false,
        }
    }

    /// Whether the metric name goes away.
    pub(super) fn drops_name(&self) -> bool {
        !self.function.keeps_name
    }

    fn result_labels(
        &self,
        row: usize,
        has_column: bool,
        shared: &Shared<'_>,
    ) -> (Option<Labels>, bool) {
        if !has_column || self.labels == LabelUse::None {
            let drops = self.drops_name() || self.input.drops_name(row);
            return (None, drops);
        }
        let (labels, drop_name) = self.input.labels(row);
        let drop_name = self.drops_name() || drop_name;
        if drop_name && !shared.delays_names() {
            (Some(without_metadata(&labels)), drop_name)
        } else {
            (Some(labels), drop_name)
        }
    }

    /// All windows of a series of floats, if there is a quick way; with the size of the largest window.
    fn quick(&self, scratch: &mut Scratch, block: &mut Block) -> Option<(Option<Column>, usize)> {
        let kernel = self.function.floats?;
        let samples = &scratch.samples;
        if self.input.boundary != Boundary::Plain || !samples.is_plain() {
            return None;
        }
        let mut counts = block.counts.like();
        let largest = self.find_windows(&samples.float_times, &mut scratch.windows, &mut counts)?;
        if largest == 0 {
            return Some((None, 0));
        }
        let (_, end) = self.input.range_at(self.steps.start);
        let windows = FloatWindows {
            times: &samples.float_times,
            values: &samples.floats,
            drops: &samples.drops,
            windows: &scratch.windows,
            end,
            interval: if self.input.at.is_some() {
                0
            } else {
                self.steps.interval
            },
            range: self.input.range,
            params: &self.params,
        };
        let mut slots = vec![ABSENT; self.steps.count];
        if !kernel(&windows, &mut slots) {
            return None;
        }
        block.counts.merge(&counts);
        let column = Column::from_marked(slots);
        Some((column.has_floats().then_some(column), largest))
    }

    /// Fills in first and end of the window of every step, and counts the samples in them; gives the size
    /// of the largest. None if there are more samples than positions, or times at the end of what numbers
    /// hold.
    fn find_windows(
        &self,
        times: &[i64],
        windows: &mut Vec<(u32, u32)>,
        counts: &mut StepCounts,
    ) -> Option<usize> {
        u32::try_from(times.len()).ok()?;
        let (mut start, mut end) = self.input.range_at(self.steps.start);
        let interval = match self.input.at {
            Some(_) => 0,
            None => self.steps.interval,
        };
        let distance = interval.checked_mul(i64::try_from(self.steps.count).ok()?)?;
        start.checked_add(distance)?;
        end.checked_add(distance)?;
        let mut search = Search::new(times, end);
        let mut starts = Search::new(times, start);
        // Where the range is so many steps long, a window begins where one some steps before has ended.
        let steps_back = match (interval, self.input.range % interval.max(1)) {
            (1.., 0) => usize::try_from(self.input.range / interval).ok(),
            _ => None,
        };
        windows.clear();
        windows.reserve(self.steps.count);
        let (mut largest, mut all, mut all_read, mut seen) = (0, 0, 0, 0);
        for step in 0..self.steps.count {
            let end_at = search.to(end);
            let before = steps_back.and_then(|back| windows.get(step.checked_sub(back)?));
            let first_at = match before {
                Some((_, end)) => *end as usize,
                None => starts.to(start),
            };
            start += interval;
            end += interval;
            let total = end_at - first_at.min(end_at);
            // What no step before has read.
            let read = if self.input.reads_at(step) {
                end_at.saturating_sub(first_at.max(seen))
            } else {
                0
            };
            seen = end_at;
            largest = largest.max(total);
            if counts.is_by_step() {
                counts.add(step, total);
                counts.add_read(step, read);
            }
            all += total;
            all_read += read;
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            windows.push((first_at as u32, end_at as u32));
        }
        if !counts.is_by_step() {
            counts.add(0, all);
            counts.add_read(0, all_read);
        }
        Some(largest)
    }

    /// Window by window; with the weight of the largest one.
    fn by_window(
        &self,
        row: usize,
        shared: &Shared<'_>,
        samples: &SplitSamples,
        block: &mut Block,
    ) -> Result<(Option<Column>, usize), QueryError> {
        let (labels, _) = self.input.labels(row);
        let name = labels.metric_name();
        let lookback = shared.lookback();
        let mut column: Option<Column> = None;
        let (mut floats, mut histograms) = (Slide::default(), Slide::default());
        let (mut largest, mut since_check) = (0, 0);
        let mut at_step: Vec<f64> = Vec::with_capacity(self.params.len());
        for (step, time) in self.steps.times().enumerate() {
            let (start, end) = self.input.range_at(time);
            let (from, to) = match self.input.boundary {
                Boundary::Plain => (start, end),
                Boundary::Anchored => (start.saturating_sub(lookback), end),
                Boundary::Smoothed => {
                    (start.saturating_sub(lookback), end.saturating_add(lookback))
                }
            };
            floats.to(&samples.float_times, from, to);
            histograms.to(&samples.histogram_times, from, to);
            let window = window(samples, &floats, &histograms);
            let len = window.floats.values.len() + window.histograms.values.len();
            if len == 0 {
                continue;
            }
            since_check += len;
            if since_check > SAMPLES_BETWEEN_CHECKS {
                since_check = 0;
                shared.interrupted()?;
            }
            let weight = weight_after(&window, i64::MIN);
            largest = largest.max(weight);
            block.counts.add(step, weight);
            if self.input.reads_at(step) {
                let seen = to.saturating_sub(self.steps.interval);
                let new = if step == 0 {
                    weight
                } else {
                    weight_after(&window, seen)
                };
                block.counts.add_read(step, new);
            }
            at_step.clear();
            at_step.extend(self.params.iter().filter_map(|values| values.get(step)));
            let context = RangeContext {
                time,
                start,
                end,
                boundary: self.input.boundary,
                params: &at_step,
                name,
                first_arg: self.first_arg,
            };
            if let Some(point) = (self.function.kernel)(&context, &window, &mut block.notes)? {
                column
                    .get_or_insert_with(|| Column::absent(self.steps.count))
                    .set(step, point);
            }
        }
        Ok((column, largest))
    }

    fn note_counter_name(&self, row: usize, shared: &Shared<'_>, block: &mut Block) {
        let by_label = shared.options.type_and_unit_labels.is_on();
        let labels;
        let name = match self.metric {
            Some(name) if !by_label => name,
            _ => {
                labels = self.input.labels(row).0;
                let label = labels.value("__type__");
                let name = labels.metric_name();
                if by_label && !name.is_empty() && label != "counter" && label != "histogram" {
                    let note = Note::PossiblyNotACounterByLabel {
                        name: name.to_owned(),
                        label: label.to_owned(),
                    };
                    block.notes.add(note, self.first_arg);
                }
                name
            }
        };
        let is_counter = ["_total", "_sum", "_count", "_bucket"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
        if !by_label && !name.is_empty() && !is_counter {
            let name = name.to_owned();
            block
                .notes
                .add(Note::PossiblyNotACounter { name }, self.first_arg);
        }
    }
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
