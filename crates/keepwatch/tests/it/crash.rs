//! What an answer has shown stays, whatever happens to the process.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use testkit::disk::Random;
use testkit::process::{Page, PageServer, Signal, finish, until};

use crate::support::{BOUND, Server, keepwatch, serve};

/// Series per page: enough for a scrape to be more than one write could hold by luck.
const SERIES: usize = 200;
/// Every sample of the whole test.
const EVERYTHING: &str = "scrape_number[1h]";
const LIVES: usize = 5;

/// A target whose every page shows the number of the page in all its series.
struct Target {
    server: PageServer,
    served: Arc<AtomicU64>,
}

impl Target {
    fn start() -> Self {
        let served = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&served);
        let server = PageServer::start(move |_| {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            let mut page = String::from("# TYPE scrape_number counter\n");
            for index in 0..SERIES {
                // Writing to a String cannot fail.
                let _ = writeln!(page, "scrape_number{{series=\"{index}\"}} {number}");
            }
            Page::metrics(page)
        });
        Self { server, served }
    }

    fn config(&self) -> String {
        format!(
            "global:\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n\
             scrape_configs:\n- job_name: counted\n  static_configs:\n  - targets: ['{}']\n",
            self.server.address()
        )
    }
}

/// Samples of one series: milliseconds and scrape number.
type Samples = Vec<(i64, u64)>;

/// All samples by series, as an answer shows them.
fn visible(server: &Server) -> BTreeMap<String, Samples> {
    let result = server.query(EVERYTHING);
    let series = result.as_array().into_iter().flatten();
    series
        .map(|series| {
            (
                series["metric"]["series"].as_str().unwrap().to_owned(),
                samples(series),
            )
        })
        .collect()
}

fn samples(series: &Value) -> Samples {
    let pairs = series["values"].as_array().unwrap().iter();
    let sample = |pair: &Value| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds of this century"
        )]
        let time = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
        (time, pair[1].as_str().unwrap().parse().unwrap())
    };
    pairs.map(sample).collect()
}

fn start(dir: &Path) -> Server {
    start_with(dir, &[])
}

fn start_with(dir: &Path, flags: &[&str]) -> Server {
    let mut arguments = vec![
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--log.level=warn",
    ];
    arguments.extend(flags);
    serve(dir, &arguments)
}

/// Waits until this life has shown new samples, then until a random moment; returns what was shown last.
fn live(server: &Server, target: &Target, random: &mut Random) -> BTreeMap<String, Samples> {
    let at_start = target.served.load(Ordering::SeqCst);
    let shown = until("new samples", BOUND, || {
        let shown = visible(server);
        let last = shown
            .values()
            .filter_map(|samples| samples.last())
            .map(|(_, number)| *number)
            .max();
        if last > Some(at_start) {
            Ok(shown)
        } else {
            Err(format!("{last:?} after {at_start}"))
        }
    });
    let more = Duration::from_millis(random.below(1200));
    let mut last = shown;
    let from = std::time::Instant::now();
    until("a random moment", BOUND, || {
        last = visible(server);
        if from.elapsed() >= more {
            Ok(())
        } else {
            Err(String::new())
        }
    });
    last
}

fn assert_kept(
    before: &BTreeMap<String, Samples>,
    after: &BTreeMap<String, Samples>,
    target: &Target,
) {
    assert_eq!(after.len(), SERIES);
    let served = target.served.load(Ordering::SeqCst);
    for (series, after) in after {
        let before = before.get(series).map_or(&[][..], Vec::as_slice);
        let kept = after.get(..before.len()).unwrap_or(after);
        assert_eq!(
            before, kept,
            "series {series} lost or changed what an answer had shown"
        );
        let is_growing = after
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        assert!(is_growing, "series {series} is not in order: {after:?}");
        let last = after.last().map_or(0, |(_, number)| *number);
        assert!(
            last <= served,
            "series {series} holds {last}, and only {served} pages were served"
        );
    }
    // One scrape is one commit: after a crash all series hold the same scrapes.
    let mut all = after.values();
    let first = all.next().unwrap();
    for other in all {
        assert_eq!(first, other, "a scrape was kept in part");
    }
}

/// Looks at what a new life finds, before it has scraped anything itself: nothing of the old life is
/// shown twice or differently later either, because every life checks all lives before it.
#[test]
fn kill_9_loses_nothing_that_was_shown() {
    live_and_die(&[]);
}

/// The same with blocks of seconds, so that there is hardly a moment without one being written, merged or
/// removed; and what lies in blocks is shown as what is in memory.
#[test]
fn kill_9_loses_nothing_while_blocks_are_written() {
    let dir = live_and_die(&[
        "--storage.tsdb.min-block-duration=500ms",
        "--storage.tsdb.max-block-duration=5s",
    ]);
    let server = start(dir.path());
    let blocks = server.json("/api/v1/status/tsdb/blocks")["data"]["blocks"].clone();
    let blocks = blocks.as_array().unwrap();
    assert!(!blocks.is_empty());
    let loaded = server.metric("prometheus_tsdb_blocks_loaded").unwrap();
    assert_eq!(loaded, blocks.len() as f64);
    let samples: u64 = blocks
        .iter()
        .map(|block| block["stats"]["numSamples"].as_u64().unwrap())
        .sum();
    assert!(samples > SERIES as u64, "{samples}");
    assert!(
        server
            .metric("prometheus_tsdb_storage_blocks_bytes")
            .unwrap()
            > 0.0
    );
}

/// Several lives on one folder, each ended by `kill -9`; gives the folder.
fn live_and_die(flags: &[&str]) -> tempfile::TempDir {
    let seed = match std::env::var("KEEPWATCH_TEST_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("KEEPWATCH_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let target = Target::start();
    fs::write(dir.path().join("prometheus.yml"), target.config()).unwrap();
    let mut shown = BTreeMap::new();
    for life in 1..=LIVES {
        let server = start_with(dir.path(), flags);
        if life > 1 {
            assert_kept(&shown, &visible(&server), &target);
        }
        let last = live(&server, &target, &mut random);
        assert_kept(&shown, &last, &target);
        shown = last;
        let count = shown.values().next().map_or(0, Vec::len);
        println!("life {life}: killed with {count} scrapes shown");
        server.program.signal(Signal::Kill);
        assert_eq!(server.program.wait(BOUND).signal, Some(9));
    }
    let server = start_with(dir.path(), flags);
    assert_kept(&shown, &visible(&server), &target);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    dir
}

#[test]
fn a_clean_stop_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target::start();
    fs::write(dir.path().join("prometheus.yml"), target.config()).unwrap();
    let server = start(dir.path());
    let shown = live(&server, &target, &mut Random::new(1));
    server.program.signal(Signal::Terminate);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let server = start(dir.path());
    assert_kept(&shown, &visible(&server), &target);
}

#[test]
fn a_data_folder_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let server = start(dir.path());
    let mut second = keepwatch(dir.path());
    second.args([
        "serve",
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
    ]);
    second.arg("--web.listen-address=127.0.0.1:0");
    let finished = finish("a second keepwatch", second, BOUND);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains("in use by another process"),
        "{}",
        finished.stderr
    );
    // The first goes on, and after it the folder is free again.
    assert_eq!(server.get("/-/ready").status, 200);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    start(dir.path());
}
