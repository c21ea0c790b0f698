//! Floats as `strconv.FormatFloat` writes them.

/// `format` is one of e, E, f, F, g, G, x, X; without a precision the shortest text that reads back the same.
pub(crate) fn format_float(value: f64, format: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return (if value > 0.0 { "+Inf" } else { "-Inf" }).to_owned();
    }
    match format {
        'e' | 'E' => {
            let text = exponential(value, precision);
            if format == 'E' {
                text.to_uppercase()
            } else {
                text
            }
        }
        'f' | 'F' => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        'x' | 'X' => {
            let text = hexadecimal(value, precision);
            if format == 'X' {
                text.to_uppercase()
            } else {
                text
            }
        }
        _ => {
            let text = general(value, precision);
            if format == 'G' {
                text.to_uppercase()
            } else {
                text
            }
        }
    }
}

/// Mantissa and a signed exponent of at least two digits.
fn exponential(value: f64, precision: Option<usize>) -> String {
    let (mantissa, exponent) = scientific(value, precision);
    join_exponent(&mantissa, exponent)
}

fn join_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `0x1.8p+01`: hexadecimal mantissa, binary exponent.
fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    const MANTISSA_BITS: u64 = 52;
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let bits = value.abs().to_bits();
    let (mut mantissa, mut exponent) = (
        bits & ((1 << MANTISSA_BITS) - 1),
        (bits >> MANTISSA_BITS) as i32,
    );
    if exponent == 0 && mantissa == 0 {
        let zeros = "0".repeat(precision.unwrap_or(0));
        let point = if zeros.is_empty() { "" } else { "." };
        return format!("{sign}0x0{point}{zeros}p+00");
    }
    if exponent == 0 {
        // A subnormal number is shifted until its leading one is in place.
        let shift = mantissa.leading_zeros() as i32 - 11;
        mantissa <<= shift;
        exponent = 1 - shift;
    } else {
        mantissa |= 1 << MANTISSA_BITS;
    }
    exponent -= 1023;
    let digits = precision.unwrap_or(13);
    if digits < 13 {
        let drop = (13 - digits) as u64 * 4;
        let half = 1 << (drop - 1);
        let rest = mantissa & ((1 << drop) - 1);
        mantissa >>= drop;
        // Halves go to the even neighbour.
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >> (MANTISSA_BITS + 1) > 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:013x}", mantissa & ((1 << MANTISSA_BITS) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(digits) => format!("{fraction:0<digits$}")
            .chars()
            .take(digits)
            .collect(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{sign}0x1{point}{fraction}p{exponent_sign}{:02}",
        exponent.abs()
    )
}

fn scientific(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    };
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// Plain digits for moderate exponents, exponential otherwise; trailing zeros are dropped.
fn general(value: f64, precision: Option<usize>) -> String {
    let significant = precision.map(|precision| precision.max(1));
    let (mantissa, exponent) = scientific(value, significant.map(|digits| digits - 1));
    let mantissa = trim_zeros(&mantissa);
    // The shortest form decides as if it had six digits.
    let limit = significant.map_or(6, |digits| i32::try_from(digits).unwrap_or(i32::MAX));
    if value != 0.0 && (exponent < -4 || exponent >= limit) {
        return join_exponent(mantissa, exponent);
    }
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let decimals = i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent;
    let decimals = usize::try_from(decimals).unwrap_or(0);
    // The mantissa is already rounded: writing it out again must not round anew.
    let rounded: f64 = join_exponent(mantissa, exponent).parse().unwrap_or(value);
    format!("{rounded:.decimals$}")
}

fn trim_zeros(mantissa: &str) -> &str {
    if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    }
}

#[cfg(test)]
mod tests {
    use super::format_float;

    #[test]
    fn writes_like_go() {
        let g = |value, precision| format_float(value, 'g', precision);
        assert_eq!(g(1.0, None), "1");
        assert_eq!(g(0.0001, None), "0.0001");
        assert_eq!(g(0.00001, None), "1e-05");
        assert_eq!(g(1_353_755_652.0, None), "1.353755652e+09");
        assert_eq!(g(1234.5678, Some(4)), "1235");
        assert_eq!(g(12345.678, Some(4)), "1.235e+04");
        assert_eq!(g(100.0, Some(4)), "100");
        assert_eq!(g(-0.0, None), "-0");
        assert_eq!(format_float(1.5, 'e', None), "1.5e+00");
        assert_eq!(format_float(1e100, 'E', Some(2)), "1.00E+100");
        assert_eq!(format_float(2.5, 'f', Some(0)), "2");
        assert_eq!(format_float(3.5, 'x', None), "0x1.cp+01");
        assert_eq!(format_float(3.999, 'x', Some(1)), "0x1.0p+02");
        assert_eq!(format_float(5e-324, 'x', None), "0x1p-1074");
        assert_eq!(format_float(f64::NAN, 'f', None), "NaN");
    }
}
