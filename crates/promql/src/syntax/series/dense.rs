//! Buckets without gaps: the form in which the notation writes them.

use model::histogram::BucketSpan;

/// The counts of consecutive buckets from index `offset` on.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_gaps_and_trims_ends() {
        let span = |offset, length| BucketSpan { offset, length };
        let dense = Dense::new(&[span(-2, 2), span(2, 1)], &[0.0, 1.0, 5.0]);
        assert_eq!(dense.counts, [0.0, 1.0, 0.0, 0.0, 5.0]);
        let trimmed = dense.trimmed();
        assert_eq!((trimmed.offset, trimmed.counts.len()), (-1, 4));
        assert_eq!(trimmed.into_spans().0, [span(-1, 4)]);
    }
}
