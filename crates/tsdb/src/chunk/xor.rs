//! XOR chunks (encoding 1): times as deltas of deltas, values as differences of bit patterns.
//!
//! Header: number of samples, 16 bits. Sample 0: time as varint, value as 64 bits. Sample 1: delta of
//! time as uvarint, XOR of value. Later: delta of delta in 1, 16, 20, 24 or 68 bits, XOR of value.

use model::storage::TimeRange;

use super::ChunkError;
use super::bits::{BitReader, BitWriter};
use super::varbit::{extend, fits};

/// Bytes before the first sample.
pub(crate) const HEADER: usize = 2;
/// No window of significant bits has been written yet.
const NO_WINDOW: u8 = 0xff;

/// A value that is stored as the difference to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XorField {
    pub(crate) bits: u64,
    /// Zero bits around the significant ones in the window in use.
    pub(crate) leading: u8,
    pub(crate) trailing: u8,
}

impl XorField {
    pub(crate) const NEW: Self = Self {
        bits: 0,
        leading: NO_WINDOW,
        trailing: 0,
    };

    pub(crate) fn with_bits(bits: u64) -> Self {
        Self { bits, ..Self::NEW }
    }

    /// Chooses the window for a difference that is not 0. `true`: the window in use serves.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "counts of zero bits are at most 64"
    )]
    pub(crate) fn choose_window(&mut self, difference: u64) -> bool {
        // Five bits hold the leading zeros.
        let leading = (difference.leading_zeros() as u8).min(31);
        let trailing = difference.trailing_zeros() as u8;
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            return true;
        }
        (self.leading, self.trailing) = (leading, trailing);
        false
    }

    #[inline(always)]
    pub(crate) fn significant(self) -> u32 {
        64 - u32::from(self.leading) - u32::from(self.trailing)
    }

    /// Five bits of leading zeros, six of length (64 as 0).
    pub(crate) fn write_window(self, writer: &mut BitWriter<'_>) {
        let head = (u64::from(self.leading) << 6) | u64::from(self.significant() & 63);
        writer.bits(head, 11);
    }

    #[inline]
    pub(crate) fn read_window(&mut self, reader: &mut BitReader<'_>) -> Result<(), ChunkError> {
        let head = reader.bits(11);
        let leading = head >> 6;
        let significant = match head & 63 {
            0 => 64,
            count => count,
        };
        let trailing = 64u64
            .checked_sub(leading + significant)
            .ok_or(ChunkError::Malformed("a value is wider than 64 bits"))?;
        #[expect(clippy::cast_possible_truncation, reason = "both are at most 64")]
        {
            (self.leading, self.trailing) = (leading as u8, trailing as u8);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn write_significant(self, writer: &mut BitWriter<'_>, difference: u64) {
        writer.bits(difference >> self.trailing, self.significant());
    }

    #[inline]
    pub(crate) fn read_significant(
        &mut self,
        reader: &mut BitReader<'_>,
    ) -> Result<(), ChunkError> {
        if self.leading == NO_WINDOW {
            return Err(ChunkError::Malformed(
                "a value refers to a window that is not there",
            ));
        }
        self.bits ^= reader.bits(self.significant()) << self.trailing;
        Ok(())
    }

    /// `0`: same. `10`: in the window in use. `11`: a new window, then the bits.
    #[inline]
    pub(crate) fn write(&mut self, writer: &mut BitWriter<'_>, bits: u64) {
        let difference = bits ^ self.bits;
        if difference == 0 {
            return writer.zero();
        }
        self.bits = bits;
        if self.choose_window(difference) {
            writer.bits(0b10, 2);
        } else {
            writer.bits(0b11, 2);
            self.write_window(writer);
        }
        self.write_significant(writer, difference);
    }

    #[inline]
    pub(crate) fn read(&mut self, reader: &mut BitReader<'_>) -> Result<(), ChunkError> {
        match reader.unary(2) {
            0 => Ok(()),
            1 => self.read_significant(reader),
            _ => {
                self.read_window(reader)?;
                self.read_significant(reader)
            }
        }
    }
}

/// What the next sample of an open chunk is encoded against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatState {
    pub(crate) time: i64,
    pub(crate) time_delta: i64,
    pub(crate) value: XorField,
    /// Unused bits of the chunk's last byte.
    pub(crate) free: u8,
}

impl FloatState {
    /// For a chunk without samples.
    pub const NEW: Self = Self {
        time: 0,
        time_delta: 0,
        value: XorField::NEW,
        free: 0,
    };
}

pub(crate) fn read_count(data: &[u8]) -> u16 {
    data.first_chunk::<2>()
        .map_or(0, |head| u16::from_be_bytes(*head))
}

pub(crate) fn write_count(data: &mut [u8], count: u16) {
    if let Some(head) = data.first_chunk_mut::<2>() {
        *head = count.to_be_bytes();
    }
}

