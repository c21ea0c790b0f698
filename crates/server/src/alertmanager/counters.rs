//! What alerting counts outside of its machine, which counts for itself.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alerting::measure::Taken;
use metrics::{Counter, Gauge, Histogram, Registry, Vector};
use parking_lot::Mutex;

use crate::options::{AlertmanagerOptions, MetricLabels, Switch};
use crate::{event_recorder, journal};

/// Upper bounds in seconds, as the peer has them.
const LATENCY: [f64; 5] = [1.0, 5.0, 10.0, 15.0, 20.0];

/// Under the peer's names; the journal's under ours.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    pub(crate) labels: MetricLabels,
    pub(super) latency: Latency,
    pub(super) proven: Vector<Gauge>,
    pub(super) journal: journal::Counters,
    /// With the feature only.
    pub(super) events: Option<event_recorder::Counters>,
    /// The files.
    pub(crate) silences: Snapshots,
    pub(crate) log: Snapshots,
    /// News of other members that were news to us, and so are told on.
    pub(crate) silences_propagated: Counter,
    pub(crate) log_propagated: Counter,
}

impl Counters {
    pub(crate) fn new(registry: &Registry, options: &AlertmanagerOptions) -> Self {
        let labels = options.metric_labels;
        let propagated = "Number of received gossip messages that have been further gossiped.";
        Self {
            labels,
            latency: Latency::new(registry, labels.receiver_name),
            proven: registry.gauges(
                "keepwatch_last_proven_delivery_timestamp_seconds",
                "When the receiver last took a notification, fire drills included.",
                &["receiver"],
            ),
            journal: journal::Counters::new(registry),
            events: options
                .event_recorder
                .is_on()
                .then(|| event_recorder::Counters::new(registry)),
            silences: Snapshots::default(),
            log: Snapshots::default(),
            silences_propagated: registry.counter(
                "alertmanager_silences_gossip_messages_propagated_total",
                propagated,
            ),
            log_propagated: registry.counter(
                "alertmanager_nflog_gossip_messages_propagated_total",
                propagated,
            ),
        }
    }
}

/// Kinds of integrations with the names of the receivers that have them.
pub(crate) type Told = BTreeSet<(Arc<str>, Arc<str>)>;

pub(super) fn told(config: &alerting::Config) -> Told {
    let receivers = config.receivers.iter();
    let told = receivers.flat_map(|receiver| {
        let integrations = receiver.integrations.iter();
        integrations.map(|one| (one.name.clone(), receiver.name.clone()))
    });
    told.collect()
}

/// How long attempts to notify take.
#[derive(Clone, Debug)]
pub(super) struct Latency {
    seconds: Vector<Histogram>,
    receiver_name: Switch,
    /// What is shown, if receivers are told apart.
    shown: Arc<Mutex<Told>>,
}

impl Latency {
    fn new(registry: &Registry, receiver_name: Switch) -> Self {
        let labels: &[&'static str] = match receiver_name {
            Switch::On => &["integration", "receiver_name"],
            Switch::Off => &["integration"],
        };
        let seconds = registry.histograms(
            "alertmanager_notification_latency_seconds",
            "The latency of notifications in seconds.",
            labels,
            &LATENCY,
        );
        if !receiver_name.is_on() {
            for integration in notify::integration::NAMES {
                seconds.with(&[integration]);
            }
        }
        Self {
            seconds,
            receiver_name,
            shown: Arc::default(),
        }
    }

    /// Shows the receivers of this configuration from now on, if it shows receivers.
    pub(super) fn follow(&self, config: &alerting::Config) {
        if !self.receiver_name.is_on() {
            return;
        }
        let mut shown = self.shown.lock();
        let told = told(config);
        for (integration, receiver) in shown.difference(&told) {
            self.seconds.remove(&[integration, receiver]);
        }
        for (integration, receiver) in &told {
            self.seconds.with(&[integration, receiver]);
        }
        *shown = told;
    }

    /// One attempt has ended.
    pub(super) fn observe(&self, integration: &Arc<str>, receiver: &Arc<str>, taken: Duration) {
        let histogram = match self.receiver_name {
            Switch::Off => self.seconds.with(&[integration]),
            Switch::On => {
                let shown = self.shown.lock();
                // A reload may have taken the receiver away in the meantime.
                if !shown.contains(&(integration.clone(), receiver.clone())) {
                    return;
                }
                self.seconds.with(&[integration, receiver])
            }
        };
        histogram.observe(taken.as_secs_f64());
    }
}

/// A file that is written as a whole, again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshots(Arc<Mutex<SnapshotCounts>>);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SnapshotCounts {
    /// Of all, also those that failed.
    pub(crate) taken: Taken,
    pub(crate) failed: u64,
    /// Of the last that did not fail; at first of the file that was found.
    pub(crate) bytes: usize,
}

impl Snapshots {
    pub(super) fn begin(&self, bytes: usize) {
        self.0.lock().bytes = bytes;
    }

    /// Writes one, and says how large it is.
    pub(super) fn measure(&self, write: impl FnOnce() -> io::Result<usize>) -> io::Result<()> {
        let start = Instant::now();
        let written = write();
        self.note(start.elapsed(), written.as_ref().ok().copied());
        written.map(drop)
    }

    /// One was written, if it has a size, or not.
    pub(super) fn note(&self, time: Duration, bytes: Option<usize>) {
        let mut counts = self.0.lock();
        counts.taken.add(time);
        match bytes {
            Some(bytes) => counts.bytes = bytes,
            None => counts.failed += 1,
        }
    }

    pub(crate) fn counts(&self) -> SnapshotCounts {
        *self.0.lock()
    }
}
