//! One side of a histogram as rows `(index, count, rounding error)`, which is what sums work on.

use super::FloatHistogram;
use super::compensated::add_compensated;
use super::layout::{Side, coarser_index, indexed, spans_of};

#[derive(Clone, Copy)]
pub(super) enum SideName {
    Positive,
    Negative,
}

/// `(index, count, compensation)` per bucket.
pub(super) type Row = (i32, f64, f64);

pub(super) fn rows(side: Side<'_>, compensation: Option<&[f64]>) -> Vec<Row> {
    let lost = |at: usize| compensation.map_or(0.0, |c| c.get(at).copied().unwrap_or(0.0));
    indexed(side.spans, side.counts)
        .enumerate()
        .map(|(at, (index, count))| (index, count, lost(at)))
        .collect()
}

/// Joins the rows that fall into one bucket of the coarser schema.
pub(super) fn coarser_rows(rows: Vec<Row>, from: i32, to: i32, is_compensated: bool) -> Vec<Row> {
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

pub(super) fn store_side(
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

pub(super) fn coarsen_with_compensation(
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
