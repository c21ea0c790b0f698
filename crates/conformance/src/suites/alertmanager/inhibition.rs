//! `alertmanager/inhibition`: which targets are muted by which sources.

use std::path::Path;
use std::sync::Arc;

use alerting::inhibit::Inhibitor;
use alerting::{Alert, PostedAlert, Time};
use model::Duration;
use model::name::NameScheme;
use serde_json::Value;

use super::alerts::{labels, same};
use super::config;
use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(&dir.join("alertmanager/inhibition/inhibition.jsonl"), run)
}

fn run(case: &Value) -> Result<(), String> {
    let rules = config::lone_inhibit_rules(case["inhibit_rules"].as_str().unwrap_or_default());
    let rules = match (case["load_error"].as_str(), rules) {
        (None, rules) => rules?,
        (Some(expected), Ok(_)) => return Err(format!("loads, expected the error {expected}")),
        (Some(expected), Err(error)) => return same("error", &error.as_str(), &expected),
    };
    let mut inhibitor = Inhibitor::new(&rules);
    let now = Time::new(1_700_000_000, 0);
    for source in case["sources"].as_array().into_iter().flatten() {
        let seconds = |key: &str| {
            let seconds = source[key].as_i64().unwrap_or_default();
            now + Duration::from_secs(seconds)
        };
        let posted = PostedAlert {
            starts_at: Some(seconds("starts_in_s")),
            ends_at: Some(seconds("ends_in_s")),
            ..PostedAlert::from_labels(labels(&source["labels"]))
        };
        let alert = Alert::from_posted(&posted, now, Duration::ZERO, NameScheme::Utf8)
            .map_err(|error| error.to_string())?;
        inhibitor.observe(&Arc::new(alert));
    }
    for target in case["expect"].as_array().into_iter().flatten() {
        let inhibition = inhibitor.inhibition(&labels(&target["labels"]), now);
        let actual: Vec<String> = inhibition
            .iter()
            .map(|inhibition| inhibition.source.to_string())
            .collect();
        let expected: Vec<String> = target["inhibited_by"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|source| Some(source.as_str()?.to_owned()))
            .collect();
        same(&target["labels"].to_string(), &actual, &expected)?;
        let muted = target["muted"].as_bool().unwrap_or_default();
        same("muted", &inhibition.is_some(), &muted)?;
    }
    Ok(())
}
