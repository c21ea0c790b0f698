//! Classic histograms turned into native ones with custom buckets ("NHCB").
//!
//! [`ClassicHistogram`] collects buckets, count and sum; [`NhcbScan`] does that with the series of a text
//! page, where they come one by one, and puts the result before the first entry that does not belong to
//! the histogram.

use std::cmp::Ordering;
use std::sync::Arc;

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use model::labels::{BUCKET, METRIC_NAME};
use model::storage::HistogramSample;
use model::{Exemplar, FloatHistogram, Histogram, Labels, MetricType, Timestamp};

use crate::error::{LabelsError, ParseError};
use crate::exposition::{Entry, HistogramEntry, Options, Step};
use crate::float::parse_float;
use crate::histogram::{compact_float, compact_integer};
use crate::text::TextScan;

/// Why a classic histogram makes no native one.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("bucket count must be non-negative: le={bound}, count={count}")]
    NegativeBucketCount { bound: f64, count: f64 },
    #[error("bucket boundary must not be NaN")]
    NanBound,
    #[error("count must be non-negative: count={0}")]
    NegativeCount(f64),
    #[error("count is not cumulative: {after} < {before}")]
    NotCumulative { before: f64, after: f64 },
    #[error("count mismatch: count={count} != le={bound} count={last}")]
    Mismatch { count: f64, bound: f64, last: f64 },
}

/// The parts of one classic histogram.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassicHistogram {
    /// Upper bound and cumulative count.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    error: Option<ConvertError>,
}

impl ClassicHistogram {
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        self.count = None;
        self.sum = 0.0;
        self.error = None;
    }

    fn fail(&mut self, error: ConvertError) {
        self.error.get_or_insert(error);
    }

    /// Buckets may come in any order; the first of two with one bound counts.
    pub(crate) fn set_bucket(&mut self, bound: f64, count: f64) {
        if bound.is_nan() {
            return self.fail(ConvertError::NanBound);
        }
        if count < 0.0 {
            return self.fail(ConvertError::NegativeBucketCount { bound, count });
        }
        self.buckets.push((bound, count));
    }

    /// Sorts the buckets, once and stably, because a page can have very many in any order.
    fn sort_buckets(&mut self) -> Result<(), ConvertError> {
        self.buckets
            .sort_by(|(left, _), (right, _)| left.partial_cmp(right).unwrap_or(Ordering::Equal));
        self.buckets.dedup_by(|later, first| later.0 == first.0);
        let falling = self.buckets.windows(2).find_map(|pair| match pair {
            [(_, before), (_, after)] if after < before => Some((*before, *after)),
            _ => None,
        });
        match falling {
            Some((before, after)) => Err(ConvertError::NotCumulative { before, after }),
            None => Ok(()),
        }
    }

    pub(crate) fn set_count(&mut self, count: f64) {
        if count < 0.0 {
            return self.fail(ConvertError::NegativeCount(count));
        }
        self.count = Some(count);
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// The native histogram; with integer counts if all counts are whole numbers.
    pub(crate) fn convert(&mut self) -> Result<HistogramSample, ConvertError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.sort_buckets()?;
        let highest = self.buckets.last().map(|(_, count)| *count);
        let count = self.count.or(highest).unwrap_or(0.0);
        if self
            .buckets
            .last()
            .is_none_or(|(bound, _)| *bound != f64::INFINITY)
        {
            self.buckets.push((f64::INFINITY, count));
        }
        if let Some((bound, last)) = self.buckets.last().copied()
            && last != count
        {
            return Err(ConvertError::Mismatch { count, bound, last });
        }
        let whole: Option<Vec<i64>> = self
            .buckets
            .iter()
            .map(|(_, count)| whole_number(*count))
            .collect();
        let spans = vec![BucketSpan {
            offset: 0,
            length: u32::try_from(self.buckets.len()).unwrap_or(u32::MAX),
        }];
        let bounds = self.buckets.iter().map(|(bound, _)| *bound);
        let custom_values = bounds.filter(|bound| *bound != f64::INFINITY).collect();
        match whole.zip(whole_number(count)) {
            Some((cumulative, count)) => {
                let mut histogram = Histogram {
                    schema: CUSTOM_BUCKETS_SCHEMA,
                    count: count.unsigned_abs(),
                    sum: self.sum,
                    positive_spans: spans,
                    positive_deltas: deltas(&cumulative),
                    custom_values,
                    ..Histogram::default()
                };
                compact_integer(&mut histogram, 2);
                Ok(HistogramSample::Integer(Arc::new(histogram)))
            }
            None => {
                let mut previous = 0.0;
                let counts = self.buckets.iter().map(|(_, count)| {
                    let own = count - previous;
                    previous = *count;
                    own
                });
                let mut histogram = FloatHistogram {
                    schema: CUSTOM_BUCKETS_SCHEMA,
                    count,
                    sum: self.sum,
                    positive_spans: spans,
                    positive_buckets: counts.collect(),
                    custom_values,
                    ..FloatHistogram::default()
                };
                compact_float(&mut histogram, 0);
                Ok(HistogramSample::Float(Arc::new(histogram)))
            }
        }
    }
}

