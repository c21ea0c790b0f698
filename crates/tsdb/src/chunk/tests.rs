//! All codecs give back what they were given, and survive any bytes.

use model::histogram::{BucketSpan, CounterResetHint, FloatHistogram, Histogram};
use model::sample::STALE_NAN;
use model::storage::{SeriesBatch, TimeRange};
use model::time::Timestamp;
use proptest::prelude::*;

use super::histogram::{Appended, DecodedHistogram, HistogramValue, OpenChunk};
use super::xor::{self, FloatState};
use super::xor2::{self, StartedSample};
use super::{Encoding, StartState, StartTimes, Wanted, decode, decode_counted};

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(STALE_NAN),
        (0..1000i32).prop_map(f64::from),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

/// Steps between times: mostly even, sometimes any size.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![Just(15_000i64), 14_900..15_100i64, 1..1i64 << 40]
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #[test]
    fn floats_come_back(
        start in -(1i64 << 45)..(1i64 << 45),
        samples in prop::collection::vec((step(), value(), prop_oneof![Just(0), -1000i64..1000]), 1..300),
    ) {
        let (mut plain, mut plain_state) = (Vec::new(), FloatState::NEW);
        let (mut started, mut state, mut starts) = (Vec::new(), FloatState::NEW, StartState::default());
        let (mut unstarted, mut unstarted_state) = (Vec::new(), FloatState::NEW);
        let mut time = start;
        let (mut times, mut start_times) = (Vec::new(), Vec::new());
        for (step, value, offset) in &samples {
            time += step;
            let start_time = if *offset == 0 { 0 } else { time + offset };
            xor::append(&mut plain, &mut plain_state, time, *value);
            let sample = StartedSample { start_time, time, value: *value };
            xor2::append(&mut started, &mut state, &mut starts, sample);
            let mut none = xor2::unknown_start_state(&unstarted, &unstarted_state);
            let sample = StartedSample { start_time: 0, time, value: *value };
            xor2::append(&mut unstarted, &mut unstarted_state, &mut none, sample);
            times.push(time);
            start_times.push(start_time);
        }
        let values: Vec<f64> = samples.iter().map(|(_, value, _)| *value).collect();
        for (encoding, data) in [
            (Encoding::Xor, &plain),
            (Encoding::Xor2, &started),
            (Encoding::Xor2, &unstarted),
        ] {
            let mut batch = SeriesBatch::new();
            decode(encoding, data, Wanted::ALL, &mut batch).unwrap();
            super::align_start_times(&mut batch);
            prop_assert_eq!(&batch.times, &times);
            prop_assert_eq!(bits(&batch.values), bits(&values));
            if std::ptr::eq(data, &started) && start_times.iter().any(|start| *start != 0) {
                prop_assert_eq!(&batch.start_times, &start_times);
            } else {
                prop_assert!(batch.start_times.iter().all(|start| *start == 0));
            }
            // A part of it.
            let (from, to) = (times[times.len() / 3], times[times.len() / 2]);
            let range = TimeRange::new(Timestamp(from), Timestamp(to));
            let wanted = Wanted { samples_max: times.len() / 2, range };
            batch.clear();
            decode(encoding, data, wanted, &mut batch).unwrap();
            prop_assert_eq!(&batch.times, &times[times.len() / 3..times.len() / 2]);
        }
    }

    #[test]
    fn histograms_come_back(
        inputs in prop::collection::vec((step(), spans(), -300i64..300, prop::bool::weighted(0.1), 0..4u8), 1..40),
        with_starts in any::<bool>(),
    ) {
        let starts = if with_starts { StartTimes::With } else { StartTimes::Without };
        let mut integers = OpenChunk::<i64>::new(starts);
        let mut floats = OpenChunk::<f64>::new(starts);
        let (mut integer_chunks, mut float_chunks) = (Vec::new(), Vec::new());
        let (mut time, mut expected) = (0, Vec::new());
        for (step, spans, base, stale, hint) in &inputs {
            time += step;
            let histogram = integer_histogram(spans, *base, *stale, *hint);
            let float = histogram.to_float();
            let start = if *base % 3 == 0 { 0 } else { time - base };
            if let Appended::NewChunk(full) = integers.append(start, time, &histogram, None) {
                integer_chunks.push((full.encoding(), full.into_data()));
            }
            if let Appended::NewChunk(full) = floats.append(start, time, &float, None) {
                float_chunks.push((full.encoding(), full.into_data()));
            }
            expected.push((time, if with_starts { start } else { 0 }, float));
        }
        integer_chunks.push((integers.encoding(), integers.into_data()));
        float_chunks.push((floats.encoding(), floats.into_data()));
        for chunks in [integer_chunks, float_chunks] {
            let mut found: Vec<DecodedHistogram> = Vec::new();
            for (encoding, data) in &chunks {
                super::histogram::decode(*encoding, data, usize::MAX, |sample| {
                    found.push(sample);
                    true
                }).unwrap();
            }
            prop_assert_eq!(found.len(), expected.len());
            for (found, (time, start, float)) in found.iter().zip(&expected) {
                prop_assert_eq!((found.time, found.start_time), (*time, *start));
                prop_assert_eq!(buckets(&found.to_float()), buckets(float));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..400)) {
        for byte in 0..8 {
            if let Some(encoding) = Encoding::from_byte(byte) {
                let mut batch = SeriesBatch::new();
                let _ = decode(encoding, &data, Wanted::ALL, &mut batch);
            }
        }
    }

    /// Cut off or with a flipped bit: decoded in part or refused, never worse.
    #[test]
    fn damaged_chunks_are_survived(cut in 0..200usize, flip in 0..1600usize) {
        let mut open = OpenChunk::<i64>::new(StartTimes::With);
        for step in 0..20 {
            let spans = [BucketSpan { offset: 0, length: 2 + u32::try_from(step).unwrap() / 5 }];
            open.append(1, step * 15_000, &integer_histogram(&spans, step, false, 0), None);
        }
        let mut data = open.into_data();
        data.truncate(data.len().saturating_sub(cut));
        if let Some(byte) = data.get_mut(flip / 8) {
            *byte ^= 1 << (flip % 8);
        }
        let mut batch = SeriesBatch::new();
        let _ = decode(Encoding::HistogramSt, &data, Wanted::ALL, &mut batch);
    }
}

