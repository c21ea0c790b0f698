//! `alerts/groups`: alerts as they are grouped for their receivers.

use std::collections::BTreeMap;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::{AlertTwin, ReceiverTwin, parse_filter};
use super::error::Error;
use crate::params::Params;
use crate::respond::{json_text, to_json};
use crate::sources::AlertingApi;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NotifiedGroup")]
pub(crate) struct GroupTwin {
    alerts: Vec<AlertTwin>,
    labels: BTreeMap<String, String>,
    receiver: ReceiverTwin,
    #[serde(rename = "routeLabels")]
    route_labels: BTreeMap<String, String>,
}

pub(crate) async fn list(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, Error> {
    let filter = parse_filter(&params, api.alertmanager.matcher_mode())?;
    let groups = api
        .alertmanager
        .groups(&filter)
        .into_iter()
        .map(|group| GroupTwin {
            route_labels: api.alertmanager.route_labels(&group),
            alerts: group.alerts.into_iter().map(AlertTwin::of).collect(),
            labels: group.labels.to_map(),
            receiver: ReceiverTwin {
                name: group.receiver.to_string(),
            },
        });
    Ok(json_text(to_json(&groups.collect::<Vec<_>>())))
}
