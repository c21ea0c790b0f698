//! LZW with variable code widths from 9 to 12 bits, least significant bits first, as Go's `compress/lzw` with 8
//! bits per literal writes it, to the bit. (GIF files use the same; TIFF changes widths one code earlier.)

use super::WireError;

const CLEAR: u16 = 256;
const END: u16 = 257;
const WIDTH_MIN: u32 = 9;
const WIDTH_MAX: u32 = 12;
const CODES_MAX: usize = 1 << WIDTH_MAX;
/// The highest code; when it would be given out, the writer starts anew.
const CODE_LAST: u16 = 4095;

/// Compresses.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = BitWriter::with_capacity(bytes.len() + 8);
    out.write(CLEAR, WIDTH_MIN);
    let mut dictionary = Dictionary::for_input(bytes.len());
    let (mut width, mut highest) = (WIDTH_MIN, END);
    // Called after each code. False if the dictionary was started anew.
    let mut next_code = |out: &mut BitWriter, width: &mut u32| {
        highest += 1;
        if u32::from(highest) == 1 << *width {
            *width += 1;
        }
        if highest == CODE_LAST {
            out.write(CLEAR, *width);
            *width = WIDTH_MIN;
            highest = END;
            return None;
        }
        Some(highest)
    };
    let mut literals = bytes.iter().copied();
    if let Some(first) = literals.next() {
        let mut code = u16::from(first);
        for literal in literals {
            if let Some(longer) = dictionary.get(code, literal) {
                code = longer;
                continue;
            }
            out.write(code, width);
            match next_code(&mut out, &mut width) {
                Some(new) => dictionary.insert(code, literal, new),
                None => dictionary.clear(),
            }
            code = u16::from(literal);
        }
        out.write(code, width);
        next_code(&mut out, &mut width);
    }
    out.write(END, width);
    out.finish()
}

/// Decompresses; an error if the result would be longer than `length_max`. What follows the end is left.
pub(crate) fn decompress(bytes: &[u8], length_max: usize) -> Result<Vec<u8>, WireError> {
    let mut reader = BitReader::new(bytes);
    let mut out = Vec::new();
    // What a code stands for: all of `prefix`, then `suffix`.
    let mut prefixes = [0u16; CODES_MAX];
    let mut suffixes = [0u8; CODES_MAX];
    let (mut width, mut highest) = (WIDTH_MIN, END);
    let mut last: Option<u16> = None;
    let mut backwards = Vec::new();
    loop {
        let code = reader.read(width)?;
        match code {
            CLEAR => {
                (width, highest, last) = (WIDTH_MIN, END, None);
                continue;
            }
            END => return Ok(out),
            _ if code > highest => return Err(WireError::Compression),
            _ => {}
        }
        // A code that is just being defined stands for the last one and its own first byte.
        let (mut walk, repeats_first) = match last {
            Some(last) if code == highest => (last, true),
            _ => (code, false),
        };
        backwards.clear();
        while walk >= CLEAR {
            // Prefixes are codes below the code itself, so that the walk ends.
            backwards.push(suffixes.get(usize::from(walk)).copied().unwrap_or(0));
            let prefix = prefixes.get(usize::from(walk)).copied().unwrap_or(0);
            if prefix >= walk {
                return Err(WireError::Compression);
            }
            walk = prefix;
        }
        let first = walk.to_le_bytes()[0];
        out.push(first);
        out.extend(backwards.iter().rev());
        if repeats_first {
            out.push(first);
        }
        if out.len() > length_max {
            return Err(WireError::TooLong(length_max));
        }
        if let (Some(last), Some(prefix), Some(suffix)) = (
            last,
            prefixes.get_mut(usize::from(highest)),
            suffixes.get_mut(usize::from(highest)),
        ) {
            (*prefix, *suffix) = (last, first);
        }
        last = Some(code);
        highest += 1;
        if u32::from(highest) >= 1 << width {
            if width == WIDTH_MAX {
                // Nothing new is learned until the dictionary is cleared.
                last = None;
                highest -= 1;
            } else {
                width += 1;
            }
        }
    }
}

