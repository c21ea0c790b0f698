//! Which buckets a span list names, and moving counts from one list to another.

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};

use super::HistogramPoint;
use super::count::Count;
use super::layout::Layout;

/// The most buckets of one sign in one histogram; far above any real one.
const BUCKETS_MAX: u64 = 1 << 20;

/// The bucket indices of the spans, ascending for well-formed spans.
pub(super) fn indices(spans: &[BucketSpan]) -> impl Iterator<Item = i64> + '_ {
    let mut next = 0i64;
    spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    })
}

/// The spans of ascending indices, neighbours joined.
pub(super) fn spans_of(indices: impl Iterator<Item = i64>) -> Vec<BucketSpan> {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next = 0i64;
    for index in indices {
        match spans.last_mut() {
            Some(last) if index == next => last.length += 1,
            // Indices come from spans, whose offsets are 32 bits wide; far ones saturate.
            _ => spans.push(BucketSpan {
                offset: i32::try_from(index - next).unwrap_or(i32::MAX),
                length: 1,
            }),
        }
        next = index + 1;
    }
    spans
}

/// Which buckets one list has and the other not, and both together.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) only_left: bool,
    pub(super) only_right: bool,
    pub(super) union: Vec<i64>,
    /// A bucket's count went down, or a bucket in use is gone.
    pub(super) has_reset: bool,
}

/// Compares the chunk's last counts with a new sample's, bucket by bucket.
pub(super) fn compare<C: Count>(left: Side<'_, C>, right: Side<'_, C>) -> Difference {
    let mut difference = Difference::default();
    let mut left = indices(left.spans).zip(left.counts).peekable();
    let mut right = indices(right.spans).zip(right.counts).peekable();
    loop {
        let index = match (left.peek(), right.peek()) {
            (None, None) => return difference,
            (Some((index, _)), None) | (None, Some((index, _))) => *index,
            (Some((a, _)), Some((b, _))) => *a.min(b),
        };
        difference.union.push(index);
        let before = left
            .next_if(|(at, _)| *at == index)
            .map(|(_, count)| *count);
        let after = right
            .next_if(|(at, _)| *at == index)
            .map(|(_, count)| *count);
        match (before, after) {
            (Some(before), Some(after)) => difference.has_reset |= before > after,
            (Some(before), None) => {
                difference.only_left = true;
                difference.has_reset |= before != C::default();
            }
            _ => difference.only_right = true,
        }
    }
}

/// Spans with the absolute counts of their buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a, C> {
    pub(super) spans: &'a [BucketSpan],
    pub(super) counts: &'a [C],
}

/// The counts for another list of spans; buckets that were not there get 0.
pub(super) fn spread<C: Count>(side: Side<'_, C>, spans: &[BucketSpan]) -> Vec<C> {
    let mut source = indices(side.spans).zip(side.counts).peekable();
    indices(spans)
        .map(|index| {
            while source.next_if(|(at, _)| *at < index).is_some() {}
            source
                .next_if(|(at, _)| *at == index)
                .map_or_else(C::default, |(_, count)| *count)
        })
        .collect()
}

pub(super) fn bucket_count(spans: &[BucketSpan]) -> u64 {
    spans.iter().map(|span| u64::from(span.length)).sum()
}

/// Whether spans and buckets agree, so that the histogram can be stored.
pub fn is_well_formed<C: Count>(histogram: &C::Histogram) -> bool {
    let layout = C::layout(histogram);
    let point = C::point(histogram);
    is_consistent(&layout, &point)
}

fn is_consistent<C: Count>(layout: &Layout, point: &HistogramPoint<C>) -> bool {
    let schema_known = (-4..=8).contains(&layout.schema) || layout.schema == CUSTOM_BUCKETS_SCHEMA;
    let side = |spans: &[BucketSpan], counts: &[C]| {
        let count = bucket_count(spans);
        count <= BUCKETS_MAX
            && count == counts.len() as u64
            && spans.iter().skip(1).all(|span| span.offset >= 0)
            && counts.iter().all(|count| *count >= C::default())
    };
    schema_known
        && side(&layout.positive_spans, &point.positive)
        && side(&layout.negative_spans, &point.negative)
}
