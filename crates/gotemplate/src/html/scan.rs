//! Small searches in markup bytes.

use super::context::Element;
use crate::quote::go_quote;

pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1))
        .position(|window| window == needle)
}

pub(super) fn find_ignore_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1))
        .position(|window| window.eq_ignore_ascii_case(needle))
}

pub(super) fn find_any(text: &[u8], any: &[u8]) -> Option<usize> {
    text.iter().position(|byte| any.contains(byte))
}

pub(super) fn is_html_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')
}

/// The first place from `from` on that is not space.
pub(super) fn html_space_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or(b"");
    from.min(text.len()) + rest.iter().take_while(|byte| is_html_space(**byte)).count()
}

/// The end of the attribute name that starts at `from`.
pub(super) fn attr_name_end(text: &[u8], from: usize) -> Result<usize, String> {
    for (at, byte) in text.iter().enumerate().skip(from) {
        match byte {
            b'=' | b'>' => return Ok(at),
            byte if is_html_space(*byte) => return Ok(at),
            b'\'' | b'"' | b'<' => {
                let bad = quoted_head(std::slice::from_ref(byte));
                let head: String = String::from_utf8_lossy(text).chars().take(32).collect();
                return Err(format!("{bad} in attribute name: {}", go_quote(&head)));
            }
            _ => {}
        }
    }
    Ok(text.len())
}

/// The end of the tag name at `from` (`from` itself if there is none), and the element.
pub(super) fn tag_name_end(text: &[u8], from: usize) -> (usize, Element) {
    if !text.get(from).is_some_and(u8::is_ascii_alphabetic) {
        return (from, Element::None);
    }
    let mut end = from + 1;
    while let Some(byte) = text.get(end) {
        let next_is_name = || text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
        if byte.is_ascii_alphanumeric() {
            end += 1;
        } else if matches!(byte, b':' | b'-') && next_is_name() {
            end += 2;
        } else {
            break;
        }
    }
    let element = match text
        .get(from..end)
        .unwrap_or(b"")
        .to_ascii_lowercase()
        .as_slice()
    {
        b"script" => Element::Script,
        b"style" => Element::Style,
        b"textarea" => Element::Textarea,
        b"title" => Element::Title,
        b"meta" => Element::Meta,
        _ => Element::None,
    };
    (end, element)
}

pub(super) fn quoted_head(bytes: &[u8]) -> String {
    go_quote(&String::from_utf8_lossy(bytes))
}
