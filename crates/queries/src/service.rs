//! The life of a query: read, listed, queued, evaluated, counted, logged.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model::Clock;
use model::storage::SeriesReader;
use promql::{
    Engine, EngineOptions, Evaluation, Explanation, Expr, Expression, Feature, Interruption,
    ParserOptions, Query, QueryError, QueryGroup, QueryResult, QueryStats, ValueType,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::active::{ActiveQueries, ActiveQuery, Entry, Stop};
use crate::counters::Counters;
use crate::crash_file::{CrashFile, UnfinishedQuery};
use crate::failure::QueryFailure;
use crate::limits::{Limits, Room};
use crate::log::{Line, QueryLog, QueryLogFile};
use crate::recent::{Ended, Recent, Tally};
use crate::request::{QueryRequest, When};
use crate::stats::{StatsDetail, StatsTwin, Timings};

/// Queries that may wait for a place. Each holds the text of its request in memory.
const WAITING_MAX: usize = 1024;

/// What holds for all queries of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    pub engine: EngineOptions,
    pub parser: ParserOptions,
    pub limits: Limits,
    /// For one query, waiting included.
    pub timeout: model::Duration,
    /// Queries of the API that run at once.
    pub concurrent_max: usize,
    /// Without it queries are not limited together.
    pub room: Option<Arc<dyn Room>>,
    /// Rules that may run besides; their schedule keeps to it.
    pub rules_concurrent_max: usize,
}

/// Runs queries. Cloning shares everything.
#[derive(Clone)]
pub struct QueryService(Arc<Inner>);

struct Inner {
    reader: Arc<dyn SeriesReader>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    active: ActiveQueries,
    crash_file: CrashFile,
    unfinished: Vec<UnfinishedQuery>,
    log: QueryLog,
    recent: Recent,
    counters: Counters,
}

impl std::fmt::Debug for QueryService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryService")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// How deep an explanation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Analysis {
    /// Nothing is evaluated.
    Estimated,
    /// The query is run.
    Measured,
}

/// A result, with where its time went.
#[derive(Debug)]
pub struct Answer {
    pub result: QueryResult,
    pub timings: Timings,
}

impl QueryService {
    /// `data_dir` is where `queries.active` is; without it nothing says after a crash which queries ran.
    pub fn new(
        settings: Settings,
        reader: Arc<dyn SeriesReader>,
        clock: Arc<dyn Clock>,
        registry: &metrics::Registry,
        data_dir: Option<&Path>,
    ) -> Self {
        let concurrent_max = settings.concurrent_max.clamp(1, Semaphore::MAX_PERMITS);
        let in_file = concurrent_max.saturating_add(settings.rules_concurrent_max);
        let (crash_file, unfinished) = data_dir
            .map(|data_dir| CrashFile::open(data_dir, in_file))
            .unwrap_or_default();
        Self(Arc::new(Inner {
            reader,
            clock,
            places: Arc::new(Semaphore::new(concurrent_max)),
            waiting: AtomicUsize::new(0),
            active: ActiveQueries::default(),
            crash_file,
            unfinished,
            log: QueryLog::default(),
            recent: Recent::default(),
            counters: Counters::new(registry, concurrent_max),
            settings,
        }))
    }

