//! Numeric constants. A constant has every kind its value fits; the use decides.

use crate::lex::Kind;
use crate::quote::{go_quote, go_unquote_char};

#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
}

impl Number {
    pub(crate) fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        let mut number = Self {
            text: text.to_owned(),
            int: None,
            uint: None,
            float: None,
        };
        if kind == Kind::CharConstant {
            let code = go_unquote_char(text)?;
            number.int = Some(code);
            number.uint = u64::try_from(code).ok();
            number.float = Some(code as f64);
            return Ok(number);
        }
        if kind == Kind::Complex || text.ends_with('i') {
            return Err(format!(
                "complex number {} is not supported",
                go_quote(text)
            ));
        }
        let (negative, magnitude) = magnitude(text);
        if let Some(value) = magnitude {
            // Go does not read a sign before an unsigned number.
            number.uint = (!text.starts_with(['+', '-'])).then_some(value);
            number.int = if negative {
                0_i64.checked_sub_unsigned(value)
            } else {
                i64::try_from(value).ok()
            };
            if number.int == Some(0) {
                number.uint = Some(0);
            }
        }
        if let Some(int) = number.int {
            number.float = Some(int as f64);
        } else if let Some(uint) = number.uint {
            number.float = Some(uint as f64);
        } else if let Ok(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", go_quote(text)));
            }
            number.float = Some(float);
            if float == float.trunc() && float.abs() < 9.2e18 {
                number.int = Some(float as i64);
            }
            if float == float.trunc() && (0.0..1.8e19).contains(&float) {
                number.uint = Some(float as u64);
            }
        }
        if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
            return Err(format!("illegal number syntax: {}", go_quote(text)));
        }
        Ok(number)
    }

    /// Written with a point or exponent, so that it is a float where nothing else decides.
    pub(crate) fn looks_float(&self) -> bool {
        let is_char = self.text.starts_with('\'');
        let hex_int = is_hex(&self.text) && !self.text.contains(['p', 'P']);
        !is_char && !hex_int && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

fn is_hex(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

/// The sign and the absolute value of an integer literal with base prefix and underscores.
fn magnitude(text: &str) -> (bool, Option<u64>) {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body, prefixed) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..).unwrap_or(""), true)
    } else {
        (10, lower.as_str(), false)
    };
    let plain = strip_underscores(body, prefixed);
    (
        negative,
        plain.and_then(|plain| u64::from_str_radix(&plain, radix).ok()),
    )
}

/// Underscores may stand between digits and after a base prefix.
fn strip_underscores(body: &str, prefixed: bool) -> Option<String> {
    let misplaced =
        body.ends_with('_') || body.contains("__") || (!prefixed && body.starts_with('_'));
    let signed = body.starts_with(['+', '-']);
    (!misplaced && !signed && !body.is_empty()).then(|| body.replace('_', ""))
}

/// The value did not parse, or it is out of range (then the infinity is given).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FloatError {
    Syntax,
    Range,
}

/// Go's `strconv.ParseFloat` at 64 bits: decimal and hexadecimal, inf, nan, underscores only after a base
/// prefix.
pub(crate) fn parse_float(text: &str) -> Result<f64, FloatError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let lower = unsigned.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" if unsigned.len() == text.len() => return Ok(f64::NAN),
        _ => {}
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        return parse_hex_float(hex).map(|value| sign * value);
    }
    let shape_ok = lower
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'))
        && lower.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !shape_ok {
        return Err(FloatError::Syntax);
    }
    match lower.parse::<f64>() {
        Ok(value) if value.is_infinite() => Err(FloatError::Range),
        Ok(value) => Ok(sign * value),
        Err(_) => Err(FloatError::Syntax),
    }
}

/// After `0x`: hexadecimal digits, an optional point, and the exponent `p` that Go demands.
fn parse_hex_float(body: &str) -> Result<f64, FloatError> {
    let (mantissa, exponent) = body.split_once('p').ok_or(FloatError::Syntax)?;
    let exponent: i32 = exponent.parse().map_err(|_| FloatError::Syntax)?;
    let mantissa = mantissa.replace('_', "");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(FloatError::Syntax);
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = digit.to_digit(16).ok_or(FloatError::Syntax)?;
        value = value * 16.0 + f64::from(digit);
    }
    let shift = i32::try_from(fraction.len())
        .unwrap_or(i32::MAX)
        .saturating_mul(4);
    let value = value * f64::from(exponent.saturating_sub(shift)).exp2();
    if value.is_infinite() {
        Err(FloatError::Range)
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Kinds = (Option<i64>, Option<u64>, Option<f64>);

    fn number(text: &str) -> Result<Kinds, String> {
        let kind = if text.starts_with('\'') {
            Kind::CharConstant
        } else {
            Kind::Number
        };
        Number::parse(text, kind).map(|n| (n.int, n.uint, n.float))
    }

    #[test]
    fn constants_have_every_kind_that_fits() {
        assert_eq!(number("1"), Ok((Some(1), Some(1), Some(1.0))));
        assert_eq!(number("-1"), Ok((Some(-1), None, Some(-1.0))));
        assert_eq!(number("1e3"), Ok((Some(1000), Some(1000), Some(1000.0))));
        assert_eq!(number("1.5"), Ok((None, None, Some(1.5))));
        assert_eq!(number("0x1F"), Ok((Some(31), Some(31), Some(31.0))));
        assert_eq!(number("017"), Ok((Some(15), Some(15), Some(15.0))));
        assert_eq!(number("1_000"), Ok((Some(1000), Some(1000), Some(1000.0))));
        assert_eq!(number("'a'"), Ok((Some(97), Some(97), Some(97.0))));
        assert_eq!(number("0x1p4"), Ok((Some(16), Some(16), Some(16.0))));
        assert_eq!(number("18446744073709551615").unwrap().0, None);
        assert_eq!(
            number("99999999999999999999"),
            Err("integer overflow: \"99999999999999999999\"".to_owned())
        );
        assert!(number("1i").is_err());
    }
}
