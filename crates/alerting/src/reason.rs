//! Why an alert, or a whole group, was not notified about.

use std::fmt;
use std::sync::Arc;

use model::Timestamp;

use crate::delivery::FailureReason;
use crate::inhibit::Inhibition;
use crate::time::Time;

/// One cause of silence, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotNotified {
    /// The ids of the silences.
    Silenced(Vec<String>),
    Inhibited(Inhibition),
    /// The route's mute intervals that contain the time of the flush.
    MutedByInterval(Vec<String>),
    /// The route's active intervals; none contains the time of the flush.
    OutsideActiveIntervals(Vec<String>),
    /// The route was chosen on purpose, but its receiver has nobody to tell.
    ReceiverWithoutIntegrations {
        receiver: Arc<str>,
    },
    /// No route wanted the alert, and the default receiver has nobody to tell.
    DefaultWithoutIntegrations {
        receiver: Arc<str>,
    },
    /// The root route has matchers and does not match.
    NoRoute,
    /// Ended before anybody was told.
    ResolvedBeforeNotified,
    /// Told before, unchanged since.
    AlreadyNotified {
        repeats_after: Timestamp,
    },
    /// All alerts are resolved, and the integration does not send that.
    ResolvedNotSent,
    /// The delivery was given up.
    DeliveryFailed {
        failure: FailureReason,
        message: String,
        attempts: u32,
    },
}

impl fmt::Display for NotNotified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silenced(ids) => write!(f, "silenced by {}", ids.join(", ")),
            Self::Inhibited(inhibition) => {
                write!(f, "inhibited by alert {}", inhibition.source)?;
                if inhibition.rule_name.is_empty() {
                    write!(f, " through inhibition rule {}", inhibition.rule + 1)
                } else {
                    write!(f, " through inhibition rule {:?}", inhibition.rule_name)
                }
            }
            Self::MutedByInterval(names) => {
                write!(f, "muted by time interval {}", names.join(", "))
            }
            Self::OutsideActiveIntervals(names) => {
                write!(
                    f,
                    "outside of the active time interval {}",
                    names.join(", ")
                )
            }
            Self::ReceiverWithoutIntegrations { receiver } => {
                write!(f, "receiver {receiver:?} has no integration")
            }
            Self::DefaultWithoutIntegrations { receiver } => write!(
                f,
                "no route matched, and the default receiver {receiver:?} has no integration"
            ),
            Self::NoRoute => f.write_str("no route matched"),
            Self::ResolvedBeforeNotified => f.write_str("resolved before anybody was notified"),
            Self::AlreadyNotified { repeats_after } => write!(
                f,
                "already notified, repeated at the first flush after {}",
                Time::from(*repeats_after)
            ),
            Self::ResolvedNotSent => {
                f.write_str("all alerts are resolved, which this integration does not send")
            }
            Self::DeliveryFailed {
                failure,
                message,
                attempts,
            } => write!(
                f,
                "delivery failed after {attempts} attempts ({}): {message}",
                failure.as_str()
            ),
        }
    }
}

impl diag::Reason for NotNotified {
    fn code(&self) -> &'static str {
        match self {
            Self::Silenced(_) => "alert-silenced",
            Self::Inhibited(_) => "alert-inhibited",
            Self::MutedByInterval(_) => "alert-muted-by-interval",
            Self::OutsideActiveIntervals(_) => "alert-outside-active-interval",
            Self::ReceiverWithoutIntegrations { .. } => "alert-receiver-without-integration",
            Self::DefaultWithoutIntegrations { .. } => "alert-default-without-integration",
            Self::NoRoute => "alert-without-route",
            Self::ResolvedBeforeNotified => "alert-resolved-before-notified",
            Self::AlreadyNotified { .. } => "alert-already-notified",
            Self::ResolvedNotSent => "alert-resolved-not-sent",
            Self::DeliveryFailed { .. } => "alert-delivery-failed",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ReceiverWithoutIntegrations { receiver } => Some(format!(
                "add an integration to receiver {receiver:?}, or keep it empty to discard these alerts"
            )),
            Self::DefaultWithoutIntegrations { receiver } => Some(format!(
                "add a route that matches the alert, or an integration to receiver {receiver:?}"
            )),
            Self::ResolvedNotSent => Some("set send_resolved: true".to_owned()),
            _ => None,
        }
    }
}
