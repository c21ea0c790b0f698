//! What all samples of a histogram chunk share, and its bytes at the start of the chunk.

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};

use crate::chunk::ChunkError;
use crate::chunk::bits::{BitReader, BitWriter};
use crate::chunk::varbit::{read_int, read_uint, write_int, write_uint};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) positive_spans: Vec<BucketSpan>,
    pub(crate) negative_spans: Vec<BucketSpan>,
    pub(crate) custom_values: Vec<f64>,
}

/// Bounds up to here, in thousandths, are stored as integers.
const CUSTOM_THOUSANDTHS_MAX: f64 = 33_554_430.0;

impl Layout {
    pub(crate) fn has_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    pub(crate) fn write(&self, writer: &mut BitWriter<'_>) {
        write_zero_threshold(writer, self.zero_threshold);
        write_int(writer, i64::from(self.schema));
        for spans in [&self.positive_spans, &self.negative_spans] {
            write_uint(writer, spans.len() as u64);
            for span in spans {
                write_uint(writer, u64::from(span.length));
                write_int(writer, i64::from(span.offset));
            }
        }
        if self.has_custom_buckets() {
            write_uint(writer, self.custom_values.len() as u64);
            for bound in &self.custom_values {
                write_custom_bound(writer, *bound);
            }
        }
    }

    pub(crate) fn read(reader: &mut BitReader<'_>) -> Result<Self, ChunkError> {
        let zero_threshold = read_zero_threshold(reader);
        let schema = i32::try_from(read_int(reader))
            .map_err(|_| ChunkError::Malformed("the schema is out of range"))?;
        let positive_spans = read_spans(reader)?;
        let negative_spans = read_spans(reader)?;
        let mut custom_values = Vec::new();
        if schema == CUSTOM_BUCKETS_SCHEMA {
            for _ in 0..checked_count(reader)? {
                custom_values.push(read_custom_bound(reader));
            }
        }
        reader.check()?;
        Ok(Self {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values,
        })
    }
}

fn read_spans(reader: &mut BitReader<'_>) -> Result<Vec<BucketSpan>, ChunkError> {
    let count = checked_count(reader)?;
    let mut spans = Vec::new();
    for _ in 0..count {
        let out_of_range = ChunkError::Malformed("a bucket span is out of range");
        let length = u32::try_from(read_uint(reader)).map_err(|_| out_of_range)?;
        let offset = i32::try_from(read_int(reader)).map_err(|_| out_of_range)?;
        spans.push(BucketSpan { offset, length });
    }
    Ok(spans)
}

/// A number of things of which each takes at least a bit.
fn checked_count(reader: &mut BitReader<'_>) -> Result<usize, ChunkError> {
    let count = usize::try_from(read_uint(reader)).unwrap_or(usize::MAX);
    if count > reader.bits_left() {
        return Err(ChunkError::Truncated);
    }
    Ok(count)
}

/// 0 and powers of two from 2^-243 to 2^10 take one byte, others nine.
fn write_zero_threshold(writer: &mut BitWriter<'_>, threshold: f64) {
    if threshold == 0.0 {
        return writer.bits(0, 8);
    }
    let bits = threshold.to_bits();
    let exponent = bits >> 52;
    let is_power_of_two = bits & ((1 << 52) - 1) == 0;
    // The stored byte is the exponent over 2^-244: 780 is the biased exponent of 2^-243.
    if is_power_of_two && (780..=1033).contains(&exponent) {
        return writer.bits(exponent - 779, 8);
    }
    writer.bits(255, 8);
    writer.bits(bits, 64);
}

fn read_zero_threshold(reader: &mut BitReader<'_>) -> f64 {
    match reader.bits(8) {
        0 => 0.0,
        255 => f64::from_bits(reader.bits(64)),
        byte => f64::from_bits((byte + 779) << 52),
    }
}

/// Whole thousandths as an integer plus one, everything else as a zero bit and the float.
fn write_custom_bound(writer: &mut BitWriter<'_>, bound: f64) {
    let thousandths = bound * 1000.0;
    let whole = thousandths.round();
    if (0.0..=CUSTOM_THOUSANDTHS_MAX).contains(&thousandths) && whole / 1000.0 == bound {
        // In range by the check above.
        return write_uint(writer, whole as u64 + 1);
    }
    writer.zero();
    writer.bits(bound.to_bits(), 64);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "stored integers have at most 25 bits"
)]
fn read_custom_bound(reader: &mut BitReader<'_>) -> f64 {
    match read_uint(reader) {
        0 => f64::from_bits(reader.bits(64)),
        stored => (stored - 1) as f64 / 1000.0,
    }
}
