//! Adding, subtracting and scaling float histograms.
//!
//! Operands of different resolution meet at the coarser one; different zero thresholds are widened to a
//! common one; different custom bounds are reduced to those that both have. Source: Prometheus' native
//! histogram specification and the behaviour of its query engine.

use super::buckets::exponential_bound;
use super::compensated::add_compensated;
use super::custom::merge_custom;
use super::rows::{SideName, coarsen_with_compensation, coarser_rows, rows, store_side};
use super::zero::reconcile_zero_buckets;
use super::{BucketSpan, CounterResetHint, FloatHistogram};

/// One operand has exponential and the other custom buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
)]
pub struct IncompatibleSchemas;

/// What a caller may want to tell the user about a sum or difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// One operand follows a counter reset, the other does not.
    pub has_reset_collision: bool,
    /// The custom bounds differed; the result has only those in common.
    pub has_reconciled_bounds: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Add,
    Subtract,
}

impl Direction {
    fn sign(self) -> f64 {
        match self {
            Self::Add => 1.0,
            Self::Subtract => -1.0,
        }
    }
}

impl FloatHistogram {
    /// Multiplies all counts and the sum. A negative factor makes a gauge of it.
    pub fn scale(&mut self, factor: f64) {
        self.zero_count *= factor;
        self.count *= factor;
        self.sum *= factor;
        for count in self
            .positive_buckets
            .iter_mut()
            .chain(&mut self.negative_buckets)
        {
            *count *= factor;
        }
        if factor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum; division by zero leaves no buckets.
    pub fn divide(&mut self, divisor: f64) {
        self.zero_count /= divisor;
        self.count /= divisor;
        self.sum /= divisor;
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
            return;
        }
        for count in self
            .positive_buckets
            .iter_mut()
            .chain(&mut self.negative_buckets)
        {
            *count /= divisor;
        }
        if divisor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
    }

    /// Adds `other` in place; nothing changes on error.
    pub fn add(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        combine(self, other, None, Direction::Add)
    }

    /// Subtracts `other` in place; nothing changes on error. The reset hint is joined as in a sum: the
    /// caller decides whether the difference is a gauge.
    pub fn subtract(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        combine(self, other, None, Direction::Subtract)
    }

    fn join_reset_hint(&mut self, other: &Self) -> bool {
        use CounterResetHint::{Gauge, Unknown};
        let (mine, theirs) = (self.counter_reset_hint, other.counter_reset_hint);
        let (joined, collision) = match (mine, theirs) {
            (mine, theirs) if mine == theirs => (mine, false),
            (Gauge, _) | (_, Gauge) => (Gauge, false),
            (Unknown, _) | (_, Unknown) => (Unknown, false),
            _ => (Unknown, true),
        };
        self.counter_reset_hint = joined;
        collision
    }
}

/// `target ± other`, with the rounding errors of the counts collected in `compensation` if there is one.
pub(super) fn combine(
    target: &mut FloatHistogram,
    other: &FloatHistogram,
    mut compensation: Option<&mut FloatHistogram>,
    direction: Direction,
) -> Result<Combined, IncompatibleSchemas> {
    if target.uses_custom_buckets() != other.uses_custom_buckets() {
        return Err(IncompatibleSchemas);
    }
    let mut combined = Combined {
        has_reset_collision: target.join_reset_hint(other),
        has_reconciled_bounds: false,
    };
    let sign = direction.sign();

    if !target.uses_custom_buckets() {
        let other_zero = reconcile_zero_buckets(target, other, compensation.as_deref_mut());
        let lost = compensation.as_deref_mut().map(|c| &mut c.zero_count);
        accumulate(&mut target.zero_count, sign * other_zero, lost);
    }
    let lost = compensation.as_deref_mut().map(|c| &mut c.count);
    accumulate(&mut target.count, sign * other.count, lost);
    let lost = compensation.as_deref_mut().map(|c| &mut c.sum);
    accumulate(&mut target.sum, sign * other.sum, lost);

    if target.uses_custom_buckets() {
        if target.custom_values == other.custom_values {
            merge_side(target, other, compensation, sign, SideName::Positive);
        } else {
            combined.has_reconciled_bounds = true;
            merge_custom(target, other, compensation, sign);
        }
        return Ok(combined);
    }

    if other.schema < target.schema {
        coarsen_with_compensation(target, compensation.as_deref_mut(), other.schema);
    }
    merge_side(
        target,
        other,
        compensation.as_deref_mut(),
        sign,
        SideName::Positive,
    );
    merge_side(
        target,
        other,
        compensation.as_deref_mut(),
        sign,
        SideName::Negative,
    );
    if let Some(compensation) = compensation {
        compensation.schema = target.schema;
        compensation.zero_threshold = target.zero_threshold;
    }
    Ok(combined)
}

fn accumulate(total: &mut f64, increment: f64, lost: Option<&mut f64>) {
    match lost {
        Some(lost) => add_compensated(increment, total, lost),
        None => *total += increment,
    }
}

