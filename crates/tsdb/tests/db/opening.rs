//! A database that is used before it is open.

use std::sync::Arc;
use std::thread;

use model::storage::{SampleBatch, SampleWriter, TimeRange};
use model::time::Timestamp;
use testkit::disk::FaultDisk;
use tsdb::Db;

use super::support::*;

#[test]
fn whoever_comes_early_waits_and_loses_nothing() {
    let disk = FaultDisk::new(1);
    let options = options("data", Arc::new(disk), 1);
    let db = open(&options);
    fill(&db, BASE, BASE + 5 * HOUR, 2);
    db.compact().unwrap();
    let before = all(&db);
    drop(db);

    let (db, opening) = Db::prepare(options);
    thread::scope(|scope| {
        let early = scope.spawn(|| {
            let labels = model::Labels::from_pairs([("__name__", "early")]);
            let mut batch = SampleBatch::new();
            batch.push(
                db.resolve(&labels).unwrap(),
                Timestamp(BASE + 5 * HOUR),
                1.0,
            );
            db.commit(&batch).unwrap().appended
        });
        let reading = scope.spawn(|| all(&db));
        let report = opening.finish().unwrap();
        assert!(report.blocks > 0);
        assert_eq!(early.join().unwrap(), 1);
        let mut found = reading.join().unwrap();
        found.retain(|series, _| !series.contains("early"));
        assert_eq!(found, before);
    });
    let progress = db.replay_progress();
    assert_eq!(progress.current, progress.last);
    assert_eq!(dump(&db, TimeRange::ALL, "__name__=early").len(), 1);
}

#[test]
fn an_opening_that_is_given_up_closes_the_database() {
    let (db, opening) = Db::prepare(options("data", Arc::new(FaultDisk::new(1)), 1));
    thread::scope(|scope| {
        let early = scope.spawn(|| db.commit(&SampleBatch::new()).unwrap_err());
        drop(opening);
        assert_eq!(early.join().unwrap().to_string(), "storage is closed");
    });
}
