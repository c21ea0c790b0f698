//! While the data folder is being read: `Service Unavailable`, as the peer answers, except for the paths that
//! say how far it is.

use net::axum::extract::{Request, State};
use net::axum::http::StatusCode;
use net::axum::middleware::Next;
use net::axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use crate::sources::Readiness;

/// Nothing behind these looks at stored data.
const ANSWERED: &[&str] = &[
    "/-/healthy",
    "/-/ready",
    "/metrics",
    "/version",
    "/api/v1/status/walreplay",
    "/api/v1/notifications",
    "/api/v1/notifications/live",
    "/api/keepwatch/v1/boot",
];

pub(crate) async fn guard(
    State(readiness): State<watch::Receiver<Readiness>>,
    request: Request,
    next: Next,
) -> Response {
    let is_starting = *readiness.borrow() == Readiness::Starting;
    let path = request.uri().path();
    // The Alertmanager's: alerts of other servers, and silences, have a memory of their own.
    let is_answered = ANSWERED.contains(&path) || path.starts_with("/api/v2/");
    if is_starting && !is_answered {
        return (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response();
    }
    next.run(request).await
}
