//! Runs the commands of a script against one store.

use std::collections::BTreeMap;

use model::sample::Value;
use model::{Duration, Labels, Timestamp};

use super::compare::{check_instant, check_matrix, check_notes, matches_text};
use super::memory::MemoryStorage;
use super::nhcb::Collector;
use super::script::{Command, CommandKind, Eval, EvalTimes, Load};
use super::{starts, variants};
use crate::ast::Expr;
use crate::eval::{
    Engine, EngineOptions, Expression, Feature, MatrixSeries, QueryError, QueryResult, QueryValue,
    RangeTimes,
};
use crate::syntax::{ParserOptions, SequenceValue, parse, parse_metric, parse_series_description};

/// One store and the settings that Prometheus' own scripts assume.
#[derive(Debug)]
pub struct Session {
    storage: MemoryStorage,
    options: EngineOptions,
}

impl Default for Session {
    fn default() -> Self {
        Self::new(EngineOptions {
            samples_max: 10_000,
            delayed_name_removal: Feature::On,
            start_timestamps: Feature::On,
            ..EngineOptions::default()
        })
    }
}

impl Session {
    pub fn new(options: EngineOptions) -> Self {
        Self {
            storage: MemoryStorage::new(),
            options,
        }
    }

    pub fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    /// Changes the store, or checks a query: the error says what was not as expected.
    pub fn run(&mut self, command: &Command) -> Result<(), String> {
        match &command.kind {
            CommandKind::Clear => {
                self.storage.clear();
                Ok(())
            }
            CommandKind::Load(load) => self.load(load),
            CommandKind::Eval(eval) => self
                .eval(eval)
                .map_err(|error| format!("{}: {error}", eval.query)),
        }
    }

    fn load(&mut self, load: &Load) -> Result<(), String> {
        let mut starts_of: BTreeMap<Labels, Vec<Option<i64>>> = BTreeMap::new();
        let mut classic = Collector::default();
        for line in &load.lines {
            if let Some((series, items)) = split_starts(line) {
                let labels = parse_metric(series).map_err(|error| error.to_string())?;
                starts_of.insert(labels, starts::parse(items)?);
                continue;
            }
            let series = parse_series_description(line).map_err(|error| error.to_string())?;
            let starts = starts_of.remove(&series.labels);
            let mut time = 0;
            for (at, value) in series.values.iter().enumerate() {
                let start = starts
                    .as_ref()
                    .and_then(|starts| starts.get(at).copied().flatten())
                    .map_or(0, |offset| time + offset);
                match value {
                    SequenceValue::Omitted => {}
                    SequenceValue::Float(value) => {
                        if load.with_nhcb {
                            classic.add(&series.labels, time, *value);
                        }
                        let value = Value::Float(*value);
                        self.storage
                            .add_with_start(&series.labels, time, start, value);
                    }
                    SequenceValue::Histogram { histogram, .. } => {
                        let value = Value::Histogram(histogram.clone());
                        self.storage
                            .add_with_start(&series.labels, time, start, value);
                    }
                }
                time += load.step.millis();
            }
        }
        for (labels, time, histogram) in classic.finish() {
            self.storage
                .add(&labels, time, Value::Histogram(histogram.into()));
        }
        Ok(())
    }

    fn eval(&self, eval: &Eval) -> Result<(), String> {
        let expr = match parse(&eval.query, &ParserOptions::ALL) {
            Ok(expr) => expr,
            Err(errors) => {
                let text = errors
                    .errors()
                    .first()
                    .map_or_else(String::new, |error| error.message.clone());
                return check_failure(eval, &text);
            }
        };
        match eval.times {
            EvalTimes::Instant(time) => self.eval_instant(eval, &expr, time),
            EvalTimes::Range { start, end, step } => {
                let times = RangeTimes {
                    start: Timestamp(start),
                    end: Timestamp(end),
                    step: Duration::from_millis(step),
                };
                let Some((result, matrix)) = self.judged(eval, self.range(eval, &expr, times))?
                else {
                    return Ok(());
                };
                check_notes(eval, &result)?;
                check_matrix(eval, &matrix, eval.times)
            }
        }
    }

