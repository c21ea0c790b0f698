//! Our own pages: the protobuf format, written. One family after the other, each with its length before it.

use model::histogram::BucketSpan;
use model::{FloatHistogram, MetricType, Timestamp};

use crate::negotiate::Escaping;
use crate::proto::writer::{Message, push_varint};

/// Writes one family.
#[derive(Debug)]
pub struct FamilyWriter {
    message: Message,
    escaping: Escaping,
}

/// What a metric has besides its value.
#[derive(Clone, Copy, Debug)]
pub struct MetricHead<'a> {
    /// In the order in which they are to stand there; without the name.
    pub labels: &'a [(&'a str, &'a str)],
    pub time: Timestamp,
}

impl FamilyWriter {
    pub fn new(name: &str, metric_type: MetricType, escaping: Escaping) -> Self {
        let mut message = Message::new();
        message.present_bytes(1, escaping.escape(name).as_bytes());
        message.present_unsigned(
            3,
            match metric_type {
                MetricType::Counter => 0,
                MetricType::Gauge => 1,
                MetricType::Summary => 2,
                MetricType::Histogram => 4,
                MetricType::GaugeHistogram => 5,
                MetricType::Unknown | MetricType::Info | MetricType::StateSet => 3,
            },
        );
        Self { message, escaping }
    }

    /// A value of a family without a type.
    pub fn untyped(&mut self, head: &MetricHead<'_>, value: f64) {
        let mut inner = Message::new();
        inner.present_double(1, value);
        self.metric(head, 5, &inner);
    }

    /// A native histogram with exponential buckets.
    pub fn native(&mut self, head: &MetricHead<'_>, histogram: &FloatHistogram) {
        let mut inner = Message::new();
        inner.present_double(2, histogram.sum);
        inner.present_double(4, histogram.count);
        inner.zigzag(5, i64::from(histogram.schema));
        inner.present_double(6, histogram.zero_threshold);
        inner.present_double(8, histogram.zero_count);
        spans(&mut inner, 9, &histogram.negative_spans);
        inner.packed_doubles(11, &histogram.negative_buckets);
        spans(&mut inner, 12, &histogram.positive_spans);
        inner.packed_doubles(14, &histogram.positive_buckets);
        self.metric(head, 7, &inner);
    }

    /// A histogram with custom buckets, as the classic one that it comes from. `buckets`: upper bounds with
    /// cumulative counts.
    pub fn classic(
        &mut self,
        head: &MetricHead<'_>,
        histogram: &FloatHistogram,
        buckets: &[(f64, f64)],
    ) {
        let mut inner = Message::new();
        inner.present_double(2, histogram.sum);
        for (upper, count) in buckets {
            let mut bucket = Message::new();
            bucket.present_double(2, *upper);
            bucket.present_double(4, *count);
            inner.message(3, &bucket);
        }
        inner.present_double(4, histogram.count);
        self.metric(head, 7, &inner);
    }

    fn metric(&mut self, head: &MetricHead<'_>, field: u32, value: &Message) {
        let mut metric = Message::new();
        for (name, value) in head.labels {
            let mut label = Message::new();
            label.present_bytes(1, self.escaping.escape_label(name).as_bytes());
            label.present_bytes(2, value.as_bytes());
            metric.message(1, &label);
        }
        metric.message(field, value);
        metric.signed(6, head.time.0);
        self.message.message(4, &metric);
    }

    /// The family, with its length before it.
    pub fn finish(self) -> Vec<u8> {
        let message = self.message.into_bytes();
        let mut out = Vec::with_capacity(message.len() + 5);
        push_varint(&mut out, message.len() as u64);
        out.extend_from_slice(&message);
        out
    }
}

fn spans(message: &mut Message, field: u32, spans: &[BucketSpan]) {
    for span in spans {
        let mut inner = Message::new();
        inner.zigzag(1, i64::from(span.offset));
        inner.unsigned(2, u64::from(span.length));
        message.message(field, &inner);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::storage::HistogramSample;

    use super::*;
    use crate::{Entry, Exposition, Format, Options, Step};

    #[test]
    fn what_is_written_can_be_read() {
        let labels = [("code", "200"), ("instance", ""), ("my.label", "x")];
        let head = MetricHead {
            labels: &labels,
            time: Timestamp(1500),
        };
        let mut untyped = FamilyWriter::new("my.gauge", MetricType::Unknown, Escaping::AllowUtf8);
        untyped.untyped(&head, 0.0);
        let mut native = FamilyWriter::new("seconds", MetricType::Histogram, Escaping::Underscores);
        let histogram = FloatHistogram {
            schema: 3,
            count: 9.5,
            sum: 2.0,
            zero_threshold: 0.01,
            zero_count: 1.5,
            positive_spans: vec![BucketSpan {
                offset: -2,
                length: 2,
            }],
            positive_buckets: vec![3.0, 5.0],
            ..FloatHistogram::default()
        };
        native.native(&head, &histogram);
        let page = [untyped.finish(), native.finish()].concat();
        let mut scan = Exposition::new(&page, Format::Protobuf, &Options::default());
        let mut found = Vec::new();
        while scan.advance(None).unwrap() != Step::End {
            match scan.entry() {
                Entry::Series(entry) => {
                    assert_eq!((entry.value, entry.time), (0.0, Some(Timestamp(1500))));
                    found.push(scan.labels().unwrap().to_string());
                }
                Entry::Histogram(entry) => {
                    let wanted = HistogramSample::Float(Arc::new(histogram.clone()));
                    assert_eq!(*entry.histogram, wanted);
                    found.push(scan.labels().unwrap().to_string());
                }
                _ => {}
            }
        }
        assert_eq!(
            found,
            [
                r#"{__name__="my.gauge", code="200", "my.label"="x"}"#,
                r#"{__name__="seconds", code="200", my_label="x"}"#,
            ]
        );
    }
}
