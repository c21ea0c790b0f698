//! `/-/healthy`, `/-/ready`, `/-/reload`, `/-/quit` and `/metrics`.

use std::sync::Arc;

use net::axum::Router;
use net::axum::extract::State;
use net::axum::http::{StatusCode, header};
use net::axum::response::{IntoResponse, Response};
use net::axum::routing::{get, post};
use tokio::sync::oneshot;

use crate::respond::plain_error;
use crate::sources::{AlertingApi, Api, LifecycleRequest, Readiness};

pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload).put(reload).fallback(only_post))
        .route("/-/quit", post(quit).put(quit).fallback(only_post))
}

async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

async fn ready(State(api): State<AlertingApi>) -> Response {
    let readiness = *api.lifecycle.readiness.borrow();
    match readiness {
        Readiness::Ready => "Prometheus Server is Ready.\n".into_response(),
        Readiness::Starting => {
            (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response()
        }
        Readiness::Stopping => (
            StatusCode::SERVICE_UNAVAILABLE,
            [("x-prometheus-stopping", "true")],
            "Service Unavailable",
        )
            .into_response(),
    }
}

async fn only_post() -> Response {
    (
        StatusCode::METHOD_NOT_ALLOWED,
        "Only POST or PUT requests allowed",
    )
        .into_response()
}

fn refuse() -> Response {
    (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.").into_response()
}

pub(crate) async fn reload(State(api): State<AlertingApi>) -> Response {
    if !api.lifecycle.is_enabled {
        return refuse();
    }
    let (answer, answered) = oneshot::channel();
    let gone = || (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response();
    if api
        .lifecycle
        .requests
        .send(LifecycleRequest::Reload(answer))
        .await
        .is_err()
    {
        return gone();
    }
    match answered.await {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(problems)) => plain_error(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("failed to reload config: {problems}"),
        ),
        Err(_) => gone(),
    }
}

async fn quit(State(api): State<AlertingApi>) -> Response {
    if !api.lifecycle.is_enabled {
        return refuse();
    }
    // If the main task is gone, the server is stopping already.
    let _ = api.lifecycle.requests.send(LifecycleRequest::Quit).await;
    "Requesting termination... Goodbye!".into_response()
}

pub(crate) async fn metrics(State(api): State<AlertingApi>) -> Response {
    let page = api.metrics.render();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8; escaping=values",
        )],
        page,
    )
        .into_response()
}
