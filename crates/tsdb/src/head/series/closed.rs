//! Chunks that take no more samples: fresh ones still in memory, mapped ones in files.

use super::{Last, Rare, Series};
use crate::chunk::Encoding;
use crate::head::mapped::{ChunkHead, MappedChunk, Position};

/// A closed chunk that is not in a file yet.
#[derive(Debug)]
pub(in crate::head) struct FreshChunk {
    pub(in crate::head) data: Box<[u8]>,
    pub(in crate::head) head: ChunkHead,
    /// The newest commit with samples in it.
    pub(in crate::head) commit: u64,
}

impl Series {
    pub(super) fn push_fresh(
        &mut self,
        data: Box<[u8]>,
        encoding: Encoding,
        samples: u16,
        (start, end): (i64, i64),
    ) {
        let head = ChunkHead {
            start,
            end,
            samples,
            encoding,
        };
        let commit = self.commit;
        let rare = self.rare.get_or_insert_default();
        rare.fresh.push(FreshChunk { data, head, commit });
    }

    /// Closed chunks that are not in a file yet, oldest first.
    pub(in crate::head) fn fresh(&self) -> &[FreshChunk] {
        self.rare.as_deref().map_or(&[], |rare| &rare.fresh)
    }

    #[inline]
    pub(in crate::head) fn has_fresh(&self) -> bool {
        !self.fresh().is_empty()
    }

    /// The oldest fresh chunks have gone to these places.
    pub(in crate::head) fn fresh_are_at(&mut self, positions: &[Position]) {
        let Some(Rare { fresh, .. }) = self.rare.as_deref_mut() else {
            return;
        };
        let count = positions.len().min(fresh.len());
        self.mapped.reserve_exact(count);
        for (chunk, position) in fresh.drain(..count).zip(positions) {
            // Always `Some`: a chunk is cut before it lasts too long.
            self.mapped.extend(MappedChunk::new(*position, &chunk.head));
        }
        self.tidy_rare();
    }

    /// Takes over a chunk that was found in a file; those of one series come in order. A restored open
    /// chunk that is a part of it goes. The error says why the chunk cannot be one of this series.
    pub(in crate::head) fn attach(&mut self, chunk: MappedChunk) -> Result<(), String> {
        check_order(self.mapped.last(), &chunk)?;
        if self.has_open() && chunk.end() >= self.open_start {
            self.forget_open();
        }
        self.samples = self.samples.saturating_add(u32::from(chunk.samples));
        self.samples_before = self.samples;
        if !self.has_open() {
            self.state.time = chunk.end();
            self.last = Last::Unknown;
        }
        self.mapped.push(chunk);
        Ok(())
    }

    /// Drops closed chunks that end before `time`; says whether nothing from `time` on is left, and
    /// no late sample.
    pub(in crate::head) fn drop_before(&mut self, time: i64) -> bool {
        let old = self.mapped.partition_point(|chunk| chunk.end() < time);
        let samples = self.mapped.drain(..old).map(|chunk| chunk.samples);
        let mut dropped: u32 = samples.map(u32::from).sum();
        if self.mapped.is_empty() {
            self.mapped.shrink_to(2);
            if let Some(Rare { fresh, .. }) = self.rare.as_deref_mut() {
                let old = fresh.partition_point(|chunk| chunk.head.end < time);
                let samples = fresh.drain(..old).map(|chunk| chunk.head.samples);
                dropped += samples.map(u32::from).sum::<u32>();
                self.tidy_rare();
            }
        }
        self.dropped = self.dropped.saturating_add(dropped);
        let has_closed = !self.mapped.is_empty() || self.has_fresh();
        self.samples > 0 && !has_closed && self.state.time < time && self.late().is_none()
    }
}

/// Whether a chunk can come after the one before it.
pub(in crate::head) fn check_order(
    before: Option<&MappedChunk>,
    chunk: &MappedChunk,
) -> Result<(), String> {
    match before {
        Some(before) if before.end() >= chunk.start => Err(format!(
            "out of sequence: a chunk from {} to {} of a series whose chunk before ends at {}",
            chunk.start,
            chunk.end(),
            before.end()
        )),
        _ => Ok(()),
    }
}
