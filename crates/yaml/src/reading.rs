//! Collecting problems while typed readers walk a tree.

use diag::{Diagnostic, Diagnostics, Source, Span};

use crate::node::{Kind, Node};

/// The text is not YAML.
pub const CODE_SYNTAX: &str = "yaml-syntax";
/// A value has another type than its field.
pub const CODE_TYPE: &str = "yaml-wrong-type";
/// A key that its section does not have.
pub const CODE_UNKNOWN: &str = "yaml-unknown-field";
/// A key twice in one section.
pub const CODE_DUPLICATE: &str = "yaml-duplicate-field";

/// One pass of typed readers over one source.
///
/// The peers stop at the first refusal of a validator, while wrong types and unknown fields are
/// gathered and only reported if no validator refused. All problems are kept here, in that order, so
/// that the first one is the one the peers report.
#[derive(Debug)]
pub struct Reading {
    source: Source,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    /// Where the raising node ends: sorting by it gives "children before their parent, otherwise in
    /// text order", the order in which the peers validate.
    order: usize,
    diagnostic: Diagnostic,
}

/// A point in a reading, to ask later whether anything was reported since.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Reading {
    pub fn new(source: &Source) -> Self {
        Self {
            source: source.clone(),
            problems: Vec::new(),
        }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// A refusal by the validator of the value at `span`, underlined as a whole.
    pub fn refuse(&mut self, span: Span, code: &'static str, message: impl Into<String>) {
        let diagnostic = Diagnostic::error(code, message).at(&self.source, span);
        self.report(span, diagnostic);
    }

    /// As [`Self::refuse`], with what to do.
    pub fn refuse_with_hint(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::error(code, message)
            .at(&self.source, span)
            .hint(hint);
        self.report(span, diagnostic);
    }

    /// Any diagnostic, raised by the reader of the value at `raised_by`.
    pub fn report(&mut self, raised_by: Span, diagnostic: Diagnostic) {
        self.problems.push(Problem {
            order: raised_by.end,
            diagnostic,
        });
    }

    /// "cannot unmarshal" as the peers put it; `go_type` is the name users know from their messages.
    pub fn wrong_type(&mut self, node: &Node, go_type: &str) {
        let value = match &node.kind {
            Kind::Scalar(scalar) => {
                let text = &scalar.text;
                if text.len() > 10 {
                    format!(" `{}...`", clip(text, 7))
                } else {
                    format!(" `{text}`")
                }
            }
            _ => String::new(),
        };
        let message = format!(
            "cannot unmarshal {}{value} into {go_type}",
            node.short_tag()
        );
        let diagnostic = Diagnostic::error(CODE_TYPE, message)
            .at(&self.source, node.span)
            .hint(format!("write {} here", expected(go_type)));
        self.report(node.span, diagnostic);
    }

    /// The mark before everything.
    pub fn start(&self) -> Mark {
        Mark(0)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.problems.len())
    }

    /// Whether no error was reported since `mark`: validators of a section run only if everything in
    /// it could be read, otherwise they would complain about what is only a consequence.
    pub fn is_clean_since(&self, mark: Mark) -> bool {
        self.problems
            .iter()
            .skip(mark.0)
            .all(|problem| problem.diagnostic.severity != diag::Severity::Error)
    }

    /// All problems, refusals first, in the order described above.
    pub fn finish(self) -> Diagnostics {
        let mut problems = self.problems;
        problems.sort_by_key(|problem| (is_gathered(&problem.diagnostic), problem.order));
        problems
            .into_iter()
            .map(|problem| problem.diagnostic)
            .collect()
    }
}

/// What the peers would print as the error: the first refusal, or all wrong types and unknown fields
/// together.
pub fn peer_text(diagnostics: &Diagnostics) -> Option<String> {
    let first = diagnostics.errors().next()?;
    if !is_gathered(first) {
        return Some(first.message.clone());
    }
    let mut text = "yaml: unmarshal errors:".to_owned();
    for diagnostic in diagnostics
        .errors()
        .filter(|diagnostic| is_gathered(diagnostic))
    {
        let line = diagnostic
            .position()
            .map_or(0, |(_, position)| position.line);
        text += &format!("\n  line {line}: {}", diagnostic.message);
    }
    Some(text)
}

fn is_gathered(diagnostic: &Diagnostic) -> bool {
    [CODE_TYPE, CODE_UNKNOWN, CODE_DUPLICATE].contains(&diagnostic.code)
}

/// The head of a text, at most `max` bytes, cut between characters.
fn clip(text: &str, max: usize) -> &str {
    let end = (0..=max)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    &text[..end]
}

fn expected(go_type: &str) -> String {
    match go_type {
        "bool" => "`true` or `false`".to_owned(),
        "string" => "a text".to_owned(),
        "int" | "int64" | "int32" => "a whole number".to_owned(),
        "uint" | "uint64" | "uint32" => "a whole number, not negative".to_owned(),
        "float64" => "a number".to_owned(),
        "time.Duration" => "a duration such as `30s` or `1m`".to_owned(),
        list if list.starts_with("[]") => "a list".to_owned(),
        _ if go_type.starts_with("map[") || go_type.ends_with(".plain") => {
            "a section of `key: value` lines".to_owned()
        }
        other => format!("a {other}"),
    }
}
