//! `alertmanager/templates`: the data that templates see, what they render, and free-form payloads with
//! templates in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use alerting::{NotifiedAlert, PostedAlert, Time};
use anyhow::Context;
use gotemplate::data::alertmanager::{Alert, Data, Kv};
use model::name::NameScheme;
use model::{Duration, Pairs, Timestamp};
use notify::data::{DataInput, assemble};
use notify::payload::render_payload;
use notify::{Failure, Templates};
use serde_json::Value;

use super::alerts::{labels, pairs};
use super::config;
use crate::suite::{Case, json_line_cases, json_lines};
use crate::suites::template::compare;

/// What the cases share.
struct Shared {
    /// By name.
    data: Value,
    templates: Templates,
}

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("alertmanager/templates");
    let mut cases = json_line_cases(&dir.join("data-assembly.jsonl"), data_assembly)?;
    let path = dir.join("data.json");
    if !path.exists() {
        return Ok(cases);
    }
    let text = fs::read_to_string(path).context("reading data.json")?;
    let shared = Arc::new(Shared {
        data: serde_json::from_str(&text).context("data.json")?,
        templates: Templates::new("http://am.example.org:9093/prefix", [])?,
    });
    for (file, run) in [("deep-copy", deep_copy as Run), ("render", render)] {
        for (_, case) in json_lines(&dir.join(file).with_extension("jsonl"))? {
            let shared = shared.clone();
            let id = format!("{file}/{}", case["id"].as_str().unwrap_or("?"));
            cases.push(Case::new(id, move || run(&case, &shared)));
        }
    }
    Ok(cases)
}

type Run = fn(&Value, &Shared) -> Result<(), String>;

fn render(case: &Value, shared: &Shared) -> Result<(), String> {
    let data = shared.data(case)?;
    let template = case["template"].as_str().unwrap_or_default();
    let result = if case["kind"] == "html" {
        shared.templates.html(template, &data, Timestamp(0))
    } else {
        shared.templates.text(template, &data, Timestamp(0))
    };
    compare(result, &case["expect"], &case["error"])
}

fn deep_copy(case: &Value, shared: &Shared) -> Result<(), String> {
    let data = shared.data(case)?;
    let source = case["yaml"].as_str().unwrap_or_default();
    let value = yaml::Value::from_node(&config::read(source)?);
    let mut render = |template: &str| {
        shared
            .templates
            .text(template, &data, Timestamp(0))
            .map_err(Failure::permanent)
    };
    let actual = render_payload(&value, &mut render);
    match (&case["error"], actual) {
        (Value::String(_), Err(_)) => Ok(()),
        (Value::String(error), Ok(actual)) => {
            Err(format!("expected the error {error}, got {actual}"))
        }
        (_, Err(failure)) => Err(failure.message),
        (_, Ok(actual)) if actual == case["expect"] => Ok(()),
        (_, Ok(actual)) => Err(format!("expected {}, got {actual}", case["expect"])),
    }
}

impl Shared {
    /// The data that a case names.
    fn data(&self, case: &Value) -> Result<Data, String> {
        data(&self.data[case["data"].as_str().unwrap_or_default()])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn kv(value: &Value) -> Kv {
    match value.as_object() {
        None => Kv::nil(),
        Some(entries) => Kv::new(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn data(value: &Value) -> Result<Data, String> {
    let time = |value: &Value| {
        gotemplate::Time::parse_rfc3339(&text(value)).map_err(|error| error.to_string())
    };
    let alert = |value: &Value| {
        Ok::<_, String>(Alert {
            status: text(&value["status"]),
            labels: kv(&value["labels"]),
            annotations: kv(&value["annotations"]),
            starts_at: time(&value["startsAt"])?,
            ends_at: time(&value["endsAt"])?,
            generator_url: text(&value["generatorURL"]),
            fingerprint: text(&value["fingerprint"]),
        })
    };
    let alerts = value["alerts"].as_array();
    Ok(Data {
        receiver: text(&value["receiver"]),
        status: text(&value["status"]),
        alerts: alerts
            .map(|alerts| alerts.iter().map(alert).collect::<Result<_, _>>())
            .transpose()?,
        notification_reason: text(&value["notification_reason"]),
        group_labels: kv(&value["groupLabels"]),
        common_labels: kv(&value["commonLabels"]),
        common_annotations: kv(&value["commonAnnotations"]),
        route_labels: kv(&value["routeLabels"]),
        external_url: text(&value["externalURL"]),
        route_labels_rendered: false,
    })
}

/// From alerts to data.
fn data_assembly(case: &Value) -> Result<(), String> {
    let now = Time::parse("2026-01-01T00:00:00Z").map_err(|error| error.to_string())?;
    let mut alerts = Vec::new();
    for value in case["alerts"].as_array().into_iter().flatten() {
        let time = |key: &str| {
            let text = value[key].as_str().unwrap_or_default();
            let time = Time::parse(text).map_err(|error| error.to_string())?;
            Ok::<_, String>(Some(time).filter(|time| !time.is_unset()))
        };
        let annotations: BTreeMap<_, _> = pairs(&value["annotations"])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let ends_at = time("endsAt")?;
        let posted = PostedAlert {
            labels: labels(&value["labels"]),
            annotations: Pairs::from(&annotations),
            starts_at: time("startsAt")?,
            ends_at: None,
            generator_url: value["generatorURL"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        let timeout = Duration::from_secs(3600);
        let mut alert = alerting::Alert::from_posted(&posted, now, timeout, NameScheme::Utf8);
        if let (Ok(alert), Some(ends_at)) = (&mut alert, ends_at) {
            // Some of the cases end before they start, which a post could not.
            alert.ends_at = ends_at;
        }
        let alert = alert.unwrap_or_else(|_| alerting::Alert {
            fingerprint: alerting::Fingerprint(posted.labels.fingerprint()),
            labels: posted.labels.clone(),
            about: alerting::About::new(posted.annotations.clone(), &posted.generator_url),
            starts_at: posted.starts_at.unwrap_or(now),
            ends_at: ends_at.unwrap_or(now + timeout),
            end_kind: alerting::alert::EndKind::Explicit,
            updated_at: now,
        });
        alerts.push(NotifiedAlert {
            is_resolved: alert.is_resolved_at(now),
            alert: Arc::new(alert),
        });
    }
    let route_labels = pairs(&case["route_labels"])
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let data = assemble(&DataInput {
        receiver: case["receiver"].as_str().unwrap_or_default(),
        group_labels: &labels(&case["group_labels"]),
        route_labels: &route_labels,
        reason: case["reason"].as_str().unwrap_or_default(),
        external_url: case["external_url"].as_str().unwrap_or_default(),
        alerts: &alerts,
    });
    let text = gotemplate::to_json(&data.to_value(), 1 << 20)?;
    let actual: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if actual == case["expect"] {
        return Ok(());
    }
    Err(format!("expected {}, got {actual}", case["expect"]))
}