    pub fn reader(&self) -> &Arc<dyn SeriesReader> {
        &self.0.reader
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Runs a query of a client: waits for a place, evaluates away from the async threads. If the future
    /// is dropped, the query stops at its next check.
    pub async fn run(&self, request: QueryRequest) -> Result<Answer, QueryFailure> {
        let listed = self.list(request)?;
        let _canceling = CancelOnDrop(Arc::clone(&listed.entry));
        let admitted = listed.wait().await?;
        tokio::task::spawn_blocking(move || admitted.evaluate())
            .await
            .map_err(|error| QueryFailure::Internal(error.to_string()))?
    }

    /// Explains a query of a client, and runs it to measure it if that is asked for. Waits and is limited
    /// as a query that is run.
    pub async fn explain(
        &self,
        request: QueryRequest,
        analysis: Analysis,
    ) -> Result<Explanation, QueryFailure> {
        let listed = self.list(request)?;
        let _canceling = CancelOnDrop(Arc::clone(&listed.entry));
        let admitted = listed.wait().await?;
        tokio::task::spawn_blocking(move || admitted.explain(analysis))
            .await
            .map_err(|error| QueryFailure::Internal(error.to_string()))?
    }

    /// Runs a query of a rule, on the caller's thread and without waiting.
    pub fn run_now(&self, request: QueryRequest) -> Result<Answer, QueryFailure> {
        self.list(request)?.admit(None).evaluate()
    }

    /// As [`Self::run_now`], of a query that may belong to the group: then it is not read again, and what it has
    /// in common with others is evaluated once for all that are asked at the same time.
    pub fn run_in_group(
        &self,
        request: QueryRequest,
        group: &Arc<QueryGroup>,
    ) -> Result<Answer, QueryFailure> {
        let Some(query) = group.query(&request.text).map(Arc::clone) else {
            return self.run_now(request);
        };
        let listed = self.enter(request, query, Some(Arc::clone(group)), Instant::now())?;
        listed.admit(None).evaluate()
    }

    /// The queries that wait or run, the oldest first.
    pub fn active(&self) -> Vec<ActiveQuery> {
        self.0.active.list()
    }

    /// What clients have asked, added up by query; in no order.
    pub fn recent(&self) -> Vec<Tally> {
        self.0.recent.list()
    }

    /// Stops a query; false if there is none of this number.
    pub fn kill(&self, id: u64) -> bool {
        self.0.active.kill(id)
    }

    /// What ran when the process before this one died.
    pub fn unfinished(&self) -> &[UnfinishedQuery] {
        &self.0.unfinished
    }

    /// Logs queries to another file, or not at all.
    pub fn switch_log(&self, to: Option<QueryLogFile>) {
        let value = if to.is_some() { 1.0 } else { 0.0 };
        self.0.counters.log_enabled.set(value);
        self.0.log.switch(to);
    }

    fn list(&self, request: QueryRequest) -> Result<Listed, QueryFailure> {
        let started = Instant::now();
        let query = Query::parse(request.text.as_str(), &self.0.settings.parser)
            .map_err(QueryFailure::Unreadable)?;
        self.enter(request, Arc::new(query), None, started)
    }

    fn enter(
        &self,
        request: QueryRequest,
        query: Arc<Query>,
        group: Option<Arc<QueryGroup>>,
        started: Instant,
    ) -> Result<Listed, QueryFailure> {
        let inner = &self.0;
        check_type(query.expr(), request.when)?;
        let entry = inner.active.enter(&request, inner.clock.now());
        inner.counters.active.add(1.0);
        let ours = inner.settings.timeout;
        let timeout = request.timeout.map_or(ours, |asked| asked.min(ours));
        Ok(Listed {
            timeout: timeout.to_std(),
            timings: Timings {
                query_preparation_time: started.elapsed().as_secs_f64(),
                ..Timings::default()
            },
            inner: Arc::clone(inner),
            entry,
            query,
            group,
            request,
        })
    }
}

fn check_type(expr: &Expr, when: When) -> Result<(), QueryFailure> {
    let found = expr.value_type();
    if matches!(when, When::Over(_)) && !matches!(found, ValueType::Scalar | ValueType::Vector) {
        return Err(QueryFailure::WrongType(format!(
            "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            found.documented()
        )));
    }
    Ok(())
}

/// Stops the query when its client goes away: the future of [`QueryService::run`] is dropped, and this
/// with it. After the end of the query it does nothing.
struct CancelOnDrop(Arc<Entry>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.stop_for(Stop::ClientGone);
    }
}

