//! `targets/metadata`: what each target tells of its metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Labels, Matcher, Metadata};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::metadata::EntryTwin;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TargetMetadata")]
pub(crate) struct TargetMetadataTwin {
    target: BTreeMap<String, String>,
    /// Left out where one metric was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(flatten)]
    entry: EntryTwin,
}

pub(crate) async fn target_metadata(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = match params.some("limit") {
        None => usize::MAX,
        Some(text) => {
            let limit: i64 = text
                .parse()
                .map_err(|_| ApiError::bad_data("limit must be a number"))?;
            // Negative means all, as in the peer.
            usize::try_from(limit).unwrap_or(usize::MAX)
        }
    };
    let matchers = match params.some("match_target") {
        None => Vec::new(),
        Some(text) => promql::parse_metric_selector(text)
            .map_err(|errors| ApiError::parameter("match_target", errors))?,
    };
    let found = api.targets.target_metadata();
    Ok(success(&select(
        found,
        &matchers,
        params.get("metric"),
        limit,
    )))
}

/// The limit ends the list after the target that reaches it, as in the peer.
fn select(
    targets: Vec<(Labels, Vec<(String, Metadata)>)>,
    matchers: &[Matcher],
    metric: &str,
    limit: usize,
) -> Vec<TargetMetadataTwin> {
    let mut found = Vec::new();
    for (labels, families) in targets {
        if found.len() >= limit {
            break;
        }
        if !matchers
            .iter()
            .all(|matcher| matcher.matches_labels(&labels))
        {
            continue;
        }
        for (family, metadata) in families {
            if !metric.is_empty() && metric != family {
                continue;
            }
            found.push(TargetMetadataTwin {
                target: labels.to_map(),
                metric: metric.is_empty().then_some(family),
                entry: EntryTwin {
                    kind: metadata.metric_type.as_str().to_owned(),
                    help: metadata.help,
                    unit: metadata.unit,
                },
            });
        }
    }
    found
}
