//! A copy of the database for backups: blocks as hard links, the head as one more block.

use std::io;
use std::path::{Path, PathBuf};

use model::storage::TimeRange;
use model::time::Timestamp;

use super::Db;
use crate::block::Block;
use crate::block::chunks::CHUNKS_DIR;
use crate::block::index::INDEX_FILE;
use crate::block::meta::META_FILE;
use crate::block::tombstones::TOMBSTONES_FILE;
use crate::compact::head::{write_head, write_late};
use crate::compact::{Destination, MakeBlockError};
use crate::head::Growth;

/// What becomes of samples that are not in a block yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadPart {
    Include,
    Skip,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("linking {}: {source}", path.display())]
    Link { path: PathBuf, source: io::Error },
    #[error("closing samples that came out of order: {0}")]
    Late(io::Error),
    #[error("writing a block of the head: {0}")]
    Head(#[from] MakeBlockError),
}

impl Db {
    /// Makes the copy in `dir`, which is on the file system of the data folder and is made if it is not
    /// there. Nothing is locked out meanwhile but compactions.
    pub fn snapshot(&self, dir: &Path, head: HeadPart) -> Result<(), SnapshotError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        let disk = &inner.options.head.disk;
        disk.create_dir_all(dir).map_err(link_error(dir))?;
        for block in &inner.set().blocks {
            self.link(block, dir)?;
        }
        if let (HeadPart::Include, Some(range)) = (head, inner.head().time_range()) {
            // What is in blocks already may still be in memory.
            let written = inner.set().head_start.unwrap_or(Timestamp::MIN);
            let range = TimeRange::new(range.start.max(written), range.end);
            let destination = Destination {
                disk,
                dir,
                segment_bytes: inner.options.segment_bytes,
                is_cancelled: &inner.is_closing,
            };
            if range.start <= range.end {
                let ulid = inner.options.ulids.make();
                write_head(&destination, inner.head(), range, Growth::Possible, ulid)?;
            }
            if let Some(cut) = inner.head().cut_late().map_err(SnapshotError::Late)? {
                let block_range = inner.options.head.block_range.0.max(1);
                let ulid = || inner.options.ulids.make();
                write_late(&destination, inner.head(), &cut, block_range, ulid)?;
            }
        }
        disk.sync_dir(dir).map_err(link_error(dir))
    }

    fn link(&self, block: &Block, dir: &Path) -> Result<(), SnapshotError> {
        let disk = self.0.options.head.disk.as_ref();
        let from = block.dir();
        let to = dir.join(block.ulid().to_string());
        let chunks = to.join(CHUNKS_DIR);
        disk.create_dir_all(&chunks).map_err(link_error(&chunks))?;
        for name in [META_FILE, INDEX_FILE, TOMBSTONES_FILE] {
            let source = from.join(name);
            // A block of an old release may have no tombstones.
            if name != TOMBSTONES_FILE || disk.exists(&source) {
                let linked = disk.hard_link(&source, &to.join(name));
                linked.map_err(link_error(&source))?;
            }
        }
        let segments = from.join(CHUNKS_DIR);
        for name in disk.list(&segments).map_err(link_error(&segments))? {
            let source = segments.join(&name);
            let linked = disk.hard_link(&source, &chunks.join(&name));
            linked.map_err(link_error(&source))?;
        }
        disk.sync_dir(&chunks).map_err(link_error(&chunks))?;
        disk.sync_dir(&to).map_err(link_error(&to))
    }
}

fn link_error(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_path_buf();
    move |source| SnapshotError::Link { path, source }
}
