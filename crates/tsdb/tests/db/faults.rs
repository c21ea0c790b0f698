//! The disk fails at every change that a life of the database makes: it ends there, torn, or loses what was
//! not synced, or refuses the change, or is full. The folder is opened again at each of these points:
//! everything acknowledged is there, nothing is there by half.
//!
//! The life has commits in order, late and both, histograms, new series, series that end, leave memory and come
//! back, syncs, chunk snapshots, compactions that write, merge and drop, and ends of both kinds. It is cut into stretches, which begin with images of
//! the disk, so that each point costs two starts and not a whole life. `KEEPWATCH_SEED` gives another life.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::histogram::FloatHistogram;
use model::sample::STALE_NAN;
use model::storage::{HistogramSample, SampleBatch, SampleWriter};
use model::time::{Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk, Random};
use tsdb::log::Compression;
use tsdb::{Db, DbOptions};

use super::support::*;

const MINUTE: i64 = 60_000;
/// Points that are visited at least, in all.
const POINTS_MIN: usize = 10_000;
const STRETCH: usize = 12;
/// Images with random losses, of each crash.
const LOSSES: usize = 27;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float,
    Histogram,
    /// A staleness marker.
    End,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    series: String,
    time: i64,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Op {
    Commit(Vec<Row>),
    Sync,
    Snapshot,
    Compact,
    /// Series that have ended leave memory.
    CompactStale,
    /// Closed and opened again.
    Reopen,
}

fn options_of(disk: &FaultDisk, seed: u64) -> DbOptions {
    let mut options = options("data", Arc::new(disk.clone()), seed);
    options.head.out_of_order.set(Duration(24 * HOUR));
    options.head.log.segment_bytes = 32 * 1024;
    options.head.log.compression = Compression::None;
    options
}

/// A number that no two samples of a series share.
fn value(row: &Row) -> f64 {
    (row.time / 1000) as f64
}

fn text(row: &Row) -> String {
    let value = value(row);
    match row.kind {
        Kind::Float => format!("{value}@{}", row.time),
        Kind::End => format!("NaN@{}", row.time),
        Kind::Histogram => format!("{{{value} {}}}@{}", value / 2.0, row.time),
    }
}

/// Six hours, a commit every ten minutes and late ones between them.
fn life(seed: u64) -> Vec<Op> {
    let mut random = Random::new(seed);
    let mut ops = Vec::new();
    let mut taken = std::collections::BTreeSet::new();
    let mut late = |random: &mut Random, now: i64, rows: &mut Vec<Row>, count: u64| {
        for _ in 0..count {
            let back = 1 + random.below(4 * 60) as i64;
            let time = now - back * MINUTE + 7;
            let n = random.below(4);
            if taken.insert((n, time)) {
                let kind = if n == 3 { Kind::Histogram } else { Kind::Float };
                rows.push(Row {
                    series: format!("m n={n}"),
                    time,
                    kind,
                });
            }
        }
    };
    for step in 0..36i64 {
        let now = BASE + 9 * HOUR + step * 10 * MINUTE;
        let mut rows: Vec<Row> = (0..4)
            .map(|n| Row {
                series: format!("m n={n}"),
                time: now,
                kind: if n == 3 { Kind::Histogram } else { Kind::Float },
            })
            .collect();
        if step % 9 == 0 {
            rows.push(Row {
                series: format!("churn step={step}"),
                time: now,
                kind: Kind::Float,
            });
        }
        // One that ends, and comes back as long as it has not left for good.
        match step % 9 {
            1 | 3 | 6 => rows.push(Row {
                series: "wave n=1".to_owned(),
                time: now,
                kind: Kind::Float,
            }),
            4 | 7 => rows.push(Row {
                series: "wave n=1".to_owned(),
                time: now,
                kind: Kind::End,
            }),
            _ => {}
        }
        // Late samples in the same commit, more than a chunk holds every now and then.
        if step % 3 == 1 {
            let count = if step % 12 == 1 {
                150
            } else {
                1 + random.below(5)
            };
            late(&mut random, now, &mut rows, count);
        }
        ops.push(Op::Commit(rows));
        if step % 4 == 2 {
            let mut rows = Vec::new();
            late(&mut random, now, &mut rows, 1 + random_count(step));
            ops.push(Op::Commit(rows));
        }
        match step % 14 {
            3 | 9 => ops.push(Op::Sync),
            6 => ops.push(Op::Snapshot),
            11 => ops.push(Op::Reopen),
            4 | 7 | 8 => ops.push(Op::CompactStale),
            13 if step > 20 => ops.push(Op::Compact),
            _ => {}
        }
    }
    ops.push(Op::Compact);
    ops
}