/// In the list of active queries, until it is dropped.
struct Listed {
    inner: Arc<Inner>,
    entry: Arc<Entry>,
    query: Arc<Query>,
    /// That the query is asked with.
    group: Option<Arc<QueryGroup>>,
    request: QueryRequest,
    timeout: Duration,
    timings: Timings,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.inner.active.leave(&self.entry);
        self.inner.counters.active.add(-1.0);
    }
}

/// Counts a waiting query, also if its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listed {
    /// Until a place is free, the time is over, or somebody stops the query.
    async fn wait(self) -> Result<Admitted, QueryFailure> {
        let room = self
            .inner
            .settings
            .room
            .as_ref()
            .map(|room| room.for_query());
        if let Some(Err(no_room)) = room {
            return Err(self.refused(QueryFailure::NoRoom(no_room)));
        }
        let places = Arc::clone(&self.inner.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(self.admit(Some(place)));
        }
        let waiting = self.inner.waiting.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::clone(&self.inner);
        let _waiting = Waiting(&inner.waiting);
        if waiting >= WAITING_MAX {
            return Err(self.refused(QueryFailure::QueueFull { waiting }));
        }
        let entry = Arc::clone(&self.entry);
        let left = self.timeout.saturating_sub(entry.started.elapsed());
        tokio::select! {
            place = places.acquire_owned() => Ok(self.admit(place.ok())),
            () = tokio::time::sleep(left) => Err(self.refused(QueryFailure::QueueTimeout)),
            () = entry.wait_for_stop() => {
                Err(self.refused(QueryFailure::Killed { stage: "query queue" }))
            }
        }
    }

    fn refused(mut self, failure: QueryFailure) -> QueryFailure {
        self.note_queue_time();
        self.finish(&QueryStats::default(), Some(&failure));
        self.remember(&QueryStats::default(), Some(&failure));
        failure
    }

    fn note_queue_time(&mut self) {
        let so_far = self.entry.started.elapsed().as_secs_f64();
        self.timings.exec_queue_time = so_far;
        self.inner.counters.observe_queue(&self.timings);
    }

    fn admit(mut self, place: Option<OwnedSemaphorePermit>) -> Admitted {
        self.note_queue_time();
        self.entry.set_running();
        let noted = self
            .inner
            .crash_file
            .enter(&self.request.text, self.inner.clock.now());
        Admitted {
            listed: self,
            noted,
            place,
        }
    }

    /// After [`Self::finish`], which knows how long it took.
    fn remember(&self, stats: &QueryStats, failure: Option<&QueryFailure>) {
        self.inner.recent.add(Ended {
            text: &self.request.text,
            when: self.request.when,
            origin: &self.request.origin,
            seconds: self.timings.exec_total_time,
            stats,
            error: failure.map(ToString::to_string),
            now: self.inner.clock.now(),
        });
    }

    /// The line in the log.
    fn finish(&mut self, stats: &QueryStats, failure: Option<&QueryFailure>) {
        self.timings.exec_total_time =
            self.entry.started.elapsed().as_secs_f64() + self.timings.query_preparation_time;
        let inner = &self.inner;
        if !inner.log.is_on() {
            return;
        }
        let line = Line {
            text: &self.request.text,
            when: self.request.when,
            origin: &self.request.origin,
            error: failure.map(ToString::to_string),
            stats: StatsTwin::new(stats, self.timings, StatsDetail::Totals),
            now: inner.clock.now(),
        };
        if !inner.log.write(&line) {
            inner.counters.log_failures.increment();
        }
    }
}

/// With a place, which it gives back when it is dropped: after the evaluation, whoever still waits for it.
struct Admitted {
    listed: Listed,
    /// The place in `queries.active`.
    noted: Option<usize>,
    /// `None` for rules.
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.listed.inner.crash_file.leave(self.noted);
    }
}

