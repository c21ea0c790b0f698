//! Different zero thresholds: the narrower zero bucket is widened, and takes over the buckets it then covers.

use super::FloatHistogram;
use super::compensated::add_compensated;
use super::rows::{Row, SideName, rows, store_side};

/// Widens the zero bucket of `target` until both histograms can have the same threshold, and returns the
/// count that `other` has within it.
pub(super) fn reconcile_zero_buckets(
    target: &mut FloatHistogram,
    other: &FloatHistogram,
    mut compensation: Option<&mut FloatHistogram>,
) -> f64 {
    let mut other_count = other.zero_count;
    let mut other_threshold = other.zero_threshold;
    while other_threshold != target.zero_threshold {
        if target.zero_threshold > other_threshold {
            (other_count, other_threshold, _) =
                other.zero_count_within(target.zero_threshold, None);
        }
        if other_threshold > target.zero_threshold {
            let (count, threshold, lost) =
                target.zero_count_within(other_threshold, compensation.as_deref());
            target.zero_count = count;
            target.zero_threshold = threshold;
            if let Some(compensation) = compensation.as_deref_mut() {
                compensation.zero_count = lost;
            }
            drop_buckets_in_zero(target, compensation.as_deref_mut());
        }
        // Thresholds that compare with nothing (NaN) would never meet.
        if other_threshold.is_nan() || target.zero_threshold.is_nan() {
            break;
        }
    }
    other_count
}

impl FloatHistogram {
    /// The count of a zero bucket up to `threshold` (not below the present one), the threshold that it
    /// then really has (buckets are not cut), and the rounding error.
    pub(super) fn zero_count_within(
        &self,
        threshold: f64,
        compensation: Option<&Self>,
    ) -> (f64, f64, f64) {
        let mut threshold = threshold;
        let mut lost = compensation.map_or(0.0, |c| c.zero_count);
        if threshold <= self.zero_threshold {
            return (self.zero_count, self.zero_threshold, lost);
        }
        let extra = |counts: Option<&Vec<f64>>, at: usize| {
            counts.and_then(|c| c.get(at)).copied().unwrap_or(0.0)
        };
        'widen: loop {
            let mut count = self.zero_count;
            for (at, bucket) in self.positive_iter().enumerate() {
                if bucket.lower >= threshold {
                    break;
                }
                add_compensated(bucket.count, &mut count, &mut lost);
                let more = extra(compensation.map(|c| &c.positive_buckets), at);
                add_compensated(more, &mut count, &mut lost);
                if bucket.upper > threshold {
                    if bucket.count != 0.0 {
                        threshold = bucket.upper;
                    }
                    break;
                }
            }
            for (at, bucket) in self.negative_iter().enumerate() {
                if bucket.upper <= -threshold {
                    break;
                }
                add_compensated(bucket.count, &mut count, &mut lost);
                let more = extra(compensation.map(|c| &c.negative_buckets), at);
                add_compensated(more, &mut count, &mut lost);
                if bucket.lower < -threshold {
                    if bucket.count != 0.0 {
                        threshold = -bucket.lower;
                        continue 'widen;
                    }
                    break;
                }
            }
            return (count, threshold, lost);
        }
    }
}

/// Removes what the widened zero bucket has taken over, and all other empty buckets.
fn drop_buckets_in_zero(target: &mut FloatHistogram, compensation: Option<&mut FloatHistogram>) {
    let threshold = target.zero_threshold;
    let positive_inside = target
        .positive_iter()
        .take_while(|bucket| bucket.lower < threshold)
        .count();
    let negative_inside = target
        .negative_iter()
        .take_while(|bucket| bucket.upper > -threshold)
        .count();
    let keep = |rows: Vec<Row>, inside: usize| -> Vec<Row> {
        rows.into_iter()
            .skip(inside)
            .filter(|row| row.1 != 0.0 || row.2 != 0.0)
            .collect()
    };
    let lost = compensation.as_deref().map(|c| &c.positive_buckets[..]);
    let positive = keep(rows(target.positive(), lost), positive_inside);
    let lost = compensation.as_deref().map(|c| &c.negative_buckets[..]);
    let negative = keep(rows(target.negative(), lost), negative_inside);
    match compensation {
        Some(compensation) => {
            store_side(
                target,
                Some(&mut *compensation),
                SideName::Positive,
                positive,
            );
            store_side(target, Some(compensation), SideName::Negative, negative);
        }
        None => {
            store_side(target, None, SideName::Positive, positive);
            store_side(target, None, SideName::Negative, negative);
        }
    }
}
