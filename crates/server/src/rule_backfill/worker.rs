//! The thread: takes rules, fills one stretch after the other, and writes down how far it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use diag::Reason;
use model::Timestamp;
use queries::QueryService;
use rules::{GroupSpec, RuleSpec};

use super::memory::Memory;
use super::order;
use super::rule::{Done, Progress};
use super::stretch::{self, Failure, Filled, Ground, Open};
use super::{Collaborators, Inbox, Shown};
use crate::budget::Step;

/// As `nice` counts; that of compaction.
const NICENESS: i32 = 10;
/// It rests so many times as long as it works: a quarter of a core is taken.
const REST: u32 = 3;
/// Until it is tried again where something was in the way, and how often.
const PAUSE: Duration = Duration::from_secs(30);
const TRIES_MAX: u32 = 20;
/// Blocks of a rule, unless they would be longer than the longest that there may be.
const BLOCKS_MAX: i64 = 16;
const BLOCK: i64 = 2 * 3600 * 1000;

/// Why the past of a rule is not filled.
#[derive(Debug, thiserror::Error)]
#[error("the past of the recording rule is not filled: {0}")]
struct Refusal(String);

impl Reason for Refusal {
    fn code(&self) -> &'static str {
        "rule-backfill-failed"
    }

    fn hint(&self) -> Option<String> {
        Some("change the rule, or fill it with keepwatch tsdb backfill-rules".to_owned())
    }
}

pub(super) struct Worker {
    inner: Collaborators,
    queries: QueryService,
    inbox: Arc<Inbox>,
    shown: Shown,
    memory: Memory,
    /// Of rules that are filled or begun, also of those that are not there now.
    known: Vec<Done>,
    open: Open,
    tries: u32,
}

impl Worker {
    pub(super) fn new(
        inner: Collaborators,
        queries: QueryService,
        inbox: Arc<Inbox>,
        shown: Shown,
    ) -> Self {
        let memory = Memory::new(&inner.dir);
        Self {
            known: memory.read(),
            memory,
            inner,
            queries,
            inbox,
            shown,
            open: Open::new(),
            tries: 0,
        }
    }

