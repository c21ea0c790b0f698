//! `alertmanager/templates/deep-copy.jsonl`: free-form payloads with templates in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use gotemplate::data::alertmanager::{Alert, Data, Kv};
use model::Timestamp;
use notify::payload::render_payload;
use notify::{Failure, Templates};
use serde_json::Value;

use super::config;
use crate::suite::{Case, json_lines};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("alertmanager/templates");
    let lines = json_lines(&dir.join("deep-copy.jsonl"))?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(dir.join("data.json")).context("reading data.json")?;
    let data: Value = serde_json::from_str(&text).context("data.json")?;
    let templates = Templates::new("http://am.example.org:9093/prefix", [])?;
    let shared = Arc::new((data, templates));
    Ok(lines
        .into_iter()
        .map(|(_, case)| {
            let shared = shared.clone();
            let id = case["id"].as_str().unwrap_or("?").to_owned();
            Case::new(format!("deep-copy/{id}"), move || {
                run(&case, &shared.0, &shared.1)
            })
        })
        .collect())
}

fn run(case: &Value, all_data: &Value, templates: &Templates) -> Result<(), String> {
    let key = case["data"].as_str().unwrap_or_default();
    let data = data(&all_data[key])?;
    let source = case["yaml"].as_str().unwrap_or_default();
    let value = yaml::Value::from_node(&config::read(source)?);
    let mut render = |template: &str| {
        templates
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
