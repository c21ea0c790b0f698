//! What outputs to a network share: a bounded queue in front of a task that sends, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use metrics::Counter;
use net::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Surroundings;

/// What is left is sent for so long when the output is closed.
const CLOSE_MAX: Duration = Duration::from_secs(30);

/// The most bytes of events that an output holds: one event can tell of all alerts of a group.
const BYTES_MAX: usize = 64 << 20;

/// Events that have neither been sent nor given up. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    events: AtomicUsize,
    bytes: AtomicUsize,
}

impl Open {
    fn add(&self, bytes: usize) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many events with so many bytes have been dealt with.
    pub(super) fn close(&self, events: usize, bytes: usize) {
        self.0.events.fetch_sub(events, Ordering::Relaxed);
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn events(&self) -> usize {
        self.0.events.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) name: Arc<str>,
    queue: mpsc::Sender<Bytes>,
    drops: Counter,
    open: Open,
    /// Whether the newest event was dropped: the log has the first one of a row.
    is_full: AtomicBool,
    task: JoinHandle<()>,
}

impl Queued {
    /// `task` sends until the queue is closed and everything in it is dealt with.
    pub(super) fn start<T: Future<Output = ()> + Send + 'static>(
        (name, events_max): (Arc<str>, usize),
        surroundings: &Surroundings,
        runtime: &Handle,
        task: impl FnOnce(mpsc::Receiver<Bytes>, Open) -> T,
    ) -> Self {
        let (queue, events) = mpsc::channel(events_max);
        let open = Open::default();
        Self {
            drops: surroundings.counters.output_drops.with(&[&name]),
            name,
            queue,
            task: runtime.spawn(task(events, open.clone())),
            open,
            is_full: AtomicBool::new(false),
        }
    }

    /// Never waits: without room the event is dropped, and counted. Returns its size.
    pub(super) fn put(&self, event: Bytes) -> usize {
        let bytes = event.len();
        self.open.add(bytes);
        // A large one that is alone goes on its way.
        let has_room = self.open.bytes() <= BYTES_MAX || self.open.events() == 1;
        let is_dropped = !has_room || self.queue.try_send(event).is_err();
        let was_full = self.is_full.swap(is_dropped, Ordering::Relaxed);
        if is_dropped {
            self.open.close(1, bytes);
            self.drops.increment();
            if !was_full {
                tracing::warn!(
                    output = &*self.name,
                    "the queue of an event output is full; events are dropped until it has room"
                );
            }
        }
        bytes
    }

    /// Sends what is left, for a while.
    pub(super) async fn close(self) {
        drop(self.queue);
        let mut task = self.task;
        if timeout(CLOSE_MAX, &mut task).await.is_err() {
            task.abort();
            let lost = self.open.events();
            let output = &*self.name;
            tracing::warn!(
                output,
                lost,
                "an event output was closed before it had sent all"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use diag::ReasonBook;
    use metrics::Registry;
    use model::Timestamp;
    use model::clock::ManualClock;

    use super::super::Counters;
    use super::*;

    #[tokio::test]
    async fn a_queue_is_bounded_by_events_and_by_bytes() {
        let surroundings = Surroundings {
            counters: Counters::new(&Registry::new()),
            clock: Arc::new(ManualClock::new(Timestamp(0))),
            reasons: Arc::new(ReasonBook::new(1)),
        };
        let runtime = Handle::current();
        let name: Arc<str> = "x".into();
        // Nothing is taken out.
        let idle = |events, _| async move {
            let _events: mpsc::Receiver<Bytes> = events;
            std::future::pending().await
        };
        let queued = Queued::start((Arc::clone(&name), 3), &surroundings, &runtime, idle);
        let drops = || surroundings.counters.output_drops.with(&["x"]).get();
        let large = Bytes::from(vec![0; BYTES_MAX + 1]);
        assert_eq!(queued.put(large.clone()), large.len());
        assert_eq!(drops(), 0.0);
        queued.put(Bytes::from_static(b"1"));
        assert_eq!(drops(), 1.0);
        queued.open.close(1, large.len());
        for _ in 0..3 {
            queued.put(Bytes::from_static(b"1"));
        }
        assert_eq!(drops(), 2.0);
        assert_eq!((queued.open.events(), queued.open.bytes()), (2, 2));
        queued.task.abort();
    }
}
