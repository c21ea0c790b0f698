//! Numbers of the text formats, read and printed as Go does.

use model::format::float_general;

use crate::quote::quote_bytes;

/// Why a text is not a number; `Display` is the peer's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    /// Hexadecimal floats and digit separators, which newer Go versions read.
    #[error("unsupported character in float")]
    UnsupportedCharacter,
    #[error("strconv.ParseFloat: parsing {0}: invalid syntax")]
    Syntax(String),
    #[error("strconv.ParseFloat: parsing {0}: value out of range")]
    Range(String),
}

/// Exact powers of ten: a product or quotient of an integer below 2^53 with one of these is correctly
/// rounded (Clinger's fast path).
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A decimal number, `inf` or `nan`; correctly rounded.
#[inline]
pub fn parse_float(text: &[u8]) -> Result<f64, FloatError> {
    match parse_short_decimal(text) {
        Some(value) => Ok(value),
        None => parse_any(text),
    }
}

/// Plain decimals of up to 15 digits, which most samples are.
#[inline]
fn parse_short_decimal(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut mantissa = 0u64;
    let mut digit_count = 0usize;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                digit_count += 1;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if digit_count == 0 || digit_count > 15 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "less than 10^15, which is exact"
    )]
    let mut value = mantissa as f64;
    if let Some(at) = point {
        value /= POWERS_OF_TEN.get(digits.len() - at - 1)?;
    }
    Some(if negative { -value } else { value })
}

#[cold]
fn parse_any(text: &[u8]) -> Result<f64, FloatError> {
    if text.iter().any(|byte| matches!(byte, b'p' | b'P' | b'_')) {
        return Err(FloatError::UnsupportedCharacter);
    }
    let syntax = || FloatError::Syntax(quote_bytes(text));
    let plain = std::str::from_utf8(text).map_err(|_| syntax())?;
    let value: f64 = plain.parse().map_err(|_| syntax())?;
    // Rust reads `+nan`, Go does not; and what overflows is infinite here and an error there.
    let has_digit = text.iter().any(u8::is_ascii_digit);
    if value.is_nan() && plain.len() != 3 {
        return Err(syntax());
    }
    if value.is_infinite() && has_digit {
        return Err(FloatError::Range(quote_bytes(text)));
    }
    Ok(value)
}

/// OpenMetrics' canonical form: as Go's `%g`, and with `.0` where it would look like an integer.
pub fn format_float_openmetrics(value: f64) -> String {
    let mut text = float_general(value);
    if value.is_finite() && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let cases = [
            ("0", 0.0),
            ("-0.0", -0.0),
            ("12.5", 12.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("123456789012345", 123_456_789_012_345.0),
            ("0.1234567890123", 0.123_456_789_012_3),
            ("4.9351e-05", 4.9351e-05),
            ("+Inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("1e400", f64::NAN),
        ];
        for (text, value) in cases {
            let got = parse_float(text.as_bytes());
            if value.is_nan() {
                assert_eq!(
                    got.unwrap_err().to_string(),
                    r#"strconv.ParseFloat: parsing "1e400": value out of range"#
                );
            } else {
                assert_eq!(got.unwrap().to_bits(), value.to_bits(), "{text}");
            }
        }
        for text in ["", ".", "-", "true", "+nan", "1.2.3", "0x1", "1 2", "--1"] {
            assert!(
                matches!(parse_float(text.as_bytes()), Err(FloatError::Syntax(_))),
                "{text}"
            );
        }
        assert_eq!(parse_float(b"1_2"), Err(FloatError::UnsupportedCharacter));
        assert!(parse_float(b"NaN").unwrap().is_nan());
    }

    #[test]
    fn canonical_label_values() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.25, "0.25"),
            (f64::INFINITY, "+Inf"),
            (1e6, "1e+06"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(format_float_openmetrics(value), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn short_decimals_agree_with_the_general_reader(mantissa in 0u64..1_000_000_000_000_000, scale in 0u32..12) {
            let text = format!("{}.{:0width$}", mantissa / 10u64.pow(scale), mantissa % 10u64.pow(scale), width = scale as usize);
            let expected: f64 = text.parse().unwrap();
            proptest::prop_assert_eq!(parse_float(text.as_bytes()).unwrap().to_bits(), expected.to_bits());
        }
    }
}
