//! The records of a snapshot.
//!
//! Series: type 1, reference (8 bytes), labels as in the log, 8 bytes without meaning, 0 or 1 (uvarint)
//! for whether there is an open chunk. If so: times of its first and last sample (8 each), encoding
//! (1), data with its length, and the last sample: floats as three empty pairs of time and value, an
//! empty time and the value (64 bytes in all), histograms as in the log. Older peers read the 64 bytes
//! for histograms too, so there are never fewer.
//!
//! Tombstones: type 2, length, version 1, then reference (uvarint) and both times (varints) of each.
//! Exemplars: type 3, then as in the log.

use model::storage::TimeRange;
use model::time::Timestamp;

use crate::bytes::{Bytes, Malformed, put_f64, put_u64, put_uvarint, put_varint};
use crate::chunk::histogram::HistogramValue;
use crate::chunk::{Encoding, samples_in, xor};
use crate::head::mapped::ChunkHead;
use crate::head::series::SavedChunk;
use crate::log::record::{RawLabelsReader, Tombstone, put_histogram, put_labels};

pub(super) const SERIES: u8 = 1;
pub(super) const TOMBSTONES: u8 = 2;
pub(super) const EXEMPLARS: u8 = 3;
const TOMBSTONES_VERSION: u8 = 1;
/// Four pairs of time and value.
const LAST_BYTES: usize = 64;

/// The open chunk of a series, to be written.
#[derive(Debug)]
pub(in crate::head) struct OpenToSave<'a> {
    pub(in crate::head) head: ChunkHead,
    /// The number of samples in it need not be right yet.
    pub(in crate::head) data: &'a [u8],
    pub(in crate::head) last: LastSample,
}

#[derive(Debug)]
pub(in crate::head) enum LastSample {
    Float(f64),
    Histogram(Option<HistogramValue>),
}

pub(super) fn encode_series<'l>(
    out: &mut Vec<u8>,
    reference: u64,
    labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>,
    open: Option<&OpenToSave<'_>>,
) {
    out.push(SERIES);
    put_u64(out, reference);
    put_labels(out, labels);
    put_u64(out, 0);
    let Some(open) = open else {
        put_uvarint(out, 0);
        return;
    };
    put_uvarint(out, 1);
    put_u64(out, open.head.start as u64);
    put_u64(out, open.head.end as u64);
    out.push(open.head.encoding as u8);
    put_uvarint(out, open.data.len() as u64);
    let data_at = out.len();
    out.extend_from_slice(open.data);
    if open.head.encoding.is_float() {
        xor::write_count(&mut out[data_at..], open.head.samples);
    }
    let end = out.len() + LAST_BYTES;
    match &open.last {
        LastSample::Float(value) => {
            out.resize(end - 8, 0);
            put_f64(out, *value);
        }
        LastSample::Histogram(last) => {
            if let Some(last) = last {
                put_histogram(out, last);
            }
            if out.len() < end {
                out.resize(end, 0);
            }
        }
    }
}

/// A series as it stands in a record.
#[derive(Debug)]
pub(super) struct SavedSeries<'a> {
    pub(super) reference: u64,
    pub(super) labels: RawLabelsReader<'a>,
    pub(super) open: Option<SavedChunk<'a>>,
}

/// Reads a record of a series, after its type.
pub(super) fn decode_series<'a>(rest: &mut Bytes<'a>) -> Result<SavedSeries<'a>, Malformed> {
    let reference = rest.u64()?;
    let labels = RawLabelsReader::take(rest)?;
    rest.u64()?;
    if rest.uvarint()? == 0 {
        return Ok(SavedSeries {
            reference,
            labels,
            open: None,
        });
    }
    let start = rest.i64()?;
    let end = rest.i64()?;
    let encoding = Encoding::from_byte(rest.u8()?).ok_or(Malformed)?;
    let length = rest.count()?;
    let data = rest.take(length)?;
    if end < start || data.len() < 3 || samples_in(encoding, data) == 0 {
        return Err(Malformed);
    }
    let mut last_value = 0.0;
    if encoding.is_float() {
        rest.take(LAST_BYTES - 8)?;
        last_value = rest.f64()?;
    }
    Ok(SavedSeries {
        reference,
        labels,
        open: Some(SavedChunk {
            start,
            end,
            encoding,
            data,
            last_value,
        }),
    })
}

pub(super) fn encode_tombstones(out: &mut Vec<u8>, tombstones: &[(u64, TimeRange)]) {
    let mut encoded = vec![TOMBSTONES_VERSION];
    for (reference, range) in tombstones {
        put_uvarint(&mut encoded, *reference);
        put_varint(&mut encoded, range.start.0);
        put_varint(&mut encoded, range.end.0);
    }
    out.push(TOMBSTONES);
    put_uvarint(out, encoded.len() as u64);
    out.extend_from_slice(&encoded);
}

/// Reads a record of tombstones, after its type.
pub(super) fn decode_tombstones(rest: &mut Bytes<'_>) -> Result<Vec<Tombstone>, Malformed> {
    let length = rest.count()?;
    let mut encoded = Bytes(rest.take(length)?);
    if encoded.u8()? != TOMBSTONES_VERSION {
        return Err(Malformed);
    }
    let mut tombstones = Vec::new();
    while !encoded.is_empty() {
        tombstones.push(Tombstone {
            series: encoded.uvarint()?,
            start: encoded.varint()?,
            end: encoded.varint()?,
        });
    }
    Ok(tombstones)
}

/// The range of a tombstone.
pub(super) fn range_of(tombstone: &Tombstone) -> TimeRange {
    TimeRange::new(Timestamp(tombstone.start), Timestamp(tombstone.end))
}
