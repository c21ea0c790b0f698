//! Series with their chunks hold the same samples as series that are read, wherever these are.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use model::labels::Labels;
use model::storage::{SampleBatch, SampleWriter, TimeRange};
use model::time::{Duration, Timestamp};
use testkit::disk::FaultDisk;
use tsdb::Db;
use tsdb::chunk::histogram::{self, HistogramValue};
use tsdb::chunk::{self, Encoding, Wanted};
use tsdb::db::StoredChunk;

use super::support::*;

/// As [`dump`] shows them. Checks that the chunks say what they hold.
fn dump_chunks(db: &Db, range: TimeRange, selector: &str) -> Dump {
    let mut found = Dump::new();
    let mut last: Option<Labels> = None;
    db.for_each_series(range, &matchers(selector), |labels, chunks| {
        assert!(last.as_ref() < Some(labels), "{last:?} before {labels}");
        last = Some(labels.clone());
        assert!(chunks.is_sorted_by(|a, b| a.end < b.start), "{labels}");
        let samples = chunks.iter().flat_map(samples_of_chunk).collect();
        found.insert(labels.to_string(), samples);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

fn samples_of_chunk(stored: &StoredChunk) -> Vec<String> {
    let (mut times, mut texts) = (Vec::new(), Vec::new());
    if stored.encoding.is_float() {
        let mut batch = model::storage::SeriesBatch::new();
        chunk::decode(stored.encoding, &stored.data, Wanted::ALL, &mut batch).unwrap();
        texts.extend(
            batch
                .times
                .iter()
                .zip(&batch.values)
                .map(|(time, value)| format!("{value}@{time}")),
        );
        times = batch.times;
    } else {
        histogram::decode(stored.encoding, &stored.data, usize::MAX, |sample| {
            let is_integer = matches!(sample.value, HistogramValue::Integer(_));
            assert_eq!(is_integer, stored.encoding == Encoding::Histogram);
            let histogram = sample.to_float();
            times.push(sample.time);
            texts.push(format!(
                "{{{} {}}}@{}",
                histogram.count, histogram.sum, sample.time
            ));
            true
        })
        .unwrap();
    }
    assert_eq!(times.first(), Some(&stored.start));
    assert_eq!(times.last(), Some(&stored.end));
    texts
}

fn check(db: &Db) {
    for (start, end) in [
        (BASE, BASE + 5 * HOUR),
        (BASE + 17 * 60_000, BASE + 3 * HOUR + 1),
        (BASE + 2 * HOUR, BASE + 2 * HOUR),
        (BASE + 40 * HOUR, BASE + 50 * HOUR),
    ] {
        for selector in ["", "n=3", "job=b", "__name__=~in.* n!=1", "job=none"] {
            let range = range(start, end);
            let expected = dump(db, range, selector);
            assert_eq!(
                dump_chunks(db, range, selector),
                expected,
                "{selector} {range:?}"
            );
        }
    }
}

#[test]
fn chunks_hold_what_is_read() {
    let disk = FaultDisk::new(1);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 5 * HOUR, 1);
    check(&db);
    db.delete(
        range(BASE + 30 * 60_000, BASE + 70 * 60_000),
        &matchers("n=3"),
    )
    .unwrap();
    check(&db);
    db.compact().unwrap();
    assert!(!db.blocks().is_empty());
    check(&db);
    db.delete(
        range(BASE + 90 * 60_000, BASE + 4 * HOUR),
        &matchers("job=b"),
    )
    .unwrap();
    check(&db);
}

/// Two blocks of the same times, as a peer's folder can have them.
#[test]
fn chunks_that_overlap_become_one_run() {
    let disk = FaultDisk::new(1);
    let db = open(&options("one", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 4 * HOUR, 2);
    db.compact().unwrap();
    let other = open(&options("two", Arc::new(disk.clone()), 2));
    for time in (BASE..BASE + 4 * HOUR).step_by(3 * 60_000) {
        let mut batch = SampleBatch::new();
        for name in ["floats n=0 kind=k0 job=a", "floats n=99 kind=k0 job=a"] {
            batch.push(other.resolve(&labels(name)).unwrap(), Timestamp(time), 7.5);
        }
        assert!(other.commit(&batch).unwrap().refused.is_empty());
    }
    other.compact().unwrap();
    let block = other.blocks()[0].dir().to_path_buf();
    let place = Path::new("one").join(block.file_name().unwrap());
    disk.rename(&block, &place).unwrap();
    db.reload().unwrap();
    assert_eq!(db.blocks().len(), 2);
    check(&db);
    let found = dump_chunks(&db, TimeRange::ALL, "__name__=floats n=~0|99");
    assert_eq!(found.len(), 2);
    // Every second minute of four hours, and every third of the two that the other wrote out.
    let lengths: Vec<usize> = found.values().map(Vec::len).collect();
    assert_eq!(lengths, [140, 40]);
}

#[test]
fn the_sink_can_end_it() {
    let disk = FaultDisk::new(1);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + HOUR, 1);
    let mut count = 0;
    db.for_each_series(TimeRange::ALL, &[], |_, _| {
        count += 1;
        if count == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(count, 3);
}

/// Samples out of order lie between the others, in the head and after they were moved to a block.
#[test]
fn late_samples_are_in_the_chunks() {
    let disk = FaultDisk::new(1);
    let options = options("data", Arc::new(disk.clone()), 1);
    options.head.out_of_order.set(Duration(24 * HOUR));
    let db = open(&options);
    fill(&db, BASE, BASE + 5 * HOUR, 2);
    for number in (0..30).rev() {
        let time = BASE + number * 7 * 60_000;
        let mut batch = SampleBatch::new();
        for name in ["floats n=3 kind=k0 job=b", "late"] {
            let series = db.resolve(&labels(name)).unwrap();
            batch.push(series, Timestamp(time + 1), 0.5);
        }
        assert!(db.commit(&batch).unwrap().refused.is_empty());
    }
    check(&db);
    db.delete(range(BASE, BASE + HOUR), &matchers("n=3"))
        .unwrap();
    check(&db);
    db.compact().unwrap();
    check(&db);
    assert!(!dump_chunks(&db, TimeRange::ALL, "__name__=late").is_empty());
}
