//! Readers for the notation of the cases of `chunks`, `wal` and `tsdb`.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::path::Path;

use model::histogram::{BucketSpan, CounterResetHint, FloatHistogram, Histogram};
use model::storage::HistogramSample;
use serde_json::Value;

use crate::suite::json_lines;

/// The objects of a file with one per line.
pub(super) fn json_values(path: &Path) -> Result<Vec<Value>, String> {
    let lines = json_lines(path).map_err(|error| format!("{error:#}"))?;
    Ok(lines.into_iter().map(|(_, value)| value).collect())
}

pub(super) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number, or a string that JSON numbers cannot say.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::String(text) => match text.strip_prefix("NaN:") {
            Some(bits) => f64::from_bits(u64::from_str_radix(bits, 16).unwrap()),
            None => text.trim_start_matches('+').parse().unwrap(),
        },
        other => other.as_f64().unwrap(),
    }
}

pub(super) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value
        .as_array()
        .map(|items| items.iter().map(read).collect())
        .unwrap_or_default()
}

fn span(value: &Value) -> BucketSpan {
    BucketSpan {
        offset: i32::try_from(int(&value[0])).unwrap(),
        length: u32::try_from(int(&value[1])).unwrap(),
    }
}

pub(super) fn histogram(value: &Value) -> HistogramSample {
    let hint = match value["counter_reset_hint"].as_str().unwrap() {
        "reset" => CounterResetHint::Reset,
        "not_reset" => CounterResetHint::NotReset,
        "gauge" => CounterResetHint::Gauge,
        _ => CounterResetHint::Unknown,
    };
    let schema = i32::try_from(int(&value["schema"])).unwrap();
    if value["kind"] == "int" {
        HistogramSample::Integer(
            Histogram {
                counter_reset_hint: hint,
                schema,
                zero_threshold: float(&value["zero_threshold"]),
                zero_count: value["zero_count"].as_u64().unwrap(),
                count: value["count"].as_u64().unwrap(),
                sum: float(&value["sum"]),
                positive_spans: list(&value["positive_spans"], span),
                negative_spans: list(&value["negative_spans"], span),
                positive_deltas: list(&value["positive_deltas"], int),
                negative_deltas: list(&value["negative_deltas"], int),
                custom_values: list(&value["custom_values"], float),
            }
            .into(),
        )
    } else {
        HistogramSample::Float(
            FloatHistogram {
                counter_reset_hint: hint,
                schema,
                zero_threshold: float(&value["zero_threshold"]),
                zero_count: float(&value["zero_count"]),
                count: float(&value["count"]),
                sum: float(&value["sum"]),
                positive_spans: list(&value["positive_spans"], span),
                negative_spans: list(&value["negative_spans"], span),
                positive_buckets: list(&value["positive_buckets"], float),
                negative_buckets: list(&value["negative_buckets"], float),
                custom_values: list(&value["custom_values"], float),
            }
            .into(),
        )
    }
}

/// Text that is the same exactly if all bits are: NaN compares unequal, `{:?}` hides its bits.
pub(super) fn exact(value: &HistogramSample) -> String {
    let sum = match value {
        HistogramSample::Integer(histogram) => histogram.sum,
        HistogramSample::Float(histogram) => histogram.sum,
    };
    format!("{:016x} {value:?}", sum.to_bits())
}

pub(super) fn expect_equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}
