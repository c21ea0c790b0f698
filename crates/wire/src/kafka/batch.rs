//! Records for one partition, as brokers keep them: record batch, version 2.

use std::io::Write;

use flate2::write::GzEncoder;

use super::KafkaError;

/// How records are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    /// The bits of the attributes.
    fn bits(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    fn pack(self, records: Vec<u8>) -> Result<Vec<u8>, KafkaError> {
        let fail = |problem: &dyn std::fmt::Display| KafkaError::Compression(problem.to_string());
        match self {
            Self::None => Ok(records),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
                let packed = gzip.write_all(&records).and_then(|()| gzip.finish());
                packed.map_err(|error| fail(&error))
            }
            // One block without a frame, which every client reads.
            Self::Snappy => snap::raw::Encoder::new()
                .compress_vec(&records)
                .map_err(|error| fail(&error)),
            Self::Lz4 => {
                let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
                lz4.write_all(&records).map_err(|error| fail(&error))?;
                lz4.finish().map_err(|error| fail(&error))
            }
            Self::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                zstd::bulk::compress(&records, level).map_err(|error| fail(&error))
            }
        }
    }
}

/// By what brokers know that they have records already: who sent them, and the number of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub producer: i64,
    pub epoch: i16,
    pub next: i32,
}

impl Sequence {
    /// Nobody: what comes twice is there twice.
    pub const NONE: Self = Self {
        producer: -1,
        epoch: -1,
        next: -1,
    };

    /// After so many records; after the greatest number comes 0.
    #[must_use]
    pub fn after(self, records: usize) -> Self {
        let records = i32::try_from(records).unwrap_or(0);
        Self {
            next: self.next.wrapping_add(records) & i32::MAX,
            ..self
        }
    }
}

/// Values with the same key.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    pub key: &'a [u8],
    pub values: &'a [&'a [u8]],
    /// Milliseconds since 1970, of all.
    pub timestamp_ms: i64,
    pub compression: Compression,
    pub sequence: Sequence,
}

impl Records<'_> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, KafkaError> {
        let mut records = Vec::new();
        for (offset, value) in (0i64..).zip(self.values) {
            let mut record = Vec::with_capacity(self.key.len() + value.len() + 16);
            // Attributes, and the time after the first one's.
            record.push(0);
            varint(&mut record, 0);
            varint(&mut record, offset);
            bytes(&mut record, self.key);
            bytes(&mut record, value);
            // No headers.
            varint(&mut record, 0);
            bytes(&mut records, &record);
        }
        let packed = self.compression.pack(records)?;
        let count = i32::try_from(self.values.len()).unwrap_or(i32::MAX);
        // What the checksum is of.
        let mut body = Vec::with_capacity(packed.len() + 40);
        body.extend_from_slice(&self.compression.bits().to_be_bytes());
        body.extend_from_slice(&(count - 1).to_be_bytes());
        body.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        body.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        body.extend_from_slice(&self.sequence.producer.to_be_bytes());
        body.extend_from_slice(&self.sequence.epoch.to_be_bytes());
        body.extend_from_slice(&self.sequence.next.to_be_bytes());
        body.extend_from_slice(&count.to_be_bytes());
        body.extend_from_slice(&packed);
        let mut batch = Vec::with_capacity(body.len() + 21);
        // Base offset.
        batch.extend_from_slice(&0i64.to_be_bytes());
        // What follows: leader epoch, version, checksum, body.
        let length = i32::try_from(body.len() + 9).unwrap_or(i32::MAX);
        batch.extend_from_slice(&length.to_be_bytes());
        batch.extend_from_slice(&(-1i32).to_be_bytes());
        batch.push(2);
        batch.extend_from_slice(&crc32c(&body).to_be_bytes());
        batch.extend_from_slice(&body);
        Ok(batch)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the checksum has 32 bits, whatever holds it"
)]
fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Zigzag, then 7 bits at a time.
fn varint(out: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push((rest & 0x7f) as u8);
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(bytes);
}
