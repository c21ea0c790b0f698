//! Numbers, durations and times for people.

use crate::format::format_float;
use crate::number::{FloatError, parse_float};
use crate::quote::go_quote;
use crate::time::Time;
use crate::value::{IntKind, UintKind, Value};

const SMALLER: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const LARGER: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// The number in any value that is one, or that spells one.
pub(super) fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value, IntKind::Int | IntKind::Int64) => Ok(*value as f64),
        Value::Uint(value, UintKind::Uint | UintKind::Uint64) => Ok(*value as f64),
        Value::Duration(value) => Ok(value.seconds()),
        Value::Str(text) => parse_float(text).map_err(|error| {
            let problem = match error {
                FloatError::Syntax => "invalid syntax",
                FloatError::Range => "value out of range",
            };
            format!("strconv.ParseFloat: parsing {}: {problem}", go_quote(text))
        }),
        _ => Err(format!("can't convert {} to float", value.type_name())),
    }
}

fn four_digits(value: f64) -> String {
    format_float(value, 'g', Some(4))
}

pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return four_digits(value);
    }
    let (value, prefix) = if value.abs() >= 1.0 {
        shrink(value, 1000.0, LARGER)
    } else {
        grow(value)
    };
    format!("{}{prefix}", four_digits(value))
}

pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return four_digits(value);
    }
    let (value, prefix) = shrink(value, 1024.0, BINARY);
    format!("{}{prefix}", four_digits(value))
}

fn shrink(mut value: f64, step: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < step {
            break;
        }
        prefix = next;
        value /= step;
    }
    (value, prefix)
}

fn grow(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALLER {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

pub(super) fn humanize_percentage(value: f64) -> String {
    format!("{}%", four_digits(value * 100.0))
}

/// Seconds as `1d 2h 3m 4s`, below a minute with four digits, below a second with a prefix.
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return four_digits(value);
    }
    if value == 0.0 {
        return format!("{}s", four_digits(value));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = grow(value);
        return format!("{}{prefix}s", four_digits(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let magnitude = value.abs();
    // Out of range gives the smallest integer, as on the processors the peers run on.
    let total = if magnitude < 9_223_372_036_854_775_808.0 {
        magnitude as i64
    } else {
        i64::MIN
    };
    let (seconds, minutes) = (total % 60, total / 60 % 60);
    let (hours, days) = (total / 3600 % 24, total / 86_400);
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", four_digits(magnitude))
    }
}

/// Seconds since 1970 as a time with milliseconds; infinities and NaN have none.
pub(super) fn to_time(value: f64) -> Result<Option<Time>, String> {
    if !value.is_finite() {
        return Ok(None);
    }
    let ns = value * 1e9;
    if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
        let shown = format_float(value, 'g', None);
        return Err(format!(
            "{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"
        ));
    }
    // Exactly 2^63 passes the comparison above and wraps around in the peers.
    let ns = if ns >= 9_223_372_036_854_775_808.0 {
        i64::MIN
    } else {
        ns as i64
    };
    Ok(Some(Time::from_unix_ms(ns / 1_000_000)))
}

pub(super) fn humanize_timestamp(value: f64) -> Result<String, String> {
    Ok(match to_time(value)? {
        Some(time) => time.to_go_string(),
        None => four_digits(value),
    })
}

/// A Prometheus duration, possibly negative, in seconds.
pub(super) fn parse_duration(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let invalid = || format!("not a valid duration string: {}", go_quote(text));
    let body = text.strip_prefix('-').unwrap_or(text);
    match body {
        "0" => return Ok(0.0),
        "" => return Err("empty duration string".to_owned()),
        _ => {}
    }
    let mut rest = body;
    let mut total_ms: u64 = 0;
    let mut units = UNITS.as_slice();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, after) = tail.split_at(letters);
        let at = units
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(invalid)?;
        let (_, ms) = units.get(at).ok_or_else(invalid)?;
        if number.is_empty() {
            return Err(invalid());
        }
        let overflow = || "duration out of range".to_owned();
        let number: u64 = number.parse().map_err(|_| overflow())?;
        total_ms = number
            .checked_mul(*ms)
            .and_then(|ms| total_ms.checked_add(ms))
            .ok_or_else(overflow)?;
        if total_ms > i64::MAX as u64 / 1_000_000 {
            return Err(overflow());
        }
        units = units.get(at + 1..).unwrap_or(&[]);
        rest = after;
    }
    let seconds = (total_ms * 1_000_000) as f64 / 1e9;
    Ok(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h2m10ms"), Ok(3720.01));
        assert_eq!(parse_duration("-1w"), Ok(-604_800.0));
        assert!(parse_duration("1m2h").is_err() && parse_duration("").is_err());
        assert_eq!(
            parse_duration("5x"),
            Err("not a valid duration string: \"5x\"".to_owned())
        );
        assert_eq!(humanize_duration(899.99), "14m 59s");
        assert_eq!(humanize_duration(-75.0), "-1m 15s");
        assert_eq!(humanize_duration(0.0012), "1.2ms");
    }

    #[test]
    fn numbers() {
        assert_eq!(humanize(1_234_567.0), "1.235M");
        assert_eq!(humanize(0.12), "120m");
        assert_eq!(humanize_1024(1_048_576.0), "1Mi");
        assert_eq!(humanize_percentage(0.123_456_7), "12.35%");
        assert_eq!(
            to_float(&Value::Bool(true)),
            Err("can't convert bool to float".to_owned())
        );
    }
}
