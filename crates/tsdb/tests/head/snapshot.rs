//! Starts from a snapshot: the same as from the log, and quicker.

use std::path::{Path, PathBuf};

use model::disk::Disk;
use model::exemplar::Exemplar;
use model::labels::Labels;
use model::metadata::{Metadata, MetricType};
use model::storage::{SampleBatch, SampleWriter, TimeRange};
use model::time::Timestamp;
use testkit::disk::{Fault, FaultDisk, Random};
use tsdb::Head;
use tsdb::log::Compression;

use super::support::*;

const STEP: i64 = 15_000;

fn commit_step(head: &Head, step: i64) {
    let mut rows = Vec::new();
    let names: Vec<String> = (0..20)
        .map(|n| format!("m n={n} generation={}", if n < 15 { 0 } else { step / 50 }))
        .collect();
    for (n, name) in names.iter().enumerate() {
        rows.push((name.as_str(), step * STEP, (step * n as i64 % 101) as f64));
    }
    commit(head, &rows);
}

fn snapshots(disk: &FaultDisk) -> Vec<PathBuf> {
    let mut found = disk.list(Path::new(DIR)).unwrap();
    found.retain(|name| name.to_str().unwrap().starts_with("chunk_snapshot."));
    found
}

#[test]
fn a_killed_head_reads_the_snapshot_and_the_log_after_it() {
    for at in [1, 29, 30, 31, 120, 121, 299] {
        let disk = FaultDisk::new(1);
        let (head, _) = open(&disk);
        let mut series = 0;
        for step in 0..300 {
            commit_step(&head, step);
            if step == at {
                series = head.snapshot().unwrap().series;
                assert!(head.snapshot().unwrap().is_current);
            }
        }
        let (again, report) = open(&disk.after_kill());
        assert!(report.snapshot.is_some());
        let read = (report.samples + report.samples_skipped) as i64;
        assert_eq!(read, (299 - at) * 20);
        assert!(series >= 20 && report.series >= series);
        assert_eq!(dump(&again, ""), dump(&head, ""));
        // Both go on alike.
        for head in [&head, &again] {
            for step in 300..400 {
                commit_step(head, step);
            }
        }
        assert_eq!(dump(&again, ""), dump(&head, ""));
        assert_eq!(again.stats(0).chunks, head.stats(0).chunks);
    }
}

#[test]
fn a_clean_end_leaves_nothing_to_read() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    for step in 0..200 {
        commit_step(&head, step);
    }
    head.close().unwrap();
    let (again, report) = open(&disk);
    assert!(report.snapshot.is_some());
    assert_eq!((report.records, report.samples), (0, 0));
    assert_eq!(dump(&again, ""), dump(&head, ""));
    assert_eq!(again.time_range(), head.time_range());
    // A sample that was there already is still known to be the same.
    let value = (199 * 3 % 101) as f64;
    let row = ("m n=3 generation=0", 199 * STEP, value);
    assert!(commit(&again, &[row]).refused.is_empty());
    let row = ("m n=3 generation=0", 199 * STEP, value + 1.0);
    assert_eq!(commit(&again, &[row]).refused.len(), 1);
}

#[test]
fn what_goes_with_samples_comes_back() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let mut batch = SampleBatch::new();
    let series = resolve(&head, "requests_total code=200");
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace", "a")]),
        value: 1.5,
        time: Some(Timestamp(900)),
    };
    let metadata = Metadata {
        metric_type: MetricType::Counter,
        help: "Requests.".to_owned(),
        unit: String::new(),
    };
    batch.push(series, Timestamp(1000), 1.0);
    batch.exemplars.push((series, exemplar));
    batch.metadata.push((series, metadata));
    head.commit(&batch).unwrap();
    commit(&head, &[("deleted", 1000, 1.0), ("kept", 1000, 2.0)]);
    head.delete(TimeRange::ALL, &matchers("__name__=deleted"))
        .unwrap();
    resolve(&head, "without_samples");
    head.close().unwrap();
    let (again, report) = open(&disk);
    assert_eq!(report.records, 0);
    assert_eq!(dump(&again, ""), dump(&head, ""));
    assert!(!dump(&again, "").contains("deleted} 1"));
    let all = [Vec::new()];
    assert_eq!(again.exemplars(TimeRange::ALL, &all).len(), 1);
    assert_eq!(
        again.exemplars(TimeRange::ALL, &all),
        head.exemplars(TimeRange::ALL, &all)
    );
    assert_eq!(again.metadata(None), head.metadata(None));
    assert_eq!(again.metadata(None).len(), 1);
    assert_eq!(again.stats(0).series, head.stats(0).series);
}

