//! Configured payloads with templates at their leaves: custom webhook bodies, Jira fields, PagerDuty details.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::ExecError;
use crate::value::{List, Map, Type, Value};

/// How a payload's texts become values.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct PayloadRules<'a> {
    /// Renders a text, for example with [`crate::functions::alertmanager::render`].
    pub render: &'a dyn Fn(&str) -> Result<String, ExecError>,
    /// Reads a rendered text as YAML 1.1; none if it is not YAML. An empty text is null.
    pub read_yaml: &'a dyn Fn(&str) -> Option<Value>,
}

/// The payload with keys and texts rendered. A rendered text that reads as anything but a string is
/// replaced by what it reads as: `"123"` becomes a number, `"[1, 2]"` a list. Other values stay.
pub fn render_payload(payload: &Value, rules: &PayloadRules<'_>) -> Result<Value, ExecError> {
    // A rendered value nests no deeper than the payload and one text together; both are bounded.
    match payload {
        Value::Str(text) => {
            let rendered = (rules.render)(text)?;
            Ok(match (rules.read_yaml)(&rendered) {
                None | Some(Value::Str(_)) => Value::from(rendered),
                Some(value) => value,
            })
        }
        Value::List(list) => {
            let items = list.items().iter().map(|item| render_payload(item, rules));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            List::new(Type::Any, items)
                .map(Value::List)
                .map_err(too_deep)
        }
        Value::Map(map) => {
            let mut entries = BTreeMap::new();
            for (key, value) in map.iter() {
                let key: Arc<str> = (rules.render)(key)?.into();
                entries.insert(key, render_payload(value, rules)?);
            }
            Map::new(Type::Any, entries)
                .map(Value::Map)
                .map_err(too_deep)
        }
        other => Ok(other.clone()),
    }
}

fn too_deep(problem: &'static str) -> ExecError {
    let message = problem.to_owned();
    crate::error::Failure {
        name: String::new(),
        place: None,
        message,
    }
    .into()
}
