//! Go's regular expressions on the `regex` crate: the syntax differences and Go's error texts.
//!
//! Go's `\d`, `\w`, `\s` and `\b` are ASCII, it takes a `{` that starts no repetition literally, knows
//! `\Q…\E`, and has no set operations in classes.

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{self, ErrorKind, RepetitionKind, RepetitionRange};
use regex_syntax::hir::translate::Translator;

use crate::chars::is_alphanumeric;

/// Compiled size of one expression.
const SIZE_MAX_BYTES: usize = 8 << 20;
/// What compiling costs of an execution's steps.
pub(crate) const COMPILE_STEPS: usize = 500;
/// Of groups and classes.
const NESTING_MAX: u32 = 200;
/// Go's limit on `{n}`.
const REPEAT_MAX: u32 = 1000;

/// Compiles; an error is Go's `error parsing regexp: …`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let failed = |problem: String| format!("error parsing regexp: {problem}");
    let translated = translate(pattern);
    let parsed = ast::parse::ParserBuilder::new()
        .nest_limit(NESTING_MAX)
        .build()
        .parse(&translated);
    let tree = parsed.map_err(|error| failed(describe(&error, pattern)))?;
    ast::visit(&tree, Repetitions(&translated)).map_err(failed)?;
    if let Err(error) = Translator::new().translate(&translated, &tree) {
        let span = error.span();
        let piece = translated
            .get(span.start.offset..span.end.offset)
            .unwrap_or("");
        return Err(failed(format!("invalid character class range: `{piece}`")));
    }
    RegexBuilder::new(&translated)
        .size_limit(SIZE_MAX_BYTES)
        .build()
        .map_err(|_| failed(format!("expression too large: `{pattern}`")))
}

/// Refuses repetitions that Go refuses: of repetitions, and of more than a thousand.
struct Repetitions<'a>(&'a str);

impl ast::Visitor for Repetitions<'_> {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, node: &ast::Ast) -> Result<(), String> {
        let ast::Ast::Repetition(repetition) = node else {
            return Ok(());
        };
        let end = repetition.op.span.end.offset;
        let piece = |start: usize| self.0.get(start..end).unwrap_or("");
        if let ast::Ast::Repetition(inner) = repetition.ast.as_ref() {
            let operators = piece(inner.op.span.start.offset);
            return Err(format!("invalid nested repetition operator: `{operators}`"));
        }
        let most = match &repetition.op.kind {
            RepetitionKind::Range(
                RepetitionRange::Exactly(count) | RepetitionRange::AtLeast(count),
            ) => *count,
            RepetitionKind::Range(RepetitionRange::Bounded(low, high)) => *low.max(high),
            _ => 0,
        };
        if most > REPEAT_MAX {
            let operator = piece(repetition.op.span.start.offset);
            return Err(format!("invalid repeat count: `{operator}`"));
        }
        Ok(())
    }
}

/// Compiles; an error is the text of Go's panic in `regexp.MustCompile`.
pub(crate) fn must_compile(pattern: &str) -> Result<Regex, String> {
    let quoted = if pattern.contains('`') || pattern.chars().any(|c| c < ' ' && c != '\t') {
        crate::quote::go_quote(pattern)
    } else {
        format!("`{pattern}`")
    };
    compile(pattern).map_err(|error| format!("regexp: Compile({quoted}): {error}"))
}

/// Replaces all matches; the result may not grow past `limit` bytes.
pub(crate) fn replace_all(
    regex: &Regex,
    text: &str,
    replacement: &str,
    limit: usize,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        out.push_str(text.get(copied..whole.start()).unwrap_or(""));
        expand(replacement, &captures, &mut out);
        copied = whole.end();
        if out.len() > limit {
            return None;
        }
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    (out.len() <= limit).then_some(out)
}

