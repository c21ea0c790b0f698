//! `route/tree`: where alerts go.

use std::collections::HashMap;
use std::sync::Arc;

use alerting::NotNotified;
use alerting::route::{Route, RouteOptions, RouteTree};
use alerting::view::AlertFilter;
use config::alertmanager::matchers::matcher_to_text;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Route")]
pub(crate) struct RouteTwin {
    id: String,
    receiver: String,
    matchers: Vec<String>,
    continues: bool,
    /// `...` alone means every label.
    group_by: Vec<String>,
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    mute_time_intervals: Vec<String>,
    active_time_intervals: Vec<String>,
    /// Alerts in groups of this route now.
    alerts: usize,
    /// Nothing can ever come here, because an earlier sibling takes all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    never_matches: Option<String>,
    children: Vec<RouteTwin>,
}

/// The whole tree with its receivers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Routing")]
pub(crate) struct TreeTwin {
    root: RouteTwin,
    receivers: Vec<ReceiverTwin>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RoutingReceiver")]
pub(crate) struct ReceiverTwin {
    name: String,
    /// Kinds of its integrations; none: nobody is told.
    integrations: Vec<String>,
}

fn route_twin(tree: &RouteTree, route: &Route, alerts: &HashMap<Arc<str>, usize>) -> RouteTwin {
    let options = &route.options;
    let children: Vec<&Route> = tree.children(route).collect();
    let twins = children.iter().enumerate().map(|(position, child)| {
        let mut twin = route_twin(tree, child, alerts);
        let mut earlier = children.iter().take(position);
        let taker = earlier.find(|sibling| takes_all_of(sibling, child));
        twin.never_matches = taker.map(|sibling| {
            format!(
                "an earlier route to {} takes everything that this one matches, and does not continue",
                sibling.options.receiver
            )
        });
        twin
    });
    RouteTwin {
        id: route.id.to_string(),
        receiver: options.receiver.to_string(),
        matchers: route.matchers.iter().map(matcher_to_text).collect(),
        continues: route.continues,
        group_by: group_by(options),
        group_wait: options.group_wait.to_string(),
        group_interval: options.group_interval.to_string(),
        repeat_interval: options.repeat_interval.to_string(),
        mute_time_intervals: options.mute_time_intervals.clone(),
        active_time_intervals: options.active_time_intervals.clone(),
        alerts: alerts.get(&route.id).copied().unwrap_or(0),
        never_matches: None,
        children: twins.collect(),
    }
}

pub(super) fn group_by(options: &RouteOptions) -> Vec<String> {
    if options.groups_by_all {
        vec!["...".to_owned()]
    } else {
        options.group_by.iter().cloned().collect()
    }
}

/// Whether every alert that `later` matches ends at `sibling` before. May miss some cases: it compares
/// matchers as they are written.
fn takes_all_of(sibling: &Route, later: &Route) -> bool {
    !sibling.continues
        && sibling
            .matchers
            .iter()
            .all(|matcher| later.matchers.contains(matcher))
}

pub(crate) async fn tree(State(api): State<AlertingApi>) -> Result<Response, ApiError> {
    let routing = api.alertmanager.routing();
    let mut alerts: HashMap<Arc<str>, usize> = HashMap::new();
    for group in api.alertmanager.groups(&AlertFilter::default()) {
        *alerts.entry(group.route_id).or_default() += group.alerts.len();
    }
    let root = routing.tree.routes().first();
    let root = root.ok_or_else(|| ApiError::bad_data("there is no route"))?;
    Ok(success(&TreeTwin {
        root: route_twin(&routing.tree, root, &alerts),
        receivers: routing
            .receivers
            .into_iter()
            .map(|(name, integrations)| ReceiverTwin { name, integrations })
            .collect(),
    }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Suppressed")]
pub(crate) struct SuppressedTwin {
    code: &'static str,
    message: String,
}

pub(super) fn suppressed(reason: &NotNotified) -> SuppressedTwin {
    SuppressedTwin {
        code: diag::Reason::code(reason),
        message: reason.to_string(),
    }
}
