//! The tree as `/api/v1/parse_query` shows it.

use model::format::float_plain;
use model::{Duration, Matcher};
use serde_json::{Value, json};

use super::ast::{
    At, Boundary, DurationArg, DurationExpr, DurationKind, Expr, NumberLiteral, Sign, ValueType,
    VectorMatching, VectorSelector,
};

/// Field names and null conventions are the API's. Fill values that JSON has no number for (`NaN`,
/// infinities) are strings.
pub fn ast_json(expr: &Expr) -> Value {
    match expr {
        Expr::Number(node) => json!({"type": "numberLiteral", "val": float_plain(node.value)}),
        Expr::String(node) => json!({"type": "stringLiteral", "val": node.value}),
        Expr::Paren(node) => json!({"type": "parenExpr", "expr": ast_json(&node.expr)}),
        Expr::Unary(node) => json!({
            "type": "unaryExpr",
            "op": node.sign.as_str(),
            "expr": ast_json(&node.expr),
        }),
        Expr::Binary(node) => json!({
            "type": "binaryExpr",
            "op": node.op.as_str(),
            "lhs": ast_json(&node.lhs),
            "rhs": ast_json(&node.rhs),
            "matching": node.matching.as_ref().map(matching),
            "bool": node.returns_bool,
        }),
        Expr::Aggregate(node) => json!({
            "type": "aggregation",
            "op": node.op.as_str(),
            "expr": ast_json(&node.expr),
            "param": node.param.as_ref().map(ast_json),
            "grouping": node.grouping,
            "without": node.is_without,
        }),
        Expr::Call(node) => {
            let function = node.function;
            let arg_types: Vec<&str> = function
                .arg_types
                .iter()
                .copied()
                .map(ValueType::as_str)
                .collect();
            json!({
                "type": "call",
                "func": {
                    "name": function.name,
                    "argTypes": arg_types,
                    "variadic": function.variadic,
                    "returnType": function.return_type.as_str(),
                },
                "args": node.args.iter().map(ast_json).collect::<Vec<_>>(),
            })
        }
        Expr::Vector(node) => selector("vectorSelector", node),
        Expr::Matrix(node) => {
            let mut value = selector("matrixSelector", &node.selector);
            value["range"] = millis(&node.range);
            value["rangeExpr"] = duration_expr(&node.range);
            value
        }
        Expr::Subquery(node) => {
            let step = node.step.as_ref().unwrap_or(&DurationArg::ZERO);
            json!({
                "type": "subquery",
                "expr": ast_json(&node.expr),
                "range": millis(&node.range),
                "rangeExpr": duration_expr(&node.range),
                "offset": millis(&node.offset),
                "offsetExpr": duration_expr(&node.offset),
                "step": millis(step),
                "stepExpr": duration_expr(step),
                "timestamp": timestamp(node.at),
                "startOrEnd": start_or_end(node.at),
            })
        }
    }
}

fn selector(kind: &str, node: &VectorSelector) -> Value {
    let matcher = |matcher: &Matcher| {
        json!({
            "name": matcher.name(),
            "value": matcher.value(),
            "type": matcher.op().as_str(),
        })
    };
    json!({
        "type": kind,
        "name": node.name,
        "offset": millis(&node.offset),
        "offsetExpr": duration_expr(&node.offset),
        "matchers": node.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "timestamp": timestamp(node.at),
        "startOrEnd": start_or_end(node.at),
        "anchored": node.boundary == Boundary::Anchored,
        "smoothed": node.boundary == Boundary::Smoothed,
    })
}

fn matching(matching: &VectorMatching) -> Value {
    json!({
        "card": matching.cardinality.as_str(),
        "labels": matching.labels,
        "on": matching.is_on,
        "include": matching.include,
        "fillValues": {
            "lhs": matching.fill.lhs.map(float),
            "rhs": matching.fill.rhs.map(float),
        },
    })
}

/// Whole numbers without a decimal point, as Go prints them.
fn float(value: f64) -> Value {
    /// Up to here every whole float is an exact integer.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if !value.is_finite() {
        return Value::from(float_plain(value));
    }
    let is_whole = value.fract() == 0.0 && value.abs() <= EXACT_MAX;
    if is_whole && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        return Value::from(value as i64);
    }
    Value::from(value)
}

fn millis(duration: &DurationArg) -> Value {
    Value::from(duration.fixed().map_or(0, Duration::millis))
}

fn timestamp(at: Option<At>) -> Value {
    match at {
        Some(At::Timestamp(time)) => Value::from(time.millis()),
        _ => Value::Null,
    }
}

fn start_or_end(at: Option<At>) -> Value {
    match at {
        Some(At::Start) => Value::from("start"),
        Some(At::End) => Value::from("end"),
        _ => Value::Null,
    }
}

fn duration_expr(duration: &DurationArg) -> Value {
    duration.expr().map_or(Value::Null, duration_node)
}

fn duration_node(expr: &DurationExpr) -> Value {
    let (op, lhs, rhs) = match &expr.kind {
        DurationKind::Number(number) => return duration_number(number),
        DurationKind::Step => ("step", None, None),
        DurationKind::Range => ("range", None, None),
        DurationKind::Unary {
            sign: Sign::Minus,
            operand,
        } => ("-", None, Some(operand)),
        DurationKind::Unary { operand, .. } => ("+", None, Some(operand)),
        DurationKind::Binary { op, lhs, rhs } => (op.as_str(), Some(lhs), Some(rhs)),
    };
    json!({
        "type": "durationExpr",
        "op": op,
        "lhs": lhs.map(|lhs| duration_node(lhs)),
        "rhs": rhs.map(|rhs| duration_node(rhs)),
        "wrapped": expr.is_wrapped,
    })
}

fn duration_number(number: &NumberLiteral) -> Value {
    json!({
        "type": "numberLiteral",
        "val": float_plain(number.value),
        "duration": number.is_duration,
    })
}