fn whole_number(count: f64) -> Option<i64> {
    // Up to 2^63, so that the conversion is exact.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and in range"
    )]
    (count.fract() == 0.0 && count.abs() < 9.223_372_036_854_775e18).then_some(count as i64)
}

/// Differences of differences: from cumulative counts to deltas of bucket counts.
fn deltas(cumulative: &[i64]) -> Vec<i64> {
    let (mut previous_count, mut previous_own) = (0i64, 0i64);
    cumulative
        .iter()
        .map(|count| {
            let own = count - previous_count;
            let delta = own - previous_own;
            (previous_count, previous_own) = (*count, own);
            delta
        })
        .collect()
}

/// A part of a classic histogram by its suffix.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Bucket(f64),
    Sum,
    Count,
}

/// What is collected of the current histogram.
#[derive(Debug)]
struct Collected {
    /// Base name, labels without the bound.
    labels: Labels,
    time: Option<Timestamp>,
    start_time: Option<Timestamp>,
    exemplars: Vec<Exemplar>,
}

#[derive(Debug)]
struct Converted {
    raw: Vec<u8>,
    histogram: HistogramSample,
    parts: Collected,
}

/// What comes after the converted histogram.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Nothing,
    /// The inner cursor stands on an entry that was not given yet.
    Inner(Step),
}

/// A text page with its classic histograms converted.
#[derive(Debug)]
pub(crate) struct NhcbScan<'a> {
    inner: TextScan<'a>,
    keep_classic: bool,
    wants_start_times: bool,
    /// Name of the last `TYPE` line.
    family: String,
    histogram: ClassicHistogram,
    collecting: Option<Collected>,
    /// The current entry, if it is a converted histogram.
    converted: Option<Converted>,
    pending: Pending,
}

impl<'a> NhcbScan<'a> {
    pub(crate) fn new(inner: TextScan<'a>, options: &Options) -> Self {
        Self {
            inner,
            keep_classic: options.keep_classic,
            wants_start_times: options.skip_created_series,
            family: String::new(),
            histogram: ClassicHistogram::default(),
            collecting: None,
            converted: None,
            pending: Pending::Nothing,
        }
    }

    pub(crate) fn advance(&mut self) -> Result<Step, ParseError> {
        self.converted = None;
        loop {
            let step = match std::mem::replace(&mut self.pending, Pending::Nothing) {
                Pending::Inner(step) => step,
                Pending::Nothing => {
                    let step = self.inner.advance(None)?;
                    if !self.continues(step) && self.emit() {
                        self.pending = Pending::Inner(step);
                        return Ok(Step::Entry);
                    }
                    step
                }
            };
            if step == Step::End || !self.collect() || self.keep_classic {
                return Ok(step);
            }
        }
    }

    /// Whether the inner entry belongs to the histogram that is being collected.
    fn continues(&mut self, step: Step) -> bool {
        let entry = self.inner.entry();
        match entry {
            Entry::Series(_) if step != Step::End => {}
            Entry::Type { name, .. } if step != Step::End => {
                self.family = name.into_owned();
                return false;
            }
            _ => return false,
        }
        let Some(collected) = &self.collecting else {
            return false;
        };
        self.part()
            .is_some_and(|(_, labels)| labels == collected.labels)
    }

