//! The journal of alerting on disk: a bounded queue, a thread that writes, and readers.
//!
//! Whoever puts something in never waits for the disk: what does not fit into the queue is left out and counted. What
//! was written survives `kill -9` at once and a power cut after the next sync.

mod api;
mod offline;
mod reason;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) mod read;
pub(crate) mod rules;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alerting::Event;
use alerting::journal::{Draft, Kind, Page, Request, Sighted, SightedRequest, detail};
use diag::ReasonBook;
use metrics::{Counter, Kind as MetricKind, Registry};
use model::disk::Disk;
use model::{Clock, Timestamp};
use parking_lot::{Condvar, Mutex};

pub use offline::OfflineJournal;
use read::Reader;
use reason::JournalRefusal;
pub use ring::JournalLimits;
use ring::{NotWritten, Ring};

use crate::self_metrics::float;

/// Events that wait to be written. They share what they hold with the alerting machine.
const QUEUE_MAX: usize = 1 << 18;
/// So many are made ready to be written at once.
const CHUNK: usize = 4096;
const SYNC_PAUSE: Duration = Duration::from_secs(5);
const EXPIRE_PAUSE: Duration = Duration::from_secs(60);
/// What reasons are about.
const SUBJECT: &str = "journal of alerting";
/// Whoever reads waits this long for what was put in before.
const CATCH_UP_MAX: Duration = Duration::from_secs(2);

/// A journal that is open, and not written to yet.
#[derive(Debug)]
pub(crate) struct Opened(Ring);

impl Opened {
    /// The journal below a folder of alerting. What cannot be read is logged, and stays as it is.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        storage: &Path,
        limits: JournalLimits,
    ) -> io::Result<Self> {
        let (ring, problems) = Ring::open(disk, storage.join(ring::FOLDER), limits)?;
        for problem in problems {
            tracing::warn!(problem, "a part of the journal cannot be read");
        }
        Ok(Self(ring))
    }
}

/// What a journal tells about itself.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    written: Counter,
    dropped: Counter,
}

impl Counters {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            written: registry.counter(
                "keepwatch_journal_events_total",
                "Events that were written to the journal of alerting.",
            ),
            dropped: registry.counter(
                "keepwatch_journal_events_dropped_total",
                "Events that are missing in the journal of alerting, because they came too fast or the disk failed.",
            ),
        }
    }
}

/// Where events go.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    reader: Reader,
    dropped: Counter,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Rung when the queue has something to do.
    bell: Condvar,
    /// Rung when what was in the queue has been written.
    caught_up: Condvar,
    /// What could not be written, until the journal itself can tell of it.
    gap: Mutex<Option<Gap>>,
}

/// Events that the disk did not take.
#[derive(Clone, Debug)]
struct Gap {
    since: Timestamp,
    events: u64,
    problem: String,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            since,
            events,
            problem,
        } = self;
        let since = ::api::rfc3339(Some(*since));
        write!(
            f,
            "{events} events since {since} could not be written: {problem}"
        )
    }
}

#[derive(Debug, Default)]
struct Queue {
    items: Vec<Item>,
    /// Left out since the last batch.
    dropped: u64,
    /// How many were ever put in, and how many of them were dealt with.
    put: u64,
    done: u64,
    is_closing: bool,
}

#[derive(Debug)]
enum Item {
    Event(Timestamp, Event),
    Draft(Draft),
}

