//! Reading late samples. Chunks may overlap each other and the chunks of the other samples; everything is
//! sorted here, once per series and read.

use std::sync::Arc;

use model::histogram::CounterResetHint;
use model::storage::{ReadError, SeriesBatch, TimeRange};

use crate::compact::{Sample, Value, decode_samples};
use crate::head::Inner;
use crate::head::mapped::cursor::Cursor;
use crate::head::read::file_data;
use crate::head::series::LateSamples;

/// Whose late samples to read, and which.
#[derive(Clone, Copy, Debug)]
pub(in crate::head) struct LateRequest<'a> {
    pub(in crate::head) series: u32,
    pub(in crate::head) late: &'a LateSamples,
    /// Up to which commit.
    pub(in crate::head) snapshot: u64,
    pub(in crate::head) range: TimeRange,
}

/// Appends the samples in the range by time. Of those with the same time the first that came stays.
pub(in crate::head) fn samples(
    inner: &Inner,
    request: LateRequest<'_>,
    cursor: &mut Cursor,
    samples: &mut Vec<Sample>,
) -> Result<(), ReadError> {
    let LateRequest {
        series,
        late,
        snapshot,
        range,
    } = request;
    let from = samples.len();
    for chunk in late.closed() {
        if chunk.start > range.end.0 || chunk.end() < range.start.0 {
            continue;
        }
        let data = file_data(inner, series, chunk.position, cursor)?;
        decode_samples(chunk.encoding, data, usize::from(chunk.samples), samples)
            .map_err(|error| ReadError::Corrupt(error.to_string()))?;
    }
    samples.extend(late.open_at(snapshot).cloned());
    let mut own = samples.split_off(from);
    own.retain(|sample| range.contains(model::Timestamp(sample.time)));
    if !own.is_sorted_by(|a, b| a.time < b.time) {
        // The stable sort keeps the order of arrival for equal times.
        own.sort_by_key(|sample| sample.time);
        own.dedup_by_key(|sample| sample.time);
    }
    for sample in &mut own {
        forget_hint(sample);
    }
    samples.append(&mut own);
    Ok(())
}

/// What a chunk says of counter resets is about the sample before it there, which may be another now.
fn forget_hint(sample: &mut Sample) {
    let hint = match &mut sample.value {
        Value::Float(_) => return,
        Value::Integer(histogram) => &mut Arc::make_mut(histogram).counter_reset_hint,
        Value::FloatHistogram(histogram) => &mut Arc::make_mut(histogram).counter_reset_hint,
    };
    if *hint != CounterResetHint::Gauge {
        *hint = CounterResetHint::Unknown;
    }
}

/// The samples as columns, one unfinished series.
pub(in crate::head) fn push(samples: &[Sample], batch: &mut SeriesBatch) {
    let has_starts = samples.iter().any(|sample| sample.start_time != 0);
    for sample in samples {
        match &sample.value {
            Value::Float(value) => batch.push_float(sample.time, *value),
            Value::Integer(histogram) => {
                batch.push_histogram(sample.time, Arc::new(histogram.to_float()));
            }
            Value::FloatHistogram(histogram) => {
                batch.push_histogram(sample.time, histogram.clone());
            }
        }
        if has_starts {
            batch.start_times.resize(batch.times.len() - 1, 0);
            batch.start_times.push(sample.start_time);
        }
    }
}
