//! Regular expressions with Go's (RE2) syntax and meaning, anchored, with fast paths.

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;

/// The most bytes a compiled pattern may take; larger ones are refused instead of eating memory.
const COMPILED_BYTES_MAX: usize = 10 << 20;

/// Why a text is not a usable regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub String);

/// A fully anchored regular expression (`^(?s:…)$`), as matchers and relabelling use it.
///
/// Patterns without regex meaning (a literal, an alternation of literals, a literal with `.*` or `.+`
/// at its ends) are matched without the regex engine.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    fast: Fast,
    /// Compiling takes a hundred microseconds, more than a small query does. Where there is a fast path it is
    /// put off until somebody wants submatches, which relabelling does and queries do not.
    regex: OnceLock<Regex>,
}

/// Longer texts are compiled at once, so that one that is too large is found.
const PUT_OFF_BYTES_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fast {
    None,
    /// Any of these, whole.
    OneOf(Vec<String>),
    /// `prefix` + anything; `at_least` bytes of it.
    Prefix {
        prefix: String,
        rest_not_empty: bool,
    },
    Suffix {
        suffix: String,
        rest_not_empty: bool,
    },
    Contains(String),
    /// `.*`
    Anything,
    /// `.+`
    NotEmpty,
}

impl Pattern {
    /// Compiles a pattern written in Go's syntax.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let fast = fast_path(text);
        let regex = OnceLock::new();
        if fast == Fast::None || text.len() > PUT_OFF_BYTES_MAX {
            let _ = regex.set(compile(text)?);
        }
        Ok(Self {
            text: text.to_owned(),
            fast,
            regex,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.fast {
            Fast::None => self.regex().is_match(text),
            Fast::OneOf(literals) => literals.iter().any(|literal| literal == text),
            Fast::Prefix {
                prefix,
                rest_not_empty,
            } => {
                text.starts_with(prefix.as_str()) && (!rest_not_empty || text.len() > prefix.len())
            }
            Fast::Suffix {
                suffix,
                rest_not_empty,
            } => text.ends_with(suffix.as_str()) && (!rest_not_empty || text.len() > suffix.len()),
            Fast::Contains(needle) => text.contains(needle.as_str()),
            Fast::Anything => true,
            Fast::NotEmpty => !text.is_empty(),
        }
    }

    /// If only a few literal texts match, those: postings can be looked up instead of scanned.
    pub fn literals(&self) -> Option<&[String]> {
        match &self.fast {
            Fast::OneOf(literals) => Some(literals),
            _ => None,
        }
    }

    /// A literal that every match starts with.
    pub fn prefix(&self) -> Option<&str> {
        match &self.fast {
            Fast::Prefix { prefix, .. } => Some(prefix),
            _ => None,
        }
    }

    /// The submatches of a whole match, to expand a replacement template with.
    pub fn captures<'t>(&self, text: &'t str) -> Option<regex::Captures<'t>> {
        self.regex().captures(text)
    }

    /// The compiled, anchored expression.
    fn regex(&self) -> &Regex {
        #[expect(
            clippy::expect_used,
            reason = "short literals, with wildcards at their ends at most, are always valid and small"
        )]
        self.regex
            .get_or_init(|| compile(&self.text).expect("a short pattern with a fast path"))
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    let translated = translate(text)?;
    regex::RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| PatternError(describe(text, &error)))
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Rewrites what Go's syntax has and the regex crate has not: `\Q…\E`, `\z`, `\C`, and a literal `{`
/// that is no repetition; `(?<name>` and `(?P<name>` mean the same in both.
fn translate(text: &str) -> Result<String, PatternError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let mut in_class = false;
    // Where the repetition starts that ends right before this place.
    let mut repetition = None;
    while let Some((at, character)) = chars.next() {
        let before = repetition.take();
        match character {
            '\\' => match chars.next() {
                Some((_, 'p' | 'P' | 'x')) if text[at + 2..].starts_with('{') => {
                    let end = text[at..].find('}').map_or(text.len(), |end| at + end + 1);
                    let escape = &text[at..end];
                    match escape.strip_prefix("\\p{^") {
                        Some(name) => out.push_str(&format!("\\P{{{name}")),
                        None => out.push_str(escape),
                    }
                    while chars.next_if(|(at, _)| *at < end).is_some() {}
                }
                Some((_, '0'..='7')) => {
                    let (code, length) = octal(&text[at + 1..]);
                    out.push_str(&code);
                    while chars.next_if(|(next, _)| *next <= at + length).is_some() {}
                }
                // Escaped punctuation in Go, words' edges in the regex crate.
                Some((_, edge @ ('<' | '>'))) => out.push(edge),
                Some((_, unknown @ ('u' | 'U'))) => {
                    let escape = format!("\\{unknown}");
                    return Err(refusal("invalid escape sequence", &escape));
                }
                Some((_, 'Q')) => {
                    if !text[at + 2..].contains("\\E") {
                        // The quotation takes in the end of the group that anchors the pattern.
                        return Err(refusal("missing closing )", text));
                    }
                    let literal_start = at + 2;
                    let literal = text[literal_start..].split("\\E").next().unwrap_or("");
                    out.push_str(&regex::escape(literal));
                    let literal_end = literal_start + literal.len();
                    while chars.next_if(|(at, _)| *at < literal_end + 2).is_some() {}
                }
                Some((_, escaped)) => match ascii_class(escaped, in_class) {
                    Some(class) => out.push_str(class),
                    None => {
                        out.push('\\');
                        out.push(escaped);
                    }
                },
                None => out.push('\\'),
            },
            '[' if in_class && !text[at..].starts_with("[:") => out.push_str("\\["),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if let Some((_, caret)) = chars.next_if(|(_, c)| *c == '^') {
                    out.push(caret);
                }
                // A bracket right after the opening is a literal in Go.
                if chars.next_if(|(_, c)| *c == ']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' => {
                // A named class such as [:alpha:] inside a class.
                let end = text[at..].find(":]").map_or(at + 1, |end| at + end + 2);
                out.push_str(&text[at..end]);
                while chars.next_if(|(at, _)| *at < end).is_some() {}
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Set operations of the regex crate are literals in Go.
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '{' if !in_class && !starts_repetition(&text[at..]) => out.push_str("\\{"),
            '*' | '+' | '?' | '{' if !in_class => {
                let length = match character {
                    '{' => text[at..].find('}').map_or(1, |end| end + 1),
                    _ => 1,
                };
                let operator = &text[at..at + length];
                if has_large_count(operator) {
                    return Err(refusal("invalid repeat count", operator));
                }
                while chars.next_if(|(next, _)| *next < at + length).is_some() {}
                // `?` after it makes it lazy.
                let is_lazy = chars.next_if(|(_, c)| *c == '?').is_some();
                let end = at + length + usize::from(is_lazy);
                if let Some(start) = before {
                    let nested = &text[start..end];
                    return Err(refusal("invalid nested repetition operator", nested));
                }
                out.push_str(&text[at..end]);
                repetition = Some(at);
            }
            _ => out.push(character),
        }
    }
    Ok(out)
}

fn refusal(problem: &str, quoted: &str) -> PatternError {
    PatternError(format!("error parsing regexp: {problem}: `{quoted}`"))
}

/// `{n,m}` with a number that Go does not take.
fn has_large_count(operator: &str) -> bool {
    const COUNT_MAX: u32 = 1000;
    let counts = operator.trim_matches(['{', '}']).split(',');
    counts
        .filter(|count| {
            count
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_digit())
        })
        .any(|count| count.parse::<u32>().is_ok_and(|count| count > COUNT_MAX) || count.len() > 9)
}

