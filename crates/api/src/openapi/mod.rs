//! The OpenAPI documents of our APIs, made of the types that the handlers answer with.
//!
//! [`operation`] is the form of one path; `prometheus`, `alertmanager` and `keepwatch` are the tables;
//! `answers` has the forms of answers that are written by hand. The web UI's types are generated from these
//! documents (`crates/api/tests/it/types.rs`), and a test here fails if a table and its router differ.

mod alertmanager;
mod answers;
mod keepwatch;
mod operation;
mod prometheus;

use std::sync::LazyLock;

use net::axum::http::header;
use net::axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use operation::Operation;

/// One API.
struct Document {
    title: &'static str,
    about: &'static str,
    root: &'static str,
    operations: &'static [Operation],
}

const PROMETHEUS: Document = Document {
    title: "Keepwatch: Prometheus' HTTP API",
    about: "Answers have an envelope: `status`, `data`, and `warnings` or `infos` where there are any.",
    root: "/api/v1",
    operations: prometheus::OPERATIONS,
};

const ALERTMANAGER: Document = Document {
    title: "Keepwatch: Alertmanager's HTTP API",
    about: "Answers are bare JSON values.",
    root: "/api/v2",
    operations: alertmanager::OPERATIONS,
};

const KEEPWATCH: Document = Document {
    title: "Keepwatch: its own HTTP API",
    about: "What the peers' APIs do not tell. Answers have the envelope of `/api/v1`.",
    root: "/api/keepwatch/v1",
    operations: keepwatch::OPERATIONS,
};

/// All documents with the path of their root.
pub fn documents() -> Vec<(&'static str, Value)> {
    [PROMETHEUS, ALERTMANAGER, KEEPWATCH]
        .iter()
        .map(|document| (document.root, document.to_json()))
        .collect()
}

impl Document {
    fn to_json(&self) -> Value {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        // Answers: what may be left out when writing is optional, everything else is always there.
        let mut generator = settings.for_serialize().into_generator();
        let mut paths = Map::new();
        for operation in self.operations {
            let at = format!("{}{}", self.root, operation.path);
            let item = paths.entry(at).or_insert_with(|| json!({}));
            for (method, told) in operation.to_json(&mut generator) {
                item[method] = told;
            }
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "description": self.about,
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "paths": paths,
            "components": { "schemas": components(generator) },
        })
    }

    fn text(&self) -> String {
        yaml::to_text(&to_yaml(&self.to_json()))
    }
}

/// Named types, by name.
fn components(mut generator: SchemaGenerator) -> Map<String, Value> {
    let mut components = generator.take_definitions(true);
    components.sort_keys();
    components
}

fn to_yaml(value: &Value) -> yaml::Value {
    match value {
        Value::Null => yaml::Value::Null,
        Value::Bool(value) => yaml::Value::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => yaml::Value::Int(integer),
            (None, float) => yaml::Value::Float(float.unwrap_or(0.0)),
        },
        Value::String(text) => yaml::Value::String(text.clone()),
        Value::Array(items) => yaml::Value::Sequence(items.iter().map(to_yaml).collect()),
        Value::Object(members) => yaml::Value::Mapping(yaml::Mapping(
            members
                .iter()
                .map(|(name, value)| (yaml::Value::String(name.clone()), to_yaml(value)))
                .collect(),
        )),
    }
}

fn answer(text: &'static LazyLock<String>) -> Response {
    let form = [(header::CONTENT_TYPE, "application/yaml; charset=utf-8")];
    (form, text.as_str()).into_response()
}

pub(crate) async fn prometheus_yaml() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| PROMETHEUS.text());
    answer(&TEXT)
}

pub(crate) async fn alertmanager_yaml() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| ALERTMANAGER.text());
    answer(&TEXT)
}

pub(crate) async fn keepwatch_yaml() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| KEEPWATCH.text());
    answer(&TEXT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::Routes;

    fn check<S: Clone + Send + Sync + 'static>(document: &Document, routes: &Routes<S>) {
        let mut told = BTreeSet::new();
        for operation in document.operations {
            for method in operation.methods() {
                assert!(
                    told.insert((operation.path, *method)),
                    "{method} {} is told twice",
                    operation.path
                );
            }
        }
        assert_eq!(
            &told,
            routes.known(),
            "the table of {} and its router differ",
            document.root
        );
    }

    #[test]
    fn documents_name_exactly_what_is_routed() {
        check(&PROMETHEUS, &crate::prometheus::routes());
        check(&ALERTMANAGER, &crate::alertmanager::routes());
        check(&KEEPWATCH, &crate::keepwatch::routes());
    }

    #[test]
    fn documents_are_yaml_and_all_references_lead_somewhere() {
        for document in [PROMETHEUS, ALERTMANAGER, KEEPWATCH] {
            let json = document.to_json();
            let source = diag::Source::new("openapi.yaml", document.text());
            let mut problems = diag::Diagnostics::new();
            let tree = yaml::parse(&source, &mut problems).expect("a document");
            assert!(!problems.has_errors(), "{problems:?}");
            assert!(tree.get("paths").is_some());
            let schemas = json["components"]["schemas"].as_object().unwrap();
            let text = json.to_string();
            for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap_or_default();
                assert!(schemas.contains_key(name), "{name} is not there");
            }
            // Two types of one name would get a number.
            let numbered = schemas
                .keys()
                .find(|name| name.ends_with(|c: char| c.is_ascii_digit()));
            assert_eq!(numbered, None, "two types have this name");
        }
    }
}
