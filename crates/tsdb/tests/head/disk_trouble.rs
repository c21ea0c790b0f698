//! Full disks, failing writes, damaged files, folders that cannot be written.

use model::storage::{SampleBatch, SampleWriter, WriteError};
use model::time::Timestamp;
use testkit::disk::{Fault, FaultDisk};
use tsdb::log::Compression;
use tsdb::{Head, OpenError};

use super::support::*;

fn batch(head: &Head, time: i64) -> SampleBatch {
    let mut batch = SampleBatch::new();
    for n in 0..20 {
        let series = resolve(head, &format!("m n={n} since={}", time / 50));
        batch.push(series, Timestamp(time), time as f64);
    }
    batch
}

#[test]
fn a_full_disk_refuses_commits_and_recovers() {
    let disk = FaultDisk::new(3);
    let mut options = options(&disk);
    options.log.compression = Compression::None;
    options.log.segment_bytes = 64 * 1024;
    let (head, _) = Head::open(options).unwrap();
    let mut time = 0;
    let mut acknowledged = 0;
    let mut refused = 0;
    // Fill up, free a little, fill up again: at all kinds of places in pages and segments.
    for round in 1..=30 {
        disk.plan(Some(Fault::FullAt(round * 9_000)));
        for _ in 0..40 {
            time += 1;
            match head.commit(&batch(&head, time)) {
                Ok(report) => acknowledged += report.appended,
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains("no space left on device"), "{text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        refused > 50 && acknowledged > 1000,
        "{refused} {acknowledged}"
    );
    disk.plan(None);
    acknowledged += head.commit(&batch(&head, time + 1)).unwrap().appended;
    let (again, report) = open(&disk.after_kill());
    assert!(report.repairs.is_empty(), "{:?}", report.repairs);
    assert_eq!(report.samples_in_all(), acknowledged);
    assert_eq!(report.samples_without_series, 0);
    assert_eq!(dump(&head, ""), dump(&again, ""));
}

#[test]
fn a_failed_write_leaves_nothing() {
    for seed in 0..40 {
        let disk = FaultDisk::new(seed);
        let (head, _) = open(&disk);
        head.commit(&batch(&head, 1)).unwrap();
        disk.plan(Some(Fault::FailWrite(disk.writes())));
        let error = head.commit(&batch(&head, 2)).unwrap_err();
        assert!(matches!(error, WriteError::Log(_)));
        assert!(!dump(&head, "").contains("@2"));
        head.commit(&batch(&head, 3)).unwrap();
        let (again, report) = open(&disk.after_kill());
        assert!(report.repairs.is_empty());
        assert_eq!(report.samples_in_all(), 40);
        assert_eq!(dump(&head, ""), dump(&again, ""));
    }
}

#[test]
fn damage_is_cut_and_reported() {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    options.log.compression = Compression::None;
    options.log.segment_bytes = 32 * 1024;
    let (head, _) = Head::open(options).unwrap();
    for time in 1..=300 {
        head.commit(&batch(&head, time)).unwrap();
    }
    disk.overwrite(&wal("00000001"), |bytes| bytes[20_000] ^= 1)
        .unwrap();
    let disk = disk.after_kill();
    let (again, report) = open(&disk);
    let [repair] = &report.repairs[..] else {
        panic!("{:?}", report.repairs);
    };
    assert_eq!(repair.corruption.path, wal("00000001"));
    assert!(repair.corruption.offset <= 20_000);
    assert!(repair.corruption.reason.contains("checksum"));
    assert!(!repair.segments_removed.is_empty());
    let text = dump(&again, "");
    assert!(text.contains("@20") && !text.contains("@300"));
    // What comes now is kept.
    again.commit(&batch(&again, 1000)).unwrap();
    let (third, report) = open(&disk.after_kill());
    assert!(report.repairs.is_empty());
    assert_eq!(dump(&third, ""), dump(&again, ""));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let disk = FaultDisk::new(1);
    disk.plan(Some(Fault::ReadOnly));
    let error = Head::open(options(&disk)).unwrap_err();
    assert!(matches!(error, OpenError::NotWritable { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot write to data/wal: ") && text.contains("permission denied"),
        "{text}"
    );
}
