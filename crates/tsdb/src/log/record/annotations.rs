//! What goes with samples: tombstones, exemplars, metadata, and marks of chunks that went to disk.

use std::borrow::Cow;

use model::labels::Labels;
use model::metadata::{Metadata, MetricType};

use super::Kind;
use super::series::{RawLabels, put_labels, read_labels, to_labels};
use crate::bytes::{Bytes, Malformed, put_f64, put_text, put_u64, put_uvarint, put_varint};

/// Samples of a series that were deleted; both times belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub series: u64,
    pub start: i64,
    pub end: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExemplarEntry<'a> {
    pub series: u64,
    pub time: i64,
    pub value: f64,
    pub labels: RawLabels<'a>,
}

impl ExemplarEntry<'_> {
    pub fn to_labels(&self) -> Labels {
        to_labels(&self.labels)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataEntry<'a> {
    pub series: u64,
    pub metric_type: MetricType,
    pub unit: Cow<'a, str>,
    pub help: Cow<'a, str>,
}

impl MetadataEntry<'_> {
    pub fn into_owned(self) -> MetadataEntry<'static> {
        MetadataEntry {
            series: self.series,
            metric_type: self.metric_type,
            unit: self.unit.into_owned().into(),
            help: self.help.into_owned().into(),
        }
    }

    pub fn to_metadata(&self) -> Metadata {
        Metadata {
            metric_type: self.metric_type,
            help: self.help.clone().into_owned(),
            unit: self.unit.clone().into_owned(),
        }
    }
}

/// From here on the series' samples are in memory again; those before are in a mapped chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmapMarker {
    pub series: u64,
    pub chunk: u64,
}

const TYPES: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

pub fn encode_tombstones(out: &mut Vec<u8>, tombstones: &[Tombstone]) {
    out.push(Kind::Tombstones as u8);
    for tombstone in tombstones {
        put_u64(out, tombstone.series);
        put_varint(out, tombstone.start);
        put_varint(out, tombstone.end);
    }
}

pub(super) fn decode_tombstones(rest: &mut Bytes<'_>) -> Result<Vec<Tombstone>, Malformed> {
    let mut tombstones = Vec::new();
    while !rest.is_empty() {
        tombstones.push(Tombstone {
            series: rest.u64()?,
            start: rest.varint()?,
            end: rest.varint()?,
        });
    }
    Ok(tombstones)
}

pub fn encode_exemplars(out: &mut Vec<u8>, exemplars: &[ExemplarEntry<'_>]) {
    out.push(Kind::Exemplars as u8);
    let Some(first) = exemplars.first() else {
        return;
    };
    put_u64(out, first.series);
    put_u64(out, first.time as u64);
    for exemplar in exemplars {
        put_varint(out, exemplar.series.wrapping_sub(first.series) as i64);
        put_varint(out, exemplar.time.wrapping_sub(first.time));
        put_f64(out, exemplar.value);
        put_labels(
            out,
            exemplar
                .labels
                .iter()
                .map(|(name, value)| (&**name, &**value)),
        );
    }
}

pub(super) fn decode_exemplars<'a>(
    rest: &mut Bytes<'a>,
) -> Result<Vec<ExemplarEntry<'a>>, Malformed> {
    let mut exemplars = Vec::new();
    if rest.is_empty() {
        return Ok(exemplars);
    }
    let first = rest.u64()?;
    let first_time = rest.i64()?;
    while !rest.is_empty() {
        exemplars.push(ExemplarEntry {
            series: first.wrapping_add(rest.varint()? as u64),
            time: first_time.wrapping_add(rest.varint()?),
            value: rest.f64()?,
            labels: read_labels(rest)?,
        });
    }
    Ok(exemplars)
}

pub fn encode_metadata(out: &mut Vec<u8>, entries: &[MetadataEntry<'_>]) {
    out.push(Kind::Metadata as u8);
    for entry in entries {
        put_uvarint(out, entry.series);
        let byte = TYPES.iter().position(|kind| *kind == entry.metric_type);
        // There are eight types.
        out.push(byte.unwrap_or(0) as u8);
        put_uvarint(out, 2);
        put_text(out, "UNIT");
        put_text(out, &entry.unit);
        put_text(out, "HELP");
        put_text(out, &entry.help);
    }
}

pub(super) fn decode_metadata<'a>(
    rest: &mut Bytes<'a>,
) -> Result<Vec<MetadataEntry<'a>>, Malformed> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let series = rest.uvarint()?;
        let kind = usize::from(rest.u8()?);
        let mut entry = MetadataEntry {
            series,
            metric_type: TYPES.get(kind).copied().unwrap_or_default(),
            unit: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
        };
        // Fields of newer programs are skipped.
        for _ in 0..rest.count()? {
            let name = rest.text()?;
            let value = rest.text()?;
            match &*name {
                "UNIT" => entry.unit = value,
                "HELP" => entry.help = value,
                _ => {}
            }
        }
        entries.push(entry);
    }
    Ok(entries)
}

pub fn encode_mmap_markers(out: &mut Vec<u8>, markers: &[MmapMarker]) {
    out.push(Kind::MmapMarkers as u8);
    for marker in markers {
        put_u64(out, marker.series);
        put_u64(out, marker.chunk);
    }
}

pub(super) fn decode_mmap_markers(rest: &mut Bytes<'_>) -> Result<Vec<MmapMarker>, Malformed> {
    let mut markers = Vec::new();
    while !rest.is_empty() {
        markers.push(MmapMarker {
            series: rest.u64()?,
            chunk: rest.u64()?,
        });
    }
    Ok(markers)
}
