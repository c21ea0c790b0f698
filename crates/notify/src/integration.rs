//! What every integration does, and the table of all of them.

use std::fmt;
use std::sync::Arc;

use alerting::nflog::ReceiverData;

use crate::answer::Failure;
use crate::http::{BoxFuture, HttpSend};
use crate::notification::Notification;
use crate::webhook::{Webhook, WebhookOptions};

/// A notification arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// What to keep for the group's next notification; `None` leaves it as it was.
    pub receiver_data: Option<ReceiverData>,
}

/// Tells one receiver.
pub trait Integration: fmt::Debug + Send + Sync {
    /// One attempt. It ends by the delivery's deadline.
    fn notify<'a>(&'a self, notification: Notification<'a>)
    -> BoxFuture<'a, Result<Sent, Failure>>;
}

/// The options of one integration, by kind. A new integration is a file of its own, and one line here, in
/// [`name`](Self::name) and in [`build`](Self::build).
#[derive(Clone, Debug, PartialEq)]
pub enum IntegrationOptions {
    Webhook(WebhookOptions),
}

impl IntegrationOptions {
    /// As the notification log and metrics call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
        }
    }

    /// `http` sends with the integration's own HTTP options.
    pub fn build(self, http: Arc<dyn HttpSend>) -> Box<dyn Integration> {
        match self {
            Self::Webhook(options) => Box::new(Webhook::new(options, http)),
        }
    }
}
