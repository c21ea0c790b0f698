//! Attributes, whose values may be of many kinds, and what they look like in a label.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::format::float_plain;
use serde::Deserialize;

use super::json;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Attribute {
    pub key: String,
    pub value: AnyValue,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnyValue {
    #[default]
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    List(Vec<AnyValue>),
    Map(Vec<Attribute>),
    /// In base 64.
    Bytes(String),
}

/// The form in JSON: an object with one member.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Members {
    string_value: Option<String>,
    bool_value: Option<bool>,
    #[serde(deserialize_with = "json::some_signed")]
    int_value: Option<i64>,
    #[serde(deserialize_with = "json::some_double")]
    double_value: Option<f64>,
    array_value: Option<Values<AnyValue>>,
    kvlist_value: Option<Values<Attribute>>,
    bytes_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Values<T> {
    values: Vec<T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members::deserialize(deserializer)?;
        let text = members.string_value.map(Self::Text);
        Ok(text
            .or(members.bool_value.map(Self::Bool))
            .or(members.int_value.map(Self::Int))
            .or(members.double_value.map(Self::Double))
            .or(members.array_value.map(|list| Self::List(list.values)))
            .or(members.kvlist_value.map(|map| Self::Map(map.values)))
            .or(members.bytes_value.map(Self::Bytes))
            .unwrap_or_default())
    }
}

impl AnyValue {
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self::Bytes(STANDARD.encode(bytes))
    }

    /// As OpenTelemetry's own libraries write it: lists and maps as JSON.
    pub fn to_text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Bytes(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => double(*value),
            Self::List(_) | Self::Map(_) => escaped(&self.to_json().to_string()),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Empty => serde_json::Value::Null,
            Self::Text(text) | Self::Bytes(text) => text.as_str().into(),
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Double(value) => (*value).into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                let sorted: BTreeMap<&str, serde_json::Value> = entries
                    .iter()
                    .map(|entry| (entry.key.as_str(), entry.value.to_json()))
                    .collect();
                let sorted = sorted.into_iter();
                sorted.map(|(key, value)| (key.to_owned(), value)).collect()
            }
        }
    }
}

/// As Go's JSON has it: an exponent only for very small and very large numbers.
fn double(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) && value.is_finite() {
        return format!("{value:e}").replace("e", if size < 1.0 { "e" } else { "e+" });
    }
    float_plain(value)
}

/// Go's JSON hides what could be markup.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let entry = |key: &str, value| Attribute {
            key: key.to_owned(),
            value,
        };
        for (value, wanted) in [
            (AnyValue::Empty, ""),
            (AnyValue::Text("a<b".to_owned()), "a<b"),
            (AnyValue::Bool(true), "true"),
            (AnyValue::Int(-5), "-5"),
            (AnyValue::Double(1.5), "1.5"),
            (AnyValue::Double(2.0), "2"),
            (AnyValue::Double(1e21), "1e+21"),
            (AnyValue::Double(1e-7), "1e-7"),
            (AnyValue::of_bytes(b"\x00\xff"), "AP8="),
            (
                AnyValue::List(vec![AnyValue::Int(1), AnyValue::Text("<".to_owned())]),
                "[1,\"\\u003c\"]",
            ),
            (
                AnyValue::Map(vec![
                    entry("b", AnyValue::Bool(false)),
                    entry("a", AnyValue::Empty),
                ]),
                "{\"a\":null,\"b\":false}",
            ),
        ] {
            assert_eq!(value.to_text(), wanted);
        }
    }
}
