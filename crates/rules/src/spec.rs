//! What the configuration says of groups and rules, with defaults filled in.

use model::{Duration, Pairs};

/// The metric that says which alerts are pending and firing.
pub(crate) const ALERTS: &str = "ALERTS";
/// The metric that says since when alerts have been active; read back after a restart.
pub(crate) const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// The metrics whose series tell of alerts.
pub const ALERT_METRICS: [&str; 2] = [ALERTS, ALERTS_FOR_STATE];

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
    /// Places in `rules`, each once: those of one stage do not read what others of it write, and may be evaluated at
    /// once, behind those of the stages before. Rules that are in no stage come last, one after another.
    pub stages: Vec<Vec<usize>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RuleSpec {
    Recording(RecordingSpec),
    Alerting(AlertingSpec),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordingSpec {
    pub record: String,
    /// In canonical form.
    pub expr: String,
    /// Set on the result; the group's labels are already among them. An empty value takes a label away.
    pub labels: Pairs,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertingSpec {
    pub alert: String,
    /// In canonical form.
    pub expr: String,
    /// `for`: how long the condition must hold before the alert fires.
    pub hold: Duration,
    pub keep_firing_for: Duration,
    /// Templates; the group's labels are already among them. What becomes empty takes a label away.
    pub labels: Pairs,
    /// Templates. What becomes empty stays, as in the peer.
    pub annotations: Pairs,
}

impl GroupSpec {
    /// What tells groups apart.
    pub fn key(&self) -> (&str, &str) {
        (&self.file, &self.name)
    }

    /// Whether an evaluation writes series of this metric.
    pub fn writes(&self, metric: &str) -> bool {
        let mut written = self.rules.iter().flat_map(RuleSpec::writes);
        written.any(|name| name == metric)
    }
}

impl RuleSpec {
    pub fn name(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.record,
            Self::Alerting(rule) => &rule.alert,
        }
    }

    /// The metrics whose series an evaluation writes.
    pub fn writes(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::Recording(rule) => [Some(rule.record.as_str()), None],
            Self::Alerting(_) => [Some(ALERTS), Some(ALERTS_FOR_STATE)],
        };
        names.into_iter().flatten()
    }

    pub fn expr(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.expr,
            Self::Alerting(rule) => &rule.expr,
        }
    }
}
