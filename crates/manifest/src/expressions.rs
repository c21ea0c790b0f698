//! What this crate must know about queries: whether one can be parsed, and how a label is forced upon all
//! its selectors. The caller brings the language.

use std::fmt;

/// The query language, as far as rules need it.
pub trait Expressions: fmt::Debug {
    /// Whether the text is an expression; if not, why.
    fn check(&self, expression: &str) -> Result<(), String>;

    /// The expression with `label="value"` in every selector, in place of other matchers for the label.
    fn enforce(&self, expression: &str, label: &str, value: &str) -> Result<String, String>;
}

/// Accepts every expression that is not empty, for callers that check them later. Enforcing a label is
/// refused, because it would be lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct UncheckedExpressions;

impl Expressions for UncheckedExpressions {
    fn check(&self, expression: &str) -> Result<(), String> {
        if expression.trim().is_empty() {
            Err("no expression found in input".to_owned())
        } else {
            Ok(())
        }
    }

    fn enforce(&self, _: &str, label: &str, _: &str) -> Result<String, String> {
        Err(format!(
            "label {label} cannot be enforced without a query parser"
        ))
    }
}
