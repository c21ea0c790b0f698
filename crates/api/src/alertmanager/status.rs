//! `status` and `receivers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::receiver_labels;
use super::error::Error;
use crate::params::Params;
use crate::respond::{json_text, to_json};
use crate::sources::Api;
use crate::time::rfc3339;

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
    peers: Vec<String>,
    status: String,
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

pub(crate) async fn status(State(api): State<Arc<Api>>) -> Response {
    json_text(to_json(&StatusTwin {
        cluster: ClusterTwin {
            peers: Vec::new(),
            status: api.alertmanager.cluster_status(),
        },
        config: ConfigTwin {
            original: api.alertmanager.config_text(),
        },
        uptime: rfc3339(Some(api.started_at)),
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
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, Error> {
    let filter = receiver_labels(&params, api.alertmanager.matcher_mode())?;
    let receivers = api.alertmanager.receivers(&filter);
    let twins = receivers.into_iter().map(|receiver| LabelledTwin {
        labels: receiver.labels,
        name: receiver.name,
    });
    Ok(json_text(to_json(&twins.collect::<Vec<_>>())))
}
