//! `status/…`: configuration, flags, runtime, build, storage, replay.

use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, success, to_json};
use crate::sources::Api;
use crate::time::rfc3339;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Config")]
pub(crate) struct ConfigTwin {
    pub(super) yaml: String,
}

pub(crate) async fn config(State(api): State<Arc<Api>>) -> Response {
    success(&ConfigTwin {
        yaml: api.config.yaml(),
    })
}

pub(crate) async fn flags(State(api): State<Arc<Api>>, params: Params) -> Response {
    success(&match params.get("all") {
        "true" => api.config.all_flags(),
        _ => api.config.flags(),
    })
}

/// Keys that speak of Go's runtime keep the values that mean "not limited".
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuntimeInfo")]
pub(crate) struct RuntimeTwin {
    start_time: String,
    #[serde(rename = "CWD")]
    working_dir: String,
    hostname: String,
    server_time: String,
    reload_config_success: bool,
    last_config_time: String,
    corruption_count: u64,
    goroutine_count: usize,
    #[serde(rename = "GOMAXPROCS")]
    processors: usize,
    #[serde(rename = "GOMEMLIMIT")]
    memory_limit: i64,
    #[serde(rename = "GOGC")]
    gogc: &'static str,
    #[serde(rename = "GODEBUG")]
    godebug: &'static str,
    storage_retention: String,
}

pub(crate) async fn runtime_info(State(api): State<Arc<Api>>) -> Response {
    let (reload_config_success, last_config_time) = api.config.last_reload();
    success(&RuntimeTwin {
        start_time: rfc3339(Some(api.started_at)),
        working_dir: std::env::current_dir()
            .map(|dir| dir.display().to_string())
            .unwrap_or_default(),
        hostname: std::fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        server_time: rfc3339(Some(api.clock.now())),
        reload_config_success,
        last_config_time: rfc3339(Some(last_config_time)),
        corruption_count: 0,
        goroutine_count: tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory_limit: i64::MAX,
        gogc: "",
        godebug: "",
        storage_retention: api.config.retention_text(),
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BuildInfo")]
pub(crate) struct BuildTwin {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

impl BuildTwin {
    fn of(api: &Api) -> Self {
        Self {
            version: api.version,
            revision: "",
            branch: "",
            build_user: "",
            build_date: "",
            go_version: "",
        }
    }
}

pub(crate) async fn build_info(State(api): State<Arc<Api>>) -> Response {
    success(&BuildTwin::of(&api))
}

/// `/version`: the same without an envelope. As in the peer, the type says text.
pub(crate) async fn version(State(api): State<Arc<Api>>) -> String {
    to_json(&BuildTwin::of(&api)) + "\n"
}

pub(crate) async fn features(State(api): State<Arc<Api>>) -> Response {
    success(&api.features)
}

/// As the peer has it: the lists are sorted while they are made.
const TSDB_LIMIT_MAX: usize = 10_000;

pub(crate) async fn tsdb(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = match params.some("limit") {
        None => 10,
        Some(text) => {
            let limit: usize = text
                .parse()
                .map_err(|_| ApiError::bad_data("limit must be a positive number"))?;
            if limit < 1 {
                return Err(ApiError::bad_data("limit must be a positive number"));
            }
            if limit > TSDB_LIMIT_MAX {
                return Err(ApiError::bad_data(format!(
                    "limit must not exceed {TSDB_LIMIT_MAX}"
                )));
            }
            limit
        }
    };
    Ok(success(&api.tsdb.status(limit)))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Blocks")]
pub(crate) struct BlocksTwin {
    blocks: Vec<serde_json::Value>,
}

pub(crate) async fn tsdb_blocks(State(api): State<Arc<Api>>) -> Response {
    success(&BlocksTwin {
        blocks: api.tsdb.blocks(),
    })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReplayProgress")]
pub(crate) struct ReplayTwin {
    min: u64,
    max: u64,
    current: u64,
}

pub(crate) async fn wal_replay(State(api): State<Arc<Api>>) -> Response {
    let progress = api.tsdb.replay_progress();
    success(&ReplayTwin {
        min: progress.first,
        max: progress.last,
        current: progress.current,
    })
}
