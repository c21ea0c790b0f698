//! `why`: why something is not scraped. From what was found for a text, a chain of checks each.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Labels;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Filter, Row, contains};
use super::reasons::ReasonTwin;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::{ActiveTargetView, Api, DecisionView, DroppedTargetView, RelabelStepView};

/// Things that are told about in one answer.
const CASES_MAX: usize = 50;
const REASONS_MAX: usize = 50;

/// One step of the way from an object to stored samples.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Hop")]
pub(crate) struct HopTwin {
    /// `object`, `selected`, `discovered`, `relabelled`, `kept`, `scraped`, `stored`.
    step: &'static str,
    /// `yes`, `no`, `unknown` or `not-reached`.
    outcome: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl HopTwin {
    fn new(step: &'static str, outcome: &'static str, message: impl Into<String>) -> Self {
        Self {
            step,
            outcome,
            message: message.into(),
            code: None,
            hint: None,
        }
    }

    fn coded(self, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..self
        }
    }
}

/// One thing that the text names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WhyCase")]
pub(crate) struct CaseTwin {
    /// `object` or `target`.
    kind: &'static str,
    subject: String,
    /// Of a target.
    #[serde(skip_serializing_if = "String::is_empty")]
    pool: String,
    /// Whether everything is as it should be.
    good: bool,
    hops: Vec<HopTwin>,
    labels: BTreeMap<String, String>,
    relabelling: Vec<RelabelStepView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Why")]
pub(crate) struct WhyTwin {
    /// What is wrong first.
    cases: Vec<CaseTwin>,
    cases_total: usize,
    /// Refusals whose text or subject matches.
    reasons: Vec<ReasonTwin>,
    /// Jobs that there are, for a text that finds nothing.
    pools: Vec<String>,
}

impl Row for ActiveTargetView {
    fn has_word(&self, word: &str) -> bool {
        contains(&self.scrape_url, word)
            || contains(&self.scrape_pool, word)
            || contains(&self.last_error, word)
            || self.last_error_code.is_some_and(|code| code == word)
            || have(&self.labels, word)
            || have(&self.discovered_labels, word)
    }
    fn label(&self, name: &str) -> Option<&str> {
        let own = self.labels.get(name);
        own.or_else(|| self.discovered_labels.get(name))
            .map(String::as_str)
    }
    fn facet(&self, _: &str) -> Vec<&str> {
        vec![&self.scrape_pool]
    }
}

impl Row for DroppedTargetView {
    fn has_word(&self, word: &str) -> bool {
        contains(&self.scrape_pool, word)
            || contains(&self.reason, word)
            || self.code == word
            || have(&self.discovered_labels, word)
    }
    fn label(&self, name: &str) -> Option<&str> {
        self.discovered_labels.get(name).map(String::as_str)
    }
    fn facet(&self, _: &str) -> Vec<&str> {
        vec![&self.scrape_pool]
    }
}

impl Row for DecisionView {
    fn has_word(&self, word: &str) -> bool {
        contains(&self.object, word) || contains(&self.message, word) || self.code == word
    }
    fn label(&self, _: &str) -> Option<&str> {
        None
    }
    fn facet(&self, _: &str) -> Vec<&str> {
        Vec::new()
    }
}

fn have(labels: &BTreeMap<String, String>, word: &str) -> bool {
    labels.values().any(|value| contains(value, word))
}

fn of_object(decision: DecisionView) -> CaseTwin {
    let place = match (&decision.file, decision.line) {
        (file, _) if file.is_empty() => "it was read".to_owned(),
        (file, line) => format!("{file}, line {line}"),
    };
    let by = decision
        .by
        .map_or(String::new(), |by| format!(" (decided by {by})"));
    let outcome = if decision.in_use { "yes" } else { "no" };
    let mut chosen =
        HopTwin::new("selected", outcome, format!("{}{by}", decision.message)).coded(decision.code);
    chosen.hint = decision.hint;
    let mut hops = vec![HopTwin::new("object", "yes", place), chosen];
    if !decision.in_use {
        hops.push(HopTwin::new("discovered", "not-reached", ""));
    }
    CaseTwin {
        kind: "object",
        subject: decision.object,
        pool: String::new(),
        good: decision.in_use,
        hops,
        labels: BTreeMap::new(),
        relabelling: Vec::new(),
    }
}

fn discovered(pool: &str) -> HopTwin {
    HopTwin::new("discovered", "yes", format!("found for job {pool}"))
}

fn address(labels: &BTreeMap<String, String>) -> String {
    labels.get("__address__").cloned().unwrap_or_default()
}

fn of_dropped(target: DroppedTargetView, steps: Vec<RelabelStepView>) -> CaseTwin {
    let is_relabelling = target.code == "target-dropped-by-relabelling";
    let mut hops = vec![discovered(&target.scrape_pool)];
    if is_relabelling {
        let at = steps
            .iter()
            .position(|step| !step.kept)
            .map_or(steps.len(), |at| at + 1);
        let message = format!("rule {at} dropped it: {}", target.reason);
        hops.push(HopTwin::new("relabelled", "no", message).coded(target.code));
        hops.push(HopTwin::new("kept", "not-reached", ""));
    } else {
        hops.push(HopTwin::new(
            "relabelled",
            "yes",
            "the relabelling rules keep it",
        ));
        hops.push(HopTwin::new("kept", "no", target.reason).coded(target.code));
    }
    hops.push(HopTwin::new("scraped", "not-reached", ""));
    CaseTwin {
        kind: "target",
        subject: address(&target.discovered_labels),
        pool: target.scrape_pool,
        good: false,
        hops,
        labels: target.discovered_labels,
        relabelling: steps,
    }
}

fn of_active(target: ActiveTargetView, steps: Vec<RelabelStepView>) -> CaseTwin {
    let mut hops = vec![
        discovered(&target.scrape_pool),
        HopTwin::new("relabelled", "yes", "the relabelling rules keep it"),
        HopTwin::new("kept", "yes", format!("scraped as {}", target.scrape_url)),
    ];
    match target.health.as_str() {
        "up" => {
            let message = format!("last time at {}", target.last_scrape);
            hops.push(HopTwin::new("scraped", "yes", message));
            let message = format!("{} samples", target.last_samples);
            hops.push(HopTwin::new("stored", "yes", message));
        }
        "down" => {
            let hop = HopTwin::new("scraped", "no", target.last_error.clone());
            hops.push(match target.last_error_code {
                Some(code) => hop.coded(code),
                None => hop,
            });
            hops.push(HopTwin::new("stored", "not-reached", ""));
        }
        _ => hops.push(HopTwin::new("scraped", "unknown", "not scraped yet")),
    }
    CaseTwin {
        kind: "target",
        subject: target.scrape_url,
        pool: target.scrape_pool,
        good: target.health == "up",
        hops,
        labels: target.discovered_labels,
        relabelling: steps,
    }
}

/// `why?q=…&limit=…`.
pub(crate) async fn why(State(api): State<Arc<Api>>, params: Params) -> Result<Response, ApiError> {
    let filter = Filter::parse(params.get("q"), &["pool"])?;
    let view = api.targets.targets();
    let steps = |pool: &str, labels: &BTreeMap<String, String>| {
        let labels = Labels::from_pairs(labels.clone());
        api.targets.relabel_steps(pool, &labels).unwrap_or_default()
    };
    let decisions = api.reasons.decisions().into_iter();
    let mut objects: Vec<DecisionView> = decisions.filter(|one| filter.accepts(one)).collect();
    let mut active: Vec<ActiveTargetView> = view.active;
    active.retain(|one| filter.accepts(one));
    let mut dropped: Vec<DroppedTargetView> = view.dropped;
    dropped.retain(|one| filter.accepts(one));
    let cases_total = objects.len() + active.len() + dropped.len();
    // What is wrong stays when the rest is cut off. Relabelling is traced only for what is shown.
    objects.sort_by_key(|one| one.in_use);
    active.sort_by_key(|one| one.health == "up");
    objects.truncate(CASES_MAX);
    dropped.truncate(CASES_MAX);
    active.truncate(CASES_MAX);
    let mut cases: Vec<CaseTwin> = objects.into_iter().map(of_object).collect();
    cases.extend(dropped.into_iter().map(|one| {
        let steps = steps(&one.scrape_pool, &one.discovered_labels);
        of_dropped(one, steps)
    }));
    cases.extend(active.into_iter().map(|one| {
        let steps = steps(&one.scrape_pool, &one.discovered_labels);
        of_active(one, steps)
    }));
    cases.sort_by_key(|case| case.good);
    cases.truncate(CASES_MAX);
    let reasons = api.reasons.entries(None).into_iter().map(ReasonTwin::of);
    Ok(success(&WhyTwin {
        cases,
        cases_total,
        reasons: reasons
            .filter(|reason| filter.accepts(reason))
            .take(REASONS_MAX)
            .collect(),
        pools: api.targets.pools(),
    }))
}
