//! Readers see whole commits, while commits go on.

use std::sync::atomic::{AtomicBool, Ordering};

use model::storage::{SampleBatch, SampleWriter, SeriesBatch, SeriesRef, TimeRange};
use model::time::Timestamp;
use testkit::disk::FaultDisk;

use super::support::*;

/// Each commit gives all series one more sample with the number of the commit. Whenever anybody
/// looks, all series have equally many, and a list that was made stays as it is.
#[test]
fn readers_never_see_half_a_commit() {
    const SERIES: usize = 600;
    const COMMITS: i64 = 400;
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    let refs: Vec<SeriesRef> = (0..SERIES)
        .map(|n| resolve(&head, &format!("m n={n} half={}", n % 2)))
        .collect();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (head, is_done) = (&head, &is_done);
                scope.spawn(move || {
                    let selector = ["__name__=m", "half=1", "n=~.*[02468]"][reader];
                    let mut looks = 0;
                    let mut batch = SeriesBatch::new();
                    loop {
                        let is_last = is_done.load(Ordering::SeqCst);
                        let list = select(head, TimeRange::ALL, &matchers(selector));
                        // Two passes with time in between: the list is a snapshot.
                        let mut counts = Vec::new();
                        for _ in 0..2 {
                            batch.clear();
                            for row in 0..list.len() {
                                list.read(row..row + 1, &mut batch).unwrap();
                            }
                            for row in 0..list.len() {
                                let (times, values) = batch.floats(row);
                                counts.push(times.len());
                                assert_eq!(values.last().copied(), times.last().map(|t| *t as f64));
                            }
                        }
                        assert!(counts.windows(2).all(|pair| pair[0] == pair[1]));
                        looks += 1;
                        if is_last {
                            return looks;
                        }
                    }
                })
            })
            .collect();
        for time in 1..=COMMITS {
            let mut batch = SampleBatch::new();
            for series in &refs {
                batch.push(*series, Timestamp(time), time as f64);
            }
            head.commit(&batch).unwrap();
        }
        is_done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.join().unwrap() >= 1);
        }
    });
    assert_eq!(select(&head, TimeRange::ALL, &[]).len(), SERIES);
}

/// Several writers, each with its own series, and new series all the time.
#[test]
fn writers_side_by_side() {
    let disk = FaultDisk::new(1);
    let (head, _) = open(&disk);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let head = &head;
            scope.spawn(move || {
                for time in 1..=50 {
                    let fresh = format!("m writer={writer} time={time}");
                    let steady = format!("m writer={writer}");
                    let report = commit(head, &[(&steady, time, 1.0), (&fresh, time, 2.0)]);
                    assert_eq!(report.appended, 2);
                }
            });
        }
    });
    let (again, report) = open(&disk.after_kill());
    assert_eq!((report.series, report.samples_in_all()), (204, 400));
    assert_eq!(dump(&head, ""), dump(&again, ""));
}
