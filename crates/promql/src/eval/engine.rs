//! The entry: options, instant and range queries.

use std::fmt;
use std::num::NonZero;

use model::storage::SeriesReader;
use model::{Duration, Timestamp};

use super::budget::{Budget, Limits, StepCounts};
use super::column::{PointRef, Series, Value};
use super::common::QueryGroup;
use super::error::{Interruption, QueryError};
use super::evaluator::{Evaluator, Shared};
use super::explain::{Evaluation, Profile, Timer};
use super::result::{MatrixSeries, QueryResult, QueryStats, QueryValue, StepSamples, VectorSample};
use super::steps::Steps;
use crate::ast::{Expr, ValueType};
use crate::plan::{self, Op, Plan, PlanContext};
use crate::syntax::{ParseErrors, ParserOptions};

/// Whether an optional behaviour is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feature {
    On,
    #[default]
    Off,
}

impl Feature {
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How far an instant selector looks back for a sample.
    pub lookback_delta: Duration,
    /// The most samples that a query may hold in memory.
    pub samples_max: usize,
    /// The most bytes that a query may hold, by an estimate: 16 per sample, and the labels.
    pub bytes_max: usize,
    /// The most series that the selectors of a query may find together.
    pub series_max: usize,
    /// The step of subqueries that name none.
    pub subquery_step_default: Duration,
    /// Drop metric names at the end of the query only.
    pub delayed_name_removal: Feature,
    /// Tell counters by the label `__type__` instead of by name.
    pub type_and_unit_labels: Feature,
    /// Take start timestamps into account in `rate` and its kin.
    pub start_timestamps: Feature,
    /// Count samples by step: [`QueryStats::per_step`] is empty without.
    pub per_step_stats: Feature,
    /// Series are worked on by several threads if this is more than 1. The results are the same.
    pub threads: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback_delta: Duration::from_secs(300),
            samples_max: 50_000_000,
            bytes_max: usize::MAX,
            series_max: usize::MAX,
            subquery_step_default: Duration::from_secs(60),
            delayed_name_removal: Feature::Off,
            type_and_unit_labels: Feature::Off,
            start_timestamps: Feature::Off,
            per_step_stats: Feature::Off,
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        }
    }
}

/// A checked query with its text, which annotations point into.
#[derive(Clone, Copy, Debug)]
pub struct Expression<'a> {
    pub text: &'a str,
    pub expr: &'a Expr,
}

/// A query that was read: its text and its tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    text: String,
    expr: Expr,
}

impl Query {
    pub fn parse(text: impl Into<String>, options: &ParserOptions) -> Result<Self, ParseErrors> {
        let text = text.into();
        let expr = crate::syntax::parse(&text, options)?;
        Ok(Self { text, expr })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// As the engine takes it.
    pub fn expression(&self) -> Expression<'_> {
        Expression {
            text: &self.text,
            expr: &self.expr,
        }
    }
}

/// The times of a range query: `start`, `start + step`, … up to and including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeTimes {
    pub start: Timestamp,
    pub end: Timestamp,
    pub step: Duration,
}

/// Evaluates queries. Pure and synchronous: it knows no clock and spawns nothing.
pub struct Engine<'a> {
    options: EngineOptions,
    check: Box<dyn Fn() -> Option<Interruption> + Send + Sync + 'a>,
}

impl fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<'a> Engine<'a> {
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            check: Box::new(|| None),
        }
    }

    /// Asks `check` often whether to go on.
    #[must_use]
    pub fn interruptible(
        mut self,
        check: impl Fn() -> Option<Interruption> + Send + Sync + 'a,
    ) -> Self {
        self.check = Box::new(check);
        self
    }

    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Evaluates at one time.
    pub fn instant(
        &self,
        reader: &dyn SeriesReader,
        query: Expression<'_>,
        time: Timestamp,
    ) -> Result<QueryResult, QueryError> {
        self.evaluate(reader, query, Evaluation::Instant(time))
    }

    /// Evaluates a query of a group at one time; what other queries of the group need too is kept for them.
    pub fn instant_in_group(
        &self,
        reader: &dyn SeriesReader,
        group: &QueryGroup,
        query: Expression<'_>,
        time: Timestamp,
    ) -> Result<QueryResult, QueryError> {
        let evaluation = Evaluation::Instant(time);
        let (plan, steps) = self.planned(query, evaluation)?;
        let mut evaluator = self.evaluator(reader, None);
        evaluator.sharing = group.sharing(query.text, time, steps);
        let value = evaluated(&mut evaluator, &plan, steps, evaluation)?;
        Ok(finished(evaluator, query.text, steps, value))
    }

    /// Evaluates at all times of a range. The result is a matrix, also of a scalar.
    pub fn range(
        &self,
        reader: &dyn SeriesReader,
        query: Expression<'_>,
        times: RangeTimes,
    ) -> Result<QueryResult, QueryError> {
        self.evaluate(reader, query, Evaluation::Range(times))
    }

    fn evaluate(
        &self,
        reader: &dyn SeriesReader,
        query: Expression<'_>,
        evaluation: Evaluation,
    ) -> Result<QueryResult, QueryError> {
        let (plan, steps) = self.planned(query, evaluation)?;
        let mut evaluator = self.evaluator(reader, None);
        let value = evaluated(&mut evaluator, &plan, steps, evaluation)?;
        Ok(finished(evaluator, query.text, steps, value))
    }

    pub(super) fn planned(
        &self,
        query: Expression<'_>,
        evaluation: Evaluation,
    ) -> Result<(Plan, Steps), QueryError> {
        let (start, end, interval) = match evaluation {
            Evaluation::Instant(time) => (time.millis(), time.millis(), 0),
            Evaluation::Range(times) => {
                let found = query.expr.value_type();
                if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                    return Err(QueryError::Invalid(format!(
                        "invalid expression type {:?} for range query, must be Scalar or instant Vector",
                        found.documented()
                    )));
                }
                (
                    times.start.millis(),
                    times.end.millis(),
                    times.step.millis(),
                )
            }
        };
        let context = PlanContext {
            start,
            end,
            interval,
            nesting: 0,
        };
        let plan = plan::build(query.expr, context)
            .map_err(|error| QueryError::Invalid(error.to_string()))?;
        Ok((plan, Steps::new(start, end, interval)))
    }

    pub(super) fn evaluator<'e>(
        &'e self,
        reader: &'e dyn SeriesReader,
        timer: Option<Timer<'e>>,
    ) -> Evaluator<'e> {
        Evaluator {
            reader,
            shared: Shared {
                options: &self.options,
                check: &*self.check,
                timer,
            },
            notes: super::annotations::Annotations::default(),
            budget: Budget::new(Limits {
                samples_max: self.options.samples_max,
                bytes_max: self.options.bytes_max,
                series_max: self.options.series_max,
            }),
            counts: if self.options.per_step_stats.is_on() {
                StepCounts::by_step()
            } else {
                StepCounts::default()
            },
            selections: Vec::new(),
            profile: Profile::default(),
            sharing: None,
        }
    }
}

