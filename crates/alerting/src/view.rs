//! What the HTTP API shows: pure functions over the state at one time.
//!
//! State is judged when it is asked for, not when a group was last flushed, so that answers do not depend on
//! timers; only the intervals that mute a group are those of its last flush.

mod alerts;
mod explain;
mod filter;
mod groups;
mod names;
mod silences;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::alert::{Alert, Fingerprint};

pub use explain::{Explanation, IntegrationExplanation, Membership, RouteExplanation, Told};
pub use filter::{AlertFilter, LabelFilter, Shown, SilenceFilter};
pub use groups::GroupView;
pub use silences::SilenceView;

/// Whether an alert may notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertState {
    Active,
    Suppressed,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suppressed => "suppressed",
        }
    }
}

/// One alert as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertView {
    pub alert: Arc<Alert>,
    pub state: AlertState,
    /// Ids of active silences, oldest first.
    pub silenced_by: Vec<String>,
    pub inhibited_by: Vec<Fingerprint>,
    /// Names of intervals; only where the alert is shown in a group.
    pub muted_by: Vec<String>,
    /// Receivers of all routes that the alert ends at; one name may come twice.
    pub receivers: Arc<[Arc<str>]>,
}
