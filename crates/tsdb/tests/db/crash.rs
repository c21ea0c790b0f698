//! The disk gives up at every single change that a compaction makes. Whatever is found afterwards has
//! all samples, once each, and the next compaction ends where the interrupted one would have.

use std::sync::Arc;

use testkit::disk::{Fault, FaultDisk};

use super::support::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Kill,
    PowerCut,
    /// One write fails, the process goes on.
    Failure,
}

/// A database with two blocks, overlapping deletions and enough in the head for two more, and its disk.
fn prepared() -> (FaultDisk, Dump) {
    let disk = FaultDisk::new(7);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 8 * HOUR, 10);
    db.compact().unwrap();
    db.delete(range(BASE + HOUR, BASE + 3 * HOUR), &matchers("n=3"))
        .unwrap();
    fill(&db, BASE + 8 * HOUR, BASE + 13 * HOUR, 10);
    db.head().sync().unwrap();
    let whole = all(&db);
    drop(db);
    (disk.after_kill(), whole)
}

fn run(ending: Ending) {
    let (prepared, whole) = prepared();
    // How many changes there are.
    let changes = {
        let disk = prepared.after_kill();
        let db = open(&options("data", Arc::new(disk.clone()), 2));
        let before = disk.writes();
        db.compact().unwrap();
        assert!(db.blocks().len() < 4, "blocks were merged");
        disk.writes() - before
    };
    assert!(changes > 40, "{changes}");
    for at in 0..changes {
        let disk = prepared.after_kill();
        let db = open(&options("data", Arc::new(disk.clone()), 2));
        let fault = match ending {
            Ending::Failure => Fault::FailWrite(disk.writes() + at),
            _ => Fault::CrashAtWrite(disk.writes() + at),
        };
        disk.plan(Some(fault));
        // What fails here is seen below.
        let _ = db.compact();
        let disk = match ending {
            Ending::Kill => disk.after_kill(),
            Ending::PowerCut => disk.after_power_cut(),
            Ending::Failure => {
                disk.plan(None);
                assert_eq!(all(&db), whole, "change {at}, still running");
                db.compact().unwrap();
                assert_eq!(all(&db), whole, "change {at}, running and compacted");
                disk.after_kill()
            }
        };
        drop(db);
        let db = open(&options("data", Arc::new(disk.clone()), 3));
        assert_eq!(all(&db), whole, "change {at}, opened again");
        db.compact().unwrap();
        assert_eq!(all(&db), whole, "change {at}, compacted again");
        let blocks = db.blocks();
        for pair in blocks.windows(2) {
            let (a, b) = (pair[0].meta(), pair[1].meta());
            assert!(a.max_time <= b.min_time, "change {at}: {a:?} {b:?}");
        }
        use model::disk::Disk;
        let mut names = disk.list("data".as_ref()).unwrap();
        names.retain(|name| !is_of_head(name));
        assert_eq!(names.len(), blocks.len(), "change {at}: {names:?}");
    }
}

#[test]
fn a_kill_at_any_change() {
    run(Ending::Kill);
}

#[test]
fn a_power_cut_at_any_change() {
    run(Ending::PowerCut);
}

#[test]
fn any_change_may_fail() {
    run(Ending::Failure);
}

#[test]
fn a_full_disk_loses_nothing_and_is_recovered_from() {
    let (prepared, whole) = prepared();
    for room in (0..40_000).step_by(997) {
        let disk = prepared.after_kill();
        let db = open(&options("data", Arc::new(disk.clone()), 2));
        disk.plan(Some(Fault::FullAt(disk.bytes_in_all() + room)));
        let _ = db.compact();
        assert_eq!(all(&db), whole, "room for {room}");
        disk.plan(None);
        db.compact().unwrap();
        assert_eq!(all(&db), whole, "room for {room}, then for all");
    }
}
