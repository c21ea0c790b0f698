//! One attempt to tell a receiver: what the machine asks for, and what a fire drill does beside it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use alerting::stats::is_counted;
use alerting::{Delivery, DeliveryId, FailureReason, Input, Outcome, Retry};
use net::traces::{LiveSpan, SpanKind, TraceContext, within};
use parking_lot::Mutex;

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
            let attempt = delivery.attempt;
            let outcome = alertmanager.attempt(delivery, context).await;
            alertmanager
                .failures
                .log(id, attempt, [&receiver, &integration], &outcome);
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
            Outcome::Failed { .. } => {}
        }
        outcome
    }
}

/// How many deliveries the last failures are known of; more are logged at each attempt.
const FAILURES_MAX: usize = 10_000;

/// What made deliveries that go on fail the last time, so that the log tells each problem and not each attempt.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<DeliveryId, String>>);

impl Failures {
    /// Logs how an attempt ended, if that is news.
    fn log(
        &self,
        id: DeliveryId,
        attempt: u32,
        [receiver, integration]: [&str; 2],
        outcome: &Outcome,
    ) {
        let is_news = self.is_news(id, attempt, outcome);
        let Outcome::Failed { retry, message, .. } = outcome else {
            return;
        };
        match retry {
            Retry::Never => {
                tracing::error!(
                    receiver,
                    integration,
                    attempt,
                    message,
                    "notification failed"
                );
            }
            Retry::Later | Retry::After(_) if is_news => {
                let what = "notification failed, it is tried again";
                tracing::warn!(receiver, integration, attempt, message, "{what}");
            }
            Retry::Later | Retry::After(_) => {}
        }
    }

    /// Whether a failure is the first of its delivery, another one than before, or the last.
    fn is_news(&self, id: DeliveryId, attempt: u32, outcome: &Outcome) -> bool {
        let mut failures = self.0.lock();
        match outcome {
            Outcome::Failed { retry, message, .. } if *retry != Retry::Never => {
                let is_news = attempt == 1 || failures.get(&id) != Some(message);
                // Deliveries that run out of time do not come back to be forgotten.
                if failures.len() >= FAILURES_MAX {
                    failures.clear();
                }
                failures.insert(id, message.clone());
                is_news
            }
            _ => {
                failures.remove(&id);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alerting::delivery::ReceiverAnswer;

    use super::*;

    #[test]
    fn a_problem_is_news_once_until_it_changes() {
        let failures = Failures::default();
        let failed = |retry: Retry, message: &str| Outcome::Failed {
            retry,
            failure: FailureReason::Other,
            message: message.to_owned(),
        };
        let is_news = |id: u64, attempt: u32, outcome: &Outcome| {
            failures.is_news(DeliveryId(id), attempt, outcome)
        };
        let (refused, timeout) = (
            failed(Retry::Later, "refused"),
            failed(Retry::Later, "timeout"),
        );
        let news = [
            is_news(1, 1, &refused),
            is_news(1, 2, &refused),
            is_news(2, 1, &refused),
            is_news(1, 3, &timeout),
            is_news(1, 4, &timeout),
            is_news(1, 5, &refused),
        ];
        assert_eq!(news, [true, false, true, true, false, true]);
        assert!(is_news(1, 6, &failed(Retry::Never, "refused")));
        let delivered = Outcome::Delivered {
            receiver_data: None,
            answer: ReceiverAnswer::default(),
        };
        is_news(2, 2, &delivered);
        assert!(failures.0.lock().is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        let failed = Outcome::Failed {
            retry: Retry::Later,
            failure: FailureReason::Other,
            message: "refused".to_owned(),
        };
        for id in 0..=FAILURES_MAX as u64 {
            failures.is_news(DeliveryId(id), 1, &failed);
        }
        assert!(failures.0.lock().len() <= FAILURES_MAX);
    }
}
