//! `/api/v2`: Alertmanager.

mod alerts;
mod error;
mod groups;
mod status;

use std::sync::Arc;

use net::axum::Router;
use net::axum::routing::get;

use crate::sources::Api;

pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/status", get(status::status))
        .route("/receivers", get(status::receivers))
        .route("/alerts", get(alerts::list).post(alerts::post))
        .route("/alerts/groups", get(groups::list))
}
