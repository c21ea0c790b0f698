//! Untyped values: what is printed, and free-form parts of configurations.

use diag::Diagnostic;

use crate::key_order::compare_keys;
use crate::node::{Kind, Node};
use crate::reading::{CODE_DUPLICATE, Reading};
use crate::resolve::Resolved;

/// A value without a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(String),
    Sequence(Vec<Value>),
    /// A list that is printed on one line: `[a, b]`.
    FlowSequence(Vec<Value>),
    Mapping(Mapping),
}

/// Keys and values in the order in which they are printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping(pub Vec<(Value, Value)>);

impl Mapping {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push((Value::from(key), value.into()));
    }

    /// As the peers' `omitempty`: false, zero, empty texts, lists and maps, and nulls are left out.
    pub fn put_unless_empty(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_empty() {
            self.put(key, value);
        }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| name.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// Into the order in which the peers print maps.
    pub fn sort(&mut self) {
        self.0
            .sort_by(|(a, _), (b, _)| match (a.as_str(), b.as_str()) {
                (Some(a), Some(b)) => compare_keys(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
    }
}

impl Value {
    /// The value a free-form node has. Keys keep their order; dates become text; the last of several
    /// equal keys counts.
    pub fn from_node(node: &Node) -> Self {
        match &node.kind {
            Kind::Null => Self::Null,
            Kind::Scalar(scalar) => match scalar.resolve() {
                Ok(Resolved::Null) => Self::Null,
                Ok(Resolved::Bool(value)) => Self::Bool(value),
                Ok(Resolved::Int(value)) => Self::Int(value),
                Ok(Resolved::Uint(value)) => Self::Uint(value),
                Ok(Resolved::Float(value)) => Self::Float(value),
                Ok(Resolved::Binary(bytes)) => {
                    Self::String(String::from_utf8_lossy(&bytes).into_owned())
                }
                Ok(Resolved::Timestamp | Resolved::Merge | Resolved::String) | Err(_) => {
                    Self::String(scalar.text.clone())
                }
            },
            Kind::Sequence(items) => Self::Sequence(items.iter().map(Self::from_node).collect()),
            Kind::Mapping(entries) => Self::Mapping(Mapping(
                entries
                    .iter()
                    .map(|(key, value)| (Self::from_node(key), Self::from_node(value)))
                    .collect(),
            )),
        }
    }

    pub(crate) fn check_duplicates(node: &Node, reading: &mut Reading) {
        match &node.kind {
            Kind::Sequence(items) => {
                items
                    .iter()
                    .for_each(|item| Self::check_duplicates(item, reading));
            }
            Kind::Mapping(entries) => {
                let mut seen = std::collections::HashSet::new();
                for (key, value) in entries {
                    if let Some(name) = key.text()
                        && !seen.insert(name)
                    {
                        let message = format!("key {name:?} already set in map");
                        let diagnostic = Diagnostic::error(CODE_DUPLICATE, message)
                            .at(reading.source(), key.span)
                            .hint("remove one of the two");
                        reading.report(key.span, diagnostic);
                    }
                    Self::check_duplicates(value, reading);
                }
            }
            _ => {}
        }
    }

    /// Zero, false, empty or null.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Float(value) => *value == 0.0,
            Self::String(value) => value.is_empty(),
            Self::Sequence(items) | Self::FlowSequence(items) => items.is_empty(),
            Self::Mapping(map) => map.0.is_empty(),
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A map whose keys are printed in the peers' order.
    pub fn sorted_map<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<Self>,
    {
        let mut map = Mapping(
            entries
                .into_iter()
                .map(|(key, value)| (Self::String(key.into()), value.into()))
                .collect(),
        );
        map.sort();
        Self::Mapping(map)
    }

    pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Sequence(items.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Self {
        // Pointers are at most 64 bits wide on every target that we build for.
        Self::Int(value as i64)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // Pointers are at most 64 bits wide on every target that we build for.
        Self::Uint(value as u64)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Uint(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Mapping> for Value {
    fn from(map: Mapping) -> Self {
        Self::Mapping(map)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
