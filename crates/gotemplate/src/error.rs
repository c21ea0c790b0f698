//! What parsing and executing can answer instead of a result, in Go's wording.

use std::fmt;

/// The text is not a template. Prints as `template: NAME:LINE: message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    pub name: String,
    /// Counts from 1.
    pub line: usize,
    pub message: String,
    /// Byte range of the token at which parsing stopped.
    pub start: usize,
    pub end: usize,
}

/// Executing failed. Prints as `template: NAME:LINE:COLUMN: executing "NAME" at <node>: message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    #[error("{0}")]
    Failed(Box<Failure>),
    /// A text that was to be rendered did not parse.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// HTML escaping found no safe way to render the template; Go's `html/template` error text.
    #[error("{0}")]
    Escape(String),
}

/// Where and why execution stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The template that was executing.
    pub name: String,
    /// Name of the text, 1-based line, and byte column from 0; absent if no node was reached.
    pub place: Option<Place>,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub text_name: String,
    pub line: usize,
    pub column: usize,
    /// The node as Go prints it.
    pub node: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "template: {}: {}", self.name, self.message),
            Some(place) => write!(
                f,
                "template: {}:{}:{}: executing {} at <{}>: {}",
                place.text_name,
                place.line,
                place.column,
                crate::quote::go_quote(&self.name),
                place.node,
                self.message
            ),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for ExecError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}
