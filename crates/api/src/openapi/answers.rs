//! Forms of answers that handlers write digit by digit, and small ones without a type of their own.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// Seconds, and the value as text.
pub(super) type Point = (f64, String);

/// `[rule, lower, upper, count]`: the rule says which ends belong to the bucket, 0 the upper, 1 the lower,
/// 2 none, 3 both.
type Bucket = (u8, String, String, String);

#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct Histogram {
    count: String,
    sum: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<Bucket>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct InstantSample {
    metric: BTreeMap<String, String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    value: Option<Point>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    histogram: Option<(f64, Histogram)>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct RangeSeries {
    metric: BTreeMap<String, String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Point>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    histograms: Option<Vec<(f64, Histogram)>>,
}

#[derive(JsonSchema)]
#[schemars(tag = "resultType", content = "result", rename_all = "lowercase")]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) enum QueryValue {
    Scalar(Point),
    String(Point),
    Vector(Vec<InstantSample>),
    Matrix(Vec<RangeSeries>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct SampleStats {
    total_queryable_samples: u64,
    peak_samples: u64,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct QueryStats {
    samples: SampleStats,
}

/// The data of `query` and `query_range`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `json` writes")]
pub(super) struct QueryData {
    #[schemars(flatten)]
    value: QueryValue,
    /// With `stats`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    stats: Option<QueryStats>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what `exemplars` writes")]
pub(super) struct Exemplar {
    labels: BTreeMap<String, String>,
    value: String,
    timestamp: f64,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `exemplars` writes")]
pub(super) struct ExemplarsOfSeries {
    series_labels: BTreeMap<String, String>,
    exemplars: Vec<Exemplar>,
}

pub(super) type Labels = BTreeMap<String, String>;