fn random_count(step: i64) -> u64 {
    step as u64 % 7
}

fn run(db: &mut Db, options: &DbOptions, op: &Op) -> Result<(), String> {
    match op {
        Op::Commit(rows) => {
            let mut batch = SampleBatch::new();
            for row in rows {
                let series = db.resolve(&labels(&row.series)).unwrap();
                let time = Timestamp(row.time);
                let value = value(row);
                match row.kind {
                    Kind::Float => batch.push(series, time, value),
                    Kind::End => batch.push(series, time, STALE_NAN),
                    Kind::Histogram => {
                        let histogram = FloatHistogram {
                            count: value,
                            sum: value / 2.0,
                            ..FloatHistogram::default()
                        };
                        let sample = HistogramSample::Float(Arc::new(histogram));
                        batch.push_histogram(series, time, sample);
                    }
                }
            }
            let report = db.commit(&batch).map_err(|error| error.to_string())?;
            assert_eq!((report.appended, report.refused.len()), (rows.len(), 0));
            Ok(())
        }
        Op::Sync => db.head().sync().map_err(|error| error.to_string()),
        Op::Snapshot => {
            let taken = db.head().snapshot();
            taken.map(drop).map_err(|error| error.to_string())
        }
        Op::CompactStale => {
            db.set_stale_share_max(0.01);
            let done = db.compact_stale();
            done.map(drop).map_err(|error| error.to_string())
        }
        Op::Compact => db.compact().map_err(|error| error.to_string()),
        Op::Reopen => {
            db.close().map_err(|error| error.to_string())?;
            let opened = Db::open(options.clone());
            *db = opened.map_err(|error| error.to_string())?.0;
            Ok(())
        }
    }
}

/// Commits by their number in the life, with what they store.
struct Life {
    ops: Vec<Op>,
    /// Labels as they are shown, by series.
    shown: BTreeMap<String, String>,
}

/// What is known when the disk has failed.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Operations before this one have returned.
    done: usize,
    /// Of these, those before this one are durable.
    durable: usize,
}

impl Life {
    fn new(seed: u64) -> Self {
        let ops = life(seed);
        let mut shown = BTreeMap::new();
        for op in &ops {
            if let Op::Commit(rows) = op {
                for row in rows {
                    let text = labels(&row.series).to_string();
                    shown.insert(row.series.clone(), text);
                }
            }
        }
        Self { ops, shown }
    }

