//! From protobuf.

use super::{
    AnyValue, Attribute, Buckets, Exemplar, ExponentialHistogram, ExponentialPoint, Gauge,
    Histogram, HistogramPoint, Metric, NumberPoint, OtlpError, QuantileValue, Request, Resource,
    ResourceMetrics, Scope, ScopeMetrics, Sum, Summary, SummaryPoint, Temporality,
};
use crate::proto::reader::{Field, Fields};

/// Bytes of memory per byte of a body. Honest requests need about five.
const MEMORY_PER_BYTE: usize = 8;
/// For short bodies.
const MEMORY_MIN: usize = 64 << 10;
/// How deep lists and maps may stand in each other.
const DEPTH_MAX: usize = 16;

type Read<T> = Result<T, OtlpError>;

pub(super) fn request(body: &[u8]) -> Read<Request> {
    let mut reader = Reader {
        left: body.len().saturating_mul(MEMORY_PER_BYTE) + MEMORY_MIN,
    };
    let mut request = Request::default();
    reader.each(body, |reader, field| {
        if field.number == 1 {
            let resource = reader.resource_metrics(field.bytes()?)?;
            reader.push(&mut request.resource_metrics, resource)?;
        }
        Ok(())
    })?;
    Ok(request)
}

/// What may still be made.
struct Reader {
    left: usize,
}

fn text(field: Field<'_>) -> Read<String> {
    Ok(field.text()?.to_owned())
}