/// `\101` is `A`; what starts with a digit but zero and has only one is a back reference, which neither knows.
/// Gives what to write, and how many digits there are.
fn octal(digits: &str) -> (String, usize) {
    let length = digits
        .bytes()
        .take(3)
        .take_while(|digit| matches!(digit, b'0'..=b'7'))
        .count();
    let number = digits.get(..length).unwrap_or_default();
    match u32::from_str_radix(number, 8) {
        Ok(code) if length > 1 || code == 0 => (format!("\\x{{{code:x}}}"), length),
        _ => (format!("\\{number}"), length),
    }
}

/// Classes that know only ASCII in Go, and all of Unicode in the regex crate.
fn ascii_class(escaped: char, in_class: bool) -> Option<&'static str> {
    Some(match (escaped, in_class) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('D', _) => "[^0-9]",
        // Go does not fold these: in Unicode, `k` is the Kelvin sign too.
        ('w', false) => "(?-i:[0-9A-Za-z_])",
        ('w', true) => "0-9A-Za-z_",
        ('W', false) => "(?-i:[^0-9A-Za-z_])",
        ('W', true) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\f\\r ]",
        ('s', true) => "\\t\\n\\f\\r ",
        ('S', _) => "[^\\t\\n\\f\\r ]",
        ('b', false) => "(?-u:\\b)",
        _ => return None,
    })
}

/// Whether `{…` is `{n}`, `{n,}` or `{n,m}`; Go takes anything else literally.
fn starts_repetition(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else {
        return false;
    };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// The peers' wording where it is simple to have; else the regex crate's first line.
fn describe(text: &str, error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            format!("error parsing regexp: expression too large: `{text}`")
        }
        other => {
            let message = other.to_string();
            let what = message
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ")
                .to_owned();
            let go = match what.as_str() {
                "unclosed group" => "missing closing )".to_owned(),
                "unopened group" => "unexpected )".to_owned(),
                "unclosed character class" => "missing closing ]".to_owned(),
                "repetition operator missing expression" => {
                    "missing argument to repetition operator".to_owned()
                }
                _ => what,
            };
            format!("error parsing regexp: {go}: `{text}`")
        }
    }
}

