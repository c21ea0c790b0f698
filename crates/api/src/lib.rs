//! HTTP: what users, Grafana, promtool and amtool ask.
//!
//! [`router`] builds the whole tree of paths over an [`Api`], which holds what handlers read. Only this
//! crate turns inner types into JSON: each answer is a twin type beside its handler. In reading order:
//! `respond` (envelopes and errors), `params` (query and form parameters), `caller` (who asks), `json` (the writer for query
//! results), then one folder per API: `prometheus`, `alertmanager`, `keepwatch`; `lifecycle` for `/-/…`.
//!
//! Not here: evaluating, storing, deciding. Handlers translate.

mod alertmanager;
mod caller;
mod json;
mod keepwatch;
mod lifecycle;
mod params;
mod prometheus;
mod respond;
mod sources;
mod time;

use std::sync::Arc;

use net::axum::Router;
use net::axum::http::StatusCode;
use net::axum::response::{IntoResponse, Redirect, Response};
use net::axum::routing::get;
use tower_http::compression::CompressionLayer;

pub use prometheus::write::WriteService;
pub use sources::{
    ActiveTargetView, AdminSource, AlertmanagerSource, AlertmanagersView, Api, ConfigSource,
    DroppedTargetView, HeadPart, HeadStatsView, Lifecycle, LifecycleRequest, Readiness,
    ReasonSource, TargetSource, TargetsView, TsdbCount, TsdbSource, TsdbStatusView,
};
pub use time::rfc3339;

/// All paths. `prefix` is the route prefix without a trailing slash ("" for none).
pub fn router(api: Arc<Api>, prefix: &str) -> Router {
    let inner = Router::new()
        .nest("/api/v1", prometheus::router())
        .nest("/api/v2", alertmanager::router())
        .nest("/api/keepwatch/v1", keepwatch::router())
        .merge(lifecycle::router())
        .route("/metrics", get(lifecycle::metrics))
        .fallback(not_found)
        .layer(CompressionLayer::new().gzip(true))
        .with_state(api);
    if prefix.is_empty() {
        return inner;
    }
    let home = format!("{prefix}/");
    Router::new()
        .nest(prefix, inner)
        .route("/", get(move || async move { Redirect::temporary(&home) }))
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}
