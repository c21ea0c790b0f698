//! The records of the log, as the peers write them.
//!
//! [`decode`] turns the bytes of one record into a [`Record`]; each kind has its own file with its
//! `encode`. Source: Prometheus, `tsdb/docs/format/wal.md`; pinned by `records.jsonl`.
//!
//! One record of our own, [`Record::Group`], comes before the records of a commit that needs several of
//! them for its samples: without all of them the commit did not happen. The peers skip kinds that they
//! do not know.

mod annotations;
mod histograms;
mod samples;
mod series;

use crate::bytes::{Bytes, Malformed};

pub use annotations::{
    ExemplarEntry, MetadataEntry, MmapMarker, Tombstone, encode_exemplars, encode_metadata,
    encode_mmap_markers, encode_tombstones,
};
pub use histograms::{HistogramEntry, HistogramForm, encode_histograms};
pub use samples::{SampleColumns, encode_samples, encode_samples_v2};
pub use series::{RawLabels, SeriesEntry, encode_series};

pub(crate) use histograms::put_histogram;
pub(crate) use series::{RawLabelsReader, put_labels};

/// The first byte of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Series = 1,
    Samples = 2,
    Tombstones = 3,
    Exemplars = 4,
    MmapMarkers = 5,
    Metadata = 6,
    Histograms = 7,
    FloatHistograms = 8,
    CustomBucketHistograms = 9,
    CustomBucketFloatHistograms = 10,
    SamplesV2 = 11,
    HistogramsV2 = 12,
    FloatHistogramsV2 = 13,
    /// Ours: a number of records that count only together.
    Group = 0xe0,
}

impl Kind {
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Series,
            2 => Self::Samples,
            3 => Self::Tombstones,
            4 => Self::Exemplars,
            5 => Self::MmapMarkers,
            6 => Self::Metadata,
            7 => Self::Histograms,
            8 => Self::FloatHistograms,
            9 => Self::CustomBucketHistograms,
            10 => Self::CustomBucketFloatHistograms,
            11 => Self::SamplesV2,
            12 => Self::HistogramsV2,
            13 => Self::FloatHistogramsV2,
            0xe0 => Self::Group,
            _ => return None,
        })
    }
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    Series(Vec<SeriesEntry<'a>>),
    Samples(SampleColumns),
    Tombstones(Vec<Tombstone>),
    Exemplars(Vec<ExemplarEntry<'a>>),
    MmapMarkers(Vec<MmapMarker>),
    Metadata(Vec<MetadataEntry<'a>>),
    Histograms(Vec<HistogramEntry>),
    /// So many records follow that count only together.
    Group(u64),
    /// A kind that a newer program writes.
    Unknown(u8),
}

/// Why the bytes of a record make no sense, although their checksum is right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of type {kind}: {reason}")]
pub struct RecordError {
    pub kind: u8,
    pub reason: Malformed,
}

pub fn decode(record: &[u8]) -> Result<Record<'_>, RecordError> {
    // The peer has no empty records; nothing is in one.
    let Some((&byte, rest)) = record.split_first() else {
        return Ok(Record::Unknown(0));
    };
    let mut rest = Bytes(rest);
    let Some(kind) = Kind::from_byte(byte) else {
        return Ok(Record::Unknown(byte));
    };
    let decoded = match kind {
        Kind::Series => series::decode(&mut rest).map(Record::Series),
        Kind::Samples => samples::decode(&mut rest).map(Record::Samples),
        Kind::SamplesV2 => samples::decode_v2(&mut rest).map(Record::Samples),
        Kind::Tombstones => annotations::decode_tombstones(&mut rest).map(Record::Tombstones),
        Kind::Exemplars => annotations::decode_exemplars(&mut rest).map(Record::Exemplars),
        Kind::MmapMarkers => annotations::decode_mmap_markers(&mut rest).map(Record::MmapMarkers),
        Kind::Metadata => annotations::decode_metadata(&mut rest).map(Record::Metadata),
        Kind::Group => rest.uvarint().map(Record::Group),
        _ => histograms::decode(kind, &mut rest).map(Record::Histograms),
    };
    decoded.map_err(|reason| RecordError { kind: byte, reason })
}

pub fn encode_group(out: &mut Vec<u8>, records: u64) {
    out.push(Kind::Group as u8);
    crate::bytes::put_uvarint(out, records);
}

/// From the second entry on, version 2 records store a start time as a mark: none, the one before,
/// or a difference to the first.
pub(super) fn read_start_time(
    rest: &mut Bytes<'_>,
    first: i64,
    before: i64,
) -> Result<i64, Malformed> {
    Ok(match rest.u8()? {
        0 => 0,
        1 => before,
        _ => first.wrapping_add(rest.varint()?),
    })
}

pub(super) fn put_start_time(out: &mut Vec<u8>, start_time: i64, first: i64, before: i64) {
    if start_time == 0 {
        out.push(0);
    } else if start_time == before {
        out.push(1);
    } else {
        out.push(2);
        crate::bytes::put_varint(out, start_time.wrapping_sub(first));
    }
}
