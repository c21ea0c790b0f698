//! Texts that must not be shown.

use std::fmt;

use yaml::{FromYaml, Node, Reading, Value};

use crate::section::Field;

/// What is printed in place of a secret.
pub(crate) const HIDDEN: &str = "<secret>";

/// A text that neither `Debug` nor the printed configuration shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { HIDDEN })
    }
}

impl Field for Secret {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        String::from_yaml(node, reading).map(Self)
    }

    fn go_type() -> String {
        "config.plain".to_owned()
    }

    fn go_item() -> String {
        "config.Secret".to_owned()
    }

    /// Headers for a proxy.
    fn go_map_of_lists() -> String {
        "config.ProxyHeader".to_owned()
    }

    fn to_value(&self) -> Value {
        if self.0.is_empty() {
            Value::Null
        } else {
            HIDDEN.into()
        }
    }
}
