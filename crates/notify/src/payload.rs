//! Free-form payloads: a YAML value whose texts are templates becomes a JSON value.

use serde_json::{Map, Number, Value};
use yaml::Value as Yaml;

use crate::answer::Failure;

/// The most nested lists and maps; the reader of the configuration allows fewer.
const DEPTH_MAX: usize = 200;

/// Renders all texts, keys included, with `render`. A text that, once rendered, reads as anything but a text
/// in YAML becomes that, so `"{{ len .Alerts }}"` is a number. Keys that are no texts are dropped.
pub fn render_payload(
    value: &Yaml,
    render: &mut dyn FnMut(&str) -> Result<String, Failure>,
) -> Result<Value, Failure> {
    render_at(value, render, 0)
}

fn render_at(
    value: &Yaml,
    render: &mut dyn FnMut(&str) -> Result<String, Failure>,
    depth: usize,
) -> Result<Value, Failure> {
    check_depth(depth)?;
    match value {
        Yaml::String(template) => {
            let text = render(template)?;
            match reread(&text) {
                Some(value) => plain(&value, depth + 1),
                None => Ok(Value::String(text)),
            }
        }
        Yaml::Sequence(items) | Yaml::FlowSequence(items) => items
            .iter()
            .map(|item| render_at(item, render, depth + 1))
            .collect(),
        Yaml::Mapping(map) => {
            let mut entries = Vec::with_capacity(map.0.len());
            for (key, value) in &map.0 {
                if let Yaml::String(key) = key {
                    entries.push((render(key)?, render_at(value, render, depth + 1)?));
                }
            }
            Ok(object(entries))
        }
        _ => plain(value, depth),
    }
}

/// What a rendered text is in YAML; `None` where it stays the text that it is.
fn reread(text: &str) -> Option<Yaml> {
    let source = diag::Source::new("payload", text);
    let mut diagnostics = diag::Diagnostics::default();
    let node = yaml::parse(&source, &mut diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let value = node.map_or(Yaml::Null, |node| Yaml::from_node(&node));
    (!matches!(value, Yaml::String(_))).then_some(value)
}

/// The value as JSON, without rendering anything again.
fn plain(value: &Yaml, depth: usize) -> Result<Value, Failure> {
    check_depth(depth)?;
    Ok(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(*value),
        Yaml::Int(value) => Value::from(*value),
        Yaml::Uint(value) => Value::from(*value),
        Yaml::Float(value) => {
            // A whole float has no point in Go's JSON.
            if value.fract() == 0.0 && value.abs() < 1e15 {
                #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
                return Ok(Value::from(*value as i64));
            }
            let number = Number::from_f64(*value).ok_or_else(|| {
                Failure::permanent(format!("the payload has the number {value}, JSON has not"))
            })?;
            Value::Number(number)
        }
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Sequence(items) | Yaml::FlowSequence(items) => items
            .iter()
            .map(|item| plain(item, depth + 1))
            .collect::<Result<_, _>>()?,
        Yaml::Mapping(map) => {
            let mut entries = Vec::with_capacity(map.0.len());
            for (key, value) in &map.0 {
                if let Yaml::String(key) = key {
                    entries.push((key.clone(), plain(value, depth + 1)?));
                }
            }
            object(entries)
        }
    })
}

fn check_depth(depth: usize) -> Result<(), Failure> {
    if depth > DEPTH_MAX {
        return Err(Failure::permanent("the payload is nested too deeply"));
    }
    Ok(())
}

/// Keys sorted, as Go writes maps; the last of equal keys counts.
fn object(mut entries: Vec<(String, Value)>) -> Value {
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(entries.into_iter().collect::<Map<_, _>>())
}