/// Numbers of series are not used twice, even if their series is neither in the snapshot nor in the log
/// after it.
#[test]
fn numbers_of_dropped_series_stay_unused() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    commit(&head, &[("steady", STEP, 1.0)]);
    commit(&head, &[("short", STEP, 1.0)]);
    let short = resolve(&head, "short");
    for step in 2..400 {
        commit(&head, &[("steady", step * STEP, 1.0)]);
    }
    assert_eq!(
        head.truncate(Timestamp(300 * STEP)).unwrap().series_removed,
        1
    );
    head.close().unwrap();
    let (again, _) = open(&disk);
    assert_ne!(resolve(&again, "another"), short);
}

/// Any damage to a snapshot: the log has everything.
#[test]
fn a_damaged_snapshot_is_left_out() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    for step in 0..150 {
        commit_step(&head, step);
    }
    head.close().unwrap();
    let expected = dump(&head, "");
    let mut repairs = 0;
    for seed in 0..300 {
        let disk = disk.after_kill();
        let mut random = Random::new(seed);
        let dir = Path::new(DIR).join(&snapshots(&disk)[0]);
        let file = ["00000000", "keepwatch/00000000"][random.below(2) as usize];
        disk.overwrite(&dir.join(file), |bytes| {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes.truncate(at),
                _ => bytes[at..].fill(0xa5),
            }
        })
        .unwrap();
        let (again, report) = open(&disk);
        assert_eq!(dump(&again, ""), expected, "seed {seed}");
        if !report.repairs.is_empty() {
            repairs += 1;
            assert!(report.snapshot.is_none());
            assert!(report.repairs[0].to_string().contains("chunk_snapshot"));
            assert!(snapshots(&disk).is_empty());
        }
    }
    assert!(repairs > 80, "{repairs}");
}

/// A file that is cut between two records has no wrong checksum anywhere.
#[test]
fn a_snapshot_that_is_cut_anywhere_is_left_out() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let mut batch = SampleBatch::new();
    for n in 0..20 {
        let series = resolve(&head, &format!("m n={n}"));
        batch.push(series, Timestamp(1000), f64::from(n));
        let exemplar = Exemplar {
            labels: Labels::from_pairs([("trace", "a")]),
            value: 1.5,
            time: Some(Timestamp(900)),
        };
        batch.exemplars.push((series, exemplar));
    }
    head.commit(&batch).unwrap();
    head.close().unwrap();
    let expected = dump(&head, "");
    let all = [Vec::new()];
    let exemplars = head.exemplars(TimeRange::ALL, &all);
    assert_eq!(exemplars.len(), 20);
    let snapshot = Path::new(DIR).join(&snapshots(&disk)[0]);
    for is_of_peer in [false, true] {
        let path = snapshot.join("00000000");
        let whole = disk.read(&path).unwrap();
        let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for length in 0..end {
            let disk = disk.after_kill();
            if is_of_peer {
                disk.remove_dir_all(&snapshot.join("keepwatch")).unwrap();
            }
            disk.overwrite(&path, |bytes| bytes.truncate(length))
                .unwrap();
            let (again, report) = open(&disk);
            assert_eq!(dump(&again, ""), expected, "cut at {length} of {end}");
            // The peer's exemplars, which stand at the end, may be fewer.
            if !is_of_peer {
                assert!(report.snapshot.is_none(), "cut at {length} of {end}");
                assert_eq!(again.exemplars(TimeRange::ALL, &all), exemplars);
            }
        }
    }
}

