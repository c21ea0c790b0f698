//! Blocks: the samples of some hours in files that do not change any more.
//!
//! A block is a folder named by a [`Ulid`] with [`meta`] (what it is), [`index`] (series and where their
//! chunks are), [`chunks`] (samples) and [`tombstones`] (what is deleted). [`Block`] opens one,
//! [`matching`] and [`select`] answer queries, [`writer`] writes one beside its place and moves it there
//! when it is complete. For tools: [`inspect`], [`verify()`], [`salvage()`], and [`builder`], which makes one of any
//! samples.
//!
//! Files are hostile: damage is an error that names file and offset. What is read is checked by the
//! file's own checksums, memory is bounded by what is really in the file.
//!
//! Cost: an open block takes half a byte per symbol and per label, and one descriptor per segment;
//! a lookup of a series some 150 ns plus 50 ns per label, no system call; samples one system call per
//! 8–256 KiB and 2–10 ns each.

mod builder;
pub(crate) mod chunks;
pub(crate) mod damage;
pub(crate) mod index;
mod inspect;
pub(crate) mod map;
mod matching;
pub(crate) mod meta;
pub(crate) mod output;
mod repair;
mod salvage;
pub(crate) mod select;
pub(crate) mod tombstones;
pub(crate) mod ulid;
mod verify;
pub(crate) mod window;
pub(crate) mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;
use model::matcher::Matcher;
use model::storage::{ReadError, SelectRequest, SeriesList, SeriesReader, TimeRange};
use model::time::Timestamp;
use parking_lot::RwLock;

use chunks::{CHUNKS_DIR, ChunkFiles};
use index::reader::VersionByte;
use index::{INDEX_FILE, IndexReader, SeriesEntry};
use matching::Matching;
use select::BlockSeries;

pub use builder::{BlockBuilder, BuiltBlock};
pub use chunks::SEGMENT_BYTES;
pub use damage::{BlockError, Damage};
pub use inspect::{ChunkInfo, SeriesInfo};
pub use meta::{BlockMeta, BlockStats, Compaction, Parent};
pub use output::WriteBlockError;
pub use salvage::{Salvaged, salvage};
pub use tombstones::Tombstones;
pub use ulid::{Ulid, UlidSource};
pub use verify::{Verified, VerifyStep, verify};

pub(crate) use repair::repair_index_version;

/// An open block. Clones are the same block; its files can be deleted while it is in use.
#[derive(Clone, Debug)]
pub struct Block(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    index: IndexReader,
    chunks: ChunkFiles,
    state: RwLock<State>,
}

/// What deletions change.
#[derive(Debug)]
struct State {
    meta: BlockMeta,
    tombstones: Arc<Tombstones>,
    meta_length: u64,
    tombstones_length: u64,
}

impl Block {
    /// Opens the block in `dir`.
    pub fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, BlockError> {
        let (meta, meta_length) = meta::read_meta(disk, dir)?;
        let version_byte = match meta.version {
            2 => VersionByte::Wrong,
            _ => VersionByte::Right,
        };
        let index = IndexReader::open(disk, &dir.join(INDEX_FILE), version_byte)?;
        let chunks = ChunkFiles::open(disk, &dir.join(CHUNKS_DIR))?;
        let (tombstones, tombstones_length) = Tombstones::read(disk, dir)?;
        Ok(Self(Arc::new(Inner {
            dir: dir.to_path_buf(),
            index,
            chunks,
            state: RwLock::new(State {
                meta,
                tombstones: Arc::new(tombstones),
                meta_length,
                tombstones_length,
            }),
        })))
    }

    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub fn meta(&self) -> BlockMeta {
        self.0.state.read().meta.clone()
    }

    pub(crate) fn ulid(&self) -> Ulid {
        self.0.state.read().meta.ulid
    }

