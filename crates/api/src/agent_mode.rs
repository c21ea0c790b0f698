//! `--agent`: nothing can be queried, so what would need stored samples, rules or blocks is refused, whatever is
//! asked of it. The peer's answers.

use net::axum::extract::{Request, State};
use net::axum::http::StatusCode;
use net::axum::middleware::Next;
use net::axum::response::{IntoResponse, Response};

use crate::respond::{ApiError, ErrorKind, plain_error};
use crate::sources::Mode;

/// Below `/api/v1`; those that end in a slash stand for all that begins so.
const PROMETHEUS: &[&str] = &[
    "/query",
    "/query_range",
    "/query_exemplars",
    "/format_query",
    "/parse_query",
    "/labels",
    "/label/",
    "/series",
    "/search/",
    "/alertmanagers",
    "/alerts",
    "/rules",
    "/status/tsdb",
    "/status/tsdb/blocks",
    "/admin/tsdb/",
];

/// Below `/api/keepwatch/v1`.
const OURS: &[&str] = &[
    "/import",
    "/metrics",
    "/metrics/cardinality",
    "/queries",
    "/queries/",
    "/query/explain",
    "/rules",
];

pub(crate) async fn guard(State(mode): State<Mode>, request: Request, next: Next) -> Response {
    if mode == Mode::Agent {
        let path = request.uri().path();
        if path == "/federate" || path == "/api/v1/read" {
            let text = "unsupported operation with WAL-only storage";
            return plain_error(StatusCode::INTERNAL_SERVER_ERROR, text);
        }
        if needs_storage(path) {
            let text = "unavailable with Prometheus Agent";
            return ApiError::new(ErrorKind::Execution, text).into_response();
        }
    }
    next.run(request).await
}

fn needs_storage(path: &str) -> bool {
    let is_among = |below: &str, refused: &[&str]| {
        refused.iter().any(|refused| match refused.ends_with('/') {
            true => below.starts_with(refused),
            false => below == *refused,
        })
    };
    let of = |root: &str, refused: &[&str]| {
        path.strip_prefix(root)
            .is_some_and(|below| is_among(below, refused))
    };
    of("/api/v1", PROMETHEUS) || of("/api/keepwatch/v1", OURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_samples_is_refused_and_nothing_else() {
        for (path, expected) in [
            ("/api/v1/query", true),
            ("/api/v1/label/job/values", true),
            ("/api/v1/status/tsdb/blocks", true),
            ("/api/v1/admin/tsdb/snapshot", true),
            ("/api/keepwatch/v1/query/explain", true),
            ("/api/v1/targets", false),
            ("/api/v1/metadata", false),
            ("/api/v1/write", false),
            ("/api/v1/status/config", false),
            ("/api/v1/query_unknown", false),
            ("/api/v2/alerts", false),
            ("/metrics", false),
        ] {
            assert_eq!(needs_storage(path), expected, "{path}");
        }
    }
}
