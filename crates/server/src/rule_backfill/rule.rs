//! One recording rule, and how far its past is filled.

use std::sync::Arc;

use api::{BackfillState, BackfillView};
use model::Timestamp;
use rules::{GroupSpec, RecordingSpec};
use serde::{Deserialize, Serialize};

/// What makes a rule another one: then its past is looked at anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Identity {
    pub(super) record: String,
    /// As they print.
    pub(super) labels: String,
    pub(super) expr: String,
    pub(super) interval_ms: i64,
}

/// What is to be filled, and what is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Done {
    pub(super) rule: Identity,
    /// How far back was asked for then.
    pub(super) window_ms: i64,
    /// Filled from here, milliseconds since 1970 …
    pub(super) from: i64,
    /// … up to here …
    pub(super) reached: i64,
    /// … of this, from when on the rule was in force.
    pub(super) until: i64,
    pub(super) samples: u64,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

impl Done {
    pub(super) fn is_over(&self) -> bool {
        self.reached >= self.until || self.problem.is_some()
    }
}

/// A rule of now.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) group: Arc<GroupSpec>,
    pub(super) rule: RecordingSpec,
    pub(super) done: Done,
    pub(super) is_running: bool,
}

impl Progress {
    pub(super) fn identity(group: &GroupSpec, rule: &RecordingSpec) -> Identity {
        Identity {
            record: rule.record.clone(),
            labels: rule.labels.to_string(),
            expr: rule.expr.clone(),
            interval_ms: group.interval.millis(),
        }
    }

    pub(super) fn state(&self) -> BackfillState {
        match &self.done {
            done if done.problem.is_some() => BackfillState::Failed,
            done if done.is_over() => BackfillState::Done,
            _ if self.is_running => BackfillState::Running,
            _ => BackfillState::Waiting,
        }
    }

    pub(super) fn view(&self) -> BackfillView {
        BackfillView {
            file: self.group.file.clone(),
            group: self.group.name.clone(),
            record: self.rule.record.clone(),
            labels: self.rule.labels.to_map(),
            expr: self.rule.expr.clone(),
            state: self.state(),
            from: Timestamp(self.done.from),
            until: Timestamp(self.done.until),
            reached: Timestamp(self.done.reached),
            samples: self.done.samples,
            problem: self.done.problem.clone(),
        }
    }
}