    /// Checks that each commit is there as a whole or not at all, that those which must be are, and that
    /// there is nothing else.
    fn check(&self, found: &Dump, known: Known, when: &str) {
        let sets: BTreeMap<&str, std::collections::BTreeSet<&str>> = found
            .iter()
            .map(|(labels, samples)| {
                (
                    labels.as_str(),
                    samples.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        let mut expected = 0;
        for (number, op) in self.ops.iter().enumerate().take(known.done + 1) {
            let Op::Commit(rows) = op else { continue };
            let is_there = |row: &Row| {
                let samples = sets.get(self.shown[&row.series].as_str());
                samples.is_some_and(|samples| samples.contains(text(row).as_str()))
            };
            let there = rows.iter().filter(|row| is_there(row)).count();
            assert!(
                there == rows.len() || there == 0,
                "{when}: {there} of {} samples of operation {number}",
                rows.len()
            );
            if number < known.durable && !rows.is_empty() {
                assert!(there > 0, "{when}: operation {number} is lost");
            }
            expected += there;
        }
        let in_all: usize = found.values().map(Vec::len).sum();
        assert_eq!(in_all, expected, "{when}: samples that nobody wrote");
    }
}

fn open_again(disk: &FaultDisk, seed: u64) -> Db {
    let (db, report) = Db::open(options_of(disk, seed)).unwrap();
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
    db
}

/// One stretch of the life, from an image of the disk before operation `start`.
struct Stretch<'a> {
    life: &'a Life,
    image: &'a FaultDisk,
    start: usize,
    points: &'a AtomicUsize,
}

impl Stretch<'_> {
    fn point(&self) {
        self.points.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs until an operation fails; gives the database too, while it lives.
    fn go(&self, disk: &FaultDisk, seed: u64) -> (Option<Db>, Known, bool) {
        let options = options_of(disk, seed);
        let mut known = Known {
            done: self.start,
            durable: self.start,
        };
        let Ok((mut db, _)) = Db::open(options.clone()) else {
            return (None, known, true);
        };
        let end = self.life.ops.len().min(self.start + STRETCH);
        for number in self.start..end {
            let op = &self.life.ops[number];
            if run(&mut db, &options, op).is_err() {
                return (Some(db), known, true);
            }
            known.done = number + 1;
            if matches!(op, Op::Sync | Op::Reopen) {
                known.durable = known.done;
            }
        }
        (Some(db), known, false)
    }

    /// The process or the machine ends at each change.
    fn crashes(&self, seed: u64) {
        for at in 0.. {
            let disk = self.image.after_kill();
            disk.plan(Some(Fault::CrashAtWrite(at)));
            let (_, known, has_failed) = self.go(&disk, seed);
            if !disk.has_crashed() {
                assert!(!has_failed);
                break;
            }
            let when = format!("start {}, change {at}", self.start);
            let all_done = Known {
                durable: known.done,
                ..known
            };
            let killed = disk.after_kill();
            self.look(&killed, all_done, &format!("{when}, kill"));
            for loss in 0..LOSSES {
                let cut = disk.after_power_cut();
                self.look(&cut, known, &format!("{when}, power cut {loss}"));
            }
        }
    }

    /// Opens what was left, twice, as opening repairs; every now and then the second life goes on.
    fn look(&self, disk: &FaultDisk, known: Known, when: &str) {
        self.point();
        let db = open_again(disk, 98);
        let found = all(&db);
        self.life.check(&found, known, when);
        let visited = self.points.load(Ordering::Relaxed);
        if visited.is_multiple_of(200) {
            db.compact().unwrap();
            assert_eq!(all(&db), found, "{when}, compacted");
        }
        drop(db);
        if visited.is_multiple_of(16) {
            let db = open_again(&disk.after_kill(), 99);
            assert_eq!(all(&db), found, "{when}, opened again");
        }
    }

    /// A change fails, once or for want of room, and everything goes on.
    fn failures(&self, seed: u64) {
        let changes = {
            let disk = self.image.after_kill();
            let before = disk.writes();
            let (_, _, has_failed) = self.go(&disk, seed);
            assert!(!has_failed);
            disk.writes() - before
        };
        for at in 0..changes {
            let disk = self.image.after_kill();
            self.fail(
                &disk,
                Fault::FailWrite(at),
                seed,
                &format!("change {at} fails"),
            );
        }
        let room = self.image.bytes_in_all();
        for step in 0..changes.min(24) {
            let disk = self.image.after_kill();
            let fault = Fault::FullAt(room + step * 641);
            self.fail(&disk, fault, seed, &format!("room {}", step * 641));
        }
    }

    fn fail(&self, disk: &FaultDisk, fault: Fault, seed: u64, what: &str) {
        self.point();
        disk.plan(Some(fault));
        let (db, mut known, has_failed) = self.go(disk, seed);
        disk.plan(None);
        let when = format!("start {}, {what}", self.start);
        known.durable = known.done;
        let Some(db) = db else {
            // It could not be opened. With room it can.
            let db = open_again(&disk.after_kill(), 98);
            return self.life.check(&all(&db), known, &when);
        };
        let found = all(&db);
        self.life.check(&found, known, &when);
        // A commit that was refused left no trace.
        if has_failed && let Some(Op::Commit(rows)) = self.life.ops.get(known.done) {
            let shown = &self.life.shown;
            let has = |row: &Row| {
                found
                    .get(&shown[&row.series])
                    .is_some_and(|f| f.contains(&text(row)))
            };
            assert!(!rows.iter().any(has), "{when}: a refused commit is there");
        }
        let again = open_again(&disk.after_kill(), 98);
        assert_eq!(all(&again), found, "{when}, opened again");
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_there_by_half() {
    let seed = std::env::var("KEEPWATCH_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let life = Life::new(seed);
    // The images: what the disk was before each stretch.
    let disk = FaultDisk::new(seed);
    let options = options_of(&disk, 1000);
    let mut db = open(&options);
    let mut images = Vec::new();
    let mut stale_compactions = 0;
    for (number, op) in life.ops.iter().enumerate() {
        if number % STRETCH == 0 {
            images.push((number, disk.after_kill()));
        }
        run(&mut db, &options, op).unwrap();
        if *op == Op::CompactStale {
            stale_compactions += db.stats().stale_compactions;
        }
    }
    let whole = Known {
        done: life.ops.len(),
        durable: life.ops.len(),
    };
    life.check(&all(&db), whole, "the whole life");
    assert!(db.blocks().len() > 1, "{}", db.blocks().len());
    assert!(stale_compactions > 2, "{stale_compactions}");
    drop(db);

    let points = AtomicUsize::new(0);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((start, image)) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let stretch = Stretch {
                        life: &life,
                        image,
                        start: *start,
                        points: &points,
                    };
                    stretch.crashes(2000);
                    stretch.failures(3000);
                }
            });
        }
    });
    let points = points.into_inner();
    println!("{points} points");
    assert!(points >= POINTS_MIN, "{points}");
}
