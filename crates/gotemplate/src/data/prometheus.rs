//! Data of rule templates: an alert's labels and value, and query results.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::object::{Field, Object};
use crate::value::{List, Map, Type, Value};

pub(crate) const QUERY_RESULT: &str = "template.queryResult";
pub(crate) const SAMPLE: &str = "*template.sample";

/// One series of a query result.
#[derive(Clone, Debug)]
pub struct Sample {
    /// With the metric's name under `__name__`.
    pub labels: BTreeMap<String, String>,
    /// A float, or an object that prints as a histogram.
    pub value: Value,
}

impl Sample {
    pub fn into_value(self) -> Value {
        Value::object(SampleObject {
            labels: Value::string_map(self.labels),
            value: self.value,
        })
    }
}

#[derive(Debug)]
struct SampleObject {
    labels: Value,
    value: Value,
}

impl Object for SampleObject {
    fn type_name(&self) -> &str {
        SAMPLE
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field {
                name: "Labels",
                json: "Labels",
                value: self.labels.clone(),
            },
            Field {
                name: "Value",
                json: "Value",
                value: self.value.clone(),
            },
        ]
    }
}

#[derive(Debug)]
struct ResultObject(Value);

impl Object for ResultObject {
    fn type_name(&self) -> &str {
        QUERY_RESULT
    }

    fn underlying(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

/// What `query` gives.
pub fn query_result(samples: Vec<Sample>) -> Value {
    samples::result_of(samples.into_iter().map(Sample::into_value).collect())
}

pub(crate) fn sample_value(sample: &Value) -> Option<Value> {
    match sample {
        Value::Object(object) => object.field("Value"),
        _ => None,
    }
}

/// Access to samples that have become values.
pub(crate) mod samples {
    use super::{Arc, List, Map, ResultObject, SAMPLE, Type, Value};

    pub(crate) fn labels(sample: &Value) -> Option<Map> {
        match sample {
            Value::Object(object) => object.field("Labels").and_then(|labels| labels.as_map()),
            _ => None,
        }
    }

    pub(crate) fn result_of(items: Vec<Value>) -> Value {
        let list = List::flat(Type::Named(Arc::from(SAMPLE)), items);
        Value::object(ResultObject(Value::List(list)))
    }
}

/// The dot of a rule's labels and annotations.
#[derive(Clone, Debug)]
pub struct AlertData {
    pub labels: BTreeMap<String, String>,
    pub external_labels: BTreeMap<String, String>,
    pub external_url: String,
    pub value: Value,
}

impl AlertData {
    pub fn into_value(self) -> Value {
        Value::object(AlertObject {
            labels: Value::string_map(self.labels),
            external_labels: Value::string_map(self.external_labels),
            external_url: Value::from(self.external_url),
            value: self.value,
        })
    }
}

#[derive(Debug)]
struct AlertObject {
    labels: Value,
    external_labels: Value,
    external_url: Value,
    value: Value,
}

impl Object for AlertObject {
    fn type_name(&self) -> &str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; \
         ExternalURL string; Value interface {} }"
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            Field {
                name: "Labels",
                json: "Labels",
                value: self.labels.clone(),
            },
            Field {
                name: "ExternalLabels",
                json: "ExternalLabels",
                value: self.external_labels.clone(),
            },
            Field {
                name: "ExternalURL",
                json: "ExternalURL",
                value: self.external_url.clone(),
            },
            Field {
                name: "Value",
                json: "Value",
                value: self.value.clone(),
            },
        ]
    }
}
