//! What blocks cost: writing them while commits go on, opening them, asking them.
//!
//!     cargo run --release -p tsdb --example blocks -- SERIES [HOURS]

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring program for developers"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::clock::ManualClock;
use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{
    Projection, SampleBatch, SampleWriter, SelectRequest, SeriesBatch, SeriesReader, SeriesRef,
    TimeRange,
};
use model::time::Timestamp;
use tsdb::block::UlidSource;
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

const HOUR: i64 = 3_600_000;
const STEP: i64 = 60_000;
const START: i64 = 1_700_006_400_000 / (2 * HOUR) * (2 * HOUR);

fn resident(what: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1))
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    };
    let (anonymous, files) = (field("RssAnon"), field("RssFile"));
    println!("{what}: {anonymous} MiB anonymous, {files} MiB of files resident");
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    result
}

fn series_labels(number: usize) -> Labels {
    let pod = number / 100;
    Labels::from_pairs([
        ("__name__", format!("metric_{:03}_total", number % 100)),
        ("cluster", "production".to_owned()),
        ("container", format!("container-{}", pod % 17)),
        ("endpoint", "https-metrics".to_owned()),
        (
            "instance",
            format!("10.0.{}.{}:10250", pod / 250, pod % 250),
        ),
        ("job", format!("job-{}", pod % 12)),
        ("metrics_path", "/metrics/cadvisor".to_owned()),
        ("namespace", format!("namespace-{}", pod % 40)),
        ("node", format!("node-{}", pod % 60)),
        (
            "pod",
            format!(
                "workload-{}-{:08x}",
                pod % 300,
                pod * 2_654_435_761 % (1 << 32)
            ),
        ),
        ("prometheus", "monitoring/k8s".to_owned()),
        ("service", format!("service-{}", pod % 80)),
    ])
}

fn round(db: &Db, refs: &[SeriesRef], step: i64, slowest: &mut Duration) {
    let mut batch = SampleBatch::new();
    for (part, refs) in refs.chunks(1000).enumerate() {
        batch.clear();
        for (at, series) in refs.iter().enumerate() {
            let number = (part * 1000 + at) as i64;
            let value = match number % 3 {
                0 => 1.0,
                1 => (step * (number % 50 + 1)) as f64,
                _ => ((step * 7919 + number * 104_729) % 1000) as f64 / 10.0,
            };
            batch.push(*series, Timestamp(START + step * STEP), value);
        }
        let start = Instant::now();
        db.commit(&batch).unwrap();
        *slowest = (*slowest).max(start.elapsed());
    }
}

fn ask(db: &Db, what: &str, hours: (i64, i64), matchers: &[Matcher]) {
    let range = TimeRange::new(
        Timestamp(START + hours.0 * HOUR),
        Timestamp(START + hours.1 * HOUR),
    );
    for temperature in ["first", "again"] {
        let start = Instant::now();
        let request = SelectRequest {
            range,
            matchers,
            projection: Projection::All,
        };
        let list = db.select(&request).unwrap();
        let selected = start.elapsed();
        let by = ["namespace".to_owned(), "pod".to_owned()];
        let groups = list.groups(Projection::Only(&by));
        let grouped = start.elapsed();
        let mut batch = SeriesBatch::new();
        let mut samples = 0;
        for first in (0..list.len()).step_by(64) {
            batch.clear();
            list.read(first..(first + 64).min(list.len()), &mut batch)
                .unwrap();
            samples += batch.times.len();
        }
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "{what}, {temperature}: {} series in {:.1} ms, {} groups in {:.1} ms, {samples} samples in {:.1} ms",
            list.len(),
            ms(selected),
            groups.labels.len(),
            ms(grouped - selected),
            ms(start.elapsed() - grouped)
        );
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let count: usize = arguments.next().unwrap_or(100_000);
    let hours = arguments.next().unwrap_or(7) as i64;
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(START)));
    let options = || {
        let head = OpenOptions::new(dir.path().join("data"), Arc::new(RealDisk));
        DbOptions::new(
            head,
            UlidSource::new(clock.clone(), std::process::id().into()),
        )
    };
    let (db, _) = Db::open(options()).unwrap();
    let refs: Vec<SeriesRef> = timed("making the series", || {
        (0..count)
            .map(|number| db.resolve(&series_labels(number)).unwrap())
            .collect()
    });
    let mut slowest = Duration::ZERO;
    let due = 3 * HOUR / STEP + 2;
    timed("the first 3 hours", || {
        for step in 0..due {
            round(&db, &refs, step, &mut slowest);
        }
    });
    println!("slowest commit of 1000 samples: {slowest:?}");
    resident("head with 3 hours");
    ask(
        &db,
        "one metric of 3 hours, head",
        (0, 3),
        &[Matcher::equal("__name__", "metric_042_total")],
    );

    let is_done = AtomicBool::new(false);
    let mut step = due;
    slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let compaction = scope.spawn(|| {
            timed("compacting the head, commits going on", || {
                db.compact().unwrap()
            });
            is_done.store(true, Ordering::Relaxed);
        });
        let end = hours * HOUR / STEP;
        while !is_done.load(Ordering::Relaxed) && step < end {
            round(&db, &refs, step, &mut slowest);
            step += 1;
        }
        compaction.join().unwrap();
    });
    println!("slowest commit of 1000 samples meanwhile: {slowest:?}");
    resident("after it");
    while step < hours * HOUR / STEP {
        round(&db, &refs, step, &mut slowest);
        step += 1;
    }
    timed("compacting the rest", || db.compact().unwrap());
    resident("after it");
    for block in db.blocks() {
        let meta = block.meta();
        println!(
            "block of {} h, level {}: {} samples, {:.2} bytes a sample, {} bytes of memory",
            (meta.max_time - meta.min_time) / HOUR,
            meta.compaction.level,
            meta.stats.num_samples,
            block.size() as f64 / meta.stats.num_samples as f64,
            block.symbol_memory(),
        );
    }
    let name = Matcher::equal("__name__", "metric_042_total");
    ask(
        &db,
        "one metric, all time",
        (0, hours),
        std::slice::from_ref(&name),
    );
    ask(
        &db,
        "one metric, last hour",
        (hours - 1, hours),
        std::slice::from_ref(&name),
    );
    ask(
        &db,
        "one metric, blocks only",
        (0, 4),
        std::slice::from_ref(&name),
    );
    let pods = Matcher::new(model::MatchOp::Regex, "pod", "workload-1.*").unwrap();
    ask(&db, "one metric, regex pods", (0, 4), &[name.clone(), pods]);
    let namespace = Matcher::equal("namespace", "namespace-7");
    ask(
        &db,
        "one namespace",
        (0, hours),
        std::slice::from_ref(&namespace),
    );
    let range = TimeRange::new(Timestamp(START), Timestamp(START + hours * HOUR));
    timed("values of pod", || {
        db.label_values("pod", range, &[]).unwrap()
    });
    timed("values of pod in a namespace", || {
        db.label_values("pod", range, &[namespace]).unwrap()
    });
    resident("after the questions");
    db.close().unwrap();
    drop(db);
    let (db, report) = timed("opening", || Db::open(options()).unwrap());
    println!(
        "{} blocks, {} records of the log",
        report.blocks, report.replay.records
    );
    resident("opened");
    drop(db);
}
