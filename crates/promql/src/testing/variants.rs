//! Other forms of a query that must have the same result: with `@` on every selector.

use model::Timestamp;

use crate::ast::{At, Expr, VectorSelector};

/// Functions of the evaluation time: `@` would change what they give.
const TIME_FUNCTIONS: [&str; 15] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "end",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
    "year",
];

/// The query with `@ time` on every selector and subquery that has none, or none if it uses a function of
/// the evaluation time.
pub(super) fn pinned(expr: &Expr, time: i64) -> Option<Expr> {
    let mut expr = expr.clone();
    pin(&mut expr, time).then_some(expr)
}

fn pin_selector(selector: &mut VectorSelector, time: i64) {
    selector.at.get_or_insert(At::Timestamp(Timestamp(time)));
}

/// False if a function forbids it.
fn pin(expr: &mut Expr, time: i64) -> bool {
    match expr {
        Expr::Number(_) | Expr::String(_) => true,
        Expr::Vector(selector) => {
            pin_selector(selector, time);
            true
        }
        Expr::Matrix(matrix) => {
            pin_selector(&mut matrix.selector, time);
            true
        }
        Expr::Subquery(subquery) => {
            if subquery.at.is_none() {
                subquery.at = Some(At::Timestamp(Timestamp(time)));
            }
            // What is inside moves with the subquery.
            !uses_time(&subquery.expr)
        }
        Expr::Call(call) => {
            if TIME_FUNCTIONS.contains(&call.function.name) {
                return false;
            }
            call.args.iter_mut().all(|arg| pin(arg, time))
        }
        Expr::Aggregate(aggregate) => {
            aggregate
                .param
                .as_mut()
                .is_none_or(|param| pin(param, time))
                && pin(&mut aggregate.expr, time)
        }
        Expr::Binary(binary) => pin(&mut binary.lhs, time) && pin(&mut binary.rhs, time),
        Expr::Unary(unary) => pin(&mut unary.expr, time),
        Expr::Paren(paren) => pin(&mut paren.expr, time),
    }
}

fn uses_time(expr: &Expr) -> bool {
    !pin(&mut expr.clone(), 0)
}
