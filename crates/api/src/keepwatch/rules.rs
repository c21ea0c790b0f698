//! `rules`: all rules as one list.

use std::collections::BTreeMap;
use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use rules::{GroupView, RuleSpec, RuleView};
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;
use crate::time::rfc3339;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuleRow")]
pub(crate) struct RuleTwin {
    /// `alerting` or `recording`.
    kind: &'static str,
    name: String,
    group: String,
    file: String,
    expression: String,
    /// `firing`, `pending` or `inactive`; of recording rules `ok` or what else their health is.
    state: &'static str,
    /// `ok`, `err` or `unknown`.
    health: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    hold_seconds: f64,
    keep_firing_seconds: f64,
    interval_seconds: f64,
    evaluation_seconds: f64,
    /// RFC 3339.
    last_evaluation: String,
    firing: usize,
    pending: usize,
}

pub(crate) type RulesTwin = Page<RuleTwin>;

impl RuleTwin {
    fn of(group: &GroupView, rule: &RuleView) -> Self {
        let count = |state| {
            rule.alerts
                .iter()
                .filter(|alert| alert.state == state)
                .count()
        };
        let health = rule.health.as_str();
        let base = Self {
            kind: "recording",
            name: rule.spec.name().to_owned(),
            group: group.spec.name.clone(),
            file: group.spec.file.clone(),
            expression: String::new(),
            state: health,
            health,
            error: rule
                .refusal
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            hold_seconds: 0.0,
            keep_firing_seconds: 0.0,
            interval_seconds: group.spec.interval.seconds(),
            evaluation_seconds: rule.evaluation_seconds,
            last_evaluation: rfc3339(rule.last_evaluation),
            firing: count(rules::AlertState::Firing),
            pending: count(rules::AlertState::Pending),
        };
        match &rule.spec {
            RuleSpec::Recording(spec) => Self {
                expression: spec.expr.clone(),
                labels: spec.labels.to_map(),
                ..base
            },
            RuleSpec::Alerting(spec) => Self {
                kind: "alerting",
                state: rule.state.map_or("unknown", rules::AlertState::as_str),
                expression: spec.expr.clone(),
                labels: spec.labels.to_map(),
                annotations: spec.annotations.to_map(),
                hold_seconds: spec.hold.seconds(),
                keep_firing_seconds: spec.keep_firing_for.seconds(),
                ..base
            },
        }
    }

    /// What needs eyes first.
    fn urgency(&self) -> u8 {
        match (self.state, self.health) {
            ("firing", _) => 0,
            ("pending", _) => 1,
            (_, "err") => 2,
            (_, "unknown") => 3,
            _ => 4,
        }
    }
}

impl Row for RuleTwin {
    fn has_word(&self, word: &str) -> bool {
        [
            &self.name,
            &self.group,
            &self.file,
            &self.expression,
            &self.error,
        ]
        .iter()
        .any(|text| contains(text, word))
            || self
                .labels
                .iter()
                .any(|(name, value)| contains(name, word) || contains(value, word))
    }

    fn label(&self, name: &str) -> Option<&str> {
        // As the alert will have it.
        if name == "alertname" && self.kind == "alerting" {
            return Some(&self.name);
        }
        self.labels.get(name).map(String::as_str)
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "state" => vec![self.state],
            "health" => vec![self.health],
            "type" => vec![self.kind],
            "group" => vec![&self.group],
            "file" => vec![&self.file],
            _ => Vec::new(),
        }
    }
}

const LIST: ListKind<RuleTwin> = ListKind {
    keys: &["state", "health", "type", "group", "file"],
    counted: &["state", "health", "type"],
    orders: &[
        ("urgency", |a, b| a.urgency().cmp(&b.urgency())),
        ("group", |a, b| {
            (&a.file, &a.group).cmp(&(&b.file, &b.group))
        }),
        ("name", |a, b| a.name.cmp(&b.name)),
        ("state", |a, b| a.state.cmp(b.state)),
        ("evaluation", |a, b| {
            a.evaluation_seconds.total_cmp(&b.evaluation_seconds)
        }),
        ("last", |a, b| a.last_evaluation.cmp(&b.last_evaluation)),
    ],
};

pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let groups = api.rules.all();
    let rows = groups.iter().flat_map(|group| {
        let twin = |rule| RuleTwin::of(group, rule);
        group.rules.iter().map(twin)
    });
    Ok(success(&LIST.page(rows.collect(), &params)?))
}
