//! Buckets with their bounds, in order of value.

use super::bounds::FRACTIONS;
use super::layout::{Side, indexed};
use super::{CUSTOM_BUCKETS_SCHEMA, EXPONENTIAL_SCHEMA_MAX, FloatHistogram};

/// One bucket and what was counted in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub lower: f64,
    pub upper: f64,
    pub is_lower_inclusive: bool,
    pub is_upper_inclusive: bool,
    pub count: f64,
    /// The index within its schema and side; 0 for the zero bucket.
    pub index: i32,
}

impl Bucket {
    /// Which part of the bucket lies below `value`, which must be inside: linear interpolation.
    pub fn linear_fraction_below(&self, value: f64) -> f64 {
        (value - self.lower) / (self.upper - self.lower)
    }

    /// The same on a logarithmic scale, for exponential buckets that do not touch zero.
    pub fn exponential_fraction_below(&self, value: f64) -> f64 {
        let lower = self.lower.abs().log2();
        let upper = self.upper.abs().log2();
        let at = value.abs().log2();
        if value > 0.0 {
            (at - lower) / (upper - lower)
        } else {
            1.0 - (at - upper) / (lower - upper)
        }
    }
}

/// The upper bound of bucket `index` on the positive side of an exponential schema.
pub fn exponential_bound(index: i32, schema: i32) -> f64 {
    if schema < 0 {
        let exponent = i64::from(index) << schema.unsigned_abs().min(31);
        // The last bucket ends at the largest float, not at infinity.
        return if exponent == 1024 {
            f64::MAX
        } else {
            power_of_two(1.0, exponent)
        };
    }
    let schema = schema.min(EXPONENTIAL_SCHEMA_MAX);
    let per_octave = 1i32 << schema;
    let within = index & (per_octave - 1);
    let position = usize::try_from(within << (EXPONENTIAL_SCHEMA_MAX - schema)).unwrap_or(0);
    let fraction = FRACTIONS.get(position).copied().unwrap_or(0.5);
    let exponent = i64::from(index >> schema) + 1;
    if fraction == 0.5 && exponent == 1025 {
        return f64::MAX;
    }
    power_of_two(fraction, exponent)
}

/// `fraction * 2^exponent` without an intermediate overflow.
fn power_of_two(fraction: f64, exponent: i64) -> f64 {
    let power = |exponent: i64| {
        // Exact: the exponent is within the range of normal floats.
        f64::from_bits(u64::try_from(exponent + 1023).unwrap_or(1) << 52)
    };
    let mut value = fraction;
    let mut rest = exponent.clamp(-2200, 2200);
    while rest > 1000 {
        value *= power(1000);
        rest -= 1000;
    }
    while rest < -1000 {
        value *= power(-1000);
        rest += 1000;
    }
    value * power(rest)
}

impl FloatHistogram {
    fn bound(&self, index: i32) -> f64 {
        if self.schema != CUSTOM_BUCKETS_SCHEMA {
            return exponential_bound(index, self.schema);
        }
        match usize::try_from(index) {
            Err(_) => f64::NEG_INFINITY,
            Ok(index) => self
                .custom_values
                .get(index)
                .copied()
                .unwrap_or(f64::INFINITY),
        }
    }

    fn positive_bucket(&self, index: i32, count: f64) -> Bucket {
        let lower = self.bound(index.wrapping_sub(1));
        let upper = self.bound(index);
        let is_custom = self.uses_custom_buckets();
        Bucket {
            lower,
            upper,
            is_lower_inclusive: if is_custom { index == 0 } else { lower < 0.0 },
            is_upper_inclusive: is_custom || upper > 0.0,
            count,
            index,
        }
    }

    fn negative_bucket(&self, index: i32, count: f64) -> Bucket {
        let lower = -self.bound(index);
        let upper = -self.bound(index.wrapping_sub(1));
        Bucket {
            lower,
            upper,
            is_lower_inclusive: lower < 0.0,
            is_upper_inclusive: upper > 0.0,
            count,
            index,
        }
    }

    fn side(side: Side<'_>) -> impl Iterator<Item = (i32, f64)> + Clone + '_ {
        indexed(side.spans, side.counts)
    }

    /// The positive (or custom) buckets, from small to large values.
    pub fn positive_iter(&self) -> impl Iterator<Item = Bucket> + Clone + '_ {
        Self::side(self.positive()).map(|(index, count)| self.positive_bucket(index, count))
    }

    /// The negative buckets, from near zero to far from it.
    pub fn negative_iter(&self) -> impl Iterator<Item = Bucket> + Clone + '_ {
        Self::side(self.negative()).map(|(index, count)| self.negative_bucket(index, count))
    }

    /// The bucket around zero; meaningless with custom buckets.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            is_lower_inclusive: true,
            is_upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// All buckets from the smallest to the largest values, empty ones too. The zero bucket is there only
    /// if it has a count; a bucket that it overlaps begins (or ends) at its threshold.
    pub fn all_buckets(&self) -> Vec<Bucket> {
        let threshold = self.zero_threshold;
        let clip = |mut bucket: Bucket| {
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            } else if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            bucket
        };
        let mut buckets: Vec<Bucket> = self.negative_iter().map(clip).collect();
        buckets.reverse();
        if self.zero_count > 0.0 {
            buckets.push(self.zero_bucket());
        }
        buckets.extend(self.positive_iter().map(clip));
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_several_schemas() {
        assert_eq!(exponential_bound(0, 0), 1.0);
        assert_eq!(exponential_bound(3, 0), 8.0);
        assert_eq!(exponential_bound(-1, -1), 0.25);
        assert_eq!(exponential_bound(1024, 0), f64::MAX);
        assert_eq!(exponential_bound(64, -4), f64::MAX);
        assert_eq!(exponential_bound(1, 2), 1.189_207_115_002_721);
        assert_eq!(exponential_bound(-1074, 0), 5e-324);
    }

    #[test]
    fn all_buckets_go_from_small_to_large() {
        let histogram = FloatHistogram {
            zero_threshold: 0.1,
            zero_count: 2.0,
            positive_spans: vec![crate::histogram::BucketSpan {
                offset: 0,
                length: 2,
            }],
            positive_buckets: vec![3.0, 4.0],
            negative_spans: vec![crate::histogram::BucketSpan {
                offset: 1,
                length: 1,
            }],
            negative_buckets: vec![1.0],
            ..FloatHistogram::default()
        };
        let bounds: Vec<(f64, f64, f64)> = histogram
            .all_buckets()
            .iter()
            .map(|b| (b.lower, b.upper, b.count))
            .collect();
        assert_eq!(
            bounds,
            [
                (-2.0, -1.0, 1.0),
                (-0.1, 0.1, 2.0),
                (0.5, 1.0, 3.0),
                (1.0, 2.0, 4.0)
            ]
        );
    }
}
