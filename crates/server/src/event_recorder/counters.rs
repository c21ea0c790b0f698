//! What the event recorder counts, under the peer's names. As with the peer, they are there only with the feature.

use metrics::{Counter, Gauge, Registry, Vector};

#[derive(Clone, Debug)]
pub(crate) struct Counters {
    /// By kind of event, output and result. What an output has in its own queue counts as written.
    pub(super) recorded: Vector<Counter>,
    /// By kind of event and output.
    pub(super) bytes: Vector<Counter>,
    /// By kind of event.
    pub(super) dropped: Vector<Counter>,
    pub(super) unserializable: Vector<Counter>,
    /// By output.
    pub(super) output_drops: Vector<Counter>,
    /// By output and kind of error.
    pub(super) kafka_errors: Vector<Counter>,
    waiting: Gauge,
}

impl Counters {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            recorded: registry.counters(
                "alertmanager_events_recorded_total",
                "The total number of events recorded by the event recorder.",
                &["event_type", "output", "result"],
            ),
            bytes: registry.counters(
                "alertmanager_event_recorder_bytes_written_total",
                "The total number of bytes written to the event recorder.",
                &["event_type", "output"],
            ),
            dropped: registry.counters(
                "alertmanager_events_dropped_total",
                "The total number of events dropped due to a full queue.",
                &["event_type"],
            ),
            unserializable: registry.counters(
                "alertmanager_event_serialize_errors_total",
                "The total number of events that failed to serialize.",
                &["event_type"],
            ),
            output_drops: registry.counters(
                "alertmanager_event_output_drops_total",
                "The total number of events dropped by an output due to a full local buffer.",
                &["output"],
            ),
            kafka_errors: registry.counters(
                "alertmanager_event_kafka_produce_errors_total",
                "The total number of Kafka produce attempts that failed.",
                &["output", "error_type"],
            ),
            waiting: registry.gauge(
                "alertmanager_event_recorder_queue_length",
                "Current number of events waiting in the event recorder write queue.",
            ),
        }
    }

    pub(super) fn show_waiting(&self, events: usize) {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.waiting.set(f64::from(events));
    }
}
