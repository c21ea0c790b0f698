//! New recording rules are evaluated over the past, in the background (`--rules.backfill`).
//!
//! A rule is filled from its oldest time on, as a whole, before those that read what it records. A stretch of some
//! hours becomes a block that is taken in as an import is. One thread of low priority evaluates on one core, rests three
//! times as long as it works, and waits where memory is scarce: rules and scrapes come first. What is done is written
//! down after each stretch, so that a restart goes on there. Each series is filled up to its first sample among 500 evaluations:
//! a sample that exists is never changed.

mod memory;
mod order;
mod rule;
mod stretch;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use diag::ReasonBook;
use model::{Clock, Duration, Timestamp};
use parking_lot::{Condvar, Mutex};
use queries::QueryService;
use rules::GroupSpec;
use tsdb::Db;

use self::rule::Progress;
use self::worker::Worker;
use crate::budget::MemoryBudget;
use crate::options::Options;
use crate::query_settings::query_settings;
use crate::storage::Storage;

/// What the work needs.
struct Collaborators {
    db: Db,
    /// The data folder.
    dir: PathBuf,
    budget: Arc<MemoryBudget>,
    reasons: Arc<ReasonBook>,
    clock: Arc<dyn Clock>,
    /// How queries of rules are run; its threads and its room are replaced.
    queries: queries::Settings,
    /// How far back.
    window: Duration,
}

/// The newest rules, for the thread.
#[derive(Default)]
struct Inbox {
    news: Mutex<News>,
    bell: Condvar,
}

#[derive(Default)]
struct News {
    groups: Option<(Vec<GroupSpec>, Timestamp)>,
    is_stopped: bool,
}

impl News {
    fn is_there(&self) -> bool {
        self.is_stopped || self.groups.is_some()
    }
}

impl Inbox {
    /// Waits, but not where there is news; says whether there is.
    fn rest(&self, time: std::time::Duration) -> bool {
        let mut news = self.news.lock();
        if !news.is_there() {
            self.bell
                .wait_while_for(&mut news, |news| !news.is_there(), time);
        }
        news.is_there()
    }

    /// Rules that came, `None` at the end. Waits for them if the thread has nothing to do.
    fn take(&self, has_work: bool) -> Option<Option<(Vec<GroupSpec>, Timestamp)>> {
        let mut news = self.news.lock();
        if !has_work {
            self.bell.wait_while(&mut news, |news| !news.is_there());
        }
        (!news.is_stopped).then(|| news.groups.take())
    }
}

/// The counters at `/metrics`, and what the API shows.
#[derive(Clone, Default)]
struct Shown {
    rules: Arc<Mutex<Vec<Progress>>>,
    samples: metrics::Counter,
    busy_seconds: metrics::Counter,
}

impl Shown {
    fn new(registry: &metrics::Registry) -> Self {
        let shown = Self {
            rules: Arc::default(),
            samples: registry.counter(
                "keepwatch_rule_backfill_samples_total",
                "Samples of the past that recording rules were given.",
            ),
            busy_seconds: registry.counter(
                "keepwatch_rule_backfill_busy_seconds_total",
                "Time that went into evaluating recording rules over the past.",
            ),
        };
        let rules = Arc::clone(&shown.rules);
        registry.on_render(move |page| {
            let rules = rules.lock();
            for state in api::BackfillState::ALL {
                let count = rules.iter().filter(|rule| rule.state() == state).count();
                page.sample(
                    metrics::Kind::Gauge,
                    "keepwatch_rule_backfill_rules",
                    "Recording rules by how far filling their past is.",
                    &[("state", state.as_str())],
                    u32::try_from(count).map_or(f64::MAX, f64::from),
                );
            }
        });
        shown
    }
}

/// The door to the work, which begins with [`Backfill::start`].
pub(crate) struct Backfill {
    inbox: Arc<Inbox>,
    shown: Shown,
    collaborators: Option<Collaborators>,
    thread: Option<JoinHandle<()>>,
}

impl Backfill {
    /// `None` if it is not asked for, or if there is no storage that could be asked.
    pub(crate) fn of(
        options: &Options,
        storage: &Storage,
        (budget, reasons, clock): (&Arc<MemoryBudget>, &Arc<ReasonBook>, &Arc<dyn Clock>),
        registry: &metrics::Registry,
    ) -> Option<Self> {
        let window = options.rules.backfill;
        if window.is_zero() || storage.agent.is_some() {
            return None;
        }
        let collaborators = Collaborators {
            db: storage.db.clone(),
            dir: storage.dir.clone(),
            budget: Arc::clone(budget),
            reasons: Arc::clone(reasons),
            clock: Arc::clone(clock),
            queries: query_settings(&options.query, options.features, 1),
            window,
        };
        Some(Self {
            inbox: Arc::default(),
            shown: Shown::new(registry),
            collaborators: Some(collaborators),
            thread: None,
        })
    }

    pub(crate) fn view(&self) -> Arc<dyn api::BackfillSource> {
        Arc::new(View(self.shown.clone()))
    }

    /// These rules are in force from `now` on; what they record before is to be filled.
    pub(crate) fn put_in_place(&self, groups: &[GroupSpec], now: Timestamp) {
        self.inbox.news.lock().groups = Some((groups.to_vec(), now));
        self.inbox.bell.notify_all();
    }

    /// Begins; the data folder can be read.
    pub(crate) fn start(&mut self) {
        let Some(collaborators) = self.collaborators.take() else {
            return;
        };
        let registry = metrics::Registry::new();
        let mut settings = collaborators.queries.clone();
        settings.engine.threads = 1;
        settings.room = Some(Arc::clone(&collaborators.budget) as Arc<dyn queries::Room>);
        let queries = QueryService::new(
            settings,
            Arc::new(collaborators.db.clone()),
            Arc::clone(&collaborators.clock),
            &registry,
            None,
        );
        let worker = Worker::new(
            collaborators,
            queries,
            Arc::clone(&self.inbox),
            self.shown.clone(),
        );
        let thread = std::thread::Builder::new()
            .name("rule-backfill".to_owned())
            .spawn(move || worker.run());
        match thread {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                tracing::error!(%error, "no thread for filling recording rules backwards; a restart tries again");
            }
        }
    }

    /// Leaves a stretch that is not done to the next start, and returns when the thread has ended.
    pub(crate) fn stop(self) {
        self.inbox.news.lock().is_stopped = true;
        self.inbox.bell.notify_all();
        if let Some(thread) = self.thread {
            // Its panics are caught inside.
            let _ = thread.join();
        }
    }
}

/// What the API shows.
struct View(Shown);

impl api::BackfillSource for View {
    fn rules(&self) -> Vec<api::BackfillView> {
        self.0.rules.lock().iter().map(Progress::view).collect()
    }
}

#[cfg(test)]
mod tests;
