//! Numbers in a few bits: a unary size class, then the number.
//!
//! Classes of 0, 3, 6, 9, 12, 18, 25, 56 and 64 bits. Signed numbers of a class go from
//! `-(2^(bits-1) - 1)` to `2^(bits-1)`, one off from two's complement.

use super::bits::{BitReader, BitWriter};

const CLASSES: [u32; 8] = [3, 6, 9, 12, 18, 25, 56, 64];

/// Whether `value` is in the signed range of `bits` (less than 64).
#[inline]
pub(crate) fn fits(value: i64, bits: u32) -> bool {
    -((1 << (bits - 1)) - 1) <= value && value <= 1 << (bits - 1)
}

/// Undoes the cut to `bits` of a value that [`fits`].
#[inline]
#[expect(
    clippy::cast_possible_wrap,
    reason = "values wider than 63 bits are bit patterns"
)]
pub(crate) fn extend(value: u64, bits: u32) -> i64 {
    if bits < 64 && value > 1 << (bits - 1) {
        return value.wrapping_sub(1 << bits) as i64;
    }
    value as i64
}

#[expect(clippy::cast_sign_loss, reason = "the bit pattern is written")]
pub(crate) fn write_int(writer: &mut BitWriter<'_>, value: i64) {
    if value == 0 {
        return writer.zero();
    }
    let class = CLASSES[..7].iter().position(|bits| fits(value, *bits));
    write_class(writer, class, value as u64);
}

pub(crate) fn write_uint(writer: &mut BitWriter<'_>, value: u64) {
    if value == 0 {
        return writer.zero();
    }
    let class = CLASSES[..7].iter().position(|bits| value >> bits == 0);
    write_class(writer, class, value);
}

/// The prefix of class `n` is `n + 1` ones and a zero; the last class has no zero.
fn write_class(writer: &mut BitWriter<'_>, class: Option<usize>, value: u64) {
    match class {
        Some(class) => {
            let ones = u32::try_from(class).unwrap_or(0) + 1;
            writer.bits(((1 << ones) - 1) << 1, ones + 1);
            writer.bits(value, CLASSES[class]);
        }
        None => {
            writer.bits(0xff, 8);
            writer.bits(value, 64);
        }
    }
}

#[inline]
pub(crate) fn read_int(reader: &mut BitReader<'_>) -> i64 {
    match read_class(reader) {
        0 => 0,
        bits => extend(reader.bits(bits), bits),
    }
}

#[inline]
pub(crate) fn read_uint(reader: &mut BitReader<'_>) -> u64 {
    let bits = read_class(reader);
    reader.bits(bits)
}

#[inline]
fn read_class(reader: &mut BitReader<'_>) -> u32 {
    match reader.unary(8) {
        0 => 0,
        ones => CLASSES[ones as usize - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_borders_come_back() {
        let mut values = vec![0i64, i64::MIN, i64::MAX];
        for bits in CLASSES {
            for offset in -2..=2 {
                let border = 1i64.wrapping_shl(bits - 1).wrapping_add(offset);
                values.extend([border, border.wrapping_neg()]);
            }
        }
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes, 0);
        for value in &values {
            write_int(&mut writer, *value);
            write_uint(&mut writer, value.unsigned_abs());
        }
        let mut reader = BitReader::new(&bytes);
        for value in &values {
            assert_eq!(read_int(&mut reader), *value);
            assert_eq!(read_uint(&mut reader), value.unsigned_abs());
        }
        reader.check().unwrap();
    }
}