impl Reader {
    fn each(
        &mut self,
        message: &[u8],
        mut read: impl FnMut(&mut Self, Field<'_>) -> Read<()>,
    ) -> Read<()> {
        let mut fields = Fields::new(message);
        while let Some(field) = fields.next()? {
            read(self, field)?;
        }
        Ok(())
    }

    fn push<T>(&mut self, list: &mut Vec<T>, item: T) -> Read<()> {
        self.left = self
            .left
            .checked_sub(size_of::<T>())
            .ok_or(OtlpError::TooMuch)?;
        list.push(item);
        Ok(())
    }

    fn resource_metrics(&mut self, message: &[u8]) -> Read<ResourceMetrics> {
        let mut made = ResourceMetrics::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => made.resource = reader.resource(field.bytes()?)?,
                2 => {
                    let scope = reader.scope_metrics(field.bytes()?)?;
                    reader.push(&mut made.scope_metrics, scope)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn resource(&mut self, message: &[u8]) -> Read<Resource> {
        let mut made = Resource::default();
        self.each(message, |reader, field| {
            if field.number == 1 {
                reader.attribute(&mut made.attributes, field)?;
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn scope_metrics(&mut self, message: &[u8]) -> Read<ScopeMetrics> {
        let mut made = ScopeMetrics::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => made.scope = reader.scope(field.bytes()?)?,
                2 => {
                    let metric = reader.metric(field.bytes()?)?;
                    reader.push(&mut made.metrics, metric)?;
                }
                3 => made.schema_url = text(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn scope(&mut self, message: &[u8]) -> Read<Scope> {
        let mut made = Scope::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => made.name = text(field)?,
                2 => made.version = text(field)?,
                3 => reader.attribute(&mut made.attributes, field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn metric(&mut self, message: &[u8]) -> Read<Metric> {
        let mut made = Metric::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => made.name = text(field)?,
                2 => made.description = text(field)?,
                3 => made.unit = text(field)?,
                5 => {
                    let mut kind = Gauge::default();
                    reader.points(field, &mut kind.data_points, Self::number, |_, _| Ok(()))?;
                    made.gauge = Some(Box::new(kind));
                }
                7 => {
                    let mut kind = Sum::default();
                    let Sum {
                        data_points,
                        aggregation_temporality,
                        is_monotonic,
                    } = &mut kind;
                    reader.points(field, data_points, Self::number, |number, field| {
                        match number {
                            2 => *aggregation_temporality = temporality(field)?,
                            3 => *is_monotonic = field.unsigned()? != 0,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    made.sum = Some(Box::new(kind));
                }
                9 => {
                    let mut kind = Histogram::default();
                    let place = &mut kind.aggregation_temporality;
                    let points = &mut kind.data_points;
                    reader.points(field, points, Self::histogram, |number, field| {
                        if number == 2 {
                            *place = temporality(field)?;
                        }
                        Ok(())
                    })?;
                    made.histogram = Some(Box::new(kind));
                }
                10 => {
                    let mut kind = ExponentialHistogram::default();
                    let place = &mut kind.aggregation_temporality;
                    let points = &mut kind.data_points;
                    reader.points(field, points, Self::exponential, |number, field| {
                        if number == 2 {
                            *place = temporality(field)?;
                        }
                        Ok(())
                    })?;
                    made.exponential_histogram = Some(Box::new(kind));
                }
                11 => {
                    let mut kind = Summary::default();
                    reader.points(field, &mut kind.data_points, Self::summary, |_, _| Ok(()))?;
                    made.summary = Some(Box::new(kind));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// Points are field 1 of all kinds; `other` reads the rest.
    fn points<T>(
        &mut self,
        field: Field<'_>,
        points: &mut Vec<T>,
        point: impl Fn(&mut Self, &[u8]) -> Read<T>,
        mut other: impl FnMut(u32, Field<'_>) -> Read<()>,
    ) -> Read<()> {
        self.each(field.bytes()?, |reader, field| {
            if field.number == 1 {
                let made = point(reader, field.bytes()?)?;
                return reader.push(points, made);
            }
            other(field.number, field)
        })
    }

    fn number(&mut self, message: &[u8]) -> Read<NumberPoint> {
        let mut made = NumberPoint::default();
        self.each(message, |reader, field| {
            match field.number {
                3 => made.time_unix_nano = field.fixed64()?,
                4 => made.as_double = Some(field.double()?),
                5 => reader.exemplar(&mut made.exemplars, field)?,
                6 => made.as_int = Some(field.fixed64()?.cast_signed()),
                7 => reader.attribute(&mut made.attributes, field)?,
                8 => made.flags = field.unsigned32()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn histogram(&mut self, message: &[u8]) -> Read<HistogramPoint> {
        let mut made = HistogramPoint::default();
        self.each(message, |reader, field| {
            match field.number {
                3 => made.time_unix_nano = field.fixed64()?,
                4 => made.count = field.fixed64()?,
                5 => made.sum = Some(field.double()?),
                6 => field.each_fixed64(|count| made.bucket_counts.push(count))?,
                7 => field.each_double(|bound| made.explicit_bounds.push(bound))?,
                8 => reader.exemplar(&mut made.exemplars, field)?,
                9 => reader.attribute(&mut made.attributes, field)?,
                10 => made.flags = field.unsigned32()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn exponential(&mut self, message: &[u8]) -> Read<ExponentialPoint> {
        let mut made = ExponentialPoint::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => reader.attribute(&mut made.attributes, field)?,
                3 => made.time_unix_nano = field.fixed64()?,
                4 => made.count = field.fixed64()?,
                5 => made.sum = Some(field.double()?),
                6 => made.scale = field.zigzag32()?,
                7 => made.zero_count = field.fixed64()?,
                8 => made.positive = reader.buckets(field.bytes()?)?,
                9 => made.negative = reader.buckets(field.bytes()?)?,
                10 => made.flags = field.unsigned32()?,
                11 => reader.exemplar(&mut made.exemplars, field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn buckets(&mut self, message: &[u8]) -> Read<Buckets> {
        let mut made = Buckets::default();
        self.each(message, |_, field| {
            match field.number {
                1 => made.offset = field.zigzag32()?,
                2 => field.each_varint(|count| made.bucket_counts.push(count))?,
                _ => {}
            }
            Ok(())
        })?;
        // A count takes one byte there and eight here.
        self.left = self
            .left
            .checked_sub(made.bucket_counts.len() * size_of::<u64>())
            .ok_or(OtlpError::TooMuch)?;
        Ok(made)
    }

    fn summary(&mut self, message: &[u8]) -> Read<SummaryPoint> {
        let mut made = SummaryPoint::default();
        self.each(message, |reader, field| {
            match field.number {
                3 => made.time_unix_nano = field.fixed64()?,
                4 => made.count = field.fixed64()?,
                5 => made.sum = field.double()?,
                6 => {
                    let quantile = reader.quantile(field.bytes()?)?;
                    reader.push(&mut made.quantile_values, quantile)?;
                }
                7 => reader.attribute(&mut made.attributes, field)?,
                8 => made.flags = field.unsigned32()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn quantile(&mut self, message: &[u8]) -> Read<QuantileValue> {
        let mut made = QuantileValue::default();
        self.each(message, |_, field| {
            match field.number {
                1 => made.quantile = field.double()?,
                2 => made.value = field.double()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn exemplar(&mut self, exemplars: &mut Vec<Exemplar>, field: Field<'_>) -> Read<()> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut made = Exemplar::default();
        self.each(field.bytes()?, |reader, field| {
            match field.number {
                2 => made.time_unix_nano = field.fixed64()?,
                3 => made.as_double = Some(field.double()?),
                4 => made.span_id = hex(field.bytes()?),
                5 => made.trace_id = hex(field.bytes()?),
                6 => made.as_int = Some(field.fixed64()?.cast_signed()),
                7 => reader.attribute(&mut made.filtered_attributes, field)?,
                _ => {}
            }
            Ok(())
        })?;
        self.push(exemplars, made)
    }

    fn attribute(&mut self, attributes: &mut Vec<Attribute>, field: Field<'_>) -> Read<()> {
        let made = self.key_value(field.bytes()?, 0)?;
        self.push(attributes, made)
    }

    fn key_value(&mut self, message: &[u8], depth: usize) -> Read<Attribute> {
        let mut made = Attribute::default();
        self.each(message, |reader, field| {
            match field.number {
                1 => made.key = text(field)?,
                2 => made.value = reader.value(field.bytes()?, depth)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn value(&mut self, message: &[u8], depth: usize) -> Read<AnyValue> {
        if depth > DEPTH_MAX {
            return Err(OtlpError::TooMuch);
        }
        let mut made = AnyValue::Empty;
        self.each(message, |reader, field| {
            made = match field.number {
                1 => AnyValue::Text(text(field)?),
                2 => AnyValue::Bool(field.unsigned()? != 0),
                3 => AnyValue::Int(field.signed()?),
                4 => AnyValue::Double(field.double()?),
                5 => {
                    let mut values = Vec::new();
                    reader.each(field.bytes()?, |reader, field| {
                        if field.number == 1 {
                            let value = reader.value(field.bytes()?, depth + 1)?;
                            reader.push(&mut values, value)?;
                        }
                        Ok(())
                    })?;
                    AnyValue::List(values)
                }
                6 => {
                    let mut entries = Vec::new();
                    reader.each(field.bytes()?, |reader, field| {
                        if field.number == 1 {
                            let entry = reader.key_value(field.bytes()?, depth + 1)?;
                            reader.push(&mut entries, entry)?;
                        }
                        Ok(())
                    })?;
                    AnyValue::Map(entries)
                }
                7 => AnyValue::of_bytes(field.bytes()?),
                _ => return Ok(()),
            };
            Ok(())
        })?;
        Ok(made)
    }
}

fn temporality(field: Field<'_>) -> Read<Temporality> {
    Ok(Temporality::of_number(field.unsigned()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::writer::Message;

    fn nested(fields: &[u32], inner: Message) -> Message {
        fields.iter().rev().fold(inner, |inner, field| {
            let mut message = Message::new();
            message.message(*field, &inner);
            message
        })
    }

    #[test]
    fn protobuf_and_json_say_the_same() {
        let mut attribute = Message::new();
        attribute.text(1, "a.b");
        attribute.message(2, &{
            let mut value = Message::new();
            value.text(1, "x");
            value
        });
        let mut point = Message::new();
        point.fixed64(3, 1_704_067_260_000_000_000);
        point.present_double(4, 5.0);
        point.message(7, &attribute);
        let mut sum = Message::new();
        sum.message(1, &point);
        sum.unsigned(2, 2);
        sum.unsigned(3, 1);
        let mut metric = Message::new();
        metric.text(1, "my.counter");
        metric.text(3, "s");
        metric.message(7, &sum);
        let body = nested(&[1, 2, 2], metric).into_bytes();
        let json = br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"my.counter","unit":"s",
            "sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,"dataPoints":
            [{"asDouble":5,"timeUnixNano":"1704067260000000000","attributes":
            [{"key":"a.b","value":{"stringValue":"x"}}],"unknown":{"x":[1]}}]}}]}]}]}"#;
        let found = Request::from_protobuf(&body).unwrap();
        assert_eq!(found, Request::from_json(json).unwrap());
        assert_eq!(found.resource_metrics.len(), 1);
    }

    #[test]
    fn what_stands_for_too_much_is_refused() {
        // Empty metrics take two bytes each.
        let mut scope = Vec::new();
        for _ in 0..100_000 {
            scope.extend([0x12, 0]);
        }
        let mut message = Message::new();
        message.present_bytes(2, &scope);
        let body = nested(&[1], message).into_bytes();
        assert_eq!(Request::from_protobuf(&body), Err(OtlpError::TooMuch));
        let mut value = Message::new();
        for _ in 0..100 {
            value = nested(&[5, 1], value);
        }
        let body = nested(&[1, 1, 1, 2], value).into_bytes();
        assert_eq!(Request::from_protobuf(&body), Err(OtlpError::TooMuch));
        let json = format!("{{\"resourceMetrics\":[{}{{}}]}}", "{},".repeat(1 << 21));
        assert_eq!(Request::from_json(json.as_bytes()), Err(OtlpError::TooMuch));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(body in proptest::collection::vec(proptest::num::u8::ANY, 0..128)) {
            let _ = Request::from_protobuf(&body);
            let _ = Request::from_json(&body);
        }
    }
}
