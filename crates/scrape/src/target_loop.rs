//! One task per target: wait, fetch, hand over to [`crate::cycle`], and once more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::storage::SampleWriter;
use model::{Clock, Timestamp};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use diag::{Reason, ReasonBook};
use wire::negotiate::accept_header;

use crate::cycle::{Cycle, Fetched, Memory, TargetState, end_of_run};
use crate::fetch::{FetchAnswer, FetchError, FetchRequest};
use crate::page::Workspace;
use crate::pool::{PoolShared, PoolState};
use crate::pools::ScrapeOptions;
use crate::refusal::{Leftover, ScrapeRefusal};
use crate::reuse::Shelf;
use crate::schedule::{aligned, first_offset, next_tick};
use crate::stats::Stats;

/// What all loops of all pools share.
pub(crate) struct Shared {
    pub(crate) writer: Arc<dyn SampleWriter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) options: ScrapeOptions,
    pub(crate) stats: Stats,
    pub(crate) bodies: Shelf<Vec<u8>>,
    pub(crate) workspaces: Shelf<Workspace>,
    /// How many pages are read at a time.
    pub(crate) readers: Semaphore,
    /// True once the program ends.
    pub(crate) shutdown: watch::Receiver<bool>,
}

/// Why a loop stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Run,
    /// The target is gone; its series are to be ended.
    Removed,
}

pub(crate) struct TargetLoop {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Arc<PoolShared>,
    pub(crate) state: Arc<TargetState>,
    pub(crate) signal: watch::Receiver<Signal>,
    /// Dropped when the task has ended.
    pub(crate) alive: mpsc::Sender<()>,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Due,
    Removed,
    Shutdown,
}

impl TargetLoop {
    pub(crate) async fn run(mut self) {
        let interval = self.state.target.interval();
        let hash = self.state.target.hash();
        let now = self.shared.clock.now();
        let offset = first_offset(now, interval, hash, self.shared.options.offset_seed);
        let plan = Plan {
            first: Instant::now() + offset.to_std(),
            first_time: now + offset,
            interval,
        };
        let mut memory = Some(Memory::default());
        let mut tick = 0;
        let mut was_scraped = false;
        loop {
            match self.wait(plan.instant(tick)).await {
                Woken::Due => {}
                Woken::Shutdown => return,
                Woken::Removed => break,
            }
            let time = self.sample_time(plan.time(tick), interval);
            let held = memory.take().unwrap_or_default();
            match self.scrape(time, held).await {
                Some(held) => memory = Some(held),
                None => return,
            }
            was_scraped = true;
            let elapsed = model::Duration::from_std(plan.first.elapsed());
            let (next, missed) = next_tick(tick, elapsed, interval);
            tick = next;
            self.count_missed(missed);
        }
        if let Some(memory) = memory.filter(|_| was_scraped) {
            self.end(memory, &plan, tick).await;
        }
    }

