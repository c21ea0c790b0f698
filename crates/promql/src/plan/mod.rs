//! The plan: the syntax tree made ready for evaluation.
//!
//! Durations are resolved, `start()`, `end()`, `range()` and `step()` are numbers, parentheses are gone,
//! functions are looked up, and what has the same result at every step is marked to be evaluated once.

mod build;
mod durations;

use diag::Span;
use model::Matcher;

use crate::ast::{AggregateOp, BinaryOp, Boundary, ValueType, VectorMatching};
use crate::functions::Implementation;

pub(crate) use build::{PlanContext, build};

/// A query cannot be planned. `Display` is what the user sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PlanError(pub(crate) String);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) op: Op,
    pub(crate) value_type: ValueType,
    /// Where annotations point to.
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Number(f64),
    Text(Text),
    Selector(Selector),
    Range(RangeSelector),
    Subquery(Box<Subquery>),
    Call(Call),
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Negate(Box<Plan>),
    /// The same at every step: evaluated at the first one.
    Once(Box<Plan>),
}

/// A literal string.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Bytes that are no UTF-8 are U+FFFD.
    pub(crate) value: String,
    pub(crate) is_utf8: bool,
    /// As a query would have it.
    pub(crate) quoted: String,
}

impl Text {
    pub(crate) fn is_label_name(&self) -> bool {
        self.is_utf8 && !self.value.is_empty()
    }
}

/// Times are in milliseconds throughout.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) offset: i64,
    pub(crate) at: Option<i64>,
    pub(crate) boundary: Boundary,
    /// `+x` has the values of `x`, but functions of selectors see an expression.
    pub(crate) has_sign: bool,
    /// Of native histograms only count and sum are looked at.
    pub(crate) skips_buckets: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RangeSelector {
    pub(crate) selector: Selector,
    pub(crate) range: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    pub(crate) plan: Plan,
    pub(crate) range: i64,
    /// None: the default step of the engine.
    pub(crate) step: Option<i64>,
    pub(crate) offset: i64,
    pub(crate) at: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) implementation: Implementation,
    pub(crate) args: Vec<Plan>,
}

impl Call {
    /// The argument that is a range vector.
    pub(crate) fn range_arg(&self) -> Option<&Plan> {
        let is_range = |arg: &&Plan| matches!(arg.op, Op::Range(_) | Op::Subquery(_));
        self.args.iter().find(is_range)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) param: Option<Plan>,
    pub(crate) input: Plan,
    pub(crate) grouping: Vec<String>,
    pub(crate) is_without: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Plan,
    pub(crate) rhs: Plan,
    pub(crate) matching: Option<VectorMatching>,
    pub(crate) returns_bool: bool,
}
