//! The life of queries over a storage that answers when it is told to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::clock::ManualClock;
use model::sample::Value;
use model::storage::{ReadError, SelectRequest, SeriesList, SeriesReader, TimeRange};
use model::{Labels, Matcher, Timestamp};
use parking_lot::{Condvar, Mutex};
use promql::testing::memory::MemoryStorage;
use promql::{EngineOptions, ParserOptions, QueryError, QueryValue, RangeTimes};
use testkit::process::until;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::*;

const BOUND: Duration = Duration::from_secs(30);

/// Series that are found only while the gate is open.
#[derive(Default)]
struct GatedStorage {
    storage: MemoryStorage,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl GatedStorage {
    fn set_open(&self, is_open: bool) {
        *self.is_open.lock() = is_open;
        self.opened.notify_all();
    }
}

impl SeriesReader for GatedStorage {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        let mut is_open = self.is_open.lock();
        while !*is_open {
            self.opened.wait(&mut is_open);
        }
        self.storage.select(request)
    }

    fn label_names(&self, range: TimeRange, of: &[Matcher]) -> Result<Vec<String>, ReadError> {
        self.storage.label_names(range, of)
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        of: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        self.storage.label_values(name, range, of)
    }
}

/// Memory that is as full as it is told to be.
#[derive(Debug, Default)]
struct TestRoom(Mutex<u64>);

const BUDGET: u64 = 100 << 20;

impl Room for TestRoom {
    fn for_query(&self) -> Result<usize, NoRoom> {
        let (used, budget) = (*self.0.lock(), BUDGET);
        if used >= budget {
            return Err(NoRoom { used, budget });
        }
        Ok(usize::try_from(budget - used).unwrap())
    }

    fn is_exhausted(&self) -> bool {
        *self.0.lock() > BUDGET
    }
}

struct World {
    room: Arc<TestRoom>,
    runtime: Runtime,
    storage: Arc<GatedStorage>,
    service: QueryService,
    registry: metrics::Registry,
    dir: tempfile::TempDir,
}

type Task = JoinHandle<Result<Answer, QueryFailure>>;

impl World {
    fn new(concurrent_max: usize) -> Self {
        let mut storage = GatedStorage::default();
        for instance in ["a", "b", "c"] {
            let labels = Labels::from_pairs([("__name__", "up"), ("instance", instance)]);
            storage.storage.add(&labels, 0, Value::Float(1.0));
        }
        let storage = Arc::new(storage);
        let dir = tempfile::tempdir().unwrap();
        let registry = metrics::Registry::new();
        let room = Arc::<TestRoom>::default();
        let settings = Settings {
            engine: EngineOptions::default(),
            parser: ParserOptions::default(),
            limits: Limits {
                samples_max: Some(1000),
                ..Limits::default()
            },
            timeout: model::Duration::from_secs(60),
            concurrent_max,
            room: Some(room.clone()),
            rules_concurrent_max: 1,
        };
        let clock = Arc::new(ManualClock::new(Timestamp(1000)));
        let reader: Arc<dyn SeriesReader> = storage.clone();
        Self {
            room,
            service: QueryService::new(settings, reader, clock, &registry, Some(dir.path())),
            runtime: Runtime::new().unwrap(),
            storage,
            registry,
            dir,
        }
    }

    fn run(&self, request: QueryRequest) -> Result<Answer, QueryFailure> {
        self.runtime.block_on(self.service.run(request))
    }

    fn start(&self, request: QueryRequest) -> Task {
        let service = self.service.clone();
        self.runtime
            .spawn(async move { service.run(request).await })
    }

    fn end(&self, task: Task) -> Result<Answer, QueryFailure> {
        self.runtime.block_on(task).unwrap()
    }

    /// Waits until so many queries are at these stages, and gives the number of the newest.
    fn wait_for(&self, stages: &[Stage]) -> u64 {
        until("queries", BOUND, || {
            let active = self.service.active();
            let found: Vec<Stage> = active.iter().map(|query| query.stage).collect();
            if found == stages {
                Ok(active.last().map_or(0, |query| query.id))
            } else {
                Err(format!("{active:?}"))
            }
        })
    }

    fn metric(&self, series: &str) -> f64 {
        let page = self.registry.render();
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    }
}

fn request(text: &str) -> QueryRequest {
    QueryRequest {
        text: text.to_owned(),
        when: When::At(Timestamp(1000)),
        origin: Origin::Http {
            client: "127.0.0.1".to_owned(),
            method: "GET".to_owned(),
            path: "/api/v1/query".to_owned(),
        },
        lookback_delta: None,
        timeout: None,
        limits: Limits::default(),
        stats: StatsDetail::Totals,
    }
}

fn in_milliseconds(text: &str, timeout: i64) -> QueryRequest {
    QueryRequest {
        timeout: Some(model::Duration::from_millis(timeout)),
        ..request(text)
    }
}