    fn eval_instant(&self, eval: &Eval, expr: &Expr, time: i64) -> Result<(), String> {
        let mut cases = vec![(None, time)];
        let others = if time == 0 {
            [-1000, 0, 1000].to_vec()
        } else {
            [-10 * time, 0, time / 5, time, 10 * time].to_vec()
        };
        if let Some(pinned) = variants::pinned(expr, time) {
            cases.extend(others.iter().map(|other| (Some(pinned.clone()), *other)));
        }
        for (pinned, at) in &cases {
            let query = Expression {
                text: &eval.query,
                expr: pinned.as_ref().unwrap_or(expr),
            };
            let result =
                Engine::new(self.options.clone()).instant(&self.storage, query, Timestamp(*at));
            let what = |error: String| match pinned {
                None => error,
                Some(_) => format!("with @ everywhere, evaluated at {at}: {error}"),
            };
            match result {
                Err(error) => check_failure(eval, &message(&error)).map_err(what)?,
                Ok(_) if eval.fail.is_some() => {
                    return Err(what("expected the query to fail".to_owned()));
                }
                Ok(result) => {
                    check_notes(eval, &result).map_err(what)?;
                    check_instant(eval, &result.value).map_err(what)?;
                }
            }
        }
        self.eval_as_range(eval, expr, time)
            .map_err(|error| format!("as a range query: {error}"))
    }

    /// The same query as the middle step of a range.
    fn eval_as_range(&self, eval: &Eval, expr: &Expr, time: i64) -> Result<(), String> {
        let depends_on_range = ["start()", "end()", "range()", "step()"]
            .iter()
            .any(|call| eval.query.contains(call));
        let is_skipped = depends_on_range
            || eval.is_ordered
            || eval.string.is_some()
            || eval.range_vector.is_some()
            || eval.fail.is_some();
        if is_skipped {
            return Ok(());
        }
        let times = RangeTimes {
            start: Timestamp(time - 60_000),
            end: Timestamp(time + 60_000),
            step: Duration::from_secs(60),
        };
        let result = self.range(eval, expr, times).map_err(|e| e.to_string())?;
        let QueryValue::Matrix(matrix) = &result.value else {
            return Err("no matrix".to_owned());
        };
        if eval.scalar.is_some() {
            let middle = matrix
                .first()
                .and_then(|series| {
                    let at = series.times.iter().position(|other| *other == time)?;
                    series.values.get(at).copied()
                })
                .ok_or("no point in the middle")?;
            let value = QueryValue::Scalar {
                time,
                value: middle,
            };
            return check_instant(eval, &value);
        }
        let middle: Vec<MatrixSeries> = matrix
            .iter()
            .map(|series| MatrixSeries {
                labels: series.labels.clone(),
                times: series
                    .times
                    .iter()
                    .copied()
                    .filter(|t| *t == time)
                    .collect(),
                values: series
                    .times
                    .iter()
                    .zip(&series.values)
                    .filter(|(t, _)| **t == time)
                    .map(|(_, value)| *value)
                    .collect(),
                histograms: series
                    .histograms
                    .iter()
                    .filter(|(t, _)| *t == time)
                    .cloned()
                    .collect(),
            })
            .filter(|series| !series.is_empty())
            .collect();
        check_matrix(eval, &middle, EvalTimes::Instant(time))
    }

    fn range(
        &self,
        eval: &Eval,
        expr: &Expr,
        times: RangeTimes,
    ) -> Result<QueryResult, QueryError> {
        let query = Expression {
            text: &eval.query,
            expr,
        };
        Engine::new(self.options.clone()).range(&self.storage, query, times)
    }

    /// None if the query was to fail and did.
    fn judged(
        &self,
        eval: &Eval,
        result: Result<QueryResult, QueryError>,
    ) -> Result<Option<(QueryResult, Vec<MatrixSeries>)>, String> {
        match result {
            Err(error) => check_failure(eval, &message(&error)).map(|()| None),
            Ok(_) if eval.fail.is_some() => Err("expected the query to fail".to_owned()),
            Ok(result) => {
                let QueryValue::Matrix(matrix) = &result.value else {
                    return Err("no matrix".to_owned());
                };
                let matrix = matrix.clone();
                Ok(Some((result, matrix)))
            }
        }
    }
}

/// `series@st items`.
fn split_starts(line: &str) -> Option<(&str, &str)> {
    let (series, items) = line.split_once(char::is_whitespace)?;
    Some((series.strip_suffix("@st")?, items))
}

fn message(error: &QueryError) -> String {
    error.to_string()
}

fn check_failure(eval: &Eval, text: &str) -> Result<(), String> {
    match &eval.fail {
        None => Err(format!("failed: {text}")),
        Some(expected) if matches_text(expected, text) => Ok(()),
        Some(expected) => Err(format!("expected failure {expected:?}, got {text:?}")),
    }
}
