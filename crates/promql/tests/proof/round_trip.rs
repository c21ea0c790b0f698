//! What is printed reads as what it was printed from: on one line and laid out.

use serde_json::Value;

use promql::{Expr, ParserOptions, ast_json, parse, pretty};

use crate::generate::{Choices, Dialect, Generator};

/// Widths at which everything breaks, some things do, and nothing does.
const WIDTHS: [usize; 3] = [1, 40, 100_000];

/// The tree in the form of the API, which has no places. Matchers have no order: the printer sorts them, as
/// the peer's does.
fn tree(expr: &Expr) -> Value {
    let mut tree = ast_json(expr);
    sort_matchers(&mut tree);
    tree
}

fn sort_matchers(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            if let Some(Value::Array(matchers)) = fields.get_mut("matchers") {
                matchers.sort_by_key(Value::to_string);
            }
            fields.values_mut().for_each(sort_matchers);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_matchers),
        _ => {}
    }
}

pub(crate) fn check(expr: &Expr) {
    let wanted = tree(expr);
    let printed = expr.to_string();
    let laid_out = WIDTHS.map(|width| pretty(expr, width));
    for text in std::iter::once(&printed).chain(&laid_out) {
        let again = parse(text, &ParserOptions::ALL)
            .unwrap_or_else(|errors| panic!("{printed:?} prints as {text:?}: {errors}"));
        assert_eq!(tree(&again), wanted, "{printed:?} prints as {text:?}");
        assert_eq!(again.to_string(), printed);
    }
}

#[test]
fn printing_and_reading_are_inverse() {
    for number in 0..5_000 {
        let mut choices = Choices::seeded(77, number);
        let text = Generator::new(&mut choices, Dialect::Ours).query();
        let expr = parse(&text, &ParserOptions::ALL)
            .unwrap_or_else(|errors| panic!("case {number}: {text:?}: {errors}"));
        check(&expr);
    }
}

/// Texts that fuzzing found.
#[test]
fn what_once_printed_differently() {
    let texts = [
        "-0m--5",
        "1 / -0s",
        r#"m{a="\x82",b="\ufffd",c!~"\ufffd+"}"#,
        r#"label_replace(m, "a", "\x82\ufffd", "b", "\ufffd")"#,
        r#"sum by ("\ufffd") (m)"#,
    ];
    for text in texts {
        let expr = parse(text, &ParserOptions::ALL).expect("a query");
        check(&expr);
    }
}