#[test]
fn without_memory_clients_get_an_error_and_rules_an_answer() {
    let world = World::new(1);
    let started = world.start(request("up"));
    world.wait_for(&[Stage::Running]);
    *world.room.0.lock() = BUDGET;
    let refused = world.run(request("up")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "100 MiB of the 100 MiB of --memory.budget are in use, and queries are refused; try again later, or raise it"
    );
    // What runs goes on, until there is none left at all.
    *world.room.0.lock() = BUDGET + 1;
    world.storage.set_open(true);
    let ended = world.end(started).unwrap_err();
    assert_eq!(ended, QueryFailure::OutOfRoom);
    assert!(world.service.run_now(request("up")).is_ok());
    // A query may take what there is.
    *world.room.0.lock() = BUDGET - 100;
    let large = world.run(request("up")).unwrap_err();
    assert!(matches!(
        large,
        QueryFailure::Evaluation(QueryError::TooManyBytes { .. })
    ));
    *world.room.0.lock() = 0;
    assert!(world.run(request("up")).is_ok());
}

#[test]
fn one_place_is_for_one_query_and_the_others_wait() {
    let world = World::new(1);
    let first = world.start(request("up"));
    world.wait_for(&[Stage::Running]);
    let second = world.start(request("sum(up)"));
    let waiting = world.wait_for(&[Stage::Running, Stage::Waiting]);
    assert_eq!(world.metric("prometheus_engine_queries"), 2.0);
    let late = world.run(in_milliseconds("up", 20)).unwrap_err();
    assert_eq!(late.to_string(), "query timed out in query queue");
    assert!(world.service.kill(waiting) && !world.service.kill(9999));
    let killed = world.end(second).unwrap_err();
    assert_eq!(
        killed.to_string(),
        "query was canceled in query queue: it was killed by an operator"
    );
    let third = world.start(request("count(up)"));
    world.wait_for(&[Stage::Running, Stage::Waiting]);
    world.storage.set_open(true);
    for (task, series) in [(first, 3), (third, 1)] {
        match world.end(task).unwrap().result.value {
            QueryValue::Vector(samples) => assert_eq!(samples.len(), series),
            other => panic!("{other:?}"),
        }
    }
    world.wait_for(&[]);
    assert_eq!(world.metric("prometheus_engine_queries"), 0.0);
    assert_eq!(
        world.metric("prometheus_engine_queries_concurrent_max"),
        1.0
    );
    let slice = "prometheus_engine_query_duration_seconds_count{slice=\"queue_time\"}";
    assert_eq!(world.metric(slice), 4.0);
    let slice = "prometheus_engine_query_duration_histogram_seconds_count{slice=\"inner_eval\"}";
    assert_eq!(world.metric(slice), 2.0);
    assert_eq!(world.metric("prometheus_engine_query_samples_total"), 6.0);
}

#[test]
fn a_killed_query_says_so_and_gives_its_place_back() {
    let world = World::new(1);
    let task = world.start(request("up + up"));
    let id = world.wait_for(&[Stage::Running]);
    assert!(world.service.kill(id));
    world.storage.set_open(true);
    let failure = world.end(task).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "query was canceled in expression evaluation: it was killed by an operator"
    );
    world.run(request("up")).unwrap();
}

#[test]
fn a_query_without_client_stops_and_keeps_its_place_until_then() {
    let world = World::new(1);
    let log = world.dir.path().join("log");
    world
        .service
        .switch_log(Some(QueryLogFile::open(&log).unwrap()));
    let task = world.start(request("up + up"));
    world.wait_for(&[Stage::Running]);
    task.abort();
    assert!(world.runtime.block_on(task).unwrap_err().is_cancelled());
    // The evaluation still sits in the storage: nobody else may run.
    let late = world.run(in_milliseconds("up", 20)).unwrap_err();
    assert_eq!(late, QueryFailure::QueueTimeout);
    world.storage.set_open(true);
    world.wait_for(&[]);
    world.run(request("up")).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    let errors: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["error"].clone())
        .collect();
    assert_eq!(
        errors,
        [
            "query timed out in query queue".into(),
            "query was canceled in expression evaluation".into(),
            serde_json::Value::Null
        ]
    );
}

#[test]
fn a_client_that_leaves_the_queue_is_forgotten() {
    let world = World::new(1);
    let first = world.start(request("up"));
    world.wait_for(&[Stage::Running]);
    let second = world.start(request("up"));
    world.wait_for(&[Stage::Running, Stage::Waiting]);
    second.abort();
    world.wait_for(&[Stage::Running]);
    world.storage.set_open(true);
    world.end(first).unwrap();
    world.wait_for(&[]);
    world.run(request("up")).unwrap();
}

