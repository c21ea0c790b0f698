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
    /// The peers do not find it: the file can be used all the same.
    pub is_warning: bool,
}

/// What becomes of keys that rule files do not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    #[default]
    Refused,
    /// For files that other tools extend with keys of their own.
    Ignored,
}

/// What validation needs besides the text.
pub struct RuleChecks<'a> {
    pub names: NameScheme,
    pub unknown_fields: UnknownFields,
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

/// A rule file and everything that was found in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspected {
    /// What could be read.
    pub file: RuleFile,
    pub diagnostics: Diagnostics,
    /// The errors in the words of the peer's `promtool check rules`, without the file's name; as many as it
    /// prints, which are fewer than in `diagnostics`.
    pub peer_errors: Vec<String>,
}

/// Reads and validates a rule file. Only its first document counts, as in the peer; a second one is
/// warned about.
pub fn load(
    source: &Source,
    checks: &RuleChecks<'_>,
) -> Result<(RuleFile, Diagnostics), LoadError> {
    let inspected = inspect(source, checks);
    let diagnostics = inspected.diagnostics;
    if diagnostics.has_errors() {
        Err(LoadError { diagnostics })
    } else {
        Ok((inspected.file, diagnostics))
    }
}

/// As [`load`], with errors also as the peer prints them.
pub fn inspect(source: &Source, checks: &RuleChecks<'_>) -> Inspected {
    let mut inspected = Inspected::default();
    let diagnostics = &mut inspected.diagnostics;
    let Some(node) = yaml::parse(source, diagnostics) else {
        inspected.peer_errors.extend(yaml::peer_text(diagnostics));
        return inspected;
    };
    let mut reading = Reading::new(source);
    if !node.is_null() {
        inspected.file = read_section(&node, &mut reading).unwrap_or_default();
    }
    let mut found = reading.finish();
    if checks.unknown_fields == UnknownFields::Ignored {
        let is_other = |problem: &Diagnostic| problem.code != yaml::CODE_UNKNOWN;
        found = found.into_iter().filter(is_other).collect();
    }
    inspected.peer_errors.extend(yaml::peer_text(&found));
    let readable = !found.has_errors();
    diagnostics.extend(found);
    if readable {
        let (problems, peer_errors) = validate::problems(&inspected.file, source, checks);
        diagnostics.extend(problems);
        inspected.peer_errors = peer_errors;
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
    inspected
}
