//! One node of the tree after the other.

use std::collections::{BTreeMap, HashMap};

use model::Labels;
use promql::ast::{Aggregate, AggregateOp, BinaryOp, Expr, Sign, ValueType};

use super::steps::Steps;
use super::value::{Element, Failure, Outcome, Point, Series, Stored, Value, without_metadata};
use super::{Times, invariant};

/// In which order series stand where the language promises none: in range queries after every operator,
/// in instant queries after those that collect by label sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they come up.
    Natural,
    Reversed,
    ByLabels,
    /// By a hash of their labels with this number.
    Shuffled(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) lookback: i64,
    pub(crate) subquery_step_default: i64,
    pub(crate) uses_starts: bool,
    pub(crate) order: Order,
}

/// What the operators around a selector need of native histograms. Functions of count and sum let
/// Prometheus leave out the buckets, unless something on the way to the root needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buckets {
    Unknown,
    StatsOnly,
    All,
}

pub(crate) struct Reference<'a> {
    pub(crate) data: &'a [Stored],
    pub(crate) settings: Settings,
    /// Of the whole query: what `start()`, `end()`, `step()` and `range()` stand for.
    pub(crate) query: Times,
}

impl Reference<'_> {
    pub(crate) fn eval(&self, expr: &Expr, steps: Steps, buckets: Buckets) -> Outcome<Value> {
        if steps.is_empty() {
            return Ok(match expr.value_type() {
                ValueType::Scalar => Value::Scalar(BTreeMap::new()),
                _ => Value::Vector(Vec::new()),
            });
        }
        match expr {
            Expr::Number(number) => Ok(constant(number.value, steps)),
            Expr::String(literal) => Ok(Value::Text(literal.value.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, steps, buckets),
            Expr::Unary(unary) => {
                let value = self.eval(&unary.expr, steps, buckets)?;
                match unary.sign {
                    Sign::Plus => Ok(value),
                    Sign::Minus => negated(value),
                }
            }
            Expr::Vector(selector) => {
                Ok(Value::Vector(self.instant_vector(selector, steps, buckets)))
            }
            Expr::Matrix(_) | Expr::Subquery(_) => {
                Err(Failure::new("a range vector has no value at one time"))
            }
            Expr::Aggregate(aggregate) => {
                // What has the same input at every step is evaluated once, at the first step; the
                // parameter does not count there.
                if invariant::is_invariant(expr) && !steps.is_single() {
                    let once = self.aggregate(aggregate, steps.first_only(), buckets)?;
                    return Ok(Value::Vector(repeated(once, steps)));
                }
                Ok(Value::Vector(self.aggregate(aggregate, steps, buckets)?))
            }
            Expr::Binary(binary) => {
                let below = match binary.op {
                    BinaryOp::TrimUpper | BinaryOp::TrimLower => Buckets::All,
                    _ => buckets,
                };
                let lhs = self.eval(&binary.lhs, steps, below)?;
                let rhs = self.eval(&binary.rhs, steps, below)?;
                self.binary(binary, lhs, rhs, steps)
            }
            Expr::Call(call) => self.call(call, steps, buckets),
        }
    }

    pub(crate) fn vector(
        &self,
        expr: &Expr,
        steps: Steps,
        buckets: Buckets,
    ) -> Outcome<Vec<Series>> {
        match self.eval(expr, steps, buckets)? {
            Value::Vector(series) => Ok(series),
            other => Err(Failure::new(format!("not an instant vector: {other:?}"))),
        }
    }

    pub(crate) fn scalar(
        &self,
        expr: &Expr,
        steps: Steps,
        buckets: Buckets,
    ) -> Outcome<BTreeMap<i64, f64>> {
        match self.eval(expr, steps, buckets)? {
            Value::Scalar(values) => Ok(values),
            other => Err(Failure::new(format!("not a scalar: {other:?}"))),
        }
    }

    fn aggregate(
        &self,
        aggregate: &Aggregate,
        steps: Steps,
        buckets: Buckets,
    ) -> Outcome<Vec<Series>> {
        if aggregate.op == AggregateOp::CountValues {
            let input = self.vector(&aggregate.expr, steps, buckets)?;
            return self.count_values(aggregate, &input, steps);
        }
        let params = match &aggregate.param {
            Some(param) => self.scalar(param, steps, buckets)?,
            None => BTreeMap::new(),
        };
        let input = self.vector(&aggregate.expr, steps, buckets)?;
        match aggregate.op {
            AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => self.choose(aggregate, &params, &input, steps),
            _ => Ok(self.fold(aggregate, &params, &input, steps)),
        }
    }

    /// Calls `f` for every step and makes series of the results. Two equal label sets at one time are an
    /// error.
    pub(crate) fn per_step(
        &self,
        steps: Steps,
        mut f: impl FnMut(i64) -> Outcome<Vec<Element>>,
    ) -> Outcome<Vec<Series>> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut series: Vec<Series> = Vec::new();
        for time in steps.times() {
            for (labels, point) in f(time)? {
                let place = *places.entry(labels.clone()).or_insert_with(|| {
                    series.push(Series {
                        labels,
                        points: BTreeMap::new(),
                    });
                    series.len() - 1
                });
                if series[place].points.insert(time, point).is_some() {
                    return Err(Failure::same_labelset());
                }
            }
        }
        if !steps.is_single() {
            self.order(&mut series);
        }
        Ok(series)
    }

    /// Puts series into the order that was chosen for this evaluation.
    pub(crate) fn order(&self, series: &mut [Series]) {
        match self.settings.order {
            Order::Natural => {}
            Order::Reversed => series.reverse(),
            Order::ByLabels => series.sort_by(|a, b| a.labels.cmp(&b.labels)),
            Order::Shuffled(number) => series.sort_by_key(|series| {
                (series.labels.xxhash() ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }),
        }
    }
}

