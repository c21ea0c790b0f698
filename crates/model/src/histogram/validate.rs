//! Whether a histogram is well formed, with the peers' wording of what is wrong.

use super::{
    BucketSpan, CUSTOM_BUCKETS_SCHEMA, EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN,
    FloatHistogram,
};

/// Why a histogram is refused. `Display` is Prometheus' wording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistogramError {
    #[error("histogram's observation count is negative: observation count is  {0}")]
    NegativeCount(f64),
    #[error(
        "{side}: bucket number {number} has observation count of {count}: histogram has a bucket whose observation count is negative"
    )]
    NegativeBucketCount {
        side: &'static str,
        number: usize,
        count: f64,
    },
    #[error(
        "{side}: span number {number} with offset {offset}: histogram has a span whose offset is negative"
    )]
    NegativeSpanOffset {
        side: &'static str,
        number: usize,
        offset: i32,
    },
    #[error(
        "{side}: spans need {needed} buckets, have {present} buckets: histogram spans specify different number of buckets than provided"
    )]
    SpansMismatch {
        side: &'static str,
        needed: u64,
        present: usize,
    },
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total span length of {spans}: histogram custom bounds are too few"
    )]
    TooFewBounds { bounds: usize, spans: i64 },
    #[error(
        "custom buckets: previous bound is {previous:.6} and current is {current:.6}: histogram custom bounds must be in strictly increasing order"
    )]
    BoundsOrder { previous: f64, current: f64 },
    #[error(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
    )]
    InfiniteBound,
    #[error("custom buckets: histogram custom bounds must not be NaN")]
    NanBound,
    #[error("custom buckets: must have zero count of 0")]
    CustomZeroCount,
    #[error("custom buckets: must have zero threshold of 0")]
    CustomZeroThreshold,
    #[error("custom buckets: must not have negative spans")]
    CustomNegativeSpans,
    #[error("custom buckets: must not have negative buckets")]
    CustomNegativeBuckets,
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialWithBounds,
    #[error(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema {0}"
    )]
    InvalidSchema(i32),
}

impl FloatHistogram {
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), HistogramError> {
        match self.schema {
            CUSTOM_BUCKETS_SCHEMA => {
                self.check_custom()?;
            }
            EXPONENTIAL_SCHEMA_MIN..=EXPONENTIAL_SCHEMA_MAX => {
                check_spans(
                    "positive side",
                    &self.positive_spans,
                    &self.positive_buckets,
                )?;
                check_spans(
                    "negative side",
                    &self.negative_spans,
                    &self.negative_buckets,
                )?;
                check_counts("negative side", &self.negative_buckets)?;
                if self.zero_count < 0.0 {
                    return Err(HistogramError::NegativeBucketCount {
                        side: "zero bucket",
                        number: 1,
                        count: self.zero_count,
                    });
                }
                if !self.custom_values.is_empty() {
                    return Err(HistogramError::ExponentialWithBounds);
                }
            }
            schema => return Err(HistogramError::InvalidSchema(schema)),
        }
        if self.count < 0.0 {
            return Err(HistogramError::NegativeCount(self.count));
        }
        check_counts("positive side", &self.positive_buckets)
    }

    fn check_custom(&self) -> Result<(), HistogramError> {
        if self.custom_values.iter().any(|bound| bound.is_nan()) {
            return Err(HistogramError::NanBound);
        }
        for pair in self.custom_values.windows(2) {
            if let [previous, current] = *pair
                && current <= previous
            {
                return Err(HistogramError::BoundsOrder { previous, current });
            }
        }
        if self.custom_values.last() == Some(&f64::INFINITY) {
            return Err(HistogramError::InfiniteBound);
        }
        if let Some(span) = self.positive_spans.first()
            && span.offset < 0
        {
            return Err(HistogramError::NegativeSpanOffset {
                side: "custom buckets",
                number: 1,
                offset: span.offset,
            });
        }
        check_spans(
            "custom buckets",
            &self.positive_spans,
            &self.positive_buckets,
        )?;
        let reach: i64 = self
            .positive_spans
            .iter()
            .map(|span| i64::from(span.offset) + i64::from(span.length))
            .sum();
        if reach > i64::try_from(self.custom_values.len() + 1).unwrap_or(i64::MAX) {
            return Err(HistogramError::TooFewBounds {
                bounds: self.custom_values.len(),
                spans: reach,
            });
        }
        if self.zero_count != 0.0 {
            return Err(HistogramError::CustomZeroCount);
        }
        if self.zero_threshold != 0.0 {
            return Err(HistogramError::CustomZeroThreshold);
        }
        if !self.negative_spans.is_empty() {
            return Err(HistogramError::CustomNegativeSpans);
        }
        if !self.negative_buckets.is_empty() {
            return Err(HistogramError::CustomNegativeBuckets);
        }
        Ok(())
    }
}

fn check_spans(
    side: &'static str,
    spans: &[BucketSpan],
    counts: &[f64],
) -> Result<(), HistogramError> {
    if let Some((at, span)) = spans
        .iter()
        .enumerate()
        .skip(1)
        .find(|(_, span)| span.offset < 0)
    {
        return Err(HistogramError::NegativeSpanOffset {
            side,
            number: at + 1,
            offset: span.offset,
        });
    }
    let needed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if u64::try_from(counts.len()) != Ok(needed) {
        return Err(HistogramError::SpansMismatch {
            side,
            needed,
            present: counts.len(),
        });
    }
    Ok(())
}

fn check_counts(side: &'static str, counts: &[f64]) -> Result<(), HistogramError> {
    match counts.iter().position(|count| *count < 0.0) {
        Some(at) => Err(HistogramError::NegativeBucketCount {
            side,
            number: at + 1,
            count: counts[at],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_wrong() {
        assert_eq!(FloatHistogram::default().validate(), Ok(()));
        let bad = FloatHistogram {
            positive_buckets: vec![1.0],
            ..FloatHistogram::default()
        };
        assert!(
            bad.validate()
                .unwrap_err()
                .to_string()
                .contains("spans need 0 buckets")
        );
        let bad = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            custom_values: vec![2.0, 1.0],
            ..FloatHistogram::default()
        };
        assert!(matches!(
            bad.validate(),
            Err(HistogramError::BoundsOrder { .. })
        ));
    }
}
