//! Alertmanagers outside of this process, which get the alerts of rules where nothing here routes them.
//!
//! `set`: one group of the configuration, and whom it finds. `endpoint`: one Alertmanager, its queue and the
//! task that sends. `queue`: alerts that wait; the oldest are given up where there are too many. `message`:
//! how alerts are written.
//!
//! As in the peer: every Alertmanager has a queue of its own, so that one that is slow holds up no other; what
//! could not be sent is given up, for rules tell an alert again as long as it lasts, and for a while after.

mod endpoint;
mod message;
mod queue;
mod set;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::AlertmanagersView;
use diag::ReasonBook;
use metrics::{Counter, Registry, Summary, Vector};
use model::Clock;
use parking_lot::Mutex;
use rules::SentAlert;

use set::Set;
pub(crate) use set::SetPlan;

/// To send what waits when the server stops.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// How alerts are queued and sent: flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationOptions {
    /// Alerts that may wait for one Alertmanager.
    pub queue_max: usize,
    /// Alerts of one message.
    pub batch_max: usize,
    /// What waits is sent before the server stops.
    pub drains: bool,
}

impl Default for NotificationOptions {
    fn default() -> Self {
        Self {
            queue_max: 10_000,
            batch_max: 256,
            drains: true,
        }
    }
}

/// What all sets work with.
pub(crate) struct Shared {
    options: NotificationOptions,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
    counters: Counters,
}

struct Counters {
    sent: Vector<Counter>,
    errors: Vector<Counter>,
    dropped: Vector<Counter>,
    latency: Vector<Summary>,
}

impl Counters {
    fn new(registry: &Registry) -> Self {
        let by = &["alertmanager"];
        Self {
            sent: registry.counters(
                "prometheus_notifications_sent_total",
                "Total number of alerts sent.",
                by,
            ),
            errors: registry.counters(
                "prometheus_notifications_errors_total",
                "Total number of sent alerts affected by errors.",
                by,
            ),
            dropped: registry.counters(
                "prometheus_notifications_dropped_total",
                "Total number of alerts dropped due to errors when sending to Alertmanager.",
                by,
            ),
            latency: registry.summaries(
                "prometheus_notifications_latency_seconds",
                "Latency quantiles for sending alert notifications.",
                by,
            ),
        }
    }

    /// Of an Alertmanager that is gone.
    fn forget(&self, url: &str) {
        self.sent.remove(&[url]);
        self.errors.remove(&[url]);
        self.dropped.remove(&[url]);
        self.latency.remove(&[url]);
    }
}

/// All sets of the configuration in use, by their places there.
pub(crate) struct Alertmanagers {
    shared: Arc<Shared>,
    sets: Arc<Mutex<BTreeMap<String, Set>>>,
}

impl std::fmt::Debug for Alertmanagers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Alertmanagers({} sets)", self.sets.lock().len())
    }
}

impl Alertmanagers {
    pub(crate) fn new(
        options: NotificationOptions,
        clock: Arc<dyn Clock>,
        reasons: Arc<ReasonBook>,
        registry: &Registry,
    ) -> Self {
        let sets: Arc<Mutex<BTreeMap<String, Set>>> = Arc::default();
        register(&sets, options, registry);
        Self {
            shared: Arc::new(Shared {
                options,
                clock,
                reasons,
                counters: Counters::new(registry),
            }),
            sets,
        }
    }

    /// Puts these sets in place; those that did not change keep their providers and queues.
    pub(crate) fn apply(&self, plans: Vec<SetPlan>) {
        let mut sets = self.sets.lock();
        let mut old = std::mem::take(&mut *sets);
        for plan in plans {
            let name = plan.name.clone();
            let kept = old.remove(&name).filter(|set| set.config == plan.config);
            let set = kept.unwrap_or_else(|| Set::start(plan, Arc::clone(&self.shared)));
            sets.insert(name, set);
        }
    }

    /// Hands alerts to all queues. Does not wait.
    pub(crate) fn send(&self, alerts: &[SentAlert]) {
        for set in self.sets.lock().values() {
            set.send(alerts);
        }
    }

    /// `None` without any set: then alerts stay in this process.
    pub(crate) fn view(&self) -> Option<AlertmanagersView> {
        let sets = self.sets.lock();
        if sets.is_empty() {
            return None;
        }
        let mut view = AlertmanagersView::default();
        for set in sets.values() {
            set.show(&mut view);
        }
        Some(view)
    }

    /// Sends what waits, for a while, and stops.
    pub(crate) async fn stop(&self) {
        let mut sets = std::mem::take(&mut *self.sets.lock());
        let mut endpoints = Vec::new();
        for set in sets.values_mut() {
            endpoints.extend(set.take_endpoints());
        }
        if self.shared.options.drains {
            let drained = tokio::time::timeout(DRAIN_TIME_MAX, async {
                for endpoint in &endpoints {
                    endpoint.drained().await;
                }
            });
            if drained.await.is_err() {
                let waiting: usize = endpoints.iter().map(|endpoint| endpoint.waiting()).sum();
                tracing::warn!(waiting, "stopped before all alerts were sent");
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of alerts and of Alertmanagers are small"
)]
fn register(
    sets: &Arc<Mutex<BTreeMap<String, Set>>>,
    options: NotificationOptions,
    registry: &Registry,
) {
    let capacity = registry.gauge(
        "prometheus_notifications_queue_capacity",
        "The capacity of the alert notifications queue.",
    );
    capacity.set(options.queue_max as f64);
    let seen = Arc::clone(sets);
    registry.on_render(move |page| {
        let (name, help) = (
            "prometheus_notifications_alertmanagers_discovered",
            "The number of alertmanagers discovered and active.",
        );
        let sets = seen.lock();
        let found: usize = sets.values().map(Set::len).sum();
        page.sample(metrics::Kind::Gauge, name, help, &[], found as f64);
        let (name, help) = (
            "prometheus_notifications_queue_length",
            "The number of alert notifications in the queue.",
        );
        for set in sets.values() {
            set.each_queue(|url, waiting| {
                let labels = [("alertmanager", url)];
                page.sample(metrics::Kind::Gauge, name, help, &labels, waiting as f64);
            });
        }
    });
}

#[cfg(test)]
mod tests;