    /// What part of a histogram of the current family the inner series is, with its base labels.
    fn part(&self) -> Option<(Part, Labels)> {
        if self.inner.metric_type() != MetricType::Histogram {
            return None;
        }
        let labels = self.inner.labels().ok()?;
        let suffix = labels.metric_name().strip_prefix(self.family.as_str())?;
        let part = match suffix {
            "_bucket" => {
                let bound = parse_float(labels.get(BUCKET)?.as_bytes()).ok()?;
                if bound.is_nan() {
                    return None;
                }
                Part::Bucket(bound)
            }
            "_sum" => Part::Sum,
            "_count" => Part::Count,
            _ => return None,
        };
        let mut base = labels.to_builder();
        base.set(METRIC_NAME, self.family.as_str());
        base.remove(BUCKET);
        Some((part, base.build()))
    }

    /// Adds the inner entry to the histogram, if it is a part of one.
    fn collect(&mut self) -> bool {
        let Entry::Series(series) = self.inner.entry() else {
            return false;
        };
        let (value, time) = (series.value, series.time);
        let Some((part, labels)) = self.part() else {
            return false;
        };
        if self.collecting.is_none() {
            let start_time = if self.wants_start_times {
                self.inner.start_time()
            } else {
                None
            };
            self.histogram.clear();
            self.collecting = Some(Collected {
                labels,
                time,
                start_time,
                exemplars: Vec::new(),
            });
        }
        match part {
            Part::Bucket(bound) => self.histogram.set_bucket(bound, value),
            Part::Sum => self.histogram.set_sum(value),
            Part::Count => self.histogram.set_count(value),
        }
        if let Some(collected) = &mut self.collecting {
            collected.time = time;
            self.inner.exemplars(&mut collected.exemplars);
        }
        true
    }

    /// Makes the collected histogram the current entry; false if there is none that can be converted.
    fn emit(&mut self) -> bool {
        let Some(parts) = self.collecting.take() else {
            return false;
        };
        let Ok(histogram) = self.histogram.convert() else {
            return false;
        };
        self.converted = Some(Converted {
            raw: raw_series(&parts.labels),
            histogram,
            parts,
        });
        true
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        match &self.converted {
            Some(converted) => Entry::Histogram(HistogramEntry {
                raw: &converted.raw,
                time: converted.parts.time,
                histogram: &converted.histogram,
            }),
            None => self.inner.entry(),
        }
    }

    pub(crate) fn labels(&self) -> Result<Labels, LabelsError> {
        match &self.converted {
            Some(converted) => Ok(converted.parts.labels.clone()),
            None => self.inner.labels(),
        }
    }

    pub(crate) fn exemplars(&self, out: &mut Vec<Exemplar>) {
        match &self.converted {
            Some(converted) => out.extend(converted.parts.exemplars.iter().cloned()),
            None => self.inner.exemplars(out),
        }
    }

    pub(crate) fn start_time(&mut self) -> Option<Timestamp> {
        match (&self.converted, &self.collecting) {
            (Some(converted), _) => converted.parts.start_time,
            (None, Some(collected)) => collected.start_time,
            (None, None) if self.wants_start_times => self.inner.start_time(),
            (None, None) => None,
        }
    }
}

/// `name{label="value",…}`, or only the name.
fn raw_series(labels: &Labels) -> Vec<u8> {
    let mut raw = labels.metric_name().to_owned();
    let mut separator = '{';
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        raw.push(separator);
        separator = ',';
        raw.push_str(name);
        raw.push('=');
        raw.push_str(&model::format::go_quote(value));
    }
    if separator == ',' {
        raw.push('}');
    }
    raw.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_make_float_histograms() {
        let mut classic = ClassicHistogram::default();
        classic.set_bucket(1.0, 0.5);
        classic.set_bucket(f64::INFINITY, 2.0);
        classic.set_sum(3.0);
        let HistogramSample::Float(histogram) = classic.convert().unwrap() else {
            panic!("expected floats");
        };
        assert_eq!(
            (histogram.count, &histogram.positive_buckets[..]),
            (2.0, &[0.5, 1.5][..])
        );
        assert_eq!(histogram.custom_values, [1.0]);
    }

    #[test]
    fn wrong_counts_are_refused() {
        let mut classic = ClassicHistogram::default();
        classic.set_bucket(1.0, 3.0);
        classic.set_bucket(2.0, 2.0);
        assert!(matches!(
            classic.convert(),
            Err(ConvertError::NotCumulative { .. })
        ));
        classic.clear();
        classic.set_bucket(f64::INFINITY, 3.0);
        classic.set_count(4.0);
        assert!(matches!(
            classic.convert(),
            Err(ConvertError::Mismatch { .. })
        ));
    }
}
