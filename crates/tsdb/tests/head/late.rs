//! Samples that come out of order.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::storage::{
    HistogramSample, SampleBatch, SampleRefusal, SampleWriter, SeriesBatch, TimeRange,
};
use model::time::{Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk};
use tsdb::{Head, OpenOptions};

use super::support::*;

const HOUR: i64 = 3_600_000;

fn with_window(disk: &FaultDisk) -> OpenOptions {
    let options = options(disk);
    options.out_of_order.set(Duration(24 * HOUR));
    options
}

fn open_with_window(disk: &FaultDisk) -> Head {
    let (head, report) = Head::open(with_window(disk)).unwrap();
    assert!(report.repairs.is_empty(), "{:?}", report.repairs);
    head
}

fn histogram(count: f64) -> HistogramSample {
    HistogramSample::Float(Arc::new(FloatHistogram {
        count,
        sum: count / 2.0,
        ..FloatHistogram::default()
    }))
}

fn refusals(head: &Head, rows: &[(&str, i64, f64)]) -> Vec<(usize, SampleRefusal)> {
    commit(head, rows).refused
}

/// What the newest sample of each row is, by the path for that.
fn newest(head: &Head, range: TimeRange) -> Vec<i64> {
    let list = select(head, range, &[]);
    let (mut all, mut newest) = (SeriesBatch::new(), SeriesBatch::new());
    list.read(0..list.len(), &mut all).unwrap();
    list.read_newest(0..list.len(), &mut newest).unwrap();
    let last = |batch: &SeriesBatch, row| batch.floats(row).0.last().copied();
    (0..list.len())
        .map(|row| {
            assert_eq!(last(&all, row), last(&newest, row));
            last(&all, row).unwrap()
        })
        .collect()
}

/// The kinds are the peer's, `appendable` in its `tsdb/head_append.go`.
#[test]
fn what_is_refused_depends_on_the_window() {
    let disk = FaultDisk::new(1);
    let options = options(&disk);
    let (head, _) = Head::open(options.clone()).unwrap();
    commit(
        &head,
        &[("m n=1", 10 * HOUR, 1.0), ("m n=2", 8 * HOUR + 1, 1.0)],
    );
    let rows = [
        ("m n=1", 10 * HOUR - 1, 2.0),
        ("m n=1", 8 * HOUR, 2.0),
        ("m n=1", 10 * HOUR, 2.0),
        ("m n=1", 10 * HOUR, 1.0),
        ("m n=3", 8 * HOUR, 2.0),
    ];
    let expected = [
        (0, SampleRefusal::OutOfOrder),
        (1, SampleRefusal::OutOfBounds),
        (2, SampleRefusal::DuplicateTimestamp),
        (4, SampleRefusal::OutOfBounds),
    ];
    assert_eq!(refusals(&head, &rows), expected);

    options.out_of_order.set(Duration(HOUR));
    let expected = [
        (1, SampleRefusal::TooOld),
        (2, SampleRefusal::DuplicateTimestamp),
        (4, SampleRefusal::TooOld),
    ];
    assert_eq!(refusals(&head, &rows), expected);
    // Now it is there: the same time again is passed over.
    let report = commit(&head, &rows[..1]);
    assert_eq!((report.appended, report.refused.len()), (0, 0));
    // A sample that a new series may have in order anyway.
    assert_eq!(commit(&head, &[("m n=4", 9 * HOUR, 1.0)]).appended, 1);

    options.out_of_order.set(Duration(0));
    let late = [("m n=1", 10 * HOUR - 2, 2.0)];
    assert_eq!(refusals(&head, &late), [(0, SampleRefusal::OutOfOrder)]);
    let counts = head.sample_counts().floats;
    let refused = (counts.out_of_order, counts.too_old, counts.out_of_bounds);
    assert_eq!(refused, (2, 2, 2));
    assert_eq!((counts.appended, counts.out_of_order_appended), (4, 1));
    let expected = "{__name__=\"m\", n=\"1\"} 2@35999999 1@36000000\n";
    assert_eq!(dump(&head, "n=1"), expected);
}

