//! Relabelling rules.

use model::name::is_legacy_label_name;
use model::pattern::Pattern;

use crate::problem::{Checked, Problem};
use crate::tree::Tree;
use crate::version::Version;

/// Every rule must be one that the version understands.
pub(crate) fn check_relabelings(list: Tree<'_>, version: &Version) -> Checked {
    for (at, rule) in list.items().enumerate() {
        check_rule(rule, version)
            .map_err(|problem| problem.within(format!("[{at}]")).or_at(rule))?;
    }
    Ok(())
}

/// UTF-8 names came with Prometheus 3. A replacement character is what readers leave of bytes that are
/// no UTF-8.
pub(crate) fn is_label_name(name: &str, version: &Version) -> bool {
    if version.is_at_least((3, 0, 0)) {
        !name.is_empty() && !name.contains('\u{fffd}')
    } else {
        is_legacy_label_name(name)
    }
}

const DEFAULT_REGEX: &str = "(.*)";
const DEFAULT_REPLACEMENT: &str = "$1";
const DEFAULT_SEPARATOR: &str = ";";

fn check_rule(rule: Tree<'_>, version: &Version) -> Checked {
    let written = rule.at("action").filled().unwrap_or("replace");
    let action = written.to_lowercase();
    let refuse = |message: String| Err(Problem::at(rule, message));
    let since = match action.as_str() {
        "lowercase" | "uppercase" => (2, 36, 0),
        "keepequal" | "dropequal" => (2, 41, 0),
        _ => (0, 0, 0),
    };
    if !version.is_at_least(since) {
        let (major, minor, _) = since;
        return refuse(format!(
            "{written} relabel action is only supported from Prometheus version {major}.{minor}.0"
        ));
    }
    let regex = rule.at("regex").str();
    if let Err(error) = Pattern::new(regex) {
        return refuse(format!(
            "invalid regex {regex} for relabel configuration: {error}"
        ));
    }
    let target = rule.at("targetLabel").str();
    let modulus = rule.at("modulus").int().unwrap_or(0);
    let replacement = rule.at("replacement").text();
    let has_replacement = replacement.is_some_and(|text| text != DEFAULT_REPLACEMENT);
    if action == "hashmod" && modulus == 0 {
        return refuse("relabel configuration for hashmod requires non-zero modulus".to_owned());
    }
    let is_equal = matches!(action.as_str(), "keepequal" | "dropequal");
    let is_case = matches!(action.as_str(), "lowercase" | "uppercase");
    if is_equal || is_case || matches!(action.as_str(), "replace" | "hashmod") {
        if target.is_empty() {
            return refuse(format!(
                "relabel configuration for {written} action needs targetLabel value"
            ));
        }
        if !is_label_name(target, version) {
            return refuse(format!(
                "{target:?} is invalid 'target_label' for {written} action"
            ));
        }
    }
    if (is_equal || is_case) && has_replacement {
        return refuse(format!("'replacement' can not be set for {written} action"));
    }
    if action == "labelmap"
        && let Some(replacement) = replacement
        && !is_label_template(replacement, version)
    {
        return refuse(format!(
            "{replacement:?} is invalid 'replacement' for {written} action"
        ));
    }
    let has_regex = !regex.is_empty() && regex != DEFAULT_REGEX;
    let separator = rule.at("separator").text();
    let has_separator = separator.is_some_and(|text| text != DEFAULT_SEPARATOR);
    let has_others = modulus != 0 || has_separator || has_replacement;
    if is_equal && (has_regex || has_others) {
        return refuse(format!(
            "{written} action requires only 'source_labels' and `target_label`, and no other fields"
        ));
    }
    let has_sources = rule.at("sourceLabels").items().len() > 0;
    let drops_labels = matches!(action.as_str(), "labeldrop" | "labelkeep");
    if drops_labels && (has_sources || !target.is_empty() || has_others) {
        return refuse(format!(
            "{written} action requires only 'regex', and no other fields"
        ));
    }
    Ok(())
}

/// A label name that may contain references such as `$1` or `${name}`.
fn is_label_template(text: &str, version: &Version) -> bool {
    if version.is_at_least((3, 0, 0)) {
        return !text.is_empty();
    }
    let mut rest = text;
    let mut is_first = true;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '$' {
            let name = if let Some(braced) = rest.strip_prefix('{') {
                let Some((name, behind)) = braced.split_once('}') else {
                    return false;
                };
                rest = behind;
                name
            } else {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let (name, behind) = rest.split_at(end);
                rest = behind;
                name
            };
            if name.is_empty() || !name.chars().all(is_word) {
                return false;
            }
        } else if !is_word(c) || (is_first && c.is_ascii_digit()) {
            return false;
        }
        is_first = false;
    }
    !text.is_empty()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
