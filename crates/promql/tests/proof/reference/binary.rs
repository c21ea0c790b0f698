//! Binary operators on values; which elements meet is in `matching`.

use model::histogram::CounterResetHint;
use promql::ast::{Binary, BinaryOp};

use super::eval::Reference;
use super::steps::Steps;
use super::value::{Element, Failure, Outcome, Point, Value, at, without_metadata};

/// The result of two elements that fit: the value, and whether a comparison lets it pass.
pub(crate) struct Combined {
    pub(crate) point: Point,
    pub(crate) passes: bool,
}

impl Reference<'_> {
    pub(crate) fn binary(
        &self,
        binary: &Binary,
        lhs: Value,
        rhs: Value,
        steps: Steps,
    ) -> Outcome<Value> {
        match (lhs, rhs) {
            (Value::Scalar(lhs), Value::Scalar(rhs)) => {
                let value = |time: i64| (time, scalars(binary.op, lhs[&time], rhs[&time]));
                Ok(Value::Scalar(
                    steps.times().into_iter().map(value).collect(),
                ))
            }
            (Value::Vector(lhs), Value::Scalar(rhs)) => {
                let series = self.per_step(steps, |time| {
                    Ok(with_scalar(binary, at(&lhs, time), rhs[&time], Side::Right))
                })?;
                Ok(Value::Vector(series))
            }
            (Value::Scalar(lhs), Value::Vector(rhs)) => {
                let series = self.per_step(steps, |time| {
                    Ok(with_scalar(binary, at(&rhs, time), lhs[&time], Side::Left))
                })?;
                Ok(Value::Vector(series))
            }
            (Value::Vector(lhs), Value::Vector(rhs)) => {
                let mut series = self.per_step(steps, |time| {
                    super::matching::matched(binary, at(&lhs, time), at(&rhs, time))
                })?;
                self.order(&mut series);
                Ok(Value::Vector(series))
            }
            (lhs, rhs) => Err(Failure::new(format!("no operands: {lhs:?}, {rhs:?}"))),
        }
    }
}

fn compares(op: BinaryOp, lhs: f64, rhs: f64) -> Option<bool> {
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

fn calculates(op: BinaryOp, lhs: f64, rhs: f64) -> Option<f64> {
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

fn scalars(op: BinaryOp, lhs: f64, rhs: f64) -> f64 {
    match (calculates(op, lhs, rhs), compares(op, lhs, rhs)) {
        (Some(value), _) => value,
        (_, Some(true)) => 1.0,
        _ => 0.0,
    }
}

/// Operators after which a value means something else, so that the metric name goes away.
pub(crate) fn changes_meaning(op: BinaryOp) -> bool {
    calculates(op, 1.0, 1.0).is_some()
}

/// None if the operator does not fit the types of its operands.
pub(crate) fn combine(op: BinaryOp, lhs: &Point, rhs: &Point) -> Option<Combined> {
    let value = |point: Point| {
        Some(Combined {
            point,
            passes: true,
        })
    };
    match (lhs, rhs) {
        (Point::Float(lhs), Point::Float(rhs)) => {
            if let Some(result) = calculates(op, *lhs, *rhs) {
                return value(Point::Float(result));
            }
            let passes = compares(op, *lhs, *rhs)?;
            Some(Combined {
                point: Point::Float(*lhs),
                passes,
            })
        }
        (Point::Float(factor), Point::Histogram(histogram))
        | (Point::Histogram(histogram), Point::Float(factor))
            if op == BinaryOp::Mul =>
        {
            let mut result = (**histogram).clone();
            result.scale(*factor);
            result.compact();
            value(Point::histogram(result))
        }
        (Point::Float(_), Point::Histogram(_)) => None,
        (Point::Histogram(histogram), Point::Float(operand)) => {
            let mut result = (**histogram).clone();
            match op {
                BinaryOp::Div => {
                    result.divide(*operand);
                    result.compact();
                }
                BinaryOp::TrimUpper => result.trim_above(*operand),
                BinaryOp::TrimLower => result.trim_below(*operand),
                _ => return None,
            }
            value(Point::histogram(result))
        }
        (Point::Histogram(lhs), Point::Histogram(rhs)) => {
            let mut result = (**lhs).clone();
            let combined = match op {
                BinaryOp::Add => result.add(rhs).ok()?,
                BinaryOp::Sub => {
                    let combined = result.subtract(rhs).ok()?;
                    result.counter_reset_hint = CounterResetHint::Gauge;
                    combined
                }
                BinaryOp::Equal | BinaryOp::NotEqual => {
                    let passes = lhs.same_bits(rhs) == (op == BinaryOp::Equal);
                    return Some(Combined {
                        point: Point::histogram(result),
                        passes,
                    });
                }
                _ => return None,
            };
            // Prometheus drops what it warns about here: one counter was reset, the other was not.
            if combined.has_reset_collision {
                return None;
            }
            result.compact();
            value(Point::histogram(result))
        }
    }
}

/// On which side the scalar stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn with_scalar(binary: &Binary, elements: Vec<Element>, scalar: f64, side: Side) -> Vec<Element> {
    let scalar = Point::Float(scalar);
    let apply = |(labels, point): Element| -> Option<Element> {
        let combined = match side {
            Side::Left => combine(binary.op, &scalar, &point)?,
            Side::Right => combine(binary.op, &point, &scalar)?,
        };
        let drops_name = changes_meaning(binary.op) || binary.returns_bool;
        let labels = if drops_name {
            without_metadata(&labels)
        } else {
            labels
        };
        if binary.returns_bool {
            return Some((labels, truth(combined.passes)));
        }
        // A comparison shows the element, on whichever side it stands.
        let result = if binary.op.is_comparison() {
            point
        } else {
            combined.point
        };
        combined.passes.then_some((labels, result))
    };
    elements.into_iter().filter_map(apply).collect()
}

pub(crate) fn truth(passes: bool) -> Point {
    Point::Float(if passes { 1.0 } else { 0.0 })
}
