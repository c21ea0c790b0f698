//! `admin/tsdb/…`: deleting series; snapshots and cleaning.

use std::sync::Arc;

use net::axum::extract::State;
use net::axum::http::StatusCode;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinHandle;

use super::series::range;
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::{AdminSource, Api, HeadPart};

/// The storage to administrate, if that is allowed.
pub(crate) fn admin(api: &Api) -> Result<&Arc<dyn AdminSource>, ApiError> {
    let disabled = || ApiError::new(ErrorKind::Unavailable, "admin APIs disabled");
    api.admin.as_ref().ok_or_else(disabled)
}

pub(crate) async fn delete_series(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let admin = Arc::clone(admin(&api)?);
    if params.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let range = range(&params)?;
    let mut selectors = Vec::new();
    for text in params.all("match[]") {
        let matchers = promql::parse_metric_selector(text)
            .map_err(|errors| ApiError::parameter("match[]", errors.to_string()))?;
        selectors.push(matchers);
    }
    let deleted = tokio::task::spawn_blocking(move || {
        selectors
            .iter()
            .try_for_each(|matchers| admin.delete_series(range, matchers))
    });
    finished("deleting series", deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn clean_tombstones(State(api): State<Arc<Api>>) -> Result<StatusCode, ApiError> {
    let admin = Arc::clone(admin(&api)?);
    let cleaned = tokio::task::spawn_blocking(move || admin.clean_tombstones());
    finished("cleaning tombstones", cleaned).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Snapshot")]
pub(crate) struct SnapshotTwin {
    name: String,
}

pub(crate) async fn snapshot(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let admin = Arc::clone(admin(&api)?);
    let head = match params.some("skip_head").unwrap_or_default() {
        "" => HeadPart::Include,
        // What Go's ParseBool takes.
        "1" | "t" | "T" | "true" | "TRUE" | "True" => HeadPart::Skip,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => HeadPart::Include,
        text => {
            let text = model::format::go_quote(text);
            let problem = format!(
                "unable to parse boolean: strconv.ParseBool: parsing {text}: invalid syntax"
            );
            return Err(ApiError::parameter("skip_head", problem));
        }
    };
    let made = tokio::task::spawn_blocking(move || admin.snapshot(head));
    let name = finished("making a snapshot", made).await?;
    Ok(success(&SnapshotTwin { name }))
}

/// The result of work on a blocking thread, whose panic is an error of this request only.
async fn finished<T>(what: &str, work: JoinHandle<Result<T, String>>) -> Result<T, ApiError> {
    let internal = |error: String| ApiError::new(ErrorKind::Internal, error);
    work.await
        .map_err(|error| internal(format!("{what} failed: {error}")))?
        .map_err(internal)
}
