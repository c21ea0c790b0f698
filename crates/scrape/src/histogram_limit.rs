//! Native histograms made coarser, to stay within bucket limits.

use std::sync::Arc;

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use model::storage::HistogramSample;

const SCHEMA_MIN: i32 = -4;
const SCHEMA_MAX: i32 = 8;

/// The limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BucketLimits {
    /// 0: none.
    pub(crate) buckets: usize,
    pub(crate) schema_max: i32,
}

impl BucketLimits {
    /// `factor`: the smallest growth from bucket to bucket that is wanted; 0 or 1: no limit.
    pub(crate) fn new(buckets: usize, factor: f64) -> Self {
        let schema_max = if factor <= 1.0 {
            SCHEMA_MAX
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to -4..=8")]
            let schema = (-factor.log2().log2())
                .floor()
                .clamp(f64::from(SCHEMA_MIN), f64::from(SCHEMA_MAX))
                as i32;
            schema
        };
        Self {
            buckets,
            schema_max,
        }
    }

    /// Makes the histogram fit; `Err` if it cannot.
    pub(crate) fn apply(&self, sample: &mut HistogramSample) -> Result<(), ()> {
        loop {
            let (schema, buckets) = shape(sample);
            let is_exponential = schema != CUSTOM_BUCKETS_SCHEMA;
            let too_fine = is_exponential && schema > self.schema_max && schema <= SCHEMA_MAX;
            let too_many = self.buckets > 0 && buckets > self.buckets;
            if !too_fine && !too_many {
                return Ok(());
            }
            if !is_exponential || schema <= SCHEMA_MIN {
                return Err(());
            }
            halve_resolution(sample);
        }
    }
}

fn shape(sample: &HistogramSample) -> (i32, usize) {
    match sample {
        HistogramSample::Integer(h) => {
            (h.schema, h.positive_deltas.len() + h.negative_deltas.len())
        }
        HistogramSample::Float(h) => (
            h.schema,
            h.positive_buckets.len() + h.negative_buckets.len(),
        ),
    }
}

/// Joins pairs of neighbouring buckets.
fn halve_resolution(sample: &mut HistogramSample) {
    match sample {
        HistogramSample::Integer(h) => {
            let h = Arc::make_mut(h);
            h.schema -= 1;
            let positive = join(
                &h.positive_spans,
                &counts(&h.positive_deltas),
                i64::wrapping_add,
            );
            let negative = join(
                &h.negative_spans,
                &counts(&h.negative_deltas),
                i64::wrapping_add,
            );
            (h.positive_spans, h.positive_deltas) = (positive.0, deltas(&positive.1));
            (h.negative_spans, h.negative_deltas) = (negative.0, deltas(&negative.1));
        }
        HistogramSample::Float(h) => {
            let h = Arc::make_mut(h);
            h.schema -= 1;
            (h.positive_spans, h.positive_buckets) =
                join(&h.positive_spans, &h.positive_buckets, |a, b| a + b);
            (h.negative_spans, h.negative_buckets) =
                join(&h.negative_spans, &h.negative_buckets, |a, b| a + b);
        }
    }
}

fn counts(deltas: &[i64]) -> Vec<i64> {
    let mut count = 0i64;
    let add = |delta: &i64| {
        count = count.wrapping_add(*delta);
        count
    };
    deltas.iter().map(add).collect()
}

fn deltas(counts: &[i64]) -> Vec<i64> {
    let mut last = 0i64;
    let step = |count: &i64| {
        let delta = count.wrapping_sub(last);
        last = *count;
        delta
    };
    counts.iter().map(step).collect()
}

/// Bucket `i` of a schema lies in bucket `(i - 1 >> 1) + 1` of the next coarser one.
fn join<C: Copy>(
    spans: &[BucketSpan],
    counts: &[C],
    add: impl Fn(C, C) -> C,
) -> (Vec<BucketSpan>, Vec<C>) {
    let mut joined_spans: Vec<BucketSpan> = Vec::with_capacity(spans.len());
    let mut joined: Vec<C> = Vec::with_capacity(counts.len());
    let mut counts = counts.iter().copied();
    let mut index = 0i64;
    let mut last: Option<i64> = None;
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            let target = ((index - 1) >> 1) + 1;
            index += 1;
            match (last, joined.last_mut(), joined_spans.last_mut()) {
                (Some(at), Some(sum), _) if at == target => *sum = add(*sum, count),
                (Some(at), _, Some(span)) if at + 1 == target => {
                    span.length += 1;
                    joined.push(count);
                }
                _ => {
                    let offset = target - last.map_or(0, |at| at + 1);
                    joined_spans.push(BucketSpan {
                        offset: i32::try_from(offset).unwrap_or(i32::MAX),
                        length: 1,
                    });
                    joined.push(count);
                }
            }
            last = Some(target);
        }
    }
    (joined_spans, joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Histogram;

    fn sample(schema: i32) -> HistogramSample {
        HistogramSample::Integer(Arc::new(Histogram {
            schema,
            count: 10,
            positive_spans: vec![
                BucketSpan {
                    offset: 0,
                    length: 3,
                },
                BucketSpan {
                    offset: 2,
                    length: 1,
                },
            ],
            positive_deltas: vec![1, 1, 1, 1],
            ..Histogram::default()
        }))
    }

    #[test]
    fn pairs_of_buckets_are_joined() {
        let mut joined = sample(2);
        BucketLimits::new(3, 0.0).apply(&mut joined).unwrap();
        let HistogramSample::Integer(h) = &joined else {
            panic!()
        };
        // Indices 0, 1, 2, 5 with 1, 2, 3, 4 become 0, 1 (1 and 2), 3.
        assert_eq!(h.schema, 1);
        assert_eq!(
            h.positive_spans,
            [
                BucketSpan {
                    offset: 0,
                    length: 2
                },
                BucketSpan {
                    offset: 1,
                    length: 1
                }
            ]
        );
        assert_eq!(counts(&h.positive_deltas), [1, 5, 4]);
    }

    #[test]
    fn what_cannot_be_made_to_fit_is_refused() {
        assert!(
            BucketLimits::new(1, 0.0)
                .apply(&mut sample(CUSTOM_BUCKETS_SCHEMA))
                .is_err()
        );
        assert!(
            BucketLimits::new(4, 0.0)
                .apply(&mut sample(CUSTOM_BUCKETS_SCHEMA))
                .is_ok()
        );
        assert_eq!(BucketLimits::new(0, 1.1).schema_max, 2);
        assert_eq!(BucketLimits::new(0, 0.0).schema_max, 8);
    }
}
