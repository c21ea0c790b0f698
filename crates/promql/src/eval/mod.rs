//! Evaluation: a plan and a reader of series to a result.
//!
//! Every operator computes all steps of the query at once: its input and output are columns, one per
//! series ([`column`]). The order of float operations is fixed and is that of Prometheus.
//!
//! In reading order: [`engine`] (entry), [`evaluator`] (dispatch), [`common`] (what the queries of a group share), [`blocks`] (many series on all cores),
//! [`selector`] and [`sampled`], [`range_input`] (with subqueries), [`window`] (functions of ranges), [`raw_range`], [`call`], [`scalar`] and [`matching`] (binary operators), [`aggregate`], [`folding`] and [`fold`],
//! [`choose`] (aggregations that pick series), [`info`], [`merge`], [`explain`].

mod aggregate;
pub(crate) mod annotations;
mod blocks;
mod budget;
pub(crate) mod calendar;
mod call;
mod choose;
pub(crate) mod column;
mod common;
mod engine;
mod error;
mod evaluator;
pub mod explain;
mod fold;
mod folding;
mod info;
mod matching;
mod merge;
mod operators;
mod range_input;
mod raw_range;
mod result;
mod rows;
mod sampled;
mod scalar;
mod selector;
pub(crate) mod steps;
mod window;

pub use common::QueryGroup;
pub use engine::{Engine, EngineOptions, Expression, Feature, Query, RangeTimes};
pub use error::{Interruption, QueryError};
pub use result::{MatrixSeries, QueryResult, QueryStats, QueryValue, StepSamples, VectorSample};
