//! Storage, targets and time for tests: in memory, simulated.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use diag::ReasonBook;
use model::sample::is_stale;
use model::storage::{
    CommitReport, SampleBatch, SampleRefusal, SampleWriter, SeriesRef, WriteError,
};
use model::{Clock, Labels, Timestamp};
use scrape::{
    Collaborators, Fetch, FetchAnswer, FetchError, FetchFuture, FetchRequest, PoolConfig,
    PoolSetup, Pools, ScrapeOptions, TargetGroup,
};
use std::sync::Mutex;
use tokio::time::Instant;

/// Follows tokio's paused time.
pub(crate) struct TestClock(Instant);

/// Divisible by all intervals that the tests use.
pub(crate) const EPOCH: Timestamp = Timestamp(1_700_000_040_000);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        EPOCH + model::Duration::from_std(self.0.elapsed())
    }
}

#[derive(Default)]
struct Stored {
    refs: HashMap<Labels, u64>,
    labels: HashMap<u64, Labels>,
    /// Time and value of the newest sample.
    newest: HashMap<u64, (i64, f64)>,
    /// Everything committed since it was last looked at.
    log: Vec<String>,
    next: u64,
    resolved: usize,
    commits: usize,
}

/// Refuses what is out of order, as storage does.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Stored>);

impl MemoryStore {
    /// What was committed since the last call: `labels value @seconds after the epoch`, sorted.
    pub(crate) fn take_log(&self) -> Vec<String> {
        let mut log = std::mem::take(&mut self.0.lock().unwrap().log);
        log.sort();
        log
    }

    /// As [`take_log`](Self::take_log), without the report series.
    pub(crate) fn take_samples(&self) -> Vec<String> {
        let mut log = self.take_log();
        log.retain(|line| !line.starts_with("up{") && !line.starts_with("scrape_"));
        log
    }

    pub(crate) fn resolved(&self) -> usize {
        self.0.lock().unwrap().resolved
    }

    pub(crate) fn commits(&self) -> usize {
        self.0.lock().unwrap().commits
    }

    /// Storage drops all series that it holds, as after a long pause.
    pub(crate) fn drop_all_series(&self) {
        let mut stored = self.0.lock().unwrap();
        stored.refs.clear();
        stored.labels.clear();
    }
}

fn printed(labels: &Labels) -> String {
    let rest = labels.without_name();
    format!("{}{rest}", labels.metric_name())
}

impl SampleWriter for MemoryStore {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        let mut stored = self.0.lock().unwrap();
        stored.resolved += 1;
        if let Some(known) = stored.refs.get(labels) {
            return Ok(SeriesRef(*known));
        }
        stored.next += 1;
        let number = stored.next;
        stored.refs.insert(labels.clone(), number);
        stored.labels.insert(number, labels.clone());
        Ok(SeriesRef(number))
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        let mut stored = self.0.lock().unwrap();
        stored.commits += 1;
        let mut report = CommitReport::default();
        for row in 0..batch.len() {
            let (series, time) = (batch.series[row].0, batch.times[row]);
            let histogram = batch.histograms.iter().find(|(at, _)| *at == row);
            let value = batch.values[row];
            let Some(labels) = stored.labels.get(&series).cloned() else {
                report.refused.push((row, SampleRefusal::UnknownSeries));
                continue;
            };
            match stored.newest.get(&series) {
                Some((newest, _)) if *newest > time => {
                    report.refused.push((row, SampleRefusal::OutOfOrder));
                    continue;
                }
                Some((newest, known)) if *newest == time && known.to_bits() != value.to_bits() => {
                    report
                        .refused
                        .push((row, SampleRefusal::DuplicateTimestamp));
                    continue;
                }
                _ => {}
            }
            stored.newest.insert(series, (time, value));
            let value = match histogram {
                Some(_) => "histogram".to_owned(),
                None if is_stale(value) => "stale".to_owned(),
                None => value.to_string(),
            };
            let seconds = (time - EPOCH.0) as f64 / 1000.0;
            stored
                .log
                .push(format!("{} {value} @{seconds}", printed(&labels)));
            report.appended += 1;
        }
        for (series, exemplar) in &batch.exemplars {
            let labels = stored
                .labels
                .get(&series.0)
                .map(printed)
                .unwrap_or_default();
            let line = format!("{labels} # {} {}", exemplar.labels, exemplar.value);
            stored.log.push(line);
        }
        Ok(report)
    }
}

