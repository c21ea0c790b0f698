//! What the peer's event recorder writes about alerts, as values: [`Recorded`]. [`Envelope`] says when and where it
//! happened, and makes it JSON or protobuf.
//!
//! Other than the journal, which has each change once, these events repeat with every post and every flush, as those
//! of the peer do. The machine makes them only where [`Settings::records_events`](crate::Settings) asks for it.
//!
//! Source of names, numbers and order: `eventrecorder/eventrecorderpb/eventrecorder.proto` and
//! `eventrecorder/events.go` of Alertmanager 0.34.

mod encode;
mod message;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{Duration, Labels, Matcher};

pub use encode::Unserializable;

use crate::alert::{Alert, Fingerprint};
use crate::config::InhibitRuleSpec;
use crate::dedup::NotifyReason;
use crate::delivery::NotifiedAlert;
use crate::event::GroupRef;
use crate::silence::Silence;
use crate::time::Time;

/// An event. What it holds is shared with the machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    Startup {
        version: String,
        /// Of the build; for people.
        build_context: String,
    },
    Shutdown,
    /// There was none with these labels in the store.
    AlertCreated {
        alert: Arc<Alert>,
    },
    /// The alert was put into a group, also if it was there already.
    AlertGrouped {
        alert: Arc<Alert>,
        group: RecordedGroup,
    },
    /// A flush that nothing went wrong with had it as resolved.
    AlertResolved {
        alert: NotifiedAlert,
        group: RecordedGroup,
    },
    Notification(Box<Notification>),
    SilenceCreated {
        silence: Arc<Silence>,
    },
    SilenceUpdated {
        silence: Arc<Silence>,
    },
    /// A flush left the alert out; one event for each silence.
    SilenceMutedAlert {
        silence: Arc<Silence>,
        alert: MutedAlert,
    },
    /// A flush left the alert out, because of the first rule that applies.
    InhibitionMutedAlert {
        rule: Box<InhibitRuleSpec>,
        alert: MutedAlert,
        source: Fingerprint,
    },
}

/// The group that an event is about.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedGroup {
    pub about: Arc<GroupRef>,
    pub labels: Labels,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MutedAlert {
    pub labels: Labels,
    pub fingerprint: Fingerprint,
}

/// An integration took a notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Those that it was told.
    pub alerts: Arc<[NotifiedAlert]>,
    /// Hashes of the alerts of the flush, as the notification log has them.
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
    /// Of those that silences or inhibition left out.
    pub muted: Vec<u64>,
    pub group: RecordedGroup,
    /// Of the route.
    pub matchers: Vec<Matcher>,
    /// Which group this is, of those with the same key one after the other.
    pub group_uuid: Uuid,
    pub repeat_interval: Duration,
    pub reason: NotifyReason,
    /// Counts the flushes of the group, from 1.
    pub flush_id: u64,
    /// The integration's kind, and its position among those of the kind.
    pub integration: Arc<str>,
    pub integration_index: u32,
}

/// A random UUID (version 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uuid(u128);

impl Uuid {
    /// From any number.
    pub fn new(bits: u128) -> Self {
        let rest = bits & !(0xf000 << 64) & !(0xc000 << 48);
        Self(rest | 0x4000 << 64 | 0x8000 << 48)
    }
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits = self.0;
        let part = |shift: u32, bits_wide: u32| bits >> shift & ((1 << bits_wide) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        )
    }
}

impl Recorded {
    /// Of the peer's metrics, and the name of the event's field in protobuf.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Startup { .. } => "alertmanager_startup_event",
            Self::Shutdown => "alertmanager_shutdown_event",
            Self::AlertCreated { .. } => "alert_created",
            Self::AlertGrouped { .. } => "alert_grouped",
            Self::AlertResolved { .. } => "alert_resolved",
            Self::Notification(_) => "notification",
            Self::SilenceCreated { .. } => "silence_created",
            Self::SilenceUpdated { .. } => "silence_updated",
            Self::SilenceMutedAlert { .. } => "silence_muted_alert",
            Self::InhibitionMutedAlert { .. } => "inhibition_muted_alert",
        }
    }
}

/// An event with when and where it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub at: Time,
    /// The name of the host.
    pub instance: Arc<str>,
    /// The place among the members of the mesh, from 0.
    pub position: u32,
    pub event: Recorded,
}

impl Envelope {
    /// One object without a line break, as protobuf's JSON has it. Fails for times that this form cannot hold.
    pub fn to_json(&self) -> Result<String, Unserializable> {
        message::envelope(self).to_json()
    }

    /// A message `eventrecorderpb.Event`.
    pub fn to_protobuf(&self) -> Vec<u8> {
        message::envelope(self).to_protobuf()
    }
}
