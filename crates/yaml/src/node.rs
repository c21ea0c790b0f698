//! The tree a document is parsed into.

use diag::Span;

use crate::resolve::{Resolved, resolve};

/// A value and its place in the source. Nodes that come from an alias have the place of the anchored
/// text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a node is. Mappings keep the order and the duplicates of the text; merge keys are expanded.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Absent, `~` or `null` without quotes.
    Null,
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// A scalar as written: what type it has depends on the reader.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// After unescaping and folding.
    pub text: String,
    pub style: Style,
    /// Short form of an explicit tag, such as `!!binary`.
    pub tag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Quoted,
    Block,
}

impl Scalar {
    /// The value by the rules of YAML 1.1, as the peers apply them. A `!!binary` that is not base64 is
    /// an error.
    pub fn resolve(&self) -> Result<Resolved, &'static str> {
        match (&self.tag, self.style) {
            (None, Style::Quoted | Style::Block) => Ok(Resolved::String),
            (tag, _) => resolve(tag.as_deref().unwrap_or(""), &self.text),
        }
    }
}

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar as written, whatever its type.
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_mapping(&self) -> Option<&[(Self, Self)]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under `key` (the last one, if there are several).
    pub fn get(&self, key: &str) -> Option<&Self> {
        let entries = self.as_mapping()?;
        entries
            .iter()
            .rev()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// Short tag of the value, as it appears in messages about wrong types.
    pub fn short_tag(&self) -> &str {
        match &self.kind {
            Kind::Null => "!!null",
            Kind::Sequence(_) => "!!seq",
            Kind::Mapping(_) => "!!map",
            Kind::Scalar(scalar) => match &scalar.tag {
                Some(tag) => tag,
                None => scalar.resolve().map_or("!!str", |value| value.short_tag()),
            },
        }
    }
}
