//! Blocks from elsewhere are there at once, nothing of what was there is lost by them, and what the retention would
//! drop is refused.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as Wait;

use model::disk::Disk;
use model::labels::Labels;
use model::storage::TimeRange;
use model::time::{Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk};
use tsdb::Db;
use tsdb::block::{Block, BlockBuilder, Ulid};
use tsdb::db::{AdoptError, Retention};

use super::support::*;

const STAGED: &str = "data/staged";
const ULID: Ulid = Ulid(7);

struct Folder {
    disk: FaultDisk,
    db: Db,
}

impl Folder {
    fn new() -> Self {
        let disk = FaultDisk::new(1);
        let db = open(&options("data", Arc::new(disk.clone()), 1));
        Self { disk, db }
    }

    /// A staged block with a sample a minute.
    fn stage(&self, ulid: Ulid, start: i64, end: i64) {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        disk.create_dir_all(Path::new(STAGED)).unwrap();
        let mut builder = BlockBuilder::new();
        for time in (start..end).step_by(60_000) {
            builder.add(&Labels::from_name("imported"), time, 1.0);
        }
        builder.write(&disk, Path::new(STAGED), ulid).unwrap();
    }

    fn adopt(&self, now: i64) -> Result<usize, AdoptError> {
        let metas = self
            .db
            .adopt(Path::new(STAGED), Timestamp(now), Wait::ZERO)?;
        Ok(metas.len())
    }

    fn staged(&self) -> usize {
        self.disk.list(Path::new(STAGED)).unwrap().len()
    }

    fn reopened(&self) -> Db {
        open(&options("data", Arc::new(self.disk.after_kill()), 2))
    }
}

fn own(db: &Db) -> Dump {
    dump(db, TimeRange::ALL, "__name__!=imported")
}

fn imported(db: &Db) -> usize {
    let found = dump(db, TimeRange::ALL, "__name__=imported");
    found.values().map(Vec::len).sum()
}

/// Whether the database has its own samples still, and so many imported ones.
#[track_caller]
fn assert_holds(db: &Db, expected: &Dump, count: usize) {
    let found = own(db);
    let keys = expected.keys().chain(found.keys());
    for key in keys {
        let (expected, found) = (expected.get(key), found.get(key));
        let lengths = (expected.map(Vec::len), found.map(Vec::len));
        assert!(expected == found, "{key}: {lengths:?}");
    }
    assert_eq!(imported(db), count);
}

#[test]
fn the_head_keeps_what_it_has_of_the_same_time() {
    let folder = Folder::new();
    let db = &folder.db;
    fill(db, BASE, BASE + 8 * HOUR, 5);
    db.compact().unwrap();
    let before = own(db);
    // Before, beside and after all that there is: in the head, in its blocks, and ahead of both.
    folder.stage(ULID, BASE - HOUR, BASE + 9 * HOUR);
    assert_eq!(folder.adopt(BASE + 8 * HOUR).unwrap(), 1);
    assert_holds(db, &before, 600);
    // Merging must not make a block of it that says that the head is done with this time.
    db.compact().unwrap();
    assert_holds(db, &before, 600);
    assert_holds(&folder.reopened(), &before, 600);
    // The head goes on, also where the block is.
    fill(db, BASE + 8 * HOUR, BASE + 14 * HOUR, 5);
    let whole = own(db);
    db.compact().unwrap();
    assert_holds(db, &whole, 600);
    assert_holds(&folder.reopened(), &whole, 600);
}

