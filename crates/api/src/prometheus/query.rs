//! `query`, `query_range`, `format_query`, `parse_query`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use model::storage::SeriesReader;
use model::{Duration, Timestamp};
use net::axum::extract::State;
use net::axum::response::Response;
use promql::{
    Engine, EngineOptions, Expression, Interruption, MatrixSeries, ParserOptions, QueryError,
    QueryResult, QueryValue, RangeTimes, VectorSample,
};
use tokio::sync::Semaphore;

use crate::json::{write_histogram_point, write_labels, write_point, write_string, write_time};
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, json_text, success, to_json};
use crate::sources::Api;
use crate::time::{parse_duration, parse_time};

/// A range query may not give more points per series.
const POINTS_MAX: i64 = 11_000;
/// Warnings and infos shown of each kind.
const ANNOTATIONS_MAX: usize = 10;

/// Runs queries within limits, away from the async threads.
#[derive(Clone)]
pub struct QueryService {
    pub reader: Arc<dyn SeriesReader>,
    pub options: EngineOptions,
    pub parser: ParserOptions,
    /// `--query.timeout`.
    pub timeout: Duration,
    /// `--query.max-concurrency` places.
    pub places: Arc<Semaphore>,
    pub metrics: QueryMetrics,
}

impl std::fmt::Debug for QueryService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryService")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Counters of the engine, under the peer's names.
#[derive(Clone, Debug)]
pub struct QueryMetrics {
    pub running: metrics::Gauge,
    pub samples: metrics::Counter,
    pub seconds: metrics::Vector<metrics::Histogram>,
}

impl QueryMetrics {
    pub fn new(registry: &metrics::Registry) -> Self {
        let bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];
        Self {
            running: registry.gauge(
                "prometheus_engine_queries",
                "The current number of queries being executed or waiting.",
            ),
            samples: registry.counter(
                "prometheus_engine_query_samples_total",
                "The total number of samples loaded by all queries.",
            ),
            seconds: registry.histograms(
                "keepwatch_query_duration_seconds",
                "How long queries took, waiting included.",
                &["kind"],
                &bounds,
            ),
        }
    }
}

/// What is asked besides the expression.
#[derive(Clone, Copy, Debug)]
enum When {
    At(Timestamp),
    Over(RangeTimes),
}

/// Stops the evaluation when the client goes away: the handler's future is dropped, and this with it.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl QueryService {
    async fn run(
        &self,
        text: String,
        when: When,
        params: &Params,
    ) -> Result<QueryResult, ApiError> {
        let started = Instant::now();
        let expr = promql::parse(&text, &self.parser)
            .map_err(|errors| ApiError::parameter("query", errors.to_string()))?;
        let mut options = self.options.clone();
        if let Some(lookback) = params.some("lookback_delta") {
            options.lookback_delta = parse_duration(lookback).map_err(|error| {
                ApiError::bad_data(format!("error parsing lookback delta duration: {error}"))
            })?;
        }
        let asked = params.some("timeout").map(|text| {
            parse_duration(text).map_err(|error| ApiError::parameter("timeout", error))
        });
        let timeout = asked
            .transpose()?
            .map_or(self.timeout, |asked| asked.min(self.timeout))
            .to_std();
        self.metrics.running.add(1.0);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let guard = CancelOnDrop(Arc::clone(&is_cancelled));
        let reader = Arc::clone(&self.reader);
        let evaluated = tokio::task::spawn_blocking(move || {
            let check = || {
                if is_cancelled.load(Ordering::Relaxed) {
                    return Some(Interruption::Canceled);
                }
                (started.elapsed() > timeout).then_some(Interruption::Timeout)
            };
            let engine = Engine::new(options).interruptible(check);
            let query = Expression {
                text: &text,
                expr: &expr,
            };
            match when {
                When::At(time) => engine.instant(&*reader, query, time),
                When::Over(times) => engine.range(&*reader, query, times),
            }
        })
        .await;
        drop(place);
        drop(guard);
        self.metrics.running.add(-1.0);
        let kind = if matches!(when, When::At(_)) {
            "instant"
        } else {
            "range"
        };
        self.metrics
            .seconds
            .with(&[kind])
            .observe(started.elapsed().as_secs_f64());
        let result = evaluated
            .map_err(|error| {
                ApiError::new(
                    ErrorKind::Internal,
                    format!("evaluating the query failed: {error}"),
                )
            })?
            .map_err(|error| query_error(&error))?;
        #[expect(clippy::cast_precision_loss, reason = "a counter is a float")]
        self.metrics.samples.add(result.stats.samples_total as f64);
        Ok(result)
    }
}

fn query_error(error: &QueryError) -> ApiError {
    let kind = match error {
        QueryError::Timeout => ErrorKind::Timeout,
        QueryError::Canceled => ErrorKind::Canceled,
        QueryError::Storage(_) => ErrorKind::Internal,
        QueryError::Evaluation(_)
        | QueryError::TooManySamples
        | QueryError::TooManySeries { .. }
        | QueryError::TooManyBytes { .. } => ErrorKind::Execution,
    };
    ApiError::new(kind, error.to_string())
}

