//! Samples keep their answers wherever they move to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::storage::{SampleBatch, SampleRefusal, SampleWriter, SeriesReader, TimeRange};
use model::time::{Duration, Timestamp};
use testkit::disk::FaultDisk;
use tsdb::DbOptions;
use tsdb::block::BlockMeta;
use tsdb::db::{HeadPart, HeldBlocks, Retention};

use super::support::*;

fn options_on(disk: &FaultDisk) -> DbOptions {
    options("data", Arc::new(disk.clone()), 1)
}

/// Start and end of the blocks in hours, and their levels.
fn shape(db: &tsdb::Db) -> Vec<(i64, i64, u64)> {
    let hours = |time: i64| (time - BASE).div_euclid(HOUR);
    let metas = db.blocks().into_iter().map(|block| block.meta());
    metas
        .map(|meta| {
            (
                hours(meta.min_time),
                hours(meta.max_time),
                meta.compaction.level,
            )
        })
        .collect()
}

#[test]
fn the_head_becomes_blocks_and_every_answer_stays() {
    let disk = FaultDisk::new(1);
    let options = options_on(&disk);
    let db = open(&options);
    fill(&db, BASE, BASE + 3 * HOUR, 1);
    let before = all(&db);
    db.compact().unwrap();
    // Not more than one and a half ranges yet.
    assert_eq!(shape(&db), []);
    fill(&db, BASE + 3 * HOUR, BASE + 7 * HOUR, 1);
    let whole = all(&db);
    assert_ne!(before, whole);
    db.compact().unwrap();
    assert_eq!(shape(&db), [(0, 2, 1), (2, 4, 1)]);
    assert_eq!(all(&db), whole);
    assert!(db.head().time_range().unwrap().start.0 >= BASE + 4 * HOUR);
    let stats = db.blocks()[0].meta().stats;
    assert_eq!(stats.num_series, 16);
    assert_eq!(
        stats.num_samples,
        stats.num_float_samples + stats.num_histogram_samples
    );
    assert_eq!(stats.num_histogram_samples, 4 * 120);
    for (start, end) in [
        (BASE, BASE + HOUR),
        (BASE + HOUR + 1, BASE + 5 * HOUR - 1),
        (BASE + 2 * HOUR - 1, BASE + 2 * HOUR),
        (BASE + 4 * HOUR, BASE + 4 * HOUR),
        (BASE - 5, BASE - 1),
        (BASE + 8 * HOUR, BASE + 9 * HOUR),
    ] {
        let part = dump(&db, range(start, end), "");
        let is_inside = |sample: &String| {
            let time: i64 = sample.rsplit('@').next().unwrap().parse().unwrap();
            (start..=end).contains(&time)
        };
        let mut expected = whole.clone();
        for samples in expected.values_mut() {
            samples.retain(is_inside);
        }
        expected.retain(|_, samples| !samples.is_empty());
        assert_eq!(part, expected, "{start} to {end}");
    }
    drop(db);
    let db = open(&options);
    assert_eq!(all(&db), whole);
}

/// The block with this start, in hours.
#[derive(Debug, Default)]
struct Held(AtomicI64);