    /// Where samples can be.
    pub(crate) fn range(&self) -> TimeRange {
        self.0.state.read().meta.range()
    }

    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.0.state.read().meta.overlaps(range)
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        let state = self.0.state.read();
        self.0.index.length() + self.0.chunks.length() + state.meta_length + state.tombstones_length
    }

    /// Bytes of memory that finding symbols takes.
    pub fn symbol_memory(&self) -> usize {
        self.0.index.memory()
    }

    pub fn tombstones(&self) -> Arc<Tombstones> {
        Arc::clone(&self.0.state.read().tombstones)
    }

    pub(crate) fn index(&self) -> &IndexReader {
        &self.0.index
    }

    pub(crate) fn chunks(&self) -> &ChunkFiles {
        &self.0.chunks
    }

    /// References of the series that satisfy all matchers, in the order of their labels.
    pub(crate) fn series(&self, matchers: &[Matcher]) -> Result<Vec<u32>, Damage> {
        Matching {
            index: &self.0.index,
        }
        .series(matchers)
    }

    pub(crate) fn select_series(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<BlockSeries, Damage> {
        let series = self.series(matchers)?;
        BlockSeries::new(self.clone(), series, range)
    }

    /// Deletes samples of matching series: notes them as deleted. Gives the number of series.
    pub(crate) fn delete(
        &self,
        disk: &dyn Disk,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<usize, DeleteError> {
        let mut tombstones = Tombstones::clone(&self.tombstones());
        let mut entry = SeriesEntry::default();
        let mut count = 0;
        for series in self.series(matchers)? {
            self.0.index.series(series, &mut entry)?;
            let (Some(first), Some(last)) = (entry.chunks.first(), entry.chunks.last()) else {
                continue;
            };
            let overlaps = |chunk: &index::ChunkPlace| {
                chunk.start <= range.end.0 && range.start.0 <= chunk.end
            };
            if entry.chunks.iter().any(overlaps) {
                let start = range.start.max(Timestamp(first.start));
                let end = range.end.min(Timestamp(last.end));
                tombstones.add(u64::from(series), TimeRange::new(start, end));
                count += 1;
            }
        }
        if count == 0 {
            return Ok(0);
        }
        self.replace_tombstones(disk, tombstones)?;
        Ok(count)
    }

    fn replace_tombstones(
        &self,
        disk: &dyn Disk,
        tombstones: Tombstones,
    ) -> Result<(), DeleteError> {
        let fail = |source| DeleteError::Write {
            dir: self.0.dir.clone(),
            source,
        };
        let tombstones_length = tombstones.write(disk, &self.0.dir).map_err(fail)?;
        let mut meta = self.meta();
        meta.stats.num_tombstones = tombstones.len();
        let meta_length = meta::write_meta(disk, &self.0.dir, &meta).map_err(fail)?;
        *self.0.state.write() = State {
            meta,
            tombstones: Arc::new(tombstones),
            meta_length,
            tombstones_length,
        };
        Ok(())
    }

    /// Makes a block of another folder one that may stand in any: it says no more that the head is done with its
    /// time, nor that it takes the place of other blocks, nor that it can go.
    pub fn disown(&self, disk: &dyn Disk) -> std::io::Result<()> {
        self.mark(disk, |compaction| {
            compaction.set_hint(meta::HINT_OUT_OF_ORDER);
            compaction.parents.clear();
            compaction.deletable = false;
            compaction.failed = false;
        })
    }

    /// Changes what `meta.json` says of compactions.
    pub(crate) fn mark(
        &self,
        disk: &dyn Disk,
        mark: impl FnOnce(&mut Compaction),
    ) -> std::io::Result<()> {
        let mut meta = self.meta();
        mark(&mut meta.compaction);
        let meta_length = meta::write_meta(disk, &self.0.dir, &meta)?;
        let mut state = self.0.state.write();
        state.meta = meta;
        state.meta_length = meta_length;
        Ok(())
    }
}

/// Why deleting from a block failed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    #[error("{0}")]
    Damaged(Damage),
    #[error("writing the tombstones of {}: {source}", dir.display())]
    Write {
        dir: PathBuf,
        source: std::io::Error,
    },
}

impl From<Damage> for DeleteError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl SeriesReader for Block {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        let list = self.select_series(request.range, request.matchers)?;
        Ok(Arc::new(list))
    }

    fn label_names(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        if !self.overlaps(range) {
            return Ok(Vec::new());
        }
        Ok(select::label_names(self, matchers)?)
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        if !self.overlaps(range) {
            return Ok(Vec::new());
        }
        Ok(select::label_values(self, name, matchers)?)
    }
}
