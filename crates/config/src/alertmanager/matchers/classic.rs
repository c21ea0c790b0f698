//! The classic syntax: names of letters, digits, `_` and `:`; values with or without quotes.

use model::{MatchOp, Matcher};

use super::new_matcher;

pub(super) fn parse_list(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut tokens = Vec::new();
    let mut token = String::new();
    let (mut in_quotes, mut is_escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !in_quotes => {
                tokens.push(std::mem::take(&mut token));
                continue;
            }
            ',' => {}
            '"' if is_escaped => is_escaped = false,
            '"' => in_quotes = !in_quotes,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
        token.push(c);
    }
    let last = token.trim();
    if !last.is_empty() {
        tokens.push(last.to_owned());
    }
    tokens.iter().map(|token| parse_one(token)).collect()
}

fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

pub(super) fn parse_one(text: &str) -> Result<Matcher, String> {
    let (name, op, value) = split(text).ok_or_else(|| format!("bad matcher format: {text}"))?;
    let unescaped = unescape(value)?;
    new_matcher(op, name, &unescaped).map_err(|problem| problem.to_string())
}

fn split(text: &str) -> Option<(&str, MatchOp, &str)> {
    let text = text.trim_matches(is_blank);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches(is_blank);
    let operators = [
        ("=~", MatchOp::Regex),
        ("!=", MatchOp::NotEqual),
        ("!~", MatchOp::NotRegex),
        ("=", MatchOp::Equal),
    ];
    let (op, value) = operators
        .iter()
        .find_map(|(sign, op)| Some((*op, rest.strip_prefix(sign)?)))?;
    Some((name, op, value.trim_start_matches(is_blank)))
}

fn unescape(raw: &str) -> Result<String, String> {
    let unquoted_problem = || {
        Err(format!(
            "matcher value contains unescaped double quote: {raw}"
        ))
    };
    let (body, mut expects_quote) = match raw.strip_prefix('"') {
        Some(body) => (body, true),
        None => (raw, false),
    };
    let mut value = String::with_capacity(body.len());
    let mut is_escaped = false;
    for (at, c) in body.char_indices() {
        let is_last = at + 1 >= body.len();
        if is_escaped {
            is_escaped = false;
            match c {
                'n' => value.push('\n'),
                '"' | '\\' => value.push(c),
                other => {
                    value.push('\\');
                    value.push(other);
                }
            }
            continue;
        }
        match c {
            '\\' if !is_last => is_escaped = true,
            '"' if !expects_quote || !is_last => return unquoted_problem(),
            '"' => expects_quote = false,
            other => value.push(other),
        }
    }
    if expects_quote {
        unquoted_problem()
    } else {
        Ok(value)
    }
}
