//! `targets/relabel_steps` and `scrape_pools/config`: how a job treats what is discovered.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Labels;
use model::relabel::{RelabelConfig, apply};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::status::ConfigTwin;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::Api;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RelabelSteps")]
pub(crate) struct StepsTwin {
    steps: Vec<StepTwin>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PrometheusRelabelStep")]
struct StepTwin {
    rule: RuleTwin,
    /// Empty once the target is dropped.
    output: BTreeMap<String, String>,
    keep: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RelabelRule")]
struct RuleTwin {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_labels: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    separator: String,
    regex: String,
    #[serde(skip_serializing_if = "is_zero")]
    modulus: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    target_label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    replacement: String,
    action: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl RuleTwin {
    fn of(rule: &RelabelConfig) -> Self {
        Self {
            source_labels: rule.source_labels.clone(),
            separator: rule.separator.clone(),
            regex: rule.regex.as_str().to_owned(),
            modulus: rule.modulus,
            target_label: rule.target_label.clone(),
            replacement: rule.replacement.clone(),
            action: rule.action.as_str(),
        }
    }
}

fn pool(params: &Params) -> Result<&str, ApiError> {
    let missing = || ApiError::bad_data("no scrapePool parameter provided");
    params.some("scrapePool").ok_or_else(missing)
}

fn unknown(pool: &str) -> ApiError {
    ApiError::bad_data(format!(
        "error retrieving scrape config: scrape pool {} not found",
        model::format::go_quote(pool)
    ))
}

pub(crate) async fn steps(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let pool = pool(&params)?;
    let text = params.some("labels");
    let text = text.ok_or_else(|| ApiError::bad_data("no labels parameter provided"))?;
    let labels: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|error| ApiError::bad_data(format!("error parsing labels: {error}")))?;
    let rules = api
        .targets
        .relabel_rules(pool)
        .ok_or_else(|| unknown(pool))?;
    Ok(success(&StepsTwin {
        steps: trace(&rules, Labels::from_pairs(labels)),
    }))
}

/// What each rule leaves, all rules after the one that drops the target included.
fn trace(rules: &[RelabelConfig], labels: Labels) -> Vec<StepTwin> {
    let mut left = Some(labels);
    let mut steps = Vec::with_capacity(rules.len());
    for rule in rules {
        left = left.and_then(|labels| apply(std::slice::from_ref(rule), &labels));
        steps.push(StepTwin {
            rule: RuleTwin::of(rule),
            output: left.as_ref().map(Labels::to_map).unwrap_or_default(),
            keep: left.is_some(),
        });
    }
    steps
}

pub(crate) async fn pool_config(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let pool = pool(&params)?;
    let yaml = api.config.scrape_pool_yaml(pool);
    let yaml = yaml.ok_or_else(|| unknown(pool))?;
    Ok(success(&ConfigTwin { yaml }))
}