pub(super) fn evaluated(
    evaluator: &mut Evaluator<'_>,
    plan: &Plan,
    steps: Steps,
    evaluation: Evaluation,
) -> Result<QueryValue, QueryError> {
    match evaluation {
        Evaluation::Instant(_) => instant_value(evaluator, plan, steps),
        Evaluation::Range(_) => range_value(evaluator, plan, steps),
    }
}

fn range_value(
    evaluator: &mut Evaluator<'_>,
    plan: &Plan,
    steps: Steps,
) -> Result<QueryValue, QueryError> {
    let series = match evaluator.evaluate(plan, steps)? {
        Value::Vector(series) => evaluator.finish_names(series)?,
        Value::Scalar(values) => {
            let times = steps.times().take(values.len()).collect();
            let scalar = MatrixSeries {
                times,
                values,
                ..MatrixSeries::default()
            };
            return Ok(QueryValue::Matrix(vec![scalar]));
        }
        Value::Text(_) => return Err(QueryError::unexpected("string in a range query")),
    };
    let mut matrix: Vec<MatrixSeries> = series
        .into_iter()
        .map(|series| matrix_series(&series, steps))
        .collect();
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(QueryValue::Matrix(matrix))
}

fn instant_value(
    evaluator: &mut Evaluator<'_>,
    plan: &Plan,
    steps: Steps,
) -> Result<QueryValue, QueryError> {
    let time = steps.start;
    if matches!(plan.op, Op::Range(_) | Op::Subquery(_)) {
        let mut matrix = evaluator.raw_range(plan, steps)?;
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        return Ok(QueryValue::Matrix(matrix));
    }
    Ok(match evaluator.evaluate(plan, steps)? {
        Value::Text(value) => QueryValue::String { time, value },
        Value::Scalar(values) => QueryValue::Scalar {
            time,
            value: values.first().copied().unwrap_or(f64::NAN),
        },
        Value::Vector(series) => {
            let series = evaluator.finish_names(series)?;
            QueryValue::Vector(
                series
                    .into_iter()
                    .filter_map(|series| vector_sample(series, time))
                    .collect(),
            )
        }
    })
}

fn vector_sample(series: Series, time: i64) -> Option<VectorSample> {
    let (value, histogram) = match series.column.get(0)? {
        PointRef::Float(value) => (value, None),
        PointRef::Histogram(histogram) => (0.0, Some(histogram.clone())),
    };
    Some(VectorSample {
        labels: series.labels,
        time,
        value,
        histogram,
    })
}

pub(crate) fn matrix_series(series: &Series, steps: Steps) -> MatrixSeries {
    let mut result = MatrixSeries {
        labels: series.labels.clone(),
        ..MatrixSeries::default()
    };
    for (step, time) in steps.times().enumerate() {
        match series.column.get(step) {
            None => {}
            Some(PointRef::Float(value)) => {
                result.times.push(time);
                result.values.push(value);
            }
            Some(PointRef::Histogram(histogram)) => {
                result.histograms.push((time, histogram.clone()));
            }
        }
    }
    result
}

pub(super) fn finished(
    evaluator: Evaluator<'_>,
    text: &str,
    steps: Steps,
    value: QueryValue,
) -> QueryResult {
    let (warnings, infos) = evaluator.notes.render(text);
    let counted = if evaluator.counts.is_by_step() {
        steps.count
    } else {
        0
    };
    let per_step = (0..counted).map(|step| {
        let (total, read) = evaluator.counts.at(step);
        StepSamples {
            time: steps.at(step),
            total,
            read,
        }
    });
    QueryResult {
        value,
        warnings,
        infos,
        stats: QueryStats {
            samples_total: evaluator.counts.total(),
            samples_read: evaluator.counts.read(),
            samples_peak: evaluator.budget.peak(),
            per_step: per_step.collect(),
        },
    }
}
