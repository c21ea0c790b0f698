//! What Alertmanagers put into the bytes that memberlist leaves to its user. `Part`: key 1, data 2; the keys are
//! `sil` and `nfl`. `FullState`: parts 1.

use alerting::codec::CodecError;
use alerting::codec::proto::{Reader, Writer};

/// Parts in one state. Alertmanager has two.
const PARTS_MAX: usize = 64;

/// State or news of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub key: String,
    pub data: Vec<u8>,
}

impl Part {
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(1, &self.key);
        if !self.data.is_empty() {
            writer.message(2, &self.data);
        }
        writer.into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut part = Self::default();
        let mut reader = Reader::new(bytes);
        while let Some(field) = reader.field()? {
            match field.number {
                1 => part.key = field.text()?.to_owned(),
                2 => part.data = field.bytes()?.to_vec(),
                _ => {}
            }
        }
        Ok(part)
    }
}

/// A whole state.
pub fn encode_state(parts: &[Part]) -> Vec<u8> {
    let mut writer = Writer::default();
    for part in parts {
        writer.message(1, &part.encode());
    }
    writer.into_bytes()
}

/// The parts of a whole state; those past the limit are left out.
pub fn decode_state(bytes: &[u8]) -> Result<Vec<Part>, CodecError> {
    let mut parts = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.field()? {
        if field.number == 1 && parts.len() < PARTS_MAX {
            parts.push(Part::decode(field.bytes()?)?);
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_alertmanagers() {
        // The state of an Alertmanager 0.25 that remembers nothing.
        let recorded = b"\x0a\x05\x0a\x03nfl\x0a\x05\x0a\x03sil";
        let parts = decode_state(recorded).unwrap();
        let keys: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
        assert_eq!(keys, ["nfl", "sil"]);
        assert_eq!(encode_state(&parts), recorded);
        let part = Part {
            key: "sil".to_owned(),
            data: vec![1, 2],
        };
        assert_eq!(part.encode(), b"\x0a\x03sil\x12\x02\x01\x02");
        assert_eq!(Part::decode(&part.encode()), Ok(part));
        for end in 1..recorded.len() {
            // A cut between two parts cannot be seen.
            assert_eq!(decode_state(&recorded[..end]).is_ok(), end == 7);
        }
    }
}
