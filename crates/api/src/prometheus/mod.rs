//! `/api/v1`: Prometheus.

pub(crate) mod admin;
pub(crate) mod alerts;
mod exemplars;
pub(crate) mod federate;
mod federate_page;
mod format;
mod matchers;
pub(crate) mod metadata;
pub(crate) mod notifications;
pub(crate) mod otlp;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod relabel_steps;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod series;
pub(crate) mod status;
pub(crate) mod target_metadata;
pub(crate) mod targets;
pub(crate) mod write;

use std::sync::Arc;

use crate::openapi;
use crate::routes::Routes;
use crate::sources::Api;

pub(crate) fn routes() -> Routes<Arc<Api>> {
    Routes::new()
        .form("/query", query::instant)
        .form("/query_range", query::range)
        .form("/query_exemplars", exemplars::exemplars)
        .form("/format_query", format::format)
        .form("/parse_query", format::parse)
        .form("/labels", series::labels)
        .get("/label/{name}/values", series::label_values)
        .form("/series", series::series)
        .get("/metadata", metadata::metadata)
        .get("/targets", targets::targets)
        .get("/targets/metadata", target_metadata::target_metadata)
        .get("/targets/relabel_steps", relabel_steps::steps)
        .get("/scrape_pools", targets::scrape_pools)
        .get("/scrape_pools/config", relabel_steps::pool_config)
        .get("/rules", rules::rules)
        .get("/alerts", alerts::alerts)
        .get("/alertmanagers", alerts::alertmanagers)
        .get("/status/config", status::config)
        .get("/status/flags", status::flags)
        .get("/status/runtimeinfo", status::runtime_info)
        .get("/status/buildinfo", status::build_info)
        .get("/status/tsdb", status::tsdb)
        .get("/status/tsdb/blocks", status::tsdb_blocks)
        .get("/status/walreplay", status::wal_replay)
        .get("/features", status::features)
        .get("/notifications", notifications::notifications)
        .get("/notifications/live", notifications::live)
        .form("/search/metric_names", search::metric_names)
        .form("/search/label_names", search::label_names)
        .form("/search/label_values", search::label_values)
        .post("/read", read::read)
        .post("/write", write::write)
        .post("/otlp/v1/metrics", otlp::metrics)
        .action("/admin/tsdb/delete_series", admin::delete_series)
        .action("/admin/tsdb/clean_tombstones", admin::clean_tombstones)
        .action("/admin/tsdb/snapshot", admin::snapshot)
        .get("/openapi.yaml", openapi::prometheus_yaml)
}
