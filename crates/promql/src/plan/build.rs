//! From the syntax tree to the plan.

use diag::Span;

use super::durations::{Allowed, QueryTimes, resolve};
use super::{
    Aggregate, Binary, Call, Op, Plan, PlanError, RangeSelector, Selector, Subquery, Text,
};
use crate::ast::{self, At, BinaryOp, Expr, Sign, ValueType};
use crate::functions::{self, Implementation, InstantFunction};

/// The times of the query, in milliseconds; `interval` is 0 for an instant query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanContext {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) interval: i64,
    /// How many subqueries are around.
    pub(crate) nesting: usize,
}

/// Each nested subquery multiplies the work and takes stack; nobody needs that many.
const SUBQUERY_NESTING_MAX: usize = 64;

impl PlanContext {
    fn times(self) -> QueryTimes {
        QueryTimes {
            step: self.interval,
            range: self.end.saturating_sub(self.start),
        }
    }

    fn at(self, at: Option<At>) -> Option<i64> {
        at.map(|at| match at {
            At::Timestamp(time) => time.millis(),
            At::Start => self.start,
            At::End => self.end,
        })
    }
}

/// Functions whose result depends on the evaluation time even if their arguments do not.
const TIME_DEPENDENT: [&str; 15] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "end",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
];

pub(crate) fn build(expr: &Expr, context: PlanContext) -> Result<Plan, PlanError> {
    let built = node(expr, context, BucketUse::Unknown)?;
    Ok(built.finished())
}

/// What the functions around a selector need of native histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BucketUse {
    Unknown,
    /// Only count and sum, unless something further out needs all.
    StatsOnly,
    All,
}

struct Built {
    plan: Plan,
    is_invariant: bool,
    /// Whether it should be evaluated once if what is around it is not invariant.
    should_wrap: bool,
}

impl Built {
    /// As an operand of something that changes with time.
    fn finished(self) -> Plan {
        if !self.should_wrap {
            return self.plan;
        }
        once(self.plan)
    }
}

fn once(plan: Plan) -> Plan {
    Plan {
        value_type: plan.value_type,
        span: plan.span,
        op: Op::Once(Box::new(plan)),
    }
}

fn constant(op: Op, expr: &Expr) -> Built {
    Built {
        plan: Plan {
            op,
            value_type: expr.value_type(),
            span: expr.span(),
        },
        is_invariant: true,
        should_wrap: false,
    }
}

fn node(expr: &Expr, context: PlanContext, buckets: BucketUse) -> Result<Built, PlanError> {
    let with = |op: Op, is_invariant: bool, should_wrap: bool| Built {
        plan: Plan {
            op,
            value_type: expr.value_type(),
            span: expr.span(),
        },
        is_invariant,
        should_wrap,
    };
    match expr {
        Expr::Number(number) => Ok(constant(Op::Number(number.value), expr)),
        Expr::String(literal) => {
            let text = Text {
                value: literal.value.clone(),
                is_utf8: literal.invalid_utf8.is_none(),
                quoted: expr.to_string(),
            };
            Ok(constant(Op::Text(text), expr))
        }
        Expr::Paren(paren) => node(&paren.expr, context, buckets),
        Expr::Unary(unary) => {
            let mut inner = node(&unary.expr, context, buckets)?;
            if let Op::Selector(selector) = &mut inner.plan.op {
                selector.has_sign = true;
            }
            Ok(match unary.sign {
                Sign::Plus => inner,
                Sign::Minus => Built {
                    plan: Plan {
                        value_type: expr.value_type(),
                        span: unary.span,
                        op: Op::Negate(Box::new(inner.plan)),
                    },
                    ..inner
                },
            })
        }
        Expr::Vector(vector) => {
            let selector = selector(vector, context, buckets)?;
            let is_fixed = selector.at.is_some();
            Ok(with(Op::Selector(selector), is_fixed, is_fixed))
        }
        Expr::Matrix(matrix) => {
            let range = RangeSelector {
                selector: selector(&matrix.selector, context, buckets)?,
                range: resolve(&matrix.range, context.times(), Allowed::Positive)?,
            };
            let is_fixed = range.selector.at.is_some();
            Ok(with(Op::Range(range), is_fixed, false))
        }
        Expr::Subquery(subquery) => {
            if context.nesting >= SUBQUERY_NESTING_MAX {
                return Err(PlanError(format!(
                    "subqueries are nested more than {SUBQUERY_NESTING_MAX} deep"
                )));
            }
            let within = PlanContext {
                nesting: context.nesting + 1,
                ..context
            };
            let inner = node(&subquery.expr, within, BucketUse::All)?;
            // Even a number is evaluated once per subquery.
            let plan = if inner.is_invariant {
                once(inner.plan)
            } else {
                inner.plan
            };
            let times = context.times();
            let subquery = Subquery {
                plan,
                range: resolve(&subquery.range, times, Allowed::Positive)?,
                step: subquery
                    .step
                    .as_ref()
                    .map(|step| resolve(step, times, Allowed::Positive))
                    .transpose()?,
                offset: resolve(&subquery.offset, times, Allowed::Any)?,
                at: context.at(subquery.at),
            };
            let is_fixed = subquery.at.is_some();
            Ok(with(Op::Subquery(Box::new(subquery)), is_fixed, false))
        }
        Expr::Aggregate(aggregate) => {
            let param = match &aggregate.param {
                Some(param) => Some(node(param, context, buckets)?.finished()),
                None => None,
            };
            let input = node(&aggregate.expr, context, buckets)?;
            let (is_invariant, should_wrap) = (input.is_invariant, input.should_wrap);
            // An aggregation is as constant as its input; the parameter is not looked at (as in
            // Prometheus, where it is then taken at the first step).
            let aggregate = Aggregate {
                op: aggregate.op,
                param,
                input: input.plan,
                grouping: aggregate.grouping.clone(),
                is_without: aggregate.is_without,
            };
            Ok(with(
                Op::Aggregate(Box::new(aggregate)),
                is_invariant,
                should_wrap,
            ))
        }
        Expr::Binary(binary) => binary_node(binary, expr, context, buckets),
        Expr::Call(call) => call_node(call, expr, context, buckets),
    }
}

