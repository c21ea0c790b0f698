//! Making a damaged log usable again: everything from the damage on is dropped, as the peer does.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use model::disk::Disk;

use super::reader::Corruption;
use super::segment::{list_segments, segment_path};

/// What a repair cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    pub corruption: Corruption,
    /// Bytes cut off the damaged segment; for a torn write these were never acknowledged.
    pub bytes_cut: u64,
    /// Later segments, which had to go because records build on each other.
    pub segments_removed: Vec<PathBuf>,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; cut {} bytes", self.corruption, self.bytes_cut)?;
        match self.segments_removed.len() {
            0 => Ok(()),
            count => write!(f, " and removed {count} later files"),
        }
    }
}

/// Cuts segment `number` at the end of its last good record and removes all later ones.
pub(crate) fn cut(
    disk: &dyn Disk,
    dir: &Path,
    number: u64,
    corruption: Corruption,
) -> io::Result<Repair> {
    let mut segments_removed = Vec::new();
    // Newest first: a crash in between leaves a log that still ends at the damage.
    for later in list_segments(disk, dir)?.into_iter().rev() {
        if later > number {
            let path = segment_path(dir, later);
            disk.remove_file(&path)?;
            segments_removed.push(path);
        }
    }
    segments_removed.reverse();
    let mut file = disk.open_append(&segment_path(dir, number))?;
    let bytes_cut = file.length().saturating_sub(corruption.offset);
    file.truncate(corruption.offset)?;
    file.sync()?;
    disk.sync_dir(dir)?;
    Ok(Repair {
        corruption,
        bytes_cut,
        segments_removed,
    })
}
