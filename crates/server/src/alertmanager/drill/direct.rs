//! A fire drill straight to a receiver: all its integrations, a few attempts each. The machine does not know of it.

use std::sync::Arc;

use alerting::backoff::Backoff;
use alerting::dedup::NotifyReason;
use alerting::delivery::DeliveryId;
use alerting::event::GroupRef;
use alerting::journal::Draft;
use alerting::{
    Alert, Delivery, Event, FailureReason, Integration, NotNotified, NotifiedAlert, Outcome, Retry,
};
use api::{DrillEnd, DrillReport};
use model::{Duration, Timestamp};
use tokio::task::JoinSet;

use super::{END_GRACE, Running, end};
use crate::storage::random;

/// Of one integration.
const ATTEMPTS_MAX: u32 = 3;
const ATTEMPT_TIME: Duration = Duration::from_secs(30);
/// Past the deadline of an attempt that did not end by itself.
const LOST_AFTER: Duration = Duration::from_secs(5);
/// Numbers of deliveries that the machine does not give: it counts from 1.
const DELIVERIES: u64 = 1 << 48;

impl Running {
    /// Straight to a receiver: all its integrations at once, that it fires, and then that it is over.
    pub(super) async fn tell(
        self: Arc<Self>,
        receiver: String,
        integrations: Vec<Integration>,
    ) -> DrillReport {
        let group = Arc::new(GroupRef {
            key: format!("drill/{}", self.id).into(),
            receiver: receiver.into(),
            route_id: "drill".into(),
        });
        let mut ends = Vec::new();
        for is_resolved in [false, true] {
            let Some(alerts) = self.notified(is_resolved) else {
                break;
            };
            let mut tasks = JoinSet::new();
            for (place, integration) in integrations.iter().enumerate() {
                if is_resolved && !integration.sends_resolved {
                    continue;
                }
                let telling = Telling {
                    group: Arc::clone(&group),
                    place,
                    integration: Arc::clone(&integration.name),
                    alerts: Arc::clone(&alerts),
                    // Any two may not be the same for a while.
                    id: DeliveryId(DELIVERIES | (random() >> 20)),
                };
                let drill = Arc::clone(&self);
                tasks.spawn(async move { drill.tell_one(telling).await });
            }
            while let Some(end) = tasks.join_next().await {
                ends.extend(end.ok());
            }
        }
        self.report(ends)
    }

    /// The alert as a list of its own.
    fn notified(&self, is_resolved: bool) -> Option<Arc<[NotifiedAlert]>> {
        let now = self.alertmanager.clock.now();
        let ends_at = if is_resolved { now } else { now + END_GRACE };
        let alert = {
            let machine = self.alertmanager.machine.lock();
            Alert::from_posted(
                &self.posted(ends_at),
                now.into(),
                machine.config().resolve_timeout,
                machine.settings().names,
            )
        };
        let alert = alert
            .inspect_err(|error| tracing::error!(%error, "the alert of a fire drill is refused"));
        let notified = NotifiedAlert {
            alert: Arc::new(alert.ok()?),
            is_resolved,
        };
        Some(Arc::from([notified]))
    }

    /// Tells one integration, in a few attempts.
    async fn tell_one(&self, telling: Telling) -> DrillEnd {
        let mut backoff = Backoff::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let now = self.alertmanager.clock.now();
            self.note(telling.started(attempt));
            let delivery = telling.delivery(attempt, now + ATTEMPT_TIME);
            let limit = (ATTEMPT_TIME + LOST_AFTER).to_std();
            let outcome =
                tokio::time::timeout(limit, self.alertmanager.attempt(delivery, None)).await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::Failed {
                retry: Retry::Later,
                failure: FailureReason::ContextDeadlineExceeded,
                message: "the receiver did not answer in time".to_owned(),
            });
            let (retry, failure, message) = match outcome {
                Outcome::Delivered { answer, .. } => {
                    return self.note(Event::DeliverySucceeded {
                        delivery: telling.id,
                        group: telling.group,
                        integration: telling.integration,
                        attempts: attempt,
                        alerts: telling.alerts,
                        answer,
                        repeats_after: None,
                    });
                }
                Outcome::Failed {
                    retry,
                    failure,
                    message,
                } => (retry, failure, message),
            };
            let pause = backoff.next_pause(random());
            let pause = match retry {
                Retry::Never => None,
                Retry::Later => Some(pause),
                Retry::After(asked) => {
                    Some(asked.max(pause)).filter(|pause| *pause <= ATTEMPT_TIME)
                }
            };
            let has_time = attempt < ATTEMPTS_MAX && !self.alertmanager.deliveries.is_stopping();
            let Some(pause) = pause.filter(|_| has_time) else {
                return self.note(Event::NotNotified {
                    group: telling.group,
                    integration: Some(telling.integration),
                    reason: NotNotified::DeliveryFailed {
                        failure,
                        message,
                        attempts: attempt,
                    },
                    alerts: telling.alerts,
                });
            };
            self.note(telling.retried(attempt, (failure, message), now + pause));
            let elapsed = self.alertmanager.clock.now().since(now);
            let pause = tokio::time::sleep((pause - elapsed).max(Duration::ZERO).to_std());
            tokio::select! {
                () = pause => {}
                // The last attempt is made at once.
                () = self.alertmanager.deliveries.stop_begins() => {}
            }
        }
    }

    /// Keeps a hop and tells the journal of it. Gives what it would mean as the last one.
    fn note(&self, event: Event) -> DrillEnd {
        let now = self.alertmanager.clock.now();
        let draft = Draft::of(now, &event);
        self.alertmanager
            .journal
            .put_events(now, std::iter::once(event));
        let end = end(&draft, self.fingerprint);
        self.hops.lock().push(draft);
        end
    }
}

/// What one integration is told by the drill itself.
struct Telling {
    group: Arc<GroupRef>,
    place: usize,
    integration: Arc<str>,
    alerts: Arc<[NotifiedAlert]>,
    id: DeliveryId,
}

impl Telling {
    fn reason(&self) -> NotifyReason {
        match self.alerts.iter().all(|alert| alert.is_resolved) {
            true => NotifyReason::AllResolved,
            false => NotifyReason::FirstNotification,
        }
    }

    fn started(&self, attempt: u32) -> Event {
        Event::DeliveryStarted {
            delivery: self.id,
            group: Arc::clone(&self.group),
            integration: Arc::clone(&self.integration),
            attempt,
            reason: self.reason(),
            alerts: Arc::clone(&self.alerts),
        }
    }

    fn retried(
        &self,
        attempt: u32,
        (failure, message): (FailureReason, String),
        next_at: Timestamp,
    ) -> Event {
        Event::DeliveryRetried {
            delivery: self.id,
            group: Arc::clone(&self.group),
            integration: Arc::clone(&self.integration),
            attempt,
            alerts: Arc::clone(&self.alerts),
            failure,
            message,
            next_at,
        }
    }

    fn delivery(&self, attempt: u32, deadline: Timestamp) -> Delivery {
        let first = self.alerts.first();
        Delivery {
            id: self.id,
            attempt,
            receiver: Arc::clone(&self.group.receiver),
            integration: self.place,
            integration_name: Arc::clone(&self.integration),
            group_key: Arc::clone(&self.group.key),
            group_labels: first
                .map(|one| one.alert.labels.clone())
                .unwrap_or_default(),
            route_labels: Arc::default(),
            alerts: Arc::clone(&self.alerts),
            group_alerts: Arc::clone(&self.alerts),
            reason: self.reason(),
            receiver_data: Default::default(),
            deadline,
        }
    }
}
