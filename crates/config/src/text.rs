//! Texts with a meaning: paths, and texts that may not be UTF-8.

use std::ops::Deref;

use yaml::{FromYaml, Node, Reading, Resolved, Value};

use crate::section::Field;

/// The path of a file or a glob; relative ones are resolved against the configuration's folder when it
/// is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePath(pub String);

impl Deref for FilePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Field for FilePath {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        String::from_yaml(node, reading).map(Self)
    }

    fn go_type() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        (&self.0).into()
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.0);
    }
}

/// The bytes of a scalar: they need not be UTF-8 if it was written as `!!binary`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinaryText(pub Vec<u8>);

impl BinaryText {
    /// `None` for anything but a scalar, or if it is not base64; both are reported.
    pub fn of(node: &Node, reading: &mut Reading) -> Option<Self> {
        if let Some(Ok(Resolved::Binary(bytes))) = node.as_scalar().map(yaml::Scalar::resolve) {
            return Some(Self(bytes));
        }
        if node.is_null() {
            return Some(Self::default());
        }
        String::from_yaml(node, reading).map(|text| Self(text.into_bytes()))
    }
}
