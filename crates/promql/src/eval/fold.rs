//! The state of a group while series are added to it: one cell per step.

use std::ops::Range;

use model::FloatHistogram;
use model::histogram::{CompensatedHistogram, IncompatibleSchemas, add_compensated};
use model::sample::is_stale;

use super::annotations::{Note, Operation};
use super::column::{ABSENT, Column, PointRef, present};
use crate::ast::AggregateOp;
use crate::functions::{RunningHistogramMean, RunningMean, SeenHints};

/// The state of one group. Only the stretch of steps at which something came takes memory.
pub(super) struct Fold {
    state: State,
    /// The step that the vectors of the state begin at.
    first: usize,
}

/// As long as only floats come in, `sum` and `avg` hold plain columns of numbers; with the first histogram
/// they change to cells that know both kinds.
enum State {
    Sum(Sums),
    SumCells(Vec<SumCell>),
    /// A mean without values stands for a step without points.
    Avg(Vec<RunningMean>),
    AvgCells(Vec<AvgCell>),
    /// `min` and `max`.
    Extreme {
        op: AggregateOp,
        /// [`ABSENT`] where nothing came yet.
        best: Vec<f64>,
    },
    /// `count` and `group`.
    Count {
        op: AggregateOp,
        counts: Vec<u32>,
    },
    /// `stddev` and `stdvar`.
    Variance {
        op: AggregateOp,
        cells: Vec<VarianceCell>,
    },
}

/// Compensated sums of floats.
struct Sums {
    /// [`ABSENT`] where nothing came yet.
    sums: Vec<f64>,
    lost: Vec<f64>,
}

/// What `sum` and `avg` know about the kinds of samples that came in.
#[derive(Clone, Copy, Default)]
struct Seen {
    has_float: bool,
    has_histogram: bool,
    /// Exponential and custom buckets met: there is no result, and what follows is not looked at.
    is_incompatible: bool,
    hints: SeenHints,
}

#[derive(Clone, Default)]
struct SumCell {
    seen: Seen,
    sum: f64,
    compensation: f64,
    histogram: Option<Box<CompensatedHistogram>>,
}

#[derive(Clone, Default)]
struct AvgCell {
    seen: Seen,
    mean: RunningMean,
    histogram: Option<Box<RunningHistogramMean>>,
}

#[derive(Clone, Copy, Default)]
struct VarianceCell {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold {
    pub(super) fn new(op: AggregateOp) -> Self {
        let state = match op {
            AggregateOp::Avg => State::Avg(Vec::new()),
            AggregateOp::Min | AggregateOp::Max => State::Extreme {
                op,
                best: Vec::new(),
            },
            AggregateOp::Count | AggregateOp::Group => State::Count {
                op,
                counts: Vec::new(),
            },
            AggregateOp::Stddev | AggregateOp::Stdvar => State::Variance {
                op,
                cells: Vec::new(),
            },
            _ => State::Sum(Sums {
                sums: Vec::new(),
                lost: Vec::new(),
            }),
        };
        Self { state, first: 0 }
    }

    /// Adds the points that a series has at some of the steps. `name` gives the metric name, for notes.
    pub(super) fn add(
        &mut self,
        column: &Column,
        steps: &Range<usize>,
        name: &dyn Fn() -> String,
        note: &mut impl FnMut(Note),
    ) {
        let stretch = column.stretch();
        let (start, end) = (stretch.start.max(steps.start), stretch.end.min(steps.end));
        if start >= end {
            return;
        }
        self.cover(start, end);
        let at = start - self.first;
        if column.has_histograms() || self.state.is_of_cells() {
            let points = (start..end).filter_map(|step| Some((step - start, column.get(step)?)));
            self.state.add_points(points, at, name, note);
        } else {
            let slots = column
                .slots()
                .get(start - stretch.start..end - stretch.start);
            self.state.add_floats(slots.unwrap_or(&[]), at);
        }
    }

    /// Makes the vectors reach over these steps.
    fn cover(&mut self, start: usize, end: usize) {
        let len = self.state.len();
        if len == 0 {
            self.first = start;
        }
        let front = self.first.saturating_sub(start);
        let back = end.saturating_sub(self.first + len);
        if front > 0 || back > 0 {
            self.state.grow(front, back);
            self.first -= front;
        }
    }

    /// The result at all steps of the evaluation.
    pub(super) fn finish(self, len: usize, note: &mut impl FnMut(Note)) -> Column {
        self.state.finish(len, self.first, note)
    }
}

fn grow<T: Clone>(vector: &mut Vec<T>, front: usize, back: usize, empty: T) {
    if front > 0 {
        vector.splice(..0, std::iter::repeat_n(empty.clone(), front));
    }
    vector.resize(vector.len() + back, empty);
}

impl State {
    fn len(&self) -> usize {
        match self {
            Self::Sum(sums) => sums.sums.len(),
            Self::SumCells(cells) => cells.len(),
            Self::Avg(means) => means.len(),
            Self::AvgCells(cells) => cells.len(),
            Self::Extreme { best, .. } => best.len(),
            Self::Count { counts, .. } => counts.len(),
            Self::Variance { cells, .. } => cells.len(),
        }
    }

