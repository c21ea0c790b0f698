//! A data folder with a file of each kind, small, and with something of everything in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use model::clock::ManualClock;
use model::histogram::{FloatHistogram, Histogram};
use model::labels::Labels;
use model::storage::{HistogramSample, SampleBatch, SampleWriter, TimeRange};
use model::time::{Duration, Timestamp};
use model::{Exemplar, Matcher};
use testkit::disk::FaultDisk;
use tsdb::block::UlidSource;
use tsdb::log::Compression;
use tsdb::{Db, DbOptions, OpenOptions};

const HOUR: i64 = 3_600_000;
const BASE: i64 = 1_700_006_400_000 / (54 * HOUR) * (54 * HOUR);

pub struct Folder {
    pub disk: FaultDisk,
    pub block: PathBuf,
    pub snapshot: PathBuf,
    pub checkpoint: PathBuf,
}

pub static FOLDER: LazyLock<Folder> = LazyLock::new(make);

pub fn options(disk: &FaultDisk) -> DbOptions {
    let mut head = OpenOptions::new("data", Arc::new(disk.clone()));
    head.replay_workers = 0;
    head.out_of_order.set(Duration(24 * HOUR));
    head.log.segment_bytes = 32 * 1024;
    head.log.compression = Compression::None;
    let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
    DbOptions::new(head, UlidSource::new(clock, 1))
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn round(db: &Db, time: i64) {
    let step = time / 60_000 % 1000;
    let mut batch = SampleBatch::new();
    for n in ["1", "2", "3"] {
        let series = db.resolve(&labels(&[("__name__", "m"), ("n", n)])).unwrap();
        let value = if n == "1" { 1.0 } else { step as f64 * 0.37 };
        batch.push(series, Timestamp(time), value);
    }
    let histogram = Histogram {
        count: step as u64,
        zero_count: step as u64,
        sum: 3.5,
        ..Histogram::default()
    };
    let series = db.resolve(&labels(&[("__name__", "h")])).unwrap();
    let sample = HistogramSample::Integer(Arc::new(histogram));
    batch.push_histogram(series, Timestamp(time), sample);
    let histogram = FloatHistogram {
        count: step as f64,
        zero_count: step as f64,
        sum: 1.5,
        ..FloatHistogram::default()
    };
    let sample = HistogramSample::Float(Arc::new(histogram));
    let series = db.resolve(&labels(&[("__name__", "f")])).unwrap();
    batch.push_histogram(series, Timestamp(time), sample);
    batch.exemplars.push((
        series,
        Exemplar {
            labels: labels(&[("trace", "x")]),
            value: 1.0,
            time: Some(Timestamp(time)),
        },
    ));
    db.commit(&batch).unwrap();
}

/// A block with deletions, a checkpoint, a snapshot, chunks and two logs after it.
fn make() -> Folder {
    let disk = FaultDisk::new(1);
    let db = Db::open(options(&disk)).unwrap().0;
    let minutes = |count: i64| BASE + count * 60_000;
    for minute in 0..200 {
        round(&db, minutes(minute));
        // A checkpoint needs some segments to stand for.
        if minute % 40 == 0 {
            db.head().truncate(Timestamp(BASE)).unwrap();
        }
    }
    db.head().sync().unwrap();
    db.compact().unwrap();
    let deleted = TimeRange::new(Timestamp(minutes(20)), Timestamp(minutes(40)));
    let matcher = Matcher::equal("n", "2");
    db.delete(deleted, &[matcher]).unwrap();
    db.head().snapshot().unwrap();
    for minute in 200..280 {
        round(&db, minutes(minute));
        let mut late = SampleBatch::new();
        let series = db
            .resolve(&labels(&[("__name__", "m"), ("n", "3")]))
            .unwrap();
        late.push(series, Timestamp(minutes(minute - 70) + 7), 2.5);
        db.commit(&late).unwrap();
    }
    db.head().sync().unwrap();
    let block = db.blocks()[0].dir().to_path_buf();
    drop(db);
    let disk = disk.after_kill();
    let find = |dir: &str, start: &str| {
        use model::disk::Disk;
        let names = disk.list(Path::new(dir)).unwrap();
        let is_wanted = |name: &PathBuf| name.to_string_lossy().starts_with(start);
        let found = names.into_iter().find(is_wanted);
        Path::new(dir).join(found.unwrap_or_else(|| panic!("no {start} in {dir}")))
    };
    Folder {
        block,
        snapshot: find("data", "chunk_snapshot."),
        checkpoint: find("data/wal", "checkpoint."),
        disk,
    }
}
