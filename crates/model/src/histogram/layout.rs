//! Spans and bucket counts: walking them by index, rebuilding them, compaction, coarser resolution.

use super::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, FloatHistogram};

/// The populated buckets as `(index, count)`, by index. Counts that the spans do not cover, and spans
/// without counts, are left out.
pub(super) fn indexed<'a>(
    spans: &'a [BucketSpan],
    counts: &'a [f64],
) -> impl Iterator<Item = (i32, f64)> + Clone + 'a {
    let mut next = 0i32;
    let indices = spans.iter().flat_map(move |span| {
        let first = next.wrapping_add(span.offset);
        next = first.wrapping_add_unsigned(span.length);
        (0..span.length).map(move |step| first.wrapping_add_unsigned(step))
    });
    indices.zip(counts.iter().copied())
}

/// Spans for ascending indices.
pub(super) fn spans_of(indices: impl Iterator<Item = i32>) -> Vec<BucketSpan> {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next = 0i32;
    for index in indices {
        let gap = index.wrapping_sub(next);
        match spans.last_mut() {
            Some(span) if gap == 0 => span.length += 1,
            _ => spans.push(BucketSpan {
                offset: gap,
                length: 1,
            }),
        }
        next = index.wrapping_add(1);
    }
    spans
}

/// Whether two span lists describe the same buckets; empty spans do not count.
pub(super) fn same_spans(a: &[BucketSpan], b: &[BucketSpan]) -> bool {
    fn normal(spans: &[BucketSpan]) -> Vec<BucketSpan> {
        let mut merged: Vec<BucketSpan> = Vec::with_capacity(spans.len());
        let mut carried = 0i32;
        for span in spans {
            let offset = span.offset.wrapping_add(carried);
            if span.length == 0 {
                carried = offset;
                continue;
            }
            carried = 0;
            match merged.last_mut() {
                Some(last) if offset == 0 => last.length = last.length.saturating_add(span.length),
                _ => merged.push(BucketSpan {
                    offset,
                    length: span.length,
                }),
            }
        }
        merged
    }
    a == b || normal(a) == normal(b)
}

/// The index in a coarser schema of the bucket that holds bucket `index` of `from`.
pub(super) fn coarser_index(index: i32, from: i32, to: i32) -> i32 {
    let shift = u32::try_from(from.saturating_sub(to)).unwrap_or(0).min(31);
    (index.wrapping_sub(1) >> shift).wrapping_add(1)
}

/// One side of a histogram.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) spans: &'a [BucketSpan],
    pub(super) counts: &'a [f64],
}

impl FloatHistogram {
    pub(super) fn positive(&self) -> Side<'_> {
        Side {
            spans: &self.positive_spans,
            counts: &self.positive_buckets,
        }
    }

    pub(super) fn negative(&self) -> Side<'_> {
        Side {
            spans: &self.negative_spans,
            counts: &self.negative_buckets,
        }
    }

    /// Removes empty buckets and joins the spans that touch.
    pub fn compact(&mut self) {
        compact_side(&mut self.positive_spans, &mut self.positive_buckets);
        compact_side(&mut self.negative_spans, &mut self.negative_buckets);
    }

    /// Joins buckets down to `schema`; nothing happens if that is not coarser, or with custom buckets.
    pub fn reduce_resolution(&mut self, schema: i32) {
        if self.uses_custom_buckets() || schema == CUSTOM_BUCKETS_SCHEMA || schema >= self.schema {
            return;
        }
        (self.positive_spans, self.positive_buckets) =
            coarser_side(self.positive(), self.schema, schema);
        (self.negative_spans, self.negative_buckets) =
            coarser_side(self.negative(), self.schema, schema);
        self.schema = schema;
    }
}

pub(super) fn coarser_side(side: Side<'_>, from: i32, to: i32) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut merged: Vec<(i32, f64)> = Vec::with_capacity(side.counts.len());
    for (index, count) in indexed(side.spans, side.counts) {
        let index = coarser_index(index, from, to);
        match merged.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => merged.push((index, count)),
        }
    }
    let spans = spans_of(merged.iter().map(|(index, _)| *index));
    (spans, merged.into_iter().map(|(_, count)| count).collect())
}

fn compact_side(spans: &mut Vec<BucketSpan>, counts: &mut Vec<f64>) {
    let is_compact = counts.iter().all(|count| *count != 0.0)
        && spans.iter().skip(1).all(|span| span.offset != 0)
        && spans.iter().all(|span| span.length != 0);
    if is_compact {
        return;
    }
    let kept: Vec<(i32, f64)> = indexed(spans, counts)
        .filter(|(_, count)| *count != 0.0)
        .collect();
    *spans = spans_of(kept.iter().map(|(index, _)| *index));
    counts.clear();
    counts.extend(kept.into_iter().map(|(_, count)| count));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compaction_drops_empty_buckets_and_joins_spans() {
        let mut histogram = FloatHistogram {
            positive_spans: vec![
                BucketSpan {
                    offset: -2,
                    length: 3,
                },
                BucketSpan {
                    offset: 0,
                    length: 2,
                },
                BucketSpan {
                    offset: 4,
                    length: 1,
                },
            ],
            positive_buckets: vec![0.0, 1.0, 2.0, 3.0, 0.0, 5.0],
            ..FloatHistogram::default()
        };
        histogram.compact();
        assert_eq!(
            histogram.positive_spans,
            [
                BucketSpan {
                    offset: -1,
                    length: 3
                },
                BucketSpan {
                    offset: 5,
                    length: 1
                }
            ]
        );
        assert_eq!(histogram.positive_buckets, [1.0, 2.0, 3.0, 5.0]);
    }

    #[test]
    fn coarser_buckets_hold_the_sums() {
        let mut histogram = FloatHistogram {
            schema: 1,
            positive_spans: vec![BucketSpan {
                offset: -1,
                length: 4,
            }],
            positive_buckets: vec![1.0, 2.0, 3.0, 4.0],
            ..FloatHistogram::default()
        };
        histogram.reduce_resolution(0);
        assert_eq!(histogram.positive_buckets, [3.0, 7.0]);
        assert_eq!(
            histogram.positive_spans,
            [BucketSpan {
                offset: 0,
                length: 2
            }]
        );
    }
}
