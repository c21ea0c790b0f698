//! Template text: following its markup, and rewriting what must not reach the page as it is.

use super::context::{Context, Delim, State};
use super::js;
use super::scan::find;
use super::transition::context_after;

/// The context after the text, and the text to write: without comments, with stray `<` escaped.
pub(super) fn escape_text(context: &Context, text: &str) -> Result<(Context, String), String> {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut written = 0;
    let mut at = 0;
    let mut c = context.clone();
    let piece = |from: usize, to: usize| bytes.get(from..to).unwrap_or(b"");
    while at < bytes.len() {
        let (next, length) = context_after(&c, piece(at, bytes.len()))?;
        let end = at + length;
        if length == 0 && next == c {
            return Err("the markup makes no progress".to_owned());
        }
        if matches!(c.state, State::Text | State::RcData) {
            let tag = piece(at, end).iter().rposition(|byte| *byte == b'<');
            let text_end = tag
                .filter(|_| next.state != c.state)
                .map_or(end, |tag| at + tag);
            for j in at..text_end {
                let is_doctype = || {
                    let head = piece(j, (j + 9).min(bytes.len()));
                    head.eq_ignore_ascii_case(b"<!DOCTYPE")
                };
                if bytes.get(j) == Some(&b'<') && !is_doctype() {
                    out.extend_from_slice(piece(written, j));
                    out.extend_from_slice(b"&lt;");
                    written = j + 1;
                }
            }
        } else if c.state.is_comment() && c.delim == Delim::None {
            match c.state {
                // A line end in a comment can end a statement.
                State::JsBlockComment if js::contains_line_end(piece(written, end)) => {
                    out.push(b'\n')
                }
                State::JsBlockComment | State::CssBlockComment => out.push(b' '),
                _ => {}
            }
            written = end;
        }
        if c.state != next.state && next.state.is_comment() && next.delim == Delim::None {
            let opening = match next.state {
                State::HtmlComment | State::JsHtmlOpenComment => 4,
                State::JsHtmlCloseComment => 3,
                _ => 2,
            };
            out.extend_from_slice(piece(written, end.saturating_sub(opening)));
            written = end;
        }
        if c.state.is_script_literal() && find_script_tag(piece(at, end)).is_some() {
            out.extend_from_slice(piece(written, at));
            escape_script_tags(piece(at, end), &mut out);
            written = end;
        }
        c = next;
        at = end;
    }
    if written == 0 {
        return Ok((c, text.to_owned()));
    }
    if !c.state.is_comment() || c.delim != Delim::None {
        out.extend_from_slice(piece(written, bytes.len()));
    }
    Ok((c, String::from_utf8_lossy(&out).into_owned()))
}

/// `<script`, `</script` or `<!--`, which would confuse a browser inside a script's literal.
fn find_script_tag(text: &[u8]) -> Option<usize> {
    let starts = |rest: &[u8], word: &[u8]| {
        rest.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find(rest, b"<"))
        .map(|at| from + at)
    {
        let rest = text.get(at + 1..).unwrap_or(b"");
        if starts(rest, b"script") || starts(rest, b"/script") || starts(rest, b"!--") {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn escape_script_tags(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = find_script_tag(rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or(b""));
        out.extend_from_slice(b"\\x3C");
        rest = rest.get(at + 1..).unwrap_or(b"");
    }
    out.extend_from_slice(rest);
}
