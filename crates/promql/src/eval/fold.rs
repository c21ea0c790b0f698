//! The state of a group while series are added to it: one cell per step.

use model::FloatHistogram;
use model::histogram::{CompensatedHistogram, IncompatibleSchemas, add_compensated};

use super::annotations::{Note, Operation};
use super::column::{Column, PointRef, Series};
use crate::ast::AggregateOp;
use crate::functions::{RunningHistogramMean, RunningMean, SeenHints, math};

/// The state of one group at all steps.
pub(super) enum Fold {
    Sum(Vec<SumCell>),
    Avg(Vec<AvgCell>),
    /// `min` and `max`.
    Extreme {
        op: AggregateOp,
        column: Column,
    },
    /// `count` and `group`.
    Count {
        op: AggregateOp,
        counts: Vec<usize>,
    },
    /// `stddev` and `stdvar`.
    Variance {
        op: AggregateOp,
        cells: Vec<VarianceCell>,
    },
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
pub(super) struct SumCell {
    seen: Seen,
    sum: f64,
    compensation: f64,
    histogram: Option<Box<CompensatedHistogram>>,
}

#[derive(Clone, Default)]
pub(super) struct AvgCell {
    seen: Seen,
    mean: RunningMean,
    histogram: Option<Box<RunningHistogramMean>>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct VarianceCell {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold {
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        match op {
            AggregateOp::Avg => Self::Avg(vec![AvgCell::default(); steps]),
            AggregateOp::Min | AggregateOp::Max => Self::Extreme {
                op,
                column: Column::absent(steps),
            },
            AggregateOp::Count | AggregateOp::Group => Self::Count {
                op,
                counts: vec![0; steps],
            },
            AggregateOp::Stddev | AggregateOp::Stdvar => Self::Variance {
                op,
                cells: vec![VarianceCell::default(); steps],
            },
            _ => Self::Sum(vec![SumCell::default(); steps]),
        }
    }

    pub(super) fn add(&mut self, series: &Series, mut note: impl FnMut(Note)) {
        let column = &series.column;
        let name = series.labels.metric_name();
        match self {
            Self::Sum(cells) => {
                for (step, point) in column.points() {
                    if let Some(cell) = cells.get_mut(step) {
                        cell.add(point, name, &mut note);
                    }
                }
            }
            Self::Avg(cells) => {
                for (step, point) in column.points() {
                    if let Some(cell) = cells.get_mut(step) {
                        cell.add(point, name, &mut note);
                    }
                }
            }
            Self::Extreme {
                op,
                column: extremes,
            } => {
                for (step, point) in column.points() {
                    match point {
                        PointRef::Histogram(_) => {
                            note(Note::IgnoredInAggregation(op.as_str()));
                        }
                        PointRef::Float(value) => {
                            let is_better = match extremes.float(step) {
                                None => true,
                                Some(best) if best.is_nan() => true,
                                Some(best) if *op == AggregateOp::Max => best < value,
                                Some(best) => best > value,
                            };
                            if is_better {
                                extremes.set_float(step, value);
                            }
                        }
                    }
                }
            }
            Self::Count { counts, .. } => {
                for (step, _) in column.points() {
                    if let Some(count) = counts.get_mut(step) {
                        *count += 1;
                    }
                }
            }
            Self::Variance { op, cells } => {
                for (step, point) in column.points() {
                    match (point, cells.get_mut(step)) {
                        (PointRef::Float(value), Some(cell)) => cell.add(value),
                        _ => note(Note::IgnoredInAggregation(op.as_str())),
                    }
                }
            }
        }
    }

    pub(super) fn finish(self, mut note: impl FnMut(Note)) -> Column {
        match self {
            Self::Sum(cells) => {
                let mut column = Column::absent(cells.len());
                for (step, cell) in cells.into_iter().enumerate() {
                    if cell.seen.has_result(&mut note) {
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
            Self::Avg(cells) => {
                let mut column = Column::absent(cells.len());
                for (step, cell) in cells.into_iter().enumerate() {
                    if cell.seen.has_result(&mut note) {
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
            Self::Extreme { column, .. } => column,
            Self::Count { op, counts } => {
                let mut column = Column::absent(counts.len());
                for (step, count) in counts.into_iter().enumerate() {
                    if count > 0 {
                        let is_group = op == AggregateOp::Group;
                        column.set_float(step, if is_group { 1.0 } else { math::count(count) });
                    }
                }
                column
            }
            Self::Variance { op, cells } => {
                let mut column = Column::absent(cells.len());
                for (step, cell) in cells.into_iter().enumerate() {
                    if cell.count > 0.0 {
                        let variance = cell.squares / cell.count;
                        let is_deviation = op == AggregateOp::Stddev;
                        column.set_float(
                            step,
                            if is_deviation {
                                variance.sqrt()
                            } else {
                                variance
                            },
                        );
                    }
                }
                column
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

    fn is_empty(&self) -> bool {
        !self.has_float && !self.has_histogram
    }
}

/// Notes what came of adding a histogram: `Ok(true)` means reconciled bounds.
fn note_added(
    seen: &mut Seen,
    added: Result<bool, IncompatibleSchemas>,
    name: &str,
    note: &mut impl FnMut(Note),
) {
    match added {
        Ok(true) => note(Note::MismatchedCustomBuckets(Operation::Aggregation)),
        Ok(false) => {}
        Err(_) => {
            note(Note::MixedExponentialCustom {
                name: name.to_owned(),
            });
            seen.is_incompatible = true;
        }
    }
}

impl SumCell {
    #[inline]
    fn add(&mut self, point: PointRef<'_>, name: &str, note: &mut impl FnMut(Note)) {
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
    fn add(&mut self, point: PointRef<'_>, name: &str, note: &mut impl FnMut(Note)) {
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
