//! Custom buckets with different bounds.

use super::FloatHistogram;
use super::compensated::add_compensated;
use super::rows::{Row, SideName, rows, store_side};

/// Custom buckets with different bounds: both are mapped to the bounds in common.
pub(super) fn merge_custom(
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
