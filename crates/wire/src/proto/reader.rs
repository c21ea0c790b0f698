//! Protobuf fields straight from bytes, without building messages.

/// Why bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    #[error("unexpected EOF")]
    UnexpectedEnd,
    #[error("proto: integer overflow")]
    IntegerOverflow,
    #[error("proto: illegal tag {0}")]
    IllegalTag(u64),
    #[error("proto: illegal wireType {0}")]
    IllegalWireType(u64),
    #[error("proto: wrong wireType for field {0}")]
    WrongWireType(u32),
    #[error("proto: field {0} is not valid UTF-8")]
    InvalidUtf8(u32),
    #[error("proto: field {0} has an unknown value")]
    UnknownValue(u32),
    #[error("the message has more than {0} parts of one kind")]
    TooMany(usize),
}

/// The value of a field as it stands in the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    value: Value<'a>,
}

impl<'a> Field<'a> {
    #[inline]
    pub(crate) fn bytes(self) -> Result<&'a [u8], ProtoError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(ProtoError::WrongWireType(self.number)),
        }
    }

    #[inline]
    pub(crate) fn text(self) -> Result<&'a str, ProtoError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ProtoError::InvalidUtf8(self.number))
    }

    #[inline]
    pub(crate) fn double(self) -> Result<f64, ProtoError> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(ProtoError::WrongWireType(self.number)),
        }
    }

    #[inline]
    pub(crate) fn unsigned(self) -> Result<u64, ProtoError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(ProtoError::WrongWireType(self.number)),
        }
    }

    /// `int64`: two's complement.
    #[inline]
    pub(crate) fn signed(self) -> Result<i64, ProtoError> {
        Ok(self.unsigned()?.cast_signed())
    }

    #[inline]
    pub(crate) fn fixed64(self) -> Result<u64, ProtoError> {
        match self.value {
            Value::Fixed64(value) => Ok(value),
            _ => Err(ProtoError::WrongWireType(self.number)),
        }
    }

    /// `sint32` and `int32` keep the low 32 bits, as all decoders do.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "by the definition of the format"
    )]
    pub(crate) fn zigzag32(self) -> Result<i32, ProtoError> {
        let low = self.unsigned()? as u32;
        Ok((low >> 1).cast_signed() ^ -(low & 1).cast_signed())
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "by the definition of the format"
    )]
    pub(crate) fn unsigned32(self) -> Result<u32, ProtoError> {
        Ok(self.unsigned()? as u32)
    }

    /// A repeated varint, packed or not.
    pub(crate) fn each_varint(self, mut each: impl FnMut(u64)) -> Result<(), ProtoError> {
        match self.value {
            Value::Varint(value) => each(value),
            Value::Bytes(bytes) => {
                let mut fields = Fields::new(bytes);
                while !fields.rest.is_empty() {
                    each(fields.varint()?);
                }
            }
            _ => return Err(ProtoError::WrongWireType(self.number)),
        }
        Ok(())
    }

    /// A repeated double, packed or not.
    pub(crate) fn each_double(self, mut each: impl FnMut(f64)) -> Result<(), ProtoError> {
        self.each_fixed64(|bits| each(f64::from_bits(bits)))
    }

    /// A repeated number of eight bytes, packed or not.
    pub(crate) fn each_fixed64(self, mut each: impl FnMut(u64)) -> Result<(), ProtoError> {
        match self.value {
            Value::Fixed64(bits) => each(bits),
            Value::Bytes(bytes) => {
                let (chunks, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(ProtoError::UnexpectedEnd);
                }
                for chunk in chunks {
                    each(u64::from_le_bytes(*chunk));
                }
            }
            _ => return Err(ProtoError::WrongWireType(self.number)),
        }
        Ok(())
    }
}

#[inline]
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Walks the fields of a message.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>, ProtoError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtoError::IllegalTag(tag))?;
        if number == 0 {
            return Err(ProtoError::IllegalTag(tag));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let (bytes, rest) = self
                    .rest
                    .split_first_chunk::<8>()
                    .ok_or(ProtoError::UnexpectedEnd)?;
                self.rest = rest;
                Value::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            other => return Err(ProtoError::IllegalWireType(other)),
        };
        Ok(Some(Field { number, value }))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], ProtoError> {
        let length = usize::try_from(length).map_err(|_| ProtoError::UnexpectedEnd)?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(ProtoError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, ProtoError> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, ProtoError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(ProtoError::UnexpectedEnd)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ProtoError::IntegerOverflow)
    }

    /// A message with its length before it; `None` at the end.
    pub(crate) fn delimited(&mut self) -> Result<Option<&'a [u8]>, ProtoError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let length = self.varint()?;
        self.take(length).map(Some)
    }

    /// The next byte, which is the whole tag of a field below 16.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_all_wire_types() {
        let message = [
            0x08, 0x96, 0x01, 0x12, 0x01, b'x', 0x1d, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0xf0,
            0x3f,
        ];
        let mut fields = Fields::new(&message);
        assert_eq!(fields.next().unwrap().unwrap().unsigned(), Ok(150));
        assert_eq!(fields.next().unwrap().unwrap().text(), Ok("x"));
        assert_eq!(fields.next().unwrap().unwrap().number, 3);
        assert_eq!(fields.next().unwrap().unwrap().double(), Ok(1.0));
        assert_eq!(fields.next(), Ok(None));
    }

    #[test]
    fn broken_bytes() {
        for message in [
            &[0x08][..],
            &[0x12, 0x05, 1],
            &[0x00, 0x00],
            &[0x0b],
            &[0xff; 11],
        ] {
            assert!(Fields::new(message).next().is_err(), "{message:?}");
        }
    }

    #[test]
    fn zigzag_numbers() {
        assert_eq!(
            [0, 1, 2, 3, u64::MAX].map(unzigzag),
            [0, -1, 1, -2, i64::MIN]
        );
    }
}
