//! Moving fresh chunks to files.

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

/// Writes the fresh chunks of the series in `waiting`, which only the caller may append to. Series
/// whose chunks could not be written stay in the list.
pub(super) fn map_fresh(inner: &Inner, waiting: &mut Vec<u32>) -> io::Result<()> {
    waiting.sort_unstable();
    waiting.dedup();
    let mut done = 0;
    let mut result = Ok(());
    for slice in waiting.chunks(SLICE) {
        result = map_slice(inner, slice);
        if result.is_err() {
            break;
        }
        done += slice.len();
    }
    waiting.drain(..done);
    if waiting.is_empty() {
        waiting.shrink_to(SLICE);
    }
    result
}

fn map_slice(inner: &Inner, slice: &[u32]) -> io::Result<()> {
    let mut copies = Vec::with_capacity(slice.len());
    for series in slice {
        inner.pages.with(*series, |view| {
            copies.extend(view.record.fresh().iter().map(|chunk| Copied {
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