    fn grow(&mut self, front: usize, back: usize) {
        match self {
            Self::Sum(Sums { sums, lost }) => {
                grow(sums, front, back, ABSENT);
                grow(lost, front, back, 0.0);
            }
            Self::SumCells(cells) => grow(cells, front, back, SumCell::default()),
            Self::Avg(means) => grow(means, front, back, RunningMean::default()),
            Self::AvgCells(cells) => grow(cells, front, back, AvgCell::default()),
            Self::Extreme { best, .. } => grow(best, front, back, ABSENT),
            Self::Count { counts, .. } => grow(counts, front, back, 0),
            Self::Variance { cells, .. } => grow(cells, front, back, VarianceCell::default()),
        }
    }

    fn is_of_cells(&self) -> bool {
        matches!(self, Self::SumCells(_) | Self::AvgCells(_))
    }

    /// Adds floats to the places from `first` on.
    fn add_floats(&mut self, slots: &[f64], first: usize) {
        match self {
            Self::Sum(Sums { sums, lost }) => {
                let cells = sums.iter_mut().zip(lost).skip(first);
                for ((sum, lost), value) in cells.zip(slots) {
                    if is_stale(*value) {
                        continue;
                    }
                    if is_stale(*sum) {
                        *sum = *value;
                    } else {
                        add_compensated(*value, sum, lost);
                    }
                }
            }
            Self::Avg(means) => {
                for (mean, value) in means.iter_mut().skip(first).zip(slots) {
                    if !is_stale(*value) {
                        mean.add(*value);
                    }
                }
            }
            Self::Extreme { op, best } => {
                let is_max = *op == AggregateOp::Max;
                for (best, value) in best.iter_mut().skip(first).zip(slots) {
                    let is_better = if is_max {
                        *best < *value
                    } else {
                        *best > *value
                    };
                    // Nothing yet is a NaN too.
                    if !is_stale(*value) && (is_better || best.is_nan()) {
                        *best = *value;
                    }
                }
            }
            Self::Count { counts, .. } => {
                for (count, value) in counts.iter_mut().skip(first).zip(slots) {
                    *count = count.saturating_add(u32::from(!is_stale(*value)));
                }
            }
            Self::Variance { cells, .. } => {
                for (cell, value) in cells.iter_mut().skip(first).zip(slots) {
                    if !is_stale(*value) {
                        cell.add(*value);
                    }
                }
            }
            // Cells take points.
            Self::SumCells(_) | Self::AvgCells(_) => {}
        }
    }

    /// Adds points of both kinds; their steps count from `first` on.
    fn add_points<'c>(
        &mut self,
        points: impl Iterator<Item = (usize, PointRef<'c>)>,
        first: usize,
        name: &dyn Fn() -> String,
        note: &mut impl FnMut(Note),
    ) {
        self.take_histograms();
        for (at, point) in points {
            let at = first + at;
            match self {
                Self::SumCells(cells) => {
                    if let Some(cell) = cells.get_mut(at) {
                        cell.add(point, name, note);
                    }
                }
                Self::AvgCells(cells) => {
                    if let Some(cell) = cells.get_mut(at) {
                        cell.add(point, name, note);
                    }
                }
                Self::Count { counts, .. } => {
                    if let Some(count) = counts.get_mut(at) {
                        *count = count.saturating_add(1);
                    }
                }
                Self::Extreme { op, .. } | Self::Variance { op, .. } => match point {
                    PointRef::Float(value) => self.add_floats(&[value], at),
                    PointRef::Histogram(_) => note(Note::IgnoredInAggregation(op.as_str())),
                },
                // Changed to cells above.
                Self::Sum(_) | Self::Avg(_) => {}
            }
        }
    }

    /// Makes room for histograms in `sum` and `avg`.
    fn take_histograms(&mut self) {
        match self {
            Self::Sum(Sums { sums, lost }) => {
                let cells = sums.iter().zip(lost).map(|(sum, lost)| SumCell {
                    seen: Seen::floats(!is_stale(*sum)),
                    sum: *sum,
                    compensation: *lost,
                    histogram: None,
                });
                *self = Self::SumCells(cells.collect());
            }
            Self::Avg(means) => {
                let cells = means.iter().map(|mean| AvgCell {
                    seen: Seen::floats(!mean.is_empty()),
                    mean: *mean,
                    histogram: None,
                });
                *self = Self::AvgCells(cells.collect());
            }
            _ => {}
        }
    }

