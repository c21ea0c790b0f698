//! Cutting a histogram at a value: the operators `</` (keep what is below) and `>/` (keep what is above).
//!
//! The sum of what is left is estimated from the middles of the buckets, geometric for exponential ones.

use super::{Bucket, FloatHistogram};

/// Which part of the observations stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Below,
    Above,
}

/// What is left of one bucket: the count, and the middle of the part that it now spans.
struct Rest {
    count: f64,
    middle: f64,
}

impl FloatHistogram {
    /// Removes the observations above `limit`.
    pub fn trim_above(&mut self, limit: f64) {
        self.trim(limit, Keep::Below);
    }

    /// Removes the observations below `limit`.
    pub fn trim_below(&mut self, limit: f64) {
        self.trim(limit, Keep::Above);
    }

    fn trim(&mut self, limit: f64, keep: Keep) {
        let is_custom = self.uses_custom_buckets();
        let (mut count, mut sum) = (0.0, 0.0);
        let mut is_changed = false;
        let mut cut_side = |buckets: Vec<Bucket>, counts: &mut [f64], is_positive: bool| {
            let mut has_any = false;
            for (bucket, slot) in buckets.iter().zip(counts) {
                if bucket.count == 0.0 {
                    continue;
                }
                has_any = true;
                let rest = cut(bucket, limit, keep, is_positive, is_custom);
                count += rest.count;
                sum += rest.middle * rest.count;
                if *slot != rest.count {
                    *slot = rest.count;
                    is_changed = true;
                }
            }
            has_any
        };
        let buckets = self.positive_iter().collect();
        let has_positive = cut_side(buckets, &mut self.positive_buckets, true);
        let buckets = self.negative_iter().collect();
        let has_negative = cut_side(buckets, &mut self.negative_buckets, false);

        if self.zero_count > 0.0 {
            let mut zero = self.zero_bucket();
            if has_negative && !has_positive {
                zero.upper = 0.0;
            }
            if has_positive && !has_negative {
                zero.lower = 0.0;
            }
            let rest = cut_zero(&zero, limit, keep);
            if self.zero_count != rest.count {
                self.zero_count = rest.count;
                is_changed = true;
            }
            sum += rest.middle * rest.count;
            count += rest.count;
        }
        if is_changed {
            self.count = count;
            self.sum = sum;
            self.compact();
        }
    }
}

fn cut(bucket: &Bucket, limit: f64, keep: Keep, is_positive: bool, is_custom: bool) -> Rest {
    let whole = match keep {
        Keep::Below => bucket.upper <= limit,
        Keep::Above => bucket.lower >= limit,
    };
    let part = match keep {
        Keep::Below => bucket.lower < limit,
        Keep::Above => bucket.upper > limit,
    };
    if whole {
        Rest {
            count: bucket.count,
            middle: middle(bucket.lower, bucket.upper, is_positive, is_custom),
        }
    } else if !part {
        Rest {
            count: 0.0,
            middle: 0.0,
        }
    } else if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        cut_infinite(bucket, limit, keep)
    } else {
        let below = if limit <= bucket.lower {
            0.0
        } else if limit >= bucket.upper {
            bucket.count
        } else if is_custom {
            bucket.count * bucket.linear_fraction_below(limit)
        } else {
            bucket.count * bucket.exponential_fraction_below(limit)
        };
        match keep {
            Keep::Below => Rest {
                count: below,
                middle: middle(bucket.lower, limit, is_positive, is_custom),
            },
            Keep::Above => Rest {
                count: bucket.count - below,
                middle: middle(limit, bucket.upper, is_positive, is_custom),
            },
        }
    }
}

/// A bucket that is open at one end cannot be interpolated from there; a lower end at -Inf is taken for 0
/// where the bucket reaches above 0, else the bucket stays or goes as a whole.
fn cut_infinite(bucket: &Bucket, limit: f64, keep: Keep) -> Rest {
    let finite = |value: f64| if value.is_infinite() { 0.0 } else { value };
    let (lower, upper) = (bucket.lower, bucket.upper);
    let (count, middle) = if lower == f64::NEG_INFINITY {
        match keep {
            Keep::Below if limit >= upper => (bucket.count, 0.0),
            Keep::Below if limit > 0.0 && upper > 0.0 && upper != f64::INFINITY => {
                (bucket.count * limit / upper, limit / 2.0)
            }
            Keep::Below if upper <= 0.0 => (bucket.count, limit),
            Keep::Below => (0.0, finite(upper)),
            Keep::Above if limit <= lower => (bucket.count, 0.0),
            Keep::Above if limit >= 0.0 && upper > limit && upper != f64::INFINITY => {
                (bucket.count * (1.0 - limit / upper), (limit + upper) / 2.0)
            }
            Keep::Above => (0.0, finite(upper)),
        }
    } else {
        match keep {
            Keep::Above if limit >= lower => (bucket.count, limit),
            Keep::Below | Keep::Above => (0.0, finite(lower)),
        }
    };
    Rest { count, middle }
}

fn cut_zero(zero: &Bucket, limit: f64, keep: Keep) -> Rest {
    let (lower, upper) = (zero.lower, zero.upper);
    let all = Rest {
        count: zero.count,
        middle: (lower + upper) / 2.0,
    };
    let nothing = Rest {
        count: 0.0,
        middle: 0.0,
    };
    match keep {
        Keep::Below if limit <= lower => nothing,
        Keep::Below if limit >= upper => all,
        Keep::Below => Rest {
            count: zero.count * ((limit - lower) / (upper - lower)),
            middle: (lower + limit) / 2.0,
        },
        Keep::Above if limit <= lower => all,
        Keep::Above if limit >= upper => nothing,
        Keep::Above => Rest {
            count: zero.count * ((upper - limit) / (upper - lower)),
            middle: (limit + upper) / 2.0,
        },
    }
}

/// The value that stands for the observations between two bounds.
fn middle(lower: f64, upper: f64, is_positive: bool, is_linear: bool) -> f64 {
    if lower.is_infinite() {
        return if upper.is_infinite() {
            0.0
        } else if upper > 0.0 {
            upper / 2.0
        } else {
            upper
        };
    }
    if upper.is_infinite() {
        return lower;
    }
    if is_linear {
        return (lower + upper) / 2.0;
    }
    let geometric = (lower * upper).abs().sqrt();
    if is_positive { geometric } else { -geometric }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::BucketSpan;

    fn histogram() -> FloatHistogram {
        FloatHistogram {
            count: 7.0,
            sum: 20.0,
            positive_spans: vec![BucketSpan {
                offset: 1,
                length: 3,
            }],
            positive_buckets: vec![1.0, 2.0, 4.0],
            ..FloatHistogram::default()
        }
    }

    #[test]
    fn whole_buckets() {
        let mut below = histogram();
        below.trim_above(4.0);
        assert_eq!(below.positive_buckets, [1.0, 2.0]);
        assert_eq!(below.count, 3.0);
        let mut above = histogram();
        above.trim_below(4.0);
        assert_eq!(above.positive_buckets, [4.0]);
    }

    #[test]
    fn a_limit_outside_changes_nothing() {
        let mut all = histogram();
        all.trim_above(100.0);
        assert_eq!(all, histogram());
    }
}
