//! The few parts of protobuf's wire format that the messages of files and of the mesh need.

use super::CodecError;
use crate::time::Time;

/// A field's value as it is on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub number: u64,
    pub value: Value<'a>,
}

/// Walks the bytes of one message, or of a sequence of delimited messages.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn varint(&mut self) -> Result<u64, CodecError> {
        let mut number = 0u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(CodecError::Truncated)?;
            self.rest = rest;
            if shift < 64 {
                number |= u64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CodecError::Varint)
    }

    /// A message after its length.
    pub fn delimited(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::try_from(self.varint()?).map_err(|_| CodecError::Truncated)?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub fn field(&mut self) -> Result<Option<Field<'a>>, CodecError> {
        if self.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(array(self.take(8)?)?)),
            2 => Value::Bytes(self.delimited()?),
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            other => {
                return Err(CodecError::WireType {
                    field: number,
                    wire_type: u8::try_from(other).unwrap_or(u8::MAX),
                });
            }
        };
        Ok(Some(Field { number, value }))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], CodecError> {
    bytes.try_into().map_err(|_| CodecError::Truncated)
}

impl<'a> Field<'a> {
    fn misfit(&self) -> CodecError {
        CodecError::WireType {
            field: self.number,
            wire_type: match self.value {
                Value::Varint(_) => 0,
                Value::Fixed64(_) => 1,
                Value::Bytes(_) => 2,
                Value::Fixed32 => 5,
            },
        }
    }

    pub fn bytes(&self) -> Result<&'a [u8], CodecError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.misfit()),
        }
    }

    pub fn message(&self) -> Result<Reader<'a>, CodecError> {
        self.bytes().map(Reader::new)
    }

    pub fn text(&self) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CodecError::Utf8(self.number))
    }

    pub fn number(&self) -> Result<u64, CodecError> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(self.misfit()),
        }
    }

    pub fn double(&self) -> Result<f64, CodecError> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.misfit()),
        }
    }

    /// A repeated number, packed or not.
    pub fn numbers(&self, into: &mut Vec<u64>) -> Result<(), CodecError> {
        match self.value {
            Value::Varint(number) => into.push(number),
            Value::Bytes(bytes) => {
                let mut reader = Reader::new(bytes);
                while !reader.is_empty() {
                    into.push(reader.varint()?);
                }
            }
            _ => return Err(self.misfit()),
        }
        Ok(())
    }

    /// `google.protobuf.Timestamp`: seconds 1, nanos 2.
    pub fn time(&self) -> Result<Time, CodecError> {
        let (mut seconds, mut nanos) = (0u64, 0u64);
        let mut reader = self.message()?;
        while let Some(field) = reader.field()? {
            match field.number {
                1 => seconds = field.number()?,
                2 => nanos = field.number()?,
                _ => {}
            }
        }
        let nanos = u32::try_from(nanos).unwrap_or(0);
        // Seconds before 1970 are negative, which a varint holds as two's complement.
        Ok(Time::new(seconds.cast_signed(), nanos))
    }
}

/// Appends the fields of a message. Empty and zero values are left out, as proto3 does.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Has room for so many bytes without asking for memory again.
    pub fn with_room(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// In bytes.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push((number & 0x7f) as u8);
    }

    fn tag(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    pub fn number(&mut self, field: u64, number: u64) {
        if number != 0 {
            self.number_always(field, number);
        }
    }

    /// For members of a `oneof`, whose presence counts.
    pub fn number_always(&mut self, field: u64, number: u64) {
        self.tag(field, 0);
        self.varint(number);
    }

    pub fn double_always(&mut self, field: u64, number: f64) {
        self.tag(field, 1);
        self.bytes
            .extend_from_slice(&number.to_bits().to_le_bytes());
    }

    pub fn text(&mut self, field: u64, text: &str) {
        if !text.is_empty() {
            self.message(field, text.as_bytes());
        }
    }

    /// A message, text or bytes, also if empty.
    pub fn message(&mut self, field: u64, bytes: &[u8]) {
        self.tag(field, 2);
        self.delimited(bytes);
    }

    pub fn delimited(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub fn packed(&mut self, field: u64, numbers: &[u64]) {
        if numbers.is_empty() {
            return;
        }
        let mut packed = Self::default();
        for number in numbers {
            packed.varint(*number);
        }
        self.message(field, &packed.bytes);
    }

    pub fn time(&mut self, field: u64, time: Time) {
        let mut inner = Self::default();
        inner.number(1, time.seconds().cast_unsigned());
        inner.number(2, u64::from(time.nanos()));
        self.message(field, &inner.bytes);
    }
}
