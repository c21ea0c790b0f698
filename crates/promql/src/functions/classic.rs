//! Quantiles and fractions of classic histograms: series of cumulative buckets with an upper bound `le`.
//!
//! Source: Prometheus' documentation of `histogram_quantile`: linear interpolation within a bucket, the
//! lowest bucket starts at 0 if its bound is positive.

use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    /// Of all observations up to `upper`.
    pub(crate) count: f64,
}

/// Where counts went down from one bucket to the next by more than rounding, and were raised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forced {
    pub(crate) bucket_min: f64,
    pub(crate) bucket_max: f64,
    pub(crate) difference_max: f64,
}

/// Differences up to this part of the counts are taken for rounding errors.
const TOLERANCE: f64 = 1e-12;

pub(crate) fn sort_buckets(buckets: &mut [Bucket]) {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(Ordering::Equal));
}

/// Adds up buckets with equal bounds; they must be sorted.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|bucket, kept| {
        let is_same = bucket.upper == kept.upper;
        if is_same {
            kept.count += bucket.count;
        }
        is_same
    });
}

/// The `q`-quantile of sorted buckets; NaN without a bucket up to +Inf or without observations.
pub(crate) fn bucket_quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if buckets
        .last()
        .is_none_or(|last| last.upper != f64::INFINITY)
    {
        return (f64::NAN, None);
    }
    coalesce(buckets);
    let forced = make_monotonic(buckets);
    let [head @ .., last] = buckets.as_slice() else {
        return (f64::NAN, forced);
    };
    let (Some(first), Some(highest_finite)) = (head.first(), head.last()) else {
        return (f64::NAN, forced);
    };
    if last.count == 0.0 {
        return (f64::NAN, forced);
    }
    let rank = q * last.count;
    // As a search for the first that is at least the rank; with NaN counts it ends at the last.
    let at = head.partition_point(|bucket| !matches_rank(bucket.count, rank));
    let Some(bucket) = head.get(at) else {
        return (highest_finite.upper, forced);
    };
    if at == 0 && first.upper <= 0.0 {
        return (first.upper, forced);
    }
    let (start, below) = match at.checked_sub(1).and_then(|before| head.get(before)) {
        Some(before) => (before.upper, before.count),
        None => (0.0, 0.0),
    };
    let (count, rank) = (bucket.count - below, rank - below);
    (start + (bucket.upper - start) * (rank / count), forced)
}

fn matches_rank(count: f64, rank: f64) -> bool {
    count >= rank
}

fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut buckets = buckets.iter_mut();
    let mut previous = buckets.next()?.count;
    for bucket in buckets {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if almost_equal(previous, count) {
            bucket.count = previous;
            continue;
        }
        if count < previous {
            bucket.count = previous;
            let forced = forced.get_or_insert(Forced {
                bucket_min: f64::INFINITY,
                bucket_max: f64::NEG_INFINITY,
                difference_max: 0.0,
            });
            forced.bucket_min = forced.bucket_min.min(bucket.upper);
            forced.bucket_max = forced.bucket_max.max(bucket.upper);
            forced.difference_max = forced.difference_max.max(previous - count);
            continue;
        }
        previous = count;
    }
    forced
}

/// Within the tolerance relative to the sum of both; tiny numbers by an absolute bound.
fn almost_equal(a: f64, b: f64) -> bool {
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The part of the observations between `lower` and `upper`; the buckets must be sorted.
pub(crate) fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets
        .last()
        .is_none_or(|last| last.upper != f64::INFINITY)
    {
        return f64::NAN;
    }
    coalesce(buckets);
    let total = buckets.last().map_or(0.0, |last| last.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (mut lower_rank, mut upper_rank) = (None, None);
    let mut start = match buckets.first() {
        Some(first) if first.upper <= 0.0 => f64::NEG_INFINITY,
        _ => 0.0,
    };
    let mut below = 0.0;
    for bucket in buckets.iter() {
        let rank_of = |limit: f64| {
            if start >= limit {
                Some(below)
            } else if bucket.upper > limit {
                Some(if start == f64::NEG_INFINITY {
                    bucket.count
                } else {
                    below + (bucket.count - below) * (limit - start) / (bucket.upper - start)
                })
            } else {
                None
            }
        };
        lower_rank = lower_rank.or_else(|| rank_of(lower));
        upper_rank = upper_rank.or_else(|| rank_of(upper));
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        below = bucket.count;
        start = bucket.upper;
    }
    let limited = |rank: Option<f64>| match rank {
        Some(rank) if rank > total => total,
        Some(rank) => rank,
        None => total,
    };
    (limited(upper_rank) - limited(lower_rank)) / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs
            .iter()
            .map(|(upper, count)| Bucket {
                upper: *upper,
                count: *count,
            })
            .collect()
    }

    #[test]
    fn interpolates_linearly() {
        let mut list = buckets(&[(0.1, 10.0), (0.2, 30.0), (f64::INFINITY, 40.0)]);
        let (value, forced) = bucket_quantile(0.5, &mut list);
        assert!((value - 0.15).abs() < 1e-12 && forced.is_none());
        assert_eq!(bucket_quantile(1.0, &mut list).0, 0.2);
        assert!((bucket_fraction(0.0, 0.1, &mut list) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn falling_counts_are_raised_and_reported() {
        let mut list = buckets(&[(1.0, 10.0), (2.0, 7.0), (f64::INFINITY, 20.0)]);
        let (_, forced) = bucket_quantile(0.5, &mut list);
        assert_eq!(forced.unwrap().difference_max, 3.0);
    }

    #[test]
    fn no_bucket_to_infinity_no_quantile() {
        assert!(bucket_quantile(0.5, &mut buckets(&[(1.0, 1.0)])).0.is_nan());
        assert!(bucket_quantile(0.5, &mut Vec::new()).0.is_nan());
    }
}
