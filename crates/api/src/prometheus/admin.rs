//! `admin/tsdb/…`: deleting series; snapshots and cleaning.

use std::sync::Arc;

use net::axum::extract::State;
use net::axum::http::StatusCode;

use super::series::range;
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind};
use crate::sources::{AdminSource, Api};

/// The storage to administrate, if that is allowed.
fn admin(api: &Api) -> Result<&Arc<dyn AdminSource>, ApiError> {
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
    let internal = |error: String| ApiError::new(ErrorKind::Internal, error);
    deleted
        .await
        .map_err(|error| internal(format!("deleting series failed: {error}")))?
        .map_err(internal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Both work on blocks.
async fn without_blocks(api: &Api, what: &str) -> Result<StatusCode, ApiError> {
    admin(api)?;
    Err(ApiError::new(
        ErrorKind::Unavailable,
        format!("{what} not possible: this version of Keepwatch keeps no blocks on disk"),
    ))
}

pub(crate) async fn clean_tombstones(State(api): State<Arc<Api>>) -> Result<StatusCode, ApiError> {
    without_blocks(&api, "cleaning tombstones is").await
}

pub(crate) async fn snapshot(State(api): State<Arc<Api>>) -> Result<StatusCode, ApiError> {
    without_blocks(&api, "snapshots are").await
}
