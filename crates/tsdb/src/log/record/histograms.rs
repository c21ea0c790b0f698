//! Native histograms, integer and float, with exponential and custom buckets.
//!
//! The heads are those of float samples. Version 1 has records of their own for custom buckets, and
//! its first reference and time are those of the first histogram of the commit, whichever record that
//! went to.

use std::sync::Arc;

use model::histogram::{
    BucketSpan, CUSTOM_BUCKETS_SCHEMA, CounterResetHint, FloatHistogram, Histogram,
};
use model::storage::HistogramSample;

use super::{Kind, put_start_time, read_start_time};
use crate::bytes::{Bytes, Malformed, put_f64, put_u64, put_uvarint, put_varint};
use crate::chunk::histogram::{HistogramValue, is_well_formed};

#[derive(Clone, Debug, PartialEq)]
pub struct HistogramEntry {
    pub series: u64,
    pub time: i64,
    /// 0: unknown.
    pub start_time: i64,
    pub value: HistogramSample,
}

impl HistogramEntry {
    fn has_custom_buckets(&self) -> bool {
        let schema = match &self.value {
            HistogramSample::Integer(histogram) => histogram.schema,
            HistogramSample::Float(histogram) => histogram.schema,
        };
        schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// Whether chunks can hold it.
    pub(crate) fn is_well_formed(&self) -> bool {
        match &self.value {
            HistogramSample::Integer(histogram) => is_well_formed::<i64>(histogram),
            HistogramSample::Float(histogram) => is_well_formed::<f64>(histogram),
        }
    }

    fn is_float(&self) -> bool {
        matches!(self.value, HistogramSample::Float(_))
    }
}

/// Which records to write histograms to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramForm {
    V1,
    /// With start times.
    V2,
}

/// One record per kind that occurs, each a byte string of its own.
pub fn encode_histograms(entries: &[HistogramEntry], form: HistogramForm) -> Vec<Vec<u8>> {
    let kinds = match form {
        HistogramForm::V1 => [
            (Kind::Histograms, false, Some(false)),
            (Kind::CustomBucketHistograms, false, Some(true)),
            (Kind::FloatHistograms, true, Some(false)),
            (Kind::CustomBucketFloatHistograms, true, Some(true)),
        ]
        .to_vec(),
        HistogramForm::V2 => vec![
            (Kind::HistogramsV2, false, None),
            (Kind::FloatHistogramsV2, true, None),
        ],
    };
    let mut records = Vec::new();
    for (kind, is_float, custom) in kinds {
        let wanted: Vec<&HistogramEntry> = entries
            .iter()
            .filter(|entry| entry.is_float() == is_float)
            .filter(|entry| custom.is_none_or(|custom| entry.has_custom_buckets() == custom))
            .collect();
        if !wanted.is_empty() {
            records.push(encode(kind, &wanted, form));
        }
    }
    records
}

fn encode(kind: Kind, entries: &[&HistogramEntry], form: HistogramForm) -> Vec<u8> {
    let mut out = vec![kind as u8];
    let Some(first) = entries.first() else {
        return out;
    };
    if form == HistogramForm::V1 {
        put_u64(&mut out, first.series);
        put_u64(&mut out, first.time as u64);
    }
    let mut before: Option<&HistogramEntry> = None;
    for entry in entries {
        match (form, before) {
            (HistogramForm::V1, _) => {
                put_varint(&mut out, entry.series.wrapping_sub(first.series) as i64);
                put_varint(&mut out, entry.time.wrapping_sub(first.time));
            }
            (HistogramForm::V2, None) => {
                put_varint(&mut out, entry.series as i64);
                put_varint(&mut out, entry.time);
                put_varint(&mut out, entry.start_time);
            }
            (HistogramForm::V2, Some(before)) => {
                put_varint(&mut out, entry.series.wrapping_sub(before.series) as i64);
                put_varint(&mut out, entry.time.wrapping_sub(first.time));
                let start = entry.start_time;
                put_start_time(&mut out, start, first.start_time, before.start_time);
            }
        }
        before = Some(entry);
        match &entry.value {
            HistogramSample::Integer(histogram) => put_integer(&mut out, histogram),
            HistogramSample::Float(histogram) => put_float(&mut out, histogram),
        }
    }
    out
}

pub(super) fn decode(kind: Kind, rest: &mut Bytes<'_>) -> Result<Vec<HistogramEntry>, Malformed> {
    let mut entries: Vec<HistogramEntry> = Vec::new();
    if rest.is_empty() {
        return Ok(entries);
    }
    let is_v2 = matches!(kind, Kind::HistogramsV2 | Kind::FloatHistogramsV2);
    let is_float = matches!(
        kind,
        Kind::FloatHistograms | Kind::CustomBucketFloatHistograms | Kind::FloatHistogramsV2
    );
    let (first_series, first_time, first_start) = if is_v2 {
        (rest.varint()? as u64, rest.varint()?, rest.varint()?)
    } else {
        (rest.u64()?, rest.i64()?, 0)
    };
    while !rest.is_empty() {
        let (series, time, start_time) = match entries.last() {
            _ if !is_v2 => (
                first_series.wrapping_add(rest.varint()? as u64),
                first_time.wrapping_add(rest.varint()?),
                0,
            ),
            None => (first_series, first_time, first_start),
            Some(before) => (
                before.series.wrapping_add(rest.varint()? as u64),
                first_time.wrapping_add(rest.varint()?),
                read_start_time(rest, first_start, before.start_time)?,
            ),
        };
        let value = if is_float {
            HistogramSample::Float(Arc::new(read_float(rest)?))
        } else {
            HistogramSample::Integer(Arc::new(read_integer(rest)?))
        };
        entries.push(HistogramEntry {
            series,
            time,
            start_time,
            value,
        });
    }
    Ok(entries)
}

