//! `reasons` and `objects`: why things were refused, and what became of each object.

use std::collections::BTreeMap;

use diag::ReasonEntry;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reason")]
pub(crate) struct ReasonTwin {
    /// Since the Unix epoch.
    time_ms: i64,
    code: &'static str,
    subject: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl ReasonTwin {
    pub(super) fn of(entry: ReasonEntry) -> Self {
        Self {
            time_ms: entry.time_ms,
            code: entry.code,
            subject: entry.subject,
            message: entry.message,
            hint: entry.hint,
        }
    }
}

impl Row for ReasonTwin {
    fn has_word(&self, word: &str) -> bool {
        self.code == word || contains(&self.subject, word) || contains(&self.message, word)
    }
    fn label(&self, _: &str) -> Option<&str> {
        None
    }
    fn facet(&self, _: &str) -> Vec<&str> {
        Vec::new()
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reasons")]
pub(crate) struct ReasonsTwin {
    /// How often each code occurred since the start.
    counts: BTreeMap<&'static str, u64>,
    /// The newest of each code, newest first.
    entries: Vec<ReasonTwin>,
}

/// `reasons?code=…`: every refusal of the process, counted and with evidence.
pub(crate) async fn reasons(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let entries = api.reasons.entries(params.some("code")).into_iter();
    Ok(success(&ReasonsTwin {
        counts: api.reasons.counts().into_iter().collect(),
        entries: entries.map(ReasonTwin::of).collect(),
    }))
}

/// `objects`: what became of each object of the manifests.
pub(crate) async fn objects(State(api): State<AlertingApi>) -> Response {
    success(&api.reasons.decisions())
}
