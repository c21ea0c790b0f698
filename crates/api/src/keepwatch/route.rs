//! `route/tree` and `route/explain`: where alerts go, and why.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alerting::NotNotified;
use alerting::route::{Route, RouteOptions, RouteTree, Visit};
use alerting::view::AlertFilter;
use config::alertmanager::matchers::matcher_to_text;
use model::Labels;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;
use crate::time::{parse_time, rfc3339};

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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteQuestion")]
pub(crate) struct QuestionTwin {
    labels: BTreeMap<String, String>,
    /// RFC 3339 or seconds; now if left out.
    #[schemars(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteAnswer")]
pub(crate) struct AnswerTwin {
    /// What each route of the tree says, by the route's id.
    visits: BTreeMap<String, VisitTwin>,
    /// The routes that the alert ends at.
    ends: Vec<EndTwin>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RouteVisit")]
pub(crate) struct VisitTwin {
    /// `end`, `passed`, `differs` or `not-reached`.
    outcome: &'static str,
    /// For people: the first label that differs, or who took the alert.
    because: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteEnd")]
pub(crate) struct EndTwin {
    route_id: String,
    receiver: String,
    integrations: Vec<IntegrationTwin>,
    group_key: String,
    group_labels: BTreeMap<String, String>,
    group_wait: String,
    repeat_interval: String,
    /// RFC 3339; when the alert's group is looked at next, if the alert is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_flush: Option<String>,
    /// Why nobody would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressedTwin>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RouteIntegration")]
pub(crate) struct IntegrationTwin {
    name: String,
    /// `nothing`, `firing` or `resolved`: what it was told about this alert last.
    told: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    told_at: Option<String>,
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

fn visit_twin(tree: &RouteTree, route: &Route, visit: &Visit, labels: &Labels) -> VisitTwin {
    let (outcome, because) = match visit {
        Visit::End => ("end", String::new()),
        Visit::Passed => ("passed", String::new()),
        Visit::Differs { matcher } => {
            let matcher = route.matchers.get(*matcher);
            let name = matcher.map_or("", |matcher| matcher.name());
            let because = match labels.get(name) {
                Some(value) => format!("{name} is {value:?}"),
                None => format!("there is no label {name}"),
            };
            ("differs", because)
        }
        Visit::ParentDiffers => ("not-reached", "the route above does not match".to_owned()),
        Visit::TakenBy { route } => {
            let receiver = tree
                .route(*route)
                .map_or("", |taker| &*taker.options.receiver);
            let because = format!("an earlier route to {receiver} took it and does not continue");
            ("not-reached", because)
        }
    };
    VisitTwin { outcome, because }
}

pub(crate) async fn explain(
    State(api): State<AlertingApi>,
    body: net::Bytes,
) -> Result<Response, ApiError> {
    let question: QuestionTwin = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_data(format!("the body is not as described: {error}")))?;
    let at = match question.at.as_deref() {
        None | Some("") => api.clock.now(),
        Some(text) => parse_time(text).map_err(|error| ApiError::parameter("at", error))?,
    };
    let labels = Labels::from_pairs(question.labels);
    let tree = api.alertmanager.routing().tree;
    let visits = tree.visits(&labels);
    let visits = tree.routes().iter().zip(&visits).map(|(route, visit)| {
        let twin = visit_twin(&tree, route, visit, &labels);
        (route.id.to_string(), twin)
    });
    let ends = api.alertmanager.explain(&labels, at).into_iter();
    let ends = ends.map(|end| {
        let route = tree.routes().iter().find(|route| route.id == end.route_id);
        let integrations = end.integrations.iter().map(|integration| IntegrationTwin {
            name: integration.name.to_string(),
            told: match integration.told {
                alerting::view::Told::Nothing => "nothing",
                alerting::view::Told::Firing => "firing",
                alerting::view::Told::Resolved => "resolved",
            },
            told_at: integration.group_told_at.map(|at| at.to_api_text()),
        });
        EndTwin {
            integrations: integrations.collect(),
            group_labels: route
                .map(|route| route.group_labels(&labels).to_map())
                .unwrap_or_default(),
            group_wait: route
                .map(|route| route.options.group_wait.to_string())
                .unwrap_or_default(),
            repeat_interval: route
                .map(|route| route.options.repeat_interval.to_string())
                .unwrap_or_default(),
            route_id: end.route_id.to_string(),
            receiver: end.receiver.to_string(),
            group_key: end.group_key,
            next_flush: end.flush_at.map(|at| rfc3339(Some(at))),
            suppressed: end.suppressed_by.as_ref().map(suppressed),
        }
    });
    Ok(success(&AnswerTwin {
        visits: visits.collect(),
        ends: ends.collect(),
    }))
}
