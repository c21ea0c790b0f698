//! `labels`, `label/NAME/values`, `series`.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::storage::{Projection, ReadError, SelectRequest, SeriesReader, TimeRange};
use model::{Labels, Matcher, Timestamp};
use net::axum::extract::{Path, State};
use net::axum::response::Response;
use queries::QueryService;

use super::matchers;
use super::query::parse_limit;
use crate::json::write_labels;
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, json_text, success_with_warnings};
use crate::sources::{Api, QueryApi};
use crate::time::parse_time;

const TRUNCATED: &str = "results truncated due to limit";

/// A time that may be left out.
pub(crate) fn time_parameter(
    params: &Params,
    name: &str,
    default: Timestamp,
) -> Result<Timestamp, ApiError> {
    params.some(name).map_or(Ok(default), |text| {
        let wrong =
            |error| ApiError::parameter(name, format!("invalid time value for '{name}': {error}"));
        parse_time(text).map_err(wrong)
    })
}

/// `start` and `end`; all of time without them.
pub(super) fn range(params: &Params) -> Result<TimeRange, ApiError> {
    Ok(TimeRange::new(
        time_parameter(params, "start", Timestamp::MIN)?,
        time_parameter(params, "end", Timestamp::MAX)?,
    ))
}

/// Reading may touch the disk: it runs away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    queries: &QueryService,
    read: impl FnOnce(&dyn SeriesReader) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ApiError> {
    let reader = Arc::clone(queries.reader());
    let read = tokio::task::spawn_blocking(move || read(&*reader)).await;
    read.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))?
        .map_err(|error| ApiError::new(ErrorKind::Execution, error.to_string()))
}

/// Names or values of all selectors together; with no selector, those of everything.
pub(super) fn union(
    selectors: &[Vec<Matcher>],
    read: impl Fn(&[Matcher]) -> Result<Vec<String>, ReadError>,
) -> Result<Vec<String>, ReadError> {
    if let [] | [_] = selectors {
        return read(selectors.first().map_or(&[], Vec::as_slice));
    }
    let mut all = BTreeSet::new();
    for matchers in selectors {
        all.extend(read(matchers)?);
    }
    Ok(all.into_iter().collect())
}

fn answer(mut names: Vec<String>, limit: Option<usize>) -> Response {
    let mut warnings = Vec::new();
    if let Some(limit) = limit.filter(|limit| names.len() > *limit) {
        names.truncate(limit);
        warnings.push(TRUNCATED.to_owned());
    }
    success_with_warnings(&names, &warnings)
}

/// The labels of at most `series_max` series that the matchers select, whenever they had samples.
pub(crate) async fn labels_of(
    api: &Api,
    matchers: Vec<Matcher>,
    series_max: usize,
) -> Result<Vec<Labels>, ApiError> {
    let read = move |reader: &dyn SeriesReader| {
        let list = reader.select(&SelectRequest {
            range: TimeRange::new(Timestamp::MIN, Timestamp::MAX),
            matchers: &matchers,
            projection: Projection::All,
        })?;
        let rows = 0..list.len().min(series_max);
        Ok(rows.map(|row| list.labels(row)).collect())
    };
    blocking(&api.queries, read).await
}

pub(crate) async fn labels(
    State(api): State<QueryApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let (range, selectors) = (range(&params)?, matchers::parse(&params)?);
    let names = blocking(&api.queries, move |reader| {
        union(&selectors, |matchers| reader.label_names(range, matchers))
    })
    .await?;
    Ok(answer(names, limit))
}

/// All names of metrics.
pub(crate) async fn metric_names(api: &Api) -> Result<Vec<String>, ApiError> {
    let range = TimeRange::new(Timestamp::MIN, Timestamp::MAX);
    blocking(&api.queries, move |reader| {
        reader.label_values("__name__", range, &[])
    })
    .await
}

pub(crate) async fn label_values(
    State(api): State<QueryApi>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let name = if name.starts_with("U__") {
        model::name::unescape_values(&name)
    } else {
        name
    };
    if name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: \"\""));
    }
    let limit = parse_limit(&params)?;
    let (range, selectors) = (range(&params)?, matchers::parse(&params)?);
    let read = move |reader: &dyn SeriesReader| {
        union(&selectors, |matchers| {
            reader.label_values(&name, range, matchers)
        })
    };
    Ok(answer(blocking(&api.queries, read).await?, limit))
}

pub(crate) async fn series(
    State(api): State<QueryApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = parse_limit(&params)?;
    let range = range(&params)?;
    let selectors = matchers::parse(&params)?;
    if selectors.is_empty() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let read = move |reader: &dyn SeriesReader| {
        let mut all: BTreeSet<Labels> = BTreeSet::new();
        for matchers in &selectors {
            let list = reader.select(&SelectRequest {
                range,
                matchers,
                projection: Projection::All,
            })?;
            all.extend((0..list.len()).map(|row| list.labels(row)));
        }
        Ok(all)
    };
    let found = blocking(&api.queries, read).await?;
    let mut out = String::from("{\"status\":\"success\",\"data\":[");
    let shown = limit.unwrap_or(usize::MAX);
    for (index, labels) in found.iter().take(shown).enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_labels(&mut out, labels);
    }
    out.push(']');
    if found.len() > shown {
        out.push_str(&format!(",\"warnings\":[\"{TRUNCATED}\"]"));
    }
    out.push('}');
    Ok(json_text(out))
}
