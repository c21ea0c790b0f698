//! Histograms of OpenTelemetry as native histograms.

use model::Histogram;
use model::histogram::{
    BucketSpan, CUSTOM_BUCKETS_SCHEMA, CounterResetHint, EXPONENTIAL_SCHEMA_MAX,
    EXPONENTIAL_SCHEMA_MIN,
};
use model::sample::{STALE_NAN, STALE_NAN_BITS};
use wire::otlp::{Buckets, ExponentialPoint, HistogramPoint, NO_RECORDED_VALUE};

/// Nothing else is known of it.
const ZERO_THRESHOLD: f64 = 1e-128;
/// Empty buckets that are written out rather than left out between two spans.
const GAP_MAX: i64 = 2;

/// A point with exponential buckets. Finer ones than ours are merged.
pub(super) fn exponential(
    point: &ExponentialPoint,
    hint: CounterResetHint,
) -> Result<Histogram, String> {
    if point.scale < EXPONENTIAL_SCHEMA_MIN {
        return Err(format!(
            "cannot convert exponential to native histogram. Scale must be >= {EXPONENTIAL_SCHEMA_MIN}, was {}",
            point.scale
        ));
    }
    let schema = point.scale.min(EXPONENTIAL_SCHEMA_MAX);
    // More than 63 bits make one bucket of everything, as 63 do.
    let merged_bits = (point.scale - schema).min(63).unsigned_abs();
    // Bucket 0 begins at 1 there, and ends at 1 here.
    let side = |buckets: &Buckets| {
        layout(&buckets.bucket_counts, |at| {
            ((i64::from(buckets.offset) + at) >> merged_bits) + 1
        })
    };
    let (positive_spans, positive_deltas) = side(&point.positive)?;
    let (negative_spans, negative_deltas) = side(&point.negative)?;
    let (count, sum) = totals(point.flags, point.count, point.sum);
    Ok(Histogram {
        counter_reset_hint: hint,
        schema,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: point.zero_count,
        count,
        sum,
        positive_spans,
        negative_spans,
        positive_deltas,
        negative_deltas,
        custom_values: Vec::new(),
    })
}

/// A point with explicit bounds, as custom buckets.
pub(super) fn custom(point: &HistogramPoint, hint: CounterResetHint) -> Result<Histogram, String> {
    let (positive_spans, positive_deltas) = layout(&point.bucket_counts, |at| at)?;
    let (count, sum) = totals(point.flags, point.count, point.sum);
    Ok(Histogram {
        counter_reset_hint: hint,
        schema: CUSTOM_BUCKETS_SCHEMA,
        count,
        sum,
        positive_spans,
        positive_deltas,
        custom_values: point.explicit_bounds.clone(),
        ..Histogram::default()
    })
}

fn totals(flags: u32, count: u64, sum: Option<f64>) -> (u64, f64) {
    if flags & NO_RECORDED_VALUE != 0 {
        return (STALE_NAN_BITS, STALE_NAN);
    }
    (count, sum.unwrap_or(0.0))
}

/// Spans and deltas of buckets in the order of their indices, which do not fall. Buckets of one index are
/// merged, long runs of empty ones left out.
fn layout(
    counts: &[u64],
    index_of: impl Fn(i64) -> i64,
) -> Result<(Vec<BucketSpan>, Vec<i64>), String> {
    let too_large =
        |_| "a bucket of a histogram has an index or a count that is too large".to_owned();
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut deltas = Vec::new();
    let (mut last_count, mut next_index) = (0i64, 0i64);
    let mut push = |spans: &mut Vec<BucketSpan>, count: i64| {
        if let Some(span) = spans.last_mut() {
            span.length += 1;
        }
        deltas.push(count.wrapping_sub(last_count));
        last_count = count;
    };
    let mut buckets = (0i64..).zip(counts).peekable();
    while let Some((at, count)) = buckets.next() {
        let index = index_of(at);
        let mut count = *count;
        while let Some((_, more)) = buckets.next_if(|(at, _)| index_of(*at) == index) {
            count = count.saturating_add(*more);
        }
        if count == 0 {
            continue;
        }
        let gap = index - next_index;
        if spans.is_empty() || gap > GAP_MAX {
            spans.push(BucketSpan {
                offset: i32::try_from(gap).map_err(too_large)?,
                length: 0,
            });
        } else {
            (0..gap).for_each(|_| push(&mut spans, 0));
        }
        push(&mut spans, i64::try_from(count).map_err(too_large)?);
        next_index = index + 1;
    }
    Ok((spans, deltas))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(offset: i32, length: u32) -> BucketSpan {
        BucketSpan { offset, length }
    }

    #[test]
    fn buckets_are_laid_out() {
        for (counts, wanted) in [
            (&[][..], (vec![], vec![])),
            (&[1, 2], (vec![span(0, 2)], vec![1, 1])),
            (&[0, 0, 3], (vec![span(2, 1)], vec![3])),
            (&[1, 0, 0, 2], (vec![span(0, 4)], vec![1, -1, 0, 2])),
            (
                &[1, 0, 0, 0, 2, 0],
                (vec![span(0, 1), span(3, 1)], vec![1, 1]),
            ),
        ] {
            assert_eq!(layout(counts, |at| at).unwrap(), wanted, "{counts:?}");
        }
        assert!(layout(&[u64::MAX], |at| at).is_err());
    }

    #[test]
    fn fine_buckets_are_merged() {
        let point = ExponentialPoint {
            scale: 9,
            count: 10,
            positive: Buckets {
                offset: -3,
                bucket_counts: vec![1, 2, 3, 4],
            },
            ..ExponentialPoint::default()
        };
        let made = exponential(&point, CounterResetHint::Unknown).unwrap();
        assert_eq!(made.schema, 8);
        // -3 | -2, -1 | 0 become -1, 0, 1 in our numbers.
        assert_eq!(made.positive_spans, [span(-1, 3)]);
        assert_eq!(made.positive_deltas, [1, 4, -1]);
        assert!(made.to_float().validate().is_ok());
        let coarse = ExponentialPoint {
            scale: -5,
            ..point.clone()
        };
        let problem = exponential(&coarse, CounterResetHint::Unknown).unwrap_err();
        assert!(problem.ends_with("must be >= -4, was -5"), "{problem}");
        let finest = ExponentialPoint {
            scale: i32::MAX,
            ..point
        };
        assert!(exponential(&finest, CounterResetHint::Unknown).is_ok());
    }

    #[test]
    fn ended_series_have_markers() {
        let point = ExponentialPoint {
            flags: NO_RECORDED_VALUE,
            count: 3,
            ..ExponentialPoint::default()
        };
        let made = exponential(&point, CounterResetHint::Unknown).unwrap();
        assert!(model::sample::is_stale(made.sum));
    }
}
