//! `metrics`: the names of metrics with type, help, unit and how many series each has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::params::Params;
use crate::prometheus::metadata::by_family;
use crate::respond::{ApiError, success};
use crate::sources::Api;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MetricRow")]
pub(crate) struct MetricTwin {
    name: String,
    /// Absent where there are more metrics than are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<u64>,
    /// As the targets tell it; "" if none does.
    kind: String,
    help: String,
    unit: String,
}

pub(crate) type MetricsTwin = Page<MetricTwin>;

impl Row for MetricTwin {
    fn has_word(&self, word: &str) -> bool {
        contains(&self.name, word) || contains(&self.help, word)
    }

    fn label(&self, name: &str) -> Option<&str> {
        (name == "__name__").then_some(&*self.name)
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "type" if !self.kind.is_empty() => vec![&self.kind],
            "unit" if !self.unit.is_empty() => vec![&self.unit],
            _ => Vec::new(),
        }
    }
}

const LIST: ListKind<MetricTwin> = ListKind {
    keys: &["type", "unit"],
    counted: &["type"],
    orders: &[
        ("name", |a, b| a.name.cmp(&b.name)),
        ("series", |a, b| a.series.cmp(&b.series)),
        ("type", |a, b| a.kind.cmp(&b.kind)),
    ],
};

/// Metrics whose series are counted, those with most first.
const COUNTED_MAX: usize = 10_000;

/// Parts of a histogram or summary are told about under the name of the whole.
const SUFFIXES: &[&str] = &["_bucket", "_count", "_sum", "_total", "_created", "_info"];

pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let told = by_family(&api);
    let names = crate::prometheus::series::metric_names(&api).await?;
    let counts = api.tsdb.status(COUNTED_MAX).series_count_by_metric_name;
    let counts: HashMap<String, u64> = counts
        .into_iter()
        .map(|count| (count.name, count.value))
        .collect();
    let rows = names.into_iter().map(|name| {
        let family = told.get(&name).or_else(|| {
            let whole = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            whole.and_then(|whole| told.get(whole))
        });
        let first = family.and_then(|entries| entries.iter().next());
        MetricTwin {
            series: counts.get(&name).copied(),
            kind: first.map(|entry| entry.kind.clone()).unwrap_or_default(),
            help: first.map(|entry| entry.help.clone()).unwrap_or_default(),
            unit: first.map(|entry| entry.unit.clone()).unwrap_or_default(),
            name,
        }
    });
    Ok(success(&LIST.page(rows.collect(), &params)?))
}

/// `cardinality`: which labels make the series of a metric many.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Cardinality")]
pub(crate) struct CardinalityTwin {
    metric: String,
    series: usize,
    /// Values of each label with how many series have them, most first; at most 100 of each.
    labels: Vec<LabelTwin>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LabelCardinality")]
pub(crate) struct LabelTwin {
    name: String,
    values: usize,
    top: Vec<(String, usize)>,
}

/// Values that are told of each label.
const TOP_MAX: usize = 100;
/// Series that are looked at, newest hour first; a metric with more is told about in part.
const SERIES_MAX: usize = 200_000;

pub(crate) async fn cardinality(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let metric = params.get("metric").to_owned();
    if metric.is_empty() {
        return Err(ApiError::parameter("metric", "name a metric"));
    }
    let matcher = model::Matcher::equal("__name__", metric.as_str());
    let series = crate::prometheus::series::labels_of(&api, vec![matcher], SERIES_MAX).await?;
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for labels in &series {
        for (name, value) in labels.iter().filter(|(name, _)| *name != "__name__") {
            let values = counts.entry(name.to_owned()).or_default();
            *values.entry(value.to_owned()).or_default() += 1;
        }
    }
    let labels = counts.into_iter().map(|(name, values)| {
        let count = values.len();
        let mut top: Vec<(String, usize)> = values.into_iter().collect();
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        top.truncate(TOP_MAX);
        LabelTwin {
            name,
            values: count,
            top,
        }
    });
    let mut labels: Vec<LabelTwin> = labels.collect();
    labels.sort_by(|a, b| b.values.cmp(&a.values).then_with(|| a.name.cmp(&b.name)));
    Ok(success(&CardinalityTwin {
        metric,
        series: series.len(),
        labels,
    }))
}
