//! `/api/v2`: Alertmanager.

pub(crate) mod alerts;
mod body;
mod error;
pub(crate) mod groups;
mod media;
mod router;
pub(crate) mod silences;
pub(crate) mod status;
mod stream;
mod usual;

pub(crate) use router::router;

use net::axum::response::Response;

use crate::openapi;
use crate::respond::json_text;
use crate::routes::Routes;
use crate::sources::AlertingApi;

pub(crate) fn routes() -> Routes<AlertingApi> {
    peer_routes().get("/openapi.yaml", openapi::alertmanager_yaml)
}

/// A JSON answer of a handler, with the line break at its end that Go's encoder writes.
fn answer(mut text: String) -> Response {
    text.push('\n');
    json_text(text)
}

/// What Alertmanager has.
fn peer_routes() -> Routes<AlertingApi> {
    Routes::new()
        .get("/status", status::status)
        .get("/receivers", status::receivers)
        .get("/alerts", alerts::list)
        .post("/alerts", alerts::post)
        .get("/alerts/groups", groups::list)
        .get("/silences", silences::list)
        .post("/silences", silences::post)
        .get("/silence/{id}", silences::show)
        .delete("/silence/{id}", silences::expire)
}
