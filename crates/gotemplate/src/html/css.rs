//! Style sheets in pages: contexts and escapers.

use super::FAILSAFE;
use super::context::{Context, State};
use super::scan::{find_any, is_html_space, quoted_head};
use super::stringify::Content;
use super::transition::{Step, url_step};
use crate::value::SafeKind;

pub(super) fn step(c: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find_any(rest, b"(\"'/"))
        .map(|at| from + at)
    {
        let enter = |c: Context, state, end| (Context { state, ..c }, end);
        match (text.get(at), text.get(at + 1)) {
            (Some(b'('), _) if ends_with_url(text.get(..at).unwrap_or(b"")) => {
                let rest = text.get(at + 1..).unwrap_or(b"");
                let spaces = rest.iter().take_while(|byte| is_html_space(**byte)).count();
                let start = at + 1 + spaces;
                return match text.get(start) {
                    Some(b'"') => enter(c, State::CssDoubleQuotedUrl, start + 1),
                    Some(b'\'') => enter(c, State::CssSingleQuotedUrl, start + 1),
                    _ => enter(c, State::CssUrl, start),
                };
            }
            (Some(b'/'), Some(b'/')) => return enter(c, State::CssLineComment, at + 2),
            (Some(b'/'), Some(b'*')) => return enter(c, State::CssBlockComment, at + 2),
            (Some(b'"'), _) => return enter(c, State::CssDoubleQuoted, at + 1),
            (Some(b'\''), _) => return enter(c, State::CssSingleQuoted, at + 1),
            _ => from = at + 1,
        }
    }
    (c, text.len())
}

fn ends_with_url(text: &[u8]) -> bool {
    let spaces = text
        .iter()
        .rev()
        .take_while(|byte| is_html_space(**byte))
        .count();
    let text = text.get(..text.len() - spaces).unwrap_or(b"");
    let Some(start) = text.len().checked_sub(3) else {
        return false;
    };
    let (before, word) = text.split_at(start);
    word.eq_ignore_ascii_case(b"url") && !before.last().is_some_and(|byte| is_name_byte(*byte))
}

/// Bytes of identifiers; all of a non-ASCII character's bytes are.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii()
}

/// Over a string or a `url(…)`.
pub(super) fn string_step(c: Context, text: &[u8]) -> Step {
    let specials: &[u8] = match c.state {
        State::CssSingleQuoted | State::CssSingleQuotedUrl => b"\\'",
        State::CssUrl => b"\\\t\n\x0c\r )",
        _ => b"\\\"",
    };
    let mut c = c;
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or(b"");
        let Some(at) = find_any(rest, specials).map(|at| from + at) else {
            let (next, _) = url_step(c, decode(rest).as_bytes());
            return Ok((next, text.len()));
        };
        let mut end = at;
        if text.get(at) == Some(&b'\\') {
            end += 1;
            if end == text.len() {
                let text = quoted_head(text);
                return Err(format!("unfinished escape sequence in CSS string: {text}"));
            }
        } else {
            return Ok((
                Context {
                    state: State::Css,
                    ..c
                },
                at + 1,
            ));
        }
        (c, _) = url_step(c, decode(text.get(..=end).unwrap_or(text)).as_bytes());
        from = end + 1;
    }
}

/// Resolves backslash escapes.
fn decode(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or(""));
        rest = rest.get(at + 1..).unwrap_or("");
        let digits = rest
            .bytes()
            .take(6)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        if digits == 0 {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
            continue;
        }
        let (hex, after) = rest.split_at(digits);
        let code = u32::from_str_radix(hex, 16).unwrap_or(0);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = after
            .strip_prefix("\r\n")
            .or_else(|| after.strip_prefix(['\t', '\n', '\u{c}', ' ', '\r']))
            .unwrap_or(after);
    }
    out.push_str(rest);
    out
}

/// Inside a CSS string.
pub(super) fn string_escaper(content: &Content) -> String {
    let mut out = String::with_capacity(content.text.len());
    let mut chars = content.text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\0' | '\t' | '\n' | '\u{c}' | '\r' | '"' | '&' | '\'' | '(' | ')' | '+' | '/'
            | ':' | ';' | '<' | '>' | '{' | '}' => {
                out.push_str(&format!("\\{:x}", u32::from(c)));
                // A space ends the escape where the next character could continue it.
                let is_open = |next: &char| {
                    next.is_ascii_hexdigit() || matches!(next, '\t' | '\n' | '\u{c}' | '\r' | ' ')
                };
                if chars.peek().is_none_or(is_open) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Where CSS wants a value: only what is surely harmless passes.
pub(super) fn value_filter(content: &Content) -> String {
    if content.kind == Some(SafeKind::Css) {
        return content.text.clone();
    }
    let decoded = decode(content.text.as_bytes());
    let is_bad = |c: char| "\0\"'()/;@[\\]`{}<>".contains(c);
    if decoded.contains(is_bad) || decoded.contains("--") {
        return FAILSAFE.to_owned();
    }
    let name: String = decoded
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    let name = name.to_ascii_lowercase();
    if name.contains("expression") || name.contains("mozbinding") {
        return FAILSAFE.to_owned();
    }
    decoded
}
