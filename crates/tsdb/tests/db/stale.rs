//! Stale series leave memory before their time, and no reader sees a difference.

use std::sync::Arc;

use model::sample::STALE_NAN;
use model::storage::{
    Projection, SampleBatch, SampleRefusal, SampleWriter, SelectRequest, SeriesBatch, SeriesReader,
    TimeRange,
};
use model::time::{Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk};
use tsdb::{Db, DbOptions};

use super::support::*;

const MINUTE: i64 = 60_000;

fn options_on(disk: &FaultDisk, seed: u64) -> DbOptions {
    let mut options = options("data", Arc::new(disk.clone()), seed);
    options.head.log.segment_bytes = 32 * 1024;
    options
}

fn open_on(disk: &FaultDisk, seed: u64) -> Db {
    let db = open(&options_on(disk, seed));
    db.set_stale_share_max(0.2);
    db
}

fn write(db: &Db, series: &str, time: i64, value: f64) {
    let mut batch = SampleBatch::new();
    batch.push(db.resolve(&labels(series)).unwrap(), Timestamp(time), value);
    let report = db.commit(&batch).unwrap();
    assert!(report.refused.is_empty(), "{:?}", report.refused);
}

/// Pods among other series; some of both end after an hour, floats and histograms.
fn live(db: &Db) {
    fill(db, BASE, BASE + HOUR, 1);
    for n in 0..8 {
        for minute in 0..40 {
            write(
                db,
                &format!("pods n={n}"),
                BASE + 10 * MINUTE + minute * MINUTE + n,
                n as f64,
            );
        }
    }
    for series in ended() {
        write(db, series, BASE + HOUR + 7, STALE_NAN);
    }
}

fn ended() -> [&'static str; 5] {
    [
        "pods n=0",
        "pods n=3",
        "integers n=1 job=b",
        "floats n=4 kind=k1 job=a",
        "halves job=b",
    ]
}

fn has(db: &Db, series: &str) -> bool {
    let text = labels(series).to_string();
    dump(db.head(), TimeRange::ALL, "").contains_key(&text)
}

fn come_back(db: &Db, time: i64) {
    for (at, series) in ended().into_iter().enumerate() {
        write(db, series, time + at as i64, at as f64);
    }
}

#[test]
fn stale_series_leave_and_come_back() {
    let disk = FaultDisk::new(1);
    let db = open_on(&disk, 1);
    live(&db);
    let whole = all(&db);
    assert_eq!(db.compact_stale().unwrap(), 5);
    assert_eq!(all(&db), whole);
    for series in ended() {
        assert!(!has(&db, series), "{series}");
    }
    assert!(has(&db, "pods n=1"));
    let blocks = db.blocks();
    assert_eq!(blocks.len(), 1);
    let meta = blocks[0].meta();
    assert!(meta.compaction.is_partial(), "{meta:?}");
    assert_eq!(meta.stats.num_series, 5);
    // Once more there is nothing to do.
    assert_eq!(db.compact_stale().unwrap(), 0);
    assert_eq!(db.stats().stale_compactions, 1);
    assert_eq!(db.head().stats(0).stale_series, 0);

    // A start reads them from the log, and drops them as the log says.
    let again = open_on(&disk.after_kill(), 2);
    assert_eq!(all(&again), whole);
    assert_eq!(again.head().stats(0).series, db.head().stats(0).series);
    assert!(!has(&again, "pods n=3"));

    come_back(&db, BASE + 70 * MINUTE);
    let whole = all(&db);
    for disk in [disk.after_kill(), disk.after_kill()] {
        let db = open_on(&disk, 3);
        assert_eq!(all(&db), whole);
        // With a chunk snapshot before the next start, and without one.
        db.close().unwrap();
        drop(db);
        let db = open_on(&disk, 4);
        assert_eq!(all(&db), whole);
        assert_eq!(db.head().stats(0).series, 23);
    }
    drop(db);

    // They end again, more samples come, the head is written out and the log shortened.
    let db = open_on(&disk.after_kill(), 5);
    for series in ended() {
        write(&db, series, BASE + 80 * MINUTE, STALE_NAN);
    }
    assert_eq!(db.compact_stale().unwrap(), 5);
    come_late(&db);
    let whole = all(&db);
    for _ in 0..3 {
        db.compact().unwrap();
        assert_eq!(all(&db), whole);
    }
    assert!(db.blocks().len() >= 2);
}

fn come_late(db: &Db) {
    fill(db, BASE + 2 * HOUR, BASE + 7 * HOUR, 1);
    for series in ended() {
        if series.starts_with("pods") {
            write(db, series, BASE + 7 * HOUR, 1.0);
        }
    }
}

/// The log is shortened over the place where series left; what comes back later stays itself.
#[test]
fn a_checkpoint_keeps_that_series_left() {
    let disk = FaultDisk::new(1);
    let db = open_on(&disk, 1);
    live(&db);
    assert_eq!(db.compact_stale().unwrap(), 5);
    for time in (BASE + 61 * MINUTE..BASE + 150 * MINUTE).step_by(MINUTE as usize) {
        commit_some(&db, time);
    }
    come_back(&db, BASE + 151 * MINUTE);
    let whole = all(&db);
    // Nothing is old enough to be dropped, but the log is shortened.
    let report = db.head().truncate(Timestamp(BASE + 1)).unwrap();
    assert!(report.checkpoint.is_some());
    let whole_now = all(&db);
    assert_eq!(whole.len(), whole_now.len());
    let again = open_on(&disk.after_kill(), 2);
    let mut found = all(&again);
    let mut expected = whole;
    // Samples before the truncation are the blocks' to have; these tests have none of the first time.
    for dump in [&mut found, &mut expected] {
        for samples in dump.values_mut() {
            samples.retain(|sample| !sample.ends_with(&format!("@{BASE}")));
        }
    }
    assert_eq!(found, expected);
}

