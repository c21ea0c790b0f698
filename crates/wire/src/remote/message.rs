//! Messages that both versions of remote write have: samples, histograms, labels.

use std::borrow::Cow;
use std::sync::Arc;

use model::histogram::{BucketSpan, CounterResetHint};
use model::storage::HistogramSample;
use model::{FloatHistogram, Histogram, Labels, MetricType, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError, unzigzag};
use crate::proto::writer::{Message, zigzag};
use crate::text::assemble;

/// One float sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrittenSample {
    pub time: Timestamp,
    pub value: f64,
    /// Version 2 only.
    pub start_time: Option<Timestamp>,
}

/// One native histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenHistogram {
    pub time: Timestamp,
    pub histogram: HistogramSample,
    /// Version 2 only.
    pub start_time: Option<Timestamp>,
}

/// 0 stands for "not known".
fn start_time(millis: i64) -> Option<Timestamp> {
    (millis != 0).then_some(Timestamp(millis))
}

pub(crate) fn decode_sample(message: &[u8]) -> Result<WrittenSample, ProtoError> {
    let (mut time, mut value, mut start) = (0, 0.0, 0);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => value = field.double()?,
            2 => time = field.signed()?,
            3 => start = field.signed()?,
            _ => {}
        }
    }
    Ok(WrittenSample {
        time: Timestamp(time),
        value,
        start_time: start_time(start),
    })
}

pub(crate) fn encode_sample(sample: &WrittenSample) -> Message {
    let mut message = Message::new();
    message.double(1, sample.value);
    message.signed(2, sample.time.0);
    message.signed(3, sample.start_time.map_or(0, |time| time.0));
    message
}

/// `prometheus.Label`.
pub(crate) fn decode_label(message: &[u8]) -> Result<(&str, &str), ProtoError> {
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

pub(crate) fn encode_labels(message: &mut Message, field: u32, labels: &Labels) {
    for (name, value) in labels {
        let mut label = Message::new();
        label.text(1, name);
        label.text(2, value);
        message.message(field, &label);
    }
}

/// Labels in any order.
pub(crate) fn collect_labels<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Labels, LabelsError> {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = pairs
        .map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
        .collect();
    assemble(&mut pairs)
}

/// Both versions number the types like this; 0 is "unknown".
const TYPES: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

pub(crate) fn decode_type(number: u64) -> MetricType {
    usize::try_from(number)
        .ok()
        .and_then(|number| TYPES.get(number).copied())
        .unwrap_or_default()
}

pub(crate) fn encode_type(metric_type: MetricType) -> u64 {
    TYPES
        .iter()
        .position(|known| *known == metric_type)
        .unwrap_or(0) as u64
}

#[derive(Default)]
struct Side {
    spans: Vec<BucketSpan>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

/// A count that is one of two members of a `oneof`.
#[derive(Clone, Copy)]
enum Count {
    Integer(u64),
    Float(f64),
}

impl Count {
    fn integer(self) -> u64 {
        match self {
            Self::Integer(count) => count,
            Self::Float(_) => 0,
        }
    }

    fn float(self) -> f64 {
        match self {
            Self::Integer(_) => 0.0,
            Self::Float(count) => count,
        }
    }
}

pub(crate) fn decode_histogram(message: &[u8]) -> Result<WrittenHistogram, ProtoError> {
    let (mut count, mut zero_count) = (Count::Integer(0), Count::Integer(0));
    let (mut sum, mut schema, mut zero_threshold) = (0.0, 0, 0.0);
    let (mut negative, mut positive) = (Side::default(), Side::default());
    let (mut hint, mut time, mut start) = (0, 0, 0);
    let mut custom_values = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => count = Count::Integer(field.unsigned()?),
            2 => count = Count::Float(field.double()?),
            3 => sum = field.double()?,
            4 => schema = field.zigzag32()?,
            5 => zero_threshold = field.double()?,
            6 => zero_count = Count::Integer(field.unsigned()?),
            7 => zero_count = Count::Float(field.double()?),
            8 => negative.spans.push(decode_span(field.bytes()?)?),
            9 => field.each_varint(|delta| negative.deltas.push(unzigzag(delta)))?,
            10 => field.each_double(|count| negative.counts.push(count))?,
            11 => positive.spans.push(decode_span(field.bytes()?)?),
            12 => field.each_varint(|delta| positive.deltas.push(unzigzag(delta)))?,
            13 => field.each_double(|count| positive.counts.push(count))?,
            14 => hint = field.unsigned()?,
            15 => time = field.signed()?,
            16 => field.each_double(|bound| custom_values.push(bound))?,
            17 => start = field.signed()?,
            _ => {}
        }
    }
    let counter_reset_hint = match hint {
        1 => CounterResetHint::Reset,
        2 => CounterResetHint::NotReset,
        3 => CounterResetHint::Gauge,
        _ => CounterResetHint::Unknown,
    };
    let histogram = match count {
        Count::Integer(count) => HistogramSample::Integer(Arc::new(Histogram {
            counter_reset_hint,
            schema,
            zero_threshold,
            zero_count: zero_count.integer(),
            count,
            sum,
            positive_spans: positive.spans,
            negative_spans: negative.spans,
            positive_deltas: positive.deltas,
            negative_deltas: negative.deltas,
            custom_values,
        })),
        Count::Float(count) => HistogramSample::Float(Arc::new(FloatHistogram {
            counter_reset_hint,
            schema,
            zero_threshold,
            zero_count: zero_count.float(),
            count,
            sum,
            positive_spans: positive.spans,
            negative_spans: negative.spans,
            positive_buckets: positive.counts,
            negative_buckets: negative.counts,
            custom_values,
        })),
    };
    Ok(WrittenHistogram {
        time: Timestamp(time),
        histogram,
        start_time: start_time(start),
    })
}

