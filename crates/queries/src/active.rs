//! The queries that wait or run, to be looked at and killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::request::{Origin, QueryRequest, When};

/// Longer texts are cut where they are shown.
const TEXT_SHOWN_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Instant,
    Range,
    /// Of a rule, or of a template of one.
    Rule,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Range => "range",
            Self::Rule => "rule",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// For a place.
    Waiting,
    Running,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
        }
    }
}

/// One query as it is now.
#[derive(Clone, Debug)]
pub struct ActiveQuery {
    /// Unique for the life of the process.
    pub id: u64,
    /// Cut to 4 KiB.
    pub text: String,
    pub kind: Kind,
    pub stage: Stage,
    pub origin: Origin,
    pub started_at: Timestamp,
    /// Waiting included.
    pub elapsed_seconds: f64,
}

/// Why a query is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    ClientGone,
    Killed,
}

const GO_ON: u8 = 0;
const CLIENT_GONE: u8 = 1;
const KILLED: u8 = 2;

#[derive(Debug)]
pub(crate) struct Entry {
    id: u64,
    text: String,
    kind: Kind,
    origin: Origin,
    started_at: Timestamp,
    pub(crate) started: Instant,
    is_running: std::sync::atomic::AtomicBool,
    stop: AtomicU8,
    /// Wakes it if it waits.
    stopped: Notify,
}

impl Entry {
    /// `None`: go on. Cheap enough to be asked all the time.
    pub(crate) fn stop(&self) -> Option<Stop> {
        match self.stop.load(Ordering::Relaxed) {
            CLIENT_GONE => Some(Stop::ClientGone),
            KILLED => Some(Stop::Killed),
            _ => None,
        }
    }

    /// Returns when it is to stop.
    pub(crate) async fn wait_for_stop(&self) {
        loop {
            let stopped = self.stopped.notified();
            if self.stop().is_some() {
                return;
            }
            stopped.await;
        }
    }

    /// The first reason stays.
    pub(crate) fn stop_for(&self, stop: Stop) {
        let value = match stop {
            Stop::ClientGone => CLIENT_GONE,
            Stop::Killed => KILLED,
        };
        let changed =
            self.stop
                .compare_exchange(GO_ON, value, Ordering::Relaxed, Ordering::Relaxed);
        if changed.is_ok() {
            self.stopped.notify_waiters();
        }
    }

    pub(crate) fn set_running(&self) {
        self.is_running.store(true, Ordering::Relaxed);
    }

    fn view(&self) -> ActiveQuery {
        let stage = if self.is_running.load(Ordering::Relaxed) {
            Stage::Running
        } else {
            Stage::Waiting
        };
        ActiveQuery {
            id: self.id,
            text: self.text.clone(),
            kind: self.kind,
            stage,
            origin: self.origin.clone(),
            started_at: self.started_at,
            elapsed_seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}

/// All of them. Bounded by the places and by the length of the queue.
#[derive(Debug, Default)]
pub(crate) struct ActiveQueries {
    last_id: AtomicU64,
    entries: Mutex<BTreeMap<u64, Arc<Entry>>>,
}

impl ActiveQueries {
    pub(crate) fn enter(&self, request: &QueryRequest, now: Timestamp) -> Arc<Entry> {
        let kind = match (&request.origin, request.when) {
            (Origin::Rule { .. }, _) => Kind::Rule,
            (Origin::Http { .. }, When::At(_)) => Kind::Instant,
            (Origin::Http { .. }, When::Over(_)) => Kind::Range,
        };
        let entry = Arc::new(Entry {
            id: self.last_id.fetch_add(1, Ordering::Relaxed) + 1,
            text: cut(&request.text, TEXT_SHOWN_BYTES_MAX).to_owned(),
            kind,
            origin: request.origin.clone(),
            started_at: now,
            started: Instant::now(),
            is_running: std::sync::atomic::AtomicBool::new(false),
            stop: AtomicU8::new(GO_ON),
            stopped: Notify::new(),
        });
        self.entries.lock().insert(entry.id, Arc::clone(&entry));
        entry
    }

    pub(crate) fn leave(&self, entry: &Entry) {
        self.entries.lock().remove(&entry.id);
    }

    /// By age, the oldest first.
    pub(crate) fn list(&self) -> Vec<ActiveQuery> {
        let entries: Vec<Arc<Entry>> = self.entries.lock().values().cloned().collect();
        entries.iter().map(|entry| entry.view()).collect()
    }

    /// False if there is no such query (any more).
    pub(crate) fn kill(&self, id: u64) -> bool {
        let entry = self.entries.lock().get(&id).cloned();
        if let Some(entry) = &entry {
            entry.stop_for(Stop::Killed);
        }
        entry.is_some()
    }
}

/// The longest head of at most `bytes_max` bytes that ends on a character.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
