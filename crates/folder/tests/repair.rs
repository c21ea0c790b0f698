//! Damaged data folders: found out, repaired, and nothing lost that can be read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use folder::progress::Silent;
use folder::repair::{Repaired, SET_ASIDE, repair};
use folder::verify::{Part, Report, verify};
use model::clock::ManualClock;
use model::disk::Disk;
use model::storage::{
    Projection, SampleBatch, SampleWriter, SelectRequest, SeriesBatch, SeriesReader, TimeRange,
};
use model::{Duration, Labels, Timestamp};
use tsdb::block::{BlockBuilder, UlidSource};
use tsdb::{Db, DbOptions, Head, OpenOptions, ReadOnlyDisk, RealDisk};

/// Of the block.
const SERIES: i64 = 5;
const STEPS: i64 = 600;
const IN_BLOCK: usize = (SERIES * STEPS) as usize;
/// Of the log: so few of each that no chunk is closed and written to a file of its own.
const LOG_SERIES: i64 = 100;
const LOG_STEPS: i64 = 100;
const IN_LOG: usize = (LOG_SERIES * LOG_STEPS) as usize;
const ALL: usize = IN_BLOCK + IN_LOG;
/// Out of order, between the block and the log.
const LATE_START: i64 = 5_000_000;
const LATE_STEPS: i64 = 62;
const IN_LATE: usize = (LOG_SERIES * LATE_STEPS) as usize;
/// After the block.
const LOG_START: i64 = 10_000_000;

struct Folder(tempfile::TempDir);

fn ulids(seed: u64) -> UlidSource {
    UlidSource::new(
        Arc::new(ManualClock::new(Timestamp(1_704_067_200_000))),
        seed,
    )
}

fn labels(series: i64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("series", &series.to_string())])
}

impl Folder {
    /// A block, and a log of several segments.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let mut builder = BlockBuilder::new();
        for series in 0..SERIES {
            for step in 0..STEPS {
                builder.add(&labels(series), step * 1000, (step * 7 % 11) as f64);
            }
        }
        builder
            .write(&disk, folder.path(), ulids(1).make())
            .unwrap()
            .unwrap();
        let mut options = OpenOptions::new(folder.path(), disk);
        options.log.segment_bytes = 32 * 1024;
        let (head, _) = Head::open(options).unwrap();
        let references: Vec<_> = (0..LOG_SERIES)
            .map(|series| head.resolve(&labels(series)).unwrap())
            .collect();
        for step in 0..LOG_STEPS {
            let mut batch = SampleBatch::new();
            for reference in &references {
                // Digits that do not compress, so that there are several segments.
                let value = (step as f64 * 1.1).sin() + reference.0 as f64;
                batch.push(*reference, Timestamp(LOG_START + step * 1000), value);
            }
            assert_eq!(head.commit(&batch).unwrap().appended, LOG_SERIES as usize);
        }
        // As after `kill -9`: the log is all there is of the head.
        head.sync().unwrap();
        folder
    }

    /// The same, and samples that came out of order: in their log, and full chunks of them in files.
    fn with_late_samples() -> Self {
        let folder = Self::new();
        let head = folder.open();
        for step in 0..LATE_STEPS {
            let mut batch = SampleBatch::new();
            for series in 0..LOG_SERIES {
                let reference = head.resolve(&labels(series)).unwrap();
                let value = (step as f64 * 1.3).cos() + series as f64;
                batch.push(reference, Timestamp(LATE_START + step * 1000), value);
            }
            assert_eq!(head.commit(&batch).unwrap().appended, LOG_SERIES as usize);
        }
        head.sync().unwrap();
        folder
    }

    fn open(&self) -> Head {
        let mut options = OpenOptions::new(self.path(), Arc::new(RealDisk));
        options.log.segment_bytes = 32 * 1024;
        options.out_of_order.set(Duration::from_secs(24 * 3600));
        Head::open(options).unwrap().0
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn block(&self) -> PathBuf {
        let name = ulids(1).make().to_string();
        self.path().join(name)
    }

    fn segments(&self) -> Vec<PathBuf> {
        self.files("wal")
    }

    fn files(&self, dir: &str) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.path().join(dir))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.metadata().unwrap().len() > 0)
            .collect();
        paths.sort();
        paths
    }

    fn verify(&self) -> Report {
        verify(self.path(), &Silent).unwrap()
    }

    fn repair(&self) -> Repaired {
        repair(self.path(), &ulids(2), &Silent).unwrap()
    }

    /// How many samples a server finds, by series, and whether all values are right.
    fn samples(&self) -> BTreeMap<String, usize> {
        let head = OpenOptions::new(self.path(), Arc::new(ReadOnlyDisk::default()));
        let (db, _) = Db::open(DbOptions::new(head, ulids(3))).unwrap();
        let request = SelectRequest {
            range: TimeRange::ALL,
            matchers: &[],
            projection: Projection::All,
        };
        let list = db.select(&request).unwrap();
        let mut counts = BTreeMap::new();
        for row in 0..list.len() {
            let mut batch = SeriesBatch::new();
            list.read(row..row + 1, &mut batch).unwrap();
            counts.insert(list.labels(row).to_string(), batch.floats(0).0.len());
        }
        counts
    }

    fn total(&self) -> usize {
        self.samples().values().sum()
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let before = fs::read(path).unwrap();
    let mut bytes = before.clone();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    before
}

