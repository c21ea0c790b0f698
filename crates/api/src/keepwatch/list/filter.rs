//! The filter language: `word`, `label=value` (also `!=`, `=~`, `!~`, and lists in braces) and `@key:value`,
//! with spaces between; all must hold. Values with spaces are quoted. `@key:a,b` takes either.

use config::alertmanager::matchers::{MatcherMode, parse_list};
use model::Matcher;

use crate::respond::ApiError;

/// No filter that a person types is longer; each row is compared with each term.
const TERMS_MAX: usize = 50;
const BYTES_MAX: usize = 10_000;

/// What a row of a list shows to filters.
pub(crate) trait Row {
    /// Whether one of the texts that the row shows has this word, which is in lower case.
    fn has_word(&self, word: &str) -> bool;
    fn label(&self, name: &str) -> Option<&str>;
    /// The values under an `@key` of the list.
    fn facet(&self, key: &str) -> Vec<&str>;
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Word(String),
    Label(Matcher),
    Facet { key: String, values: Vec<String> },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// `keys` are the `@` keys of the list.
    pub(crate) fn parse(text: &str, keys: &[&str]) -> Result<Self, ApiError> {
        if text.len() > BYTES_MAX {
            let problem = format!("longer than {BYTES_MAX} bytes");
            return Err(ApiError::parameter("q", problem));
        }
        let tokens = tokens(text).map_err(|problem| ApiError::parameter("q", problem))?;
        if tokens.len() > TERMS_MAX {
            let problem = format!("more than {TERMS_MAX} terms");
            return Err(ApiError::parameter("q", problem));
        }
        let mut terms = Vec::new();
        for token in tokens {
            add(&token, keys, &mut terms).map_err(|problem| ApiError::parameter("q", problem))?;
        }
        Ok(Self { terms })
    }

    pub(crate) fn accepts(&self, row: &impl Row) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Word(word) => row.has_word(word),
            Term::Label(matcher) => matcher.matches(row.label(matcher.name()).unwrap_or("")),
            Term::Facet { key, values } => {
                let found = row.facet(key);
                values.iter().any(|value| found.contains(&value.as_str()))
            }
        })
    }
}

/// Whether `text` has the word, whatever the case of its letters.
pub(crate) fn contains(text: &str, word: &str) -> bool {
    if text.is_ascii() && word.is_ascii() {
        // The common case, without a copy of the text.
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return word.is_empty()
            || text
                .windows(word.len())
                .any(|window| window.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

fn add(token: &str, keys: &[&str], terms: &mut Vec<Term>) -> Result<(), String> {
    if let Some(rest) = token.strip_prefix('@') {
        let (key, value) = rest
            .split_once(':')
            .ok_or_else(|| format!("{token:?}: write @key:value; {}", known(keys)))?;
        if !keys.contains(&key) {
            return Err(format!("{token:?}: there is no @{key}; {}", known(keys)));
        }
        let values = unquoted(value).split(',').map(str::to_owned).collect();
        let key = key.to_owned();
        terms.push(Term::Facet { key, values });
        return Ok(());
    }
    if token.starts_with('{') || is_matcher(token) {
        let parsed = parse_list(MatcherMode::Fallback, token)?;
        terms.extend(parsed.matchers.into_iter().map(Term::Label));
        return Ok(());
    }
    terms.push(Term::Word(unquoted(token).to_lowercase()));
    Ok(())
}

fn known(keys: &[&str]) -> String {
    let names: Vec<String> = keys.iter().map(|key| format!("@{key}")).collect();
    format!("there are {}", names.join(", "))
}

/// A label's name with an operator behind it; anything else is a word, such as `http://x?a=b`.
fn is_matcher(token: &str) -> bool {
    let Some(at) = token.find(['=', '!']) else {
        return false;
    };
    let (name, rest) = token.split_at(at);
    let is_operator = rest.starts_with('=') || rest.starts_with("!=") || rest.starts_with("!~");
    let is_quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    let is_plain = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-'));
    is_operator && (is_quoted || is_plain)
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text)
}

/// Splits at spaces outside of quotes and braces.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut token = String::new();
    let (mut is_quoted, mut is_escaped, mut depth) = (false, false, 0_usize);
    for letter in text.chars() {
        if letter.is_whitespace() && !is_quoted && depth == 0 {
            if !token.is_empty() {
                found.push(std::mem::take(&mut token));
            }
            continue;
        }
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '{' if !is_quoted => depth += 1,
            '}' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        token.push(letter);
    }
    if is_quoted {
        return Err(format!("{token:?}: the quote is not closed"));
    }
    if depth > 0 {
        return Err(format!("{token:?}: the brace is not closed"));
    }
    if !token.is_empty() {
        found.push(token);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;

    impl Row for One {
        fn has_word(&self, word: &str) -> bool {
            contains("HighErrorRate of Ärger", word)
        }
        fn label(&self, name: &str) -> Option<&str> {
            match name {
                "job" => Some("api server"),
                "code" => Some("500"),
                _ => None,
            }
        }
        fn facet(&self, key: &str) -> Vec<&str> {
            match key {
                "state" => vec!["firing"],
                _ => vec!["one", "two"],
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<bool, &str>) {
        let filter = Filter::parse(text, &["state", "receiver"]);
        match (filter, expected) {
            (Ok(filter), Ok(accepts)) => assert_eq!(filter.accepts(&One), accepts, "{text}"),
            (Err(error), Err(part)) => {
                assert!(error.message.contains(part), "{text}: {}", error.message);
            }
            (filter, _) => panic!("{text}: {filter:?}"),
        }
    }

    #[test]
    fn terms() {
        check("", Ok(true));
        check("  higherror   ärger ", Ok(true));
        check("higherror lower", Ok(false));
        check("\"rate of\"", Ok(true));
        check("code=500", Ok(true));
        check("code!=500", Ok(false));
        check("code=~\"5..\" job=\"api server\"", Ok(true));
        check("{code=~\"5..\", job!=\"db\"}", Ok(true));
        check("absent=\"\"", Ok(true));
        check("absent=x", Ok(false));
        check("@state:firing", Ok(true));
        check("@state:pending,firing @receiver:two", Ok(true));
        check("@state:pending", Ok(false));
        check("http://x?a=b", Ok(false));
    }

    #[test]
    fn mistakes_are_told() {
        check("@stat:firing", Err("there are @state, @receiver"));
        check("@state", Err("write @key:value"));
        check("job=\"api", Err("the quote is not closed"));
        check("{job=\"api\"", Err("the brace is not closed"));
        check("job=~\"(\"", Err("missing"));
        check(&"a ".repeat(51), Err("more than 50 terms"));
        check(&"a".repeat(10_001), Err("longer than 10000 bytes"));
    }
}
