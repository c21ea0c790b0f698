//! Chunks: some hundred samples of one series, compressed, in the peers' bytes.
//!
//! A chunk's data is what follows the encoding byte on disk. Source of the formats: Prometheus,
//! `tsdb/docs/format/chunks.md`; pinned by golden bytes in the `chunks` conformance suite. Decoders
//! append straight to the columns of a [`SeriesBatch`]; encoders keep only the state that the next
//! sample needs, so an open chunk is its bytes plus a few numbers.
//!
//! Input may come from a damaged file: decoders never panic, and never allocate more than a small
//! multiple of the chunk's length.

pub(crate) mod bits;
pub mod histogram;
pub(crate) mod start_time;
#[cfg(test)]
mod tests;
pub(crate) mod varbit;
pub mod xor;
pub mod xor2;

use model::storage::{SeriesBatch, TimeRange};
use model::time::Timestamp;

pub use start_time::{StartState, StartTimes};

/// What kind of samples a chunk holds and how; the byte before its data on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    Xor = 1,
    Histogram = 2,
    FloatHistogram = 3,
    /// Floats with start times.
    Xor2 = 4,
    HistogramSt = 5,
    FloatHistogramSt = 6,
}

impl Encoding {
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Xor,
            2 => Self::Histogram,
            3 => Self::FloatHistogram,
            4 => Self::Xor2,
            5 => Self::HistogramSt,
            6 => Self::FloatHistogramSt,
            _ => return None,
        })
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::Xor | Self::Xor2)
    }
}

/// Why a chunk cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("chunk ends in the middle of a sample")]
    Truncated,
    #[error("chunk has an impossible value: {0}")]
    Malformed(&'static str),
}

/// Whether a decoder should go on after a sample.
pub(crate) type Go = bool;

/// Which samples of a chunk are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// At most so many samples from the start of the chunk, whatever its header says.
    pub samples_max: usize,
    pub range: TimeRange,
}

impl Wanted {
    pub const ALL: Self = Self {
        samples_max: usize::MAX,
        range: TimeRange::ALL,
    };
}

/// Appends the wanted samples to the batch, without finishing the series. Start times are written to
/// `start_times` only once one is known; [`align_start_times`] then makes that column as long as the
/// others.
pub fn decode(
    encoding: Encoding,
    data: &[u8],
    wanted: Wanted,
    batch: &mut SeriesBatch,
) -> Result<(), ChunkError> {
    let header = if encoding.is_float() { xor::HEADER } else { 3 };
    if data.len() < header {
        return Err(ChunkError::Truncated);
    }
    let count = samples_in(encoding, data).min(wanted.samples_max);
    decode_counted(encoding, data, count, wanted.range, batch)
}

/// Like [`decode`], but with the number of samples from the caller instead of from the header.
pub(crate) fn decode_counted(
    encoding: Encoding,
    data: &[u8],
    count: usize,
    range: TimeRange,
    batch: &mut SeriesBatch,
) -> Result<(), ChunkError> {
    match encoding {
        Encoding::Xor => xor::decode(data, count, range, (&mut batch.times, &mut batch.values)),
        Encoding::Xor2 => xor2::decode(data, count, |start_time, time, value| {
            if time > range.end.0 {
                return false;
            }
            if time >= range.start.0 {
                batch.push_float(time, value);
                push_start_time(start_time, batch);
            }
            true
        }),
        _ => histogram::decode(encoding, data, count, |sample| {
            if sample.time > range.end.0 {
                return false;
            }
            if sample.time >= range.start.0 {
                batch.push_histogram(sample.time, sample.to_float());
                push_start_time(sample.start_time, batch);
            }
            true
        }),
    }
}

/// Notes the start time of the sample pushed last.
fn push_start_time(start_time: i64, batch: &mut SeriesBatch) {
    if start_time != 0 || !batch.start_times.is_empty() {
        batch.start_times.resize(batch.times.len() - 1, 0);
        batch.start_times.push(start_time);
    }
}

/// Fills up the column of start times after samples without one.
pub fn align_start_times(batch: &mut SeriesBatch) {
    if !batch.start_times.is_empty() {
        batch.start_times.resize(batch.times.len(), 0);
    }
}

/// How many samples a chunk says that it holds.
pub fn samples_in(encoding: Encoding, data: &[u8]) -> usize {
    let Some([high, low]) = data.first_chunk::<2>() else {
        return 0;
    };
    let count = usize::from(u16::from_be_bytes([*high, *low]));
    match encoding {
        // The two highest bits hold the counter reset header there.
        Encoding::HistogramSt | Encoding::FloatHistogramSt => count & 0x3fff,
        _ => count,
    }
}

/// The times of the first and the last sample, by decoding.
pub fn time_range(encoding: Encoding, data: &[u8]) -> Result<Option<TimeRange>, ChunkError> {
    let mut batch = SeriesBatch::new();
    decode(encoding, data, Wanted::ALL, &mut batch)?;
    Ok(match (batch.times.first(), batch.times.last()) {
        (Some(first), Some(last)) => Some(TimeRange::new(Timestamp(*first), Timestamp(*last))),
        _ => None,
    })
}
