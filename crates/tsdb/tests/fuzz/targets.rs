//! What fuzzers run, as functions: the targets in `fuzz/` call them with bytes from libFuzzer, the tests with
//! random ones.
//!
//! The bytes say how a real file is changed: the first one how, then come changes of five bytes each, the
//! place, what to do there, and with what. So no corpus is needed to get behind the checksums.

use std::path::{Path, PathBuf};

use model::disk::Disk;
use model::storage::{Projection, ReadError, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
use testkit::disk::FaultDisk;
use tsdb::block::Block;
use tsdb::chunk::{Encoding, Wanted, decode, samples_in, time_range};
use tsdb::{Db, Head};

use crate::folder::{FOLDER, options};
use crate::repair;

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Index,
    Segment,
    Tombstones,
    Meta,
    HeadChunks,
    Log,
    Checkpoint,
    LateLog,
    Snapshot,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Index,
        Self::Segment,
        Self::Tombstones,
        Self::Meta,
        Self::HeadChunks,
        Self::Log,
        Self::Checkpoint,
        Self::LateLog,
        Self::Snapshot,
    ];

    fn path(self) -> PathBuf {
        let folder = &*FOLDER;
        // The last of them is the one in use.
        let newest = |dir: &Path| {
            let names = folder.disk.list(dir).unwrap_or_default();
            let is_file = |name: &PathBuf| name.to_string_lossy().parse::<u64>().is_ok();
            let newest = names.into_iter().filter(is_file).max();
            dir.join(newest.unwrap_or_default())
        };
        match self {
            Self::Index => folder.block.join("index"),
            Self::Segment => folder.block.join("chunks/000001"),
            Self::Tombstones => folder.block.join("tombstones"),
            Self::Meta => folder.block.join("meta.json"),
            Self::HeadChunks => newest(Path::new("data/chunks_head")),
            Self::Log => newest(Path::new("data/wal")),
            Self::LateLog => newest(Path::new("data/wbl")),
            Self::Checkpoint => newest(&folder.checkpoint),
            Self::Snapshot => newest(&folder.snapshot),
        }
    }

    fn is_log(self) -> bool {
        matches!(
            self,
            Self::Log | Self::Checkpoint | Self::LateLog | Self::Snapshot
        )
    }

    fn is_of_block(self) -> bool {
        matches!(
            self,
            Self::Index | Self::Segment | Self::Tombstones | Self::Meta
        )
    }
}

/// How the bytes are meant.
const RAW: u8 = 3;
const LEAVE_CHECKSUMS: u8 = 0;

/// Changes a file, and reads everything that there is then: answers or errors, no panic, and an error of a
/// block names a file of it.
pub fn file(kind: Kind, bytes: &[u8]) {
    let Some((how, changes)) = bytes.split_first() else {
        return;
    };
    let disk = FOLDER.disk.after_kill();
    let path = kind.path();
    let real = disk.read(&path).unwrap();
    let changed = match how % 4 {
        RAW => changes.to_vec(),
        LEAVE_CHECKSUMS => changed(&[real], changes).concat(),
        _ if kind.is_log() => {
            let records = repair::records(&disk, &path);
            repair::log_of(&changed(&records, changes))
        }
        _ => {
            let mut bytes = changed(&[real], changes).concat();
            match kind {
                Kind::Index => repair::index(&mut bytes),
                Kind::Segment => repair::segment(&mut bytes),
                Kind::Tombstones => repair::tombstones(&mut bytes),
                Kind::HeadChunks => repair::head_chunks(&mut bytes),
                _ => {}
            }
            bytes
        }
    };
    disk.overwrite(&path, |old| *old = changed).unwrap();
    if kind.is_of_block() {
        read_block(&disk);
    } else {
        open_twice(&disk);
    }
}

/// The parts with the changes; a part is a file or a record.
fn changed(parts: &[Vec<u8>], changes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = parts.to_vec();
    for change in changes.chunks_exact(5) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let count = parts.len().max(1);
        let Some(part) = parts.get_mut(place % count) else {
            return parts;
        };
        let place = if count == 1 {
            place
        } else {
            usize::from(change[4])
        };
        if part.is_empty() {
            continue;
        }
        let at = place % part.len();
        let value = change[3];
        match change[2] % 8 {
            0 => part[at] = value,
            1 => part[at] ^= 1 << (value % 8),
            2 => part.truncate(at),
            3 => part.insert(at, value),
            4 => {
                part.remove(at);
            }
            5 => {
                let end = part.len().min(at + 8);
                part[at..end].fill(value);
            }
            6 => {
                let end = part.len().min(at + usize::from(value));
                let copy = part[at..end].to_vec();
                part.splice(at..at, copy);
            }
            _ => {
                let end = part.len().min(at + usize::from(value));
                part.drain(at..end);
            }
        }
    }
    parts
}

fn read_block(disk: &FaultDisk) {
    let dir = &FOLDER.block;
    match Block::open(disk, dir) {
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&dir.display().to_string()), "{text}");
        }
        Ok(block) => {
            let _ = read(&block);
        }
    }
    // The others are not affected, and a merge ends.
    if let Ok((db, _)) = Db::open(options(disk)) {
        let _ = read(&db);
        let _ = db.clean_tombstones();
        let _ = read(&db);
    }
}

fn open_twice(disk: &FaultDisk) {
    let Ok((db, _)) = Db::open(options(disk)) else {
        return;
    };
    let first = read(&db);
    drop(db);
    // What was repaired once is in order.
    let (db, _) = Db::open(options(&disk.after_kill())).unwrap();
    if let (Ok(first), Ok(second)) = (first, read(&db)) {
        assert_eq!(first, second);
    }
    let _ = Head::truncate(db.head(), model::Timestamp(0));
    let _ = db.compact();
    let _ = read(&db);
}

/// The number of series and samples.
fn read(reader: &dyn SeriesReader) -> Result<(usize, usize), ReadError> {
    let list = reader.select(&SelectRequest {
        range: TimeRange::ALL,
        matchers: &[],
        projection: Projection::All,
    })?;
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch)?;
    for row in 0..list.len() {
        list.labels(row);
    }
    list.groups(Projection::AllBut(&["n".to_owned()]));
    reader.label_names(TimeRange::ALL, &[])?;
    reader.label_values("n", TimeRange::ALL, &[])?;
    Ok((list.len(), batch.times.len()))
}

/// The first byte is the encoding, the others are the data of a chunk.
pub fn chunk(bytes: &[u8]) {
    let Some((encoding, data)) = bytes.split_first() else {
        return;
    };
    let Some(encoding) = Encoding::from_byte(encoding % 7) else {
        return;
    };
    let mut batch = SeriesBatch::new();
    let decoded = decode(encoding, data, Wanted::ALL, &mut batch);
    assert!(batch.times.len() <= samples_in(encoding, data));
    if decoded.is_ok() {
        assert_eq!(batch.times.len(), samples_in(encoding, data));
    }
    let _ = time_range(encoding, data);
}
