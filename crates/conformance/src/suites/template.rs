//! `template`: templates of rules and console pages, over the answers of queries.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gotemplate::data::prometheus::Sample;
use gotemplate::functions::prometheus;
use gotemplate::{IntKind, List, Object, Options, UintKind, Value};
use serde_json::Value as Json;

use crate::suite::{Case, json_line_cases};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(&dir.join("template/cases.jsonl"), run)
}

#[derive(Debug)]
struct Answer(Vec<Sample>);

impl prometheus::Query for Answer {
    fn query(&self, _expression: &str) -> Result<Vec<Sample>, String> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
struct Histogram(String);

impl Object for Histogram {
    fn type_name(&self) -> &str {
        "*histogram.FloatHistogram"
    }

    fn display(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

/// A value from Go's type name and print.
fn go_value(ty: &str, text: &str) -> Value {
    if let Some(elem) = ty.strip_prefix("[]") {
        let inner = text.trim_start_matches('[').trim_end_matches(']');
        let items: Vec<Value> = inner.split(' ').map(|item| go_value(elem, item)).collect();
        let elem = items[0].type_of().unwrap();
        return Value::List(List::new(elem, items).unwrap());
    }
    match ty {
        "string" => Value::str(text),
        "float64" => Value::Float(text.parse().unwrap()),
        "int" => Value::int(text.parse().unwrap()),
        "int64" => Value::Int(text.parse().unwrap(), IntKind::Int64),
        "uint" => Value::Uint(text.parse().unwrap(), UintKind::Uint),
        "uint64" => Value::Uint(text.parse().unwrap(), UintKind::Uint64),
        _ => panic!("type {ty}"),
    }
}

fn rule_input(input: &Json) -> Value {
    if let Some(sample) = input.get("sample") {
        let value = Value::object(Histogram(sample["value"].as_str().unwrap().to_owned()));
        return Sample {
            labels: string_map(&sample["labels"]),
            value,
        }
        .into_value();
    }
    match input["go_type"].as_str() {
        Some(ty) => go_value(ty, input["go_value"].as_str().unwrap()),
        None => Value::Nil,
    }
}

fn run(case: &Json) -> Result<(), String> {
    let samples = case["query_result"].as_array().into_iter().flatten();
    let samples = samples.map(|sample| Sample {
        labels: string_map(&sample["labels"]),
        value: Value::Float(sample["value"].as_str().unwrap().parse().unwrap()),
    });
    let mut options = Options::default();
    if let Some(texts) = case["options"].as_array() {
        options.missing_key = gotemplate::MissingKey::Invalid;
        for text in texts {
            options.apply(text.as_str().unwrap()).unwrap();
        }
    }
    let context = prometheus::Context {
        name: case["context"]["name"].as_str().unwrap().to_owned(),
        time_ms: case["context"]["timestamp_ms"].as_i64().unwrap(),
        external_url: Some(case["context"]["external_url"].as_str().unwrap().to_owned()),
        query: Arc::new(Answer(samples.collect())),
        options,
    };
    let text = case["text"].as_str().unwrap();
    let data = rule_input(&case["input"]);
    let result = if case["html"].as_bool().unwrap() {
        prometheus::expand_html(text, &data, &context, &[])
    } else {
        prometheus::expand(text, &data, &context)
    };
    compare(
        result.map_err(|error| error.to_string()),
        &case["output"],
        &case["error"],
    )
}

/// Compares a result with the case's expected text or error.
pub(super) fn compare(
    result: Result<String, String>,
    text: &Json,
    error: &Json,
) -> Result<(), String> {
    let wanted = match (text.as_str(), error.as_str()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, error) => Err(error.unwrap_or("").to_owned()),
    };
    if result == wanted {
        Ok(())
    } else {
        Err(format!("\n  wanted {wanted:?}\n  got    {result:?}"))
    }
}

fn string_map(json: &Json) -> BTreeMap<String, String> {
    let entries = json.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or("").to_owned()))
        .collect()
}
