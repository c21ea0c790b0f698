//! Binary operators with a scalar on one side at least, and the dispatch of all binary operators.

use super::column::{Column, PointRef, Series, Value};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::operators::{
    LastNotes, Outcome, arithmetic, between_points, between_scalars, changes_meaning,
};
use super::steps::Steps;
use crate::ast::{BinaryOp, ValueType};
use crate::plan::{Binary, Op, Plan};

/// Which side of the operator the scalar is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScalarSide {
    Left,
    Right,
}

impl Evaluator<'_> {
    /// Chains such as `a + b + c + …` lean to the left and may be long, so that side is walked, not recursed
    /// into.
    pub(crate) fn binary(
        &mut self,
        binary: &Binary,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        let mut chain = vec![(binary, plan)];
        let mut leftmost = &binary.lhs;
        while let Op::Binary(inner) = &leftmost.op {
            chain.push((&**inner, leftmost));
            leftmost = &inner.lhs;
        }
        let mut value = self.evaluate(leftmost, steps)?;
        for (binary, plan) in chain.into_iter().rev() {
            let rhs = self.evaluate(&binary.rhs, steps)?;
            value = self.operate(binary, (value, rhs), plan, steps)?;
        }
        Ok(value)
    }

    fn operate(
        &mut self,
        binary: &Binary,
        (lhs, rhs): (Value, Value),
        plan: &Plan,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        let released = lhs.weight() + rhs.weight();
        let value = match (lhs, rhs) {
            (Value::Scalar(lhs), Value::Scalar(rhs)) => Value::Scalar(
                lhs.iter()
                    .zip(&rhs)
                    .map(|(lhs, rhs)| between_scalars(binary.op, *lhs, *rhs))
                    .collect(),
            ),
            (Value::Vector(vector), Value::Scalar(scalar)) => Value::Vector(self.with_scalar(
                binary,
                (vector, &scalar),
                ScalarSide::Right,
                plan,
                steps,
            )?),
            (Value::Scalar(scalar), Value::Vector(vector)) => Value::Vector(self.with_scalar(
                binary,
                (vector, &scalar),
                ScalarSide::Left,
                plan,
                steps,
            )?),
            (Value::Vector(lhs), Value::Vector(rhs)) => {
                debug_assert!(plan.value_type == ValueType::Vector);
                Value::Vector(self.between_vectors(binary, (lhs, rhs), plan, steps)?)
            }
            _ => return Err(QueryError::unexpected("operator on a string")),
        };
        self.budget.charge(value.weight())?;
        self.budget.release(released);
        Ok(value)
    }

    fn with_scalar(
        &mut self,
        binary: &Binary,
        (vector, scalar): (Vec<Series>, &[f64]),
        side: ScalarSide,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let op = binary.op;
        let mut results = Vec::with_capacity(vector.len());
        let mut notes = LastNotes::default();
        for (order, mut series) in vector.into_iter().enumerate() {
            let is_fast = !series.column.has_histograms() && arithmetic(op, 0.0, 0.0).is_some();
            if is_fast {
                series.column.map_floats(|step, value| {
                    let other = scalar.get(step).copied().unwrap_or(f64::NAN);
                    let (lhs, rhs) = match side {
                        ScalarSide::Left => (other, value),
                        ScalarSide::Right => (value, other),
                    };
                    arithmetic(op, lhs, rhs).unwrap_or(f64::NAN)
                });
            } else {
                let mut column = Column::absent(steps.count);
                for step in 0..steps.count {
                    let (Some(point), Some(other)) = (series.column.get(step), scalar.get(step))
                    else {
                        continue;
                    };
                    let other = PointRef::Float(*other);
                    let outcome = match side {
                        ScalarSide::Left => between_points(op, other, point),
                        ScalarSide::Right => between_points(op, point, other),
                    };
                    let (result, keep) = match outcome {
                        Outcome::Refused(note) => {
                            notes.set(step, order, note);
                            continue;
                        }
                        Outcome::Value { point, keep, .. } => (point, keep),
                    };
                    if binary.returns_bool {
                        column.set_float(step, if keep { 1.0 } else { 0.0 });
                    } else if keep {
                        // A filter shows the value of the vector, on whichever side it is.
                        if op.is_comparison() {
                            column.set(step, point.to_owned());
                        } else {
                            column.set(step, result);
                        }
                    }
                }
                series.column = column;
            }
            if series.column.is_absent() {
                continue;
            }
            if changes_meaning(op) || binary.returns_bool {
                self.drop_name(&mut series);
            }
            results.push(series);
        }
        notes.add_to(&mut self.notes, plan.span);
        self.joined(results, steps)
    }

    fn between_vectors(
        &mut self,
        binary: &Binary,
        sides: (Vec<Series>, Vec<Series>),
        plan: &Plan,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let Some(matching) = &binary.matching else {
            return Err(QueryError::unexpected("operator without matching"));
        };
        let results = match binary.op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                super::matching::set_operation(binary.op, matching, sides, steps)
            }
            _ => self.matched(binary, matching, sides, plan.span, steps)?,
        };
        self.joined(results, steps)
    }
}