/// Every way of reading gives all samples in order, in every state: open, closed, and after a start.
#[test]
fn late_samples_are_read_between_the_others() {
    let disk = FaultDisk::new(1);
    let head = open_with_window(&disk);
    let mut expected = String::from("{__name__=\"m\"}");
    for minute in 0..400 {
        expected += &format!(" {minute}@{}", minute * 60_000);
    }
    expected.push('\n');
    let first = "{__name__=\"m\"} 399@23940000\n";
    commit(&head, &[("m", 399 * 60_000, 399.0)]);
    assert_eq!(dump(&head, ""), first);
    // Backwards, in strides, and several in one commit.
    for stride in 0..7 {
        let minutes: Vec<i64> = (0..399).rev().filter(|m| m % 7 == stride).collect();
        for minutes in minutes.chunks(if stride % 2 == 0 { 1 } else { 45 }) {
            let rows = minutes.iter().map(|m| ("m", m * 60_000, *m as f64));
            let rows: Vec<_> = rows.collect();
            assert_eq!(commit(&head, &rows).appended, rows.len());
        }
    }
    let part = range(100 * 60_000, 102 * 60_000 - 1);
    let check = |head: &Head| {
        assert_eq!(dump(head, ""), expected);
        assert_eq!(
            dump_list(select(head, part, &[]).as_ref()),
            "{__name__=\"m\"} 100@6000000 101@6060000\n"
        );
        assert_eq!(newest(head, part), [101 * 60_000]);
        assert_eq!(newest(head, TimeRange::ALL), [399 * 60_000]);
        assert_eq!(head.out_of_order_range(), Some(range(0, 398 * 60_000)));
        assert_eq!(head.time_range(), Some(range(399 * 60_000, 399 * 60_000)));
    };
    check(&head);
    let after_kill = disk.after_kill();
    check(&open_with_window(&after_kill));
    // Twice, as a start writes too.
    check(&open_with_window(&after_kill.after_kill()));
    // Without a window they are still there.
    let (without, _) = Head::open(options(&disk.after_kill())).unwrap();
    check(&without);
    head.close().unwrap();
    check(&open_with_window(&disk));
}

#[test]
fn histograms_and_staleness_markers_may_be_late() {
    let disk = FaultDisk::new(1);
    let head = open_with_window(&disk);
    let push = |rows: &[(&str, i64, f64)]| {
        let mut batch = SampleBatch::new();
        for (series, time, count) in rows {
            let series = resolve(&head, series);
            if count.is_nan() {
                batch.push(series, Timestamp(*time), model::sample::STALE_NAN);
            } else {
                batch.push_histogram(series, Timestamp(*time), histogram(*count));
            }
        }
        assert_eq!(head.commit(&batch).unwrap().appended, rows.len());
    };
    push(&[("h", 1_000_000, 8.0)]);
    push(&[("h", 400_000, 4.0), ("h", 500_000, f64::NAN)]);
    for time in 0..90 {
        push(&[("h", time * 1000, 2.0)]);
    }
    commit(&head, &[("h", 450_000, 1.5)]);
    let check = |head: &Head| {
        let text = dump(head, "");
        assert!(
            text.starts_with("{__name__=\"h\"} {2 1}@0 {2 1}@1000 {2 1}@2000"),
            "{text}"
        );
        let end = " {2 1}@89000 {4 2}@400000 1.5@450000 {0 NaN}@500000 {8 4}@1000000\n";
        assert!(text.ends_with(end), "{text}");
    };
    check(&head);
    check(&open_with_window(&disk.after_kill()));
    let counts = head.sample_counts();
    assert_eq!(counts.histograms.out_of_order_appended, 91);
    assert_eq!(counts.floats.out_of_order_appended, 2);
}

/// A list shows what there was when it was made.
#[test]
fn a_list_does_not_change() {
    let disk = FaultDisk::new(1);
    let head = open_with_window(&disk);
    commit(&head, &[("m", 10 * HOUR, 10.0), ("n", HOUR, 0.0)]);
    commit(&head, &[("m", 7 * HOUR, 7.0)]);
    let list = select(&head, TimeRange::ALL, &[]);
    let before = dump_list(list.as_ref());
    for step in 0..100 {
        commit(
            &head,
            &[("m", 6 * HOUR + step, 6.0), ("n", HOUR / 2 + step, 1.0)],
        );
    }
    assert_eq!(dump_list(list.as_ref()), before);
    assert!(dump(&head, "").len() > before.len() + 1000);
}