/// What a target answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Page(String),
    Typed(&'static str, String),
    Status(u16, &'static str),
    Refused,
    /// A page after some time.
    Slow(Duration, String),
}

/// Targets by URL; those that are not set refuse connections.
#[derive(Default)]
pub(crate) struct FakeTargets {
    answers: Mutex<BTreeMap<String, Answer>>,
    pub(crate) requests: Mutex<Vec<FetchRequest>>,
}

impl FakeTargets {
    pub(crate) fn set(&self, url: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }
}

impl Fetch for FakeTargets {
    fn fetch<'a>(&'a self, request: &'a FetchRequest, body: &'a mut Vec<u8>) -> FetchFuture<'a> {
        self.requests.lock().unwrap().push(request.clone());
        let answer = self.answers.lock().unwrap().get(&request.url).cloned();
        Box::pin(async move {
            let mut content_type = "text/plain; version=0.0.4";
            let (mut status, mut phrase) = (200, "OK");
            match answer.unwrap_or(Answer::Refused) {
                Answer::Page(page) => body.extend_from_slice(page.as_bytes()),
                Answer::Typed(kind, page) => {
                    content_type = kind;
                    body.extend_from_slice(page.as_bytes());
                }
                Answer::Status(code, text) => (status, phrase) = (code, text),
                Answer::Refused => {
                    return Err(FetchError::Failed {
                        url: request.url.clone(),
                        problem: "connection refused".to_owned(),
                    });
                }
                Answer::Slow(time, page) => {
                    tokio::time::sleep(time).await;
                    body.extend_from_slice(page.as_bytes());
                }
            }
            Ok(FetchAnswer {
                status,
                status_text: format!("{status} {phrase}"),
                content_type: content_type.to_owned(),
            })
        })
    }
}

/// A server with one store and fake targets.
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) targets: Arc<FakeTargets>,
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) pools: Pools,
    start: Instant,
}

/// A job that is scraped every ten seconds.
pub(crate) fn job(name: &str) -> PoolConfig {
    let mut config = PoolConfig::new(name);
    config.interval = model::Duration::from_secs(10);
    config.timeout = model::Duration::from_secs(5);
    config
}

pub(crate) fn group(addresses: &[&str]) -> Vec<TargetGroup> {
    let targets = addresses
        .iter()
        .map(|address| Labels::from_pairs([("__address__", *address)]))
        .collect();
    vec![TargetGroup {
        source: "test".to_owned(),
        labels: Labels::empty(),
        targets,
    }]
}

impl World {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        let store = Arc::new(MemoryStore::default());
        let reasons = Arc::new(ReasonBook::new(10));
        let collaborators = Collaborators {
            writer: Arc::clone(&store) as Arc<dyn SampleWriter>,
            clock: Arc::new(TestClock(start)),
            reasons: Arc::clone(&reasons),
            runtime: tokio::runtime::Handle::current(),
        };
        Self {
            store,
            targets: Arc::new(FakeTargets::default()),
            reasons,
            pools: Pools::new(collaborators, ScrapeOptions::default()),
            start,
        }
    }

    pub(crate) fn apply(&self, configs: Vec<PoolConfig>) {
        let setups = configs.into_iter().map(|config| PoolSetup {
            config,
            fetch: Arc::clone(&self.targets) as Arc<dyn Fetch>,
        });
        self.pools.apply(setups.collect());
    }

    /// One job with targets at these addresses.
    pub(crate) fn with_job(config: PoolConfig, addresses: &[&str]) -> Self {
        let world = Self::new();
        let name = config.job_name.clone();
        world.apply(vec![config]);
        world.pools.sync(&name, group(addresses));
        world
    }

    pub(crate) fn page(&self, address: &str, page: &str) {
        self.targets.set(
            &format!("http://{address}/metrics"),
            Answer::Page(page.to_owned()),
        );
    }

    /// Lets time pass until so many intervals of ten seconds have ended since the start.
    pub(crate) async fn until(&self, intervals: u32) {
        tokio::time::sleep_until(self.start + Duration::from_secs(10) * intervals).await;
        // Work that was handed to other threads holds simulated time still until it is done.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub(crate) fn last_error(&self) -> String {
        let active = self.pools.active();
        let status = active.values().flatten().next().unwrap();
        format!("{} {}", status.last.health.as_str(), status.last.error)
    }
}