impl Journal {
    /// Starts the thread that writes.
    pub(crate) fn start(
        opened: Opened,
        clock: Arc<dyn Clock>,
        reasons: Arc<ReasonBook>,
        counters: Counters,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let reader = opened.0.reader();
        let dropped = counters.dropped.clone();
        let last_words = LastWords {
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            reasons: Arc::clone(&reasons),
            dropped: dropped.clone(),
        };
        let writer = Writer {
            shared: Arc::clone(&shared),
            ring: opened.0,
            clock,
            reasons,
            counters,
            synced_at: Instant::now(),
            expired_at: None,
            told_at: None,
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let _last_words = last_words;
                writer.run();
            });
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "no thread for the journal; it stays empty");
                shared.queue.lock().is_closing = true;
                None
            }
        };
        Self {
            shared,
            reader,
            dropped,
            thread: Mutex::new(thread),
        }
    }

    pub(crate) fn put_events(&self, at: Timestamp, events: impl Iterator<Item = Event>) {
        self.put(events.map(|event| Item::Event(at, event)));
    }

    pub(crate) fn put_drafts(&self, drafts: impl IntoIterator<Item = Draft>) {
        self.put(drafts.into_iter().map(Item::Draft));
    }

    /// Something that happened to all of alerting.
    pub(crate) fn put_note(&self, at: Timestamp, code: &'static str, message: &str) {
        let note = Draft::new(at, Kind::Config, code);
        self.put_drafts([match message {
            "" => note,
            message => note.with(detail::MESSAGE, message),
        }]);
    }

    fn put(&self, items: impl Iterator<Item = Item>) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return;
        }
        let mut queue = self.shared.queue.lock();
        for item in items {
            if queue.items.len() >= QUEUE_MAX || queue.is_closing {
                queue.dropped += 1;
                // Here, so that it is counted even if the thread that writes is gone.
                self.dropped.increment();
            } else {
                queue.put += 1;
                queue.items.push(item);
            }
        }
        drop(queue);
        self.shared.bell.notify_one();
    }

    /// What is asked for, with what was put in before, if that is written in time. Blocks.
    pub(crate) fn read(&self, request: &Request) -> Page {
        self.catch_up();
        let mut page = self.reader.read(request);
        let gap = self.shared.gap.lock().clone();
        page.damage.extend(gap.map(|gap| gap.to_string()));
        page
    }

    /// The alerts that it mentions; as above.
    pub(crate) fn sighted(&self, request: &SightedRequest) -> Sighted {
        self.catch_up();
        self.reader.sighted(request)
    }

    fn catch_up(&self) {
        let until = Instant::now() + CATCH_UP_MAX;
        let mut queue = self.shared.queue.lock();
        let wanted = queue.put;
        while queue.done < wanted {
            if self
                .shared
                .caught_up
                .wait_until(&mut queue, until)
                .timed_out()
            {
                break;
            }
        }
    }

    /// Writes and syncs everything that was put in; nothing is taken from then on. Blocks.
    pub(crate) fn close(&self) {
        self.shared.queue.lock().is_closing = true;
        self.shared.bell.notify_one();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the journal had panicked; its last events are missing");
        }
    }

    /// The gauge that must be read when it is shown.
    pub(crate) fn show(&self, page: &mut metrics::Page) {
        let help = "Bytes of the journal of alerting on disk.";
        let bytes = float(Ring::bytes(&self.reader.catalog));
        page.sample(
            MetricKind::Gauge,
            "keepwatch_journal_bytes",
            help,
            &[],
            bytes,
        );
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// Says that the thread that writes has panicked, and lets nobody wait for it.
struct LastWords {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
    dropped: Counter,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut queue = self.shared.queue.lock();
        queue.is_closing = true;
        // What was taken out of the queue and not written is lost as well.
        let lost = queue.put - queue.done;
        queue.items.clear();
        queue.done = queue.put;
        drop(queue);
        self.shared.caught_up.notify_all();
        self.dropped
            .add_count(usize::try_from(lost).unwrap_or(usize::MAX));
        let refusal = JournalRefusal::Stopped { dropped: lost };
        tracing::error!(%refusal, "the journal is not written any more");
        self.reasons
            .record(self.clock.now().millis(), SUBJECT, &refusal);
    }
}

