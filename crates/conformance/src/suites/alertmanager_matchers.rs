//! Matchers: parsing in all modes, matching, and which label names are valid.

use std::path::Path;

use config::alertmanager::matchers::{matcher_to_text, new_matcher, parse_list, parse_one};
use model::{MatchOp, Matcher};
use serde_json::Value;

use super::alertmanager_config::mode;
use crate::suite::{Case, json_line_cases};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let folder = dir.join("alertmanager/matchers");
    let mut cases = json_line_cases(&folder.join("label-names.jsonl"), check_name)?;
    cases.extend(json_line_cases(&folder.join("match.jsonl"), check_match)?);
    cases.extend(json_line_cases(&folder.join("parse.jsonl"), check_parse)?);
    Ok(cases)
}

fn check_name(case: &Value) -> Result<(), String> {
    let Some(name) = case["name"].as_str() else {
        return Ok(());
    };
    for (key, valid) in case["valid"].as_object().into_iter().flatten() {
        if Some(mode(key).allows_label(name)) != valid.as_bool() {
            return Err(format!("{name:?} in mode {key}: want {valid}"));
        }
    }
    Ok(())
}

fn check_match(case: &Value) -> Result<(), String> {
    let op = match case["op"].as_str() {
        Some("=") => MatchOp::Equal,
        Some("!=") => MatchOp::NotEqual,
        Some("=~") => MatchOp::Regex,
        _ => MatchOp::NotRegex,
    };
    let text = |key: &str| case[key].as_str().unwrap_or("").to_owned();
    let matcher = match (
        new_matcher(op, &text("name"), &text("value")),
        case["error"].as_str(),
    ) {
        (Ok(matcher), None) => matcher,
        (Err(_), Some(_)) => return Ok(()),
        (result, error) => return Err(format!("want {error:?}, got {result:?}")),
    };
    if matcher_to_text(&matcher) != text("string") {
        return Err(format!("prints {}", matcher_to_text(&matcher)));
    }
    for expect in case["expect"].as_array().into_iter().flatten() {
        let value = expect["labels"][matcher.name()].as_str().unwrap_or("");
        if Some(matcher.matches(value)) != expect["matches"].as_bool() {
            return Err(format!("{value:?}: want {}", expect["matches"]));
        }
    }
    Ok(())
}

fn is_same(matcher: &Matcher, wanted: &Value) -> bool {
    wanted["name"] == matcher.name()
        && wanted["op"] == matcher.op().as_str()
        && wanted["value"] == matcher.value()
        && wanted["string"] == matcher_to_text(matcher)
}

fn is_same_error(wanted: &Value, got: &str) -> bool {
    let Some(wanted) = wanted.as_str() else {
        return false;
    };
    match wanted.split_once("error parsing regexp") {
        Some((head, _)) => got.starts_with(&format!("{head}error parsing regexp")),
        None => wanted == got,
    }
}

fn check_parse(case: &Value) -> Result<(), String> {
    // Texts here are UTF-8 by their type; input that is not is refused where bytes become text.
    let Some(input) = case["input"].as_str() else {
        return Ok(());
    };
    for (key, wanted) in case["results"].as_object().into_iter().flatten() {
        let list = parse_list(mode(key), input).map(|parsed| parsed.matchers);
        let is_right = match (&list, wanted["list"].as_array()) {
            (Ok(matchers), Some(wanted)) => {
                matchers.len() == wanted.len()
                    && matchers
                        .iter()
                        .zip(wanted)
                        .all(|(one, wanted)| is_same(one, wanted))
            }
            (Err(problem), None) => is_same_error(&wanted["list_error"], problem),
            _ => false,
        };
        if !is_right {
            return Err(format!(
                "{key} list of {input:?}: want {wanted}, got {list:?}"
            ));
        }
        let single = parse_one(mode(key), input);
        let is_right = match (&single, wanted.get("single")) {
            (Ok(matcher), Some(wanted)) => is_same(matcher, wanted),
            (Err(problem), None) => is_same_error(&wanted["single_error"], problem),
            _ => false,
        };
        if !is_right {
            return Err(format!(
                "{key} single of {input:?}: want {wanted}, got {single:?}"
            ));
        }
    }
    Ok(())
}
