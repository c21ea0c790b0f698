//! Aggregations: `sum by (a) (x)`, `topk(3, x) without (b)`.

use diag::Span;

use super::super::ast::{Aggregate, AggregateOp, Expr, NumberLiteral};
use super::super::error::ParseErrorKind;
use super::super::lexer::{Kind, Token};
use super::{EXPERIMENTAL_FUNCTIONS, Parsed, Parser, Unwind};

/// `by (…)` or `without (…)`; the default is none.
#[derive(Default)]
struct Modifier {
    grouping: Vec<String>,
    is_without: bool,
}

struct Parts {
    modifier: Modifier,
    args: Vec<Expr>,
    /// The end was only known after reading one token more.
    is_overread: bool,
}

impl Parser<'_> {
    /// After the name of the aggregation, which is known to be one.
    pub(super) fn aggregate(&mut self, op: Token) -> Parsed<Expr> {
        let parts = match self.aggregate_parts() {
            Ok(parts) => parts,
            Err(Unwind::Syntax) => {
                self.unexpected("aggregation", "");
                Parts {
                    modifier: Modifier::default(),
                    args: Vec::new(),
                    is_overread: false,
                }
            }
            Err(Unwind::Abort) => return Err(Unwind::Abort),
        };
        Ok(self.build_aggregate(op, parts))
    }

    fn aggregate_parts(&mut self) -> Parsed<Parts> {
        if let Some(modifier) = self.aggregate_modifier()? {
            return Ok(Parts {
                modifier,
                args: self.call_body()?,
                is_overread: false,
            });
        }
        let args = self.call_body()?;
        let height = self.height;
        let modifier = self.aggregate_modifier()?;
        self.height = height;
        Ok(Parts {
            is_overread: modifier.is_none(),
            modifier: modifier.unwrap_or_default(),
            args,
        })
    }

    fn aggregate_modifier(&mut self) -> Parsed<Option<Modifier>> {
        let is_without = match self.peek() {
            Kind::By => false,
            Kind::Without => true,
            _ => return Ok(None),
        };
        self.bump();
        let grouping = self.grouping_labels()?;
        Ok(Some(Modifier {
            grouping,
            is_without,
        }))
    }

    fn build_aggregate(&mut self, name: Token, parts: Parts) -> Expr {
        let end = if parts.is_overread {
            self.lexer.previous_right_paren_end(self.last_closing)
        } else {
            self.last_closing
        };
        let span = Span {
            start: name.span.start,
            end,
        };
        let op = aggregate_op(name.kind);
        let mut args = parts.args.into_iter();
        let given = args.len();
        let wanted = 1 + usize::from(op.param_type().is_some());
        if given == 0 {
            let message = "no arguments for aggregate expression provided".to_owned();
            self.report(ParseErrorKind::Type, span, message);
        } else if op.is_experimental() && !self.options.experimental_functions {
            let message = format!(
                "{op}() is experimental and must be enabled with --enable-feature={EXPERIMENTAL_FUNCTIONS}"
            );
            self.not_enabled(span, message, EXPERIMENTAL_FUNCTIONS);
        } else if given != wanted {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
            );
            self.report(ParseErrorKind::Type, span, message);
        }
        let param = match op.param_type() {
            Some(_) => args.next(),
            None => None,
        };
        Expr::Aggregate(Box::new(Aggregate {
            op,
            param,
            expr: args.next().unwrap_or(PLACEHOLDER),
            grouping: parts.modifier.grouping,
            is_without: parts.modifier.is_without,
            span,
        }))
    }
}

/// Stands where an expression is missing. An error was reported, so no caller sees it.
const PLACEHOLDER: Expr = Expr::Number(NumberLiteral {
    value: 0.0,
    is_duration: false,
    span: Span { start: 0, end: 0 },
});

fn aggregate_op(kind: Kind) -> AggregateOp {
    match kind {
        Kind::Avg => AggregateOp::Avg,
        Kind::Bottomk => AggregateOp::Bottomk,
        Kind::Count => AggregateOp::Count,
        Kind::CountValues => AggregateOp::CountValues,
        Kind::Group => AggregateOp::Group,
        Kind::Limitk => AggregateOp::Limitk,
        Kind::LimitRatio => AggregateOp::LimitRatio,
        Kind::Max => AggregateOp::Max,
        Kind::Min => AggregateOp::Min,
        Kind::Quantile => AggregateOp::Quantile,
        Kind::Stddev => AggregateOp::Stddev,
        Kind::Stdvar => AggregateOp::Stdvar,
        Kind::Topk => AggregateOp::Topk,
        // The caller has checked that it is one.
        _ => AggregateOp::Sum,
    }
}