pub(crate) fn constant(value: f64, steps: Steps) -> Value {
    Value::Scalar(
        steps
            .times()
            .into_iter()
            .map(|time| (time, value))
            .collect(),
    )
}

/// Series that have one point, at the first step, with that point at all steps.
fn repeated(series: Vec<Series>, steps: Steps) -> Vec<Series> {
    let repeat = |one: Series| -> Series {
        let point = one.points[&steps.start].clone();
        Series {
            labels: one.labels,
            points: steps
                .times()
                .into_iter()
                .map(|time| (time, point.clone()))
                .collect(),
        }
    };
    series.into_iter().map(repeat).collect()
}

fn negated(value: Value) -> Outcome<Value> {
    Ok(match value {
        Value::Scalar(values) => {
            Value::Scalar(values.into_iter().map(|(time, v)| (time, -v)).collect())
        }
        Value::Vector(series) => {
            let negate = |one: Series| Series {
                labels: without_metadata(&one.labels),
                points: one
                    .points
                    .into_iter()
                    .map(|(time, point)| (time, negated_point(point)))
                    .collect(),
            };
            Value::Vector(joined(series.into_iter().map(negate).collect())?)
        }
        Value::Text(text) => Value::Text(text),
    })
}

fn negated_point(point: Point) -> Point {
    match point {
        Point::Float(value) => Point::Float(-value),
        Point::Histogram(histogram) => {
            let mut histogram = (*histogram).clone();
            histogram.scale(-1.0);
            Point::histogram(histogram)
        }
    }
}

/// Joins series with equal labels if they have no point at the same time.
pub(crate) fn joined(series: Vec<Series>) -> Outcome<Vec<Series>> {
    let mut result: Vec<Series> = Vec::new();
    for one in series {
        match result.iter_mut().find(|known| known.labels == one.labels) {
            None => result.push(one),
            Some(known) => {
                for (time, point) in one.points {
                    if known.points.insert(time, point).is_some() {
                        return Err(Failure::same_labelset());
                    }
                }
            }
        }
    }
    Ok(result)
}
