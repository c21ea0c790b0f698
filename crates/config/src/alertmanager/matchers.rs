//! Matchers as routes, inhibition rules, silences and API filters write them.
//!
//! There are two syntaxes: the classic one, and the one that allows any UTF-8 name. By default both are
//! tried; where both read a text, but differently, the classic meaning stays in force.

mod classic;
mod lexer;
mod utf8;

use model::name::{NameScheme, is_legacy_label_name};
use model::pattern::{Pattern, PatternError};
use model::{MatchOp, Matcher};

use crate::quote::quote;

/// Which syntax is accepted, and which label names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatcherMode {
    /// Both, classic where they disagree.
    #[default]
    Fallback,
    Classic,
    Utf8Strict,
}

impl MatcherMode {
    /// Whether a label may have this name.
    pub fn allows_label(self, name: &str) -> bool {
        match self {
            Self::Classic => is_legacy_label_name(name),
            Self::Fallback | Self::Utf8Strict => !name.is_empty(),
        }
    }

    pub fn name_scheme(self) -> NameScheme {
        match self {
            Self::Classic => NameScheme::Legacy,
            Self::Fallback | Self::Utf8Strict => NameScheme::Utf8,
        }
    }
}

/// What a text meant, and what the user should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub matchers: Vec<Matcher>,
    /// The text means something else, or nothing, in the other syntax.
    pub warning: Option<SyntaxWarning>,
}

/// Why a text that was read in the classic syntax should be written differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxWarning {
    #[error("not valid in the UTF-8 syntax ({problem}); write {{{suggestion}}}")]
    Incompatible {
        problem: String,
        /// Means the same in both.
        suggestion: String,
    },
    #[error(
        "matchers mean different things in the classic and the UTF-8 syntax; write {{{suggestion}}}"
    )]
    Disagreement { suggestion: String },
}

/// Reads a list of matchers: `{a="b", c=~"d"}`, braces optional. The error is the peer's wording.
pub fn parse_list(mode: MatcherMode, text: &str) -> Result<Parsed, String> {
    let plain = |matchers| Parsed {
        matchers,
        warning: None,
    };
    match mode {
        MatcherMode::Classic => classic::parse_list(text).map(plain),
        MatcherMode::Utf8Strict => utf8::parse_list(text).map(plain),
        MatcherMode::Fallback => fall_back(classic::parse_list(text), utf8::parse_list(text)),
    }
}

/// Reads exactly one matcher, as API filters and the command line give them.
pub fn parse_one(mode: MatcherMode, text: &str) -> Result<Matcher, String> {
    parse_one_noting(mode, text).map(|(matcher, _)| matcher)
}

/// The same, and what the user should know about it.
pub fn parse_one_noting(
    mode: MatcherMode,
    text: &str,
) -> Result<(Matcher, Option<SyntaxWarning>), String> {
    if mode == MatcherMode::Classic {
        return Ok((classic::parse_one(text)?, None));
    }
    if text.starts_with('{') || text.ends_with('}') {
        return Err(format!("unexpected open or close brace: {text}"));
    }
    let modern =
        utf8::parse_list(text).and_then(|mut matchers| match (matchers.len(), matchers.pop()) {
            (1, Some(matcher)) => Ok(vec![matcher]),
            (0, _) => Err("no matchers".to_owned()),
            (count, _) => Err(format!("expected 1 matcher, found {count}")),
        });
    let parsed = match mode {
        MatcherMode::Fallback => {
            let classic = classic::parse_one(text).map(|matcher| vec![matcher]);
            fall_back(classic, modern)?
        }
        _ => Parsed {
            matchers: modern?,
            warning: None,
        },
    };
    let matcher = parsed.matchers.into_iter().next();
    let matcher = matcher.ok_or_else(|| "no matchers".to_owned())?;
    Ok((matcher, parsed.warning))
}

