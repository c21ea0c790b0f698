//! The query language: text to tree, tree to results.
//!
//! In reading order: [`syntax`] (lexer, parser, type checker, printers).
//!
//! Not here: storage (only the traits of `model::storage` are used), HTTP, rules, clocks.

pub mod syntax;

pub use syntax::ast;
pub use syntax::ast::Expr;
