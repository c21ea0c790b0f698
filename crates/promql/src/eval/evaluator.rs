//! Dispatch: one operator of the plan after the other, inputs first.

use std::sync::Arc;

use model::storage::{SeriesList, SeriesReader, TimeRange};
use model::{Duration, Matcher};

use super::annotations::{Annotations, Note};
use super::budget::{Budget, StepCounts};
use super::column::{Series, Value, without_metadata};
use super::common::Sharing;
use super::engine::EngineOptions;
use super::error::{Interruption, QueryError};
use super::explain::{Profile, Timer};
use super::merge::merge_same_labels;
use super::steps::Steps;
use crate::plan::{Op, Plan};

/// What all threads that work on one query know.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'e> {
    pub(crate) options: &'e EngineOptions,
    pub(crate) check: &'e (dyn Fn() -> Option<Interruption> + Send + Sync + 'e),
    /// Where the query is to be measured.
    pub(crate) timer: Option<Timer<'e>>,
}

/// The state of one query.
pub(crate) struct Evaluator<'e> {
    pub(crate) reader: &'e dyn SeriesReader,
    pub(crate) shared: Shared<'e>,
    pub(crate) notes: Annotations,
    pub(crate) budget: Budget,
    /// On the grid of steps that is being evaluated.
    pub(crate) counts: StepCounts,
    /// What was selected so far: a selector that occurs twice is looked up once.
    pub(crate) selections: Vec<Selection>,
    /// Filled if there is a timer.
    pub(super) profile: Profile,
    /// With the other queries of a group.
    pub(super) sharing: Option<Sharing<'e>>,
}

pub(crate) struct Selection {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) range: TimeRange,
    pub(crate) list: Arc<dyn SeriesList>,
}

impl Shared<'_> {
    pub(crate) fn interrupted(&self) -> Result<(), QueryError> {
        match (self.check)() {
            Some(interruption) => Err(interruption.into()),
            None => Ok(()),
        }
    }

    pub(crate) fn lookback(&self) -> i64 {
        Duration::millis(self.options.lookback_delta)
    }

    pub(crate) fn delays_names(&self) -> bool {
        self.options.delayed_name_removal.is_on()
    }
}

/// Takes series one by one. What they count against the sample limit has been charged.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(&mut Evaluator<'_>, Series) -> Result<(), QueryError>;

impl Evaluator<'_> {
    pub(crate) fn evaluate(&mut self, plan: &Plan, steps: Steps) -> Result<Value, QueryError> {
        if let Some(sharing) = self.sharing
            && let Some(subexpression) = sharing.subexpression(plan, steps)
        {
            return self.evaluate_shared(sharing, subexpression, plan, steps);
        }
        let Some(started) = self.time() else {
            return self.evaluate_op(plan, steps);
        };
        let value = self.evaluate_op(plan, steps)?;
        self.measure_value(plan, &value, started);
        Ok(value)
    }

    pub(super) fn evaluate_op(&mut self, plan: &Plan, steps: Steps) -> Result<Value, QueryError> {
        self.interrupted()?;
        // Every operator may hold something for each step.
        if steps.count > self.shared.options.samples_max {
            return Err(QueryError::TooManySamples);
        }
        match &plan.op {
            Op::Number(value) => {
                self.budget.charge(steps.count)?;
                Ok(Value::Scalar(vec![*value; steps.count]))
            }
            Op::Text(text) => Ok(Value::Text(text.value.clone())),
            Op::Selector(selector) => self.select(selector, plan.span, steps).map(Value::Vector),
            Op::Call(call) => self.call(call, plan, steps),
            Op::Aggregate(aggregate) => self.aggregate(aggregate, plan, steps).map(Value::Vector),
            Op::Binary(binary) => self.binary(binary, plan, steps),
            Op::Negate(inner) => self.negate(inner, steps),
            Op::Once(inner) => self.once(inner, steps),
            Op::Range(_) | Op::Subquery(_) => Err(QueryError::unexpected("range vector")),
        }
    }

    /// Evaluates what must be an instant vector.
    pub(crate) fn vector(&mut self, plan: &Plan, steps: Steps) -> Result<Vec<Series>, QueryError> {
        match self.evaluate(plan, steps)? {
            Value::Vector(series) => Ok(series),
            _ => Err(QueryError::unexpected("not an instant vector")),
        }
    }

    /// Evaluates what must be a scalar.
    pub(crate) fn scalar(&mut self, plan: &Plan, steps: Steps) -> Result<Vec<f64>, QueryError> {
        match self.evaluate(plan, steps)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(QueryError::unexpected("not a scalar")),
        }
    }

    pub(crate) fn interrupted(&self) -> Result<(), QueryError> {
        self.shared.interrupted()
    }

    pub(crate) fn lookback(&self) -> i64 {
        self.shared.lookback()
    }

    pub(crate) fn delays_names(&self) -> bool {
        self.shared.delays_names()
    }

    pub(crate) fn note(&mut self, note: Note, span: diag::Span) {
        self.notes.add(note, span);
    }

    /// Takes the metric name away, at once or at the end of the query.
    pub(crate) fn drop_name(&self, series: &mut Series) {
        series.drop_name = true;
        if !self.delays_names() {
            series.labels = without_metadata(&series.labels);
        }
    }

    /// Joins series with equal labels, as an operator does at its end: in a range query two points at
    /// the same step are an error; in an instant query with delayed name removal that is found later.
    pub(crate) fn joined(
        &self,
        series: Vec<Series>,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        if steps.is_single() && self.delays_names() {
            return Ok(series);
        }
        merge_same_labels(series)
    }

    /// The end of a query: names that were to be dropped are.
    pub(crate) fn finish_names(&self, mut series: Vec<Series>) -> Result<Vec<Series>, QueryError> {
        if !self.delays_names() {
            return Ok(series);
        }
        for series in &mut series {
            if series.drop_name {
                series.labels = without_metadata(&series.labels);
            }
        }
        merge_same_labels(series)
    }

    fn negate(&mut self, inner: &Plan, steps: Steps) -> Result<Value, QueryError> {
        Ok(match self.evaluate(inner, steps)? {
            Value::Scalar(mut values) => {
                for value in &mut values {
                    *value = -*value;
                }
                Value::Scalar(values)
            }
            Value::Vector(mut series) => {
                for series in &mut series {
                    self.drop_name(series);
                    series.column.negate();
                }
                if !self.delays_names() {
                    series = merge_same_labels(series)?;
                }
                Value::Vector(series)
            }
            text @ Value::Text(_) => text,
        })
    }

    fn once(&mut self, inner: &Plan, steps: Steps) -> Result<Value, QueryError> {
        let alike = self.counts.like();
        let outer = std::mem::replace(&mut self.counts, alike);
        let value = self.evaluate(inner, steps.first_only())?;
        let once = std::mem::replace(&mut self.counts, outer);
        self.counts.merge_once(&once, steps.count);
        if steps.count <= 1 {
            return Ok(value);
        }
        self.budget
            .charge(value.weight().saturating_mul(steps.count - 1))?;
        Ok(match value {
            Value::Scalar(values) => {
                let value = values.first().copied().unwrap_or(f64::NAN);
                Value::Scalar(vec![value; steps.count])
            }
            Value::Vector(mut series) => {
                for series in &mut series {
                    series.column = series.column.repeated(steps.count);
                }
                Value::Vector(series)
            }
            text @ Value::Text(_) => text,
        })
    }
}
