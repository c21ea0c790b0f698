//! Dropping old samples, old series and the log of both.

use model::storage::{SampleBatch, SampleRefusal, SampleWriter, SeriesReader, TimeRange};
use model::time::Timestamp;
use testkit::disk::{Fault, FaultDisk};
use tsdb::Head;
use tsdb::log::Compression;

use super::support::*;

const MINUTE: i64 = 60_000;

#[test]
fn old_samples_and_series_go() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    commit(&head, &[("old pod=p1", MINUTE, 1.0)]);
    for step in 1..=600 {
        commit(&head, &[("steady pod=p2", step * MINUTE, step as f64)]);
    }
    let old = resolve(&head, "old pod=p1");
    let report = head.truncate(Timestamp(500 * MINUTE)).unwrap();
    assert_eq!(report.series_removed, 1);
    assert_eq!(
        head.label_values("pod", TimeRange::ALL, &[]).unwrap(),
        ["p2"]
    );
    let text = dump(&head, "");
    assert!(text.contains(" 500@") && text.contains(" 600@") && !text.contains(" 499@"));
    assert!(head.stats(1).chunks < 4);
    let mut batch = SampleBatch::new();
    batch.push(old, Timestamp(600 * MINUTE), 1.0);
    let report = head.commit(&batch).unwrap();
    assert_eq!(report.refused, [(0, SampleRefusal::UnknownSeries)]);
    // Resolved again, it is another series.
    assert_ne!(resolve(&head, "old pod=p1"), old);
}

#[test]
fn lists_keep_what_they_had() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    commit(&head, &[("old", 1, 1.0)]);
    commit(&head, &[("new", 10 * MINUTE, 2.0)]);
    let list = select(&head, TimeRange::ALL, &[]);
    let report = head.truncate(Timestamp(5 * MINUTE)).unwrap();
    assert_eq!((report.waiting_for_lists, report.series_removed), (1, 0));
    assert_eq!(
        dump_list(list.as_ref()),
        "{__name__=\"old\"} 1@1\n{__name__=\"new\"} 2@600000\n"
    );
    // New lists see it no more, although it is still there.
    assert_eq!(dump(&head, ""), "{__name__=\"new\"} 2@600000\n");
    drop(list);
    let report = head.truncate(Timestamp(5 * MINUTE)).unwrap();
    assert_eq!((report.waiting_for_lists, report.series_removed), (0, 1));
}

#[test]
fn idle_series_go_after_two_rounds() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    resolve(&head, "never");
    assert_eq!(head.truncate(Timestamp(0)).unwrap().series_removed, 0);
    assert_eq!(head.truncate(Timestamp(0)).unwrap().series_removed, 1);
    assert_eq!(head.stats(1).symbols, 0);
}

/// Hours of samples with series that come and go, and a truncation every half hour: the log stays
/// bounded, and opening gives what was there.
#[test]
fn the_log_does_not_grow_without_bound() {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    options.log.segment_bytes = 64 * 1024;
    let (head, _) = Head::open(options.clone()).unwrap();
    let mut sizes = Vec::new();
    let mut checkpoints = 0;
    for step in 1..=1200 {
        let time = step * MINUTE;
        let mut rows = Vec::new();
        let names: Vec<String> = (0..30)
            .map(|n| format!("m n={n} generation={}", if n < 10 { 0 } else { step / 60 }))
            .collect();
        rows.extend(names.iter().map(|name| (name.as_str(), time, step as f64)));
        commit(&head, &rows);
        if step % 30 == 0 {
            let report = head.truncate(Timestamp(time - 90 * MINUTE)).unwrap();
            checkpoints += usize::from(report.checkpoint.is_some());
            sizes.push(disk.bytes_in_all());
        }
    }
    assert!(checkpoints > 10, "{checkpoints}");
    let early = sizes[10];
    let late = *sizes.last().unwrap();
    assert!(late < early * 2, "{early} {late}");

    let (again, report) = Head::open(options).unwrap();
    assert!(report.checkpoint.is_some());
    assert_eq!(report.samples_without_series, 0);
    again.truncate(Timestamp((1200 - 90) * MINUTE)).unwrap();
    let range = range((1200 - 90) * MINUTE, i64::MAX);
    assert_eq!(
        dump_list(select(&again, range, &[]).as_ref()),
        dump_list(select(&head, range, &[]).as_ref())
    );
}

/// Whatever write of a truncation fails: nothing that is still wanted is lost, and the next one works.
#[test]
fn a_truncation_may_fail_anywhere() {
    let mut failures = 0;
    for failing in 0.. {
        let disk = FaultDisk::new(failing);
        let mut options = options(&disk);
        options.log.segment_bytes = 32 * 1024;
        options.log.compression = Compression::None;
        let (head, _) = Head::open(options).unwrap();
        for step in 1..=2000 {
            let name = |n: i64| format!("m generation={} n={n}", step / 100);
            let names: Vec<String> = (0..10).map(name).collect();
            let row = |name| (name, step * MINUTE, step as f64 / 3.0);
            let rows: Vec<_> = names.iter().map(|name| row(name.as_str())).collect();
            commit(&head, &rows);
        }
        let keep_from = 1500 * MINUTE;
        let before = disk.bytes_in_all();
        disk.plan(Some(Fault::FailWrite(disk.writes() + failing)));
        let has_failed = head.truncate(Timestamp(keep_from)).is_err();
        failures += u32::from(has_failed);
        disk.plan(None);
        let wanted = range(keep_from, i64::MAX);
        let text = dump_list(select(&head, wanted, &[]).as_ref());
        let (again, report) = open(&disk.after_kill());
        assert!(report.repairs.is_empty(), "{report:?}");
        assert_eq!(dump_list(select(&again, wanted, &[]).as_ref()), text);
        head.truncate(Timestamp(keep_from)).unwrap();
        assert!(disk.bytes_in_all() < before, "the log was not shortened");
        let (again, _) = open(&disk.after_kill());
        assert_eq!(dump_list(select(&again, wanted, &[]).as_ref()), text);
        if !has_failed {
            break;
        }
    }
    assert!(failures > 5, "{failures}");
}
