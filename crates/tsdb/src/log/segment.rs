//! Names of segments and checkpoints.

use std::io;
use std::path::{Path, PathBuf};

use model::disk::Disk;

const CHECKPOINT: &str = "checkpoint.";

pub fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}"))
}

/// Numbers of the segments in a folder, ascending.
pub fn list_segments(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = disk
        .list(dir)?
        .iter()
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// A checkpoint: all that matters of the segments up to `number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCheckpoint {
    pub number: u64,
    pub dir: PathBuf,
}

pub(super) fn checkpoint_dir(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{CHECKPOINT}{number:08}"))
}

pub(super) fn checkpoints(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<LastCheckpoint>> {
    let mut found: Vec<LastCheckpoint> = disk
        .list(dir)?
        .iter()
        .filter_map(|name| {
            let number = name.to_str()?.strip_prefix(CHECKPOINT)?.parse().ok()?;
            Some(LastCheckpoint {
                number,
                dir: dir.join(name),
            })
        })
        .collect();
    found.sort_by_key(|checkpoint| checkpoint.number);
    Ok(found)
}

pub fn last_checkpoint(disk: &dyn Disk, dir: &Path) -> io::Result<Option<LastCheckpoint>> {
    Ok(checkpoints(disk, dir)?.pop())
}

/// Removes checkpoints that were being written when the process ended.
pub(crate) fn remove_unfinished_checkpoints(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    for name in disk.list(dir)? {
        let is_unfinished = name
            .to_str()
            .is_some_and(|name| name.starts_with(CHECKPOINT) && name.ends_with(".tmp"));
        if is_unfinished {
            disk.remove_dir_all(&dir.join(name))?;
        }
    }
    Ok(())
}
