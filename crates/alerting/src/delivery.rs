//! What must be delivered, and how it went.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Duration, Labels, Timestamp};

use crate::alert::Alert;
use crate::dedup::NotifyReason;
use crate::nflog::ReceiverData;

/// Names one delivery, with all its attempts, for the life of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// An alert as it stood when its group was flushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedAlert {
    pub alert: Arc<Alert>,
    /// Otherwise it fires, and its end is not shown.
    pub is_resolved: bool,
}

/// One attempt to tell one integration about one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    /// 1 for the first.
    pub attempt: u32,
    pub receiver: Arc<str>,
    /// Position among all integrations of the receiver.
    pub integration: usize,
    /// The integration's kind, such as `webhook`.
    pub integration_name: Arc<str>,
    pub group_key: Arc<str>,
    pub group_labels: Labels,
    /// As configured: templates, not yet rendered.
    pub route_labels: Arc<BTreeMap<String, String>>,
    /// In the order in which they are shown; never empty.
    pub alerts: Arc<[NotifiedAlert]>,
    /// All alerts of the group, also those that are not told about.
    pub group_alerts: Arc<[NotifiedAlert]>,
    pub reason: NotifyReason,
    /// What the integration kept from the last notification of this group; empty at the first.
    pub receiver_data: ReceiverData,
    /// The attempt must have ended by then.
    pub deadline: Timestamp,
}

/// What the receiver said when it took a notification; for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverAnswer {
    /// The status code of HTTP; `None` where the integration does not speak HTTP, or makes several requests.
    pub status: Option<u16>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Delivered {
        /// What the integration keeps for the next time; `None` leaves it as it was.
        receiver_data: Option<ReceiverData>,
        answer: ReceiverAnswer,
    },
    Failed {
        retry: Retry,
        failure: FailureReason,
        /// For people; without secrets.
        message: String,
    },
}

impl Outcome {
    /// Success, with nothing to keep.
    pub fn delivered() -> Self {
        Self::Delivered {
            receiver_data: None,
            answer: ReceiverAnswer::default(),
        }
    }
}

/// Whether a failure may pass by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After the usual pause.
    Later,
    /// Not before this much time has passed, because the receiver said so. Past the flush's deadline it is
    /// left to the next flush.
    After(Duration),
    Never,
}

/// The kinds of failure that metrics tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureReason {
    Other,
    ClientError,
    ServerError,
    ContextCanceled,
    ContextDeadlineExceeded,
    AuthError,
    RateLimited,
}

impl FailureReason {
    pub const ALL: [Self; 7] = [
        Self::Other,
        Self::ClientError,
        Self::ServerError,
        Self::ContextCanceled,
        Self::ContextDeadlineExceeded,
        Self::AuthError,
        Self::RateLimited,
    ];

    /// The value of the label `reason` of the peer's metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::ClientError => "clientError",
            Self::ServerError => "serverError",
            Self::ContextCanceled => "contextCanceled",
            Self::ContextDeadlineExceeded => "contextDeadlineExceeded",
            Self::AuthError => "authError",
            Self::RateLimited => "rateLimited",
        }
    }
}
