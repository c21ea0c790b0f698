//! Which type a plain scalar has, by the rules of YAML 1.1 as Go's yaml.v2 applies them.

use crate::base64::decode_base64;

/// The typed reading of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Only numbers above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// A date or a date with a time; readers that want a string take its text.
    Timestamp,
    Binary(Vec<u8>),
    /// The `<<` key.
    Merge,
    String,
}

impl Resolved {
    pub fn short_tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Binary(_) => "!!binary",
            Self::Merge => "!!merge",
            Self::String => "!!str",
        }
    }
}

/// `tag` is the short form of an explicit tag, or empty for a plain scalar.
pub(crate) fn resolve(tag: &str, text: &str) -> Result<Resolved, &'static str> {
    match tag {
        "!!binary" => {
            return decode_base64(text)
                .map(Resolved::Binary)
                .ok_or("!!binary value contains invalid base64 data");
        }
        "" | "!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp" | "!!merge" => {}
        _ => return Ok(Resolved::String),
    }
    let resolved = resolve_plain(text);
    Ok(match (tag, resolved) {
        ("!!float", Resolved::Int(n)) => Resolved::Float(n as f64),
        ("!!float", Resolved::Uint(n)) => Resolved::Float(n as f64),
        (_, resolved) => resolved,
    })
}

pub(crate) fn resolve_plain(text: &str) -> Resolved {
    if let Some(word) = resolve_word(text) {
        return word;
    }
    match text.as_bytes().first() {
        Some(b'.') => parse_float(text).map_or(Resolved::String, Resolved::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => resolve_number(text),
        _ => Resolved::String,
    }
}

fn resolve_word(text: &str) -> Option<Resolved> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        "<<" => Resolved::Merge,
        _ => return None,
    })
}

fn resolve_number(text: &str) -> Resolved {
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (is_negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        _ => (false, plain.as_str()),
    };
    if let Some(magnitude) = parse_magnitude(digits) {
        if is_negative {
            if magnitude <= i64::MAX.unsigned_abs() + 1 {
                return Resolved::Int(0_i64.wrapping_sub_unsigned(magnitude));
            }
        } else if let Ok(number) = i64::try_from(magnitude) {
            return Resolved::Int(number);
        } else if !plain.starts_with('+') {
            return Resolved::Uint(magnitude);
        }
    }
    if is_float_shaped(&plain) {
        return parse_float(&plain).map_or(Resolved::String, Resolved::Float);
    }
    Resolved::String
}

/// Digits with Go's base prefixes: `0x`, `0o`, `0b`, and a leading zero for octal.
fn parse_magnitude(digits: &str) -> Option<u64> {
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // A second sign would be accepted by the standard parser.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float_shaped(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if whole == 0 && digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    } else if whole == 0 {
        return false;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_float(text: &str) -> Option<f64> {
    if is_float_shaped(text) {
        text.parse().ok()
    } else {
        None
    }
}

/// `YYYY-M-D`, alone or followed by a time as in RFC 3339 (`T`, `t` or a blank between).
pub(crate) fn is_timestamp(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let Some(rest) = number_within(&text[5..], 1..=12).and_then(|rest| rest.strip_prefix('-'))
    else {
        return false;
    };
    let Some(rest) = number_within(rest, 1..=31) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    let (zoned, Some(time)) = (
        rest.starts_with(['T', 't']),
        rest.strip_prefix(['T', 't', ' ']),
    ) else {
        return false;
    };
    let Some(rest) = time_of_day(time) else {
        return false;
    };
    if !zoned {
        return rest.is_empty();
    }
    if rest == "Z" {
        return true;
    }
    let bytes = rest.as_bytes();
    bytes.len() == 6
        && matches!(bytes[0], b'+' | b'-')
        && bytes[3] == b':'
        && [1, 2, 4, 5].iter().all(|at| bytes[*at].is_ascii_digit())
}

fn time_of_day(text: &str) -> Option<&str> {
    let rest = number_within(text, 0..=23)?.strip_prefix(':')?;
    let rest = number_within(rest, 0..=59)?.strip_prefix(':')?;
    let rest = number_within(rest, 0..=59)?;
    let Some(fraction) = rest.strip_prefix('.') else {
        return Some(rest);
    };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        None
    } else {
        Some(&fraction[digits..])
    }
}

/// Strips one or two digits whose value lies within `range`.
fn number_within(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<&str> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number: u32 = text[..digits].parse().ok()?;
    range.contains(&number).then(|| &text[digits..])
}

/// Whether older parsers would read the text as a base 60 number; such strings are printed in quotes.
pub(crate) fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let whole = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'_')
        .count();
    let mut rest = &rest[whole..];
    let mut parts = 0;
    while let Some(part) = rest.strip_prefix(':') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let fits = match digits {
            1 => true,
            2 => part.as_bytes()[0] <= b'5',
            _ => false,
        };
        if !fits {
            return false;
        }
        rest = &part[digits..];
        parts += 1;
    }
    if parts == 0 {
        return false;
    }
    match rest.strip_prefix('.') {
        Some(fraction) => fraction
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_'),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_as_in_yaml_1_1() {
        for (text, wanted) in [
            ("yes", Resolved::Bool(true)),
            ("off", Resolved::Bool(false)),
            ("~", Resolved::Null),
            ("010", Resolved::Int(8)),
            ("0o17", Resolved::Int(15)),
            ("0x1f", Resolved::Int(31)),
            ("1_000", Resolved::Int(1000)),
            ("-5", Resolved::Int(-5)),
            ("18446744073709551615", Resolved::Uint(u64::MAX)),
            ("08", Resolved::Float(8.0)),
            ("1e3", Resolved::Float(1000.0)),
            (".5", Resolved::Float(0.5)),
            ("-.inf", Resolved::Float(f64::NEG_INFINITY)),
            ("1d", Resolved::String),
            ("=", Resolved::String),
            ("+", Resolved::String),
            ("-", Resolved::String),
            (".", Resolved::String),
            ("2020-01-02", Resolved::Timestamp),
            ("2020-01-02T03:04:05Z", Resolved::Timestamp),
            ("2020-13-02", Resolved::String),
        ] {
            assert_eq!(resolve_plain(text), wanted, "{text}");
        }
    }

    #[test]
    fn base_60_lookalikes_are_known() {
        assert!(is_base60("09:00"));
        assert!(is_base60("1:5"));
        assert!(!is_base60("2020:2024"));
        assert!(!is_base60("15:-10"));
        assert!(!is_base60("12"));
    }
}
