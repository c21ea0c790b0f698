//! One attempt to tell a receiver: what the machine asks for, and what a fire drill does beside it.

use std::sync::Arc;
use std::time::Instant;

use alerting::stats::is_counted;
use alerting::{Delivery, FailureReason, Input, Outcome, Retry};
use net::traces::{LiveSpan, SpanKind, TraceContext, within};

use super::Alertmanager;
use crate::deliveries::apart;

impl Alertmanager {
    /// Starts an attempt that the machine asked for, in a task of its own.
    pub(super) fn deliver(self: &Arc<Self>, delivery: Delivery) {
        let alertmanager = Arc::clone(self);
        self.deliveries.start(async move {
            let id = delivery.id;
            let (integration, receiver) =
                (delivery.integration_name.clone(), delivery.receiver.clone());
            let is_counted = is_counted(&delivery.alerts);
            let mut span = alertmanager.span(&delivery);
            let start = Instant::now();
            let context = span.as_ref().and_then(LiveSpan::context);
            let outcome = alertmanager.attempt(delivery, context).await;
            if let (Some(span), Outcome::Failed { message, .. }) = (&mut span, &outcome) {
                span.fail(message);
            }
            drop(span);
            if is_counted {
                let latency = &alertmanager.counters.latency;
                latency.observe(&integration, &receiver, start.elapsed());
            }
            alertmanager.step(Input::Delivered {
                delivery: id,
                outcome,
            });
        });
    }

    /// A span of one attempt, if spans are collected.
    fn span(&self, delivery: &Delivery) -> Option<LiveSpan> {
        let name = || "notify.Integration.Notify".to_owned();
        let traces = self.tracing.traces();
        let mut span = traces.start(SpanKind::Client, None, name)?;
        span.set_text("alerting.group.key", &delivery.group_key);
        span.set_text("alerting.receiver.name", &delivery.receiver);
        span.set_text("alerting.integration.name", &delivery.integration_name);
        span.set_count("alerting.alerts.count", delivery.alerts.len());
        let attempt = usize::try_from(delivery.attempt).unwrap_or(usize::MAX);
        span.set_count("alerting.attempt", attempt);
        Some(span)
    }

    /// Makes one attempt, as part of a span if there is one. Who asks for it counts it.
    pub(super) async fn attempt(
        &self,
        delivery: Delivery,
        context: Option<TraceContext>,
    ) -> Outcome {
        let receivers = Arc::clone(&self.receivers.read());
        let integration = delivery.integration_name.to_string();
        let receiver = delivery.receiver.to_string();
        let now = self.clock.now();
        // A panic in an integration ends its own task only; it counts as a failure that may pass.
        let attempt =
            apart(async move { within(context, receivers.deliver(&delivery, now)).await });
        let outcome = attempt.await.unwrap_or_else(|problem| Outcome::Failed {
            retry: Retry::Later,
            failure: FailureReason::Other,
            message: format!("the integration failed unexpectedly: {problem}"),
        });
        match &outcome {
            Outcome::Delivered { .. } => {
                let seconds = self.clock.now().seconds();
                self.counters.proven.with(&[&receiver]).set(seconds);
            }
            Outcome::Failed { message, .. } => {
                tracing::warn!(receiver, integration, message, "notification failed");
            }
        }
        outcome
    }
}
