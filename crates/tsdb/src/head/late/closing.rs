//! Moving open late samples to chunk files.
//!
//! The log of late samples gets a mark for each chunk before any later sample of its series, so that a
//! start knows which samples are in chunks already. Until the log is removed it has the same samples: a
//! chunk that is lost, or whose mark is, costs nothing.

use std::io;

use super::log::LateWriter;
use crate::block::writer::NewChunk;
use crate::chunk::samples_in;
use crate::compact::{Sample, encode_samples};
use crate::head::Inner;
use crate::head::mapped::{ChunkHead, MappedChunk, SPAN_MAX, format};
use crate::log::record::MmapMarker;

/// Series whose samples are copied and written at a time: bounds memory.
const SLICE: usize = 1024;

/// Closes the chunks of the series in `late.full`. Those that could not be written stay in the list and in
/// memory.
pub(in crate::head) fn close_full(inner: &Inner, late: &mut LateWriter) -> io::Result<()> {
    late.full.sort_unstable();
    late.full.dedup();
    let mut full = std::mem::take(&mut late.full);
    let mut done = 0;
    let mut result = Ok(());
    for slice in full.chunks(SLICE) {
        result = close(inner, slice, &mut late.markers);
        if result.is_err() {
            break;
        }
        done += slice.len();
    }
    full.drain(..done);
    late.full = full;
    result
}

/// Closes the open late samples of some series, which only the caller may add to.
pub(super) fn close(
    inner: &Inner,
    series: &[u32],
    markers: &mut Vec<MmapMarker>,
) -> io::Result<()> {
    let mut copies: Vec<(u32, NewChunk)> = Vec::with_capacity(series.len());
    let mut samples = Vec::new();
    let mut chunks = Vec::new();
    for series in series {
        let late = inner
            .pages
            .with(*series, |view| view.record.late().cloned());
        let Some(late) = late.flatten() else {
            continue;
        };
        samples.clear();
        samples.extend(late.open_at(u64::MAX).cloned());
        encode(&samples, &mut chunks);
        copies.extend(chunks.drain(..).map(|chunk| (*series, chunk)));
    }
    let heads: Vec<ChunkHead> = copies.iter().map(|(_, chunk)| head_of(chunk)).collect();
    let new = copies.iter().zip(&heads);
    let written = inner
        .chunks
        .write(new.map(|((series, chunk), head)| format::NewChunk {
            series: inner.reference(*series),
            head: *head,
            is_out_of_order: true,
            data: &chunk.data,
        }));
    // Chunks of one series are neighbours.
    let mut at = 0;
    for run in copies.chunk_by(|a, b| a.0 == b.0) {
        let places = at..at + run.len();
        at = places.end;
        // All or none: a part of them does no harm in the file.
        let Some(positions) = written.positions.get(places.clone()) else {
            break;
        };
        let mapped: Vec<MappedChunk> = positions
            .iter()
            .zip(&heads[places])
            .filter_map(|(position, head)| MappedChunk::new(*position, head))
            .collect();
        let Some((series, _)) = run.first() else {
            continue;
        };
        inner
            .pages
            .with_mut(*series, |record| record.close_late(&mapped));
        markers.extend(mapped.iter().map(|chunk| MmapMarker {
            series: inner.reference(*series),
            chunk: chunk.position.to_reference(),
        }));
    }
    written.error.map_or(Ok(()), Err)
}

/// Chunks of sorted samples; none lasts too long for a file.
fn encode(samples: &[Sample], chunks: &mut Vec<NewChunk>) {
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let end = first.time.saturating_add(SPAN_MAX);
        let (run, after) = rest.split_at(rest.partition_point(|sample| sample.time <= end));
        encode_samples(run, chunks);
        rest = after;
    }
}

fn head_of(chunk: &NewChunk) -> ChunkHead {
    ChunkHead {
        start: chunk.start,
        end: chunk.end,
        // Sixteen bits at most, whatever the encoding.
        samples: samples_in(chunk.encoding, &chunk.data) as u16,
        encoding: chunk.encoding,
    }
}
