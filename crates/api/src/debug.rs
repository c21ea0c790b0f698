//! `/debug/pprof/`: what both peers tell of their process without being profiled. Profiles are of Go's runtime,
//! and there is none here.

use net::axum::Router;
use net::axum::http::header;
use net::axum::response::{IntoResponse, Response};
use net::axum::routing::get;

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/debug/pprof/cmdline", get(command_line))
}

/// The program and its arguments, with a NUL between them.
async fn command_line() -> Response {
    let arguments: Vec<_> = std::env::args_os().collect();
    let bytes: Vec<&[u8]> = arguments
        .iter()
        .map(|argument| argument.as_encoded_bytes())
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, bytes.join(&0)).into_response()
}