impl Admitted {
    fn evaluate(mut self) -> Result<Answer, QueryFailure> {
        let started = Instant::now();
        let result = self.result();
        let listed = &mut self.listed;
        listed.timings.inner_eval_time = started.elapsed().as_secs_f64();
        listed.timings.eval_total_time = listed.timings.inner_eval_time;
        let nothing = QueryStats::default();
        let stats = result.as_ref().map_or(&nothing, |result| &result.stats);
        let counters = &listed.inner.counters;
        counters.observe_evaluation(&listed.timings, stats);
        listed.finish(stats, result.as_ref().err());
        listed.remember(stats, result.as_ref().err());
        Ok(Answer {
            result: result?,
            timings: listed.timings,
        })
    }

    fn explain(mut self, analysis: Analysis) -> Result<Explanation, QueryFailure> {
        let started = Instant::now();
        let timer = || started.elapsed().as_secs_f64();
        let evaluation = match self.listed.request.when {
            When::At(time) => Evaluation::Instant(time),
            When::Over(times) => Evaluation::Range(times),
        };
        let explained = self.with_engine(|engine, reader, query| match analysis {
            Analysis::Estimated => engine.explain(reader, query, evaluation, None),
            Analysis::Measured => engine.explain(reader, query, evaluation, Some(&timer)),
        });
        let listed = &mut self.listed;
        listed.timings.inner_eval_time = timer();
        listed.timings.eval_total_time = listed.timings.inner_eval_time;
        let nothing = QueryStats::default();
        let result = explained.as_ref().ok().and_then(|it| it.result.as_ref());
        let stats = result.map_or(&nothing, |result| &result.stats);
        let counters = &listed.inner.counters;
        counters.observe_evaluation(&listed.timings, stats);
        listed.finish(stats, explained.as_ref().err());
        // An estimate has run nothing.
        if analysis == Analysis::Measured {
            listed.remember(stats, explained.as_ref().err());
        }
        explained
    }

    fn result(&self) -> Result<QueryResult, QueryFailure> {
        let group = self.listed.group.as_deref();
        self.with_engine(
            |engine, reader, query| match (self.listed.request.when, group) {
                (When::At(time), None) => engine.instant(reader, query, time),
                (When::At(time), Some(group)) => {
                    engine.instant_in_group(reader, group, query, time)
                }
                (When::Over(times), _) => engine.range(reader, query, times),
            },
        )
    }

    /// An engine within the limits of this query, and stopped with it.
    fn with_engine<T>(
        &self,
        work: impl FnOnce(&Engine<'_>, &dyn SeriesReader, Expression<'_>) -> Result<T, QueryError>,
    ) -> Result<T, QueryFailure> {
        let Listed {
            inner,
            entry,
            query,
            request,
            timeout,
            ..
        } = &self.listed;
        let mut options = inner.settings.engine.clone();
        let limits = inner.settings.limits.lowered_by(request.limits);
        limits.apply(&mut options);
        // Rules have no place, and are evaluated whatever there is.
        let room = inner.settings.room.as_ref();
        let room = room.filter(|_| self.place.is_some());
        if let Some(room) = room {
            let bytes_max = room.for_query().map_err(QueryFailure::NoRoom)?;
            options.bytes_max = options.bytes_max.min(bytes_max);
        }
        if request.stats == StatsDetail::PerStep {
            options.per_step_stats = Feature::On;
        }
        // As in the peer, zero is the server's.
        let asked = request.lookback_delta;
        if let Some(lookback_delta) = asked.filter(|asked| *asked > model::Duration::ZERO) {
            options.lookback_delta = lookback_delta;
        }
        let check = || {
            if entry.stop().is_some() || room.is_some_and(|room| room.is_exhausted()) {
                return Some(Interruption::Canceled);
            }
            (entry.started.elapsed() > *timeout).then_some(Interruption::Timeout)
        };
        let engine = Engine::new(options).interruptible(check);
        let result = work(&engine, &*inner.reader, query.expression());
        result.map_err(|error| match (&error, entry.stop()) {
            (QueryError::Canceled, Some(Stop::Killed)) => QueryFailure::Killed {
                stage: "expression evaluation",
            },
            (QueryError::Canceled, None) => QueryFailure::OutOfRoom,
            _ => QueryFailure::Evaluation(error),
        })
    }
}
