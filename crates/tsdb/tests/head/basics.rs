//! Commit, read, refuse, reopen.

use std::sync::Arc;

use model::exemplar::Exemplar;
use model::histogram::{BucketSpan, FloatHistogram, Histogram};
use model::labels::Labels;
use model::metadata::{Metadata, MetricType};
use model::sample::STALE_NAN;
use model::storage::{
    HistogramSample, SampleBatch, SampleRefusal, SampleWriter, SeriesReader, SeriesRef, TimeRange,
};
use model::time::Timestamp;
use testkit::disk::FaultDisk;
use tsdb::head::FloatEncoding;
use tsdb::log::Compression;
use tsdb::{Head, OpenOptions, RealDisk};

use super::support::*;

fn integer_histogram(count: u64) -> HistogramSample {
    HistogramSample::Integer(Arc::new(Histogram {
        schema: 1,
        count,
        sum: count as f64 / 2.0,
        zero_threshold: 0.001,
        positive_spans: vec![BucketSpan {
            offset: 0,
            length: 2,
        }],
        positive_deltas: vec![count.cast_signed() - 1, 2 - count.cast_signed()],
        ..Histogram::default()
    }))
}

#[test]
fn what_is_committed_is_read_and_survives_a_kill() {
    let disk = FaultDisk::new(1);
    let (head, report) = open(&disk);
    assert_eq!(report.records, 0);
    commit(&head, &[("up job=a", 1000, 1.0), ("up job=b", 1000, 0.0)]);
    commit(
        &head,
        &[("up job=a", 2000, STALE_NAN), ("up job=b", 2500, 1.0)],
    );
    let expected = "\
{__name__=\"up\", job=\"a\"} 1@1000 stale@2000
{__name__=\"up\", job=\"b\"} 0@1000 1@2500
";
    assert_eq!(dump(&head, "__name__=up"), expected);

    let (again, report) = open(&disk.after_kill());
    assert_eq!((report.series, report.samples_in_all()), (2, 4));
    assert!(report.repairs.is_empty());
    assert_eq!(dump(&again, "__name__=up"), expected);
    assert_eq!(again.time_range(), Some(range(1000, 2500)));
    // The reference is the same one, and new series get another.
    assert_eq!(resolve(&again, "up job=a"), resolve(&head, "up job=a"));
    assert_ne!(resolve(&again, "up job=c"), resolve(&head, "up job=b"));
}

#[test]
fn real_files_without_compression() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = OpenOptions::new(dir.path().join("data"), Arc::new(RealDisk));
    options.log.compression = Compression::None;
    options.floats.set(FloatEncoding::Xor2);
    let (head, _) = Head::open(options.clone()).unwrap();
    for step in 0..300 {
        commit(&head, &[("up job=a", step * 15_000, step as f64)]);
    }
    head.sync().unwrap();
    let before = dump(&head, "job=a");
    head.close().unwrap();
    let error = head.commit(&SampleBatch::new()).unwrap_err();
    assert_eq!(error.to_string(), "storage is closed");
    let (head, report) = Head::open(options).unwrap();
    assert_eq!(report.samples_in_all(), 300);
    assert_eq!(dump(&head, "job=a"), before);
}

#[test]
fn ranges_cut_chunks() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    for step in 0..1000 {
        commit(&head, &[("m", step * 15_000, step as f64)]);
    }
    assert!(head.stats(1).chunks >= 8);
    let list = select(&head, range(3_000_000, 3_030_000), &matchers("__name__=m"));
    assert_eq!(
        dump_list(list.as_ref()),
        "{__name__=\"m\"} 200@3000000 201@3015000 202@3030000\n"
    );
    let list = select(
        &head,
        range(15_000_000, 16_000_000),
        &matchers("__name__=m"),
    );
    assert_eq!(list.len(), 0);
}

