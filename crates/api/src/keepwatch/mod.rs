//! `/api/keepwatch/v1`: our own API. What the peers' APIs do not tell, and the lists of the web UI.

pub(crate) mod alerts;
pub(crate) mod boot;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod drill;
mod event_prints;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod journal;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod overview;
pub(crate) mod queries;
pub(crate) mod reasons;
pub(crate) mod route;
pub(crate) mod route_compare;
pub(crate) mod route_explain;
pub(crate) mod rule_backfill;
pub(crate) mod rules;
pub(crate) mod silence_preview;
pub(crate) mod silences;
pub(crate) mod targets;
pub(crate) mod timeline;
pub(crate) mod why;

use std::sync::Arc;

use net::axum::extract::FromRef;

use crate::openapi;
use crate::routes::Routes;
use crate::sources::{AlertingApi, Api, JournalApi, TrialApi};

pub(crate) fn routes() -> Routes<Arc<Api>> {
    server_routes().get("/boot", boot::boot)
}

/// The same, for a web UI that knows only what is below `/alertmanager`: it shows the pages of an
/// Alertmanager alone.
pub(crate) fn routes_below_alertmanager() -> Routes<Arc<Api>> {
    server_routes().get("/boot", boot::boot_of_alerting)
}

fn server_routes() -> Routes<Arc<Api>> {
    alerting_routes()
        .get("/events", events::of_server)
        .get("/overview", overview::overview)
        .get("/objects", reasons::objects)
        .get("/targets", targets::list)
        .get("/targets/dropped", targets::dropped)
        .get("/targets/relabel", targets::relabel)
        .get("/discovery", targets::discovery)
        .get("/why", why::why)
        .get("/rules", rules::list)
        .get("/rules/backfill", rule_backfill::backfill)
        .get("/metrics", metrics::list)
        .get("/metrics/cardinality", metrics::cardinality)
        .get("/config", config::compare)
        .action("/import", import::import)
        .get("/queries", queries::list)
        .get("/queries/recent", queries::recent)
        .delete("/queries/{id}", queries::kill)
        .form("/query/check", check::check)
        .form("/query/explain", explain::explain)
        .get("/openapi.yaml", openapi::keepwatch_yaml)
}

/// What an Alertmanager alone has.
pub(crate) fn routes_of_alerting() -> Routes<AlertingApi> {
    alerting_routes()
        .get("/boot", boot::boot_of_alerting)
        .get("/events", events::of_alerting)
}

fn alerting_routes<S: Clone + Send + Sync + 'static>() -> Routes<S>
where
    AlertingApi: FromRef<S>,
    JournalApi: FromRef<S>,
    TrialApi: FromRef<S>,
{
    Routes::new()
        .get("/journal", journal::journal)
        .get("/alerts/{fingerprint}/timeline", timeline::timeline)
        .post("/alerts/drill", drill::drill)
        .get("/me", boot::me)
        .get("/reasons", reasons::reasons)
        .get("/alerts", alerts::list)
        .get("/silences", silences::list)
        .form("/silences/preview", silence_preview::preview)
        .get("/route/tree", route::tree)
        .post("/route/explain", route_explain::explain)
        .post("/route/compare", route_compare::compare)
}
