//! What numbers, durations and quoted strings in query text are worth.

use std::borrow::Cow;

use model::format::go_quote;
use model::time::DurationError;

pub(crate) const OUT_OF_RANGE: &str = "value out of range";

/// A number as Go reads it: decimal, octal with a leading zero, hexadecimal, float, `Inf`, `NaN`, with
/// underscores between digits. The error is the peers' sentence.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    // The usual case first: a short decimal integer.
    if text.len() <= 15 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) {
        let value = text
            .bytes()
            .fold(0u64, |value, byte| value * 10 + u64::from(byte - b'0'));
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits are exact")]
        return Ok(value as f64);
    }
    let error = |what: &str| {
        format!(
            "error parsing number: strconv.ParseFloat: parsing {}: {what}",
            go_quote(text)
        )
    };
    if !underscores_are_between_digits(text) {
        return Err(error("invalid syntax"));
    }
    let digits: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    if let Some(integer) = integer(&digits) {
        #[expect(clippy::cast_precision_loss, reason = "rounds to nearest, as in Go")]
        return Ok(integer as f64);
    }
    let value: f64 = digits.parse().map_err(|_| error("invalid syntax"))?;
    let is_word = digits.starts_with(|c: char| c.is_ascii_alphabetic());
    if value.is_infinite() && !is_word {
        return Err(error(OUT_OF_RANGE));
    }
    Ok(value)
}

/// Base by prefix; none if it is no integer or does not fit.
fn integer(digits: &str) -> Option<i64> {
    if let Some(hex) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        return i64::from_str_radix(hex, 16).ok();
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => digits.parse().ok(),
    }
}

fn underscores_are_between_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let is_digit = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_digit() || (is_hex && byte.is_ascii_hexdigit()))
    };
    bytes.iter().enumerate().all(|(at, byte)| {
        let after_prefix = is_hex && at == 2;
        *byte != b'_'
            || ((after_prefix || is_digit(at.checked_sub(1).and_then(|at| bytes.get(at))))
                && is_digit(bytes.get(at + 1)))
    })
}

/// The seconds of `1h30m`.
pub(crate) fn duration_seconds(text: &str) -> Result<f64, DurationError> {
    let millis = model::Duration::parse(text)?.millis();
    // Whole seconds and the fraction apart, which is how Go gets its float.
    #[expect(clippy::cast_precision_loss, reason = "seconds as the peers' float")]
    Ok((millis / 1000) as f64 + ((millis % 1000) * 1_000_000) as f64 / 1e9)
}

/// Seconds to whole milliseconds through rounded nanoseconds, as the peers do.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates; literals are checked against the range before"
)]
pub(crate) fn seconds_to_duration(seconds: f64) -> model::Duration {
    model::Duration::from_millis((seconds * 1e9).round() as i64 / 1_000_000)
}

/// The value of a string token, quotes included. The lexer has checked the escapes. Bytes that are no
/// UTF-8 (`"\xff"`) become U+FFFD.
pub(crate) fn unquote(quoted: &str) -> String {
    match unquote_bytes(quoted) {
        Ok(text) => text,
        Err(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The value of a string token; an error with the bytes if they are no UTF-8.
pub(crate) fn unquote_bytes(quoted: &str) -> Result<String, Vec<u8>> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if quoted.starts_with('`') || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = unescape(&rest[at + 1..], &mut bytes);
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
}

/// Bytes as Go quotes them: those that are no UTF-8 as `\xff`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = go_quote(chunk.valid());
        quoted.push_str(valid.get(1..valid.len() - 1).unwrap_or(""));
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

/// Appends what the escape at the start of `rest` (after its backslash) stands for; returns what
/// follows it.
fn unescape<'t>(rest: &'t str, bytes: &mut Vec<u8>) -> &'t str {
    let Some(first) = rest.chars().next() else {
        return rest;
    };
    let simple = match first {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        'x' => return unescape_digits(rest, 1..3, 16, bytes),
        'u' => return unescape_digits(rest, 1..5, 16, bytes),
        'U' => return unescape_digits(rest, 1..9, 16, bytes),
        '0'..='7' => return unescape_digits(rest, 0..3, 8, bytes),
        other => {
            bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
            return &rest[other.len_utf8()..];
        }
    };
    bytes.push(simple);
    &rest[1..]
}

fn unescape_digits<'t>(
    rest: &'t str,
    range: std::ops::Range<usize>,
    base: u32,
    bytes: &mut Vec<u8>,
) -> &'t str {
    let is_byte = range.len() <= 3;
    let digits = rest.get(range.clone()).unwrap_or("");
    let value = u32::from_str_radix(digits, base).unwrap_or(0);
    match u8::try_from(value) {
        Ok(byte) if is_byte => bytes.push(byte),
        _ => {
            let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    rest.get(range.end..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, value) in [
            ("0", 0.0),
            ("42", 42.0),
            ("0755", 493.0),
            ("08", 8.0),
            ("0x1F", 31.0),
            ("0X_1f", 31.0),
            ("1_000.5", 1000.5),
            (".5e1", 5.0),
            ("iNf", f64::INFINITY),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        assert!(number("nAN").unwrap().is_nan());
        for (text, message) in [
            (
                "0x",
                "error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax",
            ),
            (
                "1e400",
                "error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range",
            ),
        ] {
            assert_eq!(number(text).unwrap_err(), message);
        }
    }

    #[test]
    fn strings() {
        for (quoted, value) in [
            ("\"a\"", "a"),
            ("`\\n`", "\\n"),
            (
                r#""\x41\u00e9\U0001F600\101\n\"'""#,
                "A\u{e9}\u{1f600}A\n\"'",
            ),
            (r"'\'\xc3\xa9'", "'\u{e9}"),
            (r"'\xff'", "\u{fffd}"),
        ] {
            assert_eq!(unquote(quoted), value, "{quoted}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration_seconds("1m5ms"), Ok(60.005));
        assert!(duration_seconds("5m1h").is_err());
        assert_eq!(seconds_to_duration(0.0015).millis(), 1);
        assert_eq!(seconds_to_duration(-90.0).millis(), -90_000);
    }
}
