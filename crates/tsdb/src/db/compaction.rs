//! Writing the head out, merging blocks, dropping what is too old; and reloading, which makes the result
//! visible.
//!
//! A block becomes visible by the rename of its folder and names the blocks that it was made of; those
//! are removed afterwards, by whoever looks at the folder next. So a crash at any point leaves either
//! the old blocks or the new one in effect, or both, of which the old ones then go.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::matcher::Matcher;
use model::storage::{TimeRange, WriteError};
use model::time::{Duration, Timestamp};

use super::counters::Counters;
use super::set::{BlockSet, remove_block};
use super::{Db, Inner};
use crate::block::meta::HINT_OUT_OF_ORDER;
use crate::block::{Block, BlockError, BlockMeta, DeleteError, Ulid};
use crate::compact::head::{write_head, write_late};
use crate::compact::merge::{Merged, merge_blocks, merged_meta, rewritten_meta};
use crate::compact::{Destination, MakeBlockError, plan::plan};
use crate::error::TruncateError;
use crate::head::Growth;

/// Why a compaction did not come to its end. What it did until then stays, the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    #[error("writing a block of the head: {0}")]
    Head(MakeBlockError),
    #[error("making the log durable, before a block is made of the head: {0}")]
    Log(WriteError),
    #[error("writing blocks of samples that came out of order: {0}")]
    Late(MakeBlockError),
    #[error("moving samples that came out of order: {0}")]
    LateFiles(io::Error),
    #[error("dropping from memory what is in a block now: {0}")]
    Truncate(#[from] TruncateError),
    #[error("making one block of {blocks:?}: {source}")]
    Merge {
        blocks: Vec<Ulid>,
        source: MakeBlockError,
    },
    #[error("dropping stale series from memory, which are in a block now: {0}")]
    Leave(WriteError),
    #[error("looking at the blocks in {}: {source}", dir.display())]
    Reload { dir: PathBuf, source: io::Error },
}

/// Why samples were not deleted, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum DbDeleteError {
    #[error("deleting from the head: {0}")]
    Head(#[from] WriteError),
    #[error("writing out samples that came out of order, to delete some: {0}")]
    Late(CompactError),
    #[error("deleting from block {ulid}: {source}")]
    Block { ulid: Ulid, source: DeleteError },
}

impl CompactError {
    /// Nothing is wrong: the database was closed in between.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Head(MakeBlockError::Cancelled)
                | Self::Late(MakeBlockError::Cancelled)
                | Self::Merge {
                    source: MakeBlockError::Cancelled,
                    ..
                }
        )
    }
}

impl Db {
    /// Whether there is more to do at once: a part of the head waits to be written out, or another block to be
    /// made anew. Cheap enough to be asked every second.
    pub fn is_compaction_due(&self) -> bool {
        self.0.head_range().is_some() || self.0.rules.is_more_due()
    }

