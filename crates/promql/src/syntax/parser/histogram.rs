//! Histograms in series descriptions: `{{schema:1 count:3 buckets:[1 2]}}`, and sequences of them.

use diag::Span;
use model::FloatHistogram;
use model::histogram::CounterResetHint;

use super::super::lexer::Kind;
use super::super::series::Dense;
use super::{Parsed, Parser, Unwind};

pub(super) struct DescribedHistogram {
    pub(super) histogram: FloatHistogram,
    pub(super) has_counter_reset_hint: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Increase,
    Decrease,
}

/// What was written; the keys are those of the notation.
#[derive(Default)]
struct Fields {
    seen: Vec<Kind>,
    histogram: FloatHistogram,
    offset: i32,
    negative_offset: i32,
}

impl Parser<'_> {
    /// `{{…}}`
    pub(super) fn described_histogram(&mut self) -> Parsed<DescribedHistogram> {
        self.expect(Kind::OpenHistogram)?;
        let mut fields = Fields::default();
        match self.peek() {
            Kind::Space => {
                self.bump();
                self.expect(Kind::CloseHistogram)?;
            }
            Kind::CloseHistogram => {
                self.bump();
            }
            _ => {
                self.histogram_field(&mut fields)?;
                self.histogram_fields(&mut fields)?;
            }
        }
        let has_counter_reset_hint = fields.seen.contains(&Kind::CounterResetHintDesc);
        let mut histogram = fields.histogram;
        for (offset, spans, buckets) in [
            (
                fields.offset,
                &mut histogram.positive_spans,
                &mut histogram.positive_buckets,
            ),
            (
                fields.negative_offset,
                &mut histogram.negative_spans,
                &mut histogram.negative_buckets,
            ),
        ] {
            let dense = Dense {
                offset,
                counts: std::mem::take(buckets),
            };
            (*spans, *buckets) = dense.into_spans();
        }
        Ok(DescribedHistogram {
            histogram,
            has_counter_reset_hint,
        })
    }

    /// After the first field, up to and including the closing braces.
    fn histogram_fields(&mut self, fields: &mut Fields) -> Parsed<()> {
        loop {
            let outcome = match self.peek() {
                Kind::Space => {
                    self.bump();
                    if self.peek() == Kind::CloseHistogram {
                        self.bump();
                        return Ok(());
                    }
                    self.histogram_field(fields)
                }
                Kind::CloseHistogram => {
                    self.bump();
                    return Ok(());
                }
                _ => self.drop_unfit(),
            };
            match outcome {
                Ok(()) => {}
                Err(Unwind::Syntax) => self.unexpected(
                    "histogram description",
                    "histogram description key, e.g. buckets:[5 10 7]",
                ),
                Err(Unwind::Abort) => return Err(Unwind::Abort),
            }
        }
    }

    /// `key:value`
    fn histogram_field(&mut self, fields: &mut Fields) -> Parsed<()> {
        let Some(name) = field_name(self.peek()) else {
            self.drop_unfit()?;
            return self.histogram_field(fields);
        };
        let key = self.bump().kind;
        self.expect(Kind::Colon)?;
        let mut given = Fields::default();
        self.histogram_value(key, &mut given)?;
        if fields.seen.contains(&key) {
            let message = format!("duplicate key \"{name}\" in histogram");
            self.syntax_error(Span::default(), message);
            return Ok(());
        }
        fields.seen.push(key);
        fields.take(key, given);
        Ok(())
    }

    fn histogram_value(&mut self, key: Kind, given: &mut Fields) -> Parsed<()> {
        let histogram = &mut given.histogram;
        match key {
            Kind::SchemaDesc => histogram.schema = self.int()?,
            Kind::OffsetDesc => given.offset = self.int()?,
            Kind::NegativeOffsetDesc => given.negative_offset = self.int()?,
            Kind::SumDesc => histogram.sum = self.signed_number()?,
            Kind::CountDesc => histogram.count = self.signed_number()?,
            Kind::ZeroBucketDesc => histogram.zero_count = self.signed_number()?,
            Kind::ZeroBucketWidthDesc => histogram.zero_threshold = self.unsigned_number()?,
            Kind::CustomValuesDesc => histogram.custom_values = self.bucket_set()?,
            Kind::BucketsDesc => histogram.positive_buckets = self.bucket_set()?,
            Kind::NegativeBucketsDesc => histogram.negative_buckets = self.bucket_set()?,
            _ => histogram.counter_reset_hint = self.hint()?,
        }
        Ok(())
    }

    fn hint(&mut self) -> Parsed<CounterResetHint> {
        loop {
            let hint = match self.peek() {
                Kind::HintUnknown => CounterResetHint::Unknown,
                Kind::HintReset => CounterResetHint::Reset,
                Kind::HintNotReset => CounterResetHint::NotReset,
                Kind::HintGauge => CounterResetHint::Gauge,
                _ => {
                    self.drop_unfit()?;
                    continue;
                }
            };
            self.bump();
            return Ok(hint);
        }
    }

    fn int(&mut self) -> Parsed<i32> {
        let is_negative = self.peek() == Kind::Sub;
        if is_negative {
            self.bump();
        }
        let value = i64::try_from(self.uint()?).unwrap_or(i64::MAX);
        let value = if is_negative { -value } else { value };
        Ok(i32::try_from(value).unwrap_or(if is_negative { i32::MIN } else { i32::MAX }))
    }

    /// `[1 2 3]`
    fn bucket_set(&mut self) -> Parsed<Vec<f64>> {
        self.expect(Kind::LeftBracket)?;
        let mut values = vec![self.signed_number()?];
        loop {
            let outcome = match self.peek() {
                Kind::RightBracket => {
                    self.bump();
                    return Ok(values);
                }
                Kind::Space => {
                    self.bump();
                    if self.peek() == Kind::RightBracket {
                        continue;
                    }
                    self.signed_number().map(|value| values.push(value))
                }
                _ => self.drop_unfit(),
            };
            match outcome {
                Ok(()) => {}
                // The peers recover here without a word, so a message is ours to give.
                Err(Unwind::Syntax) => self.unexpected("buckets description", "number or \"]\""),
                Err(Unwind::Abort) => return Err(Unwind::Abort),
            }
        }
    }
}

