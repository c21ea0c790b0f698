//! The text form of a float histogram, as Prometheus prints it in `count_values` and in messages.

use std::fmt;

use super::{Bucket, FloatHistogram};
use crate::format::float_shortest;

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{},{}{}:{}",
            if self.is_lower_inclusive { '[' } else { '(' },
            float_shortest(self.lower),
            float_shortest(self.upper),
            if self.is_upper_inclusive { ']' } else { ')' },
            float_shortest(self.count)
        )
    }
}

/// `{count:22, sum:3, (0.5,1]:5, (1,2]:10}`, without empty buckets.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{count:{}, sum:{}",
            float_shortest(self.count),
            float_shortest(self.sum)
        )?;
        let mut negative: Vec<Bucket> = self.negative_iter().collect();
        negative.reverse();
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        for bucket in negative
            .into_iter()
            .chain(zero)
            .chain(self.positive_iter())
            .filter(|bucket| bucket.count != 0.0)
        {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::BucketSpan;

    #[test]
    fn prints_populated_buckets_in_order() {
        let histogram = FloatHistogram {
            count: 10.0,
            sum: 2.5,
            zero_threshold: 0.001,
            zero_count: 1.0,
            positive_spans: vec![BucketSpan {
                offset: 0,
                length: 3,
            }],
            positive_buckets: vec![3.0, 0.0, 4.0],
            negative_spans: vec![BucketSpan {
                offset: 0,
                length: 1,
            }],
            negative_buckets: vec![2.0],
            ..FloatHistogram::default()
        };
        assert_eq!(
            histogram.to_string(),
            "{count:10, sum:2.5, [-1,-0.5):2, [-0.001,0.001]:1, (0.5,1]:3, (2,4]:4}"
        );
    }
}
