//! XOR2 chunks (encoding 4): floats with start times, and one prefix for time and value together.
//!
//! Header: number of samples (16 bits), start time header (8 bits). Samples 0 and 1 as in XOR chunks,
//! but for the value of sample 1. Staleness markers have a code of their own and are not what later
//! values are compared with.

use model::sample::{STALE_NAN_BITS, is_stale};

use super::bits::{BitReader, BitWriter};
use super::start_time::{StartOf, StartState};
use super::xor::{FloatState, XorField, read_count, write_count};
use super::{ChunkError, Go};

const HEADER: usize = 3;
const START_HEADER_AT: usize = 2;

/// A sample to append; `start_time` 0 is unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartedSample {
    pub start_time: i64,
    pub time: i64,
    pub value: f64,
}

/// The start time state of a chunk that never got a start time.
pub fn unknown_start_state(data: &[u8], state: &FloatState) -> StartState {
    let header = data.get(START_HEADER_AT).copied().unwrap_or(0);
    StartState::unknown(header, state.time, state.time_delta)
}

/// Whether samples of the chunk may have start times.
pub(crate) fn has_start_times(data: &[u8]) -> bool {
    data.get(START_HEADER_AT).is_some_and(|header| *header != 0)
}

/// Appends a sample to the chunk in `data`, which is empty for the first one.
pub fn append(
    data: &mut Vec<u8>,
    state: &mut FloatState,
    starts: &mut StartState,
    sample: StartedSample,
) {
    let count = read_count(data);
    append_at(data, state, starts, count, sample);
    write_count(data, count.saturating_add(1));
}

/// Appends sample number `count`, and leaves the number in the header to the caller.
pub(crate) fn append_at(
    data: &mut Vec<u8>,
    state: &mut FloatState,
    starts: &mut StartState,
    count: u16,
    sample: StartedSample,
) {
    if data.is_empty() {
        data.extend_from_slice(&[0; HEADER]);
    }
    let StartedSample { time, value, .. } = sample;
    let mut writer = BitWriter::new(data, state.free);
    let delta = time.wrapping_sub(state.time);
    match count {
        0 => {
            writer.varint(time);
            writer.bits(value.to_bits(), 64);
            if !is_stale(value) {
                state.value.bits = value.to_bits();
            }
        }
        1 => {
            #[expect(clippy::cast_sign_loss, reason = "the format stores the bit pattern")]
            writer.uvarint(delta as u64);
            write_value(&mut writer, &mut state.value, value);
            state.time_delta = delta;
        }
        _ => {
            write_joint(
                &mut writer,
                state,
                delta.wrapping_sub(state.time_delta),
                value,
            );
            state.time_delta = delta;
        }
    }
    let start = StartOf {
        index: count,
        time,
        time_before: state.time,
        start_time: sample.start_time,
    };
    starts.write(&mut writer, start);
    state.free = writer.free();
    state.time = time;
    if let Some(header) = data.get_mut(START_HEADER_AT) {
        *header = starts.header;
    }
}

#[expect(clippy::cast_sign_loss, reason = "the bit pattern is written")]
fn write_joint(writer: &mut BitWriter<'_>, state: &mut FloatState, delta: i64, value: f64) {
    let pattern = delta as u64;
    match delta {
        0 if is_stale(value) => return writer.bits(0b11111, 5),
        0 => {
            let difference = value.to_bits() ^ state.value.bits;
            if difference == 0 {
                return writer.zero();
            }
            state.value.bits = value.to_bits();
            if state.value.choose_window(difference) {
                writer.bits(0b100, 3);
            } else {
                writer.bits(0b101, 3);
                state.value.write_window(writer);
            }
            return state.value.write_significant(writer, difference);
        }
        -0x1000..=0xfff => writer.bits(0b110 << 13 | pattern & 0x1fff, 16),
        -0x80000..=0x7ffff => writer.bits(0b1110 << 20 | pattern & 0xf_ffff, 24),
        _ => {
            writer.bits(0b11110, 5);
            writer.bits(pattern, 64);
        }
    }
    write_value(writer, &mut state.value, value);
}

fn write_value(writer: &mut BitWriter<'_>, field: &mut XorField, value: f64) {
    if is_stale(value) {
        return writer.bits(0b111, 3);
    }
    let difference = value.to_bits() ^ field.bits;
    if difference == 0 {
        return writer.zero();
    }
    field.bits = value.to_bits();
    if field.choose_window(difference) {
        writer.bits(0b10, 2);
    } else {
        writer.bits(0b110, 3);
        field.write_window(writer);
    }
    field.write_significant(writer, difference);
}

/// Gives start time, time and value of the first `count` samples to `sink`, until that returns `false`.
/// The number in the header is not looked at.
pub(crate) fn decode(
    data: &[u8],
    count: usize,
    mut sink: impl FnMut(i64, i64, f64) -> Go,
) -> Result<(), ChunkError> {
    if count == 0 {
        return Ok(());
    }
    let mut reader = BitReader::new(data.get(HEADER..).ok_or(ChunkError::Truncated)?);
    let mut starts = StartState::from_header(data[START_HEADER_AT]);
    let (mut time, mut delta, mut field) = (0i64, 0i64, XorField::NEW);
    for index in 0..count {
        let time_before = time;
        let mut bits = field.bits;
        match index {
            0 => {
                time = reader.varint()?;
                bits = reader.bits(64);
                if bits != STALE_NAN_BITS {
                    field.bits = bits;
                }
            }
            1 => {
                #[expect(
                    clippy::cast_possible_wrap,
                    reason = "the format stores the bit pattern"
                )]
                {
                    delta = reader.uvarint()? as i64;
                }
                time = time.wrapping_add(delta);
                bits = read_value(&mut reader, &mut field)?;
            }
            _ => {
                match reader.unary(5) {
                    0 => {}
                    1 => {
                        if reader.bits(1) == 1 {
                            field.read_window(&mut reader)?;
                        }
                        field.read_significant(&mut reader)?;
                        bits = field.bits;
                    }
                    5 => bits = STALE_NAN_BITS,
                    ones => {
                        let width = match ones {
                            2 => 13,
                            3 => 20,
                            _ => 64,
                        };
                        delta = delta.wrapping_add(sign_extend(reader.bits(width), width));
                        bits = read_value(&mut reader, &mut field)?;
                    }
                }
                time = time.wrapping_add(delta);
            }
        }
        starts.read(&mut reader, index, time, time_before)?;
        reader.check()?;
        if !sink(starts.start_time, time, f64::from_bits(bits)) {
            break;
        }
    }
    Ok(())
}

/// Two's complement of `width` bits.
#[expect(
    clippy::cast_possible_wrap,
    reason = "the shifts move the sign bit to its place"
)]
fn sign_extend(value: u64, width: u32) -> i64 {
    ((value << (64 - width)) as i64) >> (64 - width)
}

fn read_value(reader: &mut BitReader<'_>, field: &mut XorField) -> Result<u64, ChunkError> {
    match reader.unary(3) {
        0 => {}
        1 => field.read_significant(reader)?,
        2 => {
            field.read_window(reader)?;
            field.read_significant(reader)?;
        }
        _ => return Ok(STALE_NAN_BITS),
    }
    Ok(field.bits)
}
