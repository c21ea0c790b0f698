//! Moving fresh chunks to files.
//!
//! A chunk goes there when the log has all of it for sure. Else a power cut could take the log's end and leave
//! the chunk, and with it a part of commits that are lost. So chunks wait for the next sync, some seconds, and
//! commits have nothing to do with files of chunks.

use std::io;

use super::Inner;
use super::mapped::ChunkHead;
use super::mapped::format::NewChunk;

/// Series whose chunks are copied and written at a time: bounds memory.
const SLICE: usize = 1024;

/// A copy of a fresh chunk: the page is free while the file is written.
struct Copied {
    series: u32,
    head: ChunkHead,
    data: Vec<u8>,
}

/// Writes fresh chunks of the series in `waiting`, which only the caller may append to: those that have
/// nothing from after the commit `durable`. Series of which chunks are left stay in the list.
pub(super) fn map_fresh(inner: &Inner, waiting: &mut Vec<u32>, durable: u64) -> io::Result<()> {
    waiting.sort_unstable();
    waiting.dedup();
    let mut result = Ok(());
    for slice in waiting.chunks(SLICE) {
        result = map_slice(inner, slice, durable);
        if result.is_err() {
            break;
        }
    }
    waiting.retain(|series| {
        let has_fresh = inner.pages.with(*series, |view| view.record.has_fresh());
        has_fresh.unwrap_or(false)
    });
    if waiting.is_empty() {
        waiting.shrink_to(SLICE);
    }
    result
}

fn map_slice(inner: &Inner, slice: &[u32], durable: u64) -> io::Result<()> {
    let mut copies = Vec::with_capacity(slice.len());
    for series in slice {
        inner.pages.with(*series, |view| {
            let fresh = view.record.fresh().iter();
            let fresh = fresh.take_while(|chunk| chunk.commit <= durable);
            copies.extend(fresh.map(|chunk| Copied {
                series: *series,
                head: chunk.head,
                data: chunk.data.to_vec(),
            }));
        });
    }
    let written = inner.chunks.write(copies.iter().map(|copy| NewChunk {
        series: inner.reference(copy.series),
        head: copy.head,
        is_out_of_order: false,
        data: &copy.data,
    }));
    // Chunks of one series are neighbours.
    let mut positions = &written.positions[..];
    for run in copies.chunk_by(|a, b| a.series == b.series) {
        let (own, rest) = positions.split_at(run.len().min(positions.len()));
        positions = rest;
        if let Some(first) = run.first() {
            inner
                .pages
                .with_mut(first.series, |record| record.fresh_are_at(own));
        }
    }
    written.error.map_or(Ok(()), Err)
}
