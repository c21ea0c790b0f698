//! Text, attribute values and names in markup: escapers.

use super::FAILSAFE;
use super::attr::{AttrKind, attr_kind};
use super::context::{Context, Delim, Element, State};
use super::scan::find_any;
use super::stringify::Content;
use super::transition::transition;
use crate::value::SafeKind;

/// Which signs become references.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Style {
    /// `&` too: the text holds no references yet.
    escapes_ampersand: bool,
    /// For unquoted values: spaces and more.
    is_unquoted: bool,
}

fn replace(text: &str, style: Style) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' if style.is_unquoted => out.push_str("&#xfffd;"),
            '\0' => out.push('\u{fffd}'),
            '&' if style.escapes_ampersand => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' | '\'' | '+' => out.push_str(&format!("&#{};", u32::from(c))),
            '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '=' | '`' if style.is_unquoted => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' if style.is_unquoted => {
                out.push_str(&format!("&#x{:x};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// Between tags.
pub(super) fn text_escaper(content: &Content) -> String {
    if content.kind == Some(SafeKind::Html) {
        return content.text.clone();
    }
    replace(
        &content.text,
        Style {
            escapes_ampersand: true,
            is_unquoted: false,
        },
    )
}

/// In `<title>` and `<textarea>`, where tags are text.
pub(super) fn rcdata_escaper(content: &Content) -> String {
    let is_html = content.kind == Some(SafeKind::Html);
    replace(
        &content.text,
        Style {
            escapes_ampersand: !is_html,
            is_unquoted: false,
        },
    )
}

/// In a quoted attribute value.
pub(super) fn attr_escaper(content: &Content) -> String {
    attr_value(content, false)
}

/// In an unquoted attribute value, which cannot be empty.
pub(super) fn nospace_escaper(content: &Content) -> String {
    if content.text.is_empty() {
        FAILSAFE.to_owned()
    } else {
        attr_value(content, true)
    }
}

fn attr_value(content: &Content, is_unquoted: bool) -> String {
    if content.kind == Some(SafeKind::Html) {
        let text = strip_tags(&content.text);
        return replace(
            &text,
            Style {
                escapes_ampersand: false,
                is_unquoted,
            },
        );
    }
    replace(
        &content.text,
        Style {
            escapes_ampersand: true,
            is_unquoted,
        },
    )
}

/// As an attribute's name: only names whose values are plain text.
pub(super) fn name_filter(content: &Content) -> String {
    if content.kind == Some(SafeKind::HtmlAttr) {
        return content.text.clone();
    }
    let name = content.text.to_lowercase();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    if is_name && attr_kind(&name) == AttrKind::Plain {
        name
    } else {
        FAILSAFE.to_owned()
    }
}

/// The text of HTML without its tags and comments.
fn strip_tags(html: &str) -> String {
    let bytes = html.as_bytes();
    let mut out = Vec::new();
    let mut c = Context::default();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or(b"");
        if c.delim != Delim::None {
            let Some(end) = find_any(rest, c.delim.ends()) else {
                break;
            };
            at += end + usize::from(c.delim != Delim::SpaceOrTagEnd);
            c = Context {
                element: c.element,
                ..Context::of(State::Tag)
            };
            continue;
        }
        let mut from = c.clone();
        if c.element != Element::None && !c.state.is_in_tag() {
            from.state = State::RcData;
        }
        let Ok((next, length)) = transition(&from, rest) else {
            break;
        };
        if matches!(c.state, State::Text | State::RcData) {
            let step = rest.get(..length).unwrap_or(rest);
            let tag = step
                .iter()
                .rposition(|byte| *byte == b'<')
                .filter(|_| next.state != c.state);
            out.extend_from_slice(step.get(..tag.unwrap_or(step.len())).unwrap_or(step));
        }
        if length == 0 && next == c {
            break;
        }
        at += length;
        c = next;
    }
    String::from_utf8_lossy(&out).into_owned()
}