impl Fields {
    fn take(&mut self, key: Kind, given: Self) {
        let (to, from) = (&mut self.histogram, given.histogram);
        match key {
            Kind::SchemaDesc => to.schema = from.schema,
            Kind::OffsetDesc => self.offset = given.offset,
            Kind::NegativeOffsetDesc => self.negative_offset = given.negative_offset,
            Kind::SumDesc => to.sum = from.sum,
            Kind::CountDesc => to.count = from.count,
            Kind::ZeroBucketDesc => to.zero_count = from.zero_count,
            Kind::ZeroBucketWidthDesc => to.zero_threshold = from.zero_threshold,
            Kind::CustomValuesDesc => to.custom_values = from.custom_values,
            Kind::BucketsDesc => to.positive_buckets = from.positive_buckets,
            Kind::NegativeBucketsDesc => to.negative_buckets = from.negative_buckets,
            _ => to.counter_reset_hint = from.counter_reset_hint,
        }
    }
}

fn field_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::SchemaDesc => "schema",
        Kind::OffsetDesc => "offset",
        Kind::NegativeOffsetDesc => "n_offset",
        Kind::SumDesc => "sum",
        Kind::CountDesc => "count",
        Kind::ZeroBucketDesc => "z_bucket",
        Kind::ZeroBucketWidthDesc => "z_bucket_w",
        Kind::CustomValuesDesc => "custom_values",
        Kind::BucketsDesc => "buckets",
        Kind::NegativeBucketsDesc => "n_buckets",
        Kind::CounterResetHintDesc => "counter_reset_hint",
        _ => return None,
    })
}

/// The next histogram of a sequence.
pub(super) fn combine(
    current: &FloatHistogram,
    step: &FloatHistogram,
    direction: Direction,
) -> Result<FloatHistogram, String> {
    if current.schema > step.schema {
        return Err(format!(
            "error combining histograms: cannot merge from schema {} to {}",
            step.schema, current.schema
        ));
    }
    let mut next = current.clone();
    let outcome = match direction {
        Direction::Increase => next.add(step),
        Direction::Decrease => next.subtract(step),
    };
    outcome.map_err(|error| error.to_string())?;
    Ok(next)
}
