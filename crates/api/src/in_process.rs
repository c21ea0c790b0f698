//! Questions about stored data, answered without a server between the one who asks and the handlers.

use net::Bytes;
use net::axum::Router;
use net::axum::body::{Body, to_bytes};
use net::axum::http::Request;
use net::axum::routing::{get, post};
use tower::ServiceExt;

use crate::sources::{JournalApi, QueryApi, TrialApi};
use crate::{keepwatch, prometheus};

/// Longer answers are cut off with an error.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Answers a GET of `/api/v1/query`, `query_range`, `labels`, `label/NAME/values`, `series` or of
/// `/api/keepwatch/v1/query/explain`, parameters included. The error is for people.
pub async fn ask(api: QueryApi, uri: &str) -> Result<Bytes, String> {
    let router = Router::new()
        .route("/api/v1/query", get(prometheus::query::instant))
        .route("/api/v1/query_range", get(prometheus::query::range))
        .route("/api/v1/labels", get(prometheus::series::labels))
        .route(
            "/api/v1/label/{name}/values",
            get(prometheus::series::label_values),
        )
        .route("/api/v1/series", get(prometheus::series::series))
        .route(
            "/api/keepwatch/v1/query/explain",
            get(keepwatch::explain::explain),
        )
        .with_state(api);
    answer(router, uri).await
}

/// Answers a GET of `/api/keepwatch/v1/journal` or of an alert's `timeline` there.
pub async fn ask_journal(api: JournalApi, uri: &str) -> Result<Bytes, String> {
    let router = Router::new()
        .route(
            "/api/keepwatch/v1/journal",
            get(keepwatch::journal::journal),
        )
        .route(
            "/api/keepwatch/v1/alerts/{fingerprint}/timeline",
            get(keepwatch::timeline::timeline),
        )
        .with_state(api);
    answer(router, uri).await
}

/// Answers a POST of `/api/keepwatch/v1/route/compare`.
pub async fn compare_routes(api: TrialApi, body: String) -> Result<Bytes, String> {
    let path = "/api/keepwatch/v1/route/compare";
    let router = Router::new()
        .route(path, post(keepwatch::route_compare::compare))
        .with_state(api);
    respond(router, Request::post(path).body(Body::from(body))).await
}

/// Answers a POST of `/api/keepwatch/v1/route/explain`.
pub async fn explain_route(api: TrialApi, body: String) -> Result<Bytes, String> {
    let path = "/api/keepwatch/v1/route/explain";
    let router = Router::new()
        .route(path, post(keepwatch::route_explain::explain))
        .with_state(api);
    respond(router, Request::post(path).body(Body::from(body))).await
}

async fn answer(router: Router, uri: &str) -> Result<Bytes, String> {
    respond(router, Request::get(uri).body(Body::empty())).await
}

async fn respond(
    router: Router,
    request: Result<Request<Body>, net::axum::http::Error>,
) -> Result<Bytes, String> {
    let request = request.map_err(|error| format!("asking: {error}"))?;
    let Ok(answer) = router.oneshot(request).await;
    to_bytes(answer.into_body(), ANSWER_BYTES_MAX)
        .await
        .map_err(|error| format!("reading the answer: {error}"))
}
