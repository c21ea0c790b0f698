//! How markup moves the context: one step per call, from a context over some text to the next context.

use super::attr::{AttrKind, attr_kind};
use super::context::{Attr, Context, Delim, Element, State, UrlPart};
use super::scan::{
    attr_name_end, find, find_any, find_ignore_case, html_space_end, quoted_head, tag_name_end,
};
use super::{css, js};

/// The new context and how much of the text led to it; or Go's description of bad markup.
pub(super) type Step = Result<(Context, usize), String>;

pub(super) fn transition(context: &Context, text: &[u8]) -> Step {
    let c = context.clone();
    match context.state {
        State::Text => Ok(text_step(c, text)),
        State::Tag => tag_step(&c, text),
        State::AttrName => {
            let end = attr_name_end(text, 0)?;
            let state = if end == text.len() {
                c.state
            } else {
                State::AfterName
            };
            Ok((Context { state, ..c }, end))
        }
        State::AfterName => {
            let at = html_space_end(text, 0);
            Ok(match text.get(at) {
                None => (c, text.len()),
                Some(b'=') => (
                    Context {
                        state: State::BeforeValue,
                        ..c
                    },
                    at + 1,
                ),
                Some(_) => (
                    Context {
                        state: State::Tag,
                        ..c
                    },
                    at,
                ),
            })
        }
        State::BeforeValue => Ok(before_value(c, text)),
        State::HtmlComment => Ok(match find(text, b"-->") {
            Some(at) => (Context::default(), at + 3),
            None => (c, text.len()),
        }),
        State::RcData => Ok(special_tag_end(&c, text)),
        State::Attr | State::Dead => Ok((c, text.len())),
        State::Url | State::Srcset => Ok(url_step(c, text)),
        State::MetaContent => Ok(meta_content(c, text)),
        State::MetaContentUrl => Ok(match find(text, b";") {
            Some(at) => (
                Context {
                    state: State::MetaContent,
                    ..c
                },
                at + 1,
            ),
            None => (c, text.len()),
        }),
        State::Js => js::step(c, text),
        State::JsTemplate => js::template_step(c, text),
        State::JsDoubleQuoted | State::JsSingleQuoted | State::JsRegexp => {
            js::literal_step(c, text)
        }
        State::JsBlockComment | State::CssBlockComment => Ok(match find(text, b"*/") {
            Some(at) => (
                Context {
                    state: code_of(c.state),
                    ..c
                },
                at + 2,
            ),
            None => (c, text.len()),
        }),
        State::JsLineComment | State::JsHtmlOpenComment | State::JsHtmlCloseComment => {
            Ok(match js::line_end(text) {
                Some(at) => (
                    Context {
                        state: State::Js,
                        ..c
                    },
                    at,
                ),
                None => (c, text.len()),
            })
        }
        State::CssLineComment => Ok(match find_any(text, b"\n\x0c\r") {
            Some(at) => (
                Context {
                    state: State::Css,
                    ..c
                },
                at,
            ),
            None => (c, text.len()),
        }),
        State::Css => Ok(css::step(c, text)),
        State::CssDoubleQuoted
        | State::CssSingleQuoted
        | State::CssDoubleQuotedUrl
        | State::CssSingleQuotedUrl
        | State::CssUrl => css::string_step(c, text),
    }
}

fn code_of(comment: State) -> State {
    if comment == State::JsBlockComment {
        State::Js
    } else {
        State::Css
    }
}

fn text_step(c: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or(b"");
        let Some(at) = find(rest, b"<").map(|at| from + at) else {
            return (c, text.len());
        };
        if at + 1 == text.len() {
            return (c, text.len());
        }
        if text.get(at..).is_some_and(|tail| tail.starts_with(b"<!--")) {
            return (Context::of(State::HtmlComment), at + 4);
        }
        let mut name = at + 1;
        let is_end = text.get(name) == Some(&b'/');
        if is_end {
            name += 1;
            if name == text.len() {
                return (c, text.len());
            }
        }
        let (end, element) = tag_name_end(text, name);
        if end != name {
            let element = if is_end { Element::None } else { element };
            return (
                Context {
                    element,
                    ..Context::of(State::Tag)
                },
                end,
            );
        }
        from = end;
    }
}

