//! Duration expressions: arithmetic on seconds with the query's step and range.

use promql::ast::{
    DurationArg, DurationExpr, DurationKind, DurationOp, Expr, Sign, VectorSelector,
};

use super::Times;
use super::instant::{go_max, go_min};
use super::value::{Failure, Outcome};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    Positive,
    Any,
}

/// Milliseconds; fractions are cut off.
pub(crate) fn millis(arg: &DurationArg, times: Times, allowed: Allowed) -> Outcome<i64> {
    let expr = match arg {
        DurationArg::Fixed(duration) => return Ok(duration.millis()),
        DurationArg::Expr(expr) => expr,
    };
    let seconds = seconds(expr, times)?;
    if !seconds.is_finite() {
        return Err(Failure::new("duration is NaN or infinite"));
    }
    if seconds <= 0.0 && allowed == Allowed::Positive {
        return Err(Failure::new("duration must be greater than 0"));
    }
    // What 64-bit nanoseconds can hold.
    if seconds.abs() > 9_223_372_036.0 {
        return Err(Failure::new("duration is out of range"));
    }
    Ok((seconds * 1000.0) as i64)
}

fn seconds(expr: &DurationExpr, times: Times) -> Outcome<f64> {
    Ok(match &expr.kind {
        DurationKind::Number(number) => number.value,
        DurationKind::Step => times.step as f64 / 1000.0,
        DurationKind::Range => (times.end - times.start) as f64 / 1000.0,
        DurationKind::Unary { sign, operand } => match sign {
            Sign::Plus => seconds(operand, times)?,
            Sign::Minus => -seconds(operand, times)?,
        },
        DurationKind::Binary { op, lhs, rhs } => {
            let (lhs, rhs) = (seconds(lhs, times)?, seconds(rhs, times)?);
            match op {
                DurationOp::Add => lhs + rhs,
                DurationOp::Sub => lhs - rhs,
                DurationOp::Mul => lhs * rhs,
                DurationOp::Div | DurationOp::Mod if rhs == 0.0 => {
                    return Err(Failure::new("division or modulo by zero"));
                }
                DurationOp::Div => lhs / rhs,
                DurationOp::Mod => lhs % rhs,
                DurationOp::Pow => lhs.powf(rhs),
                DurationOp::MinOf => go_min(lhs, rhs),
                DurationOp::MaxOf => go_max(lhs, rhs),
            }
        }
    })
}

/// A duration that cannot be resolved fails the query, wherever it stands.
pub(crate) fn check_all(expr: &Expr, times: Times) -> Outcome<()> {
    let selector = |selector: &VectorSelector| millis(&selector.offset, times, Allowed::Any);
    match expr {
        Expr::Vector(vector) => selector(vector).map(|_| ())?,
        Expr::Matrix(matrix) => {
            selector(&matrix.selector)?;
            millis(&matrix.range, times, Allowed::Positive)?;
        }
        Expr::Subquery(subquery) => {
            millis(&subquery.offset, times, Allowed::Any)?;
            millis(&subquery.range, times, Allowed::Positive)?;
            if let Some(step) = &subquery.step {
                millis(step, times, Allowed::Positive)?;
            }
        }
        _ => {}
    }
    expr.children()
        .try_for_each(|child| check_all(child, times))
}
