//! The driver of the alerting machine: time and alerts in, deliveries out, state shown to the API.

use std::sync::Arc;

use alerting::view::{AlertFilter, AlertView, GroupView};
use alerting::{
    Action, Delivery, Event, FailureReason, Input, Machine, Outcome, PostedAlert, Retry, Settings,
};
use diag::ReasonBook;
use model::{Clock, Timestamp};
use notify::Receivers;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::running::Outgoing;

/// What a reload replaces as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) config: Arc<alerting::Config>,
    pub(crate) receivers: Arc<Receivers>,
    /// The configuration in its canonical text form.
    pub(crate) text: String,
}

/// The machine with everything around it. Shared by rules, API and the driver's task.
pub(crate) struct Alertmanager {
    machine: Mutex<Machine>,
    receivers: RwLock<Arc<Receivers>>,
    text: RwLock<String>,
    clock: Arc<dyn Clock>,
    /// Rung when the next wake-up may have become earlier.
    bell: Notify,
    reasons: Arc<ReasonBook>,
    counters: Counters,
}

/// Under the peer's names.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    notifications: metrics::Vector<metrics::Counter>,
    failed: metrics::Vector<metrics::Counter>,
    received: metrics::Vector<metrics::Counter>,
    invalid: metrics::Vector<metrics::Counter>,
}

impl Counters {
    pub(crate) fn new(registry: &metrics::Registry) -> Self {
        Self {
            notifications: registry.counters(
                "alertmanager_notifications_total",
                "The total number of attempted notifications.",
                &["integration"],
            ),
            failed: registry.counters(
                "alertmanager_notifications_failed_total",
                "The total number of failed notifications.",
                &["integration", "reason"],
            ),
            received: registry.counters(
                "alertmanager_alerts_received_total",
                "The total number of received alerts.",
                &["status", "version"],
            ),
            invalid: registry.counters(
                "alertmanager_alerts_invalid_total",
                "The total number of received alerts that were invalid.",
                &["version"],
            ),
        }
    }
}

impl std::fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alertmanager")
    }
}

impl Alertmanager {
    pub(crate) fn new(
        routing: Routing,
        settings: Settings,
        clock: Arc<dyn Clock>,
        reasons: Arc<ReasonBook>,
        counters: Counters,
    ) -> Arc<Self> {
        let machine = Machine::new(settings, routing.config, clock.now());
        Arc::new(Self {
            machine: Mutex::new(machine),
            receivers: RwLock::new(routing.receivers),
            text: RwLock::new(routing.text),
            clock,
            bell: Notify::new(),
            reasons,
            counters,
        })
    }

    /// Runs until the task is dropped. Deliveries run beside it, each in a task of its own.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let wake_at = self.machine.lock().wake_at();
            let rung = self.bell.notified();
            match wake_at {
                Some(time) => {
                    let wait = time.since(self.clock.now()).to_std();
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = rung => {}
                    }
                }
                None => rung.await,
            }
            self.step(Input::Tick);
        }
    }

    pub(crate) fn replace(self: &Arc<Self>, routing: Routing) {
        *self.receivers.write() = routing.receivers;
        *self.text.write() = routing.text;
        self.step(Input::ConfigReplaced(routing.config));
    }

    /// One step of the machine; carries out what it asks for and returns the refusals of posted alerts.
    fn step(self: &Arc<Self>, input: Input) -> Vec<String> {
        let now = self.clock.now();
        // The driver's own ticks must not wake the driver again.
        let is_news = !matches!(input, Input::Tick);
        let actions = {
            let mut machine = self.machine.lock();
            machine.step(now, input)
        };
        if is_news {
            self.bell.notify_one();
        }
        let mut refused = Vec::new();
        for action in actions {
            match action {
                Action::Deliver(delivery) => self.deliver(*delivery),
                Action::Journal(event) => self.journal(now, &event),
                Action::AlertRefused(error) => {
                    self.reasons.record(now.millis(), "posted alert", &error);
                    self.counters.invalid.with(&["v2"]).increment();
                    refused.push(error.to_string());
                }
                // Answers to silences, which no path of the API asks for yet, and news for cluster
                // members, which a single node has not.
                Action::SilenceDone { .. }
                | Action::SilenceRefused(_)
                | Action::BroadcastSilence(_)
                | Action::BroadcastLogEntry(_) => {}
            }
        }
        refused
    }

    fn deliver(self: &Arc<Self>, delivery: Delivery) {
        let alertmanager = Arc::clone(self);
        let receivers = Arc::clone(&self.receivers.read());
        tokio::spawn(async move {
            let id = delivery.id;
            let integration = delivery.integration_name.to_string();
            let receiver = delivery.receiver.to_string();
            let now = alertmanager.clock.now();
            // A panic in an integration ends its own task only; it counts as a failure that may pass.
            let attempt = tokio::spawn(async move { receivers.deliver(&delivery, now).await });
            let outcome = attempt.await.unwrap_or_else(|error| Outcome::Failed {
                retry: Retry::Later,
                failure: FailureReason::Other,
                message: format!("the integration failed unexpectedly: {error}"),
            });
            let counters = &alertmanager.counters;
            counters.notifications.with(&[&integration]).increment();
            if let Outcome::Failed {
                failure, message, ..
            } = &outcome
            {
                tracing::warn!(receiver, integration, message, "notification failed");
                counters
                    .failed
                    .with(&[&integration, failure.as_str()])
                    .increment();
            }
            alertmanager.step(Input::Delivered {
                delivery: id,
                outcome,
            });
        });
    }

    fn journal(&self, now: Timestamp, event: &Event) {
        if let Event::NotNotified { group, reason, .. } = event {
            self.reasons.record(
                now.millis(),
                &format!("group {} of receiver {}", group.key, group.receiver),
                reason,
            );
        }
        tracing::debug!(code = event.code(), ?event, "alerting");
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        let now = self.clock.now();
        self.machine.lock().alert_counts(now)
    }
}

