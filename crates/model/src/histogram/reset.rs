//! Counter resets: whether a histogram can follow another one in a counter without a reset between.

use super::buckets::exponential_bound;
use super::layout::{Side, coarser_index, indexed};
use super::{CounterResetHint, EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN, FloatHistogram};

impl FloatHistogram {
    /// Whether the counter was reset between `previous` and `self`. The hint of `self` decides if it says
    /// something; else any count that went down, a finer schema or a narrower zero bucket is a reset.
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.counter_reset_hint {
            CounterResetHint::Reset => return true,
            CounterResetHint::NotReset => return false,
            CounterResetHint::Unknown | CounterResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.uses_custom_buckets() {
            if !previous.uses_custom_buckets() {
                return true;
            }
            if self.custom_values != previous.custom_values {
                return self.is_reset_by_common_bounds(previous);
            }
        } else if previous.uses_custom_buckets() {
            return true;
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (zero_count, threshold, _) = previous.zero_count_within(self.zero_threshold, None);
        if threshold != self.zero_threshold || self.zero_count < zero_count {
            return true;
        }
        let side_reset = |current: Side<'_>, before: Side<'_>| {
            let current = self.comparable(current, self.schema);
            let before = self.comparable(before, previous.schema);
            any_bucket_shrank(&current, &before)
        };
        side_reset(self.positive(), previous.positive())
            || side_reset(self.negative(), previous.negative())
    }

    /// The buckets of one side, joined to the schema of `self`, without those inside its zero bucket.
    fn comparable(&self, side: Side<'_>, from: i32) -> Vec<(i32, f64)> {
        let is_exponential =
            (EXPONENTIAL_SCHEMA_MIN..=EXPONENTIAL_SCHEMA_MAX).contains(&self.schema);
        let mut joined: Vec<(i32, f64)> = Vec::with_capacity(side.counts.len());
        for (index, count) in indexed(side.spans, side.counts) {
            let index = if from == self.schema {
                index
            } else {
                coarser_index(index, from, self.schema)
            };
            match joined.last_mut() {
                Some((last, sum)) if *last == index => *sum += count,
                _ => joined.push((index, count)),
            }
        }
        if is_exponential && self.zero_threshold > 0.0 {
            let inside = joined
                .iter()
                .take_while(|(index, _)| {
                    exponential_bound(*index, self.schema) <= self.zero_threshold
                })
                .count();
            joined.drain(..inside);
        }
        joined
    }

    /// Custom buckets with different bounds are compared by what lies between the bounds in common.
    fn is_reset_by_common_bounds(&self, previous: &Self) -> bool {
        let is_common = |bound: &f64| previous.custom_values.contains(bound);
        let common = self.custom_values.iter().copied().filter(is_common);
        let mut current = self.positive_iter().peekable();
        let mut before = previous.positive_iter().peekable();
        for bound in common.chain([f64::INFINITY]) {
            let mut now = 0.0;
            while let Some(bucket) = current.next_if(|bucket| bucket.upper <= bound) {
                now += bucket.count;
            }
            let mut then = 0.0;
            while let Some(bucket) = before.next_if(|bucket| bucket.upper <= bound) {
                then += bucket.count;
            }
            if now < then {
                return true;
            }
        }
        false
    }
}

/// Whether a bucket of `before` is missing from `current` (unless empty) or has a smaller count there.
fn any_bucket_shrank(current: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut current = current.iter().peekable();
    before.iter().any(|(index, count)| {
        while current.next_if(|(at, _)| at < index).is_some() {}
        match current.peek() {
            Some((at, now)) if at == index => now < count,
            _ => *count != 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::BucketSpan;

    fn counter(counts: &[f64]) -> FloatHistogram {
        FloatHistogram {
            count: counts.iter().sum(),
            positive_spans: vec![BucketSpan {
                offset: 0,
                length: u32::try_from(counts.len()).unwrap(),
            }],
            positive_buckets: counts.to_vec(),
            ..FloatHistogram::default()
        }
    }

    #[test]
    fn growth_is_no_reset_and_shrinking_is_one() {
        let before = counter(&[1.0, 2.0]);
        assert!(!counter(&[1.0, 2.0, 3.0]).is_reset_after(&before));
        assert!(counter(&[0.0, 9.0]).is_reset_after(&before));
        assert!(counter(&[9.0]).is_reset_after(&before));
    }

    #[test]
    fn hints_decide() {
        let before = counter(&[1.0]);
        let mut after = counter(&[2.0]);
        after.counter_reset_hint = CounterResetHint::Reset;
        assert!(after.is_reset_after(&before));
        let mut after = counter(&[0.5]);
        after.counter_reset_hint = CounterResetHint::NotReset;
        assert!(!after.is_reset_after(&before));
    }
}
