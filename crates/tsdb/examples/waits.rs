//! How long commits wait while syncs, chunk snapshots, compaction and truncation go on beside them.
//!
//! `cargo run --release -p tsdb --example waits -- FOLDER [SERIES] [SECONDS] [COMMITS_PER_S]`
//!
//! The folder must not exist. Two threads commit scrapes of 1,000 series at a steady rate; blocks are five
//! minutes long and scrapes 15 s apart, so that some blocks are written within half a minute.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement for developers, not part of the product"
)]

use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use model::clock::ManualClock;
use model::labels::Labels;
use model::storage::{SampleBatch, SampleWriter, SeriesRef};
use model::time::Timestamp;
use tsdb::block::UlidSource;
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

const PER_TARGET: usize = 1000;
const INTERVAL: i64 = 15_000;
const BLOCK_RANGE: i64 = 300_000;
const START: i64 = 1_700_000_000_000 / BLOCK_RANGE * BLOCK_RANGE;
const WRITERS: usize = 2;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize, default: u64| -> u64 {
        let given = args.get(at).map(|text| text.parse().expect("a number"));
        given.unwrap_or(default)
    };
    let Some(dir) = args.get(1).map(PathBuf::from) else {
        println!("waits FOLDER [SERIES] [SECONDS] [COMMITS_PER_S]");
        exit(2);
    };
    assert!(!dir.exists(), "{} exists", dir.display());
    let targets = (number(2, 100_000) as usize).div_ceil(PER_TARGET);
    let seconds = Duration::from_secs(number(3, 25).min(30));
    let rate = number(4, 600);

    let mut head = OpenOptions::new(&dir, Arc::new(RealDisk));
    head.block_range = model::time::Duration(BLOCK_RANGE);
    let clock = Arc::new(ManualClock::new(Timestamp(START)));
    let (db, _) = Db::open(DbOptions::new(head, UlidSource::new(clock, 1))).unwrap();
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let db = &db;
                let pause = Duration::from_secs(WRITERS as u64).div_f64(rate as f64);
                scope.spawn(move || {
                    let own = (0..targets).filter(|target| target % WRITERS == writer);
                    write(db, own.collect(), began, seconds, pause)
                })
            })
            .collect();
        let beside = [
            ("sync", Duration::from_secs(5), sync as fn(&Db) -> bool),
            ("snapshot", Duration::from_secs(2), snapshot),
            ("compaction", Duration::from_secs(1), compact),
        ];
        for (name, interval, work) in beside {
            let (db, is_over) = (&db, &is_over);
            scope.spawn(move || repeat(name, interval, is_over, || work(db)));
        }
        let mut waits: Vec<Duration> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        is_over.store(true, Ordering::Relaxed);
        show(&mut waits);
    });
}

fn sync(db: &Db) -> bool {
    db.head().sync().unwrap();
    true
}

fn snapshot(db: &Db) -> bool {
    !db.head().snapshot().unwrap().is_current
}

fn compact(db: &Db) -> bool {
    let is_due = db.is_compaction_due();
    if is_due {
        db.compact().unwrap();
    }
    is_due
}

fn repeat(name: &str, interval: Duration, is_over: &AtomicBool, work: impl Fn() -> bool) {
    let (mut count, mut total, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    let mut next = Instant::now() + interval;
    while !is_over.load(Ordering::Relaxed) {
        if Instant::now() < next {
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        let start = Instant::now();
        if work() {
            count += 1;
            total += start.elapsed();
            longest = longest.max(start.elapsed());
        }
        next = Instant::now() + interval;
    }
    println!(
        "beside: {name} {count} times, {:.0} ms on average, {:.0} ms at most",
        total.as_secs_f64() * 1e3 / f64::from(count.max(1)),
        longest.as_secs_f64() * 1e3
    );
}

fn write(
    db: &Db,
    targets: Vec<usize>,
    began: Instant,
    seconds: Duration,
    pause: Duration,
) -> Vec<Duration> {
    let refs: Vec<Vec<SeriesRef>> = targets
        .iter()
        .map(|target| {
            (0..PER_TARGET)
                .map(|n| db.resolve(&labels(*target, n)).unwrap())
                .collect()
        })
        .collect();
    let mut batch = SampleBatch::new();
    let mut waits = Vec::new();
    let mut random = 1u64;
    let mut next = Instant::now();
    for step in 0.. {
        for (target, refs) in targets.iter().zip(&refs) {
            if began.elapsed() > seconds {
                return waits;
            }
            batch.clear();
            let time = START + step * INTERVAL + *target as i64 * 37 % INTERVAL;
            for (n, reference) in refs.iter().enumerate() {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let value = match n % 3 {
                    0 => n as f64,
                    1 => (step * (n as i64 % 17 + 1)) as f64,
                    _ => ((random >> 40) % 1000) as f64 / 4.0,
                };
                batch.push(*reference, Timestamp(time), value);
            }
            next += pause;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            let report = db.commit(&batch).unwrap();
            waits.push(start.elapsed());
            assert!(report.refused.is_empty(), "samples were refused");
        }
    }
    waits
}

fn labels(target: usize, n: usize) -> Labels {
    let pairs = [
        ("__name__", format!("container_metric_{:03}_total", n % 40)),
        ("cluster", "production-eu-west-1".to_owned()),
        ("container", format!("app-{:03}", n / 40)),
        (
            "id",
            format!("/kubepods/pod{:08x}/{:03}", target * 31, n / 40),
        ),
        (
            "instance",
            format!("10.0.{}.{}:10250", target / 250, target % 250),
        ),
        ("job", "kubelet".to_owned()),
        ("namespace", format!("team-{:02}", target % 40)),
        ("node", format!("node-{target:04}")),
    ];
    Labels::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

fn show(waits: &mut [Duration]) {
    waits.sort_unstable();
    let at = |share: f64| {
        let at = (waits.len() as f64 * share) as usize;
        waits[at.min(waits.len() - 1)].as_secs_f64() * 1e3
    };
    println!(
        "{} commits of {PER_TARGET} samples: p50 {:.2} ms, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, slowest {:.2}",
        waits.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
