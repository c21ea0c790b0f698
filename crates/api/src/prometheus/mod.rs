//! `/api/v1`: Prometheus.

mod admin;
mod alerts;
mod exemplars;
mod format;
mod matchers;
pub(crate) mod query;
mod rules;
pub(crate) mod series;
mod status;
mod targets;
pub(crate) mod write;

use std::sync::Arc;

use net::axum::Router;
use net::axum::routing::{get, post};

use crate::sources::Api;

pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route(
            "/query_exemplars",
            get(exemplars::exemplars).post(exemplars::exemplars),
        )
        .route("/format_query", get(format::format).post(format::format))
        .route("/parse_query", get(format::parse).post(format::parse))
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
        .route("/status/tsdb/blocks", get(status::tsdb_blocks))
        .route("/status/walreplay", get(status::wal_replay))
        .route("/write", post(write::write))
        .nest("/admin/tsdb", administration())
}

/// Behind `--web.enable-admin-api`.
fn administration() -> Router<Arc<Api>> {
    Router::new()
        .route(
            "/delete_series",
            post(admin::delete_series).put(admin::delete_series),
        )
        .route(
            "/clean_tombstones",
            post(admin::clean_tombstones).put(admin::clean_tombstones),
        )
        .route("/snapshot", post(admin::snapshot).put(admin::snapshot))
}
