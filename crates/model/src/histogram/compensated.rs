//! Sums that carry their rounding error along (Neumaier's form of Kahan's algorithm), for floats and for
//! histograms as a whole. Prometheus sums this way in `sum`, `avg` and the `_over_time` functions.

use super::FloatHistogram;
use super::arithmetic::{Combined, Direction, IncompatibleSchemas, combine};

/// Adds `increment` to `sum`; `compensation` collects what got lost. An infinite sum has none.
#[inline]
pub fn add_compensated(increment: f64, sum: &mut f64, compensation: &mut f64) {
    let total = *sum + increment;
    if total.is_infinite() {
        *compensation = 0.0;
    } else if sum.abs() >= increment.abs() {
        *compensation += (*sum - total) + increment;
    } else {
        *compensation += (increment - total) + *sum;
    }
    *sum = total;
}

/// A running sum of histograms together with the rounding error of every bucket.
#[derive(Clone, Debug)]
pub struct CompensatedHistogram {
    pub sum: FloatHistogram,
    /// Same layout as `sum`; none until something was added.
    compensation: Option<FloatHistogram>,
}

impl CompensatedHistogram {
    pub fn new(first: FloatHistogram) -> Self {
        Self {
            sum: first,
            compensation: None,
        }
    }

    /// Adds `other`; on error nothing has changed but the reset hint.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Combined, IncompatibleSchemas> {
        if self.sum.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let mut compensation = match self.compensation.take() {
            Some(compensation) => compensation,
            None => zeroed(&self.sum),
        };
        let combined = combine(
            &mut self.sum,
            other,
            Some(&mut compensation),
            Direction::Add,
        );
        self.compensation = Some(compensation);
        combined
    }

    pub fn scale(&mut self, factor: f64) {
        self.sum.scale(factor);
        if let Some(compensation) = &mut self.compensation {
            compensation.scale(factor);
        }
    }

    pub fn divide(&mut self, divisor: f64) {
        self.sum.divide(divisor);
        if let Some(compensation) = &mut self.compensation {
            compensation.divide(divisor);
        }
    }

    /// The sum with the collected rounding errors added once.
    #[must_use]
    pub fn finish(self) -> FloatHistogram {
        let mut sum = self.sum;
        if let Some(compensation) = self.compensation {
            // The layouts are the same, so this cannot be refused.
            let _ = sum.add(&compensation);
        }
        sum
    }
}

fn zeroed(histogram: &FloatHistogram) -> FloatHistogram {
    FloatHistogram {
        zero_count: 0.0,
        count: 0.0,
        sum: 0.0,
        positive_buckets: vec![0.0; histogram.positive_buckets.len()],
        negative_buckets: vec![0.0; histogram.negative_buckets.len()],
        ..histogram.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let (mut sum, mut compensation) = (0.0, 0.0);
        for term in [1.0, 1e100, 1.0, -1e100] {
            add_compensated(term, &mut sum, &mut compensation);
        }
        assert_eq!(sum + compensation, 2.0);
    }

    #[test]
    fn histograms_too() {
        let with = |count: f64| FloatHistogram {
            count,
            positive_spans: vec![crate::histogram::BucketSpan {
                offset: 0,
                length: 1,
            }],
            positive_buckets: vec![count],
            ..FloatHistogram::default()
        };
        let mut sum = CompensatedHistogram::new(with(1.0));
        for term in [1e100, 1.0, -1e100] {
            sum.add(&with(term)).unwrap();
        }
        let sum = sum.finish();
        assert_eq!((sum.count, sum.positive_buckets[0]), (2.0, 2.0));
    }
}
