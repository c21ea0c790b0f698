//! The escapers of text/template: `html`, `js`, `urlquery`. HTML templates escape by context instead.

use crate::chars::is_printable;

pub(crate) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

pub(crate) fn escape_js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c < ' ' => out.push_str(&format!("\\u00{:02X}", u32::from(c))),
            c if c.is_ascii() || is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    out
}

/// `url.QueryEscape`: spaces become `+`.
pub(crate) fn escape_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `url.QueryUnescape`; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn unescape_query(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    let shown = [b"%", tail.get(..2).unwrap_or(tail)].concat();
                    let shown = String::from_utf8_lossy(&shown).into_owned();
                    return Err(format!(
                        "invalid URL escape {}",
                        crate::quote::go_quote(&shown)
                    ));
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(0));
                rest = tail.get(2..).unwrap_or(&[]);
            }
            byte => bytes.push(*byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(escape_html("<a&\"'>"), "&lt;a&amp;&#34;&#39;&gt;");
        assert_eq!(escape_js("a'=\n\u{a0}é"), "a\\'\\u003D\\u000A\\u00A0é");
        assert_eq!(escape_query("a b\\.é"), "a+b%5C.%C3%A9");
        assert_eq!(unescape_query("a+b%5C%C3%A9"), Ok("a b\\é".to_owned()));
        assert_eq!(
            unescape_query("x%z"),
            Err("invalid URL escape \"%z\"".to_owned())
        );
    }
}
