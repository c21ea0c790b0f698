//! Streams of bits, highest bit first.

use super::ChunkError;

/// Appends bits to bytes. `free` is how many low bits of the last byte are still unused; it is all the
/// state between two samples.
#[derive(Debug)]
pub struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    free: u8,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(bytes: &'a mut Vec<u8>, free: u8) -> Self {
        Self { bytes, free }
    }

    pub(crate) fn free(&self) -> u8 {
        self.free
    }

    /// The `count` low bits of `value`; `count` is 1 to 64.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the byte wanted is in the low eight bits after each shift"
    )]
    pub(crate) fn bits(&mut self, value: u64, count: u32) {
        debug_assert!((1..=64).contains(&count));
        let mut value = value << (64 - count);
        let mut count = count;
        let free = u32::from(self.free);
        if free > 0 {
            if let Some(last) = self.bytes.last_mut() {
                *last |= (value >> (64 - free)) as u8;
            }
            if count < free {
                self.free = (free - count) as u8;
                return;
            }
            value <<= free;
            count -= free;
            self.free = 0;
        }
        let whole = (count / 8) as usize;
        self.bytes.extend_from_slice(&value.to_be_bytes()[..whole]);
        let rest = count % 8;
        if rest > 0 {
            // `whole` is at most 7 here: 64 bits leave no rest.
            self.bytes.push((value >> (56 - 8 * whole)) as u8);
            self.free = 8 - rest as u8;
        }
    }

    #[inline]
    pub(crate) fn zero(&mut self) {
        self.bits(0, 1);
    }

    pub(crate) fn uvarint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bits((value & 0x7f) | 0x80, 8);
            value >>= 7;
        }
        self.bits(value, 8);
    }

    pub(crate) fn varint(&mut self, value: i64) {
        self.uvarint(zigzag(value));
    }
}

#[expect(clippy::cast_sign_loss, reason = "zigzag works on the bit pattern")]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Reads bits. Reading past the end gives zeros until [`BitReader::check`] is called, so that loops
/// check once per sample.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits that were read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The next bits, highest first; at least the 57 highest are valid.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let byte = self.at >> 3;
        let window = match self.bytes.get(byte..).and_then(<[u8]>::first_chunk::<8>) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => self.peek_end(byte),
        };
        window << (self.at & 7)
    }

    /// The next bits, highest first; at least the 121 highest are valid.
    #[inline(always)]
    pub(crate) fn peek_wide(&self) -> u128 {
        let byte = self.at >> 3;
        let window = match self.bytes.get(byte..).and_then(<[u8]>::first_chunk::<16>) {
            Some(sixteen) => u128::from_be_bytes(*sixteen),
            None => self.peek_wide_end(byte),
        };
        window << (self.at & 7)
    }

    #[cold]
    fn peek_wide_end(&self, byte: usize) -> u128 {
        let mut sixteen = [0; 16];
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let count = rest.len().min(16);
        sixteen[..count].copy_from_slice(&rest[..count]);
        u128::from_be_bytes(sixteen)
    }

    #[cold]
    fn peek_end(&self, byte: usize) -> u64 {
        let mut eight = [0; 8];
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let count = rest.len().min(8);
        eight[..count].copy_from_slice(&rest[..count]);
        u64::from_be_bytes(eight)
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    /// `count` is 0 to 64.
    #[inline]
    pub(crate) fn bits(&mut self, count: u32) -> u64 {
        if count > 57 {
            let high = self.bits(32);
            return (high << (count - 32)) | self.bits(count - 32);
        }
        if count == 0 {
            return 0;
        }
        let value = self.peek() >> (64 - count);
        self.skip(count);
        value
    }

    /// How many one bits come next, at most `max`; they and the zero that ends them are consumed.
    #[inline]
    pub(crate) fn unary(&mut self, max: u32) -> u32 {
        let ones = (!self.peek()).leading_zeros().min(max);
        self.skip(if ones < max { ones + 1 } else { ones });
        ones
    }

    pub(crate) fn uvarint(&mut self) -> Result<u64, ChunkError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8);
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ChunkError::Malformed(
            "a variable-length number is too long",
        ))
    }

    #[expect(clippy::cast_possible_wrap, reason = "zigzag works on the bit pattern")]
    pub(crate) fn varint(&mut self) -> Result<i64, ChunkError> {
        let value = self.uvarint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Bits not read yet.
    pub(crate) fn bits_left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    /// Fails if more was read than there is.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), ChunkError> {
        if self.at > self.bytes.len() * 8 {
            return Err(ChunkError::Truncated);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_come_back(values in prop::collection::vec((any::<u64>(), 1u32..=64), 0..50)) {
            let mut bytes = Vec::new();
            let mut free = 0;
            for (value, count) in &values {
                let mut writer = BitWriter::new(&mut bytes, free);
                writer.bits(*value, *count);
                free = writer.free();
            }
            let mut reader = BitReader::new(&bytes);
            for (value, count) in &values {
                prop_assert_eq!(reader.bits(*count), value << (64 - count) >> (64 - count));
            }
            prop_assert!(reader.check().is_ok());
            reader.bits(9);
            prop_assert!(reader.check().is_err());
        }

        #[test]
        fn varints_come_back(values in prop::collection::vec(any::<i64>(), 0..20)) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes, 0);
            writer.bits(1, 3);
            for value in &values {
                writer.varint(*value);
            }
            let mut reader = BitReader::new(&bytes);
            reader.bits(3);
            for value in &values {
                prop_assert_eq!(reader.varint().unwrap(), *value);
            }
        }
    }
}