/// The thread's own.
struct Writer {
    shared: Arc<Shared>,
    ring: Ring,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
    counters: Counters,
    synced_at: Instant,
    expired_at: Option<Instant>,
    /// When a failure was last logged.
    told_at: Option<Instant>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let (items, dropped, is_closing) = self.wait();
            let count = items.len() as u64;
            self.write(items, dropped);
            self.shared.queue.lock().done += count;
            self.shared.caught_up.notify_all();
            self.keep_up(is_closing);
            if is_closing {
                return;
            }
        }
    }

    /// Until there is something to write, or time to sync or to expire.
    fn wait(&self) -> (Vec<Item>, u64, bool) {
        let mut queue = self.shared.queue.lock();
        if queue.items.is_empty() && queue.dropped == 0 && !queue.is_closing {
            self.shared.bell.wait_for(&mut queue, SYNC_PAUSE);
        }
        let items = std::mem::take(&mut queue.items);
        (items, std::mem::take(&mut queue.dropped), queue.is_closing)
    }

    fn write(&mut self, items: Vec<Item>, dropped: u64) {
        self.tell_gap();
        let mut drafts = Vec::with_capacity(items.len().min(CHUNK));
        for item in items {
            drafts.push(match item {
                Item::Event(at, event) => Draft::of(at, &event),
                Item::Draft(draft) => draft,
            });
            if drafts.len() == CHUNK {
                self.append(&drafts);
                drafts.clear();
            }
        }
        if dropped > 0 {
            self.refuse(&JournalRefusal::TooFast { dropped });
            drafts.push(self.gap_of(dropped));
        }
        self.append(&drafts);
    }

    fn gap_of(&self, events: u64) -> Draft {
        let draft = Draft::new(self.clock.now(), Kind::Config, "journal-events-dropped");
        draft.with(detail::DROPPED, events)
    }

    /// Puts into the journal that events are missing before this, as soon as the disk takes it.
    fn tell_gap(&mut self) {
        let Some(gap) = self.shared.gap.lock().clone() else {
            return;
        };
        let draft = self.gap_of(gap.events).with(detail::MESSAGE, gap);
        if self.ring.append(&[draft]).is_ok() {
            self.counters.written.add_count(1);
            *self.shared.gap.lock() = None;
        }
    }

    /// What fails is tried once more, in a new segment; then it is given up.
    fn append(&mut self, drafts: &[Draft]) {
        let mut rest = drafts;
        for is_last_try in [false, true] {
            let Err(NotWritten { written, error }) = self.ring.append(rest) else {
                self.counters.written.add_count(rest.len());
                return;
            };
            self.counters.written.add_count(written);
            rest = &rest[written..];
            if is_last_try {
                let dropped = rest.len() as u64;
                self.counters.dropped.add_count(rest.len());
                let problem = error.to_string();
                let now = self.clock.now();
                let mut gap = self.shared.gap.lock();
                let known = gap.get_or_insert(Gap {
                    since: now,
                    events: 0,
                    problem: String::new(),
                });
                known.events += dropped;
                known.problem.clone_from(&problem);
                drop(gap);
                let refusal = JournalRefusal::NotWritten { dropped, problem };
                self.refuse(&refusal);
            }
        }
    }

    fn refuse(&mut self, refusal: &JournalRefusal) {
        let at = self.clock.now();
        self.reasons.record(at.millis(), SUBJECT, refusal);
        if is_due(self.told_at, SYNC_PAUSE) {
            self.told_at = Some(Instant::now());
            tracing::error!(%refusal, "the journal has a gap");
        }
    }

    fn keep_up(&mut self, is_closing: bool) {
        if is_closing || self.synced_at.elapsed() >= SYNC_PAUSE {
            self.synced_at = Instant::now();
            if let Err(error) = self.ring.sync() {
                self.refuse(&JournalRefusal::NotSynced {
                    problem: error.to_string(),
                });
            }
        }
        if is_due(self.expired_at, EXPIRE_PAUSE) {
            self.expired_at = Some(Instant::now());
            if let Err(error) = self.ring.expire(self.clock.now()) {
                tracing::error!(%error, "old segments of the journal could not be removed");
            }
        }
    }
}

fn is_due(last: Option<Instant>, pause: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= pause)
}
