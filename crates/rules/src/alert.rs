//! One alert of a rule, from pending to resolved.

use model::{Labels, Pairs, Timestamp, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertState {
    Inactive,
    Pending,
    Firing,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// What became of an alert in one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The condition holds, for less time than `for` asks; also where it fired, and a reload made `for` longer.
    Pending,
    /// It never fired: the condition does not hold any more.
    Gone,
    Firing,
    Resolved,
}

/// A change of state, for whoever keeps a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertChange {
    pub kind: ChangeKind,
    pub labels: Labels,
    /// The newest value of the expression.
    pub value: Value,
    /// When the condition was first seen to hold.
    pub active_at: Timestamp,
}

/// An alert that is pending, firing, or was firing a short while ago.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub state: AlertState,
    pub labels: Labels,
    pub annotations: Pairs,
    /// The newest value of the expression.
    pub value: Value,
    /// When the condition was first seen to hold.
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    /// Since when the condition does not hold any more, while `keep_firing_for` keeps it firing.
    pub keep_firing_since: Option<Timestamp>,
}
