//! Closed chunks of the head in files, so that memory keeps only where they are.
//!
//! Folder `chunks_head` with files numbered from 1, in Prometheus' format
//! (`tsdb/docs/format/head_chunks.md`; bytes in [`format`]). [`files`]: appending to the newest file,
//! removing the oldest. [`scan`]: what is in them at a start, and cutting what cannot be read.
//! [`cursor`]: reading chunks back.
//!
//! Files are not synced chunk by chunk: everything in them is in the log too, unless a snapshot stands
//! for that part of the log, and before a snapshot counts they are synced. Files are read through
//! `pread`, not mapped: a file that shrinks under a mapping would kill the process.

pub(super) mod cursor;
pub(super) mod files;
pub(super) mod format;
pub(super) mod scan;
#[cfg(test)]
mod tests;

use crate::chunk::Encoding;

/// Where a chunk starts. Ordered as chunks were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    pub(super) file: u32,
    pub(super) offset: u32,
}

impl Position {
    /// As the log of late samples names it.
    pub(super) fn to_reference(self) -> u64 {
        u64::from(self.file) << 32 | u64::from(self.offset)
    }

    pub(super) fn of_reference(reference: u64) -> Self {
        Self {
            file: (reference >> 32) as u32,
            offset: reference as u32,
        }
    }
}

/// A chunk in a file: 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MappedChunk {
    pub(super) position: Position,
    pub(super) start: i64,
    span: u32,
    pub(super) samples: u16,
    pub(super) encoding: Encoding,
}

/// Chunks may not last longer, in milliseconds: 49 days.
pub(super) const SPAN_MAX: i64 = u32::MAX as i64;

impl MappedChunk {
    /// `None` if the times are impossible.
    pub(super) fn new(position: Position, chunk: &ChunkHead) -> Option<Self> {
        Some(Self {
            position,
            start: chunk.start,
            span: u32::try_from(chunk.end.checked_sub(chunk.start)?).ok()?,
            samples: chunk.samples,
            encoding: chunk.encoding,
        })
    }

    pub(super) fn end(&self) -> i64 {
        self.start + i64::from(self.span)
    }
}

/// What is known of a chunk beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkHead {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) samples: u16,
    pub(super) encoding: Encoding,
}
