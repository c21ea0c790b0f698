//! `alerts/groups`: alerts as they are grouped for their receivers.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::view::{AlertView, GroupView};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::{AlertTwin, ReceiverTwin, parse_filter};
use super::error::Error;
use super::stream::{streamed, write_alert, write_map, write_receiver};
use crate::json::write_labels;
use crate::params::Params;
use crate::sources::AlertingApi;

/// A group in answers; `list` writes it.
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
    let source = Arc::clone(&api.alertmanager);
    let groups = api.alertmanager.groups(&filter).into_iter();
    let pieces = groups.flat_map(|mut group| {
        let alerts = std::mem::take(&mut group.alerts).into_iter();
        let alerts = alerts.map(Piece::Alert);
        std::iter::once(Piece::Start)
            .chain(alerts)
            .chain([Piece::Rest(group)])
    });
    let pieces = pieces.chain([Piece::End]);
    let (mut group_separator, mut separator) = ('[', '[');
    Ok(streamed(pieces, move |out, piece| match piece {
        Piece::Start => {
            out.push(group_separator);
            group_separator = ',';
            separator = '[';
            out.push_str("{\"alerts\":");
        }
        Piece::Alert(view) => {
            out.push(separator);
            separator = ',';
            write_alert(out, &view);
        }
        Piece::Rest(group) => {
            // A group is never without alerts.
            out.push_str("],\"labels\":");
            write_labels(out, &group.labels);
            out.push_str(",\"receiver\":");
            write_receiver(out, &group.receiver);
            out.push_str(",\"routeLabels\":");
            write_map(out, &source.route_labels(&group));
            out.push('}');
        }
        Piece::End if group_separator == '[' => out.push_str("[]"),
        Piece::End => out.push(']'),
    }))
}

/// What the answer is made of, one behind another.
enum Piece {
    Start,
    Alert(AlertView),
    /// What of a group comes behind its alerts.
    Rest(GroupView),
    End,
}
