//! Label sets of alerts, from a file or standard input.

use std::io::Read;

use ::amtool::Failure;
use ::promtool::console::read_text;
use config::alertmanager::matchers::{MatcherMode, parse_list};
use model::MatchOp;
use serde_json::{Map, Value};

const STANDARD_INPUT: &str = "-";
const BYTES_MAX: u64 = 16 << 20;

/// As a list of JSON objects.
pub(super) fn read(file: &str) -> Result<Value, Failure> {
    let text = match file {
        STANDARD_INPUT => standard_input()?,
        file => read_text(file)?,
    };
    let name = match file {
        STANDARD_INPUT => "standard input",
        file => file,
    };
    label_sets(name, &text).map_err(Failure::Problem)
}

fn standard_input() -> Result<String, String> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(BYTES_MAX + 1);
    input
        .read_to_string(&mut text)
        .map_err(|error| format!("reading standard input: {error}"))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(format!("standard input is longer than {BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// One on each line, or all as one JSON list. `name` stands before the places of problems.
fn label_sets(name: &str, text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('[') {
        let list: Vec<Value> =
            serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let sets = list.into_iter().zip(1..).map(|(value, number)| {
            of_json(value).ok_or_else(|| format!("{name}: entry {number}: {NO_LABELS}"))
        });
        return sets.collect();
    }
    let lines = text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            of_line(line.trim()).map_err(|problem| format!("{name}:{number}: {problem}"))
        })
        .collect()
}

const NO_LABELS: &str = "no labels; write them like {a=\"b\",c=\"d\"} or {\"a\":\"b\",\"c\":\"d\"}";

fn of_line(line: &str) -> Result<Value, String> {
    if let Ok(value) = serde_json::from_str::<Value>(line) {
        return of_json(value).ok_or_else(|| NO_LABELS.to_owned());
    }
    let parsed = parse_list(MatcherMode::Fallback, line)
        .map_err(|problem| format!("{problem}; {NO_LABELS}"))?;
    let pairs = parsed.matchers.iter().map(|matcher| match matcher.op() {
        MatchOp::Equal => Ok((matcher.name().to_owned(), matcher.value().into())),
        _ => Err(format!("{} has no value; {NO_LABELS}", matcher.name())),
    });
    let pairs: Map<String, Value> = pairs.collect::<Result<_, String>>()?;
    Ok(Value::Object(pairs))
}

/// Labels, or an alert that has them.
fn of_json(value: Value) -> Option<Value> {
    let Value::Object(mut object) = value else {
        return None;
    };
    let labels = match object.get("labels") {
        Some(Value::Object(_)) => object.remove("labels")?,
        _ => Value::Object(object),
    };
    let are_texts = labels.as_object()?.values().all(Value::is_string);
    are_texts.then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match label_sets("f", text) {
            Ok(found) => found.to_string(),
            Err(problem) => problem,
        };
        assert!(found.starts_with(expected), "{found}");
    }

    #[test]
    fn label_sets_come_in_lines_or_lists() {
        check(
            "{a=\"b\", c=\"d e\"}\n\n{\"a\":\"x\"}\na=1\n",
            r#"[{"a":"b","c":"d e"},{"a":"x"},{"a":"1"}]"#,
        );
        check(
            r#"[{"labels":{"a":"b"},"status":{}},{"c":"d"}]"#,
            r#"[{"a":"b"},{"c":"d"}]"#,
        );
        check("", "[]");
        check("{a=~\"b\"}", "f:1: a has no value; no labels");
        check("a=b\n{\"a\":1}", "f:2: no labels");
        check("[{\"a\":1}]", "f: entry 1: no labels");
        check("[", "f: EOF while parsing");
        check("{a", "f:1: ");
        // As the peer reads it.
        check("{a=", r#"[{"a":""}]"#);
    }
}
