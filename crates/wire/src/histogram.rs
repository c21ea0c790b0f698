//! The canonical form of native histograms: no empty buckets at the ends of spans.

use model::histogram::BucketSpan;
use model::{FloatHistogram, Histogram};

/// A side of a histogram: spans and absolute counts, one per bucket.
struct Side<C> {
    spans: Vec<BucketSpan>,
    counts: Vec<C>,
}

/// Drops empty buckets, but keeps (or fills in) runs of up to `empty_max` between populated ones, where
/// that is cheaper than another span. The spans must add up to the number of counts.
fn compact<C: Copy + PartialEq + Default>(
    spans: &[BucketSpan],
    counts: &[C],
    empty_max: i64,
) -> Side<C> {
    let mut side: Side<C> = Side {
        spans: Vec::with_capacity(spans.len()),
        counts: Vec::with_capacity(counts.len()),
    };
    let mut counts = counts.iter().copied();
    let mut index = 0i64;
    // Index after the last bucket that was kept.
    let mut end = 0i64;
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            if count != C::default() {
                push(&mut side, index - end, count, empty_max);
                end = index + 1;
            }
            index += 1;
        }
    }
    side
}

/// Adds a bucket `gap` buckets after the last one.
fn push<C: Copy + Default>(side: &mut Side<C>, gap: i64, count: C, empty_max: i64) {
    match side.spans.last_mut() {
        Some(last) if (0..=empty_max).contains(&gap) => {
            for _ in 0..gap {
                side.counts.push(C::default());
                last.length += 1;
            }
            last.length += 1;
        }
        // Offsets come from 32-bit ones; sums that leave their range are refused by storage.
        _ => side.spans.push(BucketSpan {
            offset: i32::try_from(gap).unwrap_or(i32::MAX),
            length: 1,
        }),
    }
    side.counts.push(count);
}

fn absolute(deltas: &[i64]) -> Vec<i64> {
    let mut count = 0i64;
    deltas
        .iter()
        .map(|delta| {
            count = count.wrapping_add(*delta);
            count
        })
        .collect()
}

fn deltas(counts: &[i64]) -> Vec<i64> {
    let mut last = 0i64;
    counts
        .iter()
        .map(|count| {
            let delta = count.wrapping_sub(last);
            last = *count;
            delta
        })
        .collect()
}

pub(crate) fn compact_integer(histogram: &mut Histogram, empty_max: i64) {
    let positive = compact(
        &histogram.positive_spans,
        &absolute(&histogram.positive_deltas),
        empty_max,
    );
    histogram.positive_spans = positive.spans;
    histogram.positive_deltas = deltas(&positive.counts);
    let negative = compact(
        &histogram.negative_spans,
        &absolute(&histogram.negative_deltas),
        empty_max,
    );
    histogram.negative_spans = negative.spans;
    histogram.negative_deltas = deltas(&negative.counts);
}

pub(crate) fn compact_float(histogram: &mut FloatHistogram, empty_max: i64) {
    let positive = compact(
        &histogram.positive_spans,
        &histogram.positive_buckets,
        empty_max,
    );
    histogram.positive_spans = positive.spans;
    histogram.positive_buckets = positive.counts;
    let negative = compact(
        &histogram.negative_spans,
        &histogram.negative_buckets,
        empty_max,
    );
    histogram.negative_spans = negative.spans;
    histogram.negative_buckets = negative.counts;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(pairs: &[(i32, u32)]) -> Vec<BucketSpan> {
        pairs
            .iter()
            .map(|(offset, length)| BucketSpan {
                offset: *offset,
                length: *length,
            })
            .collect()
    }

    #[test]
    fn cuts_ends_and_joins_neighbours() {
        let side = compact(
            &spans(&[(-2, 3), (0, 0), (1, 2), (5, 1)]),
            &[0, 7, 0, 0, 3, 0],
            0,
        );
        assert_eq!(side.spans, spans(&[(-1, 1), (3, 1)]));
        assert_eq!(side.counts, [7, 3]);
        let side = compact(&spans(&[(-2, 3), (1, 2)]), &[1, 0, 0, 0, 3], 3);
        assert_eq!(side.spans, spans(&[(-2, 1), (4, 1)]));
        let side = compact(&spans(&[(-2, 3), (0, 2)]), &[1, 0, 0, 2, 3], 2);
        assert_eq!(side.spans, spans(&[(-2, 5)]));
        assert_eq!(side.counts, [1, 0, 0, 2, 3]);
    }
}
