//! `alertmanager/alerts`: fingerprints, validation and merging.

use std::collections::BTreeMap;
use std::path::Path;

use alerting::alert::{AlertParts, EndKind};
use alerting::{About, Alert, Fingerprint, Time};
use model::name::NameScheme;
use model::{Duration, Labels, Pairs};
use serde_json::Value;

use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("alertmanager/alerts");
    let mut cases = json_line_cases(&dir.join("fingerprints.jsonl"), fingerprint)?;
    cases.extend(json_line_cases(&dir.join("validate.jsonl"), validate)?);
    cases.extend(json_line_cases(&dir.join("merge.jsonl"), merge)?);
    Ok(cases)
}

pub(super) fn labels(value: &Value) -> Labels {
    Labels::from_pairs(pairs(value))
}

pub(super) fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    actual: &T,
    expected: &T,
) -> Result<(), String> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, got {actual:?}"))
}

fn fingerprint(case: &Value) -> Result<(), String> {
    let labels = labels(&case["labels"]);
    let actual = Fingerprint(labels.fingerprint()).to_string();
    same("fingerprint", &actual.as_str(), &text(&case["fingerprint"]))?;
    let actual = alerting::text::label_set(&labels);
    same("text", &actual.as_str(), &text(&case["labels_string"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn validate(case: &Value) -> Result<(), String> {
    let alert = &case["alert"];
    let time = |key: &str| {
        let time = Time::parse(text(&alert[key])).map_err(|error| error.to_string())?;
        Ok::<_, String>(Some(time).filter(|time| !time.is_unset()))
    };
    let names = match case["mode"].as_str() {
        Some("classic") => NameScheme::Legacy,
        _ => NameScheme::Utf8,
    };
    let parts = AlertParts {
        labels: pairs(&alert["labels"]),
        annotations: pairs(&alert["annotations"]),
        starts_at: time("startsAt")?,
        ends_at: time("endsAt")?,
    };
    let actual = parts.check(names).err().map(|error| error.to_string());
    let expected = case["error"].as_str().map(str::to_owned);
    same("error", &actual, &expected)
}

fn merge(case: &Value) -> Result<(), String> {
    let now = Time::new(1_700_000_000, 0);
    let alert = |value: &Value| {
        let minutes = |key: &str| {
            let minutes = value[key].as_i64().unwrap_or_default();
            now + Duration::from_secs(minutes * 60)
        };
        let annotations: BTreeMap<_, _> = pairs(&value["annotations"])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Alert {
            fingerprint: Fingerprint(0),
            labels: Labels::empty(),
            about: About::new(Pairs::from(&annotations), ""),
            starts_at: minutes("starts_min"),
            ends_at: minutes("ends_min"),
            end_kind: match value["timeout"].as_bool() {
                Some(true) => EndKind::Timeout,
                _ => EndKind::Explicit,
            },
            updated_at: minutes("updated_min"),
        }
    };
    let merged = alert(&case["a"]).merge(&alert(&case["b"]), now);
    same("merged", &merged, &alert(&case["expect"]))
}
