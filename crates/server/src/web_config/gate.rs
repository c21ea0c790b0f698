//! What each request goes through before anything answers it: the rate, the user, the headers of the answer.

use std::sync::Arc;
use std::time::Instant;

use net::axum::Router;
use net::axum::extract::{Request, State};
use net::axum::http::{HeaderName, HeaderValue, StatusCode, header};
use net::axum::middleware::{Next, from_fn_with_state};
use net::axum::response::{IntoResponse, Response};
use net::passwords::Credentials;

use super::WebConfigFile;

pub(super) fn guard(file: Arc<WebConfigFile>, router: Router) -> Router {
    // As a fallback the router is asked for every path, also for those that it does not know.
    Router::new()
        .fallback_service(router)
        .layer(from_fn_with_state(file, pass))
}

async fn pass(State(file): State<Arc<WebConfigFile>>, request: Request, next: Next) -> Response {
    let passwords = file.passwords.clone();
    let Ok(settings) = tokio::task::spawn_blocking(move || file.settings()).await else {
        return short(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let rate = settings.rate.as_ref();
    if rate.is_some_and(|rate| !rate.admits(Instant::now())) {
        return short(StatusCode::TOO_MANY_REQUESTS);
    }
    let is_let_in = settings.users.is_empty()
        || match Credentials::of(request.headers()) {
            Some(given) => passwords.is_right(&settings.users, &given).await,
            None => false,
        };
    let mut response = if is_let_in {
        next.run(request).await
    } else {
        let mut response = short(StatusCode::UNAUTHORIZED);
        let scheme = HeaderValue::from_static("Basic");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
        response
    };
    for (name, value) in &settings.headers {
        // What an answer says itself goes before.
        let entry = response.headers_mut().entry(name);
        entry.or_insert_with(|| value.clone());
    }
    response
}

/// The words of the status, as the peers answer.
fn short(status: StatusCode) -> Response {
    const NO_SNIFFING: (HeaderName, HeaderValue) = (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let words = format!("{}\n", status.canonical_reason().unwrap_or_default());
    (status, [NO_SNIFFING], words).into_response()
}
