//! The syntax tree. Every node knows the bytes of the query it came from.
//!
//! Trees from the parser are checked: types fit, functions and argument counts are right, selectors
//! have a non-empty matcher. Durations stay as written, because expressions such as `step()` have a
//! value only at evaluation.

use std::fmt;

pub use diag::Span;
use model::{Duration, Matcher, Timestamp};

use super::functions::Function;

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    Scalar,
    /// An instant vector: one sample per series.
    Vector,
    /// A range vector: a run of samples per series.
    Matrix,
    String,
}

impl ValueType {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::String => "string",
        }
    }

    /// The name in the language's documentation and messages.
    pub fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Number(NumberLiteral),
    String(StringLiteral),
    Vector(Box<VectorSelector>),
    Matrix(Box<MatrixSelector>),
    Subquery(Box<Subquery>),
    Call(Call),
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Unary(Box<Unary>),
    Paren(Box<Paren>),
}

impl Expr {
    pub fn span(&self) -> Span {
        match self {
            Self::Number(node) => node.span,
            Self::String(node) => node.span,
            Self::Vector(node) => node.span,
            Self::Matrix(node) => node.span,
            Self::Subquery(node) => node.span,
            Self::Call(node) => node.span,
            Self::Aggregate(node) => node.span,
            Self::Binary(node) => node.span,
            Self::Unary(node) => node.span,
            Self::Paren(node) => node.span,
        }
    }

    /// Costs a walk down the left edge of the tree at most.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Vector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Call(node) => node.function.return_type,
            Self::Binary(node) => node.value_type,
            Self::Unary(node) => node.expr.value_type(),
            Self::Paren(node) => node.expr.value_type(),
        }
    }

    /// The expressions directly below, in the order of the text.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let (first, rest): (Option<&Self>, &[Self]) = match self {
            Self::Call(node) => (None, &node.args),
            Self::Aggregate(node) => (node.param.as_ref(), std::slice::from_ref(&node.expr)),
            Self::Binary(node) => (Some(&node.lhs), std::slice::from_ref(&node.rhs)),
            Self::Unary(node) => (Some(&node.expr), &[]),
            Self::Paren(node) => (Some(&node.expr), &[]),
            Self::Subquery(node) => (Some(&node.expr), &[]),
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => (None, &[]),
        };
        first.into_iter().chain(rest)
    }

    /// The expressions directly below, to change them. Their types must stay.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        let (first, rest): (Option<&mut Self>, &mut [Self]) = match self {
            Self::Call(node) => (None, &mut node.args),
            Self::Aggregate(node) => (node.param.as_mut(), std::slice::from_mut(&mut node.expr)),
            Self::Binary(node) => (Some(&mut node.lhs), std::slice::from_mut(&mut node.rhs)),
            Self::Unary(node) => (Some(&mut node.expr), &mut []),
            Self::Paren(node) => (Some(&mut node.expr), &mut []),
            Self::Subquery(node) => (Some(&mut node.expr), &mut []),
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => {
                (None, &mut [])
            }
        };
        first.into_iter().chain(rest)
    }

    /// Every selector in the tree, in the order of the text: also that of `info`, which selects what
    /// labels come from.
    pub fn for_each_selector<'e>(&'e self, visit: &mut impl FnMut(&'e VectorSelector)) {
        match self {
            Self::Vector(node) => visit(node),
            Self::Matrix(node) => visit(&node.selector),
            _ => self
                .children()
                .for_each(|child| child.for_each_selector(visit)),
        }
    }

    /// Every selector in the tree, to change it: how access rules narrow a query.
    pub fn for_each_selector_mut(&mut self, visit: &mut impl FnMut(&mut VectorSelector)) {
        match self {
            Self::Vector(node) => visit(node),
            Self::Matrix(node) => visit(&mut node.selector),
            _ => self
                .children_mut()
                .for_each(|child| child.for_each_selector_mut(visit)),
        }
    }

    /// The expression inside any number of parentheses.
    pub fn without_parens(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }
}

/// `1`, `0x1f`, `+Inf`, and durations as numbers: `5m` is 300.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberLiteral {
    /// Seconds if it is a duration.
    pub value: f64,
    /// Written as a duration; printed as one.
    pub is_duration: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StringLiteral {
    /// Unquoted, escapes resolved; bytes that are no UTF-8 are U+FFFD.
    pub value: String,
    /// The bytes as written, only if they are no UTF-8 (`"\xff"`). Such a text is never a valid label
    /// name or value.
    pub invalid_utf8: Option<Box<[u8]>>,
    pub span: Span,
}

/// `name{label="value"} offset 5m @ 100`
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// The metric name if it stands before the braces. Empty otherwise, also for `{"name"}`, which is
    /// only a matcher on `__name__`.
    pub name: String,
    /// As written; for a `name` the matcher on `__name__` that it stands for is the last one.
    pub matchers: Vec<Matcher>,
    pub offset: DurationArg,
    pub at: Option<At>,
    pub boundary: Boundary,
    pub span: Span,
}

/// `selector[5m]`; offset and `@` are on the selector.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    pub selector: VectorSelector,
    pub range: DurationArg,
    pub span: Span,
}

/// `expr[1h:5m] offset 1d`
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Expr,
    pub range: DurationArg,
    /// None: the default step of the engine.
    pub step: Option<DurationArg>,
    pub offset: DurationArg,
    pub at: Option<At>,
    pub span: Span,
}

