//! `targets`, `discovery`, `targets/dropped`, `targets/relabel`: what is scraped, what is not, and which
//! rule decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Labels;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::{ActiveTargetView, Api, DroppedTargetView, RelabelStepView};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TargetRow")]
pub(crate) struct TargetTwin {
    #[serde(flatten)]
    view: ActiveTargetView,
    #[serde(rename = "samplesScraped")]
    samples_scraped: usize,
    /// Code of the reason, if the newest scrape failed.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
}

pub(crate) type TargetsTwin = Page<TargetTwin>;

impl TargetTwin {
    fn urgency(&self) -> u8 {
        match self.view.health.as_str() {
            "down" => 0,
            "unknown" => 1,
            _ => 2,
        }
    }
}

fn labels_have(labels: &BTreeMap<String, String>, word: &str) -> bool {
    labels
        .iter()
        .any(|(name, value)| contains(name, word) || contains(value, word))
}

impl Row for TargetTwin {
    fn has_word(&self, word: &str) -> bool {
        let view = &self.view;
        [&view.scrape_url, &view.scrape_pool, &view.last_error]
            .iter()
            .any(|text| contains(text, word))
            || labels_have(&view.labels, word)
    }

    fn label(&self, name: &str) -> Option<&str> {
        let view = &self.view;
        let found = view
            .labels
            .get(name)
            .or_else(|| view.discovered_labels.get(name));
        found.map(String::as_str)
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "health" => vec![&self.view.health],
            "pool" => vec![&self.view.scrape_pool],
            "up" if self.view.health == "up" => vec![&self.view.scrape_pool],
            "code" => self.error_code.into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

const LIST: ListKind<TargetTwin> = ListKind {
    keys: &["health", "pool", "up", "code"],
    counted: &["health", "pool", "up"],
    orders: &[
        ("pool", |a, b| {
            (&a.view.scrape_pool, a.urgency()).cmp(&(&b.view.scrape_pool, b.urgency()))
        }),
        ("health", |a, b| a.urgency().cmp(&b.urgency())),
        ("url", |a, b| a.view.scrape_url.cmp(&b.view.scrape_url)),
        ("last", |a, b| a.view.last_scrape.cmp(&b.view.last_scrape)),
        ("duration", |a, b| {
            a.view
                .last_scrape_duration
                .total_cmp(&b.view.last_scrape_duration)
        }),
        ("samples", |a, b| a.samples_scraped.cmp(&b.samples_scraped)),
    ],
};

/// `targets`: what is scraped.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let rows = api.targets.targets().active.into_iter();
    let rows = rows.map(|view| TargetTwin {
        samples_scraped: view.last_samples,
        error_code: view.last_error_code,
        view,
    });
    Ok(success(&LIST.page(rows.collect(), &params)?))
}

/// A discovered target, before and after relabelling.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DiscoveredRow")]
pub(crate) struct DiscoveredTwin {
    pool: String,
    /// `kept` or `dropped`.
    outcome: &'static str,
    /// Code of the reason if it was dropped.
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    discovered_labels: BTreeMap<String, String>,
    /// Empty if it was dropped.
    labels: BTreeMap<String, String>,
}

pub(crate) type DiscoveryTwin = Page<DiscoveredTwin>;

impl Row for DiscoveredTwin {
    fn has_word(&self, word: &str) -> bool {
        contains(&self.pool, word)
            || contains(&self.reason, word)
            || labels_have(&self.discovered_labels, word)
            || labels_have(&self.labels, word)
    }

    fn label(&self, name: &str) -> Option<&str> {
        let found = self
            .labels
            .get(name)
            .or_else(|| self.discovered_labels.get(name));
        found.map(String::as_str)
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "pool" => vec![&self.pool],
            "outcome" => vec![self.outcome],
            "code" if !self.code.is_empty() => vec![self.code],
            _ => Vec::new(),
        }
    }
}

const DISCOVERED: ListKind<DiscoveredTwin> = ListKind {
    keys: &["pool", "outcome", "code"],
    counted: &["pool", "outcome", "code"],
    orders: &[
        ("pool", |a, b| {
            (&a.pool, a.outcome).cmp(&(&b.pool, b.outcome))
        }),
        ("outcome", |a, b| a.outcome.cmp(b.outcome)),
        ("code", |a, b| a.code.cmp(b.code)),
    ],
};

/// `discovery`: everything that was found, kept or dropped.
pub(crate) async fn discovery(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let view = api.targets.targets();
    let kept = view.active.into_iter().map(|target| DiscoveredTwin {
        pool: target.scrape_pool,
        outcome: "kept",
        code: "",
        reason: String::new(),
        discovered_labels: target.discovered_labels,
        labels: target.labels,
    });
    let dropped = view.dropped.into_iter().map(|target| DiscoveredTwin {
        pool: target.scrape_pool,
        outcome: "dropped",
        code: target.code,
        reason: target.reason,
        discovered_labels: target.discovered_labels,
        labels: BTreeMap::new(),
    });
    let rows = kept.chain(dropped).collect();
    Ok(success(&DISCOVERED.page(rows, &params)?))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DroppedTargetWithReason")]
pub(crate) struct DroppedTwin {
    scrape_pool: String,
    code: &'static str,
    reason: String,
    discovered_labels: BTreeMap<String, String>,
}

impl DroppedTwin {
    pub(super) fn of(target: DroppedTargetView) -> Self {
        Self {
            scrape_pool: target.scrape_pool,
            code: target.code,
            reason: target.reason,
            discovered_labels: target.discovered_labels,
        }
    }
}

/// `targets/dropped`: discovered targets that are not scraped, each with the reason.
pub(crate) async fn dropped(State(api): State<Arc<Api>>) -> Response {
    let dropped = api.targets.targets().dropped.into_iter();
    success(&dropped.map(DroppedTwin::of).collect::<Vec<_>>())
}

/// What the relabelling rules of a job do to one discovered target.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RelabelTrace")]
pub(crate) struct TraceTwin {
    steps: Vec<RelabelStepView>,
}

/// `targets/relabel?pool=…&labels={"name":"value",…}`.
pub(crate) async fn relabel(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let labels: BTreeMap<String, String> = serde_json::from_str(params.get("labels"))
        .map_err(|error| ApiError::parameter("labels", format!("not a JSON object: {error}")))?;
    let pool = params.get("pool");
    let steps = api
        .targets
        .relabel_steps(pool, &Labels::from_pairs(labels))
        .ok_or_else(|| ApiError::parameter("pool", format!("there is no job {pool:?}")))?;
    Ok(success(&TraceTwin { steps }))
}