/// Appends a sample to the chunk in `data`, which is empty for the first one. The caller keeps chunks
/// below 65,535 samples; times must grow.
pub fn append(data: &mut Vec<u8>, state: &mut FloatState, time: i64, value: f64) {
    let count = read_count(data);
    append_at(data, state, count, time, value);
    write_count(data, count.saturating_add(1));
}

/// Appends sample number `count`, and leaves the number in the header to the caller: the head writes
/// it once, when a chunk is full, and so stays away from the first bytes of the chunk until then.
pub(crate) fn append_at(
    data: &mut Vec<u8>,
    state: &mut FloatState,
    count: u16,
    time: i64,
    value: f64,
) {
    if data.is_empty() {
        data.extend_from_slice(&[0; HEADER]);
    }
    let mut writer = BitWriter::new(data, state.free);
    let delta = time.wrapping_sub(state.time);
    match count {
        0 => {
            writer.varint(time);
            writer.bits(value.to_bits(), 64);
            state.value = XorField::with_bits(value.to_bits());
        }
        1 => {
            #[expect(clippy::cast_sign_loss, reason = "the format stores the bit pattern")]
            writer.uvarint(delta as u64);
            state.value.write(&mut writer, value.to_bits());
            state.time_delta = delta;
        }
        _ => {
            write_delta_of_delta(&mut writer, delta.wrapping_sub(state.time_delta));
            state.value.write(&mut writer, value.to_bits());
            state.time_delta = delta;
        }
    }
    state.free = writer.free();
    state.time = time;
}

#[expect(clippy::cast_sign_loss, reason = "the bit pattern is written")]
fn write_delta_of_delta(writer: &mut BitWriter<'_>, delta: i64) {
    let pattern = delta as u64;
    let cut = |bits: u32| pattern & ((1 << bits) - 1);
    match delta {
        0 => writer.zero(),
        delta if fits(delta, 14) => writer.bits(0b10 << 14 | cut(14), 16),
        delta if fits(delta, 17) => writer.bits(0b110 << 17 | cut(17), 20),
        delta if fits(delta, 20) => writer.bits(0b1110 << 20 | cut(20), 24),
        _ => {
            writer.bits(0b1111, 4);
            writer.bits(pattern, 64);
        }
    }
}

/// Appends the samples in the range, of the first `count`, to the columns. The number in the header is
/// not looked at.
///
/// This is what most of the time of a query over much data goes into. A sample at the usual distance with
/// the value of the one before is two zero bits, and such samples come in runs: a run costs about 1 ns a
/// sample, a changing value 5 to 10 ns, which is the way from the place of one sample to that of the next.
pub(crate) fn decode(
    data: &[u8],
    count: usize,
    range: TimeRange,
    (times, values): (&mut Vec<i64>, &mut Vec<f64>),
) -> Result<(), ChunkError> {
    if count == 0 {
        return Ok(());
    }
    let mut reader = BitReader::new(data.get(HEADER..).ok_or(ChunkError::Truncated)?);
    // A sample has at least two bits, so a lying number of samples does not make us allocate much.
    let count = count.min(reader.bits_left() / 2 + 1);
    let first = times.len();
    times.resize(first + count, 0);
    values.resize(first + count, 0.0);
    let slots = Slots {
        times: times.get_mut(first..).unwrap_or_default(),
        values: values.get_mut(first..).unwrap_or_default(),
    };
    let decoded = decode_into(&mut reader, slots, range.end.0);
    let written = *decoded.as_ref().unwrap_or(&0);
    let found = times.get(first..first + written).unwrap_or_default();
    let skipped = found.partition_point(|time| *time < range.start.0);
    let kept = found.partition_point(|time| *time <= range.end.0);
    times.truncate(first + kept);
    values.truncate(first + kept);
    if skipped > 0 {
        times.drain(first..first + skipped.min(kept));
        values.drain(first..first + skipped.min(kept));
    }
    decoded.map(|_| ())
}

/// Where samples go, one slot each.
struct Slots<'s> {
    times: &'s mut [i64],
    values: &'s mut [f64],
}

impl Slots<'_> {
    #[inline(always)]
    fn put(&mut self, at: usize, time: i64, bits: u64) {
        if let (Some(time_slot), Some(value_slot)) =
            (self.times.get_mut(at), self.values.get_mut(at))
        {
            (*time_slot, *value_slot) = (time, f64::from_bits(bits));
        }
    }
}

/// Bits of a delta of delta, by how many ones are in front of it.
#[inline(always)]
fn change_width(ones: u32) -> u32 {
    match ones {
        0 => 0,
        1 => 14,
        2 => 17,
        3 => 20,
        _ => 64,
    }
}

