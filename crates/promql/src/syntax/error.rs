//! What is wrong with a query: all problems, with their places, in the peers' words.

use std::fmt;

use diag::{Diagnostic, Diagnostics, Source, Span};

/// More problems than this are not kept: nobody reads them, and hostile queries have millions.
pub(crate) const ERRORS_MAX: usize = 100;

/// Which kind of problem it is: the code of its diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParseErrorKind {
    Syntax,
    /// Well-formed, but types, arguments or modifiers do not fit.
    Type,
    UnknownFunction,
    /// Experimental syntax that is not switched on.
    NotEnabled,
    /// Beyond a limit that protects the server.
    Limit,
}

impl ParseErrorKind {
    /// Stable, kebab-case.
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "promql-syntax",
            Self::Type => "promql-type",
            Self::UnknownFunction => "promql-unknown-function",
            Self::NotEnabled => "promql-not-enabled",
            Self::Limit => "promql-limit",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub kind: ParseErrorKind,
    /// Bytes of the query, as the peers give them; may end beyond the text they are about.
    pub span: Span,
    pub message: String,
    /// What to do, if there is a good guess. The peers have no such thing, so it is not in the message.
    pub hint: Option<String>,
}

/// All problems of one query, at least one. `Display` is the first one as the API shows it:
/// `1:5: parse error: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseErrors {
    query: String,
    errors: Vec<ParseError>,
}

impl ParseErrors {
    pub(crate) fn new(query: &str, errors: Vec<ParseError>) -> Self {
        Self {
            query: query.to_owned(),
            errors,
        }
    }

    /// In the order found, a hundred at most.
    pub fn errors(&self) -> &[ParseError] {
        &self.errors
    }

    pub fn query(&self) -> &str {
        &self.query
    }

    /// One of the errors with its place, as the API shows the first.
    pub fn describe(&self, error: &ParseError) -> String {
        let place = place(&self.query, error.span.start);
        format!("{place}: parse error: {}", error.message)
    }

    /// The problems as diagnostics about the query; `name` is what the user knows it by.
    pub fn to_diagnostics(&self, name: &str) -> Diagnostics {
        let source = Source::new(name, self.query.as_str());
        let diagnostic = |error: &ParseError| {
            let diagnostic = Diagnostic::error(error.kind.code(), error.message.as_str())
                .at(&source, error.span);
            match &error.hint {
                Some(hint) => diagnostic.hint(hint.as_str()),
                None => diagnostic,
            }
        };
        self.errors.iter().map(diagnostic).collect()
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.first() {
            Some(first) => f.write_str(&self.describe(first)),
            None => f.write_str("parse error"),
        }
    }
}

impl std::error::Error for ParseErrors {}

/// `line:column`, both from 1; the column counts bytes, as the peers do.
fn place(query: &str, offset: usize) -> String {
    if query.is_empty() {
        return "unknown position".to_owned();
    }
    let Some(head) = query.as_bytes().get(..offset) else {
        return "invalid position".to_owned();
    };
    let line = head.iter().filter(|byte| **byte == b'\n').count() + 1;
    let line_start = head
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    format!("{line}:{}", offset - line_start + 1)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places() {
        assert_eq!(place("", 0), "unknown position");
        assert_eq!(place("a\nbc", 3), "2:2");
        assert_eq!(place("a", 2), "invalid position");
    }
}
