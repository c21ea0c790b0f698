//! Recorded results of the peers' template packages. The cases live outside this repository; without them
//! the tests say so and pass.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and say when cases are absent"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gotemplate::data::alertmanager::{Alert, Data, Kv, Notification, SourceAlert};
use gotemplate::data::prometheus::Sample;
use gotemplate::functions::{alertmanager, prometheus};
use gotemplate::{Flavour, IntKind, List, Object, Options, TemplateSet, Time, UintKind, Value};
use serde_json::Value as Json;

/// The folder of a suite, if the cases are there.
fn folder(suite: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KEEPWATCH_CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let folder = root.join(suite);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("no conformance cases at {}: skipped", folder.display());
    None
}

fn lines(folder: &std::path::Path, file: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs all cases of a file and reports every failure.
fn run_all(cases: Vec<Json>, run: impl Fn(&Json) -> Result<(), String>) {
    let mut failures = Vec::new();
    let count = cases.len();
    for (index, case) in cases.iter().enumerate() {
        if let Err(problem) = run(case) {
            let id = case["id"]
                .as_str()
                .map_or_else(|| format!("line {}", index + 1), str::to_owned);
            failures.push(format!("{id}: {problem}"));
        }
    }
    println!("{} of {count} passed", count - failures.len());
    assert!(
        failures.is_empty(),
        "{} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Compares a result with the case's expected text or error.
fn compare(result: Result<String, String>, text: &Json, error: &Json) -> Result<(), String> {
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

// ---- rule templates ----

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

fn run_rule_template(case: &Json) -> Result<(), String> {
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
        external_url: case["context"]["external_url"].as_str().unwrap().to_owned(),
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

#[test]
fn rule_templates() {
    let Some(folder) = folder("template") else {
        return;
    };
    run_all(lines(&folder, "cases.jsonl"), run_rule_template);
}

// ---- notification templates ----

fn kv(json: &Json) -> Kv {
    if json.is_null() {
        Kv::nil()
    } else {
        Kv::new(string_map(json))
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or("").to_owned()
}

fn alert(json: &Json) -> Alert {
    let time = |key: &str| Time::parse_rfc3339(json[key].as_str().unwrap()).unwrap();
    Alert {
        status: text(&json["status"]),
        labels: kv(&json["labels"]),
        annotations: kv(&json["annotations"]),
        starts_at: time("startsAt"),
        ends_at: time("endsAt"),
        generator_url: text(&json["generatorURL"]),
        fingerprint: text(&json["fingerprint"]),
    }
}

fn notification_data(json: &Json) -> Data {
    Data {
        receiver: text(&json["receiver"]),
        status: text(&json["status"]),
        alerts: json["alerts"]
            .as_array()
            .map(|alerts| alerts.iter().map(alert).collect()),
        notification_reason: text(&json["notification_reason"]),
        group_labels: kv(&json["groupLabels"]),
        common_labels: kv(&json["commonLabels"]),
        common_annotations: kv(&json["commonAnnotations"]),
        route_labels: kv(&json["routeLabels"]),
        external_url: text(&json["externalURL"]),
        route_labels_rendered: false,
    }
}

fn default_set(flavour: Flavour) -> TemplateSet {
    let mut set = TemplateSet::new(
        flavour,
        alertmanager::functions(Time::ZERO),
        Options::default(),
    );
    for (name, text) in gotemplate::default_templates::FILES {
        set.parse(name, text).unwrap();
    }
    set
}

#[test]
fn notification_templates() {
    let Some(folder) = folder("alertmanager/templates") else {
        return;
    };
    let data: Json =
        serde_json::from_str(&std::fs::read_to_string(folder.join("data.json")).unwrap()).unwrap();
    let (text_set, html_set) = (default_set(Flavour::Text), default_set(Flavour::Html));
    run_all(lines(&folder, "render.jsonl"), |case| {
        let data = notification_data(&data[case["data"].as_str().unwrap()]);
        let set = if case["kind"] == "html" {
            &html_set
        } else {
            &text_set
        };
        let template = case["template"].as_str().unwrap();
        let result = alertmanager::render(set, template, &data, Time::ZERO);
        compare(
            result.map_err(|error| error.to_string()),
            &case["expect"],
            &case["error"],
        )
    });
}

// ---- from alerts to data ----

/// FNV-1a over the sorted labels, as the peer identifies alerts.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[255]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

fn source_alert(json: &Json) -> SourceAlert {
    let time = |key: &str| Time::parse_rfc3339(json[key].as_str().unwrap()).unwrap();
    let labels = string_map(&json["labels"]);
    SourceAlert {
        fingerprint: fingerprint(&labels),
        labels,
        annotations: string_map(&json["annotations"]),
        starts_at: time("startsAt"),
        ends_at: time("endsAt"),
        generator_url: text(&json["generatorURL"]),
    }
}

#[test]
fn notification_data_from_alerts() {
    let Some(folder) = folder("alertmanager/templates") else {
        return;
    };
    run_all(lines(&folder, "data-assembly.jsonl"), |case| {
        let alerts = case["alerts"].as_array().into_iter().flatten();
        let data = Data::from(Notification {
            receiver: text(&case["receiver"]),
            reason: text(&case["reason"]),
            group_labels: string_map(&case["group_labels"]),
            route_labels: string_map(&case["route_labels"]),
            external_url: text(&case["external_url"]),
            alerts: alerts.map(source_alert).collect(),
            now: Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap(),
        });
        let json = gotemplate::to_json(&data.to_value(), 1 << 20).unwrap();
        let json: Json = serde_json::from_str(&json).unwrap();
        if json == case["expect"] {
            Ok(())
        } else {
            Err(format!("got {json}"))
        }
    });
}

// ---- payloads ----

/// Just enough of YAML 1.1 for the cases.
mod yaml {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use granit_parser::{Event, Parser, ScalarStyle};

    use super::{List, Value};
    use gotemplate::{Map, Type};

    pub(super) fn read(text: &str) -> Option<Value> {
        let mut events = Vec::new();
        for event in Parser::new_from_str(text) {
            events.push(event.ok()?.0);
        }
        let mut events = events.into_iter().filter(|event| {
            !matches!(
                event,
                Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..)
            )
        });
        node(&mut events)
    }

    fn node<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Option<Value> {
        let first = events.next()?;
        value(first, events)
    }

    fn value<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Option<Value> {
        Some(match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => plain(&text),
            Event::Scalar(text, ..) => Value::str(text.as_ref()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match events.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(value(event, events)?),
                    }
                }
                Value::List(List::new(Type::Any, items).ok()?)
            }
            Event::MappingStart(..) => {
                let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
                loop {
                    let key = match events.next()? {
                        Event::MappingEnd => break,
                        event => value(event, events)?,
                    };
                    let item = node(events)?;
                    if let Value::Str(key) = key {
                        entries.insert(key, item);
                    }
                }
                Value::Map(Map::new(Type::Any, entries).ok()?)
            }
            _ => Value::Nil,
        })
    }

    fn plain(text: &str) -> Value {
        match text.to_ascii_lowercase().as_str() {
            "" | "~" | "null" => return Value::Nil,
            "y" | "yes" | "true" | "on" => return Value::Bool(true),
            "n" | "no" | "false" | "off" => return Value::Bool(false),
            _ => {}
        }
        if let Ok(int) = text.parse() {
            return Value::int(int);
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && let Ok(float) = text.parse()
        {
            return Value::Float(float);
        }
        Value::str(text)
    }
}

#[test]
fn payloads() {
    let Some(folder) = folder("alertmanager/templates") else {
        return;
    };
    let data: Json =
        serde_json::from_str(&std::fs::read_to_string(folder.join("data.json")).unwrap()).unwrap();
    let set = default_set(Flavour::Text);
    run_all(lines(&folder, "deep-copy.jsonl"), |case| {
        let data = notification_data(&data[case["data"].as_str().unwrap()]);
        let payload = yaml::read(case["yaml"].as_str().unwrap()).unwrap();
        let render = |text: &str| alertmanager::render(&set, text, &data, Time::ZERO);
        let rules = gotemplate::PayloadRules {
            render: &render,
            read_yaml: &yaml::read,
        };
        let result =
            gotemplate::render_payload(&payload, &rules).map_err(|error| error.to_string())?;
        let json: Json =
            serde_json::from_str(&gotemplate::to_json(&result, 1 << 20).unwrap()).unwrap();
        let same = json == case["expect"]
            || json
                .as_f64()
                .is_some_and(|n| case["expect"].as_f64() == Some(n));
        if same {
            Ok(())
        } else {
            Err(format!("wanted {} got {json}", case["expect"]))
        }
    });
}