/// Chunks that are gone must come from the log, so the snapshot, which stands for that log, must go.
#[test]
fn a_snapshot_goes_with_the_chunks_that_it_relies_on() {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    options.log.compression = Compression::None;
    let (head, _) = Head::open(options).unwrap();
    for step in 0..300 {
        commit_step(&head, step);
    }
    head.snapshot().unwrap();
    let path = Path::new(DIR).join("chunks_head/000001");
    let before = disk.length(&path).unwrap() as usize;
    for step in 300..500 {
        commit_step(&head, step);
    }
    // Chunks go to files when the log is durable.
    head.sync().unwrap();
    let after = disk.length(&path).unwrap() as usize;
    assert!(before < after);
    let expected = dump(&head, "");
    for (at, stands) in [
        (100, false),
        (before - 1, false),
        (before, true),
        (after - 1, true),
    ] {
        let disk = disk.after_kill();
        disk.overwrite(&path, |bytes| bytes[at] ^= 1).unwrap();
        let (again, report) = open(&disk);
        assert_eq!(report.repairs.len(), 1);
        assert_eq!(
            report.snapshot.is_some(),
            stands,
            "damage at {at} of {before}"
        );
        assert_eq!(dump(&again, ""), expected);
    }
}

#[test]
fn an_outdated_snapshot_is_removed() {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    options.log.segment_bytes = 32 * 1024;
    options.log.compression = Compression::None;
    let (head, _) = Head::open(options).unwrap();
    commit_step(&head, 0);
    head.snapshot().unwrap();
    for step in 1..900 {
        commit_step(&head, step);
    }
    let keep_from = Timestamp(450 * STEP);
    assert!(head.truncate(keep_from).unwrap().checkpoint.is_some());
    let expected = dump_list(select(&head, range(keep_from.0, i64::MAX), &[]).as_ref());
    let disk = disk.after_kill();
    let (again, report) = open(&disk);
    assert!(report.snapshot.is_none() && report.checkpoint.is_some());
    assert!(snapshots(&disk).is_empty());
    let found = dump_list(select(&again, range(keep_from.0, i64::MAX), &[]).as_ref());
    assert_eq!(found, expected);
}

/// Whatever write of a snapshot fails, the head goes on, and so does the next one.
#[test]
fn a_snapshot_may_fail_anywhere() {
    let mut failures = 0;
    for failing in 0.. {
        let disk = FaultDisk::new(failing);
        let (head, _) = open(&disk);
        for step in 0..130 {
            commit_step(&head, step);
        }
        head.snapshot().unwrap();
        for step in 130..140 {
            commit_step(&head, step);
        }
        disk.plan(Some(Fault::FailWrite(disk.writes() + failing)));
        let has_failed = head.snapshot().is_err();
        failures += u32::from(has_failed);
        disk.plan(None);
        commit_step(&head, 140);
        let (again, report) = open(&disk.after_kill());
        assert!(
            report.repairs.is_empty() && report.snapshot.is_some(),
            "{report:?}"
        );
        assert_eq!(dump(&again, ""), dump(&head, ""));
        head.snapshot().unwrap();
        let disk = disk.after_kill();
        let (again, report) = open(&disk);
        assert_eq!(report.samples, 0);
        assert_eq!(dump(&again, ""), dump(&head, ""));
        assert_eq!(snapshots(&disk).len(), 1);
        if !has_failed {
            break;
        }
    }
    assert!(failures > 5, "{failures}");
}

/// Commits and new series while snapshots are being taken.
#[test]
fn snapshots_are_taken_while_commits_go_on() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for step in 0..400 {
                commit_step(&head, step);
            }
        });
        let mut taken = 0;
        while !writer.is_finished() {
            taken += usize::from(!head.snapshot().unwrap().is_current);
            let (_, report) = open(&disk.after_kill());
            assert!(report.repairs.is_empty(), "{report:?}");
            assert_eq!(report.samples_without_series, 0);
        }
        assert!(taken > 1);
    });
    let (again, report) = open(&disk.after_kill());
    assert!(report.snapshot.is_some());
    assert_eq!(dump(&again, ""), dump(&head, ""));
}