fn tag_step(c: &Context, text: &[u8]) -> Step {
    let start = html_space_end(text, 0);
    match text.get(start) {
        None => return Ok((c.clone(), text.len())),
        Some(b'>') => {
            let element = if c.element == Element::Meta {
                Element::None
            } else {
                c.element
            };
            return Ok((
                Context {
                    element,
                    ..Context::of(c.element.content())
                },
                start + 1,
            ));
        }
        Some(_) => {}
    }
    let end = attr_name_end(text, start)?;
    if end == start {
        let rest = String::from_utf8_lossy(text.get(start..).unwrap_or(b"")).into_owned();
        let rest = crate::quote::go_quote(&rest);
        return Err(format!(
            "expected space, attr name, or end of tag, but got {rest}"
        ));
    }
    let name = String::from_utf8_lossy(text.get(start..end).unwrap_or(b"")).to_lowercase();
    let attr = match (c.element, name.as_str()) {
        (Element::Script, "type") => Attr::ScriptType,
        (Element::Meta, "content") => Attr::MetaContent,
        _ => match attr_kind(&name) {
            AttrKind::Url => Attr::Url,
            AttrKind::Css => Attr::Style,
            AttrKind::Js => Attr::Script,
            AttrKind::Srcset => Attr::Srcset,
            AttrKind::Plain | AttrKind::Unsafe | AttrKind::Html => Attr::None,
        },
    };
    let state = if end == text.len() {
        State::AttrName
    } else {
        State::AfterName
    };
    Ok((
        Context {
            element: c.element,
            attr,
            ..Context::of(state)
        },
        end,
    ))
}

fn before_value(c: Context, text: &[u8]) -> (Context, usize) {
    let at = html_space_end(text, 0);
    let (delim, length) = match text.get(at) {
        None => return (c, text.len()),
        Some(b'\'') => (Delim::SingleQuote, 1),
        Some(b'"') => (Delim::DoubleQuote, 1),
        Some(_) => (Delim::SpaceOrTagEnd, 0),
    };
    (
        Context {
            state: c.attr.start(),
            delim,
            ..c
        },
        at + length,
    )
}

/// Over text up to the end tag of an element with special content, such as `</script`.
pub(super) fn special_tag_end(c: &Context, text: &[u8]) -> (Context, usize) {
    let name: &[u8] = match c.element {
        Element::None => return (c.clone(), text.len()),
        Element::Script => b"script",
        Element::Style => b"style",
        Element::Textarea => b"textarea",
        Element::Title => b"title",
        Element::Meta => b"",
    };
    // A browser would end the script here; the text gets an escape instead.
    if c.element == Element::Script && (c.state.is_script_literal() || c.state.is_comment()) {
        return (c.clone(), text.len());
    }
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find(rest, b"</"))
        .map(|at| from + at)
    {
        let after = text.get(at + 2..).unwrap_or(b"");
        let is_name = after
            .get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name));
        if is_name
            && after
                .get(name.len())
                .is_some_and(|byte| b"> \t\n\x0c/".contains(byte))
        {
            return (Context::default(), at);
        }
        from = at + 2;
    }
    (c.clone(), text.len())
}

pub(super) fn url_step(c: Context, text: &[u8]) -> (Context, usize) {
    let url_part = if find_any(text, b"#?").is_some() {
        UrlPart::QueryOrFragment
    } else if c.url_part == UrlPart::None && html_space_end(text, 0) != text.len() {
        UrlPart::PreQuery
    } else {
        c.url_part
    };
    (Context { url_part, ..c }, text.len())
}

/// `content="0; url=…"`
fn meta_content(c: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| find_ignore_case(rest, b"url"))
    {
        let after = html_space_end(text, from + at + 3);
        if text.get(after) == Some(&b'=') {
            return (
                Context {
                    state: State::MetaContentUrl,
                    ..c
                },
                after + 1,
            );
        }
        from += at + 1;
    }
    (c, text.len())
}

/// Over template text in any context, attribute ends and special end tags included.
pub(super) fn context_after(c: &Context, text: &[u8]) -> Step {
    if c.delim == Delim::None {
        let (next, length) = special_tag_end(c, text);
        if length == 0 {
            return Ok((next, 0));
        }
        return transition(c, text.get(..length).unwrap_or(text));
    }
    let end = find_any(text, c.delim.ends()).unwrap_or(text.len());
    let value = text.get(..end).unwrap_or(text);
    if c.delim == Delim::SpaceOrTagEnd
        && let Some(at) = find_any(value, b"\"'<=`")
    {
        let bad = quoted_head(value.get(at..=at).unwrap_or(b""));
        return Err(format!("{bad} in unquoted attr: {}", quoted_head(value)));
    }
    if end == text.len() {
        // The value goes on after an action: follow it in its decoded form.
        let decoded = super::entities::unescape(&String::from_utf8_lossy(value));
        let mut rest = decoded.as_bytes();
        let mut c = c.clone();
        while !rest.is_empty() {
            let (next, length) = transition(&c, rest)?;
            c = next;
            rest = rest.get(length.max(1)..).unwrap_or(b"");
        }
        return Ok((c, text.len()));
    }
    let mut element = c.element;
    let is_script_type =
        c.state == State::Attr && element == Element::Script && c.attr == Attr::ScriptType;
    if is_script_type && !js::is_script_type(&String::from_utf8_lossy(value)) {
        element = Element::None;
    }
    let quote = usize::from(c.delim != Delim::SpaceOrTagEnd);
    Ok((
        Context {
            element,
            ..Context::of(State::Tag)
        },
        end + quote,
    ))
}
