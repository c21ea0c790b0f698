//! What an evaluation needs of the rest of the program, as parameters.

use std::sync::Arc;

use model::storage::{SampleWriter, SeriesReader};
use model::{Duration, Labels, Pairs, Timestamp, Value};

use crate::alert::{Alert, AlertChange};
use crate::spec::{AlertingSpec, GroupSpec};

/// One sample of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultSample {
    pub labels: Labels,
    pub value: Value,
}

/// Answers instant queries: the local engine, or a remote query server.
pub trait QuerySource: Send + Sync {
    /// The vector at `time`; a scalar is a vector with one sample without labels. Errors are for people.
    fn instant(&self, expr: &str, time: Timestamp) -> Result<Vec<ResultSample>, String>;

    /// The same source for one group, whose name then stands beside its queries in lists and logs, and whose
    /// queries it may know before they are asked; `None` where nobody needs to know.
    fn for_group(&self, _spec: &GroupSpec) -> Option<Arc<dyn QuerySource>> {
        None
    }
}

/// An alert on its way to Alertmanager.
#[derive(Clone, Debug, PartialEq)]
pub struct SentAlert {
    pub labels: Labels,
    pub annotations: Pairs,
    pub starts_at: Timestamp,
    /// For a resolved alert its end; else until when it counts as firing unless it is sent again.
    pub ends_at: Timestamp,
    pub generator_url: String,
}

/// Takes alerts: the dispatcher of this process, or queues to external Alertmanagers.
pub trait AlertSink: Send + Sync {
    fn send(&self, alerts: Vec<SentAlert>);

    /// What an evaluation changed, before the alerts of it are sent. Never empty.
    fn changed(&self, _group: &GroupSpec, _rule: &AlertingSpec, _changes: Vec<AlertChange>) {}
}

/// Settings that all groups share.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub external_labels: Labels,
    /// Without a trailing slash.
    pub external_url: String,
    /// Whether the template functions that give the external URL and its path have one: not in tests of rules.
    pub has_page: bool,
    /// An alert that goes on firing is sent again this often.
    pub resend_delay: Duration,
    /// The longest outage over which the `for` state is restored.
    pub outage_tolerance: Duration,
    /// The shortest time between restoring and firing, and the shortest `for` that is restored at all.
    pub grace_period: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            external_labels: Labels::empty(),
            external_url: String::new(),
            has_page: true,
            resend_delay: Duration::from_secs(60),
            outage_tolerance: Duration::from_secs(3600),
            grace_period: Duration::from_secs(600),
        }
    }
}

/// Everything around the groups.
#[derive(Clone)]
pub struct Environment {
    pub queries: Arc<dyn QuerySource>,
    pub reader: Arc<dyn SeriesReader>,
    pub writer: Arc<dyn SampleWriter>,
    pub alerts: Arc<dyn AlertSink>,
    pub settings: Settings,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// As the rules of one group see it.
    pub(crate) fn for_group(&self, spec: &GroupSpec) -> Self {
        let mut environment = self.clone();
        if let Some(queries) = self.queries.for_group(spec) {
            environment.queries = queries;
        }
        environment
    }

    /// `EXTERNAL_URL/graph?g0.expr=…&g0.tab=1`: where the rule's query can be looked at.
    pub(crate) fn generator_url(&self, expr: &str) -> String {
        format!(
            "{}/graph?g0.expr={}&g0.tab=1",
            self.settings.external_url,
            query_escape(expr)
        )
    }

    pub(crate) fn sent(&self, alert: &Alert, expr: &str, valid_until: Timestamp) -> SentAlert {
        SentAlert {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: alert.fired_at.unwrap_or(alert.active_at),
            ends_at: alert.resolved_at.unwrap_or(valid_until),
            generator_url: self.generator_url(expr),
        }
    }
}

/// Go's `url.QueryEscape`.
fn query_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
