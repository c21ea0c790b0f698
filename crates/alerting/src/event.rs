//! The journal: everything that happened to an alert on its way, as values.

use std::sync::Arc;

use diag::Reason;
use model::{Labels, Timestamp};

use crate::alert::{Alert, AlertError};
use crate::dedup::NotifyReason;
use crate::delivery::{DeliveryId, FailureReason, NotifiedAlert, ReceiverAnswer};
use crate::reason::NotNotified;
use crate::silence::{Silence, SilenceError};

/// The group that an event is about. Shared by all events of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    pub key: Arc<str>,
    pub receiver: Arc<str>,
    pub route_id: Arc<str>,
}

/// Something that happened at the time of the step that returned it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    AlertFired {
        alert: Arc<Alert>,
    },
    AlertResolved {
        alert: Arc<Alert>,
    },
    AlertRefused {
        labels: Labels,
        error: AlertError,
    },
    /// The alert was dropped, because too many of its name are known.
    AlertOverLimit {
        labels: Labels,
        max: usize,
    },
    /// A flush found that the alert has ended only because nobody repeated it in time: the source may be gone
    /// rather than well.
    AlertTimedOut {
        alert: Arc<Alert>,
        group: Arc<GroupRef>,
    },
    /// An ended alert left the store.
    AlertForgotten {
        alert: Arc<Alert>,
    },
    /// The alert entered a group.
    AlertRouted {
        alert: Arc<Alert>,
        group: Arc<GroupRef>,
        /// When the group is looked at next.
        flush_at: Timestamp,
    },
    /// No route took the alert.
    AlertUnrouted {
        alert: Arc<Alert>,
    },
    /// A flush left the alert out, for a reason that the last flush had not.
    AlertSuppressed {
        alert: Arc<Alert>,
        group: Arc<GroupRef>,
        reason: NotNotified,
    },
    /// A flush no longer left the alert out.
    AlertUnsuppressed {
        alert: Arc<Alert>,
        group: Arc<GroupRef>,
    },
    GroupCreated {
        /// Its first alert.
        alert: Arc<Alert>,
        group: Arc<GroupRef>,
        flush_at: Timestamp,
    },
    /// All its alerts were resolved and everybody who had to know was told.
    GroupRemoved {
        group: Arc<GroupRef>,
    },
    FlushStarted {
        group: Arc<GroupRef>,
        alerts: Arc<[NotifiedAlert]>,
    },
    /// A flush told nobody, or left out one integration, for a reason that the last flush had not.
    NotNotified {
        group: Arc<GroupRef>,
        /// `None`: nobody at all.
        integration: Option<Arc<str>>,
        reason: NotNotified,
        alerts: Arc<[NotifiedAlert]>,
    },
    DeliveryStarted {
        delivery: DeliveryId,
        group: Arc<GroupRef>,
        integration: Arc<str>,
        attempt: u32,
        reason: NotifyReason,
        alerts: Arc<[NotifiedAlert]>,
    },
    DeliverySucceeded {
        delivery: DeliveryId,
        group: Arc<GroupRef>,
        integration: Arc<str>,
        attempts: u32,
        alerts: Arc<[NotifiedAlert]>,
        answer: ReceiverAnswer,
        /// If nothing changes, the first flush after this time tells it again; `None`: it is never told again.
        repeats_after: Option<Timestamp>,
    },
    /// An attempt failed; there will be another one.
    DeliveryRetried {
        delivery: DeliveryId,
        group: Arc<GroupRef>,
        integration: Arc<str>,
        /// The one that failed.
        attempt: u32,
        alerts: Arc<[NotifiedAlert]>,
        failure: FailureReason,
        message: String,
        next_at: Timestamp,
    },
    SilenceStored {
        silence: Arc<Silence>,
    },
    /// Somebody ended it before its time; one that ends by itself is no event.
    SilenceExpired {
        silence: Arc<Silence>,
    },
    SilenceRefused {
        error: SilenceError,
    },
    /// A cluster member changed a silence.
    SilenceMerged {
        silence: Arc<Silence>,
    },
    ConfigReplaced,
}

impl Event {
    /// Stable, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlertFired { .. } => "alert-fired",
            Self::AlertResolved { .. } => "alert-resolved",
            Self::AlertRefused { error, .. } => error.code(),
            Self::AlertOverLimit { .. } => "alert-over-limit",
            Self::AlertTimedOut { .. } => "alert-timed-out",
            Self::AlertForgotten { .. } => "alert-forgotten",
            Self::AlertRouted { .. } => "alert-routed",
            Self::AlertUnrouted { .. } => NotNotified::NoRoute.code(),
            Self::AlertSuppressed { reason, .. } | Self::NotNotified { reason, .. } => {
                reason.code()
            }
            Self::AlertUnsuppressed { .. } => "alert-unsuppressed",
            Self::GroupCreated { .. } => "group-created",
            Self::GroupRemoved { .. } => "group-removed",
            Self::FlushStarted { .. } => "group-flushed",
            Self::DeliveryStarted { .. } => "delivery-started",
            Self::DeliverySucceeded { .. } => "delivery-succeeded",
            Self::DeliveryRetried { .. } => "delivery-retried",
            Self::SilenceStored { .. } => "silence-stored",
            Self::SilenceExpired { .. } => "silence-expired",
            Self::SilenceRefused { error } => error.code(),
            Self::SilenceMerged { .. } => "silence-merged",
            Self::ConfigReplaced => "alerting-config-replaced",
        }
    }
}