#[test]
fn refusals_name_their_rows() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let hour = 60 * 60 * 1000;
    commit(&head, &[("m", 10 * hour, 1.0), ("n", 10 * hour, 1.0)]);
    let (m, n) = (resolve(&head, "m"), resolve(&head, "n"));
    let mut batch = SampleBatch::new();
    for (series, time, value) in [
        (m, 10 * hour, 1.0),
        (m, 10 * hour, 2.0),
        (m, 10 * hour - 1, 2.0),
        (m, 9 * hour - 1, 2.0),
        (SeriesRef(77), 10 * hour, 1.0),
        (n, 10 * hour + 5, 1.0),
        (n, 10 * hour + 5, 1.0),
        (n, 10 * hour + 5, 3.0),
        (n, 10 * hour + 4, 3.0),
        (n, 10 * hour + 6, 4.0),
    ] {
        batch.push(series, Timestamp(time), value);
    }
    let malformed = HistogramSample::Integer(Arc::new(Histogram {
        positive_deltas: vec![1],
        ..Histogram::default()
    }));
    batch.push_histogram(m, Timestamp(11 * hour), malformed);
    let report = head.commit(&batch).unwrap();
    assert_eq!(report.appended, 2);
    assert_eq!(
        report.refused,
        [
            (1, SampleRefusal::DuplicateTimestamp),
            (2, SampleRefusal::OutOfOrder),
            (3, SampleRefusal::OutOfBounds),
            (4, SampleRefusal::UnknownSeries),
            (7, SampleRefusal::DuplicateTimestamp),
            (8, SampleRefusal::OutOfOrder),
            (10, SampleRefusal::Malformed),
        ]
    );
    assert_eq!(
        head.resolve(&Labels::empty()),
        Err(SampleRefusal::Malformed)
    );
}

#[test]
fn a_batch_whose_columns_differ_in_length_is_refused_in_part() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let m = resolve(&head, "m");
    let mut batch = SampleBatch::new();
    batch.push(m, Timestamp(1), 1.0);
    batch.series.push(m);
    let report = head.commit(&batch).unwrap();
    assert_eq!(report.refused, [(1, SampleRefusal::Malformed)]);
    assert_eq!(report.appended, 1);
}

#[test]
fn series_limit() {
    let disk = FaultDisk::new(1);
    let mut options = options(&disk);
    options.series_max = 1;
    let (head, _) = Head::open(options).unwrap();
    resolve(&head, "a");
    resolve(&head, "a");
    assert_eq!(head.resolve(&labels("b")), Err(SampleRefusal::SeriesLimit));
}

#[test]
fn series_show_with_their_first_sample() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    resolve(&head, "quiet a=1");
    commit(&head, &[("loud b=1", 1, 1.0)]);
    assert_eq!(dump(&head, ""), "{__name__=\"loud\", b=\"1\"} 1@1\n");
    assert_eq!(
        head.label_names(TimeRange::ALL, &[]).unwrap(),
        ["__name__", "b"]
    );
    assert_eq!(
        head.label_values("__name__", TimeRange::ALL, &[]).unwrap(),
        ["loud"]
    );
    assert_eq!(head.stats(1).series, 1);
}

#[test]
fn histograms_and_floats_in_one_series_and_one_batch() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let (h, f) = (resolve(&head, "h"), resolve(&head, "f"));
    let float = HistogramSample::Float(Arc::new(FloatHistogram {
        schema: 1,
        count: 7.5,
        sum: 1.25,
        ..FloatHistogram::default()
    }));
    for (time, sample) in [
        (1, Some(integer_histogram(10))),
        (2, Some(integer_histogram(20))),
        (3, None),
        (4, Some(float.clone())),
        (5, Some(integer_histogram(3))),
        (6, Some(integer_histogram(1))),
    ] {
        let mut batch = SampleBatch::new();
        match sample {
            Some(sample) => batch.push_histogram(h, Timestamp(time), sample),
            None => batch.push(h, Timestamp(time), 0.5),
        }
        batch.push(f, Timestamp(time), 1.0);
        assert_eq!(head.commit(&batch).unwrap().appended, 2);
    }
    let expected = "{__name__=\"h\"} {10 5}@1 {20 10}@2 0.5@3 {7.5 1.25}@4 {3 1.5}@5 {1 0.5}@6\n";
    assert_eq!(dump(&head, "__name__=h"), expected);
    // The same again is no news, another histogram at that time is refused.
    let mut batch = SampleBatch::new();
    batch.push_histogram(h, Timestamp(6), integer_histogram(1));
    batch.push_histogram(h, Timestamp(6), integer_histogram(2));
    batch.push(h, Timestamp(6), 2.0);
    let report = head.commit(&batch).unwrap();
    assert_eq!(report.appended, 0);
    assert_eq!(
        report.refused,
        [
            (1, SampleRefusal::DuplicateTimestamp),
            (2, SampleRefusal::DuplicateTimestamp)
        ]
    );
    let (again, report) = open(&disk.after_kill());
    assert_eq!(report.samples_in_all(), 12);
    assert_eq!(dump(&again, "__name__=h"), expected);
}

