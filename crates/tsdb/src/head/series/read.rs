//! Reading a series: which of its chunks, and where they are.
//!
//! A reader notes the chunks while it holds the page, and decodes them afterwards: commits wait for a
//! copy of the open chunk, never for a file.

use std::ops::Range;

use model::sample::STALE_NAN;
use model::storage::TimeRange;
use model::time::Timestamp;

use super::{Last, Series};
use crate::chunk::{Encoding, xor2};
use crate::head::mapped::{ChunkHead, Position};

/// Chunks of one series, in the order of their times.
#[derive(Debug, Default)]
pub(in crate::head) struct ChunkList {
    pub(in crate::head) chunks: Vec<ListedChunk>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(in crate::head) struct ListedChunk {
    pub(in crate::head) place: Place,
    pub(in crate::head) head: ChunkHead,
    /// How many of its samples may be seen.
    pub(in crate::head) samples: usize,
}

#[derive(Clone, Debug)]
pub(in crate::head) enum Place {
    File(Position),
    /// In the list's own bytes.
    Copied(Range<usize>),
}

impl ChunkList {
    pub(in crate::head) fn clear(&mut self) {
        self.chunks.clear();
        self.bytes.clear();
    }

    pub(in crate::head) fn copied(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    fn copy(&mut self, data: &[u8]) -> Place {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        Place::Copied(start..self.bytes.len())
    }
}

impl Series {
    /// Lists the chunks with samples in the range, of the first `visible` samples ever added.
    pub(in crate::head) fn list(&self, visible: u32, range: TimeRange, list: &mut ChunkList) {
        let mut left = visible.saturating_sub(self.dropped) as usize;
        let mut wanted = |chunk: &ChunkHead| {
            let samples = usize::from(chunk.samples).min(left);
            left -= samples;
            let overlaps = chunk.end >= range.start.0 && chunk.start <= range.end.0;
            (samples > 0 && overlaps).then_some(samples)
        };
        for chunk in &self.mapped {
            let head = ChunkHead {
                start: chunk.start,
                end: chunk.end(),
                samples: chunk.samples,
                encoding: chunk.encoding,
            };
            if let Some(samples) = wanted(&head) {
                list.chunks.push(ListedChunk {
                    place: Place::File(chunk.position),
                    head,
                    samples,
                });
            }
        }
        for chunk in self.fresh() {
            if let Some(samples) = wanted(&chunk.head) {
                let place = list.copy(&chunk.data);
                list.chunks.push(ListedChunk {
                    place,
                    head: chunk.head,
                    samples,
                });
            }
        }
        if let Some((head, data)) = self.open_chunk()
            && let Some(samples) = wanted(&head)
        {
            let place = list.copy(data);
            list.chunks.push(ListedChunk {
                place,
                head,
                samples,
            });
        }
    }

    /// The last sample, if it is a float without a start time and lies in the range and all samples are
    /// visible: no chunk needs to be decoded for it.
    pub(in crate::head) fn newest_float(
        &self,
        visible: u32,
        range: TimeRange,
    ) -> Option<(i64, f64)> {
        let is_last = visible == self.samples
            && self.open_samples > 0
            && !(self.open_encoding == Encoding::Xor2 && xor2::has_start_times(&self.open))
            && range.contains(Timestamp(self.state.time));
        let value = match self.last {
            Last::Value => f64::from_bits(self.state.value.bits),
            Last::Stale => STALE_NAN,
            Last::Unknown => return None,
        };
        is_last.then_some((self.state.time, value))
    }

    /// The open chunk, if there is one. The number of samples in its own header may be wrong.
    pub(in crate::head) fn open_chunk(&self) -> Option<(ChunkHead, &[u8])> {
        let (encoding, data, samples) = match self.histogram.as_deref() {
            Some(open) => (open.encoding(), open.data(), open.samples()),
            None if self.open_samples > 0 => {
                (self.open_encoding, self.open.as_slice(), self.open_samples)
            }
            None => return None,
        };
        let head = ChunkHead {
            start: self.open_start,
            end: self.state.time,
            samples,
            encoding,
        };
        Some((head, data))
    }
}