/// Chains lean to the left and may be long: that side is walked, not recursed into.
fn binary_node(
    binary: &ast::Binary,
    expr: &Expr,
    context: PlanContext,
    buckets: BucketUse,
) -> Result<Built, PlanError> {
    let mut chain = vec![(binary, expr, buckets_below(binary.op, buckets))];
    let mut leftmost = &binary.lhs;
    let mut buckets = buckets_below(binary.op, buckets);
    while let Expr::Binary(inner) = leftmost {
        buckets = buckets_below(inner.op, buckets);
        chain.push((&**inner, leftmost, buckets));
        leftmost = &inner.lhs;
    }
    let mut built = node(leftmost, context, buckets)?;
    for (binary, expr, buckets) in chain.into_iter().rev() {
        let rhs = node(&binary.rhs, context, buckets)?;
        built = joined(binary, expr, built, rhs);
    }
    Ok(built)
}

fn buckets_below(op: BinaryOp, buckets: BucketUse) -> BucketUse {
    match op {
        BinaryOp::TrimUpper | BinaryOp::TrimLower => BucketUse::All,
        _ => buckets,
    }
}

fn joined(binary: &ast::Binary, expr: &Expr, lhs: Built, rhs: Built) -> Built {
    let is_invariant = lhs.is_invariant && rhs.is_invariant;
    let (lhs, rhs) = if is_invariant {
        (lhs.plan, rhs.plan)
    } else {
        (lhs.finished(), rhs.finished())
    };
    Built {
        plan: Plan {
            op: Op::Binary(Box::new(Binary {
                op: binary.op,
                lhs,
                rhs,
                matching: binary.matching.clone(),
                returns_bool: binary.returns_bool,
            })),
            value_type: expr.value_type(),
            span: binary.span,
        },
        is_invariant,
        should_wrap: is_invariant,
    }
}

fn call_node(
    call: &ast::Call,
    expr: &Expr,
    context: PlanContext,
    buckets: BucketUse,
) -> Result<Built, PlanError> {
    let name = call.function.name;
    let times = context.times();
    let seconds = |millis: i64| model::Duration::from_millis(millis).seconds();
    let folded = match name {
        "start" => Some(seconds(context.start)),
        "end" => Some(seconds(context.end)),
        "range" => Some(seconds(times.range)),
        "step" if context.start == context.end => Some(0.0),
        "step" => Some(seconds(times.step)),
        _ => None,
    };
    if let Some(value) = folded {
        return Ok(constant(Op::Number(value), expr));
    }
    let Some(implementation) = functions::implementation(name) else {
        return Err(PlanError(format!("unknown function with name \"{name}\"")));
    };
    let buckets = match (buckets, name) {
        (BucketUse::All, _) => BucketUse::All,
        (_, "histogram_count" | "histogram_sum" | "histogram_avg") => BucketUse::StatsOnly,
        (_, "histogram_quantile" | "histogram_quantiles" | "histogram_fraction") => BucketUse::All,
        (buckets, _) => buckets,
    };
    let mut is_invariant = !TIME_DEPENDENT.contains(&name);
    let mut is_fixed_timestamp = name == "timestamp";
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        let built = node(arg, context, buckets)?;
        is_invariant &= built.is_invariant;
        is_fixed_timestamp &= built.is_invariant
            && matches!(&built.plan.op, Op::Selector(selector) if !selector.has_sign);
        args.push(built);
    }
    let is_invariant = is_invariant || is_fixed_timestamp;
    let args: Vec<Plan> = args
        .into_iter()
        .map(|built| {
            let mut plan = if is_invariant {
                built.plan
            } else {
                built.finished()
            };
            if matches!(plan.op, Op::Subquery(_)) {
                // Prometheus replaces the subquery by its result, which has no place in the text.
                plan.span = Span::new(0, 0);
            }
            plan
        })
        .collect();
    // These act on the selector itself: `timestamp(x)` is the time of the sample, not of the step.
    let is_selector = args
        .first()
        .is_some_and(|arg| matches!(&arg.op, Op::Selector(selector) if !selector.has_sign));
    let implementation = match implementation {
        Implementation::Instant(InstantFunction::Timestamp) if is_selector => {
            Implementation::SampleTimestamp
        }
        Implementation::Instant(InstantFunction::StartTimestamp) if is_selector => {
            Implementation::SampleStartTimestamp
        }
        implementation => implementation,
    };
    Ok(Built {
        plan: Plan {
            op: Op::Call(Call {
                name,
                implementation,
                args,
            }),
            value_type: call.function.return_type,
            span: call.span,
        },
        is_invariant,
        should_wrap: is_invariant && call.function.return_type != ValueType::String,
    })
}

fn selector(
    vector: &ast::VectorSelector,
    context: PlanContext,
    buckets: BucketUse,
) -> Result<Selector, PlanError> {
    Ok(Selector {
        matchers: vector.matchers.clone(),
        offset: resolve(&vector.offset, context.times(), Allowed::Any)?,
        at: context.at(vector.at),
        boundary: vector.boundary,
        has_sign: false,
        skips_buckets: buckets == BucketUse::StatsOnly,
    })
}
