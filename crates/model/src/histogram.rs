//! Native histograms: exponential and custom buckets, with integer or float counts.
//!
//! Source: Prometheus' native histogram specification. Buckets are sparse: spans say which indices are
//! populated, counts follow in order. Integer histograms store bucket counts as deltas (the form of the
//! wire and of the chunks), float histograms as absolute counts (the form that queries use).

/// The schema of histograms with custom bucket bounds ("NHCB").
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

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
