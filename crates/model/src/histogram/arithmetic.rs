//! Adding, subtracting and scaling float histograms.
//!
//! Operands of different resolution meet at the coarser one; different zero thresholds are widened to a
//! common one; different custom bounds are reduced to those that both have. Source: Prometheus' native
//! histogram specification and the behaviour of its query engine.

use super::buckets::exponential_bound;
use super::compensated::add_compensated;
use super::layout::{Side, coarser_index, indexed, spans_of};
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

#[derive(Clone, Copy)]
enum SideName {
    Positive,
    Negative,
}

/// `(index, count, compensation)` per bucket.
type Row = (i32, f64, f64);

fn rows(side: Side<'_>, compensation: Option<&[f64]>) -> Vec<Row> {
    let lost = |at: usize| compensation.map_or(0.0, |c| c.get(at).copied().unwrap_or(0.0));
    indexed(side.spans, side.counts)
        .enumerate()
        .map(|(at, (index, count))| (index, count, lost(at)))
        .collect()
}

/// Joins the rows that fall into one bucket of the coarser schema.
fn coarser_rows(rows: Vec<Row>, from: i32, to: i32, is_compensated: bool) -> Vec<Row> {
    if to >= from {
        return rows;
    }
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    for (index, count, lost) in rows {
        let index = coarser_index(index, from, to);
        match merged.last_mut() {
            Some((last, sum, c)) if *last == index => {
                if is_compensated {
                    add_compensated(count, sum, c);
                    add_compensated(lost, sum, c);
                } else {
                    *sum += count;
                }
            }
            _ => merged.push((index, count, lost)),
        }
    }
    merged
}

fn store_side(
    target: &mut FloatHistogram,
    compensation: Option<&mut FloatHistogram>,
    side: SideName,
    rows: Vec<Row>,
) {
    let spans = spans_of(rows.iter().map(|row| row.0));
    if let Some(compensation) = compensation {
        let lost = rows.iter().map(|row| row.2).collect();
        match side {
            SideName::Positive => {
                compensation.positive_spans.clone_from(&spans);
                compensation.positive_buckets = lost;
            }
            SideName::Negative => {
                compensation.negative_spans.clone_from(&spans);
                compensation.negative_buckets = lost;
            }
        }
    }
    let counts = rows.into_iter().map(|row| row.1).collect();
    match side {
        SideName::Positive => (target.positive_spans, target.positive_buckets) = (spans, counts),
        SideName::Negative => (target.negative_spans, target.negative_buckets) = (spans, counts),
    }
}

fn coarsen_with_compensation(
    target: &mut FloatHistogram,
    mut compensation: Option<&mut FloatHistogram>,
    schema: i32,
) {
    let from = target.schema;
    let is_compensated = compensation.is_some();
    let lost = compensation.as_deref().map(|c| &c.positive_buckets[..]);
    let positive = coarser_rows(rows(target.positive(), lost), from, schema, is_compensated);
    let lost = compensation.as_deref().map(|c| &c.negative_buckets[..]);
    let negative = coarser_rows(rows(target.negative(), lost), from, schema, is_compensated);
    store_side(
        target,
        compensation.as_deref_mut(),
        SideName::Positive,
        positive,
    );
    store_side(target, compensation, SideName::Negative, negative);
    target.schema = schema;
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

/// Custom buckets with different bounds: both are mapped to the bounds in common.
fn merge_custom(
    target: &mut FloatHistogram,
    other: &FloatHistogram,
    compensation: Option<&mut FloatHistogram>,
    sign: f64,
) {
    let bounds = common_bounds(&target.custom_values, &other.custom_values);
    let mut sums = vec![(0.0f64, 0.0f64); bounds.len() + 1];
    let lost = compensation.as_deref().map(|c| &c.positive_buckets[..]);
    let mut map = |rows: Vec<Row>, own_bounds: &[f64], sign: f64| {
        for (index, count, lost) in rows {
            let own = usize::try_from(index)
                .ok()
                .and_then(|index| own_bounds.get(index));
            let at = own.map_or(bounds.len(), |bound| {
                bounds.partition_point(|common| common < bound)
            });
            if let Some((sum, c)) = sums.get_mut(at) {
                add_compensated(sign * count, sum, c);
                add_compensated(lost, sum, c);
            }
        }
    };
    map(rows(target.positive(), lost), &target.custom_values, 1.0);
    map(rows(other.positive(), None), &other.custom_values, sign);
    let rows: Vec<Row> = (0i32..)
        .zip(sums)
        .filter(|(_, (sum, c))| *sum != 0.0 || *c != 0.0)
        .map(|(index, (sum, c))| (index, sum, c))
        .collect();
    target.custom_values.clone_from(&bounds);
    match compensation {
        Some(compensation) => {
            compensation.custom_values = bounds;
            store_side(target, Some(compensation), SideName::Positive, rows);
        }
        None => store_side(target, None, SideName::Positive, rows),
    }
}

/// The bounds that both lists have; both are ascending.
fn common_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut common = Vec::with_capacity(a.len().min(b.len()));
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        if x == y {
            common.push(**x);
            a.next();
            b.next();
        } else if x < y {
            a.next();
        } else {
            b.next();
        }
    }
    common
}

/// Widens the zero bucket of `target` until both histograms can have the same threshold, and returns the
/// count that `other` has within it.
fn reconcile_zero_buckets(
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
