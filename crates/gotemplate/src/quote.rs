//! Go string and character literals: reading (`strconv.Unquote`) and writing (`%q`).

use crate::chars::is_printable;

/// A double-quoted Go literal.
pub(crate) fn go_quote(text: &str) -> String {
    quote_with(text, '"', is_printable)
}

/// A double-quoted Go literal in ASCII only (`%+q`).
pub(crate) fn go_quote_ascii(text: &str) -> String {
    quote_with(text, '"', |c| c.is_ascii() && is_printable(c))
}

/// A single-quoted Go literal.
pub(crate) fn go_quote_char(c: char) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]), '\'', is_printable)
}

pub(crate) fn go_quote_char_ascii(c: char) -> String {
    quote_with(c.encode_utf8(&mut [0; 4]), '\'', |c| {
        c.is_ascii() && is_printable(c)
    })
}

fn quote_with(text: &str, quote: char, printable: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            c if c == quote || c == '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if printable(c) => out.push(c),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(quote);
    out
}

/// The text of a quoted or raw literal; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn go_unquote(literal: &str) -> Result<String, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    if let Some(raw) = literal.strip_prefix('`') {
        let raw = raw.strip_suffix('`').ok_or(SYNTAX)?;
        return Ok(raw.replace('\r', ""));
    }
    let body = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or(SYNTAX)?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (unit, tail) = unquote_unit(rest, '"')?;
        match unit {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(byte) => bytes.push(byte),
        }
        rest = tail;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The code of a character literal such as `'a'` or `'\n'`.
pub(crate) fn go_unquote_char(literal: &str) -> Result<i64, String> {
    let body = literal.strip_prefix('\'').unwrap_or(literal);
    let (unit, tail) = unquote_unit(body, '\'').map_err(str::to_owned)?;
    if tail != "'" {
        return Err(format!("malformed character constant: {literal}"));
    }
    Ok(match unit {
        Unit::Char(c) => i64::from(u32::from(c)),
        Unit::Byte(byte) => i64::from(byte),
    })
}

enum Unit {
    Char(char),
    Byte(u8),
}

fn unquote_unit(text: &str, quote: char) -> Result<(Unit, &str), &'static str> {
    const SYNTAX: &str = "invalid syntax";
    let mut chars = text.chars();
    let first = chars.next().ok_or(SYNTAX)?;
    if first == quote {
        return Err(SYNTAX);
    }
    if first != '\\' {
        return Ok((Unit::Char(first), chars.as_str()));
    }
    let escape = chars.next().ok_or(SYNTAX)?;
    let rest = chars.as_str();
    let digits = |length: usize, radix: u32| -> Result<(u32, &str), &'static str> {
        let head = rest.get(..length).ok_or(SYNTAX)?;
        if !head.chars().all(|c| c.is_digit(radix)) {
            return Err(SYNTAX);
        }
        let value = u32::from_str_radix(head, radix).map_err(|_| SYNTAX)?;
        Ok((value, rest.get(length..).unwrap_or("")))
    };
    let plain = |c: char| Ok((Unit::Char(c), rest));
    match escape {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '\\' => plain('\\'),
        c if c == quote => plain(c),
        'x' => {
            let (value, rest) = digits(2, 16)?;
            Ok((Unit::Byte(u8::try_from(value).map_err(|_| SYNTAX)?), rest))
        }
        'u' | 'U' => {
            let (value, rest) = digits(if escape == 'u' { 4 } else { 8 }, 16)?;
            Ok((Unit::Char(char::from_u32(value).ok_or(SYNTAX)?), rest))
        }
        '0'..='7' => {
            let head = text.get(1..4).ok_or(SYNTAX)?;
            if !head.chars().all(|c| c.is_digit(8)) {
                return Err(SYNTAX);
            }
            let value = u32::from_str_radix(head, 8).map_err(|_| SYNTAX)?;
            let byte = u8::try_from(value).map_err(|_| SYNTAX)?;
            Ok((Unit::Byte(byte), text.get(4..).unwrap_or("")))
        }
        _ => Err(SYNTAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_unquotes() {
        assert_eq!(
            go_quote("a\"b\\\n\u{1}é\u{a0}😀"),
            "\"a\\\"b\\\\\\n\\x01é\\u00a0😀\""
        );
        assert_eq!(go_quote_ascii("é😀"), "\"\\u00e9\\U0001f600\"");
        assert_eq!(
            go_unquote("\"a\\\"\\x41\\101\\u00e9\\t\"").unwrap(),
            "a\"AAé\t"
        );
        assert_eq!(go_unquote("`a\\n\r`").unwrap(), "a\\n");
        assert!(go_unquote("\"\\'\"").is_err());
        assert_eq!(go_unquote_char("'\\n'"), Ok(10));
        assert_eq!(
            go_unquote_char("'ab'"),
            Err("malformed character constant: 'ab'".to_owned())
        );
    }
}
