//! `alerts`: what is wrong now. Alerts of the alerting machine, joined with those of rules that it does not
//! have: pending ones, and ones that were not handed over yet.

use std::collections::{BTreeMap, HashMap};

use alerting::view::{AlertFilter, AlertState, AlertView};
use model::format::float_exponent;
use model::{Labels, Value};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;
use crate::time::rfc3339;

/// The rule that an alert came from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AlertRule")]
pub(crate) struct RuleTwin {
    name: String,
    group: String,
    file: String,
    expression: String,
}

/// The group that notifies about an alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertGroup")]
pub(crate) struct GroupTwin {
    receiver: String,
    labels: BTreeMap<String, String>,
    key: String,
    /// RFC 3339; when the group is looked at next.
    next_flush: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertRow")]
pub(crate) struct AlertTwin {
    fingerprint: String,
    /// `firing`, `silenced`, `inhibited`, `muted` or `pending`.
    state: &'static str,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    /// RFC 3339.
    since: String,
    /// The newest value of the rule's expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleTwin>,
    /// With `by=group`: the one that this row is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupTwin>,
    receivers: Vec<String>,
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    generator_url: String,
}

pub(crate) type AlertsTwin = Page<AlertTwin>;

impl AlertTwin {
    pub(super) fn of(view: &AlertView) -> Self {
        let alert = &view.alert;
        let state = if !view.silenced_by.is_empty() {
            "silenced"
        } else if !view.inhibited_by.is_empty() {
            "inhibited"
        } else if view.state == AlertState::Suppressed {
            "muted"
        } else {
            "firing"
        };
        Self {
            fingerprint: alert.fingerprint.to_string(),
            state,
            labels: alert.labels.to_map(),
            annotations: alert.about.annotation_map(),
            since: alert.starts_at.to_api_text(),
            value: None,
            rule: None,
            group: None,
            receivers: view.receivers.iter().map(ToString::to_string).collect(),
            silenced_by: view.silenced_by.clone(),
            inhibited_by: view.inhibited_by.iter().map(ToString::to_string).collect(),
            muted_by: view.muted_by.clone(),
            generator_url: alert.about.generator_url().to_owned(),
        }
    }

    pub(super) fn urgency(&self) -> u8 {
        match self.state {
            "firing" => 0,
            "pending" => 1,
            _ => 2,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }
}

impl Row for AlertTwin {
    fn has_word(&self, word: &str) -> bool {
        let maps = [&self.labels, &self.annotations];
        maps.into_iter()
            .flatten()
            .any(|(name, value)| contains(name, word) || contains(value, word))
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "state" => vec![self.state],
            "receiver" => match &self.group {
                Some(group) => vec![&group.receiver],
                None => self.receivers.iter().map(String::as_str).collect(),
            },
            "group" => self.group.iter().map(|group| group.key.as_str()).collect(),
            "rule" => self.rule.iter().map(|rule| rule.name.as_str()).collect(),
            "fingerprint" => vec![&self.fingerprint],
            _ => Vec::new(),
        }
    }
}

const LIST: ListKind<AlertTwin> = ListKind {
    keys: &["state", "receiver", "group", "rule", "fingerprint"],
    counted: &["state", "receiver"],
    orders: &[
        ("urgency", |a, b| {
            (a.urgency(), a.name()).cmp(&(b.urgency(), b.name()))
        }),
        // What is in no group comes last.
        ("group", |a, b| {
            (a.group.is_none(), &a.group, a.urgency(), a.name()).cmp(&(
                b.group.is_none(),
                &b.group,
                b.urgency(),
                b.name(),
            ))
        }),
        ("name", |a, b| a.name().cmp(b.name())),
        ("since", |a, b| a.since.cmp(&b.since)),
        ("state", |a, b| a.state.cmp(b.state)),
    ],
};

/// What rules know of their alerts.
struct OfRule {
    labels: Labels,
    row: AlertTwin,
}

fn of_rules(api: &AlertingApi) -> Vec<OfRule> {
    let mut found = Vec::new();
    for group in api.rules.all() {
        for rule in &group.rules {
            let rules::RuleSpec::Alerting(spec) = &rule.spec else {
                continue;
            };
            for alert in &rule.alerts {
                found.push(OfRule {
                    labels: alert.labels.clone(),
                    row: AlertTwin {
                        fingerprint: alerting::Fingerprint(alert.labels.fingerprint()).to_string(),
                        state: alert.state.as_str(),
                        labels: alert.labels.to_map(),
                        annotations: alert.annotations.to_map(),
                        since: rfc3339(Some(alert.active_at)),
                        value: Some(match &alert.value {
                            Value::Float(value) => float_exponent(*value),
                            Value::Histogram(histogram) => histogram.to_string(),
                        }),
                        rule: Some(RuleTwin {
                            name: spec.alert.clone(),
                            group: group.spec.name.clone(),
                            file: group.spec.file.clone(),
                            expression: spec.expr.clone(),
                        }),
                        group: None,
                        receivers: Vec::new(),
                        silenced_by: Vec::new(),
                        inhibited_by: Vec::new(),
                        muted_by: Vec::new(),
                        generator_url: String::new(),
                    },
                });
            }
        }
    }
    found
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Alert,
    /// One row for each group that an alert is in.
    Group,
}

fn rows(api: &AlertingApi, by: By) -> Vec<AlertTwin> {
    // By the labels that the alerting machine knows them under.
    let mut of_rules: HashMap<Labels, AlertTwin> = of_rules(api)
        .into_iter()
        .map(|found| {
            let outgoing = api.alertmanager.outgoing_labels(&found.labels);
            (outgoing.unwrap_or(found.labels), found.row)
        })
        .collect();
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    let mut add = |view: &AlertView, group: Option<GroupTwin>| {
        let mut row = AlertTwin::of(view);
        if let Some(of_rule) = of_rules.get(&view.alert.labels) {
            row.value.clone_from(&of_rule.value);
            row.rule.clone_from(&of_rule.rule);
        }
        row.group = group;
        seen.push(view.alert.labels.clone());
        rows.push(row);
    };
    if by == By::Group {
        for group in api.alertmanager.groups(&AlertFilter::default()) {
            let twin = GroupTwin {
                receiver: group.receiver.to_string(),
                labels: group.labels.to_map(),
                key: group.group_key.to_string(),
                next_flush: rfc3339(Some(group.flush_at)),
            };
            for view in &group.alerts {
                add(view, Some(twin.clone()));
            }
        }
    } else {
        for view in api.alertmanager.alerts(&AlertFilter::default()) {
            add(&view, None);
        }
    }
    for labels in seen {
        of_rules.remove(&labels);
    }
    let mut rest: Vec<AlertTwin> = of_rules
        .into_values()
        .filter(|row| row.state != "inactive")
        .collect();
    rest.sort_by(|a, b| a.labels.cmp(&b.labels));
    rows.extend(rest);
    rows
}

/// `alerts?by=group`.
pub(crate) async fn list(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let by = match params.get("by") {
        "" | "alert" => By::Alert,
        "group" => By::Group,
        other => {
            let problem = format!("there is no {other:?}; there are alert and group");
            return Err(ApiError::parameter("by", problem));
        }
    };
    Ok(success(&LIST.page(rows(&api, by), &params)?))
}