    pub(super) fn run(mut self) {
        // On Linux this is the priority of the thread, not of the process.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "recording rules are filled backwards at the usual priority");
        }
        loop {
            let at = self.next();
            let Some(news) = self.inbox.take(at.is_some()) else {
                return;
            };
            if let Some((groups, now)) = news {
                self.take(groups, now);
                continue;
            }
            let Some(at) = at else { continue };
            if self.inner.budget.step() >= Step::ShedCaches {
                self.inbox.rest(PAUSE);
                continue;
            }
            let filled = catch_unwind(AssertUnwindSafe(|| self.fill(at)));
            if filled.is_err() {
                self.give_up(at, "a defect of Keepwatch; see its log");
            }
        }
    }

    /// The rule to go on with.
    fn next(&self) -> Option<usize> {
        let rules = self.shown.rules.lock();
        rules.iter().position(|rule| !rule.done.is_over())
    }

    /// These rules are in force since `now`.
    fn take(&mut self, groups: Vec<GroupSpec>, now: Timestamp) {
        self.open.clear();
        let mut rules: Vec<Progress> = Vec::new();
        let mut count = 0;
        for group in groups.into_iter().map(Arc::new) {
            for rule in &group.rules {
                let RuleSpec::Recording(rule) = rule else {
                    continue;
                };
                let identity = Progress::identity(&group, rule);
                let window_ms = self.inner.window.millis();
                let known = self.known.iter().find(|done| done.rule == identity);
                let known = known.filter(|done| done.window_ms >= window_ms).cloned();
                count += usize::from(known.is_none());
                let from = self.oldest(now);
                let done = known.unwrap_or(Done {
                    rule: identity,
                    window_ms,
                    from,
                    reached: from,
                    until: now.millis(),
                    samples: 0,
                    problem: None,
                });
                rules.push(Progress {
                    group: Arc::clone(&group),
                    rule: rule.clone(),
                    done,
                    is_running: false,
                });
            }
        }
        order::sort(&mut rules, &self.queries.settings().parser);
        if count > 0 {
            tracing::info!(
                rules = count,
                window = %self.inner.window,
                "recording rules are filled backwards"
            );
        }
        self.known = rules.iter().map(|rule| rule.done.clone()).collect();
        *self.shown.rules.lock() = rules;
        self.remember();
    }

    /// From when on there may be something to evaluate, and results are kept.
    fn oldest(&self, now: Timestamp) -> i64 {
        let window = (now - self.inner.window).millis();
        let kept = self.inner.db.retention().time;
        let kept = kept.map_or(window, |kept| (now - kept).millis());
        let samples = self.inner.db.time_range();
        let samples = samples.map_or(now.millis(), |range| range.start.millis());
        window.max(kept).max(samples).min(now.millis())
    }

    /// Fills the next stretch of a rule.
    fn fill(&mut self, at: usize) {
        let Some((group, rule, done)) = self.begin(at) else {
            return;
        };
        let length = self.block_length(&done);
        let end = (done.reached.div_euclid(length) + 1).saturating_mul(length);
        let end = end.min(done.until);
        let (inbox, shown) = (Arc::clone(&self.inbox), self.shown.clone());
        let ground = Ground {
            db: &self.inner.db,
            dir: &self.inner.dir,
            queries: &self.queries,
            now: self.inner.clock.now(),
            memory_max: stretch::MEMORY_MAX,
            rest: &|took| {
                shown.busy_seconds.add(took.as_secs_f64());
                !inbox.rest(took * REST)
            },
        };
        let range = (done.reached, end);
        match stretch::fill(&ground, (&group, &rule), range, &mut self.open) {
            Ok(Filled { reached, samples }) => self.filled(at, reached, samples),
            Err(Failure::TooOld(problem)) => {
                tracing::debug!(record = rule.record, problem, "a stretch is left out");
                self.filled(at, end, 0);
            }
            Err(Failure::Interrupted) => self.open.clear(),
            Err(Failure::Busy(problem)) => {
                self.open.clear();
                tracing::debug!(
                    record = rule.record,
                    problem,
                    "filling a recording rule backwards waits"
                );
                self.inbox.rest(PAUSE);
            }
            Err(Failure::Final(problem)) => self.give_up(at, &problem),
            Err(Failure::Later(problem)) => {
                self.open.clear();
                self.tries += 1;
                if self.tries >= TRIES_MAX {
                    self.give_up(at, &problem);
                } else {
                    tracing::warn!(
                        record = rule.record,
                        problem,
                        "filling a recording rule backwards waits"
                    );
                    self.inbox.rest(PAUSE);
                }
            }
        }
    }

    fn begin(&self, at: usize) -> Option<(Arc<GroupSpec>, rules::RecordingSpec, Done)> {
        let mut rules = self.shown.rules.lock();
        let progress = rules.get_mut(at)?;
        progress.is_running = true;
        let group = Arc::clone(&progress.group);
        Some((group, progress.rule.clone(), progress.done.clone()))
    }

    /// The shortest with which there are not very many.
    fn block_length(&self, done: &Done) -> i64 {
        let longest = self.inner.db.block_range_max().millis();
        let mut length = BLOCK;
        while (done.until - done.from) / length >= BLOCKS_MAX && length * 3 <= longest {
            length *= 3;
        }
        length
    }

    fn filled(&mut self, at: usize, end: i64, samples: u64) {
        self.tries = 0;
        self.change(at, |done| {
            done.reached = end;
            done.samples += samples;
        });
        #[expect(clippy::cast_precision_loss, reason = "counters are floats")]
        self.shown.samples.add(samples as f64);
    }

    fn give_up(&mut self, at: usize, problem: &str) {
        self.tries = 0;
        self.open.clear();
        let record = self.change(at, |done| done.problem = Some(problem.to_owned()));
        let refusal = Refusal(problem.to_owned());
        tracing::warn!(
            record,
            problem,
            "the past of a recording rule is not filled"
        );
        let now = self.inner.clock.now().millis();
        self.inner
            .reasons
            .record(now, &format!("recording rule {record}"), &refusal);
    }

    /// Changes how far a rule is, and writes it down. Gives the name of the rule.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Done)) -> String {
        let mut rules = self.shown.rules.lock();
        let Some(progress) = rules.get_mut(at) else {
            return String::new();
        };
        change(&mut progress.done);
        let record = progress.rule.record.clone();
        if progress.done.is_over() {
            progress.is_running = false;
            self.open.clear();
            let Done {
                from,
                samples,
                problem: None,
                ..
            } = progress.done
            else {
                drop(rules);
                self.remember();
                return record;
            };
            tracing::info!(
                record,
                samples,
                from,
                "a recording rule is filled backwards"
            );
        }
        drop(rules);
        self.remember();
        record
    }

    fn remember(&mut self) {
        let rules = self.shown.rules.lock();
        self.known = rules.iter().map(|rule| rule.done.clone()).collect();
        drop(rules);
        if let Err(error) = self.memory.write(self.known.clone()) {
            let dir = self.inner.dir.display().to_string();
            tracing::warn!(%error, dir, "how far recording rules are filled could not be written; a restart looks at them anew");
        }
    }
}
