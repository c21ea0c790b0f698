//! Why an object is refused, with the path of the field it lies in.

use diag::Span;

use crate::tree::Tree;

/// A refusal while checking or compiling one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub message: String,
    /// Where in the object's source, if that is known.
    pub span: Option<Span>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
        }
    }

    pub(crate) fn at(tree: Tree<'_>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: tree.span(),
        }
    }

    /// Puts the name of the enclosing field before the message.
    #[must_use]
    pub(crate) fn within(mut self, field: impl std::fmt::Display) -> Self {
        self.message = format!("{field}: {}", self.message);
        self
    }

    /// Places the problem, unless a closer place is known already.
    #[must_use]
    pub(crate) fn or_at(mut self, tree: Tree<'_>) -> Self {
        self.span = self.span.or(tree.span());
        self
    }
}

pub(crate) type Checked<T = ()> = Result<T, Problem>;

/// Adds the field's name and place to a refusal.
pub(crate) trait Within {
    fn within(self, field: impl std::fmt::Display, tree: Tree<'_>) -> Self;
}

impl<T> Within for Checked<T> {
    fn within(self, field: impl std::fmt::Display, tree: Tree<'_>) -> Self {
        self.map_err(|problem| problem.within(field).or_at(tree))
    }
}