/// From a code and a byte after it to the code for both: open addressing, as large as the input needs.
struct Dictionary {
    /// Code, byte and longer code in one number; 0 is free, because no longer code is 0.
    slots: Vec<u32>,
    /// Keeps as many bits of a hash as there are slots.
    shift: u32,
}

impl Dictionary {
    fn for_input(length: usize) -> Self {
        let slots = (2 * length).clamp(64, 4 * CODES_MAX).next_power_of_two();
        Self {
            slots: vec![0; slots],
            shift: 32 - slots.ilog2(),
        }
    }

    /// Where the pair is, or the free slot where it would be. There is always one: at most half are taken.
    fn slot(&self, key: u32) -> usize {
        let mask = self.slots.len() - 1;
        // Fibonacci's hash: the high bits depend on all of the key.
        let mut at = (key.wrapping_mul(0x9e37_79b9) >> self.shift) as usize & mask;
        while let Some(slot) = self.slots.get(at) {
            if *slot == 0 || *slot >> 12 == key {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn key(code: u16, literal: u8) -> u32 {
        u32::from(code) << 8 | u32::from(literal)
    }

    fn get(&self, code: u16, literal: u8) -> Option<u16> {
        let slot = *self.slots.get(self.slot(Self::key(code, literal)))?;
        u16::try_from(slot & 0xfff).ok().filter(|code| *code > 0)
    }

    fn insert(&mut self, code: u16, literal: u8, longer: u16) {
        let key = Self::key(code, literal);
        let at = self.slot(key);
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = key << 12 | u32::from(longer);
        }
    }

    fn clear(&mut self) {
        self.slots.fill(0);
    }
}

struct BitWriter {
    out: Vec<u8>,
    bits: u64,
    count: u32,
}

impl BitWriter {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
            bits: 0,
            count: 0,
        }
    }

    fn write(&mut self, code: u16, width: u32) {
        self.bits |= u64::from(code) << self.count;
        self.count += width;
        if let (true, Some(whole)) = (self.count >= 32, self.bits.to_le_bytes().first_chunk::<4>())
        {
            self.out.extend_from_slice(whole);
            self.bits >>= 32;
            self.count -= 32;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let bytes = self.count.div_ceil(8);
        self.out
            .extend(self.bits.to_le_bytes().iter().take(bytes as usize));
        self.out
    }
}

struct BitReader<'a> {
    rest: &'a [u8],
    bits: u32,
    count: u32,
}

impl<'a> BitReader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            bits: 0,
            count: 0,
        }
    }

    fn read(&mut self, width: u32) -> Result<u16, WireError> {
        while self.count < width {
            let (byte, rest) = self.rest.split_first().ok_or(WireError::Compression)?;
            self.rest = rest;
            self.bits |= u32::from(*byte) << self.count;
            self.count += 8;
        }
        let code = self.bits & ((1 << width) - 1);
        self.bits >>= width;
        self.count -= width;
        u16::try_from(code).map_err(|_| WireError::Compression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_bytes() {
        // Written by Go: lzw.NewWriter(w, lzw.LSB, 8).
        assert_eq!(compress(b""), [0x00, 0x03, 0x02]);
        assert_eq!(compress(b"aaaa"), [0x00, 0xc3, 0x08, 0x0c, 0x13, 0x10]);
    }

    #[test]
    fn cut_or_absurd_input_is_an_error() {
        let whole = compress(&b"to be or not to be ".repeat(500));
        for end in 0..whole.len() {
            assert_eq!(
                decompress(&whole[..end], usize::MAX),
                Err(WireError::Compression)
            );
        }
        assert_eq!(decompress(&whole, 9499), Err(WireError::TooLong(9499)));
        assert_eq!(decompress(&whole, 9500).unwrap().len(), 9500);
        assert_eq!(decompress(&[0xff; 4], 100), Err(WireError::Compression));
    }

    proptest! {
        #[test]
        fn round_trip(bytes in proptest::collection::vec(0u8..4, 0..6_000)) {
            prop_assert_eq!(decompress(&compress(&bytes), bytes.len()).unwrap(), bytes);
        }

        #[test]
        fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
            let _ = decompress(&bytes, 100_000);
            prop_assert_eq!(decompress(&compress(&bytes), bytes.len()).unwrap(), bytes);
        }
    }
}