#[test]
fn a_series_of_histograms_ends_with_a_histogram() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let h = resolve(&head, "h");
    for (time, sample) in [(1, Some(integer_histogram(10))), (2, None), (2, None)] {
        let mut batch = SampleBatch::new();
        match sample {
            Some(sample) => batch.push_histogram(h, Timestamp(time), sample),
            None => batch.push(h, Timestamp(time), STALE_NAN),
        }
        assert_eq!(head.commit(&batch).unwrap().refused, []);
    }
    for head in [&head, &open(&disk.after_kill()).0] {
        assert_eq!(dump(head, ""), "{__name__=\"h\"} {10 5}@1 {0 NaN}@2\n");
        assert_eq!(head.stats(1).chunks, 1);
    }
}

#[test]
fn exemplars_and_metadata() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let m = resolve(&head, "m a=1");
    let exemplar = |id: &str, time| Exemplar {
        labels: Labels::from_pairs([("trace_id", id)]),
        value: 2.0,
        time,
    };
    let metadata = Metadata {
        metric_type: MetricType::Counter,
        help: "things".to_owned(),
        unit: String::new(),
    };
    let mut batch = SampleBatch::new();
    batch.push(m, Timestamp(10), 1.0);
    batch.exemplars.push((m, exemplar("x", None)));
    batch
        .exemplars
        .push((m, exemplar("y", Some(Timestamp(12)))));
    batch
        .exemplars
        .push((m, exemplar(&"z".repeat(200), Some(Timestamp(13)))));
    batch.metadata.push((m, metadata.clone()));
    head.commit(&batch).unwrap();
    // A repetition.
    let mut batch = SampleBatch::new();
    batch
        .exemplars
        .push((m, exemplar("y", Some(Timestamp(12)))));
    batch.metadata.push((m, metadata.clone()));
    head.commit(&batch).unwrap();
    for head in [&head, &open(&disk.after_kill()).0] {
        let found = head.exemplars(TimeRange::ALL, &[matchers("a=1")]);
        assert_eq!(found.len(), 1);
        let times: Vec<_> = found[0].1.iter().map(|exemplar| exemplar.time).collect();
        assert_eq!(times, [Some(Timestamp(10)), Some(Timestamp(12))]);
        assert!(head.exemplars(range(13, 20), &[matchers("a=1")]).is_empty());
        assert!(
            head.exemplars(TimeRange::ALL, &[matchers("a=2")])
                .is_empty()
        );
        assert_eq!(head.metadata(None), [("m".to_owned(), metadata.clone())]);
        assert_eq!(head.metadata(Some("n")), []);
    }
}

#[test]
fn deletion_hides_what_was_there_and_not_what_comes() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    for time in 1..=5 {
        commit(&head, &[("m a=1", time, time as f64), ("m a=2", time, 0.0)]);
    }
    assert_eq!(head.delete(range(2, 100), &matchers("a=1")), Ok(1));
    commit(&head, &[("m a=1", 6, 6.0)]);
    let expected = "{__name__=\"m\", a=\"1\"} 1@1 6@6\n";
    assert_eq!(dump(&head, "a=1"), expected);
    assert_eq!(dump(&open(&disk.after_kill()).0, "a=1"), expected);
}

#[test]
fn stats_name_the_largest() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    commit(
        &head,
        &[
            ("m pod=a1", 1, 1.0),
            ("m pod=a2", 1, 1.0),
            ("n pod=a1", 3, 1.0),
        ],
    );
    let stats = head.stats(2);
    let named = |counts: &[tsdb::head::NamedCount]| {
        let text = |count: &tsdb::head::NamedCount| format!("{} {}", count.name, count.count);
        counts.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    assert_eq!((stats.series, stats.chunks, stats.label_pairs), (3, 3, 4));
    assert_eq!(stats.range, Some(range(1, 3)));
    assert_eq!(named(&stats.labels.series_by_metric), "m 2, n 1");
    assert_eq!(named(&stats.labels.values_by_label), "__name__ 2, pod 2");
    assert_eq!(named(&stats.labels.bytes_by_label), "pod 6, __name__ 3");
    assert_eq!(
        named(&stats.labels.series_by_pair),
        "__name__=m 2, pod=a1 2"
    );
    assert!(
        stats.bytes > 3 * 150 && stats.bytes < 64_000,
        "{}",
        stats.bytes
    );
}

#[test]
fn rows_beyond_the_list_are_an_error() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let list = select(&head, TimeRange::ALL, &[]);
    assert!(
        list.read(0..1, &mut model::storage::SeriesBatch::new())
            .is_err()
    );
    assert!(list.labels(0).is_empty());
}
