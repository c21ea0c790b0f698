//! Whether a result is what a script expects.

use std::collections::HashMap;

use model::sample::is_stale;
use model::{FloatHistogram, Labels, histogram::BucketSpan};

use super::script::{Eval, EvalTimes, TextMatch};
use crate::eval::{MatrixSeries, QueryResult, QueryValue, VectorSample};
use crate::syntax::series::histogram_notation;
use crate::syntax::{SequenceValue, SeriesDescription};

const TOLERANCE: f64 = 1e-6;

fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a == b || a.is_nan() && b.is_nan() {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

pub(super) fn matches_text(expected: &TextMatch, actual: &str) -> bool {
    match expected {
        TextMatch::Any => true,
        TextMatch::Exact(text) => text == actual,
        TextMatch::Regex(text) => {
            // Not anchored; `Pattern` is, so both ends are opened.
            model::pattern::Pattern::new(&format!(".*(?:{text}).*"))
                .is_ok_and(|pattern| pattern.is_match(actual))
        }
    }
}

/// Checks warnings and infos.
pub(super) fn check_notes(eval: &Eval, result: &QueryResult) -> Result<(), String> {
    for (kind, expected, forbidden, actual) in [
        (
            "warning",
            &eval.warnings,
            eval.no_warnings,
            &result.warnings,
        ),
        ("info", &eval.infos, eval.no_infos, &result.infos),
    ] {
        if forbidden && !actual.is_empty() {
            return Err(format!("unexpected {kind}: {actual:?}"));
        }
        for expected in expected {
            if !actual.iter().any(|text| matches_text(expected, text)) {
                return Err(format!("expected {kind} {expected:?}, got {actual:?}"));
            }
        }
        if !expected.is_empty()
            && let Some(extra) = actual
                .iter()
                .find(|text| !expected.iter().any(|expected| matches_text(expected, text)))
        {
            return Err(format!("{kind} that nobody expects: {extra}"));
        }
    }
    Ok(())
}

fn by_labels(series: &[SeriesDescription]) -> HashMap<&Labels, (usize, &SeriesDescription)> {
    series
        .iter()
        .enumerate()
        .map(|(at, series)| (&series.labels, (at, series)))
        .collect()
}

fn missing(
    expected: &[SeriesDescription],
    mut is_found: impl FnMut(&Labels) -> bool,
) -> Option<&Labels> {
    expected
        .iter()
        .map(|series| &series.labels)
        .find(|labels| !is_found(labels))
}

/// Compares the value of an instant query.
pub(super) fn check_instant(eval: &Eval, value: &QueryValue) -> Result<(), String> {
    match value {
        QueryValue::String { value, .. } => match &eval.string {
            Some(expected) if expected == value => Ok(()),
            expected => Err(format!("expected string {expected:?}, got {value:?}")),
        },
        QueryValue::Scalar { value, .. } => match eval.scalar {
            Some(expected) if almost_equal(expected, *value) => Ok(()),
            expected => Err(format!("expected scalar {expected:?}, got {value}")),
        },
        _ if eval.scalar.is_some() => Err("expected a scalar".to_owned()),
        QueryValue::Matrix(matrix) => {
            if eval.is_ordered {
                return Err("expected ordered result, got a matrix".to_owned());
            }
            let times = eval.range_vector.unwrap_or(eval.times);
            check_matrix(eval, matrix, times)
        }
        QueryValue::Vector(samples) => check_vector(eval, samples),
    }
}

fn check_vector(eval: &Eval, samples: &[VectorSample]) -> Result<(), String> {
    let expected = by_labels(&eval.series);
    let mut found = Vec::new();
    for (position, sample) in samples.iter().enumerate() {
        let shown = match &sample.histogram {
            Some(histogram) => histogram_notation(histogram),
            None => sample.value.to_string(),
        };
        let Some((at, series)) = expected.get(&sample.labels) else {
            return Err(format!("unexpected {} {shown}", sample.labels));
        };
        if eval.is_ordered && *at != position {
            return Err(format!(
                "expected {} at position {at}, got it at {position}",
                sample.labels
            ));
        }
        let value = Eval::only_value(series).ok_or("no expected value")?;
        let is_same = match (value, &sample.histogram) {
            (SequenceValue::Float(value), None) => almost_equal(*value, sample.value),
            (
                SequenceValue::Histogram {
                    histogram,
                    has_counter_reset_hint,
                },
                Some(actual),
            ) => same_histogram(histogram, actual, *has_counter_reset_hint),
            _ => false,
        };
        if !is_same {
            return Err(format!(
                "expected {value} for {}, got {shown}",
                sample.labels
            ));
        }
        found.push(&sample.labels);
    }
    match missing(&eval.series, |labels| found.contains(&labels)) {
        Some(labels) => Err(format!("expected {labels}, which is missing")),
        None => Ok(()),
    }
}

/// Compares a matrix with values expected at the given times.
pub(super) fn check_matrix(
    eval: &Eval,
    matrix: &[MatrixSeries],
    times: EvalTimes,
) -> Result<(), String> {
    let (start, step) = match times {
        EvalTimes::Instant(time) => (time, 1),
        EvalTimes::Range { start, step, .. } => (start, step),
    };
    if let Some(pair) = matrix
        .windows(2)
        .find(|pair| pair[0].labels > pair[1].labels)
    {
        return Err(format!("matrix is not sorted at {}", pair[1].labels));
    }
    let expected = by_labels(&eval.series);
    for series in matrix {
        let Some((_, wanted)) = expected.get(&series.labels) else {
            return Err(format!("unexpected {}", shown(series)));
        };
        let mut floats = Vec::new();
        let mut histograms = Vec::new();
        let mut time = start;
        for value in &wanted.values {
            match value {
                SequenceValue::Omitted => {}
                SequenceValue::Float(value) => floats.push((time, *value)),
                SequenceValue::Histogram {
                    histogram,
                    has_counter_reset_hint,
                } => histograms.push((time, histogram, *has_counter_reset_hint)),
            }
            time += step;
        }
        let is_same = floats.len() == series.times.len()
            && histograms.len() == series.histograms.len()
            && floats
                .iter()
                .zip(series.times.iter().zip(&series.values))
                .all(|((time, value), (actual_time, actual))| {
                    time == actual_time && almost_equal(*value, *actual)
                })
            && histograms.iter().zip(&series.histograms).all(
                |((time, histogram, has_hint), (actual_time, actual))| {
                    time == actual_time && same_histogram(histogram, actual, *has_hint)
                },
            );
        if !is_same {
            let values: Vec<String> = wanted.values.iter().map(ToString::to_string).collect();
            return Err(format!(
                "expected {}, got {}",
                values.join(" "),
                shown(series)
            ));
        }
    }
    match missing(&eval.series, |labels| {
        matrix.iter().any(|series| series.labels == *labels)
    }) {
        Some(labels) => Err(format!("expected {labels}, which is missing")),
        None => Ok(()),
    }
}

fn shown(series: &MatrixSeries) -> String {
    let floats = series.times.iter().zip(&series.values);
    let mut points: Vec<String> = floats
        .map(|(time, value)| format!("{value}@{time}"))
        .collect();
    let histograms = series.histograms.iter();
    points.extend(histograms.map(|(time, h)| format!("{}@{time}", histogram_notation(h))));
    format!("{} {}", series.labels, points.join(" "))
}

fn same_histogram(expected: &FloatHistogram, actual: &FloatHistogram, has_hint: bool) -> bool {
    let (mut expected, mut actual) = (expected.clone(), actual.clone());
    expected.compact();
    actual.compact();
    let same_counts = |a: &[f64], b: &[f64]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b))
    };
    let same_spans = |a: &[BucketSpan], b: &[BucketSpan]| a == b;
    expected.schema == actual.schema
        && almost_equal(expected.count, actual.count)
        && almost_equal(expected.sum, actual.sum)
        && (!expected.uses_custom_buckets() || expected.custom_values == actual.custom_values)
        && expected.zero_threshold == actual.zero_threshold
        && almost_equal(expected.zero_count, actual.zero_count)
        && same_spans(&expected.negative_spans, &actual.negative_spans)
        && same_counts(&expected.negative_buckets, &actual.negative_buckets)
        && same_spans(&expected.positive_spans, &actual.positive_spans)
        && same_counts(&expected.positive_buckets, &actual.positive_buckets)
        && (!has_hint || expected.counter_reset_hint == actual.counter_reset_hint)
}
