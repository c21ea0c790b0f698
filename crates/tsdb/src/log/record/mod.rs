//! The records of the log, as the peers write them.
//!
//! [`decode`] turns the bytes of one record into a [`Record`]; each kind has its own file with its
//! `encode`. Source: Prometheus, `tsdb/docs/format/wal.md`; pinned by `records.jsonl`.
//!
//! Records of our own: [`Record::Group`] comes before the records of a commit that needs several of them
//! for its samples: without all of them the commit did not happen. [`Record::Across`] does the same for a
//! commit that is in the log and in the log of late samples. The peers skip kinds that they do not know.

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
pub(crate) use series::{RawLabel, RawLabelsReader, put_labels};

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
    /// Ours: the same, with others in another log. (`0xe1` stands in chunk snapshots.)
    Across = 0xe2,
    /// Ours: late samples up to a chunk are in blocks.
    InBlocks = 0xe3,
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
            0xe2 => Self::Across,
            0xe3 => Self::InBlocks,
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
    Across(Across),
    InBlocks(InBlocks),
    /// A kind that a newer program writes.
    Unknown(u8),
}

/// Part of a commit in two logs: the next records count only together, and only if the other log reaches
/// a place. What is written first names the place where the other log was to go on, what is written
/// second the place where the first ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Across {
    pub records: u64,
    pub segment: u64,
    pub offset: u64,
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
        Kind::Across => decode_across(&mut rest).map(Record::Across),
        Kind::InBlocks => decode_in_blocks(&mut rest).map(Record::InBlocks),
        _ => histograms::decode(kind, &mut rest).map(Record::Histograms),
    };
    decoded.map_err(|reason| RecordError { kind: byte, reason })
}

pub fn encode_group(out: &mut Vec<u8>, records: u64) {
    out.push(Kind::Group as u8);
    crate::bytes::put_uvarint(out, records);
}

/// All closed chunks of late samples up to this one are in blocks. It says what the chunk is, so that
/// another one that came to the same place later is not taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InBlocks {
    pub marker: MmapMarker,
    pub start: i64,
    pub end: i64,
}

pub fn encode_in_blocks(out: &mut Vec<u8>, last: &InBlocks) {
    out.push(Kind::InBlocks as u8);
    crate::bytes::put_u64(out, last.marker.series);
    crate::bytes::put_u64(out, last.marker.chunk);
    crate::bytes::put_varint(out, last.start);
    crate::bytes::put_varint(out, last.end);
}

fn decode_in_blocks(rest: &mut Bytes<'_>) -> Result<InBlocks, Malformed> {
    Ok(InBlocks {
        marker: MmapMarker {
            series: rest.u64()?,
            chunk: rest.u64()?,
        },
        start: rest.varint()?,
        end: rest.varint()?,
    })
}

pub fn encode_across(out: &mut Vec<u8>, across: &Across) {
    out.push(Kind::Across as u8);
    crate::bytes::put_uvarint(out, across.records);
    crate::bytes::put_u64(out, across.segment);
    crate::bytes::put_u64(out, across.offset);
}

fn decode_across(rest: &mut Bytes<'_>) -> Result<Across, Malformed> {
    Ok(Across {
        records: rest.uvarint()?,
        segment: rest.u64()?,
        offset: rest.u64()?,
    })
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