fn commit_some(db: &Db, time: i64) {
    for n in 0..40 {
        write(db, &format!("others n={n}"), time, n as f64 * 1.7);
    }
}

/// A list that is in use keeps all of its rows; new ones have them from the block.
#[test]
fn lists_in_use_are_waited_for() {
    let disk = FaultDisk::new(1);
    let db = open_on(&disk, 1);
    live(&db);
    let whole = all(&db);
    let list = db
        .select(&SelectRequest {
            range: TimeRange::ALL,
            matchers: &[],
            projection: Projection::All,
        })
        .unwrap();
    assert_eq!(db.compact_stale().unwrap(), 0);
    assert_eq!(all(&db), whole);
    assert!(!has(&db, "pods n=0"), "hidden from lists of the head");
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch).unwrap();
    let samples: usize = whole.values().map(Vec::len).sum();
    assert_eq!(batch.times.len(), samples);
    // One comes back meanwhile: it stays, and is seen at once.
    write(&db, "pods n=3", BASE + 65 * MINUTE, 5.0);
    let whole = all(&db);
    assert!(has(&db, "pods n=3"));
    assert_eq!(db.compact_stale().unwrap(), 0);
    drop(list);
    assert_eq!(db.compact_stale().unwrap(), 4);
    assert_eq!(all(&db), whole);
    assert_eq!(all(&open_on(&disk.after_kill(), 2)), whole);
    assert_eq!(db.blocks().len(), 1, "written once");
}

#[test]
fn who_knew_a_series_by_its_number_is_told() {
    let db = open_on(&FaultDisk::new(1), 1);
    live(&db);
    let old = db.resolve(&labels("pods n=0")).unwrap();
    db.compact_stale().unwrap();
    let mut batch = SampleBatch::new();
    batch.push(old, Timestamp(BASE + 70 * MINUTE), 1.0);
    let report = db.commit(&batch).unwrap();
    assert_eq!(report.refused, [(0, SampleRefusal::UnknownSeries)]);
    assert_ne!(db.resolve(&labels("pods n=0")).unwrap(), old);
}

/// Not below the share, not just before the head is written out, and not what no block can have.
#[test]
fn what_must_stay_stays() {
    let options = options_on(&FaultDisk::new(1), 1);
    options.head.out_of_order.set(Duration(HOUR));
    let db = open(&options);
    live(&db);
    assert_eq!(db.compact_stale().unwrap(), 0, "off by default");
    assert_eq!(db.head().stats(0).stale_series, 5);
    db.set_stale_share_max(0.5);
    assert_eq!(db.compact_stale().unwrap(), 0, "5 of 23 are less than half");
    db.set_stale_share_max(0.1);
    write(&db, "pods n=0", BASE + 30 * MINUTE + 30_000, 9.0);
    let whole = all(&db);
    assert_eq!(db.compact_stale().unwrap(), 4, "one has late samples");
    assert_eq!(all(&db), whole);
    assert!(has(&db, "pods n=0"));
    for n in 1..8 {
        write(&db, &format!("pods n={n}"), BASE + 175 * MINUTE, STALE_NAN);
    }
    assert_eq!(db.compact_stale().unwrap(), 0, "the head goes soon anyway");
}

/// Everything fails, or ends, at each single change.
#[test]
fn a_crash_loses_nothing() {
    let prepared = FaultDisk::new(7);
    let db = open_on(&prepared, 1);
    live(&db);
    db.head().sync().unwrap();
    let whole = all(&db);
    drop(db);
    let prepared = prepared.after_kill();
    let (changes, after) = {
        let disk = prepared.after_kill();
        let db = open_on(&disk, 2);
        let before = disk.writes();
        assert_eq!(db.compact_stale().unwrap(), 5);
        let changes = disk.writes() - before;
        come_back(&db, BASE + 70 * MINUTE);
        (changes, all(&db))
    };
    assert!(changes > 10, "{changes}");
    for at in 0..changes {
        for ending in ["kill", "power cut", "failure"] {
            let when = format!("change {at}, {ending}");
            let disk = prepared.after_kill();
            let db = open_on(&disk, 2);
            let fault = match ending {
                "failure" => Fault::FailWrite(disk.writes() + at),
                _ => Fault::CrashAtWrite(disk.writes() + at),
            };
            disk.plan(Some(fault));
            // What fails here is seen below.
            let _ = db.compact_stale();
            let disk = match ending {
                "kill" => disk.after_kill(),
                "power cut" => disk.after_power_cut(),
                _ => {
                    disk.plan(None);
                    assert_eq!(all(&db), whole, "{when}, still running");
                    disk
                }
            };
            drop(db);
            // An end that is torn is repaired.
            let (db, _) = Db::open(options_on(&disk, 3)).unwrap();
            db.set_stale_share_max(0.2);
            assert_eq!(all(&db), whole, "{when}");
            db.compact_stale().unwrap();
            come_back(&db, BASE + 70 * MINUTE);
            assert_eq!(all(&db), after, "{when}, came back");
            let again = open_on(&disk.after_kill(), 4);
            assert_eq!(all(&again), after, "{when}, opened again");
        }
    }
}
