//! Queries that mean harm: each gets an answer or an error that says what is wrong, within bounds that the
//! parser and the engine have by construction. Threads of tests have the stack of those that serve queries.

use model::sample::Value;
use model::{Duration, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{
    Engine, EngineOptions, Interruption, ParserOptions, Query, QueryError, QueryResult, RangeTimes,
};

fn parsed(text: impl Into<String>) -> Result<Query, String> {
    Query::parse(text, &ParserOptions::ALL).map_err(|errors| {
        assert!((1..=100).contains(&errors.errors().len()));
        errors.to_string()
    })
}

#[track_caller]
fn refused(text: impl Into<String>, expected: &str) {
    let text = text.into();
    let error = parsed(text.as_str()).expect_err("must be refused");
    let start: String = text.chars().take(40).collect();
    assert!(error.contains(expected), "{start:?}: {error}");
    // It quotes the text once or twice at most.
    let bytes_max = 1000 + 2 * text.len();
    assert!(error.len() < bytes_max, "{start:?}: {} bytes", error.len());
}

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for (name, a) in [("m", "1"), ("m", "2"), ("n", "1"), ("n", "2")] {
        let labels = Labels::from_pairs([("__name__", name), ("a", a)]);
        for at in 0..40 {
            storage.add(&labels, at * 10_000, Value::Float(at as f64));
        }
    }
    storage
}

fn instant(text: &str) -> Result<QueryResult, QueryError> {
    let query = parsed(text).unwrap();
    let engine = Engine::new(EngineOptions {
        samples_max: 100_000,
        ..EngineOptions::default()
    });
    engine.instant(&storage(), query.expression(), Timestamp(200_000))
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let error = instant(text).expect_err(text).to_string();
    assert!(error.contains(expected), "{text}: {error}");
}

const DEEP: usize = 10_000;

#[test]
fn nesting_is_bounded() {
    refused("(".repeat(DEEP), "parse error");
    for (open, close) in [
        ("(", ")"),
        ("abs(", ")"),
        ("sum(", ")"),
        ("-", ""),
        ("-(", ")"),
        ("topk(1, ", ")"),
        ("max_over_time(", "[1m:1s])"),
        ("1 + (", ")"),
        ("m and on (a) (", ")"),
        ("2 ^ ", ""),
    ] {
        let text = format!("{}m{}", open.repeat(DEEP), close.repeat(DEEP));
        refused(text, "nested too deeply");
    }
    let durations = format!("m[{}1s{}]", "(".repeat(DEEP), ")".repeat(DEEP));
    refused(durations, "nested too deeply");
    refused(format!("m offset {}1s", "-".repeat(DEEP)), "parse error");
}

#[test]
fn chains_are_bounded() {
    for operator in ["+", "or", "==", "^", "and on (a)", "* on (a) group_left ()"] {
        let text = vec!["m"; DEEP].join(&format!(" {operator} "));
        refused(text, "nested too deeply");
    }
    refused(format!("m{}", "[1m:1s]".repeat(DEEP)), "parse error");
    refused(format!("m{}", " offset 1s".repeat(DEEP)), "parse error");
    refused(
        format!("m[{}]", vec!["1s"; DEEP].join(" + ")),
        "nested too deeply",
    );
}

#[test]
fn a_megabyte_is_read() {
    const SIZE: usize = 1 << 20;
    assert!(parsed("a".repeat(SIZE)).is_ok());
    assert!(parsed(" ".repeat(SIZE) + "1").is_ok());
    assert!(parsed(format!("m{{a=\"{}\"}}", "x".repeat(SIZE))).is_ok());
    assert!(parsed(format!("m{{{}}}", "a=\"b\",".repeat(SIZE / 6))).is_ok());
    assert!(parsed(format!("sum by ({}) (m)", "a,".repeat(SIZE / 2))).is_ok());
    assert!(parsed("1 # ".to_owned() + &"x".repeat(SIZE)).is_ok());
    // No float has that many digits; it is only to end.
    let _ = parsed("9".repeat(SIZE));
    refused(
        "\"".to_owned() + &"x".repeat(SIZE),
        "unterminated quoted string",
    );
    refused(format!("m{{a=~\"{}\"}}", "(".repeat(SIZE)), "parse error");
    refused("x ".repeat(SIZE / 2), "parse error");
    refused("m{".repeat(SIZE / 2), "parse error");
    refused("\u{1F600}".repeat(SIZE / 4), "parse error");
    refused(format!("m[{}s]", "9".repeat(SIZE)), "parse error");
}

