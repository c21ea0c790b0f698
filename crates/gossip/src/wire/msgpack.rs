//! The part of MessagePack that memberlist's structs use: maps from field names to numbers, flags and bytes.
//!
//! Written as Go's codec writes structs: fields in alphabetical order, bytes and text alike as raw (in the
//! old form, without the 8-bit length), numbers in the fewest bytes. Read more freely: all forms of newer
//! writers, unknown fields skipped, nil as the empty value.

use super::WireError;

/// Values inside of values that are skipped; deeper ones are refused.
const DEPTH_MAX: u8 = 8;

/// Walks the values in some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        let (byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// A big-endian number of `width` bytes, at most 8.
    fn big_endian(&mut self, width: usize) -> Result<u64, WireError> {
        let bytes = self.take(width)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Result<usize, WireError> {
        usize::try_from(self.big_endian(width)?).map_err(|_| WireError::Truncated)
    }

    /// A struct. `each` reads the value of a field that it knows and says so; others are skipped.
    pub(crate) fn fields(
        &mut self,
        mut each: impl FnMut(&[u8], &mut Self) -> Result<Known, WireError>,
    ) -> Result<(), WireError> {
        let count = match self.byte()? {
            byte @ 0x80..=0x8f => usize::from(byte & 0x0f),
            0xde => self.length(2)?,
            0xdf => self.length(4)?,
            0xc0 => 0,
            other => return Err(WireError::Unexpected("a struct", other)),
        };
        for _ in 0..count {
            let name = self.bytes()?;
            if each(name, self)? == Known::No {
                self.skip(0)?;
            }
        }
        Ok(())
    }

    /// Bytes or text; nil is empty.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        Ok(self.bytes_or_nil()?.unwrap_or_default())
    }

    pub(crate) fn bytes_or_nil(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        let length = match self.byte()? {
            byte @ 0xa0..=0xbf => usize::from(byte & 0x1f),
            0xc0 => return Ok(None),
            0xc4 | 0xd9 => self.length(1)?,
            0xc5 | 0xda => self.length(2)?,
            0xc6 | 0xdb => self.length(4)?,
            other => return Err(WireError::Unexpected("bytes", other)),
        };
        self.take(length).map(Some)
    }

    pub(crate) fn text(&mut self) -> Result<String, WireError> {
        let bytes = self.bytes()?;
        String::from_utf8(bytes.to_vec()).map_err(|_| WireError::Utf8)
    }

    /// A number that is not negative and fits.
    pub(crate) fn number<N: TryFrom<u64>>(&mut self) -> Result<N, WireError> {
        let number = match self.byte()? {
            byte @ 0x00..=0x7f => u64::from(byte),
            0xc0 => 0,
            0xcc => self.big_endian(1)?,
            0xcd => self.big_endian(2)?,
            0xce => self.big_endian(4)?,
            0xcf => self.big_endian(8)?,
            // Signed forms: the sign bit must not be set.
            byte @ 0xd0..=0xd3 => {
                let width = 1usize << (byte - 0xd0);
                let number = self.big_endian(width)?;
                if number >> (width * 8 - 1) == 1 {
                    return Err(WireError::Range);
                }
                number
            }
            0xe0..=0xff => return Err(WireError::Range),
            other => return Err(WireError::Unexpected("a number", other)),
        };
        N::try_from(number).map_err(|_| WireError::Range)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, WireError> {
        match self.byte()? {
            0xc0 | 0xc2 => Ok(false),
            0xc3 => Ok(true),
            other => Err(WireError::Unexpected("a flag", other)),
        }
    }

    fn skip(&mut self, depth: u8) -> Result<(), WireError> {
        if depth > DEPTH_MAX {
            return Err(WireError::Depth);
        }
        let (bytes, values) = match self.byte()? {
            0x00..=0x7f | 0xc0..=0xc3 | 0xe0..=0xff => (0, 0),
            byte @ 0x80..=0x8f => (0, 2 * usize::from(byte & 0x0f)),
            byte @ 0x90..=0x9f => (0, usize::from(byte & 0x0f)),
            byte @ 0xa0..=0xbf => (usize::from(byte & 0x1f), 0),
            0xc4 | 0xd9 => (self.length(1)?, 0),
            0xc5 | 0xda => (self.length(2)?, 0),
            0xc6 | 0xdb => (self.length(4)?, 0),
            0xc7 => (self.length(1)?.saturating_add(1), 0),
            0xc8 => (self.length(2)?.saturating_add(1), 0),
            0xc9 => (self.length(4)?.saturating_add(1), 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 => (2, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            byte @ 0xd4..=0xd8 => (1 + (1usize << (byte - 0xd4)), 0),
            0xdc => (0, self.length(2)?),
            0xdd => (0, self.length(4)?),
            0xde => (0, self.length(2)?.saturating_mul(2)),
            0xdf => (0, self.length(4)?.saturating_mul(2)),
        };
        self.take(bytes)?;
        // Each value takes a byte at least, so that a large count ends with the bytes.
        for _ in 0..values {
            self.skip(depth + 1)?;
        }
        Ok(())
    }
}

/// Whether a field was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    No,
}

/// Appends values. Structs are written by their own code, which keeps the alphabetical order.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// A struct with this number of fields, at most 15.
    pub(crate) fn new(out: &'b mut Vec<u8>, fields: u8) -> Self {
        out.push(0x80 | fields & 0x0f);
        Self { out }
    }

    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        self.raw(name.as_bytes());
        self.raw(bytes);
        self
    }

    pub(crate) fn bytes_or_nil(&mut self, name: &str, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.bytes(name, bytes),
            None => {
                self.raw(name.as_bytes());
                self.out.push(0xc0);
                self
            }
        }
    }

    pub(crate) fn number(&mut self, name: &str, number: u64) -> &mut Self {
        self.raw(name.as_bytes());
        let bytes = number.to_be_bytes();
        let (tag, width) = match number {
            0..=0x7f => (None, 1),
            0x80..=0xff => (Some(0xcc), 1),
            0x100..=0xffff => (Some(0xcd), 2),
            0x1_0000..=0xffff_ffff => (Some(0xce), 4),
            _ => (Some(0xcf), 8),
        };
        self.out.extend(tag);
        self.out.extend(bytes.iter().skip(8 - width));
        self
    }

    pub(crate) fn flag(&mut self, name: &str, is_set: bool) -> &mut Self {
        self.raw(name.as_bytes());
        self.out.push(if is_set { 0xc3 } else { 0xc2 });
        self
    }

    fn raw(&mut self, bytes: &[u8]) {
        let length = bytes.len();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=31), _) => self.out.push(0xa0 | short),
            (_, Ok(length)) => {
                self.out.push(0xda);
                self.out.extend(length.to_be_bytes());
            }
            _ => {
                // Nothing longer than the limit of a stream is ever written.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                self.out.push(0xdb);
                self.out.extend(length.to_be_bytes());
            }
        }
        self.out.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(bytes: &[u8]) -> Result<u32, WireError> {
        Reader::new(bytes).number()
    }

    #[test]
    fn numbers_of_all_forms() {
        assert_eq!(number_of(&[5]), Ok(5));
        assert_eq!(number_of(&[0xcc, 200]), Ok(200));
        assert_eq!(number_of(&[0xd1, 1, 0]), Ok(256));
        assert_eq!(number_of(&[0xce, 1, 0, 0, 0]), Ok(1 << 24));
        assert_eq!(number_of(&[0xc0]), Ok(0));
        assert_eq!(number_of(&[0xff]), Err(WireError::Range));
        assert_eq!(number_of(&[0xd0, 0x80]), Err(WireError::Range));
        assert_eq!(
            number_of(&[0xcf, 1, 0, 0, 0, 0, 0, 0, 0]),
            Err(WireError::Range)
        );
        assert_eq!(number_of(&[0xcd, 1]), Err(WireError::Truncated));
        assert_eq!(
            number_of(&[0xa0]),
            Err(WireError::Unexpected("a number", 0xa0))
        );
        for number in [0, 127, 128, 255, 256, 65_535, 65_536, u32::MAX] {
            let mut out = Vec::new();
            Writer::new(&mut out, 1).number("N", u64::from(number));
            assert_eq!(number_of(&out[3..]), Ok(number));
        }
    }

    #[test]
    fn unknown_fields_are_skipped_whatever_they_hold() {
        // {"X": [1, {"a": nil}, 2.5, bin "z", ext, int64], "N": 7}
        let mut bytes = vec![0x82, 0xa1, b'X', 0x96, 1, 0x81, 0xa1, b'a', 0xc0, 0xcb];
        bytes.extend([0x40, 4, 0, 0, 0, 0, 0, 0, 0xc4, 1, b'z', 0xd4, 5, 9, 0xd3]);
        bytes.extend([0; 8]);
        bytes.extend([0xa1, b'N', 7]);
        let mut found = 0u8;
        let read = |bytes: &[u8], found: &mut u8| {
            Reader::new(bytes).fields(|name, reader| {
                if name == b"N" {
                    *found = reader.number()?;
                    return Ok(Known::Yes);
                }
                Ok(Known::No)
            })
        };
        assert_eq!(read(&bytes, &mut found), Ok(()));
        assert_eq!(found, 7);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end], &mut found), Err(WireError::Truncated));
        }
    }

    #[test]
    fn depth_is_limited() {
        let mut bytes = vec![0x81, 0xa1, b'X'];
        bytes.extend([0x91; 100_000]);
        let read = Reader::new(&bytes).fields(|_, _| Ok(Known::No));
        assert_eq!(read, Err(WireError::Depth));
    }
}
