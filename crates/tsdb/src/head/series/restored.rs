//! Open chunks that a snapshot brought back.
//!
//! Only their bytes are taken over at first: what the encoder knew is in them, and is read out of them
//! when the next sample comes. So a restart costs nothing for it.

use model::sample::STALE_NAN;

use super::{CHUNK_SAMPLES, Cutting, Last, OpenHistogram, Series, even_end, next_multiple};
use crate::chunk::xor::{self, FloatState};
use crate::chunk::{Encoding, samples_in};
use crate::head::snapshot::record::{LastSample, OpenToSave};

/// Stands in `FloatState::free`, which is below 8 else.
const NOT_READ: u8 = u8::MAX;

/// An open chunk as it stands in a snapshot.
#[derive(Clone, Copy, Debug)]
pub(in crate::head) struct SavedChunk<'a> {
    pub(in crate::head) start: i64,
    pub(in crate::head) end: i64,
    pub(in crate::head) encoding: Encoding,
    pub(in crate::head) data: &'a [u8],
    /// The last sample, if it is a float.
    pub(in crate::head) last_value: f64,
}

impl Series {
    /// Gives the series, which has no samples yet, its open chunk back.
    pub(in crate::head) fn restore(&mut self, chunk: &SavedChunk<'_>) {
        // Sixteen bits at most, whatever the encoding.
        let samples = samples_in(chunk.encoding, chunk.data) as u16;
        if samples == 0 {
            return;
        }
        self.open_start = chunk.start;
        self.samples = u32::from(samples);
        self.samples_before = self.samples;
        self.state = FloatState {
            time: chunk.end,
            ..FloatState::NEW
        };
        if chunk.encoding.is_float() {
            self.state.value.bits = chunk.last_value.to_bits();
            self.state.free = NOT_READ;
            self.last = Last::of(chunk.last_value);
            self.open = Vec::with_capacity(chunk.data.len() + 16);
            self.open.extend_from_slice(chunk.data);
            self.open_samples = samples;
            self.open_encoding = chunk.encoding;
        } else {
            self.histogram = Some(Box::new(OpenHistogram::Restored {
                encoding: chunk.encoding,
                data: chunk.data.into(),
                samples,
            }));
        }
    }

    pub(super) fn is_restored(&self) -> bool {
        self.state.free == NOT_READ
    }

    /// Makes the open float chunk one that can be appended to. What cannot go on is closed: chunks that
    /// may have start times, and those whose bytes make no sense.
    #[cold]
    pub(super) fn resume(&mut self, cutting: Cutting) {
        let marked = usize::from(CHUNK_SAMPLES / 4 - 1);
        let resumed = match self.open_encoding {
            Encoding::Xor => xor::resume(&self.open, usize::from(self.open_samples), marked).ok(),
            _ => None,
        };
        match resumed {
            Some((state, marked)) if state.time == self.state.time => {
                self.state = state;
                self.cut_at = next_multiple(self.open_start, cutting.block_range);
                // As when that sample was the last: see `append_float`.
                if let Some(marked) = marked.filter(|_| self.open_samples > CHUNK_SAMPLES / 4) {
                    self.cut_at = even_end(self.open_start, marked, self.cut_at, 4);
                }
            }
            _ => {
                self.state.free = 0;
                self.close_open();
            }
        }
    }

    /// The open chunk is part of one that was closed later: that one has all its samples.
    pub(super) fn forget_open(&mut self) {
        let samples = match self.histogram.take().as_deref() {
            Some(open) => open.samples(),
            None => self.open_samples,
        };
        self.samples = self.samples.saturating_sub(u32::from(samples));
        self.open = Vec::new();
        self.open_samples = 0;
        if let Some(rare) = self.rare.as_deref_mut() {
            rare.starts = None;
        }
        self.state = FloatState::NEW;
    }
}

impl Series {
    /// The open chunk as a snapshot keeps it.
    pub(in crate::head) fn to_save(&self) -> Option<OpenToSave<'_>> {
        let (head, data) = self.open_chunk()?;
        let last = match (self.histogram.as_deref(), self.last) {
            (Some(open), _) => LastSample::Histogram(open.last()),
            (None, Last::Stale) => LastSample::Float(STALE_NAN),
            (None, _) => LastSample::Float(f64::from_bits(self.state.value.bits)),
        };
        Some(OpenToSave { head, data, last })
    }
}
