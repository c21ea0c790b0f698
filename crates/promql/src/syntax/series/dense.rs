//! Buckets without gaps: the form in which the notation writes them and in which adding is simple.

use model::histogram::BucketSpan;

/// The counts of consecutive buckets from index `offset` on.
///
/// Descriptions are short, so gaps cost nothing; the evaluator's arithmetic works on spans instead.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::syntax) struct Dense {
    pub(in crate::syntax) offset: i32,
    pub(in crate::syntax) counts: Vec<f64>,
}

/// Gaps beyond this are cut off instead of filled: no description needs them.
const BUCKETS_MAX: usize = 1 << 16;

impl Dense {
    pub(in crate::syntax) fn new(spans: &[BucketSpan], buckets: &[f64]) -> Self {
        let mut dense = Self {
            offset: spans.first().map_or(0, |span| span.offset),
            counts: Vec::with_capacity(buckets.len()),
        };
        let mut rest = buckets.iter();
        for (index, span) in spans.iter().enumerate() {
            if index > 0 {
                let gap = usize::try_from(span.offset).unwrap_or(0);
                let len = dense.counts.len().saturating_add(gap).min(BUCKETS_MAX);
                dense.counts.resize(len, 0.0);
            }
            let length = usize::try_from(span.length).unwrap_or(usize::MAX);
            dense.counts.extend(rest.by_ref().take(length));
        }
        dense
    }

    /// Without zero buckets at the ends.
    pub(in crate::syntax) fn trimmed(mut self) -> Self {
        let end = self
            .counts
            .iter()
            .rposition(|count| *count != 0.0)
            .map_or(0, |last| last + 1);
        self.counts.truncate(end);
        let start = self
            .counts
            .iter()
            .position(|count| *count != 0.0)
            .unwrap_or(0);
        self.counts.drain(..start);
        self.offset = self
            .offset
            .saturating_add(i32::try_from(start).unwrap_or(i32::MAX));
        self
    }

    /// One span, or none if there are no buckets.
    pub(in crate::syntax) fn into_spans(self) -> (Vec<BucketSpan>, Vec<f64>) {
        if self.counts.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let span = BucketSpan {
            offset: self.offset,
            length: u32::try_from(self.counts.len()).unwrap_or(u32::MAX),
        };
        (vec![span], self.counts)
    }

    /// Merges buckets down by `2^shift`: index `i` covers what `2i-1` and `2i` did, one schema lower.
    pub(in crate::syntax) fn reduced(&self, shift: u32) -> Self {
        let target = |index: i64| ((index - 1) >> shift.min(62)) + 1;
        let first = target(i64::from(self.offset));
        let mut counts = Vec::new();
        for (index, count) in (i64::from(self.offset)..).zip(&self.counts) {
            let at = usize::try_from(target(index) - first).unwrap_or(0);
            if at >= counts.len() {
                counts.resize(at + 1, 0.0);
            }
            counts[at] += count;
        }
        Self {
            offset: i32::try_from(first).unwrap_or(self.offset),
            counts,
        }
    }

    /// Adds `factor` times the other's counts.
    pub(in crate::syntax) fn plus(&self, other: &Self, factor: f64) -> Self {
        if other.counts.is_empty() {
            return self.clone();
        }
        if self.counts.is_empty() {
            let counts = other.counts.iter().map(|count| count * factor).collect();
            return Self {
                offset: other.offset,
                counts,
            };
        }
        let end = |dense: &Self| {
            i64::from(dense.offset) + i64::try_from(dense.counts.len()).unwrap_or(i64::MAX >> 1)
        };
        let offset = self.offset.min(other.offset);
        let len = end(self).max(end(other)) - i64::from(offset);
        let len = usize::try_from(len).unwrap_or(0).min(BUCKETS_MAX);
        let mut counts = vec![0.0; len];
        for (dense, factor) in [(self, 1.0), (other, factor)] {
            let first = usize::try_from(i64::from(dense.offset) - i64::from(offset)).unwrap_or(len);
            let targets = counts.iter_mut().skip(first);
            for (target, count) in targets.zip(&dense.counts) {
                *target += factor * count;
            }
        }
        Self { offset, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_adds_and_trims() {
        let fine = Dense {
            offset: 0,
            counts: vec![1.0, 2.0],
        };
        let coarse = fine.reduced(1);
        assert_eq!(
            (coarse.offset, coarse.counts.as_slice()),
            (0, &[1.0, 2.0][..])
        );
        let sum = coarse.plus(
            &Dense {
                offset: 2,
                counts: vec![5.0, 0.0],
            },
            -1.0,
        );
        assert_eq!(sum.counts, [1.0, 2.0, -5.0, 0.0]);
        assert_eq!(sum.trimmed().counts, [1.0, 2.0, -5.0]);
    }
}
