//! The query language: text to tree, tree to results.
//!
//! In reading order: [`syntax`] (lexer, parser, type checker, printers), `plan` (the tree made ready),
//! [`eval`] (operators over columns), `functions`, [`testing`] (a reader of series in memory and the
//! script language of test cases).
//!
//! Not here: storage (only the traits of `model::storage` are used), HTTP, rules, clocks.

pub mod eval;
mod functions;
mod plan;
pub mod syntax;
pub mod testing;

pub use eval::explain::{Cost, Evaluation, ExplainedNode, Explanation, MeasuredCost, Timer};
pub use eval::{
    Engine, EngineOptions, Expression, Feature, Interruption, MatrixSeries, Query, QueryError,
    QueryGroup, QueryResult, QueryStats, QueryValue, RangeTimes, StepSamples, VectorSample,
};
pub use syntax::ast::{self, Expr, ValueType};
pub use syntax::{
    ParseError, ParseErrorKind, ParseErrors, ParserOptions, ast_json, parse, parse_metric,
    parse_metric_selector, parse_series_description, pretty,
};
