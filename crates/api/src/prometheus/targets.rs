//! `targets`, `scrape_pools`.

use std::collections::BTreeMap;
use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::{ActiveTargetView, Api, DroppedTargetView};

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Targets")]
pub(crate) struct TargetsTwin {
    active_targets: Vec<ActiveTargetView>,
    dropped_targets: Vec<DroppedTargetView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_target_counts: Option<BTreeMap<String, usize>>,
}

pub(crate) async fn targets(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let state = params.get("state").to_lowercase();
    let (shows_active, shows_dropped) = (state != "dropped", state != "active");
    let pool = params.get("scrapePool");
    let is_wanted = |name: &str| pool.is_empty() || pool == name;
    let view = api.targets.targets();
    let active = view
        .active
        .into_iter()
        .filter(|target| shows_active && is_wanted(&target.scrape_pool));
    let dropped = view
        .dropped
        .into_iter()
        .filter(|target| shows_dropped && is_wanted(&target.scrape_pool));
    Ok(success(&TargetsTwin {
        active_targets: active.collect(),
        dropped_targets: dropped.collect(),
        // Of all pools, as in the peer.
        dropped_target_counts: Some(if shows_dropped {
            view.dropped_counts
        } else {
            BTreeMap::new()
        }),
    }))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScrapePools")]
pub(crate) struct PoolsTwin {
    scrape_pools: Vec<String>,
}

pub(crate) async fn scrape_pools(State(api): State<Arc<Api>>) -> Response {
    success(&PoolsTwin {
        scrape_pools: api.targets.pools(),
    })
}
