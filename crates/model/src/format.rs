//! Numbers and strings as Go prints them, because the peers' outputs are compared byte by byte.

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)` with `+Inf`, `-Inf`, `NaN`: sample values in the API.
///
/// The digits are Ryu's: where two shortest texts are equally near, Go and Ryu take the even one, and Rust's
/// `Display` the upper one.
pub fn float_plain(value: f64) -> String {
    let mut text = String::with_capacity(24);
    push_float_plain(&mut text, value);
    text
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

/// The shortest digits, without a point, and where the point is: after so many of them.
fn shortest_digits(value: f64) -> (String, i32) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let leading = all.len() - all.trim_start_matches('0').len();
    let length = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    let point = length(whole.len()) - length(leading) + exponent.parse().unwrap_or(0);
    let digits = all[leading..].trim_end_matches('0').to_owned();
    (digits, point)
}

/// Appends what [`float_plain`] gives. Large answers are mostly such numbers, so whole ones and those of
/// common size take a short way.
pub fn push_float_plain(out: &mut String, value: f64) {
    const WHOLE_MAX: f64 = 1e15;
    if !value.is_finite() {
        out.push_str(not_finite(value));
        return;
    }
    if value.abs() < WHOLE_MAX && value.fract() == 0.0 {
        if value.is_sign_negative() {
            out.push('-');
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and below 2^53"
        )]
        out.push_str(itoa::Buffer::new().format(value.abs() as u64));
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if !text.contains('e') {
        out.push_str(text.strip_suffix(".0").unwrap_or(text));
        return;
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let (digits, point) = shortest_digits(value);
    match usize::try_from(point) {
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at(point.min(digits.len()));
            out.push_str(whole);
            out.extend(std::iter::repeat_n('0', point - whole.len()));
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
        }
        _ => {
            let zeros = usize::try_from(-point).unwrap_or(0);
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', zeros));
            out.push_str(&digits);
        }
    }
}

/// Go's `%v` and `%g`, which are the same for floats: see [`float_general`].
pub fn float_shortest(value: f64) -> String {
    float_general(value)
}

/// Go's `FormatFloat(v, 'g', -1, 64)`: exponent form below 1e-4 and from 1e6 on (`1e+06`).
pub fn float_general(value: f64) -> String {
    // Go decides by the exponent of the shortest digits; a shortest form that rounds up to the bound
    // is printed by Rust at the bound too, so comparing the value is the same.
    if value == 0.0 || !value.is_finite() || (1e-4..1e6).contains(&value.abs()) {
        return float_plain(value);
    }
    float_exponent(value)
}

/// Go's `FormatFloat(v, 'e', -1, 64)`: `1e+21`, `1.5e-07`.
pub fn float_exponent(value: f64) -> String {
    if !value.is_finite() {
        return float_plain(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0e+00");
    }
    let (digits, point) = shortest_digits(value);
    let (first, rest) = digits.split_at(digits.len().min(1));
    let dot = if rest.is_empty() { "" } else { "." };
    let exponent = point - 1;
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{sign}{first}{dot}{rest}e{exponent_sign}{:02}",
        exponent.abs()
    )
}

/// Go's `strconv.Quote`: double quotes, Go escapes; printable Unicode stays.
pub fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c => push_printable(&mut quoted, c),
        }
    }
    quoted.push('"');
    quoted
}

/// A text of others as one line of a terminal: control characters, such as those that colour or clear it, line breaks
/// and marks of direction have Go's escapes.
pub fn terminal_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    text.chars().for_each(|c| push_printable(&mut line, c));
    line
}

/// The character, or Go's escape of one that does not print.
fn push_printable(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\u{7}' => text.push_str("\\a"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        '\u{b}' => text.push_str("\\v"),
        c if u32::from(c) < 0x20 || c == '\u{7f}' => {
            text.push_str(&format!("\\x{:02x}", u32::from(c)))
        }
        c if is_printable(c) => text.push(c),
        c if u32::from(c) < 0x1_0000 => text.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => text.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Go's `unicode.IsPrint` as far as it matters in label values: no control, format, private-use or
/// separator characters but the ASCII space.
fn is_printable(character: char) -> bool {
    !(character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(u32::from(character), 0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x206f | 0xe000..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe..=0xffff
            | 0xe0000..=0xe0fff | 0xf0000..=0x10_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_do_nothing_to_a_terminal() {
        assert_eq!(
            terminal_line("\u{1b}[2Jred\u{7}\r\nTold: \"p\\q\" \u{202e}\u{fc}"),
            "\\x1b[2Jred\\a\\r\\nTold: \"p\\q\" \\u202e\u{fc}"
        );
    }

    #[test]
    fn floats_as_go_prints_them() {
        assert_eq!(float_plain(1e21), "1000000000000000000000");
        assert_eq!(float_plain(0.1), "0.1");
        assert_eq!(float_plain(f64::INFINITY), "+Inf");
        assert_eq!(float_plain(-0.0), "-0");
        assert_eq!(float_shortest(1e21), "1e+21");
        assert_eq!(float_shortest(0.00001), "1e-05");
        assert_eq!(float_shortest(123.4567), "123.4567");
        assert_eq!(float_shortest(999_999.0), "999999");
        assert_eq!(float_shortest(1e6), "1e+06");
        assert_eq!(float_general(123_456_789.0), "1.23456789e+08");
        assert_eq!(float_exponent(1.5e-7), "1.5e-07");
    }

    /// What Go prints, also where two shortest texts are equally near.
    #[test]
    fn digits_are_those_of_go() {
        let cases: [(u64, &str, &str); 9] = [
            (
                0x408a_19cd_a000_0000,
                "835.2254028320312",
                "8.352254028320312e+02",
            ),
            (
                0x408a_19cd_e000_0000,
                "835.2255249023438",
                "8.352255249023438e+02",
            ),
            (
                0x3ff0_0000_0000_0001,
                "1.0000000000000002",
                "1.0000000000000002e+00",
            ),
            (0x3e11_2e0b_e826_d695, "0.000000001", "1e-09"),
            (
                0x44b5_2d02_c7e1_4af7,
                "100000000000000010000000",
                "1.0000000000000001e+23",
            ),
            (
                0x4340_3f5f_3a1c_2d4e,
                "9146555713477276",
                "9.146555713477276e+15",
            ),
            (0x4415_af1d_78b5_8c40, "100000000000000000000", "1e+20"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001", "1e-06"),
            (0x3ee4_f8b5_88e3_68f1, "0.00001", "1e-05"),
        ];
        for (bits, plain, exponent) in cases {
            let value = f64::from_bits(bits);
            assert_eq!(float_plain(value), plain);
            assert_eq!(float_exponent(value), exponent);
            assert_eq!(float_plain(-value), format!("-{plain}"));
        }
        assert_eq!(float_plain(-0.0), "-0");
        assert_eq!(float_exponent(0.0), "0e+00");
    }

    /// Whatever is printed is read back as the same number.
    #[test]
    fn texts_come_back() {
        let mut bits = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for value in [f64::from_bits(bits), f64::from((bits >> 40) as u32) / 64.0] {
                if value.is_finite() {
                    let plain = float_plain(value);
                    assert!(!plain.contains('e'), "{plain}");
                    assert_eq!(plain.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
                    let exponent = float_exponent(value);
                    assert_eq!(
                        exponent.parse::<f64>().map(f64::to_bits),
                        Ok(value.to_bits())
                    );
                }
            }
        }
    }

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(
            go_quote("a\"b\\c\n\u{1}é\u{200b}"),
            "\"a\\\"b\\\\c\\n\\x01é\\u200b\""
        );
    }
}
