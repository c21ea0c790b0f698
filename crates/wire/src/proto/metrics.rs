//! The messages of the exposition, decoded one metric at a time into reused memory.

use model::histogram::{BucketSpan, CounterResetHint};
use model::storage::HistogramSample;
use model::{Exemplar, FloatHistogram, Histogram, MetricType, Timestamp};
use std::borrow::Cow;
use std::sync::Arc;

use crate::histogram::{compact_float, compact_integer};
use crate::nhcb::{ClassicHistogram, ConvertError};
use crate::proto::reader::{Field, Fields, ProtoError, unzigzag};
use crate::text::assemble;

/// `MetricFamily`, its metrics still as bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) help: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) type_number: u64,
    pub(crate) metrics: Vec<&'a [u8]>,
}

impl<'a> Family<'a> {
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, ProtoError> {
        let mut family = Self::default();
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => family.name = field.text()?,
                2 => family.help = field.text()?,
                3 => family.type_number = field.unsigned()?,
                4 => family.metrics.push(field.bytes()?),
                5 => family.unit = field.text()?,
                _ => {}
            }
        }
        Ok(family)
    }

    /// `None` if the number is not one of the format's.
    pub(crate) fn metric_type(&self) -> Option<MetricType> {
        Some(match self.type_number {
            0 => MetricType::Counter,
            1 => MetricType::Gauge,
            2 => MetricType::Summary,
            3 => MetricType::Unknown,
            4 => MetricType::Histogram,
            5 => MetricType::GaugeHistogram,
            _ => return None,
        })
    }
}

/// `Metric`: labels, and the message of its type as one structure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metric<'a> {
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) time_ms: i64,
    /// Of a counter, gauge or untyped metric.
    pub(crate) value: f64,
    pub(crate) exemplar: Option<&'a [u8]>,
    pub(crate) start_time: Option<Timestamp>,
    /// Quantile and value.
    pub(crate) quantiles: Vec<(f64, f64)>,
    pub(crate) histogram: HistogramMessage<'a>,
}

/// `Histogram`, and the counts of a `Summary`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistogramMessage<'a> {
    count: u64,
    count_float: f64,
    pub(crate) sum: f64,
    pub(crate) buckets: Vec<Bucket<'a>>,
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    negative: Side,
    positive: Side,
    exemplars: Vec<&'a [u8]>,
}

#[derive(Clone, Debug, Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket<'a> {
    count: u64,
    count_float: f64,
    pub(crate) upper_bound: f64,
    pub(crate) exemplar: Option<&'a [u8]>,
}

/// The float count overrides the integer one if it is set.
#[expect(clippy::cast_precision_loss, reason = "counts become sample values")]
fn effective(count: u64, count_float: f64) -> f64 {
    if count_float == 0.0 {
        count as f64
    } else {
        count_float
    }
}

impl Bucket<'_> {
    pub(crate) fn cumulative_count(&self) -> f64 {
        effective(self.count, self.count_float)
    }
}

impl<'a> Metric<'a> {
    fn clear(&mut self) {
        self.labels.clear();
        self.time_ms = 0;
        self.value = 0.0;
        self.exemplar = None;
        self.start_time = None;
        self.quantiles.clear();
        self.histogram.clear();
    }

