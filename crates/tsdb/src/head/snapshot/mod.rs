//! Chunk snapshots: all series with their open chunks as they were at a place of the log, so that a
//! start needs only the log after it.
//!
//! Folder `chunk_snapshot.SSSSSS.OOOOOOOOOO`, named by segment and offset, with segments of the log's
//! format in which each record is one series, then one of tombstones, then exemplars
//! ([`record`]; Prometheus, `tsdb/docs/format/memory_snapshot.md`). Beside them is a folder
//! `keepwatch` with what the peer's snapshots lack ([`state`]); the peer ignores it.
//!
//! [`write`] takes one while commits go on: series are written page by page, so some are newer than
//! the place in the name. That does no harm, as a start skips samples that a series has. Before the
//! folder gets its name, all closed chunks and the log are synced: a snapshot never refers to what a
//! power cut can take away. [`load`] reads one. The log alone would do too, always: a snapshot that is
//! missing, outdated or damaged costs time and nothing else.

pub(super) mod load;
pub(super) mod record;
mod rows;
pub(super) mod state;
pub(super) mod write;

use std::io;
use std::path::{Path, PathBuf};

use model::disk::Disk;

const PREFIX: &str = "chunk_snapshot.";
const UNFINISHED: &str = ".tmp";

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    pub segment: u64,
    pub offset: u64,
}

fn dir_name(position: LogPosition) -> String {
    format!("{PREFIX}{:06}.{:010}", position.segment, position.offset)
}

fn parse_name(name: &Path) -> Option<LogPosition> {
    let (segment, offset) = name.to_str()?.strip_prefix(PREFIX)?.split_once('.')?;
    Some(LogPosition {
        segment: segment.parse().ok()?,
        offset: offset.parse().ok()?,
    })
}

/// The snapshots in a data folder, oldest first.
fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<(LogPosition, PathBuf)>> {
    let mut found: Vec<_> = disk
        .list(dir)?
        .iter()
        .filter_map(|name| Some((parse_name(name)?, dir.join(name))))
        .collect();
    found.sort();
    Ok(found)
}

/// The newest snapshot.
pub(super) fn newest(disk: &dyn Disk, dir: &Path) -> io::Result<Option<(LogPosition, PathBuf)>> {
    Ok(list(disk, dir)?.pop())
}

/// Removes snapshots from before a place, and those that were being written when the process ended.
pub(super) fn remove_older(disk: &dyn Disk, dir: &Path, than: LogPosition) -> io::Result<()> {
    for (position, path) in list(disk, dir)? {
        if position < than {
            disk.remove_dir_all(&path)?;
        }
    }
    remove_unfinished(disk, dir)
}

pub(super) fn remove_unfinished(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    for name in disk.list(dir)? {
        let is_unfinished = name
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(UNFINISHED));
        if is_unfinished {
            disk.remove_dir_all(&dir.join(name))?;
        }
    }
    Ok(())
}