#[test]
fn a_good_folder_has_no_problems() {
    let folder = Folder::new();
    assert!(folder.segments().len() >= 3, "{:?}", folder.segments());
    let report = folder.verify();
    assert_eq!(report.problems, []);
    assert_eq!((report.blocks, report.read.samples), (1, IN_BLOCK as u64));
    assert!(
        report.records >= LOG_STEPS as u64 && report.segments >= 3,
        "{report:?}"
    );
    assert_eq!(report.head_series, LOG_SERIES as usize);
    assert_eq!(folder.total(), ALL);
    let repaired = folder.repair();
    assert_eq!((repaired.done, folder.total()), (vec![], ALL));
    assert!(!folder.path().join(SET_ASIDE).exists());
}

#[test]
fn samples_behind_a_damage_of_the_log_are_saved() {
    let folder = Folder::new();
    let segment = folder.segments().remove(0);
    let before = change(&segment, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
    });
    let report = folder.verify();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    let problem = &report.problems[0];
    assert_eq!(problem.part, Part::Head);
    assert!(
        problem
            .text
            .starts_with(&format!("{} at byte ", segment.display())),
        "{problem:?}"
    );
    // A server would lose all later segments.
    let lost = ALL - folder.total();
    assert!(lost > IN_LOG / 2, "{lost}");
    let repaired = folder.repair();
    assert!(
        repaired.done[0].contains("samples behind damaged places are in the new block"),
        "{repaired:?}"
    );
    // One page of the log at most.
    let missing = ALL - folder.total();
    assert!(missing < lost / 2 && missing > 0, "{missing} of {lost}");
    let kept = folder
        .path()
        .join(SET_ASIDE)
        .join("wal")
        .join(segment.file_name().unwrap());
    assert_ne!(fs::read(&kept).unwrap(), before);
    assert_eq!(fs::read(&kept).unwrap().len(), before.len());
    assert_eq!(folder.verify().problems, []);
    assert_eq!(folder.repair().done, [""; 0]);
}

#[test]
fn late_samples_are_saved_too() {
    let folder = Folder::with_late_samples();
    assert_eq!(folder.verify().problems, []);
    assert_eq!(folder.total(), ALL + IN_LATE);
    let segments = folder.files("wbl");
    assert!(segments.len() >= 2, "{segments:?}");
    change(&segments[0], |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
    });
    let report = folder.verify();
    let told = format!("{} at byte ", segments[0].display());
    assert!(report.problems[0].text.starts_with(&told), "{report:?}");
    let repaired = folder.repair();
    let missing = ALL + IN_LATE - folder.total();
    assert!(missing < IN_LATE / 3, "{missing}: {repaired:?}");
    assert!(folder.path().join(SET_ASIDE).join("wbl").exists());
    assert_eq!(folder.verify().problems, []);
}

