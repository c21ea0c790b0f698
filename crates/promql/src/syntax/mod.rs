//! From query text to a checked tree, and back to text.
//!
//! In reading order: [`ast`] (the tree), [`functions`] (signatures), `lexer`, `literal`, `parser`,
//! `check` (types), `print` and `pretty` (text), `json` (the API's form), [`series`] (the notation of
//! test scripts), [`error`], `hint` (what to do about one).

pub mod ast;
mod check;
pub mod error;
pub mod functions;
mod hint;
mod json;
mod lexer;
mod literal;
mod parser;
mod pretty;
mod print;
pub mod series;

pub use error::{ParseError, ParseErrorKind, ParseErrors};
pub use functions::{FUNCTIONS, Function, function};
pub use json::ast_json;
pub use parser::{ParserOptions, parse, parse_metric, parse_metric_selector};
pub use pretty::{PRETTY_WIDTH, pretty};
pub use series::{SequenceValue, SeriesDescription, parse_series_description};

#[cfg(test)]
mod tests;