    async fn wait(&mut self, until: Instant) -> Woken {
        let mut shutdown = self.shared.shutdown.clone();
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|is_over| *is_over) => Woken::Shutdown,
            _ = self.signal.wait_for(|signal| *signal == Signal::Removed) => Woken::Removed,
            () = tokio::time::sleep_until(until) => Woken::Due,
        }
    }

    fn sample_time(&self, planned: Timestamp, interval: model::Duration) -> Timestamp {
        let now = self.shared.clock.now();
        if self.shared.options.align_timestamps {
            aligned(now, planned, interval)
        } else {
            now
        }
    }

    fn count_missed(&self, missed: u64) {
        if missed == 0 {
            return;
        }
        self.state
            .intervals_missed
            .fetch_add(missed, Ordering::Relaxed);
        self.shared.stats.intervals_missed.add(missed);
        let now = self.shared.clock.now();
        let reason = Leftover::MissedInterval;
        let subject = self.state.target.url();
        self.shared.reasons.record(now.0, subject, &reason);
        self.shared.reasons.count(reason.code(), missed - 1);
    }

    /// One scrape. `None` if the program ends meanwhile.
    async fn scrape(&self, time: Timestamp, memory: Memory) -> Option<Memory> {
        let started = Instant::now();
        let pool = self.pool.state.load_full();
        let mut body = self.shared.bodies.take();
        body.clear();
        let fetched = match &pool.target_limit {
            Some(refusal) => Fetched::Failed(refusal.clone()),
            None => {
                let mut shutdown = self.shared.shutdown.clone();
                tokio::select! {
                    biased;
                    _ = shutdown.wait_for(|is_over| *is_over) => return None,
                    fetched = self.fetch(&pool, &mut body) => fetched,
                }
            }
        };
        if matches!(fetched, Fetched::Failed(_)) {
            body.clear();
        }
        let permit = self.shared.readers.acquire().await.ok()?;
        let (shared, state) = (Arc::clone(&self.shared), Arc::clone(&self.state));
        let work = move || {
            let mut memory = memory;
            let mut workspace = shared.workspaces.take();
            let cycle = Cycle {
                state: &state,
                config: &pool.config,
                writer: &*shared.writer,
                reasons: &shared.reasons,
                stats: &shared.stats,
                time,
                started,
            };
            cycle.run(&mut memory, &mut workspace, fetched, &body);
            shared.workspaces.give_back(workspace);
            shared.bodies.give_back(body);
            memory
        };
        // A defect in reading one page must not end the scraping of the target.
        let memory = match tokio::task::spawn_blocking(work).await {
            Ok(memory) => memory,
            Err(error) => {
                tracing::error!(target = self.state.target.url(), %error, "reading a page failed");
                self.state.last.lock().error = ScrapeRefusal::Internal.to_string();
                let subject = self.state.target.url();
                self.shared
                    .reasons
                    .record(time.0, subject, &ScrapeRefusal::Internal);
                Memory::default()
            }
        };
        drop(permit);
        Some(memory)
    }

    fn request(&self, pool: &PoolState) -> FetchRequest {
        let target = &self.state.target;
        let config = &pool.config;
        let encoding = if config.enable_compression {
            "gzip"
        } else {
            "identity"
        };
        FetchRequest {
            url: target.url().to_owned(),
            headers: vec![
                ("Accept", accept_header(&config.protocols, config.escaping)),
                ("Accept-Encoding", encoding.to_owned()),
                ("User-Agent", self.shared.options.user_agent.clone()),
                (
                    "X-Prometheus-Scrape-Timeout-Seconds",
                    target.timeout().seconds().to_string(),
                ),
            ],
            timeout: target.timeout(),
            body_limit: Some(config.limits.body_size).filter(|limit| *limit > 0),
            unix_socket: target.unix_socket().map(str::to_owned),
        }
    }

    async fn fetch(&self, pool: &PoolState, body: &mut Vec<u8>) -> Fetched {
        let request = self.request(pool);
        let fetch = pool.fetch.fetch(&request, body);
        let answer = match tokio::time::timeout(request.timeout.to_std(), fetch).await {
            Ok(answer) => answer,
            Err(_) => Err(FetchError::Timeout {
                url: request.url.clone(),
            }),
        };
        let body_size = body.len() as u64;
        match answer {
            Err(FetchError::BodyTooLarge) => Fetched::Failed(ScrapeRefusal::BodySizeLimit),
            Err(error) => Fetched::Failed(ScrapeRefusal::Fetch(error)),
            Ok(FetchAnswer {
                status,
                status_text,
                ..
            }) if status != 200 => Fetched::Failed(ScrapeRefusal::Status(status_text)),
            // As in the peer, a page of exactly the limit is too large.
            Ok(_) if request.body_limit.is_some_and(|limit| body_size >= limit) => {
                Fetched::Failed(ScrapeRefusal::BodySizeLimit)
            }
            Ok(answer) => Fetched::Page {
                content_type: answer.content_type,
            },
        }
    }

    /// Ends the series of a removed target, two intervals and a bit later, so that a target that comes
    /// back, or goes on under another URL, does not get gaps.
    async fn end(self, mut memory: Memory, plan: &Plan, tick: u64) {
        let mut shutdown = self.shared.shutdown.clone();
        let late = std::time::Duration::from_millis(
            u64::try_from(plan.interval.millis() / 10).unwrap_or(0),
        );
        let until = plan.instant(tick + 1) + late;
        tokio::select! {
            biased;
            _ = shutdown.wait_for(|is_over| *is_over) => return,
            () = tokio::time::sleep_until(until) => {}
        }
        if self.pool.is_scraped(self.state.target.labels()) {
            return;
        }
        let time = plan.time(tick);
        let shared = Arc::clone(&self.shared);
        let work = move || end_of_run(&mut memory, &*shared.writer, time);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(target = self.state.target.url(), %error, "marking ended series failed");
            }
            Err(error) => {
                tracing::error!(target = self.state.target.url(), %error, "marking ended series failed");
            }
        }
        drop(self.alive);
    }
}

/// The ticks of a target.
#[derive(Clone, Copy, Debug)]
struct Plan {
    first: Instant,
    /// The same by the wall clock.
    first_time: Timestamp,
    interval: model::Duration,
}

impl Plan {
    fn passed(&self, tick: u64) -> model::Duration {
        self.interval * i64::try_from(tick).unwrap_or(i64::MAX)
    }

    fn instant(&self, tick: u64) -> Instant {
        self.first + self.passed(tick).to_std()
    }

    fn time(&self, tick: u64) -> Timestamp {
        self.first_time + self.passed(tick)
    }
}
