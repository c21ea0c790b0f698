//! Native histograms: exponential and custom buckets, with integer or float counts.
//!
//! Source: Prometheus' native histogram specification. Buckets are sparse: spans say which indices are
//! populated, counts follow in order. Integer histograms store bucket counts as deltas (the form of the
//! wire and of the chunks), float histograms as absolute counts (the form that queries use).

//!
//! The types are here; the operations on float histograms by kind: [`buckets`] (bounds, walking),
//! `layout` (spans, compaction, resolution), `arithmetic` (with `rows`, `zero`, `custom`), `compensated` (sums that keep the rounding
//! error), `reset` (counter resets), `trim`, `quantile`, `text`, `validate`.

mod arithmetic;
mod bounds;
pub mod buckets;
mod compensated;
mod custom;
mod layout;
mod quantile;
mod reset;
mod rows;
mod text;
mod trim;
mod validate;
mod zero;

pub use arithmetic::{Combined, IncompatibleSchemas};
pub use buckets::Bucket;
pub use compensated::{CompensatedHistogram, add_compensated};
pub use quantile::{Fraction, NanEffect, Quantile};
pub use validate::HistogramError;

/// The schema of histograms with custom bucket bounds ("NHCB").
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;
/// The coarsest and the finest exponential schema.
pub const EXPONENTIAL_SCHEMA_MIN: i32 = -4;
pub const EXPONENTIAL_SCHEMA_MAX: i32 = 8;

/// What is known about a counter reset between the previous histogram and this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterResetHint {
    #[default]
    Unknown = 0,
    Reset = 1,
    NotReset = 2,
    Gauge = 3,
}

/// A run of populated buckets: `offset` empty buckets before it (from index 0 for the first span), then
/// `length` populated ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BucketSpan {
    pub offset: i32,
    pub length: u32,
}

/// Integer counts; bucket counts are deltas to the bucket before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    pub counter_reset_hint: CounterResetHint,
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: u64,
    pub count: u64,
    pub sum: f64,
    pub positive_spans: Vec<BucketSpan>,
    pub negative_spans: Vec<BucketSpan>,
    pub positive_deltas: Vec<i64>,
    pub negative_deltas: Vec<i64>,
    /// Upper bounds, only with [`CUSTOM_BUCKETS_SCHEMA`].
    pub custom_values: Vec<f64>,
}

/// Float counts; bucket counts are absolute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatHistogram {
    pub counter_reset_hint: CounterResetHint,
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    pub positive_spans: Vec<BucketSpan>,
    pub negative_spans: Vec<BucketSpan>,
    pub positive_buckets: Vec<f64>,
    pub negative_buckets: Vec<f64>,
    /// Upper bounds, only with [`CUSTOM_BUCKETS_SCHEMA`].
    pub custom_values: Vec<f64>,
}

impl Histogram {
    /// The same histogram with absolute float counts.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts become floats by definition"
    )]
    pub fn to_float(&self) -> FloatHistogram {
        let absolute = |deltas: &[i64]| {
            let mut count = 0i64;
            let add = |delta: &i64| {
                count = count.wrapping_add(*delta);
                count as f64
            };
            deltas.iter().map(add).collect()
        };
        FloatHistogram {
            counter_reset_hint: self.counter_reset_hint,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            positive_buckets: absolute(&self.positive_deltas),
            negative_buckets: absolute(&self.negative_deltas),
            custom_values: self.custom_values.clone(),
        }
    }
}

impl FloatHistogram {
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// Whether a count, the sum or a bound is infinite.
    pub fn has_overflow(&self) -> bool {
        self.zero_count.is_infinite()
            || self.count.is_infinite()
            || self.sum.is_infinite()
            || self
                .positive_buckets
                .iter()
                .any(|count| count.is_infinite())
            || self
                .negative_buckets
                .iter()
                .any(|count| count.is_infinite())
            || self.custom_values.iter().any(|bound| bound.is_infinite())
    }

    /// Equality as the query language has it: layout and bit patterns of all numbers, not the reset hint.
    pub fn same_bits(&self, other: &Self) -> bool {
        let same = |a: &[f64], b: &[f64]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        };
        self.schema == other.schema
            && self.count.to_bits() == other.count.to_bits()
            && self.sum.to_bits() == other.sum.to_bits()
            && (!self.uses_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && self.zero_count.to_bits() == other.zero_count.to_bits()
            && layout::same_spans(&self.negative_spans, &other.negative_spans)
            && same(&self.negative_buckets, &other.negative_buckets)
            && layout::same_spans(&self.positive_spans, &other.positive_spans)
            && same(&self.positive_buckets, &other.positive_buckets)
    }
}
