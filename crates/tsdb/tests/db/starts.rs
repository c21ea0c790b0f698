//! Start timestamps, on their way through log, head, snapshots, files of chunks and blocks.

use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::storage::{HistogramSample, SampleBatch, SampleWriter};
use model::time::{Duration, Timestamp};
use testkit::disk::FaultDisk;
use tsdb::chunk::StartTimes;
use tsdb::head::FloatEncoding;
use tsdb::{Db, DbOptions};

use super::support::*;

const STEP: i64 = 15_000;
/// More than one chunk holds, and more than the header of a chunk can count.
const STEPS: i64 = 400;

fn with_starts(disk: &FaultDisk, seed: u64) -> DbOptions {
    let mut options = options("data", Arc::new(disk.clone()), seed);
    options.head.floats.set(FloatEncoding::Xor2);
    options.head.start_times = StartTimes::With;
    options.head.histogram_chunks = StartTimes::With;
    options.head.out_of_order.set(Duration(24 * HOUR));
    options
}

/// When the counter of a series that is at `step` began: `n=0` never says, the others restart now and then,
/// and `n=3` says so only from some time on.
fn start_of(series: i64, step: i64) -> i64 {
    let restart = BASE + STEP * (step / 150 * 150) - 1234;
    match series {
        0 => 0,
        3 if step < 200 => 0,
        _ => restart - series,
    }
}

fn sample_of(series: i64, step: i64) -> Option<HistogramSample> {
    let count = (step % 150) as u64;
    match series % 3 {
        1 => Some(HistogramSample::Integer(Arc::new(Histogram {
            count,
            zero_count: count,
            sum: 1.0,
            ..Histogram::default()
        }))),
        2 => Some(HistogramSample::Float(Arc::new(FloatHistogram {
            count: count as f64,
            zero_count: count as f64,
            sum: 1.0,
            ..FloatHistogram::default()
        }))),
        _ => None,
    }
}

fn commit(db: &Db, expected: &mut Dump, steps: impl Iterator<Item = i64> + Clone) {
    for step in steps {
        let time = BASE + step * STEP;
        let mut batch = SampleBatch::new();
        for series in 0..7 {
            let labels = labels(&format!("m n={series}"));
            let reference = db.resolve(&labels).unwrap();
            let mut text = match sample_of(series, step) {
                Some(histogram) => {
                    batch.push_histogram(reference, Timestamp(time), histogram);
                    format!("{{{} 1}}@{time}", step % 150)
                }
                None => {
                    batch.push(reference, Timestamp(time), step as f64);
                    format!("{step}@{time}")
                }
            };
            let start = start_of(series, step);
            if start != 0 {
                batch.set_start(Timestamp(start));
                text.push_str(&format!(" since {start}"));
            }
            let own = expected.entry(labels.to_string()).or_default();
            own.push(text);
        }
        let report = db.commit(&batch).unwrap();
        assert_eq!(report.refused, []);
    }
}

/// Samples of a series by time.
fn sort(expected: &mut Dump) {
    for own in expected.values_mut() {
        own.sort_by_key(|text| {
            let (_, rest) = text.split_once('@').unwrap();
            rest.split(' ').next().unwrap().parse::<i64>().unwrap()
        });
    }
}

#[test]
fn they_are_kept_everywhere() {
    let disk = FaultDisk::new(1);
    let db = open(&with_starts(&disk, 1));
    let mut expected = Dump::new();
    // Every tenth comes late.
    commit(&db, &mut expected, (0..STEPS).filter(|step| step % 10 != 3));
    commit(&db, &mut expected, (0..STEPS).filter(|step| step % 10 == 3));
    sort(&mut expected);
    assert_eq!(all(&db), expected);

    let db = open(&with_starts(&disk.after_kill(), 2));
    assert_eq!(all(&db), expected, "read from the log");

    commit(&db, &mut expected, STEPS..STEPS + 20);
    assert_eq!(all(&db), expected, "gone on");
}

#[test]
fn a_snapshot_and_blocks_keep_them() {
    let disk = FaultDisk::new(1);
    let db = open(&with_starts(&disk, 1));
    let mut expected = Dump::new();
    commit(&db, &mut expected, (0..1200).filter(|step| step % 40 != 3));
    db.head().sync().unwrap();
    db.head().snapshot().unwrap();
    drop(db);
    let disk = disk.after_kill();
    let db = open(&with_starts(&disk, 2));
    commit(&db, &mut expected, 1200..1300);
    assert_eq!(all(&db), expected, "a snapshot");
    commit(&db, &mut expected, (0..1200).filter(|step| step % 40 == 3));
    sort(&mut expected);
    db.compact().unwrap();
    assert!(!db.blocks().is_empty());
    assert_eq!(all(&db), expected, "blocks");
    let db = open(&with_starts(&disk.after_kill(), 3));
    assert_eq!(all(&db), expected, "blocks, opened again");
}

/// Without the option the log has the form that every peer reads, and nothing is kept.
#[test]
fn without_the_option_none_is_stored() {
    let disk = FaultDisk::new(1);
    let mut options = with_starts(&disk, 1);
    options.head.start_times = StartTimes::Without;
    let db = open(&options);
    let mut expected = Dump::new();
    commit(&db, &mut expected, 0..20);
    let found = all(&db);
    let samples = found.values().flatten();
    assert!(samples.clone().count() == 140 && samples.clone().all(|s| !s.contains("since")));
    drop(db);
    let db = open(&with_starts(&disk.after_kill(), 2));
    assert_eq!(all(&db), found);
}
