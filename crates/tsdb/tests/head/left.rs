//! A log of a Prometheus since 3.10 that dropped stale series: a tombstone of all times means that the series
//! left, and not that it stays hidden. It was read as the latter, so that a series that came back had no
//! samples.

use model::storage::TimeRange;
use testkit::disk::FaultDisk;
use tsdb::Head;
use tsdb::log::record::{
    SampleColumns, Tombstone, encode_samples, encode_series, encode_tombstones,
};
use tsdb::log::{LogOptions, LogWriter};

use super::support::*;

fn series(reference: u64, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let labels = [("__name__", name), ("pod", "x")];
    encode_series(&mut out, reference, labels.into_iter());
    out
}

fn samples(reference: u64, times: std::ops::Range<i64>) -> Vec<u8> {
    let mut columns = SampleColumns::default();
    for time in times {
        columns.push(reference, time, time as f64);
    }
    let mut out = Vec::new();
    encode_samples(&mut out, &columns);
    out
}

fn left(reference: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let tombstone = Tombstone {
        series: reference,
        start: i64::MIN,
        end: i64::MAX,
    };
    encode_tombstones(&mut out, &[tombstone]);
    out
}

fn written(records: &[Vec<u8>]) -> FaultDisk {
    let disk = FaultDisk::new(1);
    let mut log = LogWriter::open(
        std::sync::Arc::new(disk.clone()),
        &std::path::Path::new(DIR).join("wal"),
        LogOptions::default(),
    )
    .unwrap();
    for record in records {
        log.append(&[record]).unwrap();
    }
    log.close().unwrap();
    disk
}

#[test]
fn a_series_that_left_comes_back_as_another_one() {
    let disk = written(&[
        series(5, "stays"),
        series(6, "goes"),
        samples(5, 1000..1003),
        samples(6, 1000..1002),
        left(6),
        series(9, "goes"),
        series(10, "new"),
        samples(9, 2000..2002),
        samples(10, 2000..2001),
        samples(5, 2000..2001),
    ]);
    let expected = "{__name__=\"goes\", pod=\"x\"} 2000@2000 2001@2001\n\
         {__name__=\"new\", pod=\"x\"} 2000@2000\n\
         {__name__=\"stays\", pod=\"x\"} 1000@1000 1001@1001 1002@1002 2000@2000\n";
    let sorted = |head: &Head| {
        let text = dump(head, "");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n") + "\n"
    };
    for workers in [0, 2] {
        let mut options = options(&disk.after_kill());
        options.replay_workers = workers;
        let (head, report) = Head::open(options).unwrap();
        assert_eq!(sorted(&head), expected, "{workers}");
        assert_eq!(report.samples_without_series, 0);
        assert_eq!(head.stats(0).series, 3);
        let names = select(&head, TimeRange::ALL, &matchers("pod=x"));
        assert_eq!(names.len(), 3);
        // A number of a series that is gone is not given out again.
        let fresh = resolve(&head, "fresh");
        assert!(fresh.0 > 10, "{fresh:?}");
        head.close().unwrap();
    }
}

/// It may be the newest in the log, be named twice, or have never been.
#[test]
fn whatever_left_is_gone() {
    let disk = written(&[
        series(5, "a"),
        series(6, "b"),
        samples(5, 1..2),
        left(6),
        left(6),
        left(77),
    ]);
    let (head, _) = open(&disk);
    assert_eq!(dump(&head, ""), "{__name__=\"a\", pod=\"x\"} 1@1\n");
    let fresh = resolve(&head, "b pod=x");
    assert!(fresh.0 > 77, "{fresh:?}");
    assert_eq!(head.stats(0).series, 1);
    commit(&head, &[("b pod=x", 5, 5.0)]);
    assert_eq!(head.stats(0).series, 2);
}
