//! Messages that both versions of remote write have: samples, histograms, labels.

use std::borrow::Cow;
use std::sync::Arc;

use model::histogram::{BucketSpan, CounterResetHint};
use model::storage::HistogramSample;
use model::{FloatHistogram, Histogram, Labels, MetricType, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError, unzigzag};
use crate::proto::writer::{Message, push_varint, zigzag};
use crate::quote::quote_bytes;
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

/// Parts of one kind in a message. An honest sample takes nine bytes, so an honest request of the largest
/// size has fewer; empty parts take two bytes here and many more in memory.
const PARTS_MAX: usize = 1 << 22;

#[inline]
pub(crate) fn push_bounded<T>(parts: &mut Vec<T>, part: T) -> Result<(), ProtoError> {
    push_up_to(PARTS_MAX, parts, part)
}

#[inline]
pub(crate) fn push_up_to<T>(max: usize, parts: &mut Vec<T>, part: T) -> Result<(), ProtoError> {
    if parts.len() >= max {
        return Err(ProtoError::TooMany(max));
    }
    parts.push(part);
    Ok(())
}

/// All senders write value and time in this order, and leave out what is zero.
#[inline]
pub(crate) fn decode_sample(message: &[u8]) -> Result<WrittenSample, ProtoError> {
    const VALUE: u8 = 1 << 3 | 1;
    const TIME: u8 = 2 << 3;
    let (value, rest) = match message {
        [VALUE, a, b, c, d, e, f, g, h, rest @ ..] => {
            (f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
        }
        rest => (0.0, rest),
    };
    if let [TIME, rest @ ..] = rest {
        let mut rest = Fields::new(rest);
        let time = rest.varint()?.cast_signed();
        if rest.remaining() == 0 {
            return Ok(WrittenSample {
                time: Timestamp(time),
                value,
                start_time: None,
            });
        }
    }
    decode_any_sample(message)
}

fn decode_any_sample(message: &[u8]) -> Result<WrittenSample, ProtoError> {
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

/// Writes a sample as a field of its series.
pub(crate) fn encode_sample(series: &mut Message, field: u32, sample: &WrittenSample) {
    series.small_message(field, |message| {
        message.double(1, sample.value);
        message.signed(2, sample.time.0);
        message.signed(3, sample.start_time.map_or(0, |time| time.0));
    });
}

/// `prometheus.Label`. Whether these bytes are text is for the reader to see: a series with others is
/// refused, not the request.
pub(crate) fn decode_label(message: &[u8]) -> Result<(&[u8], &[u8]), ProtoError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => name = field.bytes()?,
            2 => value = field.bytes()?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// The pairs in label bytes, as they are.
pub fn label_pairs_of(
    label_bytes: &[u8],
) -> impl Iterator<Item = Result<(&[u8], &[u8]), ProtoError>> {
    let mut fields = Fields::new(label_bytes);
    std::iter::from_fn(move || match fields.next() {
        Ok(field) => field.map(|field| decode_label(field.bytes()?)),
        Err(error) => {
            fields = Fields::new(&[]);
            Some(Err(error))
        }
    })
}

/// The labels in label bytes, sorted. Those with an empty value are not there.
pub fn labels_of(label_bytes: &[u8]) -> Result<Result<Labels, LabelsError>, ProtoError> {
    let pairs: Vec<_> = label_pairs_of(label_bytes).collect::<Result<_, _>>()?;
    Ok(collect_labels(&pairs))
}

/// One label in label bytes.
pub(crate) fn push_label(label_bytes: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let size = text_size(name.len()) + text_size(value.len());
    label_bytes.push(LABEL);
    push_varint(label_bytes, size as u64);
    for (tag, text) in [(LABEL_NAME, name), (LABEL_VALUE, value)] {
        label_bytes.push(tag);
        push_varint(label_bytes, text.len() as u64);
        label_bytes.extend_from_slice(text);
    }
}

/// The size of what [`push_label`] adds.
pub(crate) fn label_size(name: &[u8], value: &[u8]) -> usize {
    text_size(text_size(name.len()) + text_size(value.len()))
}

/// With tag and length.
fn text_size(length: usize) -> usize {
    let bits = usize::BITS - (length | 1).leading_zeros();
    1 + bits.div_ceil(7) as usize + length
}

/// Field 1 of a series, with bytes: a label.
pub(crate) const LABEL: u8 = 1 << 3 | 2;
const LABEL_NAME: u8 = 1 << 3 | 2;
const LABEL_VALUE: u8 = 2 << 3 | 2;

pub(crate) fn encode_labels(message: &mut Message, field: u32, labels: &Labels) {
    for (name, value) in labels {
        let mut label = Message::new();
        label.text(1, name);
        label.text(2, value);
        message.message(field, &label);
    }
}

/// From pairs in any order. Those with an empty value are not there.
pub fn collect_labels(pairs: &[(&[u8], &[u8])]) -> Result<Labels, LabelsError> {
    let mut texts = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        texts.push((text_of(name)?, text_of(value)?));
    }
    assemble(&mut texts)
}

fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, LabelsError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| LabelsError::Utf8(quote_bytes(bytes)))
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