    /// Does what there is to do: blocks of the head, longer blocks of blocks, dropping old ones, and making one
    /// anew by the rules of the retention. To be called every minute or so, from a thread that may take its
    /// time.
    pub fn compact(&self) -> Result<(), CompactError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        let result = inner.compact().and_then(|()| inner.apply_rules());
        if result.as_ref().is_err_and(|error| !error.is_cancelled()) {
            Counters::add(&inner.counters.compactions_failed);
        }
        result
    }

    /// Writes out all of the head but the newest `kept`, although it is too short for a block of its own, to
    /// drop series that have ended from memory. Samples older than that are refused from then on. Does
    /// nothing while less than another `kept` would be written.
    pub fn compact_early(&self, kept: Duration) -> Result<(), CompactError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        inner.compact()?;
        let Some(range) = inner.early_range(kept) else {
            return Ok(());
        };
        inner.head().close_before(Timestamp(range.end.0 + 1));
        inner.compact_head(range)
    }

    /// Looks at the folder again: takes in blocks that others put there, and drops those that are beyond
    /// the retention or were merged into others.
    pub fn reload(&self) -> Result<(), CompactError> {
        let _maintenance = self.0.maintenance.lock();
        self.0.reload()
    }

    /// Deletes the samples of matching series in the range; they are gone from answers at once. Gives
    /// the number of series, each counted in every place that has it.
    pub fn delete(&self, range: TimeRange, matchers: &[Matcher]) -> Result<usize, DbDeleteError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        let disk = inner.options.head.disk.as_ref();
        // The head first: what it writes out later is without them then.
        let mut count = inner.head().delete(range, matchers)?;
        // Of late samples nothing is deleted in the head: more may come into the range, which stay.
        let late = inner.head().out_of_order_range();
        if late.is_some_and(|late| late.start <= range.end && range.start <= late.end) {
            inner.compact_late().map_err(DbDeleteError::Late)?;
        }
        for block in inner
            .set()
            .blocks
            .iter()
            .filter(|block| block.overlaps(range))
        {
            let deleted = block.delete(disk, range, matchers);
            count += deleted.map_err(|source| DbDeleteError::Block {
                ulid: block.ulid(),
                source,
            })?;
        }
        Ok(count)
    }

    /// Writes all blocks with deletions again, without what is deleted. Gives the number of blocks.
    pub fn clean_tombstones(&self) -> Result<usize, CompactError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        let mut count = 0;
        for block in &inner.set().blocks {
            if block.tombstones().is_empty() {
                continue;
            }
            let meta = rewritten_meta(inner.options.ulids.make(), &block.meta());
            inner.merge(std::slice::from_ref(block), meta)?;
            inner.reload()?;
            count += 1;
        }
        Ok(count)
    }
}

