//! Blocks from elsewhere, taken in while the database is in use.
//!
//! They come whole and checked, in a folder of their own on the disk of the data folder, and move in under the lock
//! that all writing and removing of blocks holds: no merge misses one or works on half of them. Whatever the
//! retention would drop at once, be it of them or of what is there, is refused before anything moves.

use std::io;
use std::path::{Path, PathBuf};

use model::time::{Duration, Timestamp};

use super::compaction::CompactError;
use super::{Db, Inner};
use crate::block::{Block, BlockError, BlockMeta, Ulid};

/// Why blocks were not taken in. Nothing was changed, except where it says so.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    #[error(
        "the server is writing or merging blocks, which takes long; nothing was taken in, try again later"
    )]
    Busy,
    #[error("the block {0} is there already; remove it first, or leave it out")]
    Present(Ulid),
    #[error("the block {ulid} is there already, as a part of {into}; leave it out")]
    Merged { ulid: Ulid, into: Ulid },
    #[error(
        "samples that end {age} ago (block {ulid}) are beyond the retention of {kept}, which would drop them; raise it, or leave them out"
    )]
    TooOld {
        ulid: Ulid,
        age: Duration,
        kept: Duration,
    },
    #[error(
        "the new blocks take {bytes} bytes, and the retention by size leaves room for {room}, so that the oldest samples would be dropped; raise it, or leave out some"
    )]
    TooLarge { bytes: u64, room: u64 },
    #[error("{0}")]
    Damaged(#[from] BlockError),
    #[error("{doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// They are in the folder; the next look at it may show them.
    #[error("the blocks are in the data folder, and cannot be shown yet: {0}")]
    Shown(#[source] CompactError),
}

impl AdoptError {
    /// Whether the blocks themselves are the reason.
    pub fn is_of_input(&self) -> bool {
        match self {
            Self::Present(_)
            | Self::Merged { .. }
            | Self::TooOld { .. }
            | Self::TooLarge { .. }
            | Self::Damaged(_) => true,
            Self::Busy | Self::Io { .. } | Self::Shown(_) => false,
        }
    }
}

impl Db {
    /// Moves all blocks in the folder `staged` into the data folder, and shows them. A merge that goes on is waited
    /// for no longer than `patience`.
    ///
    /// They must be partial ([`crate::block::Compaction::is_partial`]), which [`crate::block::BlockBuilder`] and
    /// [`Block::disown`] see to; others would be taken for the head's own.
    pub fn adopt(
        &self,
        staged: &Path,
        now: Timestamp,
        patience: std::time::Duration,
    ) -> Result<Vec<BlockMeta>, AdoptError> {
        let inner = &self.0;
        let blocks = inner.staged(staged)?;
        let Some(_maintenance) = inner.maintenance.try_lock_for(patience) else {
            return Err(AdoptError::Busy);
        };
        // What others put there counts too.
        inner.reload().map_err(AdoptError::Shown)?;
        inner.check_present(&blocks)?;
        inner.check_retention(&blocks, now)?;
        inner.move_in(&blocks)?;
        inner.reload().map_err(AdoptError::Shown)?;
        Ok(blocks.iter().map(Block::meta).collect())
    }
}

fn io_error<'p>(doing: &'static str, path: &'p Path) -> impl Fn(io::Error) -> AdoptError + 'p {
    move |source| AdoptError::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

impl Inner {
    /// The blocks in the folder, by time.
    fn staged(&self, staged: &Path) -> Result<Vec<Block>, AdoptError> {
        let disk = self.options.head.disk.as_ref();
        let names = disk.list(staged).map_err(io_error("reading", staged))?;
        let mut blocks = Vec::new();
        for name in names {
            if name.to_str().and_then(Ulid::parse).is_some() {
                let block = Block::open(disk, &staged.join(name))?;
                debug_assert!(block.meta().compaction.is_partial());
                blocks.push(block);
            }
        }
        blocks.sort_by_key(|block| (block.meta().min_time, block.ulid()));
        Ok(blocks)
    }

    fn check_present(&self, blocks: &[Block]) -> Result<(), AdoptError> {
        let disk = self.options.head.disk.as_ref();
        let set = self.set();
        for ulid in blocks.iter().map(Block::ulid) {
            if disk.exists(&self.options.head.dir.join(ulid.to_string())) {
                return Err(AdoptError::Present(ulid));
            }
            let is_of = |block: &&Block| {
                let compaction = block.meta().compaction;
                compaction.sources.contains(&ulid)
                    || compaction.parents.iter().any(|parent| parent.ulid == ulid)
            };
            if let Some(into) = set.blocks.iter().find(is_of).map(Block::ulid) {
                return Err(AdoptError::Merged { ulid, into });
            }
        }
        Ok(())
    }

    /// The retention drops by the newest block. The next one of the head will be of about now.
    fn check_retention(&self, blocks: &[Block], now: Timestamp) -> Result<(), AdoptError> {
        let retention = *self.retention.lock();
        let set = self.set();
        if let Some(kept) = retention.time {
            let newest = set.blocks.iter().map(|block| block.meta().max_time);
            let newest = newest.fold(now.0, i64::max);
            let oldest = blocks.iter().min_by_key(|block| block.meta().max_time);
            if let Some(block) = oldest {
                let age = Duration(newest.saturating_sub(block.meta().max_time));
                if age >= kept {
                    let ulid = block.ulid();
                    return Err(AdoptError::TooOld { ulid, age, kept });
                }
            }
        }
        if let Some(limit) = retention.bytes {
            let reading = io_error("reading", &self.options.head.dir);
            let head = self.head_bytes().map_err(reading)?;
            let own: u64 = set.blocks.iter().map(Block::size).sum();
            let bytes = blocks.iter().map(Block::size).sum();
            let room = limit.saturating_sub(head.saturating_add(own));
            if bytes > room {
                return Err(AdoptError::TooLarge { bytes, room });
            }
        }
        Ok(())
    }

    /// All of them or, as far as the disk lets, none.
    fn move_in(&self, blocks: &[Block]) -> Result<(), AdoptError> {
        let disk = self.options.head.disk.as_ref();
        let dir = &self.options.head.dir;
        let place = |block: &Block| dir.join(block.ulid().to_string());
        for (count, block) in blocks.iter().enumerate() {
            let Err(error) = disk.rename(block.dir(), &place(block)) else {
                continue;
            };
            for moved in blocks.iter().take(count) {
                // If this fails too, the block stays, which is whole.
                let _ = disk.rename(&place(moved), moved.dir());
            }
            return Err(io_error("moving a block to", &place(block))(error));
        }
        disk.sync_dir(dir).map_err(io_error("syncing", dir))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::clock::ManualClock;
    use model::disk::Disk;
    use testkit::disk::FaultDisk;

    use super::*;
    use crate::block::UlidSource;
    use crate::{DbOptions, OpenOptions};

    #[test]
    fn a_merge_is_not_waited_for_forever() {
        let disk = FaultDisk::new(1);
        let staged = Path::new("data/staged");
        disk.create_dir_all(staged).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let head = OpenOptions::new("data", Arc::new(disk));
        let (db, _) = Db::open(DbOptions::new(head, UlidSource::new(clock, 1))).unwrap();
        let adopt = || db.adopt(staged, Timestamp(0), std::time::Duration::ZERO);
        let merging = db.0.maintenance.lock();
        let error = adopt().unwrap_err();
        assert!(matches!(error, AdoptError::Busy), "{error}");
        assert!(!error.is_of_input());
        drop(merging);
        assert_eq!(adopt().unwrap(), []);
    }
}
