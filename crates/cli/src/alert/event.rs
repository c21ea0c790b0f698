//! Events of the journal, as the API tells them.

use std::collections::BTreeMap;

use model::format::terminal_line;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) integration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivery: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alerts: Vec<Mention>,
    pub(super) alert_count: usize,
    pub(super) detail: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) receiver: String,
    pub(super) route_id: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Mention {
    pub(super) fingerprint: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) is_resolved: bool,
}

impl Event {
    /// `2026-11-27 10:00:00`, in UTC.
    pub(super) fn clock(&self) -> String {
        clock(&self.at)
    }

    /// The text for a terminal: others may have written parts of it.
    pub(super) fn line(&self) -> String {
        terminal_line(&self.text)
    }

    pub(super) fn detail(&self, name: &str) -> &str {
        self.detail.get(name).map_or("", String::as_str)
    }
}

/// A time of the API without the parts of a second.
pub(crate) fn clock(at: &str) -> String {
    let seconds = at.split(['.', 'Z']).next().unwrap_or(at);
    seconds.replace('T', " ")
}

/// An answer of `journal`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Page {
    pub(super) events: Vec<Event>,
    pub(super) next: Option<String>,
    pub(super) damage: Vec<String>,
    pub(super) kept_since: Option<String>,
}
