//! Writing a block: into a folder beside its place, which is moved there when everything in it is
//! durable. A crash leaves the whole block or a folder that the next start removes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;

use super::chunks::{CHUNKS_DIR, ChunkWriter};
use super::index::writer::IndexWriter;
use super::index::{ChunkPlace, INDEX_FILE, SymbolList};
use super::meta::{BlockMeta, write_meta};
use super::output::WriteBlockError;
use super::tombstones::Tombstones;
use crate::chunk::{Encoding, samples_in};

/// Ends of the names of folders that are no blocks yet, or no more.
pub(crate) const UNFINISHED: &str = ".tmp-for-creation";
pub(crate) const DELETED: &str = ".tmp-for-deletion";

/// A chunk to write; times are those of its first and last sample.
#[derive(Clone, Debug)]
pub struct NewChunk {
    pub start: i64,
    pub end: i64,
    pub encoding: Encoding,
    pub data: Vec<u8>,
}

/// Series come in the order of their labels.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    disk: Arc<dyn Disk>,
    parent: PathBuf,
    unfinished: PathBuf,
    meta: BlockMeta,
    symbols: SymbolList,
    chunks: Option<ChunkWriter>,
    index: Option<IndexWriter>,
    places: Vec<ChunkPlace>,
}

impl BlockWriter {
    /// A block in the folder `parent`. The statistics of `meta` are filled in.
    pub(crate) fn create(
        disk: Arc<dyn Disk>,
        parent: &Path,
        meta: BlockMeta,
        symbols: SymbolList,
        segment_bytes: u64,
    ) -> Result<Self, WriteBlockError> {
        let unfinished = parent.join(format!("{}{UNFINISHED}", meta.ulid));
        let mut writer = Self {
            disk,
            parent: parent.to_path_buf(),
            unfinished,
            meta,
            symbols,
            chunks: None,
            index: None,
            places: Vec::new(),
        };
        let dir = &writer.unfinished;
        let disk = &writer.disk;
        disk.create_dir_all(dir).map_err(WriteBlockError::io(dir))?;
        let chunks = ChunkWriter::create(disk.clone(), &dir.join(CHUNKS_DIR), segment_bytes)?;
        let index = IndexWriter::create(disk.as_ref(), &dir.join(INDEX_FILE), &writer.symbols)?;
        (writer.chunks, writer.index) = (Some(chunks), Some(index));
        Ok(writer)
    }

    /// Chunks in the order of time; a series without any is left out.
    pub(crate) fn add_series(
        &mut self,
        labels: &[(u32, u32)],
        chunks: &[NewChunk],
    ) -> Result<(), WriteBlockError> {
        let (Some(writer), Some(index)) = (&mut self.chunks, &mut self.index) else {
            return Ok(());
        };
        if chunks.is_empty() {
            return Ok(());
        }
        self.places.clear();
        let stats = &mut self.meta.stats;
        for chunk in chunks {
            self.places.push(ChunkPlace {
                start: chunk.start,
                end: chunk.end,
                reference: writer.write(chunk.encoding, &chunk.data)?,
            });
            let samples = samples_in(chunk.encoding, &chunk.data) as u64;
            stats.num_samples += samples;
            if chunk.encoding.is_float() {
                stats.num_float_samples += samples;
            } else {
                stats.num_histogram_samples += samples;
            }
        }
        stats.num_chunks += chunks.len() as u64;
        stats.num_series += 1;
        index.add_series(labels, &self.places)
    }

    /// Makes the block visible; `None` if it has no samples and so was not kept.
    pub(crate) fn finish(mut self) -> Result<Option<BlockMeta>, WriteBlockError> {
        if self.meta.stats.num_samples == 0 {
            return Ok(None);
        }
        if let Some(chunks) = self.chunks.take() {
            chunks.finish()?;
        }
        if let Some(index) = self.index.take() {
            index.finish(self.disk.as_ref(), &self.symbols)?;
        }
        let disk = self.disk.as_ref();
        let dir = &self.unfinished;
        let write_meta = write_meta(disk, dir, &self.meta);
        write_meta.map_err(WriteBlockError::io(dir))?;
        let write_tombstones = Tombstones::default().write(disk, dir);
        write_tombstones.map_err(WriteBlockError::io(dir))?;
        disk.sync_dir(dir).map_err(WriteBlockError::io(dir))?;
        let done = self.parent.join(self.meta.ulid.to_string());
        disk.rename(dir, &done)
            .map_err(WriteBlockError::io(&done))?;
        let parent = &self.parent;
        disk.sync_dir(parent).map_err(WriteBlockError::io(parent))?;
        Ok(Some(self.meta.clone()))
    }
}

impl Drop for BlockWriter {
    fn drop(&mut self) {
        // Of a block that is done nothing is left under this name.
        if self.disk.exists(&self.unfinished) {
            // What cannot be removed now is removed at the next start.
            let _ = self.disk.remove_dir_all(&self.unfinished);
        }
    }
}
