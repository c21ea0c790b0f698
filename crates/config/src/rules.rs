//! Rule files: groups of recording and alerting rules.
//!
//! The structure is validated here. Expressions and templates are validated by functions that the
//! caller hands in, and what they find is reported at its place in the file.

mod group;
mod spot;
mod validate;

pub use group::{Group, Rule, RuleFile, Text};
pub use spot::spot_in_text;

use diag::{Diagnostic, Diagnostics, Source};
use model::name::NameScheme;
use yaml::Reading;

use crate::files::LoadError;
use crate::section::read_section;

/// A problem that a checker found in an expression or a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In the peers' words, such as `1:5: parse error: …`.
    pub message: String,
    /// The bytes of the text that are meant; none for the whole.
    pub range: Option<std::ops::Range<usize>>,
    pub hints: Vec<String>,
}

/// What validation needs besides the text.
pub struct RuleChecks<'a> {
    pub names: NameScheme,
    /// Problems of a PromQL expression.
    pub expression: &'a dyn Fn(&str) -> Vec<Finding>,
    /// Problems of the template of a label or an annotation.
    pub template: &'a dyn Fn(&str) -> Vec<Finding>,
}

impl std::fmt::Debug for RuleChecks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleChecks")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Reads and validates a rule file. Only its first document counts, as in the peer; a second one is
/// warned about.
pub fn load(
    source: &Source,
    checks: &RuleChecks<'_>,
) -> Result<(RuleFile, Diagnostics), LoadError> {
    let mut diagnostics = Diagnostics::new();
    let Some(node) = yaml::parse(source, &mut diagnostics) else {
        return Err(LoadError { diagnostics });
    };
    let mut reading = Reading::new(source);
    let file: RuleFile = if node.is_null() {
        RuleFile::default()
    } else {
        read_section(&node, &mut reading).unwrap_or_default()
    };
    let readable = reading.is_clean_since(reading.start());
    diagnostics.extend(reading.finish());
    if readable {
        diagnostics.extend(validate::problems(&file, source, checks));
    }
    if let Some(second) = yaml::parse_documents(source).0.get(1) {
        diagnostics.push(
            Diagnostic::warning(
                "rule-file-second-document",
                "only the first document is used",
            )
            .at(source, second.span)
            .hint("move the groups into the first document or another file"),
        );
    }
    if diagnostics.has_errors() {
        Err(LoadError { diagnostics })
    } else {
        Ok((file, diagnostics))
    }
}
