//! `query`, `query_range`.

use std::fmt::Write as _;

use model::Duration;
use model::format::go_quote;
use net::axum::extract::State;
use net::axum::response::Response;
use promql::{MatrixSeries, QueryError, QueryValue, RangeTimes, VectorSample};
use queries::{Answer, Limits, QueryFailure, QueryRequest, StatsDetail, StatsTwin, When};

use super::series::time_parameter;
use crate::caller::Caller;
use crate::json::{write_histogram_point, write_labels, write_point, write_string, write_time};
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, json_text, to_json};
use crate::sources::QueryApi;
use crate::time::{parse_duration, parse_time};

/// A range query may not give more points per series.
const POINTS_MAX: i64 = 11_000;
/// Warnings and infos shown of each kind.
const ANNOTATIONS_MAX: usize = 10;

/// What a failed query answers.
pub(crate) fn failed(failure: &QueryFailure) -> ApiError {
    let kind = match failure {
        QueryFailure::Unreadable(_) | QueryFailure::WrongType(_) => {
            return ApiError::parameter("query", failure);
        }
        QueryFailure::NoRoom(_) | QueryFailure::OutOfRoom => ErrorKind::Timeout,
        QueryFailure::QueueTimeout | QueryFailure::QueueFull { .. } => ErrorKind::Timeout,
        QueryFailure::Killed { .. } => ErrorKind::Canceled,
        QueryFailure::Internal(_) => ErrorKind::Internal,
        QueryFailure::Evaluation(error) => match error {
            QueryError::Invalid(_) => return ApiError::parameter("query", failure),
            QueryError::Timeout => ErrorKind::Timeout,
            QueryError::Canceled => ErrorKind::Canceled,
            QueryError::Storage(_) => ErrorKind::Internal,
            QueryError::Evaluation(_)
            | QueryError::TooManySamples
            | QueryError::TooManySeries { .. }
            | QueryError::TooManyBytes { .. } => ErrorKind::Execution,
        },
    };
    ApiError::new(kind, failure.to_string())
}

/// The query itself, with the parameters that instant and range queries share.
pub(crate) fn request(
    params: &Params,
    when: When,
    caller: Caller,
) -> Result<QueryRequest, ApiError> {
    let timeout = params
        .some("timeout")
        .map(|text| parse_duration(text).map_err(|error| ApiError::parameter("timeout", error)));
    let lookback_delta = params.some("lookback_delta").map(|text| {
        parse_duration(text).map_err(|error| {
            ApiError::bad_data(format!("error parsing lookback delta duration: {error}"))
        })
    });
    Ok(QueryRequest {
        text: params.get("query").to_owned(),
        when,
        origin: caller.into_origin(),
        timeout: timeout.transpose()?,
        lookback_delta: lookback_delta.transpose()?,
        limits: Limits {
            samples_max: parse_limit_of(params, "max_samples")?,
            bytes_max: parse_limit_of(params, "max_bytes")?,
            series_max: parse_limit_of(params, "max_series")?,
        },
        stats: detail(params.some("stats")),
    })
}

/// `start`, `end` and `step`.
pub(crate) fn range_times(params: &Params) -> Result<RangeTimes, ApiError> {
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
    Ok(RangeTimes { start, end, step })
}

/// What the parameter `stats` asks for.
fn detail(asked: Option<&str>) -> StatsDetail {
    match asked {
        Some("all") => StatsDetail::PerStep,
        _ => StatsDetail::Totals,
    }
}

/// A limit for this query alone; ours, the peer has no such parameters.
fn parse_limit_of(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(text) = params.some(name) else {
        return Ok(None);
    };
    match text.parse::<usize>() {
        Ok(limit) if limit > 0 => Ok(Some(limit)),
        _ => Err(ApiError::parameter(
            name,
            format!("cannot parse \"{text}\" to a valid limit: it is a whole number above 0"),
        )),
    }
}

pub(crate) async fn instant(
    State(api): State<QueryApi>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let time = time_parameter(&params, "time", api.clock.now())?;
    let request = request(&params, When::At(time), caller)?;
    let answer = api.queries.run(request).await;
    let answer = answer.map_err(|failure| failed(&failure))?;
    Ok(json_text(result_text(answer, limit, params.some("stats"))))
}

pub(crate) async fn range(
    State(api): State<QueryApi>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let times = range_times(&params)?;
    let request = request(&params, When::Over(times), caller)?;
    let answer = api.queries.run(request).await;
    let answer = answer.map_err(|failure| failed(&failure))?;
    Ok(json_text(result_text(answer, limit, params.some("stats"))))
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
fn result_text(answer: Answer, limit: Option<usize>, stats: Option<&str>) -> String {
    let Answer {
        mut result,
        timings,
    } = answer;
    if let Some(limit) = limit
        && truncate(&mut result.value, limit)
    {
        result
            .warnings
            .push("results truncated due to limit".to_owned());
    }
    if let Some(asked) = stats.filter(|asked| !matches!(*asked, "true" | "all")) {
        result.warnings.push(format!(
            "value {} for parameter \"stats\" is deprecated and will be rejected in the next major release, use \"true\" or \"all\"",
            go_quote(asked)
        ));
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
    if let Some(asked) = stats {
        let twin = StatsTwin::new(&result.stats, timings, detail(Some(asked)));
        out.push_str(",\"stats\":");
        out.push_str(&to_json(&twin));
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
