//! `metadata`: type, help and unit of metrics, as targets tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "Metadata")]
pub(crate) struct EntryTwin {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: String,
}

pub(crate) type MetadataTwin = BTreeMap<String, BTreeSet<EntryTwin>>;

/// Different targets may tell different things of one metric.
pub(crate) fn by_family(api: &Api) -> MetadataTwin {
    let mut families = MetadataTwin::new();
    for (family, metadata) in api.targets.metadata() {
        families.entry(family).or_default().insert(EntryTwin {
            kind: metadata.metric_type.as_str().to_owned(),
            help: metadata.help,
            unit: metadata.unit,
        });
    }
    families
}

/// Negative means all, as in the peer.
fn limit(params: &Params, name: &str) -> Result<usize, ApiError> {
    let Some(text) = params.some(name) else {
        return Ok(usize::MAX);
    };
    let limit: i64 = text
        .parse()
        .map_err(|_| ApiError::bad_data(format!("{name} must be a number")))?;
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

pub(crate) async fn metadata(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let metrics_max = limit(&params, "limit")?;
    let per_metric_max = match limit(&params, "limit_per_metric")? {
        0 => usize::MAX,
        limit => limit,
    };
    let metric = params.get("metric");
    let mut families = by_family(&api);
    families.retain(|family, _| metric.is_empty() || family == metric);
    let shown = families.into_iter().take(metrics_max);
    let shown: MetadataTwin = shown
        .map(|(family, entries)| (family, entries.into_iter().take(per_metric_max).collect()))
        .collect();
    Ok(success(&shown))
}
