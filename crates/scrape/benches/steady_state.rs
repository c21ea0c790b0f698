//! How many samples a second one reader takes when pages change only their numbers.
//!
//! `cargo bench -p scrape`: as many scrapes as fit into three seconds, of 100 targets with 1,000 series
//! of about 150 bytes, into a store that only counts. Reading and commit are on one thread.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints figures"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diag::ReasonBook;
use model::storage::{
    CommitReport, SampleBatch, SampleRefusal, SampleWriter, SeriesRef, WriteError,
};
use model::{Clock, Labels, Timestamp};
use scrape::{
    Collaborators, Fetch, FetchAnswer, FetchFuture, FetchRequest, PoolConfig, PoolSetup, Pools,
    ScrapeOptions, TargetGroup,
};

const TARGETS: usize = 100;
const SERIES: usize = 1000;

#[derive(Default)]
struct CountingStore {
    refs: Mutex<HashMap<Labels, u64>>,
    samples: AtomicU64,
}

impl SampleWriter for CountingStore {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        let Ok(mut refs) = self.refs.lock() else {
            return Err(SampleRefusal::SeriesLimit);
        };
        let next = refs.len() as u64;
        Ok(SeriesRef(*refs.entry(labels.clone()).or_insert(next)))
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        self.samples
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(CommitReport::default())
    }
}

/// Two pages that differ in their numbers, by turns.
struct Pages([String; 2], AtomicU64);

impl Fetch for Pages {
    fn fetch<'a>(&'a self, _: &'a FetchRequest, body: &'a mut Vec<u8>) -> FetchFuture<'a> {
        let turn = self.1.fetch_add(1, Ordering::Relaxed) % 2;
        let page = if turn == 0 { &self.0[0] } else { &self.0[1] };
        body.extend_from_slice(page.as_bytes());
        Box::pin(async {
            Ok(FetchAnswer {
                status: 200,
                status_text: "200 OK".to_owned(),
                content_type: "text/plain; version=0.0.4".to_owned(),
            })
        })
    }
}

fn page(seed: usize) -> String {
    let mut page =
        String::from("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n");
    for series in 0..SERIES {
        page.push_str(&format!(
            "http_request_duration_seconds_bucket{{namespace=\"default\",service=\"frontend\",handler=\"/api/v1/items/{series}\",method=\"GET\",code=\"200\",version=\"1.{}\"}} {}\n",
            series % 7,
            (series * 7919 + seed * 104_729) % 1_000_000
        ));
    }
    page
}

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp(i64::try_from(now.as_millis()).unwrap_or(0))
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    let store = Arc::new(CountingStore::default());
    let pools = Pools::new(
        Collaborators {
            writer: Arc::clone(&store) as Arc<dyn SampleWriter>,
            clock: Arc::new(Wall),
            reasons: Arc::new(ReasonBook::new(4)),
            runtime: runtime.handle().clone(),
        },
        ScrapeOptions {
            readers_max: 1,
            ..ScrapeOptions::default()
        },
    );
    let mut config = PoolConfig::new("bench");
    config.interval = model::Duration::from_millis(10);
    config.timeout = config.interval;
    let fetch = Arc::new(Pages([page(1), page(2)], AtomicU64::new(0)));
    let size = fetch.0[0].len() / SERIES;
    pools.apply(vec![PoolSetup { config, fetch }]);
    let targets = (0..TARGETS)
        .map(|index| Labels::from_pairs([("__address__", format!("host-{index}:9100"))]))
        .collect();
    let group = TargetGroup {
        source: "bench".to_owned(),
        labels: Labels::empty(),
        targets,
    };
    pools.sync("bench", vec![group]);
    runtime.block_on(async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = store.samples.load(Ordering::Relaxed);
        let start = std::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let samples = store.samples.load(Ordering::Relaxed) - before;
        let rate = samples as f64 / start.elapsed().as_secs_f64();
        println!(
            "{size} B a line: {:.2} M samples/s, {:.0} ns a sample",
            rate / 1e6,
            1e9 / rate
        );
        pools.stop().await;
    });
    Ok(())
}