/// `$1`, `$name`, `${name}` and `$$`; a dollar sign before anything else stands for itself.
fn expand(replacement: &str, captures: &regex::Captures<'_>, out: &mut String) {
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let tail = rest.get(at + 1..).unwrap_or("");
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (body, is_braced) = tail
            .strip_prefix('{')
            .map_or((tail, false), |body| (body, true));
        let length = body.find(|c| !is_alphanumeric(c)).unwrap_or(body.len());
        let (name, after) = body.split_at(length);
        let after = if is_braced {
            after.strip_prefix('}')
        } else {
            Some(after)
        };
        let Some(after) = after.filter(|_| !name.is_empty()) else {
            out.push('$');
            rest = tail;
            continue;
        };
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
        rest = after;
    }
    out.push_str(rest);
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut class_depth = 0;
    let mut at_class_start = false;
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or("");
        let was_start = std::mem::take(&mut at_class_start);
        rest = tail;
        match c {
            '\\' => {
                let escaped = tail.chars().next();
                if escaped == Some('Q') && class_depth == 0 {
                    let body = tail.get(1..).unwrap_or("");
                    let (literal, after) = body.split_once("\\E").unwrap_or((body, ""));
                    out.push_str(&regex::escape(literal));
                    rest = after;
                    continue;
                }
                let ascii = match (escaped, class_depth > 0) {
                    (Some('d'), false) => "[0-9]",
                    (Some('D'), false) => "[^0-9]",
                    (Some('w'), false) => "[0-9A-Za-z_]",
                    (Some('W'), false) => "[^0-9A-Za-z_]",
                    (Some('s'), false) => r"[\t\n\f\r ]",
                    (Some('S'), false) => r"[^\t\n\f\r ]",
                    (Some('b'), false) => r"(?-u:\b)",
                    (Some('d'), true) => "0-9",
                    (Some('w'), true) => "0-9A-Za-z_",
                    (Some('s'), true) => r"\t\n\f\r ",
                    (Some('D'), true) => "[^0-9]",
                    (Some('W'), true) => "[^0-9A-Za-z_]",
                    (Some('S'), true) => r"[^\t\n\f\r ]",
                    _ => "",
                };
                if ascii.is_empty() {
                    out.push('\\');
                    if let Some(escaped) = escaped {
                        out.push(escaped);
                    }
                } else {
                    out.push_str(ascii);
                }
                rest = tail.get(escaped.map_or(0, char::len_utf8)..).unwrap_or("");
                if matches!(escaped, Some('p' | 'P' | 'x')) && rest.starts_with('{') {
                    let (braces, after) =
                        rest.split_at(rest.find('}').map_or(rest.len(), |at| at + 1));
                    out.push_str(braces);
                    rest = after;
                }
            }
            '[' if class_depth == 0 => {
                class_depth = 1;
                at_class_start = true;
                out.push('[');
                if let Some(negated) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = negated;
                }
            }
            '[' if rest.starts_with(':') && rest.contains(":]") => {
                let end = rest.find(":]").map_or(rest.len(), |at| at + 2);
                out.push('[');
                out.push_str(rest.get(..end).unwrap_or(""));
                rest = rest.get(end..).unwrap_or("");
            }
            '[' => out.push_str("\\["),
            ']' if class_depth > 0 && was_start => out.push_str("\\]"),
            ']' if class_depth > 0 => {
                class_depth = 0;
                out.push(']');
            }
            '&' | '~' if class_depth > 0 => {
                out.push('\\');
                out.push(c);
            }
            '-' if class_depth > 0 && rest.starts_with('-') => out.push_str("\\-"),
            '{' if class_depth == 0 && !is_repetition(rest) => out.push_str("\\{"),
            '}' if class_depth == 0 && !closes_repetition(&out) => out.push_str("\\}"),
            c => out.push(c),
        }
    }
    out
}