fn decode_span(message: &[u8]) -> Result<BucketSpan, ProtoError> {
    let mut span = BucketSpan::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => span.offset = field.zigzag32()?,
            2 => span.length = field.unsigned32()?,
            _ => {}
        }
    }
    Ok(span)
}

fn encode_spans(message: &mut Message, field: u32, spans: &[BucketSpan]) {
    for span in spans {
        let mut inner = Message::new();
        inner.zigzag(1, i64::from(span.offset));
        inner.unsigned(2, u64::from(span.length));
        message.message(field, &inner);
    }
}

pub(crate) fn encode_histogram(written: &WrittenHistogram) -> Message {
    let mut message = Message::new();
    let zigzags = |deltas: &[i64]| deltas.iter().copied().map(zigzag).collect::<Vec<u64>>();
    let (hint, custom_values) = match &written.histogram {
        HistogramSample::Integer(h) => {
            message.present_unsigned(1, h.count);
            message.double(3, h.sum);
            message.zigzag(4, i64::from(h.schema));
            message.double(5, h.zero_threshold);
            message.present_unsigned(6, h.zero_count);
            encode_spans(&mut message, 8, &h.negative_spans);
            message.packed_varints(9, zigzags(&h.negative_deltas));
            encode_spans(&mut message, 11, &h.positive_spans);
            message.packed_varints(12, zigzags(&h.positive_deltas));
            (h.counter_reset_hint, &h.custom_values)
        }
        HistogramSample::Float(h) => {
            message.present_double(2, h.count);
            message.double(3, h.sum);
            message.zigzag(4, i64::from(h.schema));
            message.double(5, h.zero_threshold);
            message.present_double(7, h.zero_count);
            encode_spans(&mut message, 8, &h.negative_spans);
            message.packed_doubles(10, &h.negative_buckets);
            encode_spans(&mut message, 11, &h.positive_spans);
            message.packed_doubles(13, &h.positive_buckets);
            (h.counter_reset_hint, &h.custom_values)
        }
    };
    message.unsigned(14, hint as u64);
    message.signed(15, written.time.0);
    message.packed_doubles(16, custom_values);
    message.signed(17, written.start_time.map_or(0, |time| time.0));
    message
}
