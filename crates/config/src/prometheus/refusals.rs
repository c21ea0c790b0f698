//! Collecting refusals of validation that needs the whole configuration.

use diag::{Diagnostic, Diagnostics, Source, Span};

/// Refusals in the order raised, with an optional text in front of each message.
pub(crate) struct Refusals<'a> {
    source: &'a Source,
    prefix: String,
    problems: Diagnostics,
}

impl<'a> Refusals<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self {
            source,
            prefix: String::new(),
            problems: Diagnostics::new(),
        }
    }

    /// As the peers do for files that the configuration names: `"path": message`.
    pub(crate) fn with_prefix(source: &'a Source, prefix: String) -> Self {
        Self {
            source,
            prefix,
            problems: Diagnostics::new(),
        }
    }

    pub(crate) fn refuse(
        &mut self,
        place: Span,
        code: &'static str,
        message: impl AsRef<str>,
        hint: impl Into<String>,
    ) {
        let message = format!("{}{}", self.prefix, message.as_ref());
        self.problems.push(
            Diagnostic::error(code, message)
                .at(self.source, place)
                .hint(hint),
        );
    }

    pub(crate) fn finish(self) -> Diagnostics {
        self.problems
    }
}
