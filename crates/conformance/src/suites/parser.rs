//! `parser/`: expressions with all and with default features, series descriptions, metric selectors.

use std::path::Path;

use promql::{
    ParseErrors, ParserOptions, ast_json, parse, parse_metric_selector, parse_series_description,
    pretty,
};
use serde_json::{Value, json};

use crate::suite::{Case, json_line_cases};

pub(crate) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("parser");
    let mut cases = json_line_cases(&dir.join("expressions.jsonl"), expression)?;
    cases.extend(json_line_cases(
        &dir.join("series_descriptions.jsonl"),
        series_description,
    )?);
    cases.extend(json_line_cases(
        &dir.join("metric_selectors.jsonl"),
        metric_selector,
    )?);
    Ok(cases)
}

fn expression(case: &Value) -> Result<(), String> {
    let input = case["input"].as_str().unwrap_or("");
    let all = &case["all_features"];
    let default = case.get("default_features").unwrap_or(all);
    for (options, expected) in [
        (ParserOptions::ALL, all),
        (ParserOptions::default(), default),
    ] {
        let actual = match parse(input, &options) {
            Ok(expr) => json!({
                "ok": true,
                "type": expr.value_type().as_str(),
                "printed": expr.to_string(),
                "pretty": pretty(&expr, 100),
                "pretty10": pretty(&expr, 10),
                "ast": ast_json(&expr),
            }),
            Err(errors) => refused(&errors),
        };
        compare(&actual, expected)?;
    }
    Ok(())
}

fn series_description(case: &Value) -> Result<(), String> {
    let actual = match parse_series_description(case["input"].as_str().unwrap_or("")) {
        Ok(series) => {
            let labels: serde_json::Map<String, Value> = series
                .labels
                .iter()
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect();
            let values: Vec<String> = series.values.iter().map(ToString::to_string).collect();
            json!({"ok": true, "labels": labels, "values": values})
        }
        Err(errors) => refused(&errors),
    };
    compare(&actual, case)
}

fn metric_selector(case: &Value) -> Result<(), String> {
    let actual = match parse_metric_selector(case["input"].as_str().unwrap_or("")) {
        Ok(matchers) => {
            let matchers: Vec<Value> = matchers
                .iter()
                .map(|m| json!({"name": m.name(), "type": m.op().as_str(), "value": m.value()}))
                .collect();
            json!({"ok": true, "matchers": matchers})
        }
        Err(errors) => refused(&errors),
    };
    compare(&actual, case)
}

fn refused(errors: &ParseErrors) -> Value {
    let list: Vec<Value> = errors
        .errors()
        .iter()
        .map(|e| json!({"start": e.span.start, "end": e.span.end, "msg": e.message}))
        .collect();
    json!({"ok": false, "error": errors.to_string(), "errors": list})
}

/// Every field that we gave must be as expected; the key order does not matter.
fn compare(actual: &Value, expected: &Value) -> Result<(), String> {
    let fields = actual.as_object().into_iter().flatten();
    for (key, value) in fields {
        if expected.get(key) != Some(value) {
            let wanted = expected.get(key).unwrap_or(&Value::Null);
            return Err(format!("{key}\n    is     {value}\n    wanted {wanted}"));
        }
    }
    Ok(())
}
