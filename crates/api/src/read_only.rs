//! `--web.read-only`: requests that change something are refused, whatever their path.

use net::axum::extract::{Request, State};
use net::axum::http::{Method, StatusCode};
use net::axum::middleware::Next;
use net::axum::response::{IntoResponse, Response};

use crate::sources::Access;

/// Paths that only read, though they take POST: their parameters may be too long for a URL.
const READING: &[&str] = &[
    "/query",
    "/query_range",
    "/query_exemplars",
    "/format_query",
    "/parse_query",
    "/labels",
    "/series",
    "/read",
    "/query/check",
    "/query/explain",
    "/route/explain",
    "/route/compare",
    "/silences/preview",
];

pub(crate) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    if access == Access::ReadOnly && changes(request.method(), request.uri().path()) {
        return (
            StatusCode::FORBIDDEN,
            "this server is read-only (--web.read-only)\n",
        )
            .into_response();
    }
    next.run(request).await
}

fn changes(method: &Method, path: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let below = ["/api/v1", "/api/keepwatch/v1"]
        .iter()
        .find_map(|root| path.find(root).and_then(|at| path.get(at + root.len()..)));
    !(*method == Method::POST && below.is_some_and(|below| READING.contains(&below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_passes() {
        for (method, path, expected) in [
            (Method::GET, "/-/reload", false),
            (Method::POST, "/-/reload", true),
            (Method::PUT, "/-/quit", true),
            (Method::POST, "/api/v1/query", false),
            (Method::POST, "/prefix/api/v1/query_range", false),
            (Method::PUT, "/api/v1/query", true),
            (Method::POST, "/api/v1/write", true),
            (Method::POST, "/api/v1/admin/tsdb/snapshot", true),
            (Method::POST, "/api/v2/alerts", true),
            (Method::POST, "/alertmanager/api/v2/silences", true),
            (Method::DELETE, "/api/v2/silence/x", true),
            (Method::DELETE, "/api/keepwatch/v1/queries/1", true),
            (Method::POST, "/api/keepwatch/v1/route/explain", false),
            (Method::POST, "/api/keepwatch/v1/route/compare", false),
            (Method::POST, "/api/keepwatch/v1/silences/preview", false),
            (Method::POST, "/api/keepwatch/v1/alerts/drill", true),
            (Method::POST, "/elsewhere/query", true),
        ] {
            assert_eq!(changes(&method, path), expected, "{method} {path}");
        }
    }
}
