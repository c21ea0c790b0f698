//! One attempt to tell a receiver: what the machine asks for, and what a fire drill does beside it.

use std::sync::Arc;

use alerting::{Delivery, FailureReason, Input, Outcome, Retry};

use super::Alertmanager;
use crate::deliveries::apart;

impl Alertmanager {
    /// Starts an attempt that the machine asked for, in a task of its own.
    pub(super) fn deliver(self: &Arc<Self>, delivery: Delivery) {
        let alertmanager = Arc::clone(self);
        self.deliveries.start(async move {
            let id = delivery.id;
            let outcome = alertmanager.attempt(delivery).await;
            alertmanager.step(Input::Delivered {
                delivery: id,
                outcome,
            });
        });
    }

    /// Makes one attempt and counts it.
    pub(super) async fn attempt(&self, delivery: Delivery) -> Outcome {
        let receivers = Arc::clone(&self.receivers.read());
        let integration = delivery.integration_name.to_string();
        let receiver = delivery.receiver.to_string();
        let now = self.clock.now();
        // A panic in an integration ends its own task only; it counts as a failure that may pass.
        let attempt = apart(async move { receivers.deliver(&delivery, now).await });
        let outcome = attempt.await.unwrap_or_else(|problem| Outcome::Failed {
            retry: Retry::Later,
            failure: FailureReason::Other,
            message: format!("the integration failed unexpectedly: {problem}"),
        });
        let counters = &self.counters;
        counters.notifications.with(&[&integration]).increment();
        match &outcome {
            Outcome::Delivered { .. } => {
                let seconds = self.clock.now().seconds();
                counters.proven.with(&[&receiver]).set(seconds);
            }
            Outcome::Failed {
                failure, message, ..
            } => {
                tracing::warn!(receiver, integration, message, "notification failed");
                counters
                    .failed
                    .with(&[&integration, failure.as_str()])
                    .increment();
            }
        }
        outcome
    }
}
