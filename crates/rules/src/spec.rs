//! What the configuration says of groups and rules, with defaults filled in.

use model::{Duration, Labels};

/// A group of rules, evaluated one after another at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSpec {
    /// Unique together with `file`.
    pub name: String,
    pub file: String,
    pub interval: Duration,
    /// How far in the past the rules look.
    pub query_offset: Duration,
    /// The most series or alerts that one rule may make; 0: no limit.
    pub limit: usize,
    pub rules: Vec<RuleSpec>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RuleSpec {
    Recording(RecordingSpec),
    Alerting(AlertingSpec),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordingSpec {
    pub record: String,
    pub expr: String,
    /// Set on the result; the group's labels are already among them.
    pub labels: Labels,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertingSpec {
    pub alert: String,
    pub expr: String,
    /// `for`: how long the condition must hold before the alert fires.
    pub hold: Duration,
    pub keep_firing_for: Duration,
    /// Templates; the group's labels are already among them.
    pub labels: Labels,
    /// Templates.
    pub annotations: Labels,
}

impl GroupSpec {
    /// What tells groups apart.
    pub fn key(&self) -> (&str, &str) {
        (&self.file, &self.name)
    }
}

impl RuleSpec {
    pub fn name(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.record,
            Self::Alerting(rule) => &rule.alert,
        }
    }
}