impl HeldBlocks for Held {
    fn is_held(&self, meta: &BlockMeta) -> bool {
        (meta.min_time - BASE).div_euclid(HOUR) == self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn blocks_that_are_held_stay_and_so_do_those_after_them() {
    let disk = FaultDisk::new(1);
    let held = Arc::new(Held(AtomicI64::new(4)));
    let options = DbOptions {
        held: Some(Arc::clone(&held) as Arc<dyn HeldBlocks>),
        ..options_on(&disk)
    };
    let db = open(&options);
    fill(&db, BASE, BASE + 18 * HOUR, 1);
    db.compact().unwrap();
    let two_hours = |start| (start, start + 2, 1);
    let short: Vec<_> = [0, 2, 4, 6, 8, 10, 12, 14].map(two_hours).into();
    assert_eq!(shape(&db), short);
    // What came before it is merged as ever.
    held.0.store(8, Ordering::Relaxed);
    db.compact().unwrap();
    let rest = [6, 8, 10, 12, 14].map(two_hours);
    assert_eq!(shape(&db), [&[(0, 6, 2)], &rest[..]].concat());
    held.0.store(-1, Ordering::Relaxed);
    let whole = all(&db);
    db.compact().unwrap();
    assert_eq!(
        shape(&db),
        [(0, 6, 2), (6, 12, 2), two_hours(12), two_hours(14)]
    );
    assert_eq!(all(&db), whole);
}

#[test]
fn memory_is_freed_before_a_block_is_due() {
    let minute = 60_000;
    let options = options_on(&FaultDisk::new(1));
    let db = open(&options);
    // Series that end soon, among those that go on.
    for n in 0..200 {
        let mut batch = SampleBatch::new();
        let series = db.resolve(&labels(&format!("short n={n}"))).unwrap();
        batch.push(series, Timestamp(BASE + n * 1000), n as f64);
        db.commit(&batch).unwrap();
    }
    fill(&db, BASE, BASE + 25 * minute, 1);
    let kept = Duration(13 * minute);
    db.compact_early(kept).unwrap();
    assert_eq!(
        db.blocks().len(),
        0,
        "less than 13 minutes would be written"
    );
    fill(&db, BASE + 25 * minute, BASE + 61 * minute, 1);
    let whole = all(&db);
    assert_eq!(db.head().stats(0).series, 215);
    db.compact_early(kept).unwrap();
    let meta = db.blocks()[0].meta();
    assert_eq!((meta.min_time, meta.max_time), (BASE, BASE + 47 * minute));
    assert_eq!(db.head().stats(0).series, 15);
    assert_eq!(all(&db), whole);

    // What is older than the cut is refused, what is newer is not.
    let series = db.resolve(&labels("late")).unwrap();
    let mut batch = SampleBatch::new();
    batch.push(series, Timestamp(BASE + 47 * minute - 1), 1.0);
    let report = db.commit(&batch).unwrap();
    assert_eq!(report.refused, [(0, SampleRefusal::OutOfBounds)]);
    batch.times = vec![BASE + 47 * minute];
    assert_eq!(db.commit(&batch).unwrap().appended, 1);

    // Blocks go on where they would have, and merge.
    fill(&db, BASE + 61 * minute, BASE + 10 * HOUR, 1);
    let whole = all(&db);
    db.compact().unwrap();
    assert_eq!(shape(&db), [(0, 6, 2), (6, 8, 1)]);
    assert_eq!(all(&db), whole);
    drop(db);
    assert_eq!(all(&open(&options)), whole);
}

#[test]
fn blocks_become_longer_blocks() {
    let disk = FaultDisk::new(1);
    let options = options_on(&disk);
    let db = open(&options);
    for day in 0..15 {
        let start = BASE + day * 4 * HOUR;
        fill(&db, start, start + 4 * HOUR, 3);
        db.compact().unwrap();
    }
    // 60 hours, of which the newest two to three are in the head; the newest block is left alone.
    assert_eq!(
        shape(&db),
        [(0, 54, 4), (54, 56, 1), (56, 58, 1)],
        "levels 2, 6, 18 and 54 hours"
    );
    let found = all(&db);
    let mut expected = 0;
    for samples in found.values() {
        assert!(samples.len() > 300);
        expected += samples.len();
    }
    let blocks: u64 = db
        .blocks()
        .iter()
        .map(|block| block.meta().stats.num_samples)
        .sum();
    assert!(blocks as usize <= expected && blocks as usize > expected * 9 / 10);
    let meta = db.blocks()[0].meta();
    assert_eq!(meta.compaction.sources.len(), 27);
    assert_eq!(meta.compaction.parents.len(), 3);
    // Nothing but what is in use is left in the folder.
    use model::disk::Disk;
    let mut names = disk.list("data".as_ref()).unwrap();
    names.retain(|name| !is_of_head(name));
    assert_eq!(names.len(), 3, "{names:?}");
    drop(db);
    assert_eq!(all(&open(&options)), found);
}

#[test]
fn a_list_in_use_keeps_its_samples() {
    let disk = FaultDisk::new(1);
    let db = open(&options_on(&disk));
    fill(&db, BASE, BASE + 6 * HOUR, 1);
    let whole = all(&db);
    let list = db
        .select(&model::storage::SelectRequest {
            range: TimeRange::ALL,
            matchers: &[],
            projection: model::storage::Projection::All,
        })
        .unwrap();
    db.compact().unwrap();
    // The head could not drop anything, so both have the samples now.
    assert_eq!(shape(&db), [(0, 2, 1), (2, 4, 1)]);
    assert_eq!(all(&db), whole);
    // And that makes no further blocks.
    db.compact().unwrap();
    assert_eq!(shape(&db), [(0, 2, 1), (2, 4, 1)]);
    let mut batch = model::storage::SeriesBatch::new();
    list.read(0..list.len(), &mut batch).unwrap();
    let count: usize = whole.values().map(Vec::len).sum();
    assert_eq!(batch.times.len(), count);
    drop(list);
    db.compact().unwrap();
    assert_eq!(all(&db), whole);
    assert_eq!(db.head().time_range().unwrap().start.0, BASE + 4 * HOUR);
}

#[test]
fn deleted_samples_are_gone_at_once_and_for_good() {
    let disk = FaultDisk::new(1);
    let options = options_on(&disk);
    let db = open(&options);
    fill(&db, BASE, BASE + 7 * HOUR, 1);
    db.compact().unwrap();
    let mut expected = all(&db);
    let deleted = range(BASE + HOUR, BASE + 5 * HOUR);
    let count = db.delete(deleted, &matchers("kind=k1")).unwrap();
    // Four series, in two blocks and in the head.
    assert_eq!(count, 12);
    for (labels, samples) in &mut expected {
        if labels.contains(r#"kind="k1""#) {
            samples.retain(|sample| {
                let time: i64 = sample.rsplit('@').next().unwrap().parse().unwrap();
                !deleted.contains(Timestamp(time))
            });
        }
    }
    assert_eq!(all(&db), expected);
    assert_eq!(db.blocks()[0].meta().stats.num_tombstones, 4);
    drop(db);
    let db = open(&options);
    assert_eq!(all(&db), expected);
    let before: Vec<u64> = db.blocks().iter().map(|block| block.size()).collect();
    assert_eq!(db.clean_tombstones().unwrap(), 2);
    assert_eq!(all(&db), expected);
    for (block, before) in db.blocks().iter().zip(before) {
        assert!(block.tombstones().is_empty());
        assert!(block.size() < before);
    }
    // A deletion in the head holds when that becomes a block.
    fill(&db, BASE + 7 * HOUR, BASE + 9 * HOUR, 1);
    let expected = all(&db);
    db.compact().unwrap();
    assert_eq!(shape(&db).len(), 3);
    assert_eq!(all(&db), expected);
    // Everything: blocks without samples go.
    db.delete(TimeRange::ALL, &[]).unwrap();
    db.clean_tombstones().unwrap();
    assert_eq!(shape(&db), []);
    assert!(all(&db).is_empty());
}

#[test]
fn overlapping_blocks_are_merged() {
    let disk = FaultDisk::new(1);
    let options = options_on(&disk);
    let db = open(&options);
    fill(&db, BASE, BASE + 4 * HOUR, 2);
    db.compact().unwrap();
    // A second server, with rounds between those of the first, and some at the same times.
    let other = {
        let mut options = DbOptions {
            ulids: tsdb::block::UlidSource::new(
                Arc::new(model::clock::ManualClock::new(Timestamp(BASE))),
                99,
            ),
            ..options.clone()
        };
        options.head.dir = "other".into();
        let other = open(&options);
        fill(&other, BASE + HOUR, BASE + 4 * HOUR, 3);
        other
    };
    let mut expected = all(&db);
    for (labels, samples) in all(&other) {
        let own = expected.entry(labels).or_default();
        own.extend(samples);
        own.sort_by_key(|sample| sample.rsplit('@').next().unwrap().to_owned());
        own.dedup();
    }
    other.snapshot("data".as_ref(), HeadPart::Include).unwrap();
    db.reload().unwrap();
    assert_eq!(shape(&db).len(), 2);
    assert_eq!(all(&db), expected);
    db.compact().unwrap();
    let found = shape(&db);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(db.stats().compactions_vertical, 1);
    assert_eq!(all(&db), expected);
}

#[test]
fn old_blocks_are_dropped_by_time_and_by_size() {
    let disk = FaultDisk::new(1);
    let mut options = options_on(&disk);
    options.block_range_max = Duration(2 * HOUR);
    let db = open(&options);
    fill(&db, BASE, BASE + 13 * HOUR, 5);
    db.compact().unwrap();
    db.head().sync().unwrap();
    assert_eq!(shape(&db).len(), 5);
    db.set_retention(Retention {
        time: Some(Duration(6 * HOUR)),
        bytes: None,
    });
    db.reload().unwrap();
    assert_eq!(shape(&db), [(4, 6, 1), (6, 8, 1), (8, 10, 1)]);
    assert_eq!(db.stats().retentions_by_time, 1);
    let newest = db.blocks()[2].size() + db.blocks()[1].size();
    use model::disk::Disk;
    let of_head: u64 = ["data/wal", "data/chunks_head"]
        .iter()
        .map(std::path::Path::new)
        .flat_map(|dir| {
            let names = disk.list(dir).unwrap();
            names.into_iter().map(move |name| dir.join(name))
        })
        .filter_map(|path| disk.length(&path).ok())
        .sum();
    db.set_retention(Retention {
        time: None,
        bytes: Some(newest + of_head),
    });
    db.reload().unwrap();
    assert_eq!(shape(&db), [(6, 8, 1), (8, 10, 1)]);
    assert_eq!(db.stats().retentions_by_size, 1);
    let start = all(&db)
        .values()
        .flatten()
        .map(|sample| sample.rsplit('@').next().unwrap().parse::<i64>().unwrap())
        .min();
    assert_eq!(start, Some(BASE + 6 * HOUR));
}

#[test]
fn a_snapshot_is_a_database() {
    let disk = FaultDisk::new(1);
    let options = options_on(&disk);
    let db = open(&options);
    fill(&db, BASE, BASE + 7 * HOUR, 2);
    db.compact().unwrap();
    let whole = all(&db);
    let old = dump(&db, range(BASE, BASE + 4 * HOUR - 1), "");
    db.snapshot("copies/whole".as_ref(), HeadPart::Include)
        .unwrap();
    db.snapshot("copies/blocks".as_ref(), HeadPart::Skip)
        .unwrap();
    // Later changes do not reach the copies.
    db.delete(TimeRange::ALL, &[]).unwrap();
    db.clean_tombstones().unwrap();
    let copy = |name: &str| {
        let mut options = options.clone();
        options.head.dir = name.into();
        all(&open(&options))
    };
    assert_eq!(copy("copies/whole"), whole);
    assert_eq!(copy("copies/blocks"), old);
}
