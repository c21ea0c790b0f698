//! Addresses in pages: filters and escapers.

use super::FAILSAFE;
use super::stringify::Content;
use crate::value::SafeKind;

/// Lets through http, https, mailto and relative addresses.
pub(super) fn filter(content: &Content) -> String {
    if content.kind == Some(SafeKind::Url) || is_safe(&content.text) {
        content.text.clone()
    } else {
        format!("#{FAILSAFE}")
    }
}

fn is_safe(url: &str) -> bool {
    match url.split_once(':') {
        Some((protocol, _)) if !protocol.contains('/') => ["http", "https", "mailto"]
            .iter()
            .any(|known| protocol.eq_ignore_ascii_case(known)),
        _ => true,
    }
}

/// As part of a query or fragment. A text known to be an address keeps its structure.
pub(super) fn escaper(content: &Content) -> String {
    process(&content.text, content.kind == Some(SafeKind::Url))
}

/// As an address, or its start.
pub(super) fn normalizer(content: &Content) -> String {
    process(&content.text, true)
}

fn process(text: &str, keeps_structure: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 16);
    for (at, byte) in bytes.iter().enumerate() {
        let is_escape = || {
            let hex = |offset: usize| bytes.get(at + offset).is_some_and(u8::is_ascii_hexdigit);
            hex(1) && hex(2)
        };
        let keeps = match byte {
            b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?'
            | b'@' | b'[' | b']' => keeps_structure,
            b'-' | b'.' | b'_' | b'~' => true,
            b'%' => keeps_structure && is_escape(),
            byte => byte.is_ascii_alphanumeric(),
        };
        if keeps {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

/// A `srcset`: addresses with sizes, separated by commas.
pub(super) fn srcset_escaper(content: &Content) -> String {
    match content.kind {
        Some(SafeKind::Srcset) => content.text.clone(),
        Some(SafeKind::Url) => process(&content.text, true).replace(',', "%2c"),
        _ => {
            let parts: Vec<String> = content.text.split(',').map(srcset_part).collect();
            parts.join(",")
        }
    }
}

fn srcset_part(part: &str) -> String {
    let is_space = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
    let body = part.trim_start_matches(is_space);
    let lead = part.len() - body.len();
    let (url, size) = body.split_at(body.find(is_space).unwrap_or(body.len()));
    if is_safe(url)
        && size
            .chars()
            .all(|c| is_space(c) || c.is_ascii_alphanumeric())
    {
        format!(
            "{}{}{size}",
            part.get(..lead).unwrap_or(""),
            process(url, true)
        )
    } else {
        format!("#{FAILSAFE}")
    }
}
