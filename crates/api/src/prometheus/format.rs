//! `format_query`, `parse_query`: a query as text and as a tree.

use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;

use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;

pub(crate) async fn format(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = promql::parse(params.get("query"), &api.queries.settings().parser)
        .map_err(|errors| ApiError::parameter("query", errors.to_string()))?;
    Ok(success(&promql::pretty(&expr, 100)))
}

pub(crate) async fn parse(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = promql::parse(params.get("query"), &api.queries.settings().parser)
        .map_err(|errors| ApiError::parameter("query", errors.to_string()))?;
    Ok(success(&promql::ast_json(&expr)))
}
