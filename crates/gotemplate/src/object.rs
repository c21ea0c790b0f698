//! Structs and named types with methods, as the embedder defines them.

use std::fmt;

use crate::function::Function;
use crate::value::Value;

/// A Go struct, or a named slice, map, string or number with methods.
pub trait Object: fmt::Debug + Send + Sync {
    /// Go's name of the type, with package; a leading `*` makes it a pointer.
    fn type_name(&self) -> &str;

    /// The plain value of a named non-struct type; none for a struct.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// A nil slice or map: empty everywhere, but `null` in JSON.
    fn is_nil(&self) -> bool {
        false
    }

    /// A struct's fields in order of declaration.
    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields()
            .into_iter()
            .find(|field| field.name == name && !field.json.is_empty())
            .map(|field| field.value)
    }

    /// A method, bound to this value.
    fn method(&self, _name: &str) -> Option<Function> {
        None
    }

    /// What the type's `String` method gives, if it has one.
    fn display(&self) -> Option<String> {
        None
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    /// Name in JSON; empty for what is not exported, which templates and JSON do not reach.
    pub json: &'static str,
    pub value: Value,
}
