//! Quantiles and fractions of native histograms, interpolated within a bucket.
//!
//! Source: Prometheus' documentation of `histogram_quantile` and `histogram_fraction`: linear within the
//! zero bucket and custom buckets, exponential elsewhere.

use super::{Bucket, FloatHistogram};

/// How observations that are NaN (the sum is then NaN) touch a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NanEffect {
    /// The wanted rank is among them: the result is NaN.
    Result,
    /// They count as larger than all others.
    Skew,
    /// They are in no fraction.
    Excluded,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    pub value: f64,
    pub nan_effect: Option<NanEffect>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction {
    pub value: f64,
    pub nan_effect: Option<NanEffect>,
}

impl FloatHistogram {
    /// The `q`-quantile: -Inf below 0, +Inf above 1, NaN without observations.
    pub fn quantile(&self, q: f64) -> Quantile {
        let plain = |value: f64| Quantile {
            value,
            nan_effect: None,
        };
        if q < 0.0 {
            return plain(f64::NEG_INFINITY);
        }
        if q > 1.0 {
            return plain(f64::INFINITY);
        }
        if self.count == 0.0 || q.is_nan() {
            return plain(f64::NAN);
        }
        let has_nan = self.sum.is_nan();
        // Counted from the nearer end, so that less rounding error piles up; NaN observations are beyond
        // the upper end, so with them only the lower one is right.
        let from_below = has_nan || q < 0.5;
        let rank = if from_below {
            q * self.count
        } else {
            (1.0 - q) * self.count
        };
        let buckets = if from_below {
            self.all_buckets()
        } else {
            let mut buckets = self.all_buckets();
            buckets.reverse();
            buckets
        };

        let mut bucket = Bucket {
            lower: 0.0,
            upper: 0.0,
            is_lower_inclusive: false,
            is_upper_inclusive: false,
            count: 0.0,
            index: 0,
        };
        let mut count = 0.0;
        let mut walk = buckets.iter();
        for candidate in walk.by_ref() {
            bucket = *candidate;
            if bucket.count == 0.0 {
                continue;
            }
            count += bucket.count;
            if count >= rank {
                break;
            }
        }
        if self.uses_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return plain(bucket.upper);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return plain(bucket.lower);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            self.narrow_zero(&mut bucket);
        }
        // Rounding may have put more into the buckets than was counted.
        if count > self.count {
            count = self.count;
        }
        if count < rank {
            return if has_nan {
                Quantile {
                    value: f64::NAN,
                    nan_effect: Some(NanEffect::Result),
                }
            } else {
                plain(bucket.upper)
            };
        }

        let within = if from_below {
            rank - (count - bucket.count)
        } else {
            count - rank
        };
        let mut nan_effect = None;
        if has_nan {
            let all = walk.fold(count, |sum, bucket| sum + bucket.count);
            if all < self.count {
                nan_effect = Some(NanEffect::Skew);
            }
        }
        let fraction = within / bucket.count;
        let value = if self.uses_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
            bucket.lower + (bucket.upper - bucket.lower) * fraction
        } else {
            let lower = bucket.lower.abs().log2();
            let upper = bucket.upper.abs().log2();
            if bucket.lower > 0.0 {
                (lower + (upper - lower) * fraction).exp2()
            } else {
                -(upper + (lower - upper) * (1.0 - fraction)).exp2()
            }
        };
        Quantile { value, nan_effect }
    }

    /// The part of the observations between `lower` and `upper`.
    pub fn fraction(&self, lower: f64, upper: f64) -> Fraction {
        let plain = |value: f64| Fraction {
            value,
            nan_effect: None,
        };
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return plain(f64::NAN);
        }
        if lower >= upper {
            return plain(0.0);
        }
        let mut lower_rank = None;
        let mut upper_rank = None;
        let (mut rank, mut count) = (0.0, 0.0);
        let buckets = self.all_buckets();
        let mut walk = buckets.iter();
        for bucket in walk.by_ref() {
            let mut bucket = *bucket;
            count += bucket.count;
            let is_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
            if is_zero {
                self.narrow_zero(&mut bucket);
            }
            let is_linear = self.uses_custom_buckets() || is_zero;
            let rank_of = |limit: f64| {
                if bucket.lower >= limit {
                    Some(rank)
                } else if bucket.upper > limit {
                    Some(if !is_linear {
                        rank + bucket.count * bucket.exponential_fraction_below(limit)
                    } else if bucket.lower == f64::NEG_INFINITY {
                        bucket.count
                    } else {
                        rank + bucket.count * bucket.linear_fraction_below(limit)
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
            rank += bucket.count;
        }
        let mut nan_effect = None;
        if self.sum.is_nan() {
            count = walk.fold(count, |sum, bucket| sum + bucket.count);
            if count < self.count {
                nan_effect = Some(NanEffect::Excluded);
            }
        } else {
            count = self.count;
        }
        let limited = |rank: Option<f64>| match rank {
            Some(rank) if rank > count => count,
            Some(rank) => rank,
            None => count,
        };
        Fraction {
            value: (limited(upper_rank) - limited(lower_rank)) / self.count,
            nan_effect,
        }
    }

    /// With buckets on one side only, nothing in the zero bucket is taken to be on the other side.
    fn narrow_zero(&self, bucket: &mut Bucket) {
        match (
            self.negative_buckets.is_empty(),
            self.positive_buckets.is_empty(),
        ) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::BucketSpan;

    fn histogram() -> FloatHistogram {
        FloatHistogram {
            count: 12.0,
            sum: 100.0,
            zero_threshold: 0.001,
            zero_count: 2.0,
            positive_spans: vec![
                BucketSpan {
                    offset: 0,
                    length: 2,
                },
                BucketSpan {
                    offset: 1,
                    length: 2,
                },
            ],
            positive_buckets: vec![2.0, 3.0, 1.0, 4.0],
            ..FloatHistogram::default()
        }
    }

    #[test]
    fn quantiles_interpolate_exponentially() {
        let value = |q| histogram().quantile(q).value;
        assert_eq!(value(1.001), f64::INFINITY);
        assert_eq!(value(1.0), 16.0);
        assert!((value(0.5) - 1.587_401_051_968_199_4).abs() < 1e-12);
        assert!((value(0.1) - 0.0006).abs() < 1e-12);
        assert!(value(f64::NAN).is_nan());
    }

    #[test]
    fn fractions_are_the_inverse() {
        assert_eq!(histogram().fraction(1.0, 2.0).value, 0.25);
        assert_eq!(
            histogram().fraction(f64::NEG_INFINITY, f64::INFINITY).value,
            1.0
        );
        assert_eq!(histogram().fraction(3.0, 2.0).value, 0.0);
    }
}