    /// Replaces the content. Only the message that belongs to the type is looked at.
    pub(crate) fn decode(
        &mut self,
        message: &'a [u8],
        metric_type: MetricType,
    ) -> Result<(), ProtoError> {
        self.clear();
        let wanted = match metric_type {
            MetricType::Gauge => 2,
            MetricType::Counter => 3,
            MetricType::Summary => 4,
            MetricType::Histogram | MetricType::GaugeHistogram => 7,
            _ => 5,
        };
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.labels.push(label_pair(field.bytes()?)?),
                6 => self.time_ms = field.signed()?,
                number if number == wanted => match wanted {
                    4 => self.decode_summary(field.bytes()?)?,
                    7 => self.start_time = self.histogram.decode(field.bytes()?)?,
                    _ => self.decode_single(field.bytes()?)?,
                },
                _ => {}
            }
        }
        Ok(())
    }

    /// `Counter`, `Gauge` or `Untyped`.
    fn decode_single(&mut self, message: &'a [u8]) -> Result<(), ProtoError> {
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.value = field.double()?,
                2 => self.exemplar = Some(field.bytes()?),
                3 => self.start_time = Some(timestamp(field.bytes()?)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn decode_summary(&mut self, message: &'a [u8]) -> Result<(), ProtoError> {
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.histogram.count = field.unsigned()?,
                2 => self.histogram.sum = field.double()?,
                3 => {
                    let mut quantile = (0.0, 0.0);
                    let mut parts = Fields::new(field.bytes()?);
                    while let Some(part) = parts.next()? {
                        match part.number {
                            1 => quantile.0 = part.double()?,
                            2 => quantile.1 = part.double()?,
                            _ => {}
                        }
                    }
                    self.quantiles.push(quantile);
                }
                4 => self.start_time = Some(timestamp(field.bytes()?)?),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> HistogramMessage<'a> {
    fn clear(&mut self) {
        self.count = 0;
        self.count_float = 0.0;
        self.sum = 0.0;
        self.buckets.clear();
        self.schema = 0;
        self.zero_threshold = 0.0;
        self.zero_count = 0;
        self.zero_count_float = 0.0;
        for side in [&mut self.negative, &mut self.positive] {
            side.spans.clear();
            side.deltas.clear();
            side.counts.clear();
        }
        self.exemplars.clear();
    }

    /// Gives the start time.
    fn decode(&mut self, message: &'a [u8]) -> Result<Option<Timestamp>, ProtoError> {
        let mut start_time = None;
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            match field.number {
                1 => self.count = field.unsigned()?,
                2 => self.sum = field.double()?,
                3 => self.buckets.push(bucket(field.bytes()?)?),
                4 => self.count_float = field.double()?,
                5 => self.schema = field.zigzag32()?,
                6 => self.zero_threshold = field.double()?,
                7 => self.zero_count = field.unsigned()?,
                8 => self.zero_count_float = field.double()?,
                9..=11 => self.negative.decode(field, 9)?,
                12..=14 => self.positive.decode(field, 12)?,
                15 => start_time = Some(timestamp(field.bytes()?)?),
                16 => self.exemplars.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(start_time)
    }

    pub(crate) fn total(&self) -> f64 {
        effective(self.count, self.count_float)
    }

    /// A histogram without spans and zero bucket is a classic one.
    pub(crate) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || self.zero_threshold > 0.0
            || self.zero_count > 0
    }

    fn is_float(&self) -> bool {
        self.count_float > 0.0 || self.zero_count_float > 0.0
    }

    /// The native histogram; an error text if spans and counts do not fit together.
    pub(crate) fn native(&self, hint: CounterResetHint) -> Result<HistogramSample, String> {
        let is_float = self.is_float();
        self.positive.check("positive", is_float)?;
        self.negative.check("negative", is_float)?;
        Ok(if is_float {
            let mut histogram = FloatHistogram {
                counter_reset_hint: hint,
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.zero_count_float,
                count: self.count_float,
                sum: self.sum,
                positive_spans: self.positive.spans.clone(),
                negative_spans: self.negative.spans.clone(),
                positive_buckets: self.positive.counts.clone(),
                negative_buckets: self.negative.counts.clone(),
                custom_values: Vec::new(),
            };
            compact_float(&mut histogram, 0);
            HistogramSample::Float(Arc::new(histogram))
        } else {
            let mut histogram = Histogram {
                counter_reset_hint: hint,
                schema: self.schema,
                zero_threshold: self.zero_threshold,
                zero_count: self.zero_count,
                count: self.count,
                sum: self.sum,
                positive_spans: self.positive.spans.clone(),
                negative_spans: self.negative.spans.clone(),
                positive_deltas: self.positive.deltas.clone(),
                negative_deltas: self.negative.deltas.clone(),
                custom_values: Vec::new(),
            };
            compact_integer(&mut histogram, 0);
            HistogramSample::Integer(Arc::new(histogram))
        })
    }

    /// The classic buckets as a native histogram with custom buckets.
    pub(crate) fn custom(&self, hint: CounterResetHint) -> Result<HistogramSample, ConvertError> {
        let mut classic = ClassicHistogram::default();
        classic.set_count(self.total());
        classic.set_sum(self.sum);
        for bucket in &self.buckets {
            classic.set_bucket(bucket.upper_bound, bucket.cumulative_count());
        }
        let mut sample = classic.convert()?;
        match &mut sample {
            HistogramSample::Integer(histogram) => {
                Arc::make_mut(histogram).counter_reset_hint = hint;
            }
            HistogramSample::Float(histogram) => {
                Arc::make_mut(histogram).counter_reset_hint = hint;
            }
        }
        Ok(sample)
    }

    /// Exemplars for a native histogram: its own ones, else those of its classic buckets. Only such with
    /// a time count.
    pub(crate) fn native_exemplars(&self, out: &mut Vec<Exemplar>) {
        let keep = |bytes: &&'a [u8]| exemplar(bytes).filter(|exemplar| exemplar.time.is_some());
        if self.exemplars.is_empty() {
            let of_buckets = self.buckets.iter().filter_map(|bucket| bucket.exemplar);
            out.extend(of_buckets.filter_map(|bytes| keep(&bytes)));
        } else {
            out.extend(self.exemplars.iter().filter_map(keep));
        }
    }
}

impl Side {
    /// Spans, deltas and counts have consecutive field numbers.
    fn decode(&mut self, field: Field<'_>, first: u32) -> Result<(), ProtoError> {
        match field.number - first {
            0 => {
                let mut span = BucketSpan::default();
                let mut parts = Fields::new(field.bytes()?);
                while let Some(part) = parts.next()? {
                    match part.number {
                        1 => span.offset = part.zigzag32()?,
                        2 => span.length = part.unsigned32()?,
                        _ => {}
                    }
                }
                self.spans.push(span);
            }
            1 => field.each_varint(|delta| self.deltas.push(unzigzag(delta)))?,
            _ => field.each_double(|count| self.counts.push(count))?,
        }
        Ok(())
    }

    fn check(&self, side: &str, is_float: bool) -> Result<(), String> {
        let required: u64 = self.spans.iter().map(|span| u64::from(span.length)).sum();
        let have = if is_float {
            self.counts.len()
        } else {
            self.deltas.len()
        };
        if required == have as u64 {
            return Ok(());
        }
        Err(format!(
            "{side} side: spans require {required} buckets, have {have}"
        ))
    }
}

fn label_pair(message: &[u8]) -> Result<(&str, &str), ProtoError> {
    let (mut name, mut value) = ("", "");
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((name, value))
}

fn bucket(message: &[u8]) -> Result<Bucket<'_>, ProtoError> {
    let mut bucket = Bucket::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => bucket.count = field.unsigned()?,
            2 => bucket.upper_bound = field.double()?,
            3 => bucket.exemplar = Some(field.bytes()?),
            4 => bucket.count_float = field.double()?,
            _ => {}
        }
    }
    Ok(bucket)
}

/// `google.protobuf.Timestamp`, cut to milliseconds.
fn timestamp(message: &[u8]) -> Result<Timestamp, ProtoError> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => seconds = field.signed()?,
            2 => nanos = field.signed()?,
            _ => {}
        }
    }
    Ok(Timestamp(
        seconds
            .saturating_mul(1000)
            .saturating_add(nanos / 1_000_000),
    ))
}

/// An exemplar; `None` if it is broken, which does not fail the sample that it belongs to.
pub(crate) fn exemplar(message: &[u8]) -> Option<Exemplar> {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    let (mut value, mut time) = (0.0, None);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next().ok()? {
        match field.number {
            1 => {
                let (name, value) = label_pair(field.bytes().ok()?).ok()?;
                pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
            2 => value = field.double().ok()?,
            3 => time = Some(timestamp(field.bytes().ok()?).ok()?),
            _ => {}
        }
    }
    Some(Exemplar {
        labels: assemble(&mut pairs).ok()?,
        value,
        time,
    })
}