/// Rules hand their alerts over in memory.
#[derive(Debug)]
pub(crate) struct RuleAlerts(
    pub(crate) Arc<Alertmanager>,
    pub(crate) tokio::runtime::Handle,
);

impl rules::AlertSink for RuleAlerts {
    fn send(&self, alerts: Vec<rules::SentAlert>) {
        let time = |at: Timestamp| alerting::Time::from(at);
        let posted = alerts.into_iter().map(|alert| PostedAlert {
            labels: alert.labels,
            annotations: Arc::new(alert.annotations.to_map()),
            starts_at: Some(time(alert.starts_at)),
            ends_at: Some(time(alert.ends_at)),
            generator_url: alert.generator_url,
        });
        let posted: Vec<PostedAlert> = posted.collect();
        // Deliveries are started from here, and rules are evaluated outside the async threads.
        let _runtime = self.1.enter();
        self.0.post_counted(posted);
    }
}

impl Alertmanager {
    fn post_counted(self: &Arc<Self>, alerts: Vec<PostedAlert>) -> Vec<String> {
        let now = alerting::Time::from(self.clock.now());
        for alert in &alerts {
            let is_resolved = alert.ends_at.is_some_and(|end| end <= now);
            self.counters
                .received
                .with(&[if is_resolved { "resolved" } else { "firing" }, "v2"])
                .increment();
        }
        self.step(Input::Posted(alerts))
    }
}

/// The API's view. A type of its own, because stepping needs the shared pointer.
#[derive(Debug)]
pub(crate) struct AlertmanagerApi {
    pub(crate) alertmanager: Arc<Alertmanager>,
    pub(crate) outgoing: Arc<RwLock<Outgoing>>,
}

impl api::AlertmanagerSource for AlertmanagerApi {
    fn alerts(&self, filter: &AlertFilter) -> Vec<AlertView> {
        self.alertmanager
            .machine
            .lock()
            .alert_views(self.alertmanager.clock.now(), filter)
    }

    fn groups(&self, filter: &AlertFilter) -> Vec<GroupView> {
        self.alertmanager
            .machine
            .lock()
            .group_views(self.alertmanager.clock.now(), filter)
    }

    fn receivers(&self) -> Vec<String> {
        let machine = self.alertmanager.machine.lock();
        machine
            .config()
            .receivers
            .iter()
            .map(|receiver| receiver.name.to_string())
            .collect()
    }

    fn config_text(&self) -> String {
        self.alertmanager.text.read().clone()
    }

    fn post(&self, alerts: Vec<PostedAlert>) -> Vec<String> {
        self.alertmanager.post_counted(alerts)
    }

    fn cluster_status(&self) -> String {
        "disabled".to_owned()
    }

    fn outgoing_labels(&self, labels: &model::Labels) -> Option<model::Labels> {
        self.outgoing.read().labels(labels)
    }

    fn routing(&self) -> api::RoutingView {
        let machine = self.alertmanager.machine.lock();
        let receivers = machine.config().receivers.iter().map(|receiver| {
            let integrations = receiver.integrations.iter();
            let kinds = integrations.map(|integration| integration.name.to_string());
            (receiver.name.to_string(), kinds.collect())
        });
        api::RoutingView {
            tree: machine.routes().clone(),
            receivers: receivers.collect(),
        }
    }

    fn explain(
        &self,
        labels: &model::Labels,
        at: Timestamp,
    ) -> Vec<alerting::view::RouteExplanation> {
        self.alertmanager.machine.lock().explain(labels, at)
    }
}