impl Inner {
    pub(super) fn destination(&self) -> Destination<'_> {
        Destination {
            disk: &self.options.head.disk,
            dir: &self.options.head.dir,
            segment_bytes: self.options.segment_bytes,
            is_cancelled: &self.is_closing,
        }
    }

    fn compact(&self) -> Result<(), CompactError> {
        self.reload()?;
        if self.is_truncation_due.load(Ordering::Relaxed)
            && let Some(written) = self.set().head_start
        {
            self.truncate_head(written)?;
        }
        while let Some(range) = self.head_range() {
            self.compact_head(range)?;
            self.is_late_due.store(true, Ordering::Relaxed);
        }
        if self.is_late_due.load(Ordering::Relaxed) {
            self.compact_late()?;
            self.is_late_due.store(false, Ordering::Relaxed);
        }
        loop {
            let set = self.set();
            // Late samples of a time that the head has not written out yet must stay by themselves: a block
            // with others says that the head is done with its time.
            let is_ahead = |meta: &BlockMeta| {
                let end = Timestamp(meta.max_time);
                meta.compaction.has_hint(HINT_OUT_OF_ORDER)
                    && set.head_start.is_none_or(|start| start < end)
            };
            let metas = set.blocks.iter().map(Block::meta);
            let mut metas: Vec<BlockMeta> = metas.filter(|meta| !is_ahead(meta)).collect();
            self.leave_held(&mut metas);
            let planned = plan(&metas, &self.options.block_ranges());
            let blocks: Vec<Block> = set
                .blocks
                .iter()
                .filter(|block| planned.contains(&block.ulid()))
                .cloned()
                .collect();
            if blocks.is_empty() {
                return Ok(());
            }
            let metas: Vec<BlockMeta> = blocks.iter().map(Block::meta).collect();
            let overlap = metas
                .windows(2)
                .any(|pair| pair[1].min_time < pair[0].max_time);
            if overlap {
                Counters::add(&self.counters.compactions_vertical);
            }
            self.merge(&blocks, merged_meta(self.options.ulids.make(), &metas))?;
            self.reload()?;
            // The head comes first if merging took long.
            if self.head_range().is_some() {
                return Ok(());
            }
        }
    }

    /// Takes out the first block that is to stay as it is, in the order in which they were made, and all after it.
    fn leave_held(&self, metas: &mut Vec<BlockMeta>) {
        let Some(held) = &self.options.held else {
            return;
        };
        metas.sort_by_key(|meta| (meta.ulid.time_ms(), meta.min_time));
        let free = metas.iter().position(|meta| held.is_held(meta));
        metas.truncate(free.unwrap_or(metas.len()));
    }

    /// The part of the head to write out next: up to the end of the range that its oldest sample lies
    /// in, once there are samples of one and a half ranges. Nobody can write there any more.
    fn head_range(&self) -> Option<TimeRange> {
        let TimeRange { start, end } = self.unwritten()?;
        let range = self.options.head.block_range.0.max(1);
        if end.0.saturating_sub(start.0) <= range / 2 * 3 {
            return None;
        }
        let end = start
            .0
            .div_euclid(range)
            .checked_add(1)?
            .checked_mul(range)?;
        Some(TimeRange::new(start, Timestamp(end - 1)))
    }

    /// The part of the head to write out before its time. It does not cross the ends of blocks.
    fn early_range(&self, kept: Duration) -> Option<TimeRange> {
        let TimeRange { start, end } = self.unwritten()?;
        let range = self.options.head.block_range.0.max(1);
        let block_end = start
            .0
            .div_euclid(range)
            .checked_add(1)?
            .checked_mul(range)?;
        let cut = end.0.checked_sub(kept.0)?.min(block_end);
        let is_worth_it = cut.checked_sub(start.0)? >= kept.0.max(1);
        is_worth_it.then(|| TimeRange::new(start, Timestamp(cut - 1)))
    }

    /// Times in the head that are in no block.
    pub(super) fn unwritten(&self) -> Option<TimeRange> {
        let own = self.head().time_range()?;
        // What is in blocks already may still be in memory, for readers.
        let written = self.set().head_start.unwrap_or(Timestamp::MIN);
        let start = own.start.max(written);
        (start <= own.end).then(|| TimeRange::new(start, own.end))
    }

    fn compact_head(&self, range: TimeRange) -> Result<(), CompactError> {
        self.head().sync_logs().map_err(CompactError::Log)?;
        let written = self.timed(|| {
            let ulid = self.options.ulids.make();
            write_head(&self.destination(), self.head(), range, Growth::Over, ulid)
        });
        written.map_err(CompactError::Head)?;
        self.reload()?;
        self.truncate_head(Timestamp(range.end.0 + 1))
    }

    /// Writes out late samples, as the peer whenever a part of the head was.
    fn compact_late(&self) -> Result<(), CompactError> {
        let head = self.head();
        let Some(cut) = head.cut_late().map_err(CompactError::LateFiles)? else {
            return Ok(());
        };
        let range = self.options.head.block_range.0.max(1);
        let written = self.timed(|| {
            let ulid = || self.options.ulids.make();
            write_late(&self.destination(), head, &cut, range, ulid)
        });
        written.map_err(CompactError::Late)?;
        self.reload()?;
        head.drop_late(&cut).map_err(CompactError::LateFiles)
    }

    /// Where a list of series is in use, or the disk fails, it is due again at the next compaction.
    fn truncate_head(&self, keep_from: Timestamp) -> Result<(), CompactError> {
        Counters::add(&self.counters.head_truncations);
        self.is_truncation_due.store(true, Ordering::Relaxed);
        let result = self.head().truncate(keep_from);
        if result.is_err() {
            Counters::add(&self.counters.head_truncations_failed);
        }
        let is_due = result?.waiting_for_lists > 0;
        self.is_truncation_due.store(is_due, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = self.options.ulids.now();
        self.counters.is_populating.store(1, Ordering::Relaxed);
        let result = work();
        self.counters.is_populating.store(0, Ordering::Relaxed);
        let taken = self.options.ulids.now().since(start);
        self.counters.taken.note(taken);
        result
    }

    pub(super) fn merge(&self, blocks: &[Block], meta: BlockMeta) -> Result<(), CompactError> {
        let disk = self.options.head.disk.as_ref();
        let cuts = self.cuts();
        let result = self.timed(|| merge_blocks(&self.destination(), blocks, meta, &cuts));
        match result {
            Ok(Merged { block, cut }) => {
                self.note_cut(&cut);
                if block.is_some() {
                    return Ok(());
                }
                // Nothing was left: they go at the next look at the folder.
                for block in blocks {
                    let marked = block.mark(disk, |compaction| compaction.deletable = true);
                    marked.map_err(|source| CompactError::Reload {
                        dir: block.dir().to_path_buf(),
                        source,
                    })?;
                }
            }
            Err(source) => {
                // Damage does not heal: leave the block alone from now on.
                if let MakeBlockError::Source(BlockError::Damaged(damage)) = &source {
                    let damaged = blocks.iter().filter(|b| damage.path.starts_with(b.dir()));
                    for block in damaged {
                        // If this cannot be written either, the next attempt fails again.
                        let _ = block.mark(disk, |compaction| compaction.failed = true);
                    }
                }
                let blocks = blocks.iter().map(Block::ulid).collect();
                return Err(CompactError::Merge { blocks, source });
            }
        }
        Ok(())
    }

    pub(super) fn reload(&self) -> Result<(), CompactError> {
        Counters::add(&self.counters.reloads);
        let dir = &self.options.head.dir;
        let result = self.reload_folder();
        result.map_err(|source| {
            Counters::add(&self.counters.reloads_failed);
            CompactError::Reload {
                dir: dir.clone(),
                source,
            }
        })
    }

    fn reload_folder(&self) -> io::Result<()> {
        let disk = self.options.head.disk.as_ref();
        let dir = &self.options.head.dir;
        let mut set = BlockSet::read(disk, dir, &self.set())?;
        let mut gone: HashSet<Ulid> = self.beyond_retention(&set.blocks)?.into_iter().collect();
        let is_deletable = |block: &&Block| block.meta().compaction.deletable;
        gone.extend(set.blocks.iter().filter(is_deletable).map(Block::ulid));
        set.blocks.retain(|block| !gone.contains(&block.ulid()));
        gone.extend(set.replaced.drain(..));
        // Readers see the new blocks before the old ones go; those that have the old ones keep them.
        *self.blocks.write() = Arc::new(set);
        for ulid in gone {
            remove_block(disk, dir, ulid)?;
        }
        Ok(())
    }

    /// Blocks to drop, as the peer chooses them: whole ones, the oldest first, never the newest by age.
    fn beyond_retention(&self, blocks: &[Block]) -> io::Result<Vec<Ulid>> {
        let retention = *self.retention.lock();
        let mut newest_first: Vec<&Block> = blocks.iter().collect();
        newest_first.sort_by_key(|block| std::cmp::Reverse(block.meta().max_time));
        let mut gone = Vec::new();
        let Some(newest) = newest_first.first().map(|block| block.meta().max_time) else {
            return Ok(gone);
        };
        if let Some(time) = retention.time {
            let is_old = |block: &&Block| newest.saturating_sub(block.meta().max_time) >= time.0;
            let first = newest_first.iter().skip(1).position(is_old);
            if let Some(first) = first {
                gone.extend(newest_first[first + 1..].iter().map(|block| block.ulid()));
                Counters::add(&self.counters.retentions_by_time);
            }
        }
        if let Some(bytes) = retention.bytes {
            let mut total = self.head_bytes()?;
            let first = newest_first.iter().position(|block| {
                total += block.size();
                total > bytes
            });
            if let Some(first) = first {
                gone.extend(newest_first[first..].iter().map(|block| block.ulid()));
                Counters::add(&self.counters.retentions_by_size);
            }
        }
        Ok(gone)
    }

    /// Bytes of what the head has on disk.
    pub(super) fn head_bytes(&self) -> io::Result<u64> {
        let disk = self.options.head.disk.as_ref();
        let mut total = 0;
        for name in ["wal", "wbl", "chunks_head"] {
            let dir = self.options.head.dir.join(name);
            if !disk.exists(&dir) {
                continue;
            }
            for entry in disk.list(&dir)? {
                let path = dir.join(entry);
                // Folders inside, and files that are gone by now, are not counted.
                total += disk.length(&path).unwrap_or(0);
            }
        }
        Ok(total)
    }
}
