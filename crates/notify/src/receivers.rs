//! All integrations of one configuration, and the way from a delivery to its outcome.

use std::collections::HashMap;
use std::sync::Arc;

use alerting::{Delivery, Outcome};
use model::Timestamp;

use crate::answer::Failure;
use crate::integration::Integration;
use crate::notification::Notification;
use crate::templates::Templates;

/// The receivers of one configuration. Shared by all deliveries; a reload makes new ones.
#[derive(Debug)]
pub struct Receivers {
    templates: Templates,
    /// `Alertmanager/<version>`.
    user_agent: String,
    /// In the order of each receiver's configuration.
    integrations: HashMap<Arc<str>, Vec<Box<dyn Integration>>>,
}

impl Receivers {
    pub fn new(
        templates: Templates,
        user_agent: impl Into<String>,
        integrations: HashMap<Arc<str>, Vec<Box<dyn Integration>>>,
    ) -> Self {
        Self {
            templates,
            user_agent: user_agent.into(),
            integrations,
        }
    }

    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Makes one attempt. `now` is the time at which it starts. The caller keeps a panic of an integration
    /// from spreading, and reports it as a failure.
    pub async fn deliver(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let integration = self
            .integrations
            .get(&delivery.receiver)
            .and_then(|integrations| integrations.get(delivery.integration));
        let Some(integration) = integration else {
            let message = format!(
                "receiver {:?} has no integration {} any more",
                delivery.receiver,
                delivery.integration + 1
            );
            return Failure::permanent(message).into();
        };
        let notification = Notification {
            delivery,
            templates: &self.templates,
            now,
            user_agent: &self.user_agent,
        };
        match integration.notify(notification).await {
            Ok(sent) => Outcome::Delivered {
                receiver_data: sent.receiver_data,
                answer: sent.answer,
            },
            Err(failure) => failure.into(),
        }
    }
}
