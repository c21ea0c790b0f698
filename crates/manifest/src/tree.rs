//! A view of a manifest's tree with the meaning that Kubernetes gives it: a null is an absent field,
//! and asking an absent tree for a child gives an absent tree.

use diag::Span;
use yaml::{Kind, Node, Resolved, Value};

/// A node that may be absent. Cheap to copy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tree<'a>(Option<&'a Node>);

impl<'a> Tree<'a> {
    pub fn of(node: &'a Node) -> Self {
        Self((!node.is_null()).then_some(node))
    }

    /// The field `key`; absent if this is no mapping or has no such key.
    pub fn at(self, key: &str) -> Self {
        self.0
            .and_then(|node| node.get(key))
            .map_or(Self(None), Self::of)
    }

    /// A field further down: `at("a").at("b")` as `path(&["a", "b"])`.
    pub fn path(self, keys: &[&str]) -> Self {
        keys.iter().fold(self, |tree, key| tree.at(key))
    }

    pub fn is_set(self) -> bool {
        self.0.is_some()
    }

    /// Absent, `{}`, `[]` or an empty text: what Go would call the zero value.
    pub fn is_zero(self) -> bool {
        match self.0.map(|node| &node.kind) {
            None | Some(Kind::Null) => true,
            Some(Kind::Mapping(entries)) => {
                entries.iter().all(|(_, value)| Self::of(value).is_zero())
            }
            Some(Kind::Sequence(items)) => items.is_empty(),
            Some(Kind::Scalar(scalar)) => {
                scalar.text.is_empty()
                    || matches!(
                        scalar.resolve(),
                        Ok(Resolved::Bool(false) | Resolved::Int(0))
                    )
            }
        }
    }

    /// The text of a scalar as written, `None` if absent or no scalar.
    pub fn text(self) -> Option<&'a str> {
        self.0.and_then(Node::text)
    }

    /// The text of a scalar, empty if absent.
    pub fn str(self) -> &'a str {
        self.text().unwrap_or("")
    }

    /// The text if there is one and it is not empty.
    pub fn filled(self) -> Option<&'a str> {
        self.text().filter(|text| !text.is_empty())
    }

    pub fn flag(self) -> Option<bool> {
        match self.0?.as_scalar()?.resolve() {
            Ok(Resolved::Bool(value)) => Some(value),
            _ => None,
        }
    }

    pub fn int(self) -> Option<i64> {
        match self.0?.as_scalar()?.resolve() {
            Ok(Resolved::Int(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether it is a scalar that is not a number, a boolean or a date: the text side of Kubernetes'
    /// int-or-string.
    pub fn is_textual(self) -> bool {
        self.0
            .and_then(Node::as_scalar)
            .is_some_and(|scalar| matches!(scalar.resolve(), Ok(Resolved::String)))
    }

    pub fn is_mapping(self) -> bool {
        self.0.is_some_and(|node| node.as_mapping().is_some())
    }

    pub fn is_sequence(self) -> bool {
        self.0.is_some_and(|node| node.as_sequence().is_some())
    }

    pub fn items(self) -> impl ExactSizeIterator<Item = Self> + Clone {
        self.0
            .and_then(Node::as_sequence)
            .unwrap_or(&[])
            .iter()
            .map(Self::of)
    }

    /// Texts of a list; items that are no scalars are left out.
    pub fn texts(self) -> Vec<&'a str> {
        self.items().filter_map(Self::text).collect()
    }

    /// Keys and values in the order of the text.
    pub fn entries(self) -> Vec<(&'a str, Self)> {
        let entries = self.0.and_then(Node::as_mapping).unwrap_or(&[]);
        entries
            .iter()
            .filter_map(|(key, value)| Some((key.text()?, Self::of(value))))
            .collect()
    }

    /// Keys and values in ascending order of the keys.
    pub fn sorted_entries(self) -> Vec<(&'a str, Self)> {
        let mut entries = self.entries();
        entries.sort_by_key(|(key, _)| *key);
        entries
    }

    /// As an untyped value; absent is null.
    pub fn value(self) -> Value {
        self.0.map_or(Value::Null, Value::from_node)
    }

    pub fn node(self) -> Option<&'a Node> {
        self.0
    }

    pub fn span(self) -> Option<Span> {
        self.0.map(|node| node.span)
    }
}