    fn finish(self, len: usize, first: usize, note: &mut impl FnMut(Note)) -> Column {
        let column = |slots: Vec<f64>| Column::from_stretch(len, first, slots);
        match self {
            Self::Sum(Sums { sums, lost }) => {
                let total = |(sum, lost): (f64, f64)| {
                    if is_stale(sum) {
                        ABSENT
                    } else {
                        present(sum + lost)
                    }
                };
                column(sums.into_iter().zip(lost).map(total).collect())
            }
            Self::Avg(means) => {
                let mean = |mean: RunningMean| {
                    if mean.is_empty() {
                        ABSENT
                    } else {
                        present(mean.finish())
                    }
                };
                column(means.into_iter().map(mean).collect())
            }
            Self::SumCells(cells) => {
                let mut column = Column::absent(len);
                for (step, cell) in (first..).zip(cells) {
                    if cell.seen.has_result(note) {
                        match cell.histogram {
                            Some(total) => {
                                let mut histogram = total.finish();
                                histogram.compact();
                                column.set_histogram(step, histogram.into());
                            }
                            None => column.set_float(step, cell.sum + cell.compensation),
                        }
                    }
                }
                column
            }
            Self::AvgCells(cells) => {
                let mut column = Column::absent(len);
                for (step, cell) in (first..).zip(cells) {
                    if cell.seen.has_result(note) {
                        match cell.histogram {
                            Some(mean) => {
                                let mut histogram = mean.finish();
                                histogram.compact();
                                column.set_histogram(step, histogram.into());
                            }
                            None => column.set_float(step, cell.mean.finish()),
                        }
                    }
                }
                column
            }
            Self::Extreme { best, .. } => column(best),
            Self::Count { op, counts } => {
                let value = |count: u32| match count {
                    0 => ABSENT,
                    _ if op == AggregateOp::Group => 1.0,
                    count => f64::from(count),
                };
                column(counts.into_iter().map(value).collect())
            }
            Self::Variance { op, cells } => {
                let value = |cell: VarianceCell| {
                    if cell.count == 0.0 {
                        return ABSENT;
                    }
                    let variance = cell.squares / cell.count;
                    present(if op == AggregateOp::Stddev {
                        variance.sqrt()
                    } else {
                        variance
                    })
                };
                column(cells.into_iter().map(value).collect())
            }
        }
    }
}

impl Seen {
    /// Whether there is something to show; says why not, and what is doubtful.
    fn has_result(self, note: &mut impl FnMut(Note)) -> bool {
        if self.has_float && self.has_histogram {
            note(Note::MixedFloatsHistogramsInAggregation);
            return false;
        }
        if self.is_incompatible || !(self.has_float || self.has_histogram) {
            return false;
        }
        if self.hints.collide() {
            note(Note::ResetCollision(Operation::Aggregation));
        }
        true
    }

    fn floats(has_float: bool) -> Self {
        Self {
            has_float,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        !self.has_float && !self.has_histogram
    }
}

/// Notes what came of adding a histogram: `Ok(true)` means reconciled bounds.
fn note_added(
    seen: &mut Seen,
    added: Result<bool, IncompatibleSchemas>,
    name: &dyn Fn() -> String,
    note: &mut impl FnMut(Note),
) {
    match added {
        Ok(true) => note(Note::MismatchedCustomBuckets(Operation::Aggregation)),
        Ok(false) => {}
        Err(_) => {
            note(Note::MixedExponentialCustom { name: name() });
            seen.is_incompatible = true;
        }
    }
}

impl SumCell {
    #[inline]
    fn add(&mut self, point: PointRef<'_>, name: &dyn Fn() -> String, note: &mut impl FnMut(Note)) {
        if self.seen.is_incompatible {
            return;
        }
        match point {
            PointRef::Float(value) => {
                if self.seen.is_empty() {
                    self.sum = value;
                } else {
                    add_compensated(value, &mut self.sum, &mut self.compensation);
                }
                self.seen.has_float = true;
            }
            PointRef::Histogram(histogram) => {
                let is_first = self.seen.is_empty();
                self.seen.has_histogram = true;
                if is_first {
                    self.seen.hints.add(histogram);
                    let first = FloatHistogram::clone(histogram);
                    self.histogram = Some(Box::new(CompensatedHistogram::new(first)));
                } else if let Some(total) = &mut self.histogram {
                    self.seen.hints.add(histogram);
                    let added = total.add(histogram).map(|c| c.has_reconciled_bounds);
                    note_added(&mut self.seen, added, name, note);
                }
            }
        }
    }
}

impl AvgCell {
    #[inline]
    fn add(&mut self, point: PointRef<'_>, name: &dyn Fn() -> String, note: &mut impl FnMut(Note)) {
        if self.seen.is_incompatible {
            return;
        }
        match point {
            PointRef::Float(value) => {
                self.seen.has_float = true;
                self.mean.add(value);
            }
            PointRef::Histogram(histogram) => {
                let is_first = self.seen.is_empty();
                self.seen.has_histogram = true;
                if is_first {
                    self.seen.hints.add(histogram);
                    let first = FloatHistogram::clone(histogram);
                    self.histogram = Some(Box::new(RunningHistogramMean::new(first)));
                } else if let Some(mean) = &mut self.histogram {
                    self.seen.hints.add(histogram);
                    let added = mean.add(histogram);
                    note_added(&mut self.seen, added, name, note);
                }
            }
        }
    }
}

impl VarianceCell {
    /// Welford's algorithm.
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = value;
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}