#[test]
fn time_in_the_queue_counts_and_time_ends_an_evaluation() {
    let world = World::new(1);
    world.storage.set_open(true);
    let failure = world.run(in_milliseconds("up", 0)).unwrap_err();
    assert_eq!(failure, QueryFailure::Evaluation(QueryError::Timeout));
}

#[test]
fn rules_run_while_all_places_are_taken() {
    let world = World::new(1);
    let task = world.start(request("up"));
    world.wait_for(&[Stage::Running]);
    let rule = QueryRequest {
        origin: Origin::Rule {
            file: "r.yml".to_owned(),
            group: "g".to_owned(),
        },
        ..request("1 + 1")
    };
    world.service.run_now(rule).unwrap();
    let file = std::fs::read(world.dir.path().join("queries.active")).unwrap();
    assert_eq!(
        file.len(),
        2001,
        "a place for the query, and one for a rule"
    );
    assert!(file.starts_with(b"[{\"query\":\"up\",\"timestamp_sec\":1}\0"));
    world.storage.set_open(true);
    world.end(task).unwrap();
    let file = std::fs::read(world.dir.path().join("queries.active")).unwrap();
    assert!(file.iter().skip(1).all(|byte| *byte == 0));
}

#[test]
fn requests_lower_the_limits_and_never_raise_them() {
    let world = World::new(1);
    world.storage.set_open(true);
    let with = |samples_max| QueryRequest {
        limits: Limits {
            samples_max: Some(samples_max),
            ..Limits::default()
        },
        ..request("up")
    };
    assert_eq!(
        world.run(with(2)).unwrap_err(),
        QueryFailure::Evaluation(QueryError::TooManySamples)
    );
    world.run(with(3)).unwrap();
    let times = RangeTimes {
        start: Timestamp(0),
        end: Timestamp(299_000),
        step: model::Duration::from_millis(500),
    };
    let range = QueryRequest {
        when: When::Over(times),
        ..with(1_000_000)
    };
    assert_eq!(
        world.run(range).unwrap_err(),
        QueryFailure::Evaluation(QueryError::TooManySamples),
        "1797 samples, and the server allows 1000"
    );
}

#[test]
fn series_and_bytes_are_limited() {
    let world = World::new(1);
    world.storage.set_open(true);
    let with = |bytes_max, series_max| QueryRequest {
        limits: Limits {
            bytes_max,
            series_max,
            ..Limits::default()
        },
        ..request("sum(up)")
    };
    let text = |request| world.run(request).unwrap_err().to_string();
    assert!(text(with(None, Some(2))).contains("selects 3 series or more, and 2 are allowed"));
    assert!(text(with(Some(10), None)).contains("more than the 10 bytes allowed"));
    world.run(with(Some(1 << 20), Some(3))).unwrap();
}

#[test]
fn an_explanation_is_measured_if_that_is_asked_for() {
    let world = World::new(1);
    world.storage.set_open(true);
    let explain = |analysis| {
        let explained = world.service.explain(request("sum(up)"), analysis);
        world.runtime.block_on(explained).unwrap().root
    };
    assert!(explain(Analysis::Estimated).measured.is_none());
    let measured = explain(Analysis::Measured).measured.unwrap();
    assert_eq!(measured.cost.series, 1);
    world.wait_for(&[]);
}

#[test]
fn samples_are_counted_by_step_when_somebody_asks() {
    let world = World::new(1);
    world.storage.set_open(true);
    let steps = |stats| {
        let request = QueryRequest {
            stats,
            ..request("up")
        };
        world.run(request).unwrap().result.stats.per_step.len()
    };
    assert_eq!(
        (steps(StatsDetail::Totals), steps(StatsDetail::PerStep)),
        (0, 1)
    );
}

#[test]
fn what_is_no_query_is_refused_at_once() {
    let world = World::new(1);
    assert!(matches!(
        world.run(request("up(")).unwrap_err(),
        QueryFailure::Unreadable(_)
    ));
    let times = RangeTimes {
        start: Timestamp(0),
        end: Timestamp(1000),
        step: model::Duration::from_secs(1),
    };
    let range = QueryRequest {
        when: When::Over(times),
        ..request("\"text\"")
    };
    assert_eq!(
        world.run(range).unwrap_err().to_string(),
        "invalid expression type \"string\" for range query, must be Scalar or instant Vector"
    );
    assert_eq!(world.service.active().len(), 0);
}

#[test]
fn a_folder_that_is_not_there_stops_nothing() {
    let world = World::new(1);
    let absent = Path::new("/nonexistent");
    let service = QueryService::new(
        world.service.settings().clone(),
        Arc::clone(world.service.reader()),
        Arc::new(ManualClock::default()),
        &metrics::Registry::new(),
        Some(absent),
    );
    world.storage.set_open(true);
    world.runtime.block_on(service.run(request("up"))).unwrap();
}
