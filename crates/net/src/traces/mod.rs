//! Spans of what this process does, for a collector of OpenTelemetry. Who does something holds a [`LiveSpan`] meanwhile;
//! [`Exporter`] sends those that have ended.
//!
//! Bounded: spans wait in a queue; what does not fit in is dropped and counted. Without a tracer nothing is made.

mod context;
mod export;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use model::Clock;
use parking_lot::RwLock;
use tokio::sync::mpsc;

pub use context::{TraceContext, within};
pub use export::{ExportCounts, ExportOptions, Exporter, Protocol};
pub use wire::otlp::{SpanKind, SpanValue};

/// Spans that wait to be sent, as the peer's library has it.
const QUEUE: usize = 2048;
/// Texts are cut there: an error can hold a receiver's whole answer.
const TEXT_BYTES_MAX: usize = 1024;

/// Makes spans. Cloning shares it.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<wire::otlp::Span>,
    /// Of the traces that begin here.
    sampling_fraction: f64,
    clock: Arc<dyn Clock>,
    dropped: Arc<AtomicU64>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tracer")
    }
}

/// The tracer that is in use, if there is one; a reload may change it.
#[derive(Clone, Debug, Default)]
pub struct Traces(Arc<RwLock<Option<Tracer>>>);

impl Traces {
    pub fn set(&self, tracer: Option<Tracer>) {
        *self.0.write() = tracer;
    }

    /// Begins a span, if somebody collects spans and this trace is among those that are sent.
    pub fn start(
        &self,
        kind: SpanKind,
        parent: Option<TraceContext>,
        name: impl FnOnce() -> String,
    ) -> Option<LiveSpan> {
        self.0.read().as_ref()?.start(kind, parent, name)
    }
}

impl Tracer {
    fn start(
        &self,
        kind: SpanKind,
        parent: Option<TraceContext>,
        name: impl FnOnce() -> String,
    ) -> Option<LiveSpan> {
        let trace_id = match parent {
            Some(parent) => parent.trace_id,
            None => u128::from(random()) << 64 | u128::from(random()),
        };
        let is_sampled = match parent {
            Some(parent) => parent.is_sampled,
            None => is_chosen(trace_id, self.0.sampling_fraction),
        };
        if !is_sampled {
            return None;
        }
        let millis = u64::try_from(self.0.clock.now().millis()).unwrap_or_default();
        let start_ns = millis.saturating_mul(1_000_000);
        Some(LiveSpan {
            tracer: self.clone(),
            started: Instant::now(),
            span: Some(wire::otlp::Span {
                trace_id,
                span_id: random(),
                parent_id: parent.map_or(0, |parent| parent.span_id),
                name: name(),
                kind,
                start_ns,
                end_ns: start_ns,
                attributes: Vec::new(),
                error: None,
            }),
        })
    }
}

/// By its last 63 bits, as the peers do, so that all programs choose the same traces.
fn is_chosen(trace_id: u128, fraction: f64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the low half is what is asked for, and its first 53 bits decide"
    )]
    let place = (trace_id as u64 >> 1) as f64 / (1u64 << 63) as f64;
    place < fraction
}

/// Never 0, which the protocol takes for none.
fn random() -> u64 {
    RandomState::new().hash_one(0u8).max(1)
}

/// Something that goes on. It ends when this is dropped.
#[derive(Debug)]
pub struct LiveSpan {
    tracer: Tracer,
    started: Instant,
    span: Option<wire::otlp::Span>,
}

impl LiveSpan {
    pub fn set_text(&mut self, key: &'static str, text: &str) {
        let text = cut(text);
        self.set(key, SpanValue::Text(text));
    }

    pub fn set_count(&mut self, key: &'static str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.set(key, SpanValue::Count(count));
    }

    fn set(&mut self, key: &'static str, value: SpanValue) {
        if let Some(span) = &mut self.span {
            span.attributes.push((key, value));
        }
    }

    /// For what is done as part of it.
    pub fn context(&self) -> Option<TraceContext> {
        let span = self.span.as_ref()?;
        Some(TraceContext {
            trace_id: span.trace_id,
            span_id: span.span_id,
            is_sampled: true,
        })
    }

    /// It went wrong. The text must hold no secret.
    pub fn fail(&mut self, problem: &str) {
        if let Some(span) = &mut self.span {
            span.error = Some(cut(problem));
        }
    }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    text.get(..end).unwrap_or_default().to_owned()
}

impl Drop for LiveSpan {
    fn drop(&mut self) {
        let Some(mut span) = self.span.take() else {
            return;
        };
        let taken = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        span.end_ns = span.start_ns.saturating_add(taken);
        if self.tracer.0.queue.try_send(span).is_err() {
            self.tracer.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_decides_where_nobody_did_before() {
        assert!(!is_chosen(u128::MAX, 1.0 - 1e-9));
        assert!(is_chosen(u128::MAX, 1.1) && is_chosen(0, 1e-9) && !is_chosen(0, 0.0));
        assert!(is_chosen(1u128 << 63, 0.6) && !is_chosen(1u128 << 63, 0.4));

        let (queue, mut ended) = mpsc::channel(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let traces = Traces::default();
        assert!(
            traces
                .start(SpanKind::Server, None, || unreachable!())
                .is_none()
        );
        traces.set(Some(Tracer(Arc::new(Inner {
            queue,
            sampling_fraction: 0.0,
            clock: Arc::new(model::clock::ManualClock::default()),
            dropped: Arc::clone(&dropped),
        }))));
        let name = || "a".to_owned();
        assert!(traces.start(SpanKind::Server, None, name).is_none());
        let parent = |is_sampled| TraceContext {
            trace_id: 7,
            span_id: 8,
            is_sampled,
        };
        let refused = traces.start(SpanKind::Server, Some(parent(false)), name);
        assert!(refused.is_none());
        let mut span = traces
            .start(SpanKind::Server, Some(parent(true)), name)
            .unwrap();
        span.fail(&"ä".repeat(2000));
        drop(span);
        let span = ended.try_recv().unwrap();
        assert_eq!((span.trace_id, span.parent_id), (7, 8));
        assert_eq!(span.error.unwrap(), "ä".repeat(TEXT_BYTES_MAX / 2));
        for _ in 0..3 {
            traces.start(SpanKind::Server, Some(parent(true)), name);
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }
}
