//! Series descriptions: a series and its values in the notation of test scripts.

mod dense;

use std::fmt;
use std::sync::Arc;

use model::format::{float_general, float_plain};
use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint};
use model::sample::is_stale;
use model::{FloatHistogram, Labels};

use super::error::ParseErrors;
use super::parser;
pub(super) use dense::Dense;

/// The most values that one description may stand for.
pub const SERIES_VALUES_MAX: usize = 1 << 20;

/// `metric{label="value"} 1+2x3 _ stale`
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesDescription {
    pub labels: Labels,
    /// One per step; repetitions are expanded.
    pub values: Vec<SequenceValue>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SequenceValue {
    /// `_`: no sample at this step.
    Omitted,
    /// `stale` is the staleness marker.
    Float(f64),
    Histogram {
        histogram: Arc<FloatHistogram>,
        /// The hint was written, so an expectation has to check it.
        has_counter_reset_hint: bool,
    },
}

/// Reads `metric{…} values`, at most [`SERIES_VALUES_MAX`] values.
pub fn parse_series_description(text: &str) -> Result<SeriesDescription, ParseErrors> {
    parser::parse_series_description(text)
}

impl fmt::Display for SequenceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Omitted => f.write_str("_"),
            Self::Float(value) if is_stale(*value) => f.write_str("stale"),
            Self::Float(value) => f.write_str(&float_plain(*value)),
            Self::Histogram { histogram, .. } => f.write_str(&histogram_notation(histogram)),
        }
    }
}

/// A histogram as `{{schema:1 count:3 buckets:[1 2]}}`; zero fields are left out. Gaps between spans
/// become zero buckets.
pub fn histogram_notation(histogram: &FloatHistogram) -> String {
    let mut parts = Vec::new();
    let mut field = |name: &str, value: f64| {
        if value != 0.0 {
            parts.push(format!("{name}:{}", float_general(value)));
        }
    };
    field("schema", f64::from(histogram.schema));
    field("count", histogram.count);
    field("sum", histogram.sum);
    field("z_bucket", histogram.zero_count);
    field("z_bucket_w", histogram.zero_threshold);
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        parts.push(format!("custom_values:{}", list(&histogram.custom_values)));
    }
    match histogram.counter_reset_hint {
        CounterResetHint::Unknown => {}
        CounterResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
        CounterResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
        CounterResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
    }
    for (prefix, spans, buckets) in [
        ("", &histogram.positive_spans, &histogram.positive_buckets),
        ("n_", &histogram.negative_spans, &histogram.negative_buckets),
    ] {
        let dense = Dense::new(spans, buckets).trimmed();
        if dense.offset != 0 && !dense.counts.is_empty() {
            parts.push(format!("{prefix}offset:{}", dense.offset));
        }
        if !dense.counts.is_empty() {
            parts.push(format!("{prefix}buckets:{}", list(&dense.counts)));
        }
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

fn list(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|value| float_general(*value)).collect();
    format!("[{}]", texts.join(" "))
}