/// Adds one side of `other` (times `sign`) to that of `target`, which is at least as coarse. Buckets of
/// `other` that lie within the zero bucket of `target` were counted there and are passed over.
fn merge_side(
    target: &mut FloatHistogram,
    other: &FloatHistogram,
    mut compensation: Option<&mut FloatHistogram>,
    sign: f64,
    side: SideName,
) {
    let (mine, theirs) = match side {
        SideName::Positive => (target.positive(), other.positive()),
        SideName::Negative => (target.negative(), other.negative()),
    };
    if theirs.counts.is_empty() {
        return;
    }
    let is_compensated = compensation.is_some();
    let is_custom = target.uses_custom_buckets();
    let mut added = rows(theirs, None);
    if !is_custom {
        added = coarser_rows(added, other.schema, target.schema, is_compensated);
        let inside = added
            .iter()
            .take_while(|row| exponential_bound(row.0, target.schema) <= target.zero_threshold)
            .count();
        added.drain(..inside);
    }

    let same_layout = mine.spans == theirs.spans
        && mine.counts.len() == theirs.counts.len()
        && added.len() == mine.counts.len()
        && (is_custom || target.schema == other.schema);
    if same_layout {
        let counts = match side {
            SideName::Positive => &mut target.positive_buckets,
            SideName::Negative => &mut target.negative_buckets,
        };
        match compensation {
            None => {
                for (count, row) in counts.iter_mut().zip(&added) {
                    *count += sign * row.1;
                }
            }
            Some(compensation) => {
                let lost = match side {
                    SideName::Positive => &mut compensation.positive_buckets,
                    SideName::Negative => &mut compensation.negative_buckets,
                };
                for ((count, lost), row) in counts.iter_mut().zip(lost).zip(&added) {
                    add_compensated(sign * row.1, count, lost);
                }
            }
        }
        return;
    }

    let lost = compensation.as_deref().map(|c| match side {
        SideName::Positive => &c.positive_buckets[..],
        SideName::Negative => &c.negative_buckets[..],
    });
    let mine = rows(mine, lost);
    let mut merged = Vec::with_capacity(mine.len() + added.len());
    let mut mine = mine.into_iter().peekable();
    for (index, count, count_lost) in added {
        while let Some(row) = mine.next_if(|row| row.0 < index) {
            merged.push(row);
        }
        match mine.next_if(|row| row.0 == index) {
            Some((_, mut sum, mut c)) => {
                if is_compensated {
                    add_compensated(sign * count, &mut sum, &mut c);
                    if count_lost != 0.0 {
                        add_compensated(sign * count_lost, &mut sum, &mut c);
                    }
                } else {
                    sum += sign * count;
                }
                merged.push((index, sum, c));
            }
            None => merged.push((index, sign * count, sign * count_lost)),
        }
    }
    merged.extend(mine);
    store_side(target, compensation.take(), side, merged);
}

/// A histogram without observations in the layout family of `like`: the start of a counter.
impl FloatHistogram {
    #[must_use]
    pub fn empty_like(like: &Self) -> Self {
        Self {
            schema: like.schema,
            custom_values: like.custom_values.clone(),
            positive_spans: Vec::<BucketSpan>::new(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::CUSTOM_BUCKETS_SCHEMA;

    fn exponential(schema: i32, offset: i32, counts: &[f64]) -> FloatHistogram {
        FloatHistogram {
            schema,
            count: counts.iter().sum(),
            positive_spans: vec![BucketSpan {
                offset,
                length: u32::try_from(counts.len()).unwrap(),
            }],
            positive_buckets: counts.to_vec(),
            ..FloatHistogram::default()
        }
    }

    #[test]
    fn sums_meet_at_the_coarser_schema() {
        let mut sum = exponential(1, 1, &[1.0, 2.0]);
        sum.add(&exponential(0, 1, &[10.0, 20.0])).unwrap();
        assert_eq!(sum.schema, 0);
        assert_eq!(sum.positive_buckets, [13.0, 20.0]);
        assert_eq!(sum.count, 33.0);
    }

    #[test]
    fn gaps_are_filled() {
        let mut difference = exponential(0, 5, &[1.0]);
        difference
            .subtract(&exponential(0, 2, &[1.0, 2.0]))
            .unwrap();
        assert_eq!(difference.positive_buckets, [-1.0, -2.0, 1.0]);
        assert_eq!(
            difference.positive_spans,
            [
                BucketSpan {
                    offset: 2,
                    length: 2
                },
                BucketSpan {
                    offset: 1,
                    length: 1
                }
            ]
        );
    }

    #[test]
    fn a_wider_zero_bucket_takes_buckets_over() {
        let mut sum = exponential(0, 0, &[1.0, 2.0, 3.0]);
        let wide = FloatHistogram {
            zero_threshold: 1.5,
            zero_count: 10.0,
            count: 10.0,
            ..FloatHistogram::default()
        };
        sum.add(&wide).unwrap();
        // The bucket (1, 2] is not cut: the threshold grows to its end.
        assert_eq!(sum.zero_threshold, 2.0);
        assert_eq!(sum.zero_count, 13.0);
        assert_eq!(sum.positive_buckets, [3.0]);
    }

    #[test]
    fn custom_bounds_are_reduced_to_the_common_ones() {
        let custom = |bounds: &[f64], counts: &[f64]| FloatHistogram {
            custom_values: bounds.to_vec(),
            ..FloatHistogram {
                schema: CUSTOM_BUCKETS_SCHEMA,
                ..exponential(0, 0, counts)
            }
        };
        let mut sum = custom(&[1.0, 2.0, 4.0], &[1.0, 1.0, 1.0, 1.0]);
        let combined = sum
            .add(&custom(&[2.0, 3.0, 4.0], &[1.0, 1.0, 1.0]))
            .unwrap();
        assert!(combined.has_reconciled_bounds);
        assert_eq!(sum.custom_values, [2.0, 4.0]);
        assert_eq!(sum.positive_buckets, [3.0, 3.0, 1.0]);
        assert_eq!(
            sum.add(&exponential(0, 0, &[1.0])),
            Err(IncompatibleSchemas)
        );
    }
}
