//! Duration expressions: arithmetic on seconds with the query's step and range.

use model::Duration;

use super::PlanError;
use crate::ast::{DurationArg, DurationExpr, DurationKind, DurationOp, Sign};
use crate::functions::go_math;

/// What `step()` and `range()` stand for, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueryTimes {
    pub(super) step: i64,
    pub(super) range: i64,
}

/// Whether a duration may be zero or negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Positive,
    Any,
}

/// Milliseconds.
pub(super) fn resolve(
    arg: &DurationArg,
    times: QueryTimes,
    allowed: Allowed,
) -> Result<i64, PlanError> {
    let expr = match arg {
        DurationArg::Fixed(duration) => return Ok(duration.millis()),
        DurationArg::Expr(expr) => expr,
    };
    let problem = |text: &str| PlanError(format!("{}:{}: {text}", expr.span.start, expr.span.end));
    let seconds = seconds(expr, times)?;
    if !seconds.is_finite() {
        return Err(problem("duration is NaN or infinite"));
    }
    if seconds <= 0.0 && allowed == Allowed::Positive {
        return Err(problem("duration must be greater than 0"));
    }
    if seconds.abs() > 9_223_372_036.0 {
        return Err(problem("duration is out of range"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked above; fractions of a millisecond are cut off"
    )]
    Ok((seconds * 1000.0) as i64)
}

fn seconds(expr: &DurationExpr, times: QueryTimes) -> Result<f64, PlanError> {
    let problem = |text: &str| PlanError(format!("{}:{}: {text}", expr.span.start, expr.span.end));
    Ok(match &expr.kind {
        DurationKind::Number(number) => number.value,
        DurationKind::Step => Duration::from_millis(times.step).seconds(),
        DurationKind::Range => Duration::from_millis(times.range).seconds(),
        DurationKind::Unary { sign, operand } => {
            let value = seconds(operand, times)?;
            match sign {
                Sign::Plus => value,
                Sign::Minus => -value,
            }
        }
        DurationKind::Binary { op, lhs, rhs } => {
            let (lhs, rhs) = (seconds(lhs, times)?, seconds(rhs, times)?);
            match op {
                DurationOp::Add => lhs + rhs,
                DurationOp::Sub => lhs - rhs,
                DurationOp::Mul => lhs * rhs,
                DurationOp::Div if rhs == 0.0 => return Err(problem("division by zero")),
                DurationOp::Div => lhs / rhs,
                DurationOp::Mod if rhs == 0.0 => return Err(problem("modulo by zero")),
                DurationOp::Mod => lhs % rhs,
                DurationOp::Pow => lhs.powf(rhs),
                DurationOp::MinOf => go_math::min(lhs, rhs),
                DurationOp::MaxOf => go_math::max(lhs, rhs),
            }
        }
    })
}
