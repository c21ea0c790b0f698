//! JavaScript in pages: contexts and escapers.

use super::context::{Context, Js, State};
use super::scan::{find_any, quoted_head};
use super::stringify::Content;
use super::transition::Step;
use crate::json::to_json;
use crate::value::{SafeKind, Value};

const LINE_ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

/// The first line end; the text may be cut inside a character.
pub(super) fn line_end(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).unwrap_or("");
    text.find(LINE_ENDS)
}

pub(super) fn contains_line_end(text: &[u8]) -> bool {
    line_end(text).is_some()
}

/// After this code a `/` starts a regular expression or divides.
fn next(text: &[u8], before: Js) -> Js {
    const WORDS: [&[u8]; 14] = [
        b"break",
        b"case",
        b"continue",
        b"delete",
        b"do",
        b"else",
        b"finally",
        b"in",
        b"instanceof",
        b"return",
        b"throw",
        b"try",
        b"typeof",
        b"void",
    ];
    let text = String::from_utf8_lossy(text);
    let space = |c: char| {
        matches!(
            c,
            '\u{c}'
                | '\n'
                | '\r'
                | '\t'
                | '\u{b}'
                | ' '
                | '\u{a0}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{feff}'
        )
    };
    let code = text.trim_end_matches(space).as_bytes();
    let Some((last, head)) = code.split_last() else {
        return before;
    };
    match last {
        b'+' | b'-' => {
            // `x++ /` divides, `x + /` does not.
            let run = code.iter().rev().take_while(|byte| *byte == last).count();
            if run % 2 == 1 {
                Js::Regexp
            } else {
                Js::Division
            }
        }
        b'.' if head.last().is_some_and(u8::is_ascii_digit) => Js::Division,
        b'.' | b',' | b'<' | b'>' | b'=' | b'*' | b'%' | b'&' | b'|' | b'^' | b'?' | b'!'
        | b'~' | b'(' | b'[' | b':' | b';' | b'{' | b'}' => Js::Regexp,
        _ => {
            let word = code
                .iter()
                .rev()
                .take_while(|byte| is_ident(**byte))
                .count();
            let word = code.get(code.len() - word..).unwrap_or(b"");
            if WORDS.contains(&word) {
                Js::Regexp
            } else {
                Js::Division
            }
        }
    }
}

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_')
}

pub(super) fn step(mut c: Context, text: &[u8]) -> Step {
    let Some(at) = find_any(text, b"\"`'/{}<-#") else {
        c.js = next(text, c.js);
        return Ok((c, text.len()));
    };
    c.js = next(text.get(..at).unwrap_or(b""), c.js);
    let rest = text.get(at..).unwrap_or(b"");
    let follows = |wanted: &[u8]| rest.starts_with(wanted);
    let enter = |c: Context, state, length| Ok((Context { state, ..c }, at + length));
    let literal = |c: Context, state| {
        Ok((
            Context {
                state,
                js: Js::Regexp,
                ..c
            },
            at + 1,
        ))
    };
    match rest.first() {
        Some(b'"') => literal(c, State::JsDoubleQuoted),
        Some(b'\'') => literal(c, State::JsSingleQuoted),
        Some(b'`') => literal(c, State::JsTemplate),
        Some(b'/') if follows(b"//") => enter(c, State::JsLineComment, 2),
        Some(b'/') if follows(b"/*") => enter(c, State::JsBlockComment, 2),
        Some(b'/') => match c.js {
            Js::Regexp => enter(c, State::JsRegexp, 1),
            Js::Division => Ok((
                Context {
                    js: Js::Regexp,
                    ..c
                },
                at + 1,
            )),
            Js::Unknown => {
                let head: String = String::from_utf8_lossy(rest).chars().take(32).collect();
                let head = crate::quote::go_quote(&head);
                Err(format!("'/' could start a division or regexp: {head}"))
            }
        },
        Some(b'<') if follows(b"<!--") => enter(c, State::JsHtmlOpenComment, 4),
        Some(b'-') if follows(b"-->") => enter(c, State::JsHtmlCloseComment, 3),
        Some(b'#') if follows(b"#!") => enter(c, State::JsLineComment, 2),
        Some(brace @ (b'{' | b'}')) => Ok((brace_step(c, *brace), at + 1)),
        _ => Ok((c, at + 1)),
    }
}

