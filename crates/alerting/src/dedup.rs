//! Whether a group must be told to an integration at all, and why.

use std::collections::HashSet;

use foldhash::fast::FixedState;
use model::{Duration, Timestamp};

use crate::nflog::LogEntry;
use crate::time::Time;

/// Why a notification is sent. `as_str` is what templates and webhooks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotifyReason {
    FirstNotification,
    NewAlerts,
    SomeResolved,
    AllResolved,
    RepeatIntervalElapsed,
    /// Where a notification is rendered without being due, as in a preview.
    Unknown,
}

impl NotifyReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstNotification => "first notification",
            Self::NewAlerts => "new alerts added",
            Self::SomeResolved => "some alerts resolved",
            Self::AllResolved => "all alerts resolved",
            Self::RepeatIntervalElapsed => "repeat interval elapsed",
            Self::Unknown => "unknown",
        }
    }
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Everything ended before it was ever told.
    NeverTold,
    /// Nothing changed since the last notification, and it is too early to repeat it.
    NothingNew { repeats_after: Timestamp },
}

/// The group as it is now.
#[derive(Clone, Copy, Debug)]
pub struct GroupNow<'a> {
    pub firing: &'a [u64],
    pub resolved: &'a [u64],
    pub sends_resolved: bool,
    pub repeat_interval: Duration,
    /// When the flush was due.
    pub now: Timestamp,
}

/// Compares the group with what was last told. That all alerts are resolved counts even for an integration
/// that does not send it, so that the log forgets the firing ones.
pub fn decide(last: Option<&LogEntry>, group: GroupNow<'_>) -> Result<NotifyReason, Quiet> {
    let Some(last) = last else {
        return if group.firing.is_empty() {
            Err(Quiet::NeverTold)
        } else {
            Ok(NotifyReason::FirstNotification)
        };
    };
    if !is_subset(group.firing, &last.firing) {
        // After everything had ended, it starts anew.
        return Ok(if last.firing.is_empty() {
            NotifyReason::FirstNotification
        } else {
            NotifyReason::NewAlerts
        });
    }
    if group.firing.is_empty() {
        return if last.firing.is_empty() {
            Err(Quiet::NeverTold)
        } else {
            Ok(NotifyReason::AllResolved)
        };
    }
    if group.sends_resolved && !is_subset(group.resolved, &last.resolved) {
        return Ok(NotifyReason::SomeResolved);
    }
    if last.timestamp < Time::from(group.now) - group.repeat_interval {
        return Ok(NotifyReason::RepeatIntervalElapsed);
    }
    Err(Quiet::NothingNew {
        repeats_after: (last.timestamp + group.repeat_interval).timestamp(),
    })
}

fn is_subset(part: &[u64], whole: &[u64]) -> bool {
    if part.len() <= 4 {
        return part.iter().all(|hash| whole.contains(hash));
    }
    let whole: HashSet<u64, FixedState> = whole.iter().copied().collect();
    part.iter().all(|hash| whole.contains(hash))
}
