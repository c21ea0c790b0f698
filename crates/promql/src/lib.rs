//! The query language: text to tree, tree to results.
//!
//! In reading order: [`syntax`] (lexer, parser, type checker, printers).
//!
//! Not here: storage (only the traits of `model::storage` are used), HTTP, rules, clocks.

pub mod syntax;

pub use syntax::ast::{self, Expr, ValueType};
pub use syntax::{
    ParseError, ParseErrorKind, ParseErrors, ParserOptions, ast_json, parse, parse_metric,
    parse_metric_selector, parse_series_description, pretty,
};