/// Braces matter inside `${…}`, where the last one returns to the template literal.
fn brace_step(mut c: Context, brace: u8) -> Context {
    let js = next(&[brace], c.js);
    let Some(depth) = c.js_braces.last_mut() else {
        return Context { js, ..c };
    };
    *depth += if brace == b'{' { 1 } else { -1 };
    if *depth >= 0 {
        return Context { js, ..c };
    }
    c.js_braces.pop();
    Context {
        state: State::JsTemplate,
        ..c
    }
}

fn unfinished_escape(text: &[u8]) -> String {
    format!(
        "unfinished escape sequence in JS string: {}",
        quoted_head(text)
    )
}

pub(super) fn template_step(mut c: Context, text: &[u8]) -> Step {
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find_any(rest, b"`\\$"))
        .map(|at| from + at)
    {
        match text.get(at) {
            Some(b'\\') if at + 1 == text.len() => return Err(unfinished_escape(text)),
            Some(b'\\') => from = at + 2,
            Some(b'$') if text.get(at + 1) == Some(&b'{') => {
                c.js_braces.push(0);
                return Ok((
                    Context {
                        state: State::Js,
                        ..c
                    },
                    at + 2,
                ));
            }
            Some(b'`') => {
                return Ok((
                    Context {
                        state: State::Js,
                        ..c
                    },
                    at + 1,
                ));
            }
            _ => from = at + 1,
        }
    }
    Ok((c, text.len()))
}

/// Over a quoted string or a regular expression.
pub(super) fn literal_step(c: Context, text: &[u8]) -> Step {
    let specials: &[u8] = match c.state {
        State::JsSingleQuoted => b"\\'",
        State::JsRegexp => b"\\/[]",
        _ => b"\\\"",
    };
    let mut from = 0;
    let mut in_class = false;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find_any(rest, specials))
        .map(|at| from + at)
    {
        from = at + 1;
        match text.get(at) {
            Some(b'\\') if at + 1 == text.len() => return Err(unfinished_escape(text)),
            Some(b'\\') => from = at + 2,
            Some(b'[') => in_class = true,
            Some(b']') => in_class = false,
            // `</script` in a regular expression does not end it: the text gets an escape.
            Some(b'/') if is_script_end(text, at) => from = at + 2,
            _ if !in_class => {
                return Ok((
                    Context {
                        state: State::Js,
                        js: Js::Division,
                        ..c
                    },
                    at + 1,
                ));
            }
            _ => {}
        }
    }
    if in_class {
        return Err(format!(
            "unfinished JS regexp charset: {}",
            quoted_head(text)
        ));
    }
    Ok((c, text.len()))
}

fn is_script_end(text: &[u8], slash: usize) -> bool {
    let start = slash.checked_sub(1);
    let around = start.and_then(|start| text.get(start..slash + 7));
    around.is_some_and(|around| around.eq_ignore_ascii_case(b"</script"))
}

/// Whether a `<script type=…>` holds code or data in JavaScript syntax.
pub(super) fn is_script_type(mime: &str) -> bool {
    let mime = mime.split(';').next().unwrap_or("").to_lowercase();
    let mime = mime.trim();
    let name = mime
        .strip_prefix("text/")
        .or_else(|| mime.strip_prefix("application/"))
        .unwrap_or(mime);
    match mime {
        "" | "module" => true,
        "application/json" | "application/ld+json" => true,
        "text/jscript" | "text/livescript" => true,
        _ if name == mime => false,
        _ => {
            matches!(
                name,
                "ecmascript" | "javascript" | "x-ecmascript" | "x-javascript"
            ) || (mime.starts_with("text/")
                && matches!(
                    name,
                    "javascript1.0"
                        | "javascript1.1"
                        | "javascript1.2"
                        | "javascript1.3"
                        | "javascript1.4"
                        | "javascript1.5"
                ))
        }
    }
}

