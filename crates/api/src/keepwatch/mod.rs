//! `/api/keepwatch/v1`: our own API: why things were refused, which queries run.

mod explain;
mod queries;

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::ReasonEntry;
use net::axum::Router;
use net::axum::extract::State;
use net::axum::response::Response;
use net::axum::routing::{delete, get};
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;

pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/reasons", get(reasons))
        .route("/targets/dropped", get(dropped_targets))
        .route("/objects", get(objects))
        .route("/queries", get(queries::list))
        .route(
            "/query/explain",
            get(explain::explain).post(explain::explain),
        )
        .route("/queries/{id}", delete(queries::kill))
}

#[derive(Serialize)]
struct ReasonsTwin {
    /// How often each code occurred since the start.
    counts: BTreeMap<&'static str, u64>,
    /// The newest of each code, newest first.
    entries: Vec<ReasonEntry>,
}

/// `reasons?code=…`: every refusal of the process, counted and with evidence.
async fn reasons(State(api): State<Arc<Api>>, params: Params) -> Result<Response, ApiError> {
    let counts = api.reasons.counts().into_iter().collect();
    Ok(success(&ReasonsTwin {
        counts,
        entries: api.reasons.entries(params.some("code")),
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DroppedTwin {
    scrape_pool: String,
    code: &'static str,
    reason: String,
    discovered_labels: BTreeMap<String, String>,
}

/// `targets/dropped`: discovered targets that are not scraped, each with the reason.
async fn dropped_targets(State(api): State<Arc<Api>>) -> Response {
    let dropped = api
        .targets
        .targets()
        .dropped
        .into_iter()
        .map(|target| DroppedTwin {
            scrape_pool: target.scrape_pool,
            code: target.code,
            reason: target.reason,
            discovered_labels: target.discovered_labels,
        });
    success(&dropped.collect::<Vec<_>>())
}

/// `objects`: what became of each object of the manifests.
async fn objects(State(api): State<Arc<Api>>) -> Response {
    success(&api.reasons.decisions())
}