/// After `{`: `n}`, `n,}` or `n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((body, _)) = rest.split_once('}') else {
        return false;
    };
    let (low, high) = body.split_once(',').unwrap_or((body, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// Whether the text so far ends in an open `{n,m` or `\p{Name`.
fn closes_repetition(out: &str) -> bool {
    match out.rfind('{') {
        Some(at) => {
            !out.get(..at).unwrap_or("").ends_with('\\')
                && !out.get(at..).unwrap_or("").contains('}')
        }
        None => false,
    }
}

fn describe(error: &ast::Error, pattern: &str) -> String {
    let span = error.span();
    let source = error.pattern();
    let piece = source.get(span.start.offset..span.end.offset).unwrap_or("");
    let tail = source.get(span.start.offset..).unwrap_or("");
    match error.kind() {
        ErrorKind::GroupUnclosed => format!("missing closing ): `{pattern}`"),
        ErrorKind::GroupUnopened => format!("unexpected ): `{pattern}`"),
        ErrorKind::ClassUnclosed => format!("missing closing ]: `{tail}`"),
        ErrorKind::ClassRangeInvalid => format!("invalid character class range: `{piece}`"),
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression: ``".to_owned(),
        ErrorKind::EscapeUnrecognized
        | ErrorKind::EscapeHexInvalid
        | ErrorKind::UnsupportedBackreference => {
            format!("invalid escape sequence: `{piece}`")
        }
        ErrorKind::RepetitionMissing => {
            format!(
                "missing argument to repetition operator: `{}`",
                tail.get(..1).unwrap_or("")
            )
        }
        ErrorKind::RepetitionCountInvalid | ErrorKind::DecimalInvalid => {
            format!("invalid repeat count: `{piece}`")
        }
        ErrorKind::GroupNameEmpty
        | ErrorKind::GroupNameInvalid
        | ErrorKind::GroupNameUnexpectedEof
        | ErrorKind::GroupNameDuplicate { .. } => {
            let end = span.end.offset;
            let closed = source.get(end..).is_some_and(|rest| rest.starts_with('>'));
            let head = source.get(..end + usize::from(closed)).unwrap_or("");
            let start = head.rfind("(?").unwrap_or(0);
            format!(
                "invalid named capture: `{}`",
                head.get(start..).unwrap_or("")
            )
        }
        ErrorKind::NestLimitExceeded(_) => format!("expression nests too deeply: `{pattern}`"),
        _ => {
            let head = source.get(..span.end.offset).unwrap_or("");
            let start = head.rfind("(?").unwrap_or(span.start.offset);
            format!(
                "invalid or unsupported Perl syntax: `{}`",
                head.get(start..).unwrap_or("")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text)
    }

    #[test]
    fn go_syntax() {
        assert!(matches(r"^\d+$", "12") && !matches(r"^\d+$", "٣"));
        assert!(matches(r"^[\w.]+$", "a_b.9") && !matches(r"^\w$", "é"));
        assert!(matches(r"^a{b}$", "a{b}") && matches("^a{2}$", "aa"));
        assert!(matches(r"^\Qa.b\E$", "a.b") && !matches(r"^\Qa.b\E$", "axb"));
        assert!(matches("^[a&&b]$", "&") && matches("^[]a]$", "]"));
        assert!(matches(r"^\p{Greek}+$", "αβ") && matches("^[[:alpha:]]$", "x"));
        assert!(matches(r"\bfoo\b", "a foo b"));
    }

    #[test]
    fn go_errors() {
        let error = |pattern: &str| compile(pattern).unwrap_err();
        assert_eq!(
            error("(?<>a)"),
            "error parsing regexp: invalid named capture: `(?<>`"
        );
        assert_eq!(error("("), "error parsing regexp: missing closing ): `(`");
        assert_eq!(error("a)"), "error parsing regexp: unexpected ): `a)`");
        assert_eq!(
            error("a[b"),
            "error parsing regexp: missing closing ]: `[b`"
        );
        assert_eq!(
            error("*"),
            "error parsing regexp: missing argument to repetition operator: `*`"
        );
        assert_eq!(
            error("\\"),
            "error parsing regexp: trailing backslash at end of expression: ``"
        );
        assert_eq!(
            error("[b-a]"),
            "error parsing regexp: invalid character class range: `b-a`"
        );
    }

    #[test]
    fn replacements_are_bounded() {
        let regex = compile("(a)b").unwrap();
        assert_eq!(replace_all(&regex, "abab", "x$1", 100).unwrap(), "xaxa");
        assert_eq!(
            replace_all(&regex, "ab", "${1!}$$$x$", 100).unwrap(),
            "${1!}$$"
        );
        assert_eq!(replace_all(&regex, "ababab", "${1}yyyy", 8), None);
    }
}
