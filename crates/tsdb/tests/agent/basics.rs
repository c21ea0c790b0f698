//! What is taken, what is refused, and what a reopened storage still knows.

use std::path::Path;
use std::sync::Arc;

use model::exemplar::Exemplar;
use model::histogram::{BucketSpan, Histogram};
use model::labels::Labels;
use model::storage::{
    HistogramSample, SampleBatch, SampleRefusal, SampleWriter, SeriesRef, WriteError,
};
use model::time::{Duration, Timestamp};
use testkit::disk::FaultDisk;
use tsdb::Agent;
use tsdb::agent::AgentOptions;
use tsdb::chunk::StartTimes;
use tsdb::head::Zeros;
use tsdb::log::record::{Record, decode};
use tsdb::log::{SegmentReader, segment_path};

use super::support::*;

#[test]
fn samples_are_taken_in_order_and_others_refused_one_by_one() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    let report = commit(&agent, &[("a", 10), ("b", 10), ("a", 10), ("a", 11)]);
    assert_eq!(report.appended, 3);
    assert_eq!(report.refused, [(2, SampleRefusal::OutOfOrder)]);
    let report = commit(&agent, &[("a", 9), ("b", 12)]);
    assert_eq!(report.refused, [(0, SampleRefusal::OutOfOrder)]);

    let mut batch = SampleBatch::new();
    batch.push(SeriesRef(999), Timestamp(1), 1.0);
    let torn = Histogram {
        positive_spans: vec![BucketSpan {
            offset: 0,
            length: 3,
        }],
        ..Histogram::default()
    };
    let torn = HistogramSample::Integer(Arc::new(torn));
    batch.push_histogram(resolve(&agent, "h"), Timestamp(1), torn);
    let report = agent.commit(&batch).unwrap();
    let expected = [
        (0, SampleRefusal::UnknownSeries),
        (1, SampleRefusal::Malformed),
    ];
    assert_eq!(report.refused, expected);
    let empty = agent.resolve(&Labels::empty());
    assert_eq!(empty, Err(SampleRefusal::Malformed));

    let content = content(&disk, Path::new(DIR));
    assert_eq!(content.samples["{__name__=\"a\"}"], [10, 11]);
    assert_eq!(content.samples["{__name__=\"b\"}"], [10, 12]);
    let stats = agent.stats();
    assert_eq!((stats.series, stats.floats_appended), (3, 4));
    assert_eq!(stats.out_of_order, 2);
}

#[test]
fn the_window_lets_late_samples_in() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    agent.options().out_of_order.set(Duration(100));
    commit(&agent, &[("a", 1000)]);
    let report = commit(&agent, &[("a", 901), ("a", 900)]);
    assert_eq!(report.refused, [(1, SampleRefusal::OutOfOrder)]);
    // The newest sample stays the newest.
    let report = commit(&agent, &[("a", 899)]);
    assert_eq!(report.appended, 0);
}

#[test]
fn a_reopened_storage_goes_on_with_the_same_references_and_times() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    commit(&agent, &[("a", 10), ("b", 20)]);
    let before = resolve(&agent, "b");
    agent.close().unwrap();
    let closed = agent.commit(&SampleBatch::new());
    assert_eq!(closed, Err(WriteError::Closed));

    let (agent, report) = open(&disk);
    assert_eq!((report.series, report.samples), (2, 2));
    assert_eq!(report.repair, None);
    assert_eq!(resolve(&agent, "b"), before);
    let report = commit(&agent, &[("b", 20), ("b", 21), ("c", 1)]);
    assert_eq!(report.refused, [(0, SampleRefusal::OutOfOrder)]);
    assert!(resolve(&agent, "c") > before);
}

#[test]
fn a_write_that_fails_leaves_no_trace() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    commit(&agent, &[("a", 10)]);
    disk.plan(Some(testkit::disk::Fault::FailWrite(disk.writes())));
    let mut batch = SampleBatch::new();
    batch.push(resolve(&agent, "a"), Timestamp(20), 1.0);
    batch.push(resolve(&agent, "new"), Timestamp(20), 1.0);
    agent.commit(&batch).unwrap_err();
    disk.plan(None);
    // The same again is taken, and the log has the new series.
    let report = agent.commit(&batch).unwrap();
    assert_eq!(report.appended, 2);
    let content = content(&disk, Path::new(DIR));
    assert_eq!(content.samples["{__name__=\"a\"}"], [10, 20]);
    assert_eq!(content.samples["{__name__=\"new\"}"], [20]);
}

#[test]
fn an_exemplar_is_stored_once() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    let series = resolve(&agent, "a");
    let mut batch = SampleBatch::new();
    batch.push(series, Timestamp(10), 1.0);
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace", "x")]),
        value: 1.0,
        time: None,
    };
    batch.exemplars = vec![(series, exemplar.clone()), (series, exemplar)];
    agent.commit(&batch).unwrap();
    batch.times[0] = 20;
    batch.exemplars.truncate(1);
    batch.exemplars[0].1.time = Some(Timestamp(10));
    agent.commit(&batch).unwrap();
    assert_eq!(content(&disk, Path::new(DIR)).exemplars, 1);
    assert_eq!(agent.stats().exemplars_appended, 1);
}

/// Start times by sample time, of a series that began at 5.
fn starts(change: impl Fn(&mut AgentOptions)) -> Vec<(i64, i64)> {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    change(&mut options);
    let (agent, _) = Agent::open(options).unwrap();
    for time in [10, 20] {
        let mut batch = SampleBatch::new();
        batch.push(resolve(&agent, "a"), Timestamp(time), 1.0);
        batch.set_start(Timestamp(5));
        assert_eq!(agent.commit(&batch).unwrap().appended, 1);
    }
    let path = segment_path(&Path::new(DIR).join("wal"), 0);
    let mut reader = SegmentReader::open(&disk, &path).unwrap();
    let mut found = Vec::new();
    while let Some(bytes) = reader.next_record().unwrap() {
        if let Record::Samples(samples) = decode(bytes).unwrap() {
            for (row, time) in samples.times.iter().enumerate() {
                found.push((*time, samples.start_times.get(row).copied().unwrap_or(0)));
            }
        }
    }
    found
}

#[test]
fn start_times_are_stored_or_become_zeros_as_asked() {
    assert_eq!(starts(|_| {}), [(10, 0), (20, 0)]);
    let stored = starts(|options| options.start_times = StartTimes::With);
    assert_eq!(stored, [(10, 5), (20, 5)]);
    let zeros = starts(|options| options.zeros = Zeros::Added);
    assert_eq!(zeros, [(5, 0), (10, 0), (20, 0)]);
}
