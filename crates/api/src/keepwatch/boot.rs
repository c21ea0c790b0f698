//! `boot` and `me`: what the web UI must know before it shows anything.

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::success;
use crate::routes::Routes;
use crate::sources::{Access, AlertingApi, Readiness};
use crate::time::rfc3339;

/// Who asks, and what they may do.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Me")]
pub(crate) struct MeTwin {
    /// Nobody signs in yet: a proxy in front decides who gets here.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// `--web.read-only`: requests that change something are refused.
    is_read_only: bool,
    /// What may be changed: `reload`, and `admin` for series, tombstones and snapshots.
    may: Vec<&'static str>,
}

impl MeTwin {
    fn of(api: &AlertingApi) -> Self {
        let is_read_only = api.access == Access::ReadOnly;
        let mut may = Vec::new();
        if api.lifecycle.is_enabled && !is_read_only {
            may.push("reload");
        }
        if api.is_admin_enabled && !is_read_only {
            may.push("admin");
        }
        Self {
            user: None,
            is_read_only,
            may,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Boot")]
pub(crate) struct BootTwin {
    version: &'static str,
    /// RFC 3339.
    started_at: String,
    /// RFC 3339; tells the browser how far its clock is off.
    now: String,
    is_ready: bool,
    external_url: String,
    /// Paths of this API, so that the UI shows nothing that is not there.
    paths: Vec<&'static str>,
    me: MeTwin,
}

pub(crate) async fn boot(State(api): State<AlertingApi>) -> Response {
    told(&api, &super::routes())
}

/// Of an Alertmanager alone.
pub(crate) async fn boot_of_alerting(State(api): State<AlertingApi>) -> Response {
    told(&api, &super::routes_of_alerting())
}

fn told<S: Clone + Send + Sync + 'static>(api: &AlertingApi, routes: &Routes<S>) -> Response {
    let mut paths: Vec<&'static str> = routes.known().iter().map(|(at, _)| *at).collect();
    paths.dedup();
    let is_ready = *api.lifecycle.readiness.borrow() == Readiness::Ready;
    success(&BootTwin {
        version: api.version,
        started_at: rfc3339(Some(api.started_at)),
        now: rfc3339(Some(api.clock.now())),
        is_ready,
        external_url: api.external_url.clone(),
        paths,
        me: MeTwin::of(api),
    })
}

pub(crate) async fn me(State(api): State<AlertingApi>) -> Response {
    success(&MeTwin::of(&api))
}
