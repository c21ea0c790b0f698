//! Samples of any kind, out of chunks and into new ones.

use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::storage::{SeriesBatch, TimeRange};

use crate::block::writer::NewChunk;
use crate::chunk::histogram::{self, Appended, Count, HistogramValue, OpenChunk};
use crate::chunk::xor::{self, FloatState};
use crate::chunk::xor2::{self, StartedSample};
use crate::chunk::{ChunkError, Encoding, StartState, StartTimes, decode_counted, samples_in};

/// Samples of a chunk, as the peer cuts when it writes chunks anew.
const CHUNK_SAMPLES: usize = 120;

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    /// 0: unknown.
    pub(crate) start_time: i64,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    Integer(Arc<Histogram>),
    FloatHistogram(Arc<FloatHistogram>),
}

/// Appends the first `count` samples of a chunk.
pub(crate) fn decode_samples(
    encoding: Encoding,
    data: &[u8],
    count: usize,
    samples: &mut Vec<Sample>,
) -> Result<(), ChunkError> {
    if encoding.is_float() {
        let mut batch = SeriesBatch::new();
        decode_counted(encoding, data, count, TimeRange::ALL, &mut batch)?;
        let start_time = |at| batch.start_times.get(at).copied().unwrap_or(0);
        let floats = batch.times.iter().zip(&batch.values).enumerate();
        samples.extend(floats.map(|(at, (time, value))| Sample {
            time: *time,
            start_time: start_time(at),
            value: Value::Float(*value),
        }));
        return Ok(());
    }
    histogram::decode(encoding, data, count, |sample| {
        samples.push(Sample {
            time: sample.time,
            start_time: sample.start_time,
            value: match sample.value {
                HistogramValue::Integer(histogram) => Value::Integer(histogram),
                HistogramValue::Float(histogram) => Value::FloatHistogram(histogram),
            },
        });
        true
    })
}

/// Appends all samples of a chunk that is not open any more.
pub(crate) fn decode_whole(
    encoding: Encoding,
    data: &[u8],
    samples: &mut Vec<Sample>,
) -> Result<(), ChunkError> {
    if data.len() < xor::HEADER {
        return Err(ChunkError::Truncated);
    }
    decode_samples(encoding, data, samples_in(encoding, data), samples)
}

/// Which samples can share a chunk.
fn kind(sample: &Sample) -> u8 {
    match sample.value {
        Value::Float(_) => 0,
        Value::Integer(_) => 1,
        Value::FloatHistogram(_) => 2,
    }
}

/// Appends chunks with the samples, whose times must grow.
pub(crate) fn encode_samples(samples: &[Sample], chunks: &mut Vec<NewChunk>) {
    for run in samples.chunk_by(|a, b| kind(a) == kind(b)) {
        let has_starts = run.iter().any(|sample| sample.start_time != 0);
        match run.first().map(|sample| &sample.value) {
            Some(Value::Float(_)) => {
                let runs = run.chunks(CHUNK_SAMPLES);
                chunks.extend(runs.filter_map(|run| floats(run, has_starts)));
            }
            Some(Value::Integer(_)) => {
                histograms::<i64>(run, has_starts, chunks, |value| match value {
                    Value::Integer(histogram) => Some(histogram),
                    _ => None,
                });
            }
            Some(Value::FloatHistogram(_)) => {
                histograms::<f64>(run, has_starts, chunks, |value| match value {
                    Value::FloatHistogram(histogram) => Some(histogram),
                    _ => None,
                });
            }
            None => {}
        }
    }
}

fn floats(run: &[Sample], has_starts: bool) -> Option<NewChunk> {
    let mut data = Vec::new();
    let mut state = FloatState::NEW;
    let mut starts = StartState::default();
    for sample in run {
        let Value::Float(value) = sample.value else {
            continue;
        };
        let (time, start_time) = (sample.time, sample.start_time);
        if has_starts {
            let sample = StartedSample {
                start_time,
                time,
                value,
            };
            xor2::append(&mut data, &mut state, &mut starts, sample);
        } else {
            xor::append(&mut data, &mut state, time, value);
        }
    }
    Some(NewChunk {
        start: run.first()?.time,
        end: run.last()?.time,
        encoding: if has_starts {
            Encoding::Xor2
        } else {
            Encoding::Xor
        },
        data,
    })
}

fn histograms<C: Count>(
    run: &[Sample],
    has_starts: bool,
    chunks: &mut Vec<NewChunk>,
    histogram: impl Fn(&Value) -> Option<&Arc<C::Histogram>>,
) {
    let starts = if has_starts {
        StartTimes::With
    } else {
        StartTimes::Without
    };
    let mut open = OpenChunk::<C>::new(starts);
    let mut previous: Option<OpenChunk<C>> = None;
    let (mut start, mut end) = (0, 0);
    let mut close = |full: &OpenChunk<C>, start, end| {
        chunks.push(NewChunk {
            start,
            end,
            encoding: full.encoding(),
            data: full.data().to_vec(),
        });
    };
    for sample in run {
        let Some(value) = histogram(&sample.value) else {
            continue;
        };
        if usize::from(open.samples()) >= CHUNK_SAMPLES {
            close(&open, start, end);
            previous = Some(std::mem::replace(&mut open, OpenChunk::new(starts)));
        }
        if open.samples() == 0 {
            start = sample.time;
        }
        match open.append(sample.start_time, sample.time, value, previous.as_ref()) {
            Appended::NewChunk(full) => {
                close(&full, start, end);
                start = sample.time;
            }
            Appended::InPlace | Appended::Recoded => {}
        }
        previous = None;
        end = sample.time;
    }
    if open.samples() > 0 {
        close(&open, start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of all kinds, as they come out again.
    #[test]
    fn samples_survive_new_chunks() {
        let integer = |count: u64| {
            Value::Integer(Arc::new(Histogram {
                count,
                zero_count: count,
                sum: count as f64,
                ..Histogram::default()
            }))
        };
        let float = |count: f64| {
            Value::FloatHistogram(Arc::new(FloatHistogram {
                count,
                zero_count: count,
                sum: count,
                ..FloatHistogram::default()
            }))
        };
        let mut samples = Vec::new();
        for number in 0..1000i64 {
            let value = match number / 300 {
                0 => Value::Float(number as f64 / 3.0),
                1 => integer(number as u64 % 170),
                2 => float(number as f64),
                _ => Value::Float(f64::NAN),
            };
            samples.push(Sample {
                time: number * 15_000,
                start_time: if number < 500 { 0 } else { number * 7_000 },
                value,
            });
        }
        let mut chunks = Vec::new();
        encode_samples(&samples, &mut chunks);
        let mut found = Vec::new();
        for chunk in &chunks {
            let before = found.len();
            decode_whole(chunk.encoding, &chunk.data, &mut found).unwrap();
            assert!(found.len() - before <= CHUNK_SAMPLES);
            assert_eq!(found[before].time, chunk.start);
            assert_eq!(found.last().unwrap().time, chunk.end);
        }
        assert_eq!(found.len(), samples.len());
        for (found, sample) in found.iter().zip(&samples) {
            assert_eq!(
                (found.time, found.start_time),
                (sample.time, sample.start_time)
            );
            match (&found.value, &sample.value) {
                (Value::Float(a), Value::Float(b)) => assert_eq!(a.to_bits(), b.to_bits()),
                (Value::Integer(a), Value::Integer(b)) => assert_eq!(a.count, b.count),
                (Value::FloatHistogram(a), Value::FloatHistogram(b)) => {
                    assert_eq!(a.count, b.count);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
