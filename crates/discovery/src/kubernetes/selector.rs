//! Label and field selectors in Kubernetes' text form.

use std::collections::BTreeMap;

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid selector {selector:?}: {problem}")]
pub struct SelectorError {
    selector: String,
    problem: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// `a=b,c!=d,e in (f,g),h,!i`: all conditions must hold. The empty selector matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<(String, Condition)>);

/// `metadata.name=x,spec.nodeName!=y`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<(String, Condition)>);

impl LabelSelector {
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        split(text)
            .into_iter()
            .map(|part| parse_condition(text, part))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0
            .iter()
            .all(|(name, condition)| condition.holds(labels.get(name).map(String::as_str)))
    }
}

impl FieldSelector {
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let conditions: Vec<(String, Condition)> = split(text)
            .into_iter()
            .map(|part| parse_condition(text, part))
            .collect::<Result<_, _>>()?;
        let is_comparison =
            |condition: &Condition| matches!(condition, Condition::In(_) | Condition::NotIn(_));
        if conditions
            .iter()
            .any(|(_, condition)| !is_comparison(condition))
        {
            let problem = "a field is compared with = or !=".to_owned();
            return Err(SelectorError {
                selector: text.to_owned(),
                problem,
            });
        }
        Ok(Self(conditions))
    }

    /// `field` gives the value of a field, "" for one that is not set.
    pub fn matches<'a>(&self, field: impl Fn(&str) -> &'a str) -> bool {
        self.0
            .iter()
            .all(|(name, condition)| condition.holds(Some(field(name))))
    }
}

impl Condition {
    fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[String]| {
            value.is_some_and(|value| values.iter().any(|wanted| wanted == value))
        };
        match self {
            Self::In(values) => among(values),
            Self::NotIn(values) => !among(values),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
        }
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let parts = text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

fn parse_condition(selector: &str, part: &str) -> Result<(String, Condition), SelectorError> {
    let fail = |problem: &str| SelectorError {
        selector: selector.to_owned(),
        problem: format!("{problem} in {part:?}"),
    };
    let named = |name: &str, condition: Condition| {
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(fail("no name"));
        }
        Ok((name.to_owned(), condition))
    };
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((name, value)) = part.split_once(operator) {
            let values = vec![value.trim().to_owned()];
            return named(
                name,
                if negated {
                    Condition::NotIn(values)
                } else {
                    Condition::In(values)
                },
            );
        }
    }
    for (operator, negated) in [(" notin ", true), (" in ", false)] {
        if let Some((name, list)) = part.split_once(operator) {
            let list = list
                .trim()
                .strip_prefix('(')
                .and_then(|list| list.strip_suffix(')'));
            let list = list.ok_or_else(|| fail("no (list)"))?;
            let values = list
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect();
            return named(
                name,
                if negated {
                    Condition::NotIn(values)
                } else {
                    Condition::In(values)
                },
            );
        }
    }
    match part.strip_prefix('!') {
        Some(name) => named(name, Condition::DoesNotExist),
        None => named(part, Condition::Exists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors() {
        let labels: BTreeMap<String, String> = [("component", "executor"), ("app", "k10")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (text, expected) in [
            ("", true),
            ("component=executor", true),
            ("component==executor,app=k10", true),
            ("component!=executor", false),
            ("other!=x", true),
            ("app in (a, k10)", true),
            ("app notin (a,k10)", false),
            ("app,!other", true),
            ("!app", false),
        ] {
            assert_eq!(
                LabelSelector::parse(text).unwrap().matches(&labels),
                expected,
                "{text}"
            );
        }
        for text in ["=x", "a in x", "a b"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
        assert!(FieldSelector::parse("metadata.name").is_err());
    }
}
