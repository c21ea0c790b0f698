//! `/api/keepwatch/v1`: our own API. What the peers' APIs do not tell, and the lists of the web UI.

pub(crate) mod alerts;
pub(crate) mod boot;
pub(crate) mod config;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod overview;
pub(crate) mod queries;
pub(crate) mod reasons;
pub(crate) mod route;
pub(crate) mod rules;
pub(crate) mod targets;
pub(crate) mod why;

use crate::openapi;
use crate::routes::Routes;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/boot", boot::boot)
        .get("/me", boot::me)
        .get("/overview", overview::overview)
        .get("/reasons", reasons::reasons)
        .get("/objects", reasons::objects)
        .get("/targets", targets::list)
        .get("/targets/dropped", targets::dropped)
        .get("/targets/relabel", targets::relabel)
        .get("/discovery", targets::discovery)
        .get("/why", why::why)
        .get("/rules", rules::list)
        .get("/alerts", alerts::list)
        .get("/route/tree", route::tree)
        .post("/route/explain", route::explain)
        .get("/metrics", metrics::list)
        .get("/metrics/cardinality", metrics::cardinality)
        .get("/config", config::compare)
        .action("/import", import::import)
        .get("/queries", queries::list)
        .delete("/queries/{id}", queries::kill)
        .form("/query/explain", explain::explain)
        .get("/openapi.yaml", openapi::keepwatch_yaml)
}