pub(crate) async fn instant(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let time = match params.some("time") {
        None => api.clock.now(),
        Some(text) => parse_time(text).map_err(|error| {
            ApiError::parameter("time", format!("invalid time value for 'time': {error}"))
        })?,
    };
    let result = api
        .queries
        .run(params.get("query").to_owned(), When::At(time), &params)
        .await?;
    Ok(json_text(result_text(result, limit, &params)))
}

pub(crate) async fn range(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let time =
        |name: &str| parse_time(params.get(name)).map_err(|error| ApiError::parameter(name, error));
    let (start, end) = (time("start")?, time("end")?);
    if end < start {
        return Err(ApiError::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step =
        parse_duration(params.get("step")).map_err(|error| ApiError::parameter("step", error))?;
    if step <= Duration::ZERO {
        let problem = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(ApiError::parameter("step", problem));
    }
    if end.since(start).millis() / step.millis() > POINTS_MAX {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let times = RangeTimes { start, end, step };
    let result = api
        .queries
        .run(params.get("query").to_owned(), When::Over(times), &params)
        .await?;
    Ok(json_text(result_text(result, limit, &params)))
}

pub(crate) async fn format(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = promql::parse(params.get("query"), &api.queries.parser)
        .map_err(|errors| ApiError::parameter("query", errors.to_string()))?;
    Ok(success(&promql::pretty(&expr, 100)))
}

pub(crate) async fn parse(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = promql::parse(params.get("query"), &api.queries.parser)
        .map_err(|errors| ApiError::parameter("query", errors.to_string()))?;
    Ok(success(&promql::ast_json(&expr)))
}

/// The number of series wanted; `None` for all.
pub(crate) fn parse_limit(params: &Params) -> Result<Option<usize>, ApiError> {
    let Some(text) = params.some("limit") else {
        return Ok(None);
    };
    let limit: i64 = text.parse().map_err(|_| {
        ApiError::parameter("limit", format!("cannot parse \"{text}\" to a valid limit"))
    })?;
    let limit = usize::try_from(limit)
        .map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))?;
    Ok(Some(limit).filter(|limit| *limit > 0))
}

/// The whole answer as JSON text.
fn result_text(mut result: QueryResult, limit: Option<usize>, params: &Params) -> String {
    if let Some(limit) = limit
        && truncate(&mut result.value, limit)
    {
        result
            .warnings
            .push("results truncated due to limit".to_owned());
    }
    let mut out = String::with_capacity(1024);
    out.push_str("{\"status\":\"success\",\"data\":{\"resultType\":\"");
    match &result.value {
        QueryValue::Scalar { time, value } => {
            out.push_str("scalar\",\"result\":");
            write_point(&mut out, *time, *value);
        }
        QueryValue::String { time, value } => {
            out.push_str("string\",\"result\":[");
            write_time(&mut out, *time);
            out.push(',');
            write_string(&mut out, value);
            out.push(']');
        }
        QueryValue::Vector(samples) => {
            out.push_str("vector\",\"result\":[");
            write_list(&mut out, samples, write_sample);
            out.push(']');
        }
        QueryValue::Matrix(series) => {
            out.push_str("matrix\",\"result\":[");
            write_list(&mut out, series, write_series);
            out.push(']');
        }
    }
    if params.some("stats").is_some() {
        let stats = &result.stats;
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            ",\"stats\":{{\"samples\":{{\"totalQueryableSamples\":{},\"peakSamples\":{}}}}}",
            stats.samples_total, stats.samples_peak
        );
    }
    out.push('}');
    for (name, notes) in [("warnings", &result.warnings), ("infos", &result.infos)] {
        if !notes.is_empty() {
            let shown: Vec<&String> = notes.iter().take(ANNOTATIONS_MAX).collect();
            let _ = write!(out, ",\"{name}\":{}", to_json(&shown));
        }
    }
    out.push('}');
    out
}

/// Cuts the result to `limit` series; true if it was longer.
fn truncate(value: &mut QueryValue, limit: usize) -> bool {
    match value {
        QueryValue::Vector(samples) if samples.len() > limit => samples.truncate(limit),
        QueryValue::Matrix(series) if series.len() > limit => series.truncate(limit),
        _ => return false,
    }
    true
}

fn write_list<T>(out: &mut String, items: &[T], write: fn(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

fn write_sample(out: &mut String, sample: &VectorSample) {
    out.push_str("{\"metric\":");
    write_labels(out, &sample.labels);
    match &sample.histogram {
        None => {
            out.push_str(",\"value\":");
            write_point(out, sample.time, sample.value);
        }
        Some(histogram) => {
            out.push_str(",\"histogram\":");
            write_histogram_point(out, sample.time, histogram);
        }
    }
    out.push('}');
}

fn write_series(out: &mut String, series: &MatrixSeries) {
    out.push_str("{\"metric\":");
    write_labels(out, &series.labels);
    if !series.times.is_empty() {
        out.push_str(",\"values\":[");
        for (index, (time, value)) in series.times.iter().zip(&series.values).enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_point(out, *time, *value);
        }
        out.push(']');
    }
    if !series.histograms.is_empty() {
        out.push_str(",\"histograms\":[");
        for (index, (time, histogram)) in series.histograms.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_histogram_point(out, *time, histogram);
        }
        out.push(']');
    }
    out.push('}');
}