/// What samples at the edges of a range selector count (experimental).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// Only samples within the range.
    #[default]
    Plain,
    /// The last sample at or before the start of the range stands in for the start.
    Anchored,
    /// Values at both ends are interpolated.
    Smoothed,
}

/// The `@` modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Timestamp(Timestamp),
    /// `start()`: the first evaluation time of the query.
    Start,
    /// `end()`: the last evaluation time of the query.
    End,
}

/// A duration in an offset, a range or a step.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationArg {
    /// Known at parse time. Only offsets may be negative.
    Fixed(Duration),
    /// To be resolved at evaluation.
    Expr(Box<DurationExpr>),
}

impl DurationArg {
    pub const ZERO: Self = Self::Fixed(Duration::ZERO);

    /// None if it is an expression.
    pub fn fixed(&self) -> Option<Duration> {
        match self {
            Self::Fixed(duration) => Some(*duration),
            Self::Expr(_) => None,
        }
    }

    pub fn expr(&self) -> Option<&DurationExpr> {
        match self {
            Self::Fixed(_) => None,
            Self::Expr(expr) => Some(expr),
        }
    }

    pub fn is_zero(&self) -> bool {
        self.fixed().is_some_and(Duration::is_zero)
    }
}

/// Arithmetic on seconds (experimental): `step() * 2 + 5m`.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    pub kind: DurationKind,
    /// Written in parentheses.
    pub is_wrapped: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    Number(NumberLiteral),
    /// The resolution step of the query; the evaluation interval in instant queries is zero.
    Step,
    /// The query's end minus its start.
    Range,
    Unary {
        sign: Sign,
        operand: Box<DurationExpr>,
    },
    Binary {
        op: DurationOp,
        lhs: Box<DurationExpr>,
        rhs: Box<DurationExpr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    MinOf,
    MaxOf,
}

impl DurationOp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::MinOf => "min_of",
            Self::MaxOf => "max_of",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    Plus,
    Minus,
}

impl Sign {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }
}

/// `rate(x[5m])`. The number and types of arguments fit the signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: &'static Function,
    pub args: Vec<Expr>,
    pub span: Span,
}

/// `sum by (job) (x)`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: AggregateOp,
    /// Present exactly if [`AggregateOp::param_type`] is.
    pub param: Option<Expr>,
    pub expr: Expr,
    /// Label names of `by` or `without`, as written.
    pub grouping: Vec<String>,
    /// `without (…)`; else `by (…)`, which is also the meaning of no clause at all.
    pub is_without: bool,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    Avg,
    Bottomk,
    Count,
    CountValues,
    Group,
    Limitk,
    LimitRatio,
    Max,
    Min,
    Quantile,
    Stddev,
    Stdvar,
    Sum,
    Topk,
}

impl AggregateOp {
    pub const ALL: [Self; 14] = [
        Self::Avg,
        Self::Bottomk,
        Self::Count,
        Self::CountValues,
        Self::Group,
        Self::Limitk,
        Self::LimitRatio,
        Self::Max,
        Self::Min,
        Self::Quantile,
        Self::Stddev,
        Self::Stdvar,
        Self::Sum,
        Self::Topk,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Bottomk => "bottomk",
            Self::Count => "count",
            Self::CountValues => "count_values",
            Self::Group => "group",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
            Self::Max => "max",
            Self::Min => "min",
            Self::Quantile => "quantile",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Sum => "sum",
            Self::Topk => "topk",
        }
    }

    /// The type of the parameter before the aggregated expression, if there is one.
    pub fn param_type(self) -> Option<ValueType> {
        match self {
            Self::Bottomk | Self::Limitk | Self::LimitRatio | Self::Quantile | Self::Topk => {
                Some(ValueType::Scalar)
            }
            Self::CountValues => Some(ValueType::String),
            _ => None,
        }
    }

    pub fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

impl fmt::Display for AggregateOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `lhs op rhs`
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: BinaryOp,
    pub lhs: Expr,
    pub rhs: Expr,
    /// Between two vectors always present, otherwise never.
    pub matching: Option<VectorMatching>,
    /// Comparison with `bool`: 0 or 1 instead of filtering.
    pub returns_bool: bool,
    /// Scalar if both sides are, else vector.
    pub value_type: ValueType,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Unless,
    /// `</`: cuts the buckets of a histogram above a bound.
    TrimUpper,
    /// `>/`: cuts the buckets of a histogram below a bound.
    TrimLower,
}

impl BinaryOp {
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Mod,
        Self::Pow,
        Self::Atan2,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::And,
        Self::Or,
        Self::Unless,
        Self::TrimUpper,
        Self::TrimLower,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }

    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }

    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    pub cardinality: Cardinality,
    /// `on (…)`; else `ignoring (…)`, which is also the meaning of no clause at all.
    pub is_on: bool,
    /// Label names of `on` or `ignoring`, as written.
    pub labels: Vec<String>,
    /// Label names of `group_left` or `group_right`: copied from the "one" side.
    pub include: Vec<String>,
    /// Stand-in values where a side has no match (experimental).
    pub fill: FillValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

impl Cardinality {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneToOne => "one-to-one",
            Self::ManyToOne => "many-to-one",
            Self::OneToMany => "one-to-many",
            Self::ManyToMany => "many-to-many",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FillValues {
    /// For series missing on the left.
    pub lhs: Option<f64>,
    /// For series missing on the right.
    pub rhs: Option<f64>,
}

/// `-x`. Literals have their sign folded in.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    pub sign: Sign,
    pub expr: Expr,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Paren {
    pub expr: Expr,
    pub span: Span,
}
