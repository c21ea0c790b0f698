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
    let groups = api.alertmanager.groups(&filter);
    let source = Arc::clone(&api.alertmanager);
    Ok(answer(groups, move |group| source.route_labels(group)))
}

fn answer(
    groups: Vec<GroupView>,
    route_labels: impl Fn(&GroupView) -> BTreeMap<String, String> + Send + 'static,
) -> Response {
    let pieces = groups.into_iter().flat_map(|mut group| {
        let alerts = std::mem::take(&mut group.alerts).into_iter();
        std::iter::once(Piece::Start)
            .chain(alerts.map(Piece::Alert))
            .chain([Piece::Rest(group)])
    });
    let (mut group_separator, mut separator) = ('[', '[');
    streamed(pieces.chain([Piece::End]), move |out, piece| match piece {
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
            write_map(out, &route_labels(&group));
            out.push('}');
        }
        Piece::End if group_separator == '[' => out.push_str("[]"),
        Piece::End => out.push(']'),
    })
}

/// What the answer is made of, one behind another.
enum Piece {
    Start,
    Alert(AlertView),
    /// What of a group comes behind its alerts.
    Rest(GroupView),
    End,
}

#[cfg(test)]
mod tests {
    use model::{Labels, Timestamp};
    use net::axum::body::to_bytes;

    use super::super::stream::tests::view;
    use super::*;
    use crate::respond::to_json;

    fn group(alerts: i64) -> GroupView {
        GroupView {
            labels: Labels::from_pairs([("team", "a<b")]),
            receiver: "pager\"1".into(),
            group_key: "{}".into(),
            route_id: "{}".into(),
            route_labels: Arc::default(),
            members: Vec::new(),
            alerts: (0..alerts).map(view).collect(),
            flush_at: Timestamp(0),
        }
    }

    fn route_labels(group: &GroupView) -> BTreeMap<String, String> {
        BTreeMap::from([("of".to_owned(), group.receiver.to_string())])
    }

    fn twin(group: GroupView) -> GroupTwin {
        GroupTwin {
            route_labels: route_labels(&group),
            labels: group.labels.to_map(),
            receiver: ReceiverTwin {
                name: group.receiver.to_string(),
            },
            alerts: group.alerts.into_iter().map(AlertTwin::of).collect(),
        }
    }

    #[tokio::test]
    async fn groups_are_written_as_the_document_says() {
        let sizes: [&[i64]; 4] = [&[], &[1], &[3, 2], &[900, 1]];
        for sizes in sizes {
            let all = || sizes.iter().copied().map(group);
            let response = answer(all().collect(), route_labels);
            let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
            let twins: Vec<GroupTwin> = all().map(twin).collect();
            assert_eq!(body, to_json(&twins) + "\n");
        }
    }
}
