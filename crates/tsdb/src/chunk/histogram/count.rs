//! Integer and float counts: how each is stored, and how it comes from and goes to a histogram.

use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};

use super::layout::Layout;
use super::{HistogramPoint, HistogramValue};
use crate::chunk::ChunkError;
use crate::chunk::bits::{BitReader, BitWriter};
use crate::chunk::varbit::{read_int, read_uint, write_int, write_uint};
use crate::chunk::xor::XorField;

/// A kind of count. Integer counts are stored as deltas of deltas (buckets as deltas to the bucket
/// before, on top), float counts as XOR differences.
pub trait Count: Copy + PartialOrd + Default + std::fmt::Debug + Sized {
    /// What the next value of one field is encoded against.
    type Field: Clone + std::fmt::Debug;
    /// The histogram of this kind.
    type Histogram: std::fmt::Debug;
    const IS_FLOAT: bool;

    fn layout(histogram: &Self::Histogram) -> Layout;
    fn point(histogram: &Self::Histogram) -> HistogramPoint<Self>;
    fn value(layout: &Layout, point: HistogramPoint<Self>) -> HistogramValue;

    fn write_first_total(writer: &mut BitWriter<'_>, value: Self) -> Self::Field;
    fn write_first_bucket(writer: &mut BitWriter<'_>, value: Self) -> Self::Field;
    fn write_next(writer: &mut BitWriter<'_>, field: &mut Self::Field, value: Self);
    /// The place of a total in a staleness marker.
    fn write_stale(writer: &mut BitWriter<'_>, field: &mut Self::Field);
    fn read_first_total(reader: &mut BitReader<'_>) -> Self::Field;
    fn read_first_bucket(reader: &mut BitReader<'_>) -> Self::Field;
    fn read_next(reader: &mut BitReader<'_>, field: &mut Self::Field) -> Result<(), ChunkError>;
    fn of(field: &Self::Field) -> Self;

    /// From absolute counts to what is stored, and back.
    fn to_stored(absolute: &[Self]) -> Vec<Self>;
    fn from_stored(stored: impl Iterator<Item = Self>) -> Vec<Self>;
}

/// A value and its last change.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeltaField {
    value: i64,
    delta: i64,
}

impl Count for i64 {
    type Field = DeltaField;
    type Histogram = Histogram;
    const IS_FLOAT: bool = false;

    fn layout(histogram: &Histogram) -> Layout {
        Layout {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            custom_values: histogram.custom_values.clone(),
        }
    }

    #[expect(
        clippy::cast_possible_wrap,
        reason = "differences are taken with wrap-around"
    )]
    fn point(histogram: &Histogram) -> HistogramPoint<i64> {
        HistogramPoint {
            hint: histogram.counter_reset_hint,
            sum: histogram.sum,
            count: histogram.count as i64,
            zero_count: histogram.zero_count as i64,
            positive: Self::from_stored(histogram.positive_deltas.iter().copied()),
            negative: Self::from_stored(histogram.negative_deltas.iter().copied()),
        }
    }

    #[expect(clippy::cast_sign_loss, reason = "undoes the cast of `point`")]
    fn value(layout: &Layout, point: HistogramPoint<i64>) -> HistogramValue {
        HistogramValue::Integer(Arc::new(Histogram {
            counter_reset_hint: point.hint,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            zero_count: point.zero_count as u64,
            count: point.count as u64,
            sum: point.sum,
            positive_spans: layout.positive_spans.clone(),
            negative_spans: layout.negative_spans.clone(),
            positive_deltas: Self::to_stored(&point.positive),
            negative_deltas: Self::to_stored(&point.negative),
            custom_values: layout.custom_values.clone(),
        }))
    }

    #[expect(clippy::cast_sign_loss, reason = "undoes the cast of `point`")]
    fn write_first_total(writer: &mut BitWriter<'_>, value: i64) -> DeltaField {
        write_uint(writer, value as u64);
        DeltaField { value, delta: 0 }
    }

    fn write_first_bucket(writer: &mut BitWriter<'_>, value: i64) -> DeltaField {
        write_int(writer, value);
        DeltaField { value, delta: 0 }
    }

    fn write_next(writer: &mut BitWriter<'_>, field: &mut DeltaField, value: i64) {
        let delta = value.wrapping_sub(field.value);
        write_int(writer, delta.wrapping_sub(field.delta));
        *field = DeltaField { value, delta };
    }

    fn write_stale(writer: &mut BitWriter<'_>, _field: &mut DeltaField) {
        writer.zero();
    }

    #[expect(clippy::cast_possible_wrap, reason = "as in `point`")]
    fn read_first_total(reader: &mut BitReader<'_>) -> DeltaField {
        DeltaField {
            value: read_uint(reader) as i64,
            delta: 0,
        }
    }

    fn read_first_bucket(reader: &mut BitReader<'_>) -> DeltaField {
        DeltaField {
            value: read_int(reader),
            delta: 0,
        }
    }

    fn read_next(reader: &mut BitReader<'_>, field: &mut DeltaField) -> Result<(), ChunkError> {
        field.delta = field.delta.wrapping_add(read_int(reader));
        field.value = field.value.wrapping_add(field.delta);
        Ok(())
    }

    fn of(field: &DeltaField) -> i64 {
        field.value
    }

    fn to_stored(absolute: &[i64]) -> Vec<i64> {
        let mut before = 0i64;
        let delta = |count: &i64| count.wrapping_sub(std::mem::replace(&mut before, *count));
        absolute.iter().map(delta).collect()
    }

    fn from_stored(stored: impl Iterator<Item = i64>) -> Vec<i64> {
        let mut count = 0i64;
        stored
            .map(|delta| {
                count = count.wrapping_add(delta);
                count
            })
            .collect()
    }
}

impl Count for f64 {
    type Field = XorFloat;
    type Histogram = FloatHistogram;
    const IS_FLOAT: bool = true;

    fn layout(histogram: &FloatHistogram) -> Layout {
        Layout {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            custom_values: histogram.custom_values.clone(),
        }
    }

    fn point(histogram: &FloatHistogram) -> HistogramPoint<f64> {
        HistogramPoint {
            hint: histogram.counter_reset_hint,
            sum: histogram.sum,
            count: histogram.count,
            zero_count: histogram.zero_count,
            positive: histogram.positive_buckets.clone(),
            negative: histogram.negative_buckets.clone(),
        }
    }

    fn value(layout: &Layout, point: HistogramPoint<f64>) -> HistogramValue {
        HistogramValue::Float(Arc::new(FloatHistogram {
            counter_reset_hint: point.hint,
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            zero_count: point.zero_count,
            count: point.count,
            sum: point.sum,
            positive_spans: layout.positive_spans.clone(),
            negative_spans: layout.negative_spans.clone(),
            positive_buckets: point.positive,
            negative_buckets: point.negative,
            custom_values: layout.custom_values.clone(),
        }))
    }

    fn write_first_total(writer: &mut BitWriter<'_>, value: f64) -> XorFloat {
        writer.bits(value.to_bits(), 64);
        XorFloat(XorField::with_bits(value.to_bits()))
    }

    fn write_first_bucket(writer: &mut BitWriter<'_>, value: f64) -> XorFloat {
        Self::write_first_total(writer, value)
    }

    fn write_next(writer: &mut BitWriter<'_>, field: &mut XorFloat, value: f64) {
        field.0.write(writer, value.to_bits());
    }

    fn write_stale(writer: &mut BitWriter<'_>, field: &mut XorFloat) {
        field.0.write(writer, 0f64.to_bits());
    }

    fn read_first_total(reader: &mut BitReader<'_>) -> XorFloat {
        XorFloat(XorField::with_bits(reader.bits(64)))
    }

    fn read_first_bucket(reader: &mut BitReader<'_>) -> XorFloat {
        Self::read_first_total(reader)
    }

    fn read_next(reader: &mut BitReader<'_>, field: &mut XorFloat) -> Result<(), ChunkError> {
        field.0.read(reader)
    }

    fn of(field: &XorFloat) -> f64 {
        f64::from_bits(field.0.bits)
    }

    fn to_stored(absolute: &[f64]) -> Vec<f64> {
        absolute.to_vec()
    }

    fn from_stored(stored: impl Iterator<Item = f64>) -> Vec<f64> {
        stored.collect()
    }
}

/// A float that is stored as the difference to the one before.
#[derive(Clone, Copy, Debug)]
pub struct XorFloat(pub(crate) XorField);
