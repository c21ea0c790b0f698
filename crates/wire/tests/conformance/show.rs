//! Values as the data writes them.

use model::histogram::BucketSpan;
use model::storage::HistogramSample;
use model::{Exemplar, Labels};
use serde_json::{Map, Value, json};

pub(crate) fn number(value: f64) -> Value {
    if value.is_nan() {
        return json!(format!("NaN:{:016x}", value.to_bits()));
    }
    json!(model::format::float_general(value))
}

pub(crate) fn label_object(labels: &Labels) -> Value {
    let pairs = labels
        .iter()
        .map(|(name, value)| (name.to_owned(), json!(value)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

pub(crate) fn exemplar_object(exemplar: &Exemplar) -> Value {
    let mut object =
        json!({"labels": label_object(&exemplar.labels), "value": number(exemplar.value)});
    if let Some(time) = exemplar.time {
        object["t_ms"] = json!(time.0);
    }
    object
}

pub(crate) fn spans(spans: &[BucketSpan]) -> Value {
    spans
        .iter()
        .map(|span| json!([span.offset, span.length]))
        .collect()
}

pub(crate) fn numbers(values: &[f64]) -> Value {
    values.iter().map(|value| number(*value)).collect()
}

pub(crate) fn histogram_object(histogram: &HistogramSample) -> Value {
    match histogram {
        HistogramSample::Integer(h) => json!({
            "kind": "int", "schema": h.schema, "counter_reset_hint": h.counter_reset_hint as u8,
            "count": h.count, "sum": number(h.sum),
            "zero_count": h.zero_count, "zero_threshold": number(h.zero_threshold),
            "positive_spans": spans(&h.positive_spans), "negative_spans": spans(&h.negative_spans),
            "positive_deltas": h.positive_deltas, "negative_deltas": h.negative_deltas,
            "custom_values": numbers(&h.custom_values),
        }),
        HistogramSample::Float(h) => json!({
            "kind": "float", "schema": h.schema, "counter_reset_hint": h.counter_reset_hint as u8,
            "count": number(h.count), "sum": number(h.sum),
            "zero_count": number(h.zero_count), "zero_threshold": number(h.zero_threshold),
            "positive_spans": spans(&h.positive_spans), "negative_spans": spans(&h.negative_spans),
            "positive_buckets": numbers(&h.positive_buckets), "negative_buckets": numbers(&h.negative_buckets),
            "custom_values": numbers(&h.custom_values),
        }),
    }
}
