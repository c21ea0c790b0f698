//! Alertmanager as its clients know it, with the peer's answers where nothing is served: at the root of an
//! Alertmanager alone; else below the path of its external URL, where the handlers are those of the root.

use std::collections::BTreeMap;
use std::sync::Arc;

use net::axum::Router;
use net::axum::body::HttpBody as _;
use net::axum::extract::{MatchedPath, OriginalUri, Request, State};
use net::axum::http::header::{self, HeaderName, HeaderValue};
use net::axum::http::{HeaderMap, Method, StatusCode, Uri};
use net::axum::middleware::{Next, from_fn_with_state};
use net::axum::response::{IntoResponse, Response};
use net::axum::routing::{any, get};
use serde::Serialize;
use tower::ServiceExt as _;

use super::error::Error;
use super::media;
use crate::debug;
use crate::lifecycle;
use crate::respond::{plain_error, to_json};
use crate::routes::Routes;
use crate::sources::AlertingApi;

/// What the methods of other origins' requests may be, and their headers in lower case.
const CORS_METHODS: [&str; 3] = ["GET", "HEAD", "POST"];
const CORS_HEADERS: [&str; 3] = ["accept", "content-type", "x-requested-with"];

/// Without what is ours.
pub(crate) fn router() -> Router<AlertingApi> {
    let routes = super::peer_routes();
    let allowed = Arc::new(allowed(&routes));
    let peer = || from_fn_with_state(Arc::clone(&allowed), as_the_peer);
    let served = Router::new().nest("/api/v2", routes.into_router().layer(peer()));
    let again = served.clone().fallback(nothing_here);
    let elsewhere =
        move |State(api): State<AlertingApi>, original: OriginalUri, request: Request| {
            let served = again.clone().with_state(api);
            async move {
                match without_last_slash(request) {
                    Some(mut request) => {
                        request.extensions_mut().insert(original);
                        served.oneshot(request).await.into_response()
                    }
                    None => nothing_here(original).await.into_response(),
                }
            }
        };
    served
        .route("/api/v2/", any(nothing_here).layer(peer()))
        .route("/api/v2/{*path}", any(elsewhere).layer(peer()))
        .route("/api/v1/{*path}", any(version_1))
        .route("/-/healthy", get(healthy).fallback(only_get))
        .route("/-/ready", get(healthy).fallback(only_get))
        .route(
            "/-/reload",
            net::axum::routing::post(lifecycle::reload).fallback(only_post),
        )
        .route("/metrics", get(metrics))
        .merge(debug::router())
}

async fn healthy() -> &'static str {
    "OK"
}

async fn only_get(method: Method) -> Response {
    not_allowed(&method, "GET, HEAD, OPTIONS")
}

async fn only_post(method: Method) -> Response {
    not_allowed(&method, "OPTIONS, POST")
}

/// Another method than those; OPTIONS asks just for them.
fn not_allowed(method: &Method, allowed: &'static str) -> Response {
    let mut response = match *method {
        Method::OPTIONS => StatusCode::OK.into_response(),
        _ => plain_error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
    };
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn metrics(State(api): State<AlertingApi>) -> Response {
    let media_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    ([(header::CONTENT_TYPE, media_type)], api.metrics.render()).into_response()
}

#[derive(Serialize)]
struct GoneTwin {
    status: &'static str,
    error: &'static str,
}

async fn version_1() -> Response {
    let body = to_json(&GoneTwin {
        status: "deprecated",
        error: "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API",
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::GONE, json, body).into_response()
}

/// The path as the API calls it, without what stands before it.
fn path_of(original: &Uri) -> String {
    let path = original.path();
    let from = path.find("/api/v2").unwrap_or(0);
    path.get(from..).unwrap_or_default().to_owned()
}

async fn nothing_here(OriginalUri(original): OriginalUri) -> Error {
    Error::Schema {
        status: StatusCode::NOT_FOUND,
        code: 404,
        message: format!("path {} was not found", path_of(&original)),
    }
}

/// The same request without the slash at the end of its path, which the peer does not see; none if there is none,
/// or nothing else.
fn without_last_slash(mut request: Request) -> Option<Request> {
    let uri = request.uri();
    let path = uri.path().strip_suffix('/')?;
    let shorter = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    *request.uri_mut() = shorter.parse().ok()?;
    Some(request)
}

/// The methods that each path takes, as the peer lists them.
type Allowed = BTreeMap<&'static str, String>;

fn allowed(routes: &Routes<AlertingApi>) -> Allowed {
    let mut allowed = Allowed::new();
    // By path and then by method, so that methods are in order.
    for (path, method) in routes.known() {
        let methods = allowed.entry(path).or_default();
        if !methods.is_empty() {
            methods.push(',');
        }
        methods.push_str(&method.to_ascii_uppercase());
    }
    allowed
}

/// Headers that every answer has, requests of other origins, and methods that a path does not take.
async fn as_the_peer(
    State(allowed): State<Arc<Allowed>>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let is_foreign = request.headers().contains_key(header::ORIGIN);
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        return preflight(request.headers());
    }
    let method = request.method().clone();
    let path = matched.as_ref().map_or("", MatchedPath::as_str);
    let path = path.rsplit("/api/v2").next().unwrap_or_default();
    let methods = allowed.get(path).map(String::as_str);
    let mut response = match methods {
        None => next.run(request).await,
        // Unlike axum, the peer does not take HEAD for GET.
        Some(methods) if !methods.split(',').any(|one| one == method.as_str()) => {
            wrong_method(&method, methods)
        }
        Some(_) => match refusal(&request) {
            Some(error) => error.into_response(),
            None => next.run(request).await,
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if is_foreign && CORS_METHODS.contains(&method.as_str()) {
        let any = HeaderValue::from_static("*");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    response
}

/// Why the answer cannot be JSON. The peer answers who sends a body in the type of that, whatever is accepted.
fn refusal(request: &Request) -> Option<Error> {
    if !request.body().is_end_stream() {
        return None;
    }
    media::check_accepted(request.headers()).err()
}

fn wrong_method(method: &Method, allowed: &str) -> Response {
    let mut response = Error::Schema {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: 405,
        message: format!("method {method} is not allowed, but [{allowed}] are"),
    }
    .into_response();
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let text = |name: HeaderName| {
        let value = asked.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_static(
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        ),
    );
    let method = text(header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default();
    let wanted = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let is_known = |name: &str| CORS_HEADERS.contains(&name.trim().to_ascii_lowercase().as_str());
    let are_known = wanted.is_empty() || wanted.split(',').all(is_known);
    if !asked.contains_key(header::ORIGIN) || !CORS_METHODS.contains(&&*method) || !are_known {
        return response;
    }
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, method),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
    response
}