fn put_spans(out: &mut Vec<u8>, spans: &[BucketSpan]) {
    put_uvarint(out, spans.len() as u64);
    for span in spans {
        put_varint(out, i64::from(span.offset));
        put_uvarint(out, u64::from(span.length));
    }
}

fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    put_uvarint(out, values.len() as u64);
    for value in values {
        put_f64(out, *value);
    }
}

/// A sample as it stands in a record.
pub(crate) fn put_histogram(out: &mut Vec<u8>, histogram: &HistogramValue) {
    match histogram {
        HistogramValue::Integer(histogram) => put_integer(out, histogram),
        HistogramValue::Float(histogram) => put_float(out, histogram),
    }
}

fn put_integer(out: &mut Vec<u8>, histogram: &Histogram) {
    out.push(histogram.counter_reset_hint as u8);
    put_varint(out, i64::from(histogram.schema));
    put_f64(out, histogram.zero_threshold);
    put_uvarint(out, histogram.zero_count);
    put_uvarint(out, histogram.count);
    put_f64(out, histogram.sum);
    put_spans(out, &histogram.positive_spans);
    put_spans(out, &histogram.negative_spans);
    for deltas in [&histogram.positive_deltas, &histogram.negative_deltas] {
        put_uvarint(out, deltas.len() as u64);
        for delta in deltas {
            put_varint(out, *delta);
        }
    }
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        put_floats(out, &histogram.custom_values);
    }
}

fn put_float(out: &mut Vec<u8>, histogram: &FloatHistogram) {
    out.push(histogram.counter_reset_hint as u8);
    put_varint(out, i64::from(histogram.schema));
    put_f64(out, histogram.zero_threshold);
    put_f64(out, histogram.zero_count);
    put_f64(out, histogram.count);
    put_f64(out, histogram.sum);
    put_spans(out, &histogram.positive_spans);
    put_spans(out, &histogram.negative_spans);
    put_floats(out, &histogram.positive_buckets);
    put_floats(out, &histogram.negative_buckets);
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        put_floats(out, &histogram.custom_values);
    }
}

fn read_hint(rest: &mut Bytes<'_>) -> Result<CounterResetHint, Malformed> {
    Ok(match rest.u8()? {
        1 => CounterResetHint::Reset,
        2 => CounterResetHint::NotReset,
        3 => CounterResetHint::Gauge,
        _ => CounterResetHint::Unknown,
    })
}

fn read_schema(rest: &mut Bytes<'_>) -> Result<i32, Malformed> {
    i32::try_from(rest.varint()?).map_err(|_| Malformed)
}

fn read_spans(rest: &mut Bytes<'_>) -> Result<Vec<BucketSpan>, Malformed> {
    (0..rest.count()?)
        .map(|_| {
            Ok(BucketSpan {
                offset: i32::try_from(rest.varint()?).map_err(|_| Malformed)?,
                length: u32::try_from(rest.uvarint()?).map_err(|_| Malformed)?,
            })
        })
        .collect()
}

fn read_deltas(rest: &mut Bytes<'_>) -> Result<Vec<i64>, Malformed> {
    (0..rest.count()?).map(|_| rest.varint()).collect()
}

fn read_floats(rest: &mut Bytes<'_>) -> Result<Vec<f64>, Malformed> {
    (0..rest.count()?).map(|_| rest.f64()).collect()
}

fn read_custom_values(rest: &mut Bytes<'_>, schema: i32) -> Result<Vec<f64>, Malformed> {
    if schema == CUSTOM_BUCKETS_SCHEMA {
        read_floats(rest)
    } else {
        Ok(Vec::new())
    }
}

fn read_integer(rest: &mut Bytes<'_>) -> Result<Histogram, Malformed> {
    let mut histogram = Histogram {
        counter_reset_hint: read_hint(rest)?,
        schema: read_schema(rest)?,
        zero_threshold: rest.f64()?,
        zero_count: rest.uvarint()?,
        count: rest.uvarint()?,
        sum: rest.f64()?,
        positive_spans: read_spans(rest)?,
        negative_spans: read_spans(rest)?,
        positive_deltas: read_deltas(rest)?,
        negative_deltas: read_deltas(rest)?,
        custom_values: Vec::new(),
    };
    histogram.custom_values = read_custom_values(rest, histogram.schema)?;
    Ok(histogram)
}

fn read_float(rest: &mut Bytes<'_>) -> Result<FloatHistogram, Malformed> {
    let mut histogram = FloatHistogram {
        counter_reset_hint: read_hint(rest)?,
        schema: read_schema(rest)?,
        zero_threshold: rest.f64()?,
        zero_count: rest.f64()?,
        count: rest.f64()?,
        sum: rest.f64()?,
        positive_spans: read_spans(rest)?,
        negative_spans: read_spans(rest)?,
        positive_buckets: read_floats(rest)?,
        negative_buckets: read_floats(rest)?,
        custom_values: Vec::new(),
    };
    histogram.custom_values = read_custom_values(rest, histogram.schema)?;
    Ok(histogram)
}
