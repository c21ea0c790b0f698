//! What binary operators do to two points.

use std::sync::Arc;

use diag::Span;
use model::FloatHistogram;
use model::histogram::{CounterResetHint, IncompatibleSchemas};

use super::annotations::{Note, Operation};
use super::column::{Point, PointRef};
use crate::ast::BinaryOp;

/// The result for two points.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The value, and whether a comparison lets it through. The note is about the operation.
    Value {
        point: Point,
        keep: bool,
        note: Option<Note>,
    },
    /// No result, with the reason.
    Refused(Note),
}

fn truth(is_true: bool) -> f64 {
    if is_true { 1.0 } else { 0.0 }
}

/// Between scalars: comparisons give 0 or 1.
pub(crate) fn between_scalars(op: BinaryOp, lhs: f64, rhs: f64) -> f64 {
    match compare(op, lhs, rhs) {
        Some(is_true) => truth(is_true),
        None => arithmetic(op, lhs, rhs).unwrap_or(f64::NAN),
    }
}

/// None if `op` is no arithmetic operator.
#[inline]
pub(crate) fn arithmetic(op: BinaryOp, lhs: f64, rhs: f64) -> Option<f64> {
    Some(match op {
        BinaryOp::Add => lhs + rhs,
        BinaryOp::Sub => lhs - rhs,
        BinaryOp::Mul => lhs * rhs,
        BinaryOp::Div => lhs / rhs,
        BinaryOp::Mod => lhs % rhs,
        BinaryOp::Pow => lhs.powf(rhs),
        BinaryOp::Atan2 => lhs.atan2(rhs),
        _ => return None,
    })
}

/// None if `op` is no comparison.
#[inline]
pub(crate) fn compare(op: BinaryOp, lhs: f64, rhs: f64) -> Option<bool> {
    Some(match op {
        BinaryOp::Equal => lhs == rhs,
        BinaryOp::NotEqual => lhs != rhs,
        BinaryOp::Less => lhs < rhs,
        BinaryOp::LessOrEqual => lhs <= rhs,
        BinaryOp::Greater => lhs > rhs,
        BinaryOp::GreaterOrEqual => lhs >= rhs,
        _ => return None,
    })
}

/// Whether the result no longer is what the name of the metric says.
pub(crate) fn changes_meaning(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::Atan2
    )
}

/// Between two points of vectors; a scalar operand counts as a float point.
pub(crate) fn between_points(op: BinaryOp, lhs: PointRef<'_>, rhs: PointRef<'_>) -> Outcome {
    match (lhs, rhs) {
        (PointRef::Float(lhs), PointRef::Float(rhs)) => {
            if let Some(value) = arithmetic(op, lhs, rhs) {
                plain(Point::Float(value))
            } else if let Some(keep) = compare(op, lhs, rhs) {
                Outcome::Value {
                    point: Point::Float(lhs),
                    keep,
                    note: None,
                }
            } else {
                incompatible("float", op, "float")
            }
        }
        (PointRef::Float(lhs), PointRef::Histogram(rhs)) => match op {
            BinaryOp::Mul => plain(changed(rhs, |h| h.scale(lhs))),
            _ => incompatible("float", op, "histogram"),
        },
        (PointRef::Histogram(lhs), PointRef::Float(rhs)) => match op {
            BinaryOp::Mul => plain(changed(lhs, |h| h.scale(rhs))),
            BinaryOp::Div => plain(changed(lhs, |h| h.divide(rhs))),
            BinaryOp::TrimUpper => plain(trimmed(lhs, |h| h.trim_above(rhs))),
            BinaryOp::TrimLower => plain(trimmed(lhs, |h| h.trim_below(rhs))),
            _ => incompatible("histogram", op, "float"),
        },
        (PointRef::Histogram(lhs), PointRef::Histogram(rhs)) => match op {
            BinaryOp::Add => combined(op, lhs, rhs),
            BinaryOp::Sub => combined(op, lhs, rhs),
            BinaryOp::Equal | BinaryOp::NotEqual => Outcome::Value {
                point: Point::Histogram(Arc::clone(lhs)),
                keep: lhs.same_bits(rhs) == (op == BinaryOp::Equal),
                note: None,
            },
            _ => incompatible("histogram", op, "histogram"),
        },
    }
}

fn plain(point: Point) -> Outcome {
    Outcome::Value {
        point,
        keep: true,
        note: None,
    }
}

fn incompatible(lhs: &'static str, op: BinaryOp, rhs: &'static str) -> Outcome {
    Outcome::Refused(Note::IncompatibleTypes {
        lhs,
        op: op.as_str(),
        rhs,
    })
}

fn changed(histogram: &FloatHistogram, change: impl FnOnce(&mut FloatHistogram)) -> Point {
    let mut result = histogram.clone();
    change(&mut result);
    result.compact();
    Point::from(result)
}

fn trimmed(histogram: &FloatHistogram, trim: impl FnOnce(&mut FloatHistogram)) -> Point {
    let mut result = histogram.clone();
    trim(&mut result);
    Point::from(result)
}

fn combined(op: BinaryOp, lhs: &FloatHistogram, rhs: &FloatHistogram) -> Outcome {
    let mut result = lhs.clone();
    let (combined, operation) = if op == BinaryOp::Sub {
        (result.subtract(rhs), Operation::Subtraction)
    } else {
        (result.add(rhs), Operation::Addition)
    };
    let combined = match combined {
        Ok(combined) => combined,
        Err(IncompatibleSchemas) => {
            return Outcome::Refused(Note::IncompatibleBucketLayout { op: op.as_str() });
        }
    };
    if op == BinaryOp::Sub {
        result.counter_reset_hint = CounterResetHint::Gauge;
    }
    result.compact();
    let note = if combined.has_reset_collision {
        Some(Note::ResetCollision(operation))
    } else if combined.has_reconciled_bounds {
        Some(Note::MismatchedCustomBuckets(operation))
    } else {
        None
    };
    Outcome::Value {
        point: Point::from(result),
        keep: true,
        note,
    }
}

/// Notes of a vector operation: of those at one step, only the last one is kept, as in Prometheus.
#[derive(Default)]
pub(crate) struct LastNotes {
    by_step: Vec<Option<(usize, Note)>>,
}

impl LastNotes {
    /// `order` is the place of the operand within the step.
    pub(crate) fn set(&mut self, step: usize, order: usize, note: Note) {
        if self.by_step.len() <= step {
            self.by_step.resize(step + 1, None);
        }
        if let Some(slot) = self.by_step.get_mut(step)
            && slot.as_ref().is_none_or(|(known, _)| *known <= order)
        {
            *slot = Some((order, note));
        }
    }

    pub(crate) fn add_to(self, notes: &mut super::annotations::Annotations, span: Span) {
        for (_, note) in self.by_step.into_iter().flatten() {
            notes.add(note, span);
        }
    }
}