/// What chunk files and snapshots have is in the logs as well.
#[test]
fn damaged_copies_of_the_head_lose_nothing() {
    let folder = Folder::with_late_samples();
    let file = folder.files("chunks_head").remove(0);
    change(&file, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
    });
    let report = folder.verify();
    let told = file.display().to_string();
    assert!(report.problems[0].text.contains(&told), "{report:?}");
    let repaired = folder.repair();
    assert_eq!(folder.total(), ALL + IN_LATE, "{repaired:?}");
    assert_eq!(folder.verify().problems, []);

    let folder = Folder::new();
    folder.open().snapshot().unwrap();
    let snapshot = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.starts_with("chunk_snapshot."))
        .unwrap();
    assert_eq!(folder.verify().problems, []);
    let segment = folder.files(&snapshot).remove(0);
    change(&segment, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x20;
    });
    let report = folder.verify();
    let told = segment.display().to_string();
    assert!(report.problems[0].text.contains(&told), "{report:?}");
    let repaired = folder.repair();
    assert_eq!(folder.total(), ALL, "{repaired:?}");
    assert_eq!(folder.verify().problems, []);
}

/// Commits to both logs count only where both have them: a damage of one cuts the other.
#[test]
fn one_log_is_saved_where_the_other_one_is_damaged() {
    for damaged in ["wal", "wbl"] {
        let folder = Folder::new();
        let first = folder.segments().len();
        let head = folder.open();
        for step in 0..LATE_STEPS {
            let mut batch = SampleBatch::new();
            for series in 0..LOG_SERIES {
                let reference = head.resolve(&labels(series)).unwrap();
                let value = (step as f64 * 1.3).cos() + series as f64;
                for start in [LATE_START, LOG_START + LOG_STEPS * 1000] {
                    batch.push(reference, Timestamp(start + step * 1000), value);
                }
            }
            let appended = head.commit(&batch).unwrap().appended;
            assert_eq!(appended, 2 * LOG_SERIES as usize);
        }
        head.sync().unwrap();
        drop(head);
        let all = ALL + 2 * IN_LATE;
        assert_eq!(folder.total(), all);
        let segments = folder.files(damaged);
        // The first one with commits to both.
        let hit = &segments[if damaged == "wal" { first } else { 0 }];
        change(hit, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x20;
        });
        let lost = all - folder.total();
        // Late samples were in chunk files when their log was cut.
        assert_eq!(lost > IN_LATE / 2, damaged == "wal", "{lost}");
        let repaired = folder.repair();
        let missing = all - folder.total();
        // A page of the one log, and nothing of the other one.
        assert!(
            missing < 2500 && missing <= lost,
            "{missing} of {lost}: {repaired:?}"
        );
        assert_eq!(folder.verify().problems, []);
    }
}

