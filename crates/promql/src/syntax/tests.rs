//! Parsing, checking and printing as users see them.

use proptest::prelude::*;

use super::*;
use crate::syntax::ast::{At, BinaryOp, DurationArg, Expr};

/// The canonical text, or the first error as the API shows it.
fn printed(query: &str) -> String {
    match parse(query, &ParserOptions::ALL) {
        Ok(expr) => expr.to_string(),
        Err(errors) => errors.to_string(),
    }
}

/// All messages with their byte ranges.
fn problems(query: &str, options: &ParserOptions) -> Vec<String> {
    let errors = parse(query, options).expect_err(query);
    errors
        .errors()
        .iter()
        .map(|error| format!("{}..{} {}", error.span.start, error.span.end, error.message))
        .collect()
}

#[test]
fn precedence_shows_in_the_tree() {
    for (query, outer) in [
        ("a + b * c", BinaryOp::Add),
        ("a * b + c", BinaryOp::Add),
        ("a or b and c unless d", BinaryOp::Or),
        ("a == bool b + c", BinaryOp::Equal),
        ("-a ^ b * c", BinaryOp::Mul),
        ("a offset -2 ^ 2", BinaryOp::Pow),
        ("a atan2 b - c", BinaryOp::Sub),
    ] {
        match parse(query, &ParserOptions::ALL) {
            Ok(Expr::Binary(node)) => assert_eq!(node.op, outer, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    // Powers group from the right, everything else from the left.
    for (query, right_is_binary) in [("a ^ b ^ c", true), ("a - b - c", false)] {
        match parse(query, &ParserOptions::ALL) {
            Ok(Expr::Binary(node)) => {
                assert_eq!(matches!(node.rhs, Expr::Binary(_)), right_is_binary);
            }
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn spans_cover_the_text() {
    let query = "sum by (job) (rate(x{a=\"b\"}[5m] offset 1m)) / 2";
    let text = |span: diag::Span| &query[span.start..span.end];
    let Ok(Expr::Binary(division)) = parse(query, &ParserOptions::default()) else {
        panic!("no binary expression");
    };
    assert_eq!(text(division.span), query);
    let Expr::Aggregate(sum) = &division.lhs else {
        panic!("no aggregation");
    };
    assert_eq!(text(sum.span), &query[..query.len() - 4]);
    let Expr::Call(rate) = &sum.expr else {
        panic!("no call");
    };
    assert_eq!(text(rate.span), "rate(x{a=\"b\"}[5m] offset 1m)");
    let Expr::Matrix(matrix) = &rate.args[0] else {
        panic!("no range selector");
    };
    assert_eq!(text(matrix.span), "x{a=\"b\"}[5m] offset 1m");
    assert_eq!(text(matrix.selector.span), "x{a=\"b\"}");
}

#[test]
fn modifiers_land_on_the_selector() {
    let parsed = parse("x[5m] @ start() offset -1h", &ParserOptions::default());
    let Ok(Expr::Matrix(matrix)) = parsed else {
        panic!("{parsed:?}");
    };
    assert_eq!(matrix.selector.at, Some(At::Start));
    let offset = DurationArg::Fixed(model::Duration::from_secs(-3600));
    assert_eq!(matrix.selector.offset, offset);
}

#[test]
fn canonical_text() {
    for (query, text) in [
        ("SUM(x)by(a,b)", "sum by (a, b) (x)"),
        ("a+on(b)group_left c", "a + on (b) group_left () c"),
        ("x{b='1',a=~\"2\"}", "x{a=~\"2\",b=\"1\"}"),
        (
            "{\"my.name\",'l.n'!='v'}",
            "{\"l.n\"!=\"v\",__name__=\"my.name\"}",
        ),
        ("x[1h:] @ 1.5 offset 90s", "x[1h:] @ 1.500 offset 1m30s"),
        (
            "a + fill_left(1e6) fill_right(-2) b",
            "a + fill_left (1e+06) fill_right (-2) b",
        ),
        ("x[(5)*step()]", "x[(5) * step()]"),
        ("- - 3 + +x", "3 + +x"),
        ("5m + 0x10", "5m + 16"),
        ("36h", "1d12h"),
    ] {
        assert_eq!(printed(query), text);
    }
}

#[test]
fn all_problems_with_their_places() {
    let cases: &[(&str, &[&str])] = &[
        (
            "sum(foo bar)",
            &[
                "8..11 unexpected identifier \"bar\" in aggregation",
                "0..0 no arguments for aggregate expression provided",
            ],
        ),
        (
            "rate(x) + rte(y[5m]) $",
            &[
                "10..13 unknown function with name \"rte\"",
                "21..22 unexpected character: '$'",
            ],
        ),
        (
            "foo{a=\"b\" c, d=} + by",
            &[
                "10..11 unexpected identifier \"c\" in label matching, expected \",\" or \"}\"",
                "15..16 unexpected \"}\" in label matching, expected string",
            ],
        ),
        (
            "sum by (a b) (rate(x)) + sum(1)",
            &["10..11 unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""],
        ),
        (
            "rate(x) + sum(1)",
            &[
                "5..6 expected type range vector in call to function \"rate\", got instant vector",
                "14..15 expected type instant vector in aggregation expression, got scalar",
            ],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(problems(query, &ParserOptions::ALL), *expected, "{query}");
    }
}

#[test]
fn experimental_syntax_needs_its_switch() {
    for query in [
        "limitk(1, x)",
        "info(x)",
        "x[step()]",
        "rate(x[5m] anchored)",
        "a + fill(0) b",
    ] {
        assert!(parse(query, &ParserOptions::ALL).is_ok(), "{query}");
        let errors = parse(query, &ParserOptions::default()).expect_err(query);
        let kinds: Vec<_> = errors.errors().iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [ParseErrorKind::NotEnabled], "{query}");
    }
}

#[test]
fn hints_and_diagnostics() {
    let errors = parse("sum(\n  rte(x[5m]))", &ParserOptions::default()).expect_err("rte");
    assert_eq!(
        errors.to_string(),
        "2:3: parse error: unknown function with name \"rte\""
    );
    let diagnostics = errors.to_diagnostics("query");
    let lines: Vec<String> = diagnostics.iter().map(diag::render_line).collect();
    assert_eq!(
        lines,
        ["query:2:3: unknown function with name \"rte\" (did you mean `rate`?)"]
    );
}

#[test]
fn breaks_lines_at_the_width() {
    let expr = parse(
        "topk(3, sum by (a) (rate(x[5m])) / on (b) -y[5m:])",
        &ParserOptions::ALL,
    );
    assert!(expr.is_err(), "a subquery cannot be negated");
    let expr = parse(
        "topk(3, sum by (a) (rate(x[5m])) / on (b) -y)",
        &ParserOptions::ALL,
    )
    .expect("valid");
    let expected = "\
topk(
  3,
    sum by (a) (
      rate(
        x[5m]
      )
    )
  / on (b)
    -y
)";
    assert_eq!(pretty(&expr, 10), expected);
    assert_eq!(pretty(&expr, PRETTY_WIDTH), expr.to_string());
}

#[test]
fn names_and_labels_of_a_series() {
    let labels = |text: &str| parse_metric(text).map(|labels| labels.to_string());
    assert_eq!(
        labels("sum{b='2',\"a.b\"='1'}").expect("valid"),
        labels("{\"sum\",\"a.b\"=\"1\",b=\"2\"}").expect("valid")
    );
    assert!(labels("{a!='1'}").is_err());
    assert!(labels("x{} 1").is_err());
}

#[test]
fn selectors_alone() {
    let matchers = |text: &str| {
        let matchers = parse_metric_selector(text)?;
        let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        Ok::<_, ParseErrors>(texts.join(","))
    };
    assert_eq!(
        matchers("x{a!~'b'}").expect("valid"),
        "a!~\"b\",__name__=\"x\""
    );
    assert_eq!(matchers("{a=''}").expect("may match nothing"), "a=\"\"");
    assert!(matchers("x[5m]").is_err());
    assert!(matchers("rate(x)").is_err());
}

#[test]
fn series_values() {
    let values = |text: &str| {
        let series = parse_series_description(text).expect(text);
        let texts: Vec<String> = series.values.iter().map(ToString::to_string).collect();
        texts.join(" ")
    };
    assert_eq!(
        values("x 1+2x2 _x2 stale -1.5 Inf"),
        "1 3 5 _ _ stale -1.5 +Inf"
    );
    assert_eq!(
        values("x {{schema:2 buckets:[4 1] offset:-1}}-{{schema:3 buckets:[1 1 1]}}x1"),
        "{{schema:2 offset:-1 buckets:[4 1]}} {{schema:2 offset:-1 buckets:[4 0 -2]}}"
    );
    for text in [
        "x 1x99999999999",
        "x 1x99999999999999999999",
        "x 1+1x1048576",
    ] {
        assert!(parse_series_description(text).is_err(), "{text}");
    }
}

#[test]
fn selectors_can_be_narrowed_everywhere() {
    let query =
        "topk(scalar(a), max_over_time((b)[5m:])) + (sum(rate(c{x='y'}[5m])) / info(d, {e='f'}))";
    let mut expr = parse(query, &ParserOptions::ALL).expect("valid");
    let mut names = Vec::new();
    expr.for_each_selector(&mut |selector| names.push(selector.name.as_str()));
    assert_eq!(names, ["a", "b", "c", "d", ""]);
    expr.for_each_selector_mut(&mut |selector| {
        selector.matchers.push(model::Matcher::equal("ns", "n"));
    });
    assert_eq!(
        expr.to_string(),
        "topk(scalar(a{ns=\"n\"}), max_over_time((b{ns=\"n\"})[5m:])) + \
         (sum(rate(c{ns=\"n\",x=\"y\"}[5m])) / info(d{ns=\"n\"}, {e=\"f\",ns=\"n\"}))"
    );
}

/// Deep or long input ends with an answer, not with the process.
#[test]
fn hostile_input_is_refused_or_read() {
    let long = |part: &str, times: usize| part.repeat(times);
    for query in [
        long("(", 500_000),
        long("-", 500_000),
        long("sum(", 250_000),
        long("x + ", 250_000) + "x",
        long("x ^ ", 250_000) + "x",
        "x".to_owned() + &long("[5m:1m]", 100_000),
        format!("x[{}5m]", long("(", 500_000)),
        format!("x[{}5m]", long("-", 500_000)),
        format!("x[{}5m]", long("1+", 300_000)),
        format!("x offset {}5m", long("-+", 300_000)),
        long("abs(", 190) + "x" + &long(" + x", 5000),
        format!("x{{{}}}", long("a=~'b+',", 1001)),
    ] {
        let errors = parse(&query, &ParserOptions::ALL).expect_err("too deep");
        assert!(
            errors
                .errors()
                .iter()
                .any(|error| error.kind == ParseErrorKind::Limit),
            "{}: {errors}",
            &query[..20]
        );
    }
    let deepest = long("(", 190) + "x" + &long(")", 190);
    assert_eq!(printed(&deepest), deepest);
    let longest = long("x + ", 990) + "x";
    assert_eq!(printed(&longest), longest);
    for query in [
        long("x", 1_000_000),
        format!("x{{{}}}", long("a=\"b\",", 150_000)),
        format!("a + on({0}) group_left({0}) b", long("l,", 150_000) + "z"),
        format!("f({})", long("x,", 300_000)),
        format!("x{}", long(" ", 1_000_000)),
        long("fill ", 200_000),
        long("\"", 1_000_000),
        long("1 2 ", 250_000),
        long("x{", 500_000),
        long("sum by (", 125_000),
        format!("{{{{{}", long("a,", 500_000)),
        format!("f({})", long("g(),", 200_000)),
        format!("x[{}", long("0m:", 300_000)),
        format!(
            "{}{{{}}}",
            long("x", 300_000),
            long("__name__='a',", 40_000)
        ),
    ] {
        let _ = parse(&query, &ParserOptions::ALL);
        let _ = parse_series_description(&query);
    }
}

/// Pieces that queries are made of, for random ones.
const PIECES: &[&str] = &[
    "x",
    "foo",
    "sum",
    "by",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[5m]",
    "[5m:1m]",
    ",",
    "=",
    "=~",
    "==",
    "+",
    "-",
    "*",
    "^",
    "and",
    "on",
    "group_left",
    "bool",
    "offset",
    "@",
    "5m",
    "1",
    "\"a\"",
    "a=\"b\"",
    "rate",
    "topk",
    "start",
    "step",
    "fill",
    "(1)",
    ":",
    "anchored",
    "#",
    "\n",
    " ",
    "_",
    "x3",
    "{{",
    "}}",
    "ignoring",
    "min_of",
    "inf",
    "0x1",
    "`",
    "'",
    "\\",
    "é",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|parts| parts.join(" "))
}

/// A random well-formed expression as text.
fn expression() -> impl Strategy<Value = String> {
    let selector = prop::sample::select(vec![
        "x".to_owned(),
        "x{a=\"b\",c!~\"d.*\"}".to_owned(),
        "{\"a b\"}".to_owned(),
        "x @ end() offset -5m".to_owned(),
        "(x offset (step() * 2))".to_owned(),
        "x @ 12.345".to_owned(),
    ]);
    let scalar = prop::sample::select(vec![
        "1".to_owned(),
        "-2.5".to_owned(),
        "1h30m".to_owned(),
        "pi()".to_owned(),
        "Inf".to_owned(),
    ]);
    let leaf =
        prop_oneof![3 => selector, 1 => scalar.prop_map(|scalar| format!("vector({scalar})"))];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            "atan2",
            "==",
            "> bool",
            "and",
            "or",
            "unless",
            "* on (a) group_left (b, \"c d\")",
            "/ ignoring ()",
            "+ fill (3)",
            "</",
        ]);
        let call = prop::sample::select(vec![
            "abs(E)",
            "-E",
            "(E)",
            "sum by (a) (E)",
            "topk without (\"b c\") (3, E)",
            "count_values(\"v\", E)",
            "rate((E)[5m:])",
            "max_over_time((E)[1h:(step())] offset 1d)",
            "label_replace(E, \"a\", \"$1\\n\", \"b\", '(.*)')",
            "clamp(E, 1, -2)",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(lhs, operator, rhs)| format!("{lhs} {operator} {rhs}")),
            (inner, call).prop_map(|(inner, call)| call.replace('E', &inner)),
        ]
    })
}

proptest! {
    /// What is printed reads as what was printed, broken into lines or not.
    #[test]
    fn printing_and_parsing_agree(query in expression()) {
        let expr = parse(&query, &ParserOptions::ALL);
        prop_assert!(expr.is_ok(), "{query}: {expr:?}");
        let text = printed(&query);
        prop_assert_eq!(printed(&text), text.clone());
        if let Ok(expr) = expr {
            for width in [1, 10, 40] {
                prop_assert_eq!(printed(&pretty(&expr, width)), text.clone());
            }
        }
    }

    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,40}", soup in soup()) {
        for input in [text, soup] {
            for result in [
                parse(&input, &ParserOptions::ALL).map(|expr| expr.to_string()),
                parse_metric_selector(&input).map(|matchers| format!("{matchers:?}")),
                parse_series_description(&input).map(|series| format!("{series:?}")),
            ] {
                if let Err(errors) = result {
                    prop_assert!(!errors.errors().is_empty(), "{input}: refused without a reason");
                    for diagnostic in &errors.to_diagnostics("query") {
                        let _ = diag::render_terminal([diagnostic], false);
                    }
                }
            }
        }
    }
}
