//! `/api/v2`: Alertmanager.

pub(crate) mod alerts;
mod body;
mod error;
pub(crate) mod groups;
pub(crate) mod silences;
pub(crate) mod status;

use crate::openapi;
use crate::routes::Routes;

pub(crate) fn routes() -> Routes {
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
        .get("/openapi.yaml", openapi::alertmanager_yaml)
}
