//! Protobuf fields to bytes. As usual in the format, fields with their default value are left out.

/// One message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn raw_varint(&mut self, value: u64) {
        push_varint(&mut self.bytes, value);
    }

    fn tag(&mut self, field: u32, wire_type: u64) {
        self.raw_varint((u64::from(field) << 3) | wire_type);
    }

    pub(crate) fn unsigned(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.present_unsigned(field, value);
        }
    }

    /// Also if it is 0: for members of a `oneof`.
    pub(crate) fn present_unsigned(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.raw_varint(value);
    }

    pub(crate) fn signed(&mut self, field: u32, value: i64) {
        self.unsigned(field, value.cast_unsigned());
    }

    pub(crate) fn zigzag(&mut self, field: u32, value: i64) {
        self.unsigned(field, zigzag(value));
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) {
        if value != 0.0 {
            self.present_double(field, value);
        }
    }

    /// Also if it is 0: for members of a `oneof`.
    pub(crate) fn present_double(&mut self, field: u32, value: f64) {
        self.tag(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.present_bytes(field, text.as_bytes());
        }
    }

    /// Also if it is empty: for elements of repeated fields and embedded messages.
    pub(crate) fn present_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, 2);
        self.raw_varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn message(&mut self, field: u32, message: &Self) {
        self.present_bytes(field, &message.bytes);
    }

    /// A message of less than 128 bytes, written in place.
    pub(crate) fn small_message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, 2);
        let at = self.bytes.len();
        self.bytes.push(0);
        write(self);
        let length = self.bytes.len() - at - 1;
        debug_assert!(length < 0x80, "the length takes more than a byte");
        if let (Some(place), Ok(length)) = (self.bytes.get_mut(at), u8::try_from(length)) {
            *place = length;
        }
    }

    pub(crate) fn packed_varints(&mut self, field: u32, values: impl IntoIterator<Item = u64>) {
        let mut packed = Self::new();
        for value in values {
            packed.raw_varint(value);
        }
        if !packed.bytes.is_empty() {
            self.message(field, &packed);
        }
    }

    pub(crate) fn packed_doubles(&mut self, field: u32, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        self.tag(field, 2);
        self.raw_varint(values.len() as u64 * 8);
        for value in values {
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
}

pub(crate) fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low seven bits are wanted"
        )]
        bytes.push((value as u8) | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80 here")]
    bytes.push(value as u8);
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