fn fast_path(text: &str) -> Fast {
    const META: &[char] = &[
        '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
    ];
    let is_literal = |part: &str| !part.contains(META);
    match text {
        ".*" => return Fast::Anything,
        ".+" => return Fast::NotEmpty,
        _ => {}
    }
    if text.split('|').all(is_literal) {
        return Fast::OneOf(text.split('|').map(str::to_owned).collect());
    }
    let between = text
        .strip_prefix(".*")
        .and_then(|rest| rest.strip_suffix(".*"));
    if let Some(needle) = between.filter(|needle| is_literal(needle)) {
        return Fast::Contains(needle.to_owned());
    }
    for (wildcard, rest_not_empty) in [(".*", false), (".+", true)] {
        if let Some(prefix) = text
            .strip_suffix(wildcard)
            .filter(|prefix| is_literal(prefix))
        {
            return Fast::Prefix {
                prefix: prefix.to_owned(),
                rest_not_empty,
            };
        }
        if let Some(suffix) = text
            .strip_prefix(wildcard)
            .filter(|suffix| is_literal(suffix))
        {
            return Fast::Suffix {
                suffix: suffix.to_owned(),
                rest_not_empty,
            };
        }
    }
    Fast::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_with_numbers_and_names() {
        for (pattern, text) in [
            (r"\p{Lu}\pL", "Ab"),
            (r"\p{^Lu}", "a"),
            (r"\x{e9}\x41", "\u{e9}A"),
            (r"\101\0", "A\0"),
            (r"[\101\x{e9}]+", "A\u{e9}"),
            (r"a{2,3}?b*?c??", "aab"),
            (r"a{b{,2}", "a{b{,2}"),
            (r"^*a", "a"),
            (r"\<a\>", "<a>"),
        ] {
            let compiled = Pattern::new(pattern).unwrap();
            assert!(compiled.is_match(text), "{pattern} on {text:?}");
        }
    }

    /// What the regex crate would take.
    #[test]
    fn what_go_refuses() {
        for (pattern, error) in [
            ("a**", "invalid nested repetition operator: `**`"),
            ("a+?*", "invalid nested repetition operator: `+?*`"),
            ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            (r"\Qa", r"missing closing ): `\Qa`"),
            (r"\u0041", r"invalid escape sequence: `\u`"),
        ] {
            let refused = Pattern::new(pattern).unwrap_err().to_string();
            assert_eq!(refused, format!("error parsing regexp: {error}"));
        }
        assert!(Pattern::new(r"\1").is_err());
    }

    /// Go's classes are of ASCII, within other classes too.
    #[test]
    fn perl_classes_are_those_of_go() {
        for (pattern, text, matches) in [
            (r"\d+", "42", true),
            (r"\d", "\u{0664}", false),
            (r"[\d.]+", "4.2", true),
            (r"[\d.]+", "\u{0664}", false),
            (r"[^\d]", "\u{0664}", true),
            (r"\D", "\u{0664}", true),
            (r"[\D]", "4", false),
            (r"\w+", "a_1", true),
            (r"\w", "\u{e9}", false),
            (r"(?i)\w", "\u{212a}", false),
            (r"[\w-]+", "a-b", true),
            (r"\W", "\u{e9}", true),
            (r"\s", "\u{a0}", false),
            (r"\s", "\t", true),
            (r"\s", "\x0b", false),
            (r"[\s]", " ", true),
            (r"\S", "\u{a0}", true),
            (r"a\b.*", "a\u{e9}", true),
            (r"a\b.*", "ab", false),
            (r"\\d", "\\d", true),
        ] {
            let compiled = Pattern::new(pattern).unwrap();
            assert_eq!(compiled.is_match(text), matches, "{pattern} on {text:?}");
        }
    }

    /// The fast path and the regex engine must agree.
    #[test]
    fn fast_paths_agree_with_the_engine() {
        let patterns = [
            "a", "a|b|", "foo.*", "foo.+", ".*foo", ".+foo", ".*foo.*", ".*", ".+", "", "a.c",
            "(a|b)c",
        ];
        let texts = [
            "", "a", "b", "foo", "foobar", "barfoo", "xfoox", "abc", "ac", "bc", "a\nc", "foo\n",
        ];
        for pattern in patterns {
            let pattern = Pattern::new(pattern).unwrap();
            for text in texts {
                assert_eq!(
                    pattern.is_match(text),
                    pattern.regex().is_match(text),
                    "{pattern} on {text:?}"
                );
            }
        }
    }

    #[test]
    fn go_syntax() {
        let cases = [
            (r"\Qa.b\E.*", "a.bc", true),
            (r"\Qa.b\E.*", "axbc", false),
            (r"a{b", "a{b", true),
            (r"[a&&b]+", "&", true),
            (r"[[:alpha:]]+", "abc", true),
            (r"[]a]+", "]a", true),
            (r"8\d{3}", "8000", true),
            (r"8\d{3}", "18000", false),
            (r"[a[]+", "[", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                Pattern::new(pattern).unwrap().is_match(text),
                expected,
                "{pattern} on {text}"
            );
        }
        for pattern in [
            "(",
            ")",
            "[",
            "*",
            r"a**b(",
            &format!("({}){{1000}}", "a{1000}"),
        ] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
