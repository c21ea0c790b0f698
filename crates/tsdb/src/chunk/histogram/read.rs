//! The decoder of histogram chunks.

use model::histogram::CounterResetHint;
use model::sample::is_stale;

use super::append::buckets_of;
use super::count::Count;
use super::layout::Layout;
use super::{DecodedHistogram, HEADER, HistogramPoint};
use crate::chunk::bits::BitReader;
use crate::chunk::start_time::StartState;
use crate::chunk::varbit::read_int;
use crate::chunk::xor::XorField;
use crate::chunk::{ChunkError, Encoding, Go, samples_in};

/// A sample in the chunk's layout.
pub(super) struct ReadPoint<C> {
    pub(super) time: i64,
    pub(super) start_time: i64,
    pub(super) point: HistogramPoint<C>,
}

pub(super) fn decode<C: Count>(
    encoding: Encoding,
    data: &[u8],
    samples_max: usize,
    mut sink: impl FnMut(DecodedHistogram) -> Go,
) -> Result<(), ChunkError> {
    let stale_layout = Layout::default();
    decode_points::<C>(encoding, data, samples_max, |layout, sample| {
        let layout = if is_stale(sample.point.sum) {
            &stale_layout
        } else {
            layout
        };
        sink(DecodedHistogram {
            time: sample.time,
            start_time: sample.start_time,
            value: C::value(layout, sample.point),
        })
    })
}

pub(super) fn decode_points<C: Count>(
    encoding: Encoding,
    data: &[u8],
    samples_max: usize,
    mut sink: impl FnMut(&Layout, ReadPoint<C>) -> Go,
) -> Result<(), ChunkError> {
    let [first, _, third] = *data.first_chunk::<HEADER>().ok_or(ChunkError::Truncated)?;
    let has_starts = matches!(encoding, Encoding::HistogramSt | Encoding::FloatHistogramSt);
    let is_gauge = (if has_starts { first } else { third }) & 0xc0 == 0xc0;
    let mut starts = has_starts.then(|| StartState::from_header(third));
    let count = samples_in(encoding, data).min(samples_max);
    if count == 0 {
        return Ok(());
    }
    let mut reader = BitReader::new(&data[HEADER..]);
    let layout = Layout::read(&mut reader)?;
    let (positive_len, negative_len) = buckets_of(&layout);
    // Each bucket takes at least a bit.
    if positive_len.saturating_add(negative_len) > reader.bits_left() as u64 {
        return Err(ChunkError::Truncated);
    }

    let mut time = read_int(&mut reader);
    let mut time_delta = 0i64;
    let mut total = C::read_first_total(&mut reader);
    let mut zero = C::read_first_total(&mut reader);
    let mut sum = XorField::with_bits(reader.bits(64));
    let mut first = |_| C::read_first_bucket(&mut reader);
    let mut positive: Vec<C::Field> = (0..positive_len).map(&mut first).collect();
    let mut negative: Vec<C::Field> = (0..negative_len).map(&mut first).collect();

    for index in 0..count {
        let time_before = time;
        if index > 0 {
            time_delta = time_delta.wrapping_add(read_int(&mut reader));
            time = time.wrapping_add(time_delta);
            C::read_next(&mut reader, &mut total)?;
            C::read_next(&mut reader, &mut zero)?;
            sum.read(&mut reader)?;
            if !is_stale(f64::from_bits(sum.bits)) {
                for field in positive.iter_mut().chain(&mut negative) {
                    C::read_next(&mut reader, field)?;
                }
            }
        }
        let mut start_time = 0;
        if let Some(starts) = &mut starts {
            starts.read(&mut reader, index, time, time_before)?;
            start_time = starts.start_time;
        }
        reader.check()?;
        let sum = f64::from_bits(sum.bits);
        let point = if is_stale(sum) {
            HistogramPoint {
                hint: CounterResetHint::Unknown,
                sum,
                count: C::default(),
                zero_count: C::default(),
                positive: Vec::new(),
                negative: Vec::new(),
            }
        } else {
            HistogramPoint {
                hint: hint(is_gauge, index),
                sum,
                count: C::of(&total),
                zero_count: C::of(&zero),
                positive: C::from_stored(positive.iter().map(C::of)),
                negative: C::from_stored(negative.iter().map(C::of)),
            }
        };
        let sample = ReadPoint {
            time,
            start_time,
            point,
        };
        if !sink(&layout, sample) {
            break;
        }
    }
    Ok(())
}

/// Within a counter chunk nothing was reset; of the first sample nothing is known, since the chunk
/// before it may be gone.
fn hint(is_gauge: bool, index: usize) -> CounterResetHint {
    if is_gauge {
        CounterResetHint::Gauge
    } else if index > 0 {
        CounterResetHint::NotReset
    } else {
        CounterResetHint::Unknown
    }
}
