//! Metrics of OpenTelemetry: `ExportMetricsServiceRequest`, read from protobuf (`proto`) or JSON (`json`); and our own
//! spans, written (`traces`).
//!
//! Source: the protocol's `metrics.proto`, `common.proto` and the rules for JSON of its specification. What
//! Prometheus has no use for (counts of dropped attributes, smallest and largest values) is not read.
//!
//! Memory: a body can stand for many times its length, so both readers count what they make
//! ([`OtlpError::TooMuch`]).

mod json;
mod json_problem;
mod proto;
mod traces;
mod value;

use crate::proto::reader::ProtoError;

pub use traces::{Span, SpanKind, SpanValue, encode_spans};
pub use value::{AnyValue, Attribute};

use serde::Deserialize;

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpError {
    #[error(transparent)]
    Proto(#[from] ProtoError),
    /// Says where.
    #[error("{0}")]
    Json(String),
    #[error("the request stands for too much; send it in several parts")]
    TooMuch,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    pub resource_metrics: Vec<ResourceMetrics>,
}

impl Request {
    pub fn from_protobuf(body: &[u8]) -> Result<Self, OtlpError> {
        proto::request(body)
    }

    pub fn from_json(body: &[u8]) -> Result<Self, OtlpError> {
        json::request(body)
    }
}

/// What one resource, such as a process, sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetrics {
    pub resource: Resource,
    pub scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Resource {
    pub attributes: Vec<Attribute>,
}

/// What one library in it sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeMetrics {
    pub scope: Scope,
    pub metrics: Vec<Metric>,
    pub schema_url: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Vec<Attribute>,
}

/// One metric. The first kind of points that is there counts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    pub name: String,
    pub description: String,
    pub unit: String,
    pub gauge: Option<Box<Gauge>>,
    pub sum: Option<Box<Sum>>,
    pub histogram: Option<Box<Histogram>>,
    pub exponential_histogram: Option<Box<ExponentialHistogram>>,
    pub summary: Option<Box<Summary>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gauge {
    pub data_points: Vec<NumberPoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sum {
    pub data_points: Vec<NumberPoint>,
    #[serde(deserialize_with = "json::temporality")]
    pub aggregation_temporality: Temporality,
    pub is_monotonic: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Histogram {
    pub data_points: Vec<HistogramPoint>,
    #[serde(deserialize_with = "json::temporality")]
    pub aggregation_temporality: Temporality,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialHistogram {
    pub data_points: Vec<ExponentialPoint>,
    #[serde(deserialize_with = "json::temporality")]
    pub aggregation_temporality: Temporality,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Summary {
    pub data_points: Vec<SummaryPoint>,
}

/// Since when values count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    #[default]
    Unspecified,
    /// Since the point before.
    Delta,
    /// Since a start that stays the same.
    Cumulative,
}

impl Temporality {
    fn of_number(number: u64) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// Flag: there is no value, the series ends.
pub const NO_RECORDED_VALUE: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NumberPoint {
    pub attributes: Vec<Attribute>,
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "json::some_double")]
    pub as_double: Option<f64>,
    #[serde(deserialize_with = "json::some_signed")]
    pub as_int: Option<i64>,
    pub exemplars: Vec<Exemplar>,
    pub flags: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistogramPoint {
    pub attributes: Vec<Attribute>,
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "json::unsigned")]
    pub count: u64,
    #[serde(deserialize_with = "json::some_double")]
    pub sum: Option<f64>,
    /// One more than bounds.
    #[serde(deserialize_with = "json::unsigned_list")]
    pub bucket_counts: Vec<u64>,
    #[serde(deserialize_with = "json::double_list")]
    pub explicit_bounds: Vec<f64>,
    pub exemplars: Vec<Exemplar>,
    pub flags: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialPoint {
    pub attributes: Vec<Attribute>,
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "json::unsigned")]
    pub count: u64,
    #[serde(deserialize_with = "json::some_double")]
    pub sum: Option<f64>,
    pub scale: i32,
    #[serde(deserialize_with = "json::unsigned")]
    pub zero_count: u64,
    pub positive: Buckets,
    pub negative: Buckets,
    pub exemplars: Vec<Exemplar>,
    pub flags: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buckets {
    pub offset: i32,
    #[serde(deserialize_with = "json::unsigned_list")]
    pub bucket_counts: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SummaryPoint {
    pub attributes: Vec<Attribute>,
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "json::unsigned")]
    pub count: u64,
    #[serde(deserialize_with = "json::double")]
    pub sum: f64,
    pub quantile_values: Vec<QuantileValue>,
    pub flags: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QuantileValue {
    #[serde(deserialize_with = "json::double")]
    pub quantile: f64,
    #[serde(deserialize_with = "json::double")]
    pub value: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exemplar {
    pub filtered_attributes: Vec<Attribute>,
    #[serde(deserialize_with = "json::unsigned")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "json::some_double")]
    pub as_double: Option<f64>,
    #[serde(deserialize_with = "json::some_signed")]
    pub as_int: Option<i64>,
    /// In hexadecimal.
    pub span_id: String,
    pub trace_id: String,
}