#[test]
fn a_series_may_have_late_samples_only() {
    let disk = FaultDisk::new(1);
    let head = open_with_window(&disk);
    commit(&head, &[("m", 20 * HOUR, 1.0)]);
    commit(&head, &[("late", HOUR, 1.0)]);
    let text = "{__name__=\"late\"} 1@3600000\n";
    assert_eq!(dump(&head, "__name__=late"), text);
    assert_eq!(head.stats(1).series, 2);
    // It goes neither with the times of the others, nor as one without samples.
    for _ in 0..3 {
        head.truncate(Timestamp(19 * HOUR)).unwrap();
    }
    assert_eq!(dump(&head, "__name__=late"), text);
    let head = open_with_window(&disk.after_kill());
    assert_eq!(dump(&head, "__name__=late"), text);
    assert_eq!(head.stats(1).series, 2);
}

/// Files of closed chunks stay as long as late samples are in them.
#[test]
fn truncation_leaves_late_samples_alone() {
    let disk = FaultDisk::new(1);
    let head = open_with_window(&disk);
    commit(&head, &[("m", 5 * HOUR, 1.0)]);
    for step in 0..40 {
        commit(&head, &[("m", HOUR + step, 0.5)]);
    }
    for hour in 5..20 {
        for minute in 1..60 {
            commit(&head, &[("m", hour * HOUR + minute * 60_000, 1.0)]);
        }
        head.truncate(Timestamp((hour - 1) * HOUR)).unwrap();
    }
    head.sync().unwrap();
    for head in [&head, &open_with_window(&disk.after_kill())] {
        let list = select(head, range(0, 2 * HOUR), &[]);
        let text = dump_list(list.as_ref());
        assert_eq!(text.matches("0.5@").count(), 40, "{text}");
    }
}

/// A commit with samples of both kinds is there as a whole or not at all, whichever write fails.
#[test]
fn a_commit_in_both_logs_is_whole() {
    let run = |fault: fn(u64) -> Fault, at: u64| {
        let disk = FaultDisk::new(at);
        let head = open_with_window(&disk);
        commit(&head, &[("m", 10 * HOUR, 1.0)]);
        commit(&head, &[("m", 9 * HOUR, 1.0)]);
        let writes = disk.writes();
        disk.plan(Some(fault(writes + at)));
        let mut batch = SampleBatch::new();
        batch.push(resolve(&head, "new"), Timestamp(10 * HOUR), 1.0);
        batch.push(resolve(&head, "m"), Timestamp(11 * HOUR), 1.0);
        batch.push(resolve(&head, "m"), Timestamp(8 * HOUR), 1.0);
        let is_stored = head.commit(&batch).is_ok();
        let done = disk.writes() - writes;
        let before = "{__name__=\"m\"} 1@32400000 1@36000000\n";
        let after = "{__name__=\"m\"} 1@28800000 1@32400000 1@36000000 1@39600000\n\
                     {__name__=\"new\"} 1@36000000\n";
        let expected = if is_stored { after } else { before };
        if !disk.has_crashed() {
            disk.plan(None);
            assert_eq!(dump(&head, ""), expected, "write {at}");
        }
        for image in [disk.after_kill(), disk.after_power_cut()] {
            let (head, _) = Head::open(with_window(&image)).unwrap();
            let found = dump(&head, "");
            // Nothing was synced, so commits from before may be gone in a power cut.
            let wholes = ["", "{__name__=\"m\"} 1@36000000\n", before, after];
            assert!(wholes.contains(&found.as_str()), "write {at}: {found}");
        }
        let (again, _) = Head::open(with_window(&disk.after_kill())).unwrap();
        assert_eq!(dump(&again, ""), expected, "write {at}");
        if !disk.has_crashed() {
            // The next commit does not bring back what failed.
            commit(&head, &[("m", 12 * HOUR, 1.0)]);
            let expected = expected.replacen('\n', " 1@43200000\n", 1);
            let (again, _) = Head::open(with_window(&disk.after_kill())).unwrap();
            assert_eq!(dump(&again, ""), expected, "write {at}");
        }
        (is_stored, done)
    };
    for fault in [Fault::CrashAtWrite as fn(u64) -> Fault, Fault::FailWrite] {
        let mut failures = 0;
        for at in 0.. {
            let (is_stored, done) = run(fault, at);
            if is_stored {
                assert!(done <= at);
                break;
            }
            failures += 1;
        }
        assert_eq!(failures, 2, "one write for each log");
    }
}
