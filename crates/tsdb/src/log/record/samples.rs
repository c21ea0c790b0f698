//! Float samples, in columns.
//!
//! Version 1: first reference and time (8 bytes each), then per sample differences to these and the
//! value. Version 2 also has start times, and takes references as differences to the sample before.

use super::{Kind, put_start_time, read_start_time};
use crate::bytes::{Bytes, Malformed, put_f64, put_u64, put_varint};

/// Columns of equal length; `start_times` may instead be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleColumns {
    pub series: Vec<u64>,
    pub times: Vec<i64>,
    pub start_times: Vec<i64>,
    pub values: Vec<f64>,
}

impl SampleColumns {
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub fn clear(&mut self) {
        self.series.clear();
        self.times.clear();
        self.start_times.clear();
        self.values.clear();
    }

    #[inline]
    pub fn push(&mut self, series: u64, time: i64, value: f64) {
        self.series.push(series);
        self.times.push(time);
        self.values.push(value);
    }

    fn with_room_for(samples: usize) -> Self {
        Self {
            series: Vec::with_capacity(samples),
            times: Vec::with_capacity(samples),
            start_times: Vec::new(),
            values: Vec::with_capacity(samples),
        }
    }
}

/// A sample takes at least this many bytes.
const SAMPLE_BYTES_MIN: usize = 10;

pub fn encode_samples(out: &mut Vec<u8>, samples: &SampleColumns) {
    out.push(Kind::Samples as u8);
    let (Some(&first), Some(&first_time)) = (samples.series.first(), samples.times.first()) else {
        return;
    };
    put_u64(out, first);
    put_u64(out, first_time as u64);
    for ((series, time), value) in samples
        .series
        .iter()
        .zip(&samples.times)
        .zip(&samples.values)
    {
        put_varint(out, series.wrapping_sub(first) as i64);
        put_varint(out, time.wrapping_sub(first_time));
        put_f64(out, *value);
    }
}

pub fn encode_samples_v2(out: &mut Vec<u8>, samples: &SampleColumns) {
    out.push(Kind::SamplesV2 as u8);
    let (mut series_before, mut start_before) = (0, 0);
    let (mut first_time, mut first_start) = (0, 0);
    for (row, series) in samples.series.iter().enumerate() {
        let time = samples.times[row];
        let start = samples.start_times.get(row).copied().unwrap_or(0);
        put_varint(out, series.wrapping_sub(series_before) as i64);
        put_varint(out, time.wrapping_sub(first_time));
        if row == 0 {
            (first_time, first_start) = (time, start);
            put_varint(out, start);
        } else {
            put_start_time(out, start, first_start, start_before);
        }
        put_f64(out, samples.values[row]);
        (series_before, start_before) = (*series, start);
    }
}

pub(super) fn decode(rest: &mut Bytes<'_>) -> Result<SampleColumns, Malformed> {
    let mut samples = SampleColumns::with_room_for(rest.left() / SAMPLE_BYTES_MIN);
    if rest.is_empty() {
        return Ok(samples);
    }
    let first = rest.u64()?;
    let first_time = rest.i64()?;
    while !rest.is_empty() {
        let series = first.wrapping_add(rest.varint()? as u64);
        let time = first_time.wrapping_add(rest.varint()?);
        samples.push(series, time, rest.f64()?);
    }
    Ok(samples)
}

pub(super) fn decode_v2(rest: &mut Bytes<'_>) -> Result<SampleColumns, Malformed> {
    let mut samples = SampleColumns::with_room_for(rest.left() / SAMPLE_BYTES_MIN);
    let (mut series, mut first_time, mut first_start, mut start) = (0u64, 0, 0, 0);
    let mut is_first = true;
    while !rest.is_empty() {
        series = series.wrapping_add(rest.varint()? as u64);
        let time = rest.varint()?.wrapping_add(first_time);
        if is_first {
            first_time = time;
            first_start = rest.varint()?;
            start = first_start;
            is_first = false;
        } else {
            start = read_start_time(rest, first_start, start)?;
        }
        samples.push(series, time, rest.f64()?);
        samples.start_times.push(start);
    }
    Ok(samples)
}