fn fall_back(
    classic: Result<Vec<Matcher>, String>,
    modern: Result<Vec<Matcher>, String>,
) -> Result<Parsed, String> {
    match (classic, modern) {
        (Ok(classic), Ok(modern)) => {
            let suggestion = joined(&classic);
            let warning = (suggestion != joined(&modern))
                .then_some(SyntaxWarning::Disagreement { suggestion });
            Ok(Parsed {
                matchers: classic,
                warning,
            })
        }
        (Ok(classic), Err(problem)) => {
            let suggestion = joined(&classic);
            Ok(Parsed {
                matchers: classic,
                warning: Some(SyntaxWarning::Incompatible {
                    problem,
                    suggestion,
                }),
            })
        }
        (Err(_), Ok(modern)) => Ok(Parsed {
            matchers: modern,
            warning: None,
        }),
        (Err(problem), Err(_)) => Err(problem),
    }
}

/// A matcher by the Alertmanager's rules: `.` does not match a line break.
pub fn new_matcher(op: MatchOp, name: &str, value: &str) -> Result<Matcher, PatternError> {
    match op {
        MatchOp::Regex | MatchOp::NotRegex if value.contains('.') => {
            // The plain compilation comes first: its errors name the text as it was written.
            Pattern::new(value)?;
            let pattern = Pattern::new(&format!("(?-s:{value})"))?;
            Ok(Matcher::with_pattern(op, name, value, pattern))
        }
        _ => Matcher::new(op, name, value),
    }
}

/// `name="value"`, as the Alertmanager prints it everywhere.
pub fn matcher_to_text(matcher: &Matcher) -> String {
    if matcher.name().chars().any(lexer::is_reserved) {
        let (name, value) = (quote(matcher.name()), quote(matcher.value()));
        return format!("{name}{}{value}", matcher.op());
    }
    let name = matcher.name();
    let value = matcher
        .value()
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"");
    format!("{name}{}\"{value}\"", matcher.op())
}

/// `{a="b",c="d"}`
pub fn to_text(matchers: &[Matcher]) -> String {
    format!("{{{}}}", joined(matchers))
}

fn joined(matchers: &[Matcher]) -> String {
    let texts: Vec<String> = matchers.iter().map(matcher_to_text).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    /// Behind a quoted name the value is quoted as Go does it, escapes and all.
    #[test]
    fn values_of_quoted_names_are_quoted() {
        for (text, printed) in [
            ("\"a b\"=\"c\u{2028}\\t\"", r#""a b"="c\u2028\t""#),
            ("a=\"c\u{2028}\"", "a=\"c\u{2028}\""),
        ] {
            let matcher = parse_one(MatcherMode::Utf8Strict, text).unwrap();
            assert_eq!(matcher_to_text(&matcher), printed);
        }
    }

    use super::*;

    fn list(mode: MatcherMode, text: &str) -> String {
        match parse_list(mode, text) {
            Ok(parsed) => to_text(&parsed.matchers),
            Err(problem) => problem,
        }
    }

    #[test]
    fn the_classic_meaning_stays_in_force() {
        assert_eq!(list(MatcherMode::Fallback, r#"{a="\t"}"#), r#"{a="\\t"}"#);
        assert!(
            parse_list(MatcherMode::Fallback, r#"{a="\t"}"#)
                .unwrap()
                .warning
                .is_some()
        );
        assert_eq!(list(MatcherMode::Utf8Strict, r#"{a="\x41"}"#), r#"{a="A"}"#);
        assert_eq!(list(MatcherMode::Fallback, r#""a b"=c"#), r#"{"a b"="c"}"#);
        assert_eq!(
            list(MatcherMode::Classic, "a-b=c"),
            "bad matcher format: a-b=c"
        );
    }

    #[test]
    fn dots_do_not_match_line_breaks() {
        let matcher = new_matcher(MatchOp::Regex, "a", "x.*").unwrap();
        assert!(matcher.matches("xyz") && !matcher.matches("x\ny"));
    }
}
