//! Label selectors: what they select, and why not.

use std::collections::BTreeMap;
use std::fmt;

use crate::problem::{Checked, Problem};
use crate::tree::Tree;

/// One condition of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    /// Sorted. Exactly one for `Equals`.
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Requirement {
    pub fn is_met(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let is_listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::Equals | Operator::In => is_listed,
            Operator::NotIn => !is_listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// The form that the API server takes in a query: `a=b,c in (d,e)`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values = self.values.join(",");
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
        }
    }
}

/// A selector's conditions; all must be met. Without conditions it selects everything. An absent
/// selector is no `Selector`: what it means depends on the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub requirements: Vec<Requirement>,
}

impl Selector {
    /// Reads `{matchLabels, matchExpressions}`.
    pub fn read(tree: Tree<'_>) -> Checked<Self> {
        let mut requirements = Vec::new();
        for (key, value) in tree.at("matchLabels").sorted_entries() {
            check_key(key, tree)?;
            check_value(value.str(), value)?;
            requirements.push(Requirement {
                key: key.to_owned(),
                operator: Operator::Equals,
                values: vec![value.str().to_owned()],
            });
        }
        for expression in tree.at("matchExpressions").items() {
            requirements.push(read_expression(expression)?);
        }
        // Kubernetes sorts by key, so that equal selectors print equally.
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.first_unmet(labels).is_none()
    }

    /// The evidence why an object is not selected.
    pub fn first_unmet(&self, labels: &BTreeMap<String, String>) -> Option<&Requirement> {
        self.requirements
            .iter()
            .find(|requirement| !requirement.is_met(labels))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.requirements.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join(","))
    }
}

fn read_expression(tree: Tree<'_>) -> Checked<Requirement> {
    let key = tree.at("key").str();
    check_key(key, tree)?;
    let operator = match tree.at("operator").str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        other => {
            let message = format!("{other:?} is not a valid label selector operator");
            return Err(Problem::at(tree.at("operator"), message));
        }
    };
    let mut values: Vec<String> = tree
        .at("values")
        .texts()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let wants_values = matches!(operator, Operator::In | Operator::NotIn);
    if wants_values == values.is_empty() {
        let wanted = if wants_values {
            "must be non-empty"
        } else {
            "must be empty"
        };
        let message = format!("values: for {:?} {wanted}", tree.at("operator").str());
        return Err(Problem::at(tree, message));
    }
    for value in tree.at("values").items() {
        check_value(value.str(), value)?;
    }
    values.sort();
    Ok(Requirement {
        key: key.to_owned(),
        operator,
        values,
    })
}

/// A label key: an optional DNS prefix, a slash, and at most 63 letters, digits, `-`, `_`, `.`.
fn check_key(key: &str, tree: Tree<'_>) -> Checked {
    let (prefix, name) = match key.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_valid_prefix = prefix.is_none_or(|prefix| {
        !prefix.is_empty()
            && prefix.len() <= 253
            && prefix
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    });
    if is_valid_prefix && !name.is_empty() && is_name(name) {
        return Ok(());
    }
    Err(Problem::at(
        tree,
        format!("key: Invalid value: {key:?}: not a valid label name"),
    ))
}

fn check_value(value: &str, tree: Tree<'_>) -> Checked {
    if is_name(value) {
        return Ok(());
    }
    Err(Problem::at(
        tree,
        format!("values: Invalid value: {value:?}: not a valid label value"),
    ))
}

fn is_name(text: &str) -> bool {
    let is_edge = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && is_edge(text.bytes().next())
        && is_edge(text.bytes().last())
}

/// Whether a text in the API server's query form (`a=b,c in (d),!e`) can be parsed.
pub(crate) fn check_label_query(text: &str) -> Checked {
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = skip_query_requirement(rest)
            .ok_or_else(|| Problem::new(format!("unable to parse requirement: {text:?}")))?;
    }
    Ok(())
}

/// Consumes one requirement and the comma behind it.
fn skip_query_requirement(text: &str) -> Option<&str> {
    let (negated, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let end = text
        .find([',', '=', '!', ' ', '(', ')', '<', '>'])
        .unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    check_key(key, Tree::default()).ok()?;
    let rest = rest.trim_start();
    let rest = if negated || rest.is_empty() || rest.starts_with(',') {
        rest
    } else if let Some(list) = rest
        .strip_prefix("in")
        .or_else(|| rest.strip_prefix("notin"))
    {
        let (values, rest) = list.trim_start().strip_prefix('(')?.split_once(')')?;
        values
            .split(',')
            .all(|value| is_name(value.trim()))
            .then_some(rest)?
    } else {
        let operators = ["==", "=", "!=", ">", "<"];
        let value = operators
            .iter()
            .find_map(|operator| rest.strip_prefix(operator))?;
        let end = value.find(',').unwrap_or(value.len());
        let (value, rest) = value.split_at(end);
        is_name(value.trim()).then_some(rest)?
    };
    let rest = rest.trim_start();
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(',').map(str::trim_start)
    }
}

/// Whether a text in the form of a field selector (`metadata.name=x,status.phase!=Running`) can be
/// parsed.
pub(crate) fn check_field_query(text: &str) -> Checked {
    let is_valid = |part: &str| part.is_empty() || part.contains('=');
    if text.split(',').all(is_valid) {
        return Ok(());
    }
    let message = format!("invalid selector: '{text}'; can't understand");
    Err(Problem::new(message))
}

#[cfg(test)]
mod tests {
    use diag::{Diagnostics, Source};

    use super::*;

    fn selector(text: &str) -> Checked<Selector> {
        let source = Source::new("selector", text);
        let node = yaml::parse(&source, &mut Diagnostics::new()).unwrap();
        Selector::read(Tree::of(&node))
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn all_requirements_must_be_met_and_the_first_unmet_is_named() {
        let selector = selector(
            "{matchLabels: {release: prom}, matchExpressions: [{key: tier, operator: NotIn, values: [test]}]}",
        )
        .unwrap();
        assert!(selector.matches(&labels(&[("release", "prom")])));
        let unmet = |pairs| {
            selector
                .first_unmet(&labels(pairs))
                .map(ToString::to_string)
        };
        assert_eq!(unmet(&[("tier", "web")]).as_deref(), Some("release=prom"));
        let test = [("release", "prom"), ("tier", "test")];
        assert_eq!(unmet(&test).as_deref(), Some("tier notin (test)"));
        assert_eq!(selector.to_string(), "release=prom,tier notin (test)");
    }

    #[test]
    fn malformed_selectors_are_refused() {
        assert!(selector("{matchLabels: {release: -prom}}").is_err());
        assert!(selector("{matchExpressions: [{key: a, operator: Near}]}").is_err());
        assert!(selector("{matchExpressions: [{key: a, operator: In}]}").is_err());
        assert!(selector("{matchExpressions: [{key: a, operator: Exists, values: [b]}]}").is_err());
        assert_eq!(selector("{}").unwrap(), Selector::default());
    }

    #[test]
    fn query_forms_are_checked() {
        for text in [
            "component=executor",
            "a",
            "!a,b!=c",
            "a in (b, c),d",
            "",
            "a==b",
        ] {
            assert!(check_label_query(text).is_ok(), "{text}");
        }
        for text in ["a in", "a=b=c", "-a", "a,,b", "a in (b"] {
            assert!(check_label_query(text).is_err(), "{text}");
        }
        assert!(check_field_query("metadata.name=x,spec.y!=z").is_ok());
        assert!(check_field_query("metadata.name").is_err());
    }
}
