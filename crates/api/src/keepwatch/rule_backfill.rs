//! `rules/backfill`: how far the past of recording rules is filled.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::success;
use crate::sources::Api;
use crate::time::rfc3339;

/// Recording rules whose past is filled in the background.
pub trait BackfillSource: Send + Sync {
    /// In the order in which they are filled.
    fn rules(&self) -> Vec<BackfillView>;
}

/// How far filling the past of a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackfillState {
    Waiting,
    Running,
    Done,
    Failed,
}

impl BackfillState {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Failed];

    /// Stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// One recording rule.
#[derive(Clone, Debug)]
pub struct BackfillView {
    pub file: String,
    pub group: String,
    pub record: String,
    pub labels: BTreeMap<String, String>,
    pub expr: String,
    pub state: BackfillState,
    /// What is filled, …
    pub from: Timestamp,
    pub until: Timestamp,
    /// … and up to where it is.
    pub reached: Timestamp,
    /// Written so far.
    pub samples: u64,
    /// Why it was given up.
    pub problem: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuleBackfill")]
pub(crate) struct BackfillTwin {
    /// Whether `--rules.backfill` is on.
    enabled: bool,
    /// Recording rules, in the order in which they are filled.
    rules: Vec<BackfilledRuleTwin>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BackfilledRule")]
pub(crate) struct BackfilledRuleTwin {
    file: String,
    group: String,
    record: String,
    labels: BTreeMap<String, String>,
    expression: String,
    /// `waiting`, `running`, `done` or `failed`.
    state: &'static str,
    /// RFC 3339; what is filled, …
    from: String,
    until: String,
    /// … and up to where it is.
    reached: String,
    /// Written so far.
    samples: u64,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(crate) async fn backfill(State(api): State<Arc<Api>>) -> Response {
    let rules = api.backfill.as_ref().map(|backfill| backfill.rules());
    success(&BackfillTwin {
        enabled: rules.is_some(),
        rules: rules.into_iter().flatten().map(twin).collect(),
    })
}

fn twin(rule: BackfillView) -> BackfilledRuleTwin {
    BackfilledRuleTwin {
        file: rule.file,
        group: rule.group,
        record: rule.record,
        labels: rule.labels,
        expression: rule.expr,
        state: rule.state.as_str(),
        from: rfc3339(Some(rule.from)),
        until: rfc3339(Some(rule.until)),
        reached: rfc3339(Some(rule.reached)),
        samples: rule.samples,
        problem: rule.problem,
    }
}
