//! What functions do to labels, and the natural order of their values.

use std::cmp::Ordering;

use model::Labels;
use model::pattern::Pattern;
use promql::ast::Expr;

use super::eval::joined;
use super::value::{Failure, Outcome, Series, Value};

/// What is known of a series that is not there: the labels that its selector fixes exactly once.
pub(crate) fn absent_labels(expr: &Expr) -> Labels {
    let selector = match expr {
        Expr::Vector(selector) => &**selector,
        Expr::Matrix(matrix) => &matrix.selector,
        _ => return Labels::empty(),
    };
    let mut builder = Labels::empty().to_builder();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in selector.matchers.iter().filter(|m| m.name() != "__name__") {
        if matcher.op() == model::MatchOp::Equal && !seen.contains(&matcher.name()) {
            builder.set(matcher.name(), matcher.value());
            seen.push(matcher.name());
        } else {
            builder.remove(matcher.name());
        }
    }
    builder.build()
}

/// `label_replace` and `label_join`.
pub(crate) fn relabelled(name: &str, args: Vec<Value>) -> Outcome<Vec<Series>> {
    let mut args = args.into_iter();
    let Some(Value::Vector(mut series)) = args.next() else {
        return Err(Failure::new("no vector"));
    };
    let texts: Vec<String> = args
        .map(|arg| match arg {
            Value::Text(text) => text,
            other => panic!("no text: {other:?}"),
        })
        .collect();
    let destination = &texts[0];
    if destination.is_empty() {
        return Err(Failure::new("invalid destination label name"));
    }
    if name == "label_join" {
        let sources = &texts[2..];
        if sources.iter().any(String::is_empty) {
            return Err(Failure::new("invalid source label name"));
        }
        for one in &mut series {
            let values: Vec<&str> = sources.iter().map(|name| one.labels.value(name)).collect();
            let value = values.join(&texts[1]);
            set(one, destination, value);
        }
        return joined(series);
    }
    let pattern =
        Pattern::new(&texts[3]).map_err(|_| Failure::new("invalid regular expression"))?;
    for one in &mut series {
        if let Some(captures) = pattern.captures(one.labels.value(&texts[2])) {
            let group = |name: &str| match name.parse::<usize>() {
                Ok(number) => captures.get(number).map_or("", |found| found.as_str()),
                Err(_) => captures.name(name).map_or("", |found| found.as_str()),
            };
            let value = expanded(&texts[1], group);
            set(one, destination, value);
        }
    }
    joined(series)
}

fn set(series: &mut Series, name: &str, value: String) {
    let mut builder = series.labels.to_builder();
    builder.set(name, value);
    series.labels = builder.build();
}

/// Puts groups in place of `$1`, `$name` (as long as possible) and `${name}`; `$$` is a dollar.
fn expanded<'g>(template: &str, group: impl Fn(&str) -> &'g str) -> String {
    let mut result = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = rest
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'))
            .filter(|(name, _)| !name.is_empty() && name.chars().all(is_word))
        {
            result.push_str(group(name));
            rest = after;
        } else {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                result.push('$');
            } else {
                result.push_str(group(&rest[..end]));
                rest = &rest[end..];
            }
        }
    }
    result + rest
}

/// By the values of the named labels in their natural order, then by all labels.
pub(crate) fn compare(a: &Labels, b: &Labels, names: &[&str]) -> Ordering {
    for name in names {
        let (a, b) = (a.value(name), b.value(name));
        if a != b {
            return natural(a, b);
        }
    }
    a.cmp(b)
}

/// Runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b) = (runs(a), runs(b));
    for (a, b) in a.iter().zip(&b) {
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        match runs.last_mut() {
            Some(run) if run.ends_with(|c: char| c.is_ascii_digit()) == is_digit => {
                run.push(character);
            }
            _ => runs.push(character.to_string()),
        }
    }
    runs
}
