//! Matchers of AlertmanagerConfigs in the three forms of `alertmanager.yaml`.

use yaml::{Mapping, Value};

use crate::problem::{Checked, Problem};
use crate::tree::Tree;
use crate::version::Version;

/// Since when a matcher is one text instead of an entry of a map.
pub(super) const TEXT_SINCE: (u64, u64, u64) = (0, 22, 0);

/// The matchers of one route or of one side of an inhibition rule.
#[derive(Default)]
pub(super) struct Matchers {
    texts: Vec<String>,
    equal: Vec<(String, String)>,
    regex: Vec<(String, String)>,
}

impl Matchers {
    /// `keys` are those for texts, for equality and for regular expressions.
    pub(super) fn put(self, out: &mut Mapping, keys: [&str; 3]) {
        out.put(keys[0], self.texts);
        out.put(keys[1], Value::sorted_map(self.equal));
        out.put(keys[2], Value::sorted_map(self.regex));
    }
}

pub(super) fn convert(list: Tree<'_>, version: &Version) -> Matchers {
    let mut out = Matchers::default();
    for matcher in list.items() {
        let (name, value) = (matcher.at("name").str(), matcher.at("value").str());
        let is_regex = matcher.at("regex").flag() == Some(true);
        if let Some(operator) = matcher.at("matchType").filled() {
            out.texts.push(text(name, operator, value));
        } else if version.is_at_least(TEXT_SINCE) {
            out.texts
                .push(text(name, if is_regex { "=~" } else { "=" }, value));
        } else {
            let list = if is_regex {
                &mut out.regex
            } else {
                &mut out.equal
            };
            list.push((name.to_owned(), value.to_owned()));
        }
    }
    out
}

/// `name="value"` with quotes and line breaks escaped.
pub(super) fn text(name: &str, operator: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"");
    format!("{name}{operator}\"{value}\"")
}

/// A matcher in the new form must have a known operator and a name.
pub(super) fn check(matcher: Tree<'_>) -> Checked {
    let operator = matcher.at("matchType").str();
    if operator.is_empty() {
        return Ok(());
    }
    if !["=", "!=", "=~", "!~"].contains(&operator) {
        let message = format!("invalid 'matchType' '{operator}' provided");
        return Err(Problem::at(matcher.at("matchType"), message));
    }
    if matcher.at("name").str().trim().is_empty() {
        return Err(Problem::at(matcher, "matcher 'name' is required"));
    }
    Ok(())
}

/// Adds the matcher that keeps rules of a namespace to its alerts.
pub(super) fn enforce_namespace(
    section: &mut Mapping,
    [texts_key, equal_key, regex_key]: [&str; 3],
    namespace: &str,
    version: &Version,
) {
    if version.is_at_least(TEXT_SINCE) {
        let wanted = text("namespace", "=", namespace);
        remove_entry(section, equal_key);
        let without_blanks = |text: &str| text.replace(' ', "");
        if let Some(Value::Sequence(texts)) = get_mut(section, texts_key) {
            let is_there = texts
                .iter()
                .filter_map(Value::as_str)
                .any(|text| without_blanks(text) == without_blanks(&wanted));
            if !is_there {
                texts.push(wanted.into());
            }
        }
    } else if let Some(Value::Mapping(map)) = get_mut(section, equal_key) {
        map.0.retain(|(key, _)| key.as_str() != Some("namespace"));
        map.put("namespace", namespace);
        map.sort();
    }
    remove_entry(section, regex_key);
}

/// As [`enforce_namespace`] for a route, whose own matchers stay as they are.
pub(super) fn add_namespace(route: &mut Mapping, namespace: &str, version: &Version) {
    if version.is_at_least(TEXT_SINCE) {
        if let Some(Value::Sequence(texts)) = get_mut(route, "matchers") {
            texts.push(text("namespace", "=", namespace).into());
        }
    } else if let Some(Value::Mapping(map)) = get_mut(route, "match") {
        map.0.retain(|(key, _)| key.as_str() != Some("namespace"));
        map.put("namespace", namespace);
        map.sort();
    }
}

fn remove_entry(section: &mut Mapping, key: &str) {
    if let Some(Value::Mapping(map)) = get_mut(section, key) {
        map.0.retain(|(key, _)| key.as_str() != Some("namespace"));
    }
}

pub(super) fn get_mut<'m>(section: &'m mut Mapping, key: &str) -> Option<&'m mut Value> {
    section
        .0
        .iter_mut()
        .find(|(name, _)| name.as_str() == Some(key))
        .map(|(_, value)| value)
}
