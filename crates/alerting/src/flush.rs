//! One flush of one group on its way through the stages, and the deliveries that it started.

use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::backoff::Backoff;
use crate::dedup::NotifyReason;
use crate::delivery::{FailureReason, NotifiedAlert};
use crate::event::GroupRef;
use crate::machine::Compiled;
use crate::nflog::{LogReceiver, ReceiverData};
use crate::recorder::{RecordedGroup, Uuid};

/// A flush that has not ended.
#[derive(Debug)]
pub(crate) struct Flush {
    /// The group's number; `None` after a reload replaced the groups.
    pub(crate) group: Option<u64>,
    pub(crate) about: Arc<GroupRef>,
    pub(crate) group_labels: Labels,
    /// The configuration that the flush started with.
    pub(crate) config: Arc<Compiled>,
    pub(crate) route: usize,
    /// When the flush was due: the time that intervals and repeats are judged by.
    pub(crate) due: Timestamp,
    pub(crate) deadline: Timestamp,
    /// When the alerts stood as the two lists say.
    pub(crate) snapshot_at: Timestamp,
    /// All alerts of the group as they stood.
    pub(crate) snapshot: Arc<[NotifiedAlert]>,
    /// Those that are left to notify about.
    pub(crate) alerts: Arc<[NotifiedAlert]>,
    /// Hashes of the alerts that silences or inhibition left out, for the event recorder.
    pub(crate) muted: Vec<u64>,
    /// The group's, and its number among the group's flushes, from 1.
    pub(crate) uuid: Uuid,
    pub(crate) id: u64,
    /// Deliveries that have not ended.
    pub(crate) open: usize,
    pub(crate) has_failed: bool,
}

impl Flush {
    pub(crate) fn recorded_group(&self) -> RecordedGroup {
        RecordedGroup {
            about: self.about.clone(),
            labels: self.group_labels.clone(),
        }
    }
}

/// One integration's part of a flush.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) flush: u64,
    /// Position among the receiver's integrations.
    pub(crate) integration: usize,
    pub(crate) log_receiver: LogReceiver,
    pub(crate) stage: Stage,
    /// When the machine looks at it again.
    pub(crate) timer_at: Timestamp,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// Gives other cluster members the time to do it.
    WaitingForPeers,
    Sending(Sending),
}

/// A notification that is due.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) reason: NotifyReason,
    pub(crate) alerts: Arc<[NotifiedAlert]>,
    pub(crate) firing: Vec<u64>,
    pub(crate) resolved: Vec<u64>,
    pub(crate) receiver_data: ReceiverData,
    pub(crate) attempt: u32,
    pub(crate) attempt_started: Timestamp,
    pub(crate) is_in_flight: bool,
    /// Whether it is more than a fire drill.
    pub(crate) is_counted: bool,
    pub(crate) backoff: Backoff,
    pub(crate) last_failure: Option<(FailureReason, String)>,
}
