//! `event_recorder` of the Alertmanager configuration, with `--enable-feature=event-recorder`: what happens to alerts,
//! written to files, standard output, webhooks and Kafka.
//!
//! Whoever records never waits: events go into a bounded queue, and what does not fit in is dropped and counted. A
//! thread of its own takes them out, encodes them, and hands each to all outputs; those that speak to a network have
//! a queue and tasks of their own. A reload changes the outputs for the events that come after it.

mod counters;
mod file;
mod kafka;
mod output;
mod plan;
mod queued;
mod reason;
#[cfg(test)]
mod tests;
mod webhook;
mod writer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alerting::recorder::{Envelope, Recorded};
use alerting::{Action, Time};
use diag::ReasonBook;
use model::{Clock, Timestamp};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::build_info::architecture;
pub(crate) use counters::Counters;
pub(crate) use plan::{Plan, plan};
use writer::Writer;

/// Events that wait, as the peer has it.
const QUEUE_MAX: usize = 8192;
/// What a stop waits for the outputs, as the peer does.
const STOP_MAX: Duration = Duration::from_secs(31);

/// Where events go. Without the feature there is nothing, and nothing is done.
#[derive(Debug, Default)]
pub(crate) struct EventRecorder(Option<Arc<Shared>>);

/// What the recorder works with.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) counters: Counters,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reasons: Arc<ReasonBook>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Rung when the queue has something to do.
    bell: Condvar,
    /// The name of the host.
    instance: Arc<str>,
    counters: Counters,
    /// Fails when the thread has ended. The thread itself is not waited for: it may hang with an output, and then ends
    /// with the process.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    /// Outputs that send what they have left.
    closing: Mutex<JoinSet<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    /// How many of them are events.
    events: usize,
    is_closing: bool,
}

#[derive(Debug)]
enum Item {
    Event(Box<Envelope>),
    /// The outputs from here on.
    Outputs(Arc<Plan>),
}

impl EventRecorder {
    /// Starts the thread that writes, and records that the process has started. Called on the runtime that outputs
    /// shall run on.
    pub(crate) fn start(plan: Arc<Plan>, surroundings: Option<Surroundings>) -> Self {
        let Some(surroundings) = surroundings else {
            return Self(None);
        };
        let now = surroundings.clock.now();
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            bell: Condvar::new(),
            instance: crate::address::host_name().into(),
            counters: surroundings.counters.clone(),
            ended: Mutex::new(None),
            closing: Mutex::default(),
        });
        let writer = Writer::new(Arc::clone(&shared), surroundings);
        let (running, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("event-recorder".to_owned())
            .spawn(move || {
                let _running = running;
                writer.run();
            });
        match thread {
            Ok(_) => *shared.ended.lock() = Some(ended),
            Err(error) => {
                tracing::error!(%error, "no thread for the event recorder; it records nothing");
                shared.queue.lock().is_closing = true;
            }
        }
        let recorder = Self(Some(shared));
        recorder.follow(plan);
        let (os, architecture) = (std::env::consts::OS, architecture());
        let startup = Recorded::Startup {
            version: crate::VERSION.to_owned(),
            build_context: format!("(platform={os}/{architecture})"),
        };
        recorder.record(now, 0, [startup]);
        recorder
    }

    /// Writes to these outputs from now on.
    pub(crate) fn follow(&self, plan: Arc<Plan>) {
        if let Some(shared) = &self.0 {
            shared.queue.lock().items.push_back(Item::Outputs(plan));
            shared.bell.notify_one();
        }
    }

    /// Takes out of `actions` what is to be recorded. `position` is the place among the members of the mesh.
    pub(crate) fn take(&self, at: Timestamp, position: usize, actions: &mut Vec<Action>) {
        if self.0.is_none() {
            return;
        }
        let recorded = actions.extract_if(.., |action| matches!(action, Action::Record(_)));
        let events = recorded.filter_map(|action| match action {
            Action::Record(event) => Some(event),
            _ => None,
        });
        self.record(at, position, events);
    }

    fn record(&self, at: Timestamp, position: usize, events: impl IntoIterator<Item = Recorded>) {
        let Some(shared) = &self.0 else { return };
        let mut events = events.into_iter().peekable();
        if events.peek().is_none() {
            return;
        }
        let mut queue = shared.queue.lock();
        for event in events {
            if queue.events >= QUEUE_MAX || queue.is_closing {
                shared.counters.dropped.with(&[event.kind()]).increment();
                continue;
            }
            queue.events += 1;
            queue.items.push_back(Item::Event(Box::new(Envelope {
                at: Time::from(at),
                instance: Arc::clone(&shared.instance),
                position: u32::try_from(position).unwrap_or(u32::MAX),
                event,
            })));
        }
        shared.counters.show_waiting(queue.events);
        drop(queue);
        shared.bell.notify_one();
    }

    /// Records that the process stops. Nothing is recorded from then on.
    pub(crate) fn begin_stop(&self, at: Timestamp, position: usize) {
        self.record(at, position, [Recorded::Shutdown]);
        if let Some(shared) = &self.0 {
            shared.queue.lock().is_closing = true;
            shared.bell.notify_one();
        }
    }

    /// Returns when everything is written and sent, or that takes too long.
    pub(crate) async fn finish(&self) {
        let Some(shared) = self.0.clone() else { return };
        let all = async move {
            let ended = shared.ended.lock().take();
            if let Some(ended) = ended {
                // Nothing is ever sent.
                let _ = ended.await;
            }
            let mut closing = std::mem::take(&mut *shared.closing.lock());
            while closing.join_next().await.is_some() {}
        };
        if tokio::time::timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("an output of the event recorder is too slow; its last events are lost");
        }
    }
}
