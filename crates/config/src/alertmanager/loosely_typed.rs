//! Free-form values whose leaves are templates, as in webhook payloads and Jira fields.

use yaml::{Mapping, Node, Reading, Value};

use crate::section::Field;

/// Any YAML value, with the keys of its maps in the order in which the peers print them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Free(pub Value);

impl Field for Free {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        <Value as Field>::read(node, reading).map(|value| Self(sorted(value)))
    }

    fn go_type() -> String {
        "interface {}".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(sorted).collect()),
        Value::Mapping(map) => {
            let entries = map.0.into_iter().map(|(key, value)| (key, sorted(value)));
            let mut map = Mapping(entries.collect());
            map.sort();
            Value::Mapping(map)
        }
        other => other,
    }
}
