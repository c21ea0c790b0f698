//! One problem in input, and the collection that readers fill.

use crate::source::{Position, Source, Span};

/// How bad it is. Only `Error` stops a configuration from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Note,
    Warning,
    Error,
}

impl Severity {
    /// Lower-case name, stable: it appears in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a source, underlined in output, with an optional remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub source: Source,
    pub span: Span,
    pub remark: String,
}

/// A problem in input text: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, kebab-case: users may search for it and scripts may match on it.
    pub code: &'static str,
    /// One sentence without a final full stop, in the peer's wording where tools match on it.
    pub message: String,
    /// The first one is the primary place.
    pub places: Vec<Annotation>,
    /// What to do, one sentence each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            places: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn at(self, source: &Source, span: Span) -> Self {
        self.at_with(source, span, "")
    }

    /// Adds a place with a remark printed beside the underline.
    #[must_use]
    pub fn at_with(mut self, source: &Source, span: Span, remark: impl Into<String>) -> Self {
        self.places.push(Annotation {
            source: source.clone(),
            span,
            remark: remark.into(),
        });
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// File name, line and column of the primary place.
    pub fn position(&self) -> Option<(&str, Position)> {
        let place = self.places.first()?;
        Some((place.source.name(), place.source.position(place.span.start)))
    }
}

/// All problems found in one reading, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Only those that stop the input from being used.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.0
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