/// A value as a JavaScript expression.
pub(super) fn value_escaper(args: &[Value], limit: usize) -> Result<String, String> {
    let json = match args {
        [Value::Safe(SafeKind::Js, text)] => return Ok(text.to_string()),
        [Value::Safe(SafeKind::JsStr, text)] => return Ok(format!("\"{text}\"")),
        // Times have their own JSON, other printable types are strings.
        [Value::Duration(duration)] => to_json(&Value::from(duration.to_go_string()), limit),
        [Value::Object(object)] => match object.display() {
            Some(text) => to_json(&Value::from(text), limit),
            None => to_json(&args[0], limit),
        },
        [single] => to_json(single, limit),
        several => {
            let text = crate::format::sprint(several, limit).map_err(|_| "the text is too long")?;
            to_json(&Value::from(text), limit)
        }
    };
    let json = match json {
        Ok(json) => json,
        Err(error) => {
            let error = error.replace("*/", "* /").replace("<!--", "\\x3C!--");
            return Ok(format!(" /* {error} */null "));
        }
    };
    let bytes = json.as_bytes();
    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| is_ident(*byte));
    // Spaces keep a number or word from growing together with its neighbours.
    let pad = if touches(bytes.first()) || touches(bytes.last()) {
        " "
    } else {
        ""
    };
    Ok(format!("{pad}{json}{pad}"))
}

fn escape_with(text: &str, special: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => match special(c) {
                Some(replacement) => out.push_str(replacement),
                None => out.push(c),
            },
        }
    }
    out
}

fn common_special(c: char) -> Option<&'static str> {
    Some(match c {
        '"' => "\\u0022",
        '`' => "\\u0060",
        '&' => "\\u0026",
        '\'' => "\\u0027",
        '+' => "\\u002b",
        '/' => "\\/",
        '<' => "\\u003c",
        '>' => "\\u003e",
        _ => return None,
    })
}

/// Inside a quoted string. A text known to be one keeps its backslashes.
pub(super) fn string_escaper(content: &Content) -> String {
    let is_escaped = content.kind == Some(SafeKind::JsStr);
    escape_with(&content.text, |c| match c {
        '\\' if !is_escaped => Some("\\\\"),
        c => common_special(c),
    })
}

/// Inside a template literal.
pub(super) fn template_escaper(content: &Content) -> String {
    escape_with(&content.text, |c| match c {
        '\\' => Some("\\\\"),
        '$' => Some("\\u0024"),
        '{' => Some("\\u007b"),
        '}' => Some("\\u007d"),
        c => common_special(c),
    })
}

/// Inside a regular expression; nothing becomes an empty group.
pub(super) fn regexp_escaper(content: &Content) -> String {
    let text = escape_with(&content.text, |c| {
        Some(match c {
            '$' => "\\$",
            '(' => "\\(",
            ')' => "\\)",
            '*' => "\\*",
            '-' => "\\-",
            '.' => "\\.",
            '?' => "\\?",
            '[' => "\\[",
            '\\' => "\\\\",
            ']' => "\\]",
            '^' => "\\^",
            '{' => "\\{",
            '|' => "\\|",
            '}' => "\\}",
            '`' => return None,
            c => return common_special(c),
        })
    });
    if text.is_empty() {
        "(?:)".to_owned()
    } else {
        text
    }
}

/// For tests of single values.
#[cfg(test)]
pub(super) fn value_text(value: Value) -> String {
    value_escaper(&[value], 1000).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_expressions() {
        assert_eq!(value_text(Value::int(5)), " 5 ");
        assert_eq!(
            value_text(Value::str("</script>")),
            "\"\\u003c/script\\u003e\""
        );
        assert_eq!(value_text(Value::Nil), " null ");
        assert_eq!(
            value_text(Value::Float(f64::NAN)),
            " /* json: unsupported value: NaN */null "
        );
    }

    #[test]
    fn slashes_divide_or_start_expressions() {
        assert_eq!(next(b"x = ", Js::Division), Js::Regexp);
        assert_eq!(next(b"x++", Js::Regexp), Js::Division);
        assert_eq!(next(b"return", Js::Division), Js::Regexp);
        assert_eq!(next(b"1.", Js::Regexp), Js::Division);
        assert_eq!(next(b"  ", Js::Unknown), Js::Unknown);
    }
}