#[test]
fn what_the_log_and_a_damaged_checkpoint_have_is_saved() {
    let folder = Folder::new();
    let head = folder.open();
    head.truncate(Timestamp(LOG_START + 10_000)).unwrap();
    drop(head);
    let checkpoint = fs::read_dir(folder.path().join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let name = checkpoint.strip_prefix(folder.path()).unwrap();
    let before = folder.total();
    assert!(before > IN_BLOCK + IN_LOG / 2, "{before}");
    let segment = folder.files(name.to_str().unwrap()).pop().unwrap();
    change(&segment, |bytes| {
        let end = bytes.len() - 100;
        bytes[end] ^= 0x20;
    });
    let report = folder.verify();
    assert!(report.has_damage(), "{report:?}");
    let repaired = folder.repair();
    assert!(folder.path().join(SET_ASIDE).join(name).exists());
    let missing = before - folder.total();
    assert!(missing < IN_LOG / 5, "{missing} of {before}: {repaired:?}");
    assert_eq!(folder.verify().problems, []);
}

#[test]
fn a_missing_segment_is_told() {
    let folder = Folder::new();
    fs::remove_file(&folder.segments()[1]).unwrap();
    let report = folder.verify();
    let text = &report.problems[0].text;
    assert!(
        text.ends_with("the segment 00000001 is missing between others"),
        "{text}"
    );
    // The others keep what they have.
    folder.repair();
    assert_eq!(folder.verify().problems, []);
    let missing = ALL - folder.total();
    assert!(missing > 0 && missing < IN_LOG * 2 / 3, "{missing}");
}

#[test]
fn a_block_loses_only_the_damaged_chunk() {
    let folder = Folder::new();
    change(&folder.block().join("chunks/000001"), |bytes| {
        bytes[30] ^= 1
    });
    let report = folder.verify();
    assert!(
        matches!(report.problems[0].part, Part::Block(_)),
        "{report:?}"
    );
    assert!(
        report.problems[0]
            .text
            .contains("chunks/000001 at byte 8: "),
        "{report:?}"
    );
    let repaired = folder.repair();
    assert!(
        repaired.done[0].contains("1 chunks and 0 series could not be read"),
        "{repaired:?}"
    );
    assert_eq!(folder.total(), ALL - 120);
    assert_eq!(folder.verify().problems, []);
    let name = folder.block().file_name().unwrap().to_owned();
    assert!(
        folder
            .path()
            .join(SET_ASIDE)
            .join(name)
            .join("index")
            .exists()
    );
    assert!(!folder.block().exists());
}

#[test]
fn what_meta_json_said_is_found_out_again() {
    let folder = Folder::new();
    fs::write(folder.block().join("meta.json"), "{").unwrap();
    assert_eq!(folder.total(), IN_LOG);
    folder.repair();
    assert_eq!(folder.total(), ALL);
    assert_eq!(folder.verify().problems, []);
}

#[test]
fn a_block_without_index_is_set_aside() {
    let folder = Folder::new();
    change(&folder.block().join("index"), |bytes| bytes.truncate(50));
    let repaired = folder.repair();
    assert!(
        repaired.done[0].contains("nothing of it can be saved"),
        "{repaired:?}"
    );
    assert_eq!(folder.total(), IN_LOG);
    assert_eq!(folder.verify().problems, []);
}

#[test]
fn leftovers_are_no_damage_and_go() {
    let folder = Folder::new();
    let leftover = folder
        .path()
        .join("01M7Y4PJYF7YEGW3B1BX2R1HQT.tmp-for-deletion");
    fs::create_dir(&leftover).unwrap();
    let report = folder.verify();
    assert!(
        !report.has_damage() && report.problems.len() == 1,
        "{report:?}"
    );
    assert!(folder.repair().done[0].starts_with("removed the leftover "));
    assert!(!leftover.exists());
    assert_eq!(folder.total(), ALL);
}

/// Whatever byte of the log is wrong, a repair leaves a folder without problems and at most a page is lost.
#[test]
fn any_wrong_byte_of_the_log_is_repaired() {
    for at in (0..90_000).step_by(4777) {
        let folder = Folder::new();
        let mut at = at;
        let segments = folder.segments();
        let hit = segments.iter().find(|path| {
            let length = path.metadata().unwrap().len() as usize;
            let is_here = at < length;
            if !is_here {
                at -= length;
            }
            is_here
        });
        let Some(hit) = hit else { continue };
        change(hit, |bytes| bytes[at] ^= 0x11);
        folder.repair();
        assert_eq!(folder.verify().problems, [], "{} at {at}", hit.display());
        let missing = ALL - folder.total();
        // The first record names the series; without it nothing of the log is known.
        assert!(
            missing < 5000 || (hit == &segments[0] && at < 3000),
            "{missing} at {at}"
        );
    }
}