/// What blocks say of other blocks and of themselves is of the folder that they come from.
#[test]
fn a_disowned_block_takes_nobodys_place() {
    let folder = Folder::new();
    let db = &folder.db;
    fill(db, BASE, BASE + 8 * HOUR, 5);
    db.compact().unwrap();
    let before = own(db);
    // A part of what the blocks were merged into, by another server's word.
    let parents = db
        .blocks()
        .into_iter()
        .map(|block| block.meta().ulid.to_string());
    let parents: Vec<String> = parents
        .map(|ulid| format!(r#"{{"ulid":"{ulid}","minTime":0,"maxTime":1}}"#))
        .collect();
    folder.stage(ULID, BASE, BASE + HOUR);
    let dir = Path::new(STAGED).join(ULID.to_string());
    let meta = format!(
        r#"{{"ulid":"{ULID}","minTime":{BASE},"maxTime":{},"compaction":{{"level":2,"sources":["{ULID}"],"deletable":true,"parents":[{}]}},"version":1}}"#,
        BASE + 100 * HOUR,
        parents.join(",")
    );
    let disk = &folder.disk;
    let replace = |bytes: &mut Vec<u8>| *bytes = meta.into_bytes();
    disk.overwrite(&dir.join("meta.json"), replace).unwrap();
    Block::open(disk, &dir).unwrap().disown(disk).unwrap();
    folder.adopt(BASE + 100 * HOUR).unwrap();
    assert_holds(db, &before, 60);
    assert_holds(&folder.reopened(), &before, 60);
}

#[test]
fn what_is_there_is_refused() {
    let folder = Folder::new();
    folder.stage(ULID, BASE, BASE + HOUR);
    folder.adopt(BASE).unwrap();
    folder.stage(ULID, BASE, BASE + HOUR);
    let error = folder.adopt(BASE).unwrap_err();
    assert!(
        matches!(error, AdoptError::Present(ulid) if ulid == ULID),
        "{error}"
    );
    assert!(error.is_of_input());
    // Also as a part of a longer one. The head's blocks behind it make it one that can be merged.
    folder.stage(Ulid(8), BASE + HOUR / 2, BASE + HOUR);
    folder
        .disk
        .remove_dir_all(&Path::new(STAGED).join(ULID.to_string()))
        .unwrap();
    folder.adopt(BASE).unwrap();
    fill(&folder.db, BASE + 2 * HOUR, BASE + 8 * HOUR, 5);
    folder.db.compact().unwrap();
    assert!(
        folder
            .db
            .blocks()
            .iter()
            .all(|block| block.meta().ulid != ULID)
    );
    folder.stage(ULID, BASE, BASE + HOUR);
    let error = folder.adopt(BASE).unwrap_err();
    assert!(
        matches!(error, AdoptError::Merged { ulid, .. } if ulid == ULID),
        "{error}"
    );
    assert_eq!(imported(&folder.db), 60);
}

#[test]
fn what_the_retention_would_drop_is_refused() {
    let folder = Folder::new();
    let db = &folder.db;
    fill(db, BASE, BASE + 8 * HOUR, 5);
    db.compact().unwrap();
    let before = own(db);
    folder.stage(ULID, BASE - 4 * HOUR, BASE - 2 * HOUR);
    let now = BASE + 8 * HOUR;
    db.set_retention(Retention {
        time: Some(Duration(9 * HOUR)),
        bytes: None,
    });
    let error = folder.adopt(now).unwrap_err();
    assert!(
        error.to_string().starts_with("samples that end 10h"),
        "{error}"
    );
    assert!(
        error.to_string().contains("beyond the retention of 9h"),
        "{error}"
    );
    let used: u64 = db.blocks().iter().map(Block::size).sum();
    let head: u64 = ["wal", "wbl", "chunks_head"]
        .iter()
        .map(|name| Path::new("data").join(name))
        .flat_map(|dir| {
            let names = folder.disk.list(&dir).unwrap_or_default();
            names.into_iter().map(move |name| dir.join(name))
        })
        .map(|path| folder.disk.length(&path).unwrap_or(0))
        .sum();
    db.set_retention(Retention {
        time: None,
        bytes: Some(used + head + 100),
    });
    let error = folder.adopt(now).unwrap_err();
    assert!(
        matches!(error, AdoptError::TooLarge { room: 100, .. }),
        "{error}"
    );
    // Nothing moved, nothing went.
    assert_holds(db, &before, 0);
    assert_eq!(folder.staged(), 1);
    db.set_retention(Retention {
        time: Some(Duration(11 * HOUR)),
        bytes: Some(used + head + 100_000),
    });
    assert_eq!(folder.adopt(now).unwrap(), 1);
    assert_eq!(imported(db), 120);
}

/// Whatever fails on the disk, all of the blocks are visible or none, and none is lost.
#[test]
fn a_failing_disk_leaves_the_blocks_where_they_were() {
    for failing in 0.. {
        let folder = Folder::new();
        for n in 0..3u8 {
            let start = BASE + i64::from(n) * HOUR;
            folder.stage(Ulid(u128::from(n) + 7), start, start + HOUR);
        }
        let write = folder.disk.writes() + failing;
        folder.disk.plan(Some(Fault::FailWrite(write)));
        let adopted = folder.adopt(BASE);
        folder.disk.plan(None);
        if adopted.is_ok() {
            assert_eq!(failing, 3, "a rename for each");
            assert_eq!(imported(&folder.db), 180);
            return;
        }
        assert!(!adopted.unwrap_err().is_of_input());
        let names = folder.disk.list(Path::new("data")).unwrap();
        let moved = names
            .iter()
            .filter(|name| name.to_str().and_then(Ulid::parse).is_some())
            .count();
        assert_eq!((moved, folder.staged()), (0, 3), "{failing}");
    }
}
