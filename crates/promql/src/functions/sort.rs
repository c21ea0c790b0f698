//! The order of instant vectors.

use std::cmp::Ordering;

use super::natural;
use crate::eval::column::Series;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// By the value at the only step; histograms are left out and NaN comes last either way.
pub(crate) fn sort_by_value(mut series: Vec<Series>, direction: Direction) -> Vec<Series> {
    series.retain(|series| series.column.float(0).is_some());
    series.sort_by(|a, b| {
        let (a, b) = (
            a.column.float(0).unwrap_or(f64::NAN),
            b.column.float(0).unwrap_or(f64::NAN),
        );
        match (a.is_nan(), b.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                match direction {
                    Direction::Ascending => order,
                    Direction::Descending => order.reverse(),
                }
            }
        }
    });
    series
}

/// By the given labels in natural order, then by all labels.
pub(crate) fn sort_by_label(series: &mut [Series], names: &[&str], direction: Direction) {
    series.sort_by(|a, b| {
        let mut order = Ordering::Equal;
        for name in names {
            order = natural::compare(a.labels.value(name), b.labels.value(name));
            if order != Ordering::Equal {
                break;
            }
        }
        let order = order.then_with(|| a.labels.cmp(&b.labels));
        match direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    });
}
