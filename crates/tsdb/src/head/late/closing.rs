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
use crate::head::series::LATE_SAMPLES_MAX;
use crate::log::record::MmapMarker;

/// Series whose samples are copied and written at a time: bounds memory.
const SLICE: usize = 1024;

/// Closes chunks of the series in `late.full`, of commits up to `durable`. Series of which enough samples are
/// left for a chunk stay in the list.
pub(in crate::head) fn close_full(
    inner: &Inner,
    late: &mut LateWriter,
    durable: u64,
) -> io::Result<()> {
    late.full.sort_unstable();
    late.full.dedup();
    let mut result = Ok(());
    for slice in late.full.chunks(SLICE) {
        result = close(inner, slice, &mut late.markers, durable);
        if result.is_err() {
            break;
        }
    }
    late.full.retain(|series| {
        let open = inner.pages.with(*series, |view| view.record.late_open());
        open.is_some_and(|open| open >= LATE_SAMPLES_MAX)
    });
    result
}

/// What of a series goes to files.
struct Copied {
    series: u32,
    chunks: Vec<NewChunk>,
    /// A mark says that nothing of the series that stands before it in the log is open any more.
    is_all: bool,
}

/// Closes the open late samples of some series, which only the caller may add to: those of commits up to
/// `durable`, which the logs have for sure (see [`mapping`](crate::head::mapping)).
pub(super) fn close(
    inner: &Inner,
    series: &[u32],
    markers: &mut Vec<MmapMarker>,
    durable: u64,
) -> io::Result<()> {
    let mut copies: Vec<Copied> = Vec::with_capacity(series.len());
    let mut samples = Vec::new();
    for series in series {
        let late = inner
            .pages
            .with(*series, |view| view.record.late().cloned());
        let Some(late) = late.flatten() else {
            continue;
        };
        samples.clear();
        samples.extend(late.open_at(durable).cloned());
        let mut chunks = Vec::new();
        encode(&samples, &mut chunks);
        copies.push(Copied {
            series: *series,
            chunks,
            is_all: samples.len() == late.open_at(u64::MAX).count(),
        });
    }
    let new = copies.iter().flat_map(|copied| {
        let chunks = copied.chunks.iter();
        chunks.map(|chunk| format::NewChunk {
            series: inner.reference(copied.series),
            head: head_of(chunk),
            is_out_of_order: true,
            data: &chunk.data,
        })
    });
    let written = inner.chunks.write(new);
    let mut at = 0;
    for Copied {
        series,
        chunks,
        is_all,
    } in copies
    {
        let places = at..at + chunks.len();
        at = places.end;
        // All or none: a part of them does no harm in the file.
        let Some(positions) = written.positions.get(places) else {
            break;
        };
        let mapped: Vec<MappedChunk> = positions
            .iter()
            .zip(&chunks)
            .filter_map(|(position, chunk)| MappedChunk::new(*position, &head_of(chunk)))
            .collect();
        inner
            .pages
            .with_mut(series, |record| record.close_late(&mapped, durable));
        if is_all {
            markers.extend(mapped.iter().map(|chunk| MmapMarker {
                series: inner.reference(series),
                chunk: chunk.position.to_reference(),
            }));
        }
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