fn spans() -> impl Strategy<Value = Vec<BucketSpan>> {
    prop::collection::vec((0..4i32, 0..4u32), 0..4).prop_map(|spans| {
        let span = |(offset, length)| BucketSpan { offset, length };
        spans.into_iter().map(span).collect()
    })
}

fn integer_histogram(spans: &[BucketSpan], base: i64, stale: bool, hint: u8) -> Histogram {
    let length: u32 = spans.iter().map(|span| span.length).sum();
    let counts: Vec<i64> = (0..i64::from(length))
        .map(|n| (base + n).abs() % 50)
        .collect();
    let mut before = 0;
    let deltas: Vec<i64> = counts
        .iter()
        .map(|count| count - std::mem::replace(&mut before, *count))
        .collect();
    let total: i64 = counts.iter().sum();
    Histogram {
        counter_reset_hint: match hint {
            1 => CounterResetHint::Reset,
            2 => CounterResetHint::NotReset,
            3 => CounterResetHint::Gauge,
            _ => CounterResetHint::Unknown,
        },
        schema: if base % 7 == 0 { 2 } else { 3 },
        zero_threshold: if base % 11 == 0 { 0.5 } else { 0.001 },
        zero_count: base.unsigned_abs(),
        count: total.unsigned_abs() + base.unsigned_abs(),
        sum: if stale { STALE_NAN } else { base as f64 },
        positive_spans: spans.to_vec(),
        positive_deltas: deltas,
        ..Histogram::default()
    }
}

/// What queries see of a histogram: layout may differ in empty buckets. Markers have nothing else.
fn buckets(histogram: &FloatHistogram) -> (u64, Vec<(i64, u64)>, u64, i32) {
    if model::sample::is_stale(histogram.sum) {
        return (histogram.sum.to_bits(), Vec::new(), 0, 0);
    }
    let mut next = 0i64;
    let indices = histogram.positive_spans.iter().flat_map(|span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    let filled = indices
        .zip(&histogram.positive_buckets)
        .filter(|(_, count)| **count != 0.0)
        .map(|(index, count)| (index, count.to_bits()))
        .collect();
    let zero = histogram.zero_count.to_bits() ^ histogram.count.to_bits().rotate_left(7);
    (histogram.sum.to_bits(), filled, zero, histogram.schema)
}

#[test]
fn a_value_of_another_kind_is_refused() {
    let result = super::histogram::decode(Encoding::Xor, &[0; 10], 1, |sample| {
        matches!(sample.value, HistogramValue::Float(_))
    });
    assert!(result.is_err());
}

/// The decoder writes whole chunks and cuts them afterwards; what is left is what was asked for.
#[test]
fn floats_in_a_range() {
    let mut data = Vec::new();
    let mut state = FloatState::NEW;
    let samples: Vec<(i64, f64)> = (0..100)
        .map(|at| {
            let jitter = [0, 0, 3, 0, -5_000, 70_000][(at % 6) as usize];
            let value = if at % 3 == 0 { 7.0 } else { at as f64 * 0.1 };
            (at * 100_000 + jitter, value)
        })
        .collect();
    for (time, value) in &samples {
        xor::append(&mut data, &mut state, *time, *value);
    }
    for (start, end, count) in [
        (i64::MIN, i64::MAX, 100),
        (i64::MIN, -1, 100),
        (0, 0, 100),
        (0, 100_000, 100),
        (250_000, 5_070_000, 100),
        (250_000, 5_069_999, 30),
        (i64::MAX, i64::MAX, 100),
        (0, i64::MAX, 1),
        (0, i64::MAX, 0),
    ] {
        let range = TimeRange::new(Timestamp(start), Timestamp(end));
        let mut batch = SeriesBatch::new();
        batch.push_float(-5, 1.5);
        decode_counted(Encoding::Xor, &data, count, range, &mut batch).unwrap();
        let read: Vec<(i64, f64)> = batch
            .times
            .iter()
            .copied()
            .zip(batch.values.iter().copied())
            .skip(1)
            .collect();
        let expected: Vec<(i64, f64)> = samples
            .iter()
            .take(count)
            .filter(|(time, _)| range.contains(Timestamp(*time)))
            .copied()
            .collect();
        assert_eq!(read, expected, "{start} {end} {count}");
        assert_eq!(batch.times[0], -5);
    }
}