#[test]
fn patterns_that_explode_are_refused() {
    refused("m{a=~\"((a{1000}){1000}){1000}\"}", "parse error");
    refused(
        format!("m{{{}}}", "a=~\"x.*\",".repeat(2000)),
        "more than 1000 regular expressions",
    );
    fails(
        "label_replace(m, \"b\", \"$1\", \"a\", \"((a{1000}){1000}){1000}\")",
        "invalid regular expression in label_replace(): ",
    );
    // Backtracking would take longer than the universe has.
    let text = "label_replace(label_replace(m, \"b\", \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", \"\", \"\"), \"c\", \"$1\", \"b\", \"((x+x+)+)+y\")";
    assert!(instant(text).is_ok());
}

#[test]
fn steps_without_end_are_refused() {
    let engine = Engine::new(EngineOptions::default());
    let storage = storage();
    let times = RangeTimes {
        start: Timestamp(0),
        end: Timestamp(1_000_000_000),
        step: Duration::from_millis(1),
    };
    for text in [
        "m",
        "1",
        "time()",
        "nothing",
        "sum(m)",
        "m @ 1",
        "rate(m[1m])",
        "absent(nothing)",
        "vector(1) or m",
        "absent_over_time(nothing[1m])",
        "topk(1, m)",
        "hour()",
        "1 + 1",
    ] {
        let query = parsed(text).unwrap();
        let error = engine.range(&storage, query.expression(), times);
        assert_eq!(error.map(|_| ()), Err(QueryError::TooManySamples), "{text}");
    }
    for text in [
        "max_over_time(vector(1)[300d:1ms])",
        "vector(time())[290y:1ms]",
        "count_over_time(sum(m)[100d:1ms])",
        "sum_over_time((m @ 1)[100d:1ms])",
    ] {
        let query = parsed(text).unwrap();
        let error = engine.instant(&storage, query.expression(), Timestamp(0));
        assert_eq!(error.map(|_| ()), Err(QueryError::TooManySamples), "{text}");
    }
}

/// Nested subqueries multiply; what stops them is the caller, who is asked all the time.
#[test]
fn work_that_multiplies_can_be_stopped() {
    let mut text = "m".to_owned();
    for _ in 0..60 {
        text = format!("max_over_time(({text})[5m:1s])");
    }
    let query = parsed(text).unwrap();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let check = || {
        let count = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (count > 1000).then_some(Interruption::Timeout)
    };
    let engine = Engine::new(EngineOptions::default()).interruptible(check);
    let result = engine.instant(&storage(), query.expression(), Timestamp(200_000));
    assert!(
        result.is_ok()
            || matches!(
                result,
                Err(QueryError::Timeout | QueryError::TooManySamples)
            )
    );
}

#[test]
fn label_sets_that_collide_are_told() {
    const SAME: &str = "vector cannot contain metrics with the same labelset";
    const EITHER: &str = "{__name__=~\"m|n\"}";
    fails(&format!("-{EITHER}"), SAME);
    fails(&format!("{EITHER} * 2"), SAME);
    fails(&format!("abs({EITHER})"), SAME);
    fails(&format!("{EITHER} > bool 1"), SAME);
    fails(&format!("rate({EITHER}[1m])"), SAME);
    fails(
        &format!("histogram_count({EITHER}) or timestamp({EITHER})"),
        SAME,
    );
    fails("label_replace(m, \"a\", \"same\", \"a\", \".*\")", SAME);
    fails("label_join(m, \"a\", \"\", \"nothing\")", SAME);
    fails(
        "m + on () m",
        "found duplicate series for the match group {} on the right hand-side of the operation",
    );
    fails(
        "m + on () sum(m)",
        "many-to-one matching must be explicit (group_left/group_right)",
    );
    fails(
        "m * on () group_left (__name__) sum(m) > label_replace(m, \"a\", \"\", \"a\", \".*\")",
        SAME,
    );
    fails(
        &format!("{EITHER} * on () group_left () sum(m)"),
        "grouping labels must ensure unique matches",
    );
    // Aggregation is what joins them.
    assert!(instant(&format!("sum by (a) ({EITHER})")).is_ok());
    assert!(instant(&format!("count_values(\"a\", {EITHER})")).is_ok());
}

/// Every level doubles the value: 60 of them would be an exabyte.
#[test]
fn labels_that_grow_are_refused() {
    let nested = |open: &str, close: &str| format!("{}m{}", open.repeat(60), close.repeat(60));
    fails(
        &nested("label_join(", ", \"a\", \"\", \"a\", \"a\")"),
        "label value is longer than",
    );
    fails(
        &nested("label_replace(", ", \"a\", \"$1$1\", \"a\", \"(.*)\")"),
        "label value is longer than",
    );
}
