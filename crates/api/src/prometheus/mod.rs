//! `/api/v1`: Prometheus.

mod alerts;
mod matchers;
pub(crate) mod query;
mod rules;
mod series;
mod status;
mod targets;

use std::sync::Arc;

use net::axum::Router;
use net::axum::routing::get;

use crate::sources::Api;

pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/format_query", get(query::format).post(query::format))
        .route("/parse_query", get(query::parse).post(query::parse))
        .route("/labels", get(series::labels).post(series::labels))
        .route("/label/{name}/values", get(series::label_values))
        .route("/series", get(series::series).post(series::series))
        .route("/targets", get(targets::targets))
        .route("/scrape_pools", get(targets::scrape_pools))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(alerts::alerts))
        .route("/alertmanagers", get(alerts::alertmanagers))
        .route("/status/config", get(status::config))
        .route("/status/flags", get(status::flags))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/tsdb", get(status::tsdb))
        .route("/status/walreplay", get(status::wal_replay))
}
