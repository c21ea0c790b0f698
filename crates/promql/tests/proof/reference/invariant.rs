//! Which expressions have the same input at every step: those whose selectors are all fixed in time.

use promql::ast::Expr;

/// Their result depends on the time of the step, whatever their arguments are.
const OF_TIME: [&str; 11] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "time",
    "timestamp",
];

pub(crate) fn is_invariant(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::String(_) => true,
        Expr::Vector(vector) => vector.at.is_some(),
        Expr::Matrix(matrix) => matrix.selector.at.is_some(),
        Expr::Subquery(subquery) => subquery.at.is_some(),
        Expr::Paren(paren) => is_invariant(&paren.expr),
        Expr::Unary(unary) => is_invariant(&unary.expr),
        Expr::Binary(binary) => is_invariant(&binary.lhs) && is_invariant(&binary.rhs),
        // The parameter is not looked at.
        Expr::Aggregate(aggregate) => is_invariant(&aggregate.expr),
        Expr::Call(call) => {
            let are_args_invariant = call.args.iter().all(is_invariant);
            // The time of a fixed sample is fixed as well.
            let is_fixed_time = call.function.name == "timestamp"
                && matches!(call.args[0].without_parens(), Expr::Vector(_));
            are_args_invariant && (is_fixed_time || !OF_TIME.contains(&call.function.name))
        }
    }
}