/// Fills the slots, not far beyond samples at `end`; says how many there are.
fn decode_into(
    reader: &mut BitReader<'_>,
    mut slots: Slots<'_>,
    end: i64,
) -> Result<usize, ChunkError> {
    let count = slots.times.len();
    let mut time = reader.varint()?;
    let mut bits = reader.bits(64);
    reader.check()?;
    slots.put(0, time, bits);
    if count < 2 || time > end {
        return Ok(1);
    }
    let mut value = XorField::with_bits(bits);
    #[expect(
        clippy::cast_possible_wrap,
        reason = "the format stores the bit pattern"
    )]
    let mut delta = reader.uvarint()? as i64;
    time = time.wrapping_add(delta);
    value.read(reader)?;
    reader.check()?;
    bits = value.bits;
    slots.put(1, time, bits);
    // A window of no bits stands for none.
    let (mut leading, mut significant) = match value.leading {
        NO_WINDOW => (0, 0),
        leading => (u32::from(leading), value.significant()),
    };
    let mut at = 2;
    while at < count && time <= end {
        // Two zero bits are a sample; at most 57 bits are seen at once.
        let run = (reader.peek().leading_zeros().min(56) / 2) as usize;
        let run = run.min(count - at);
        if run > 0 {
            #[expect(clippy::cast_possible_truncation, reason = "at most 28")]
            reader.skip(2 * run as u32);
            reader.check()?;
            for at in at..at + run {
                time = time.wrapping_add(delta);
                slots.put(at, time, bits);
            }
            at += run;
            continue;
        }
        let mut next = reader.peek_wide();
        // At most 78 bits belong to a sample whose time is one bit.
        let mut used = 1;
        if next >> 127 == 1 {
            let bits = change_width(reader.unary(4));
            delta = delta.wrapping_add(extend(reader.bits(bits), bits));
            next = reader.peek_wide();
            used = 0;
        }
        let rest = next << used;
        let top = high(rest);
        if top >> 63 == 0 {
            used += 1;
        } else {
            // Whether the window is new is hard to foretell, so it is not asked for with a branch.
            let is_new = (top >> 62) & 1 == 1;
            let head = (top >> 51) & 0x7ff;
            let (new_leading, new_significant) =
                ((head >> 6) as u32, ((head + 63) & 63) as u32 + 1);
            let prefix = if is_new { 13 } else { 2 };
            leading = if is_new { new_leading } else { leading };
            significant = if is_new { new_significant } else { significant };
            if significant == 0 || leading + significant > 64 {
                return Err(ChunkError::Malformed(
                    "a value has a window that is not there or is too wide",
                ));
            }
            let field = high(rest << prefix) >> (64 - significant);
            bits ^= field << (64 - leading - significant);
            used += prefix + significant;
        }
        reader.skip(used);
        reader.check()?;
        time = time.wrapping_add(delta);
        slots.put(at, time, bits);
        at += 1;
    }
    Ok(at.min(count))
}

/// The upper half.
#[inline(always)]
fn high(bits: u128) -> u64 {
    (bits >> 64) as u64
}

/// What the encoder knew after the first `count` samples, which are all that the chunk has, and the
/// time of sample number `marked`.
pub(crate) fn resume(
    data: &[u8],
    count: usize,
    marked: usize,
) -> Result<(FloatState, Option<i64>), ChunkError> {
    let mut samples = Samples::new(data)?;
    let mut time_marked = None;
    for index in 0..count {
        samples.next(index)?;
        if index == marked {
            time_marked = Some(samples.time);
        }
    }
    let bits = samples.reader.position();
    if bits.div_ceil(8) + HEADER != data.len() {
        return Err(ChunkError::Malformed("bytes after the last sample"));
    }
    let state = FloatState {
        time: samples.time,
        time_delta: samples.delta,
        value: samples.value,
        // Below eight.
        free: (bits.wrapping_neg() % 8) as u8,
    };
    Ok((state, time_marked))
}

/// Goes through the samples of a chunk.
struct Samples<'a> {
    reader: BitReader<'a>,
    time: i64,
    delta: i64,
    value: XorField,
}

impl<'a> Samples<'a> {
    fn new(data: &'a [u8]) -> Result<Self, ChunkError> {
        Ok(Self {
            reader: BitReader::new(data.get(HEADER..).ok_or(ChunkError::Truncated)?),
            time: 0,
            delta: 0,
            value: XorField::NEW,
        })
    }

    /// Reads the sample with this number; to be called for each in turn.
    #[inline]
    fn next(&mut self, index: usize) -> Result<(), ChunkError> {
        let Self {
            reader,
            time,
            delta,
            value,
        } = self;
        match index {
            0 => {
                *time = reader.varint()?;
                value.bits = reader.bits(64);
            }
            1 => {
                #[expect(
                    clippy::cast_possible_wrap,
                    reason = "the format stores the bit pattern"
                )]
                {
                    *delta = reader.uvarint()? as i64;
                }
                *time = time.wrapping_add(*delta);
                value.read(reader)?;
            }
            _ => {
                let bits = change_width(reader.unary(4));
                if bits > 0 {
                    *delta = delta.wrapping_add(extend(reader.bits(bits), bits));
                }
                *time = time.wrapping_add(*delta);
                value.read(reader)?;
            }
        }
        reader.check()
    }
}
