//! `status` and `receivers`.

use std::collections::BTreeMap;

use alerting::Time;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::receiver_labels;
use super::answer;
use super::error::Error;
use crate::params::Params;
use crate::respond::to_json;
use crate::sources::{AlertingApi, ClusterView};

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertmanagerStatus")]
pub(crate) struct StatusTwin {
    cluster: ClusterTwin,
    config: ConfigTwin,
    uptime: String,
    version_info: VersionTwin,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClusterStatus")]
pub(crate) struct ClusterTwin {
    /// Of this node; absent if it is no member of a mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    peers: Vec<PeerTwin>,
    status: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PeerStatus")]
pub(crate) struct PeerTwin {
    address: String,
    name: String,
}

fn cluster(view: ClusterView) -> ClusterTwin {
    let status = view.status();
    let (name, peers) = match view {
        ClusterView::Disabled => (None, Vec::new()),
        ClusterView::Enabled { name, peers, .. } => (Some(name), peers),
    };
    let peers = peers.into_iter().map(|(name, address)| PeerTwin {
        address: address.to_string(),
        name,
    });
    ClusterTwin {
        name,
        peers: peers.collect(),
        status,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertmanagerConfig")]
pub(crate) struct ConfigTwin {
    original: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "VersionInfo")]
pub(crate) struct VersionTwin {
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: &'static str,
    version: &'static str,
}

pub(crate) async fn status(State(api): State<AlertingApi>) -> Response {
    answer(to_json(&StatusTwin {
        cluster: cluster(api.alertmanager.cluster()),
        config: ConfigTwin {
            original: api.alertmanager.config_text(),
        },
        uptime: Time::from(api.started_at).to_api_text(),
        version_info: VersionTwin {
            branch: "",
            build_date: "",
            build_user: "",
            go_version: "",
            revision: "",
            version: api.version,
        },
    }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReceiverWithLabels")]
pub(crate) struct LabelledTwin {
    labels: BTreeMap<String, String>,
    name: String,
}

pub(crate) async fn receivers(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, Error> {
    let filter = receiver_labels(&params, api.alertmanager.matcher_mode())?;
    let receivers = api.alertmanager.receivers(&filter);
    let twins = receivers.into_iter().map(|receiver| LabelledTwin {
        labels: receiver.labels,
        name: receiver.name,
    });
    Ok(answer(to_json(&twins.collect::<Vec<_>>())))
}
