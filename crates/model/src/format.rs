//! Numbers and strings as Go prints them, because the peers' outputs are compared byte by byte.

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)` with `+Inf`, `-Inf`, `NaN`: sample values in the API.
pub fn float_plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        }
    } else {
        // Rust's `Display` prints the shortest digits that round-trip, without an exponent, as 'f' does.
        format!("{value}")
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
    let text = format!("{value:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, digits) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Go's `strconv.Quote`: double quotes, Go escapes; printable Unicode stays.
pub fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{b}' => quoted.push_str("\\v"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(c)))
            }
            c if is_printable(c) => quoted.push(c),
            c if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
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

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(
            go_quote("a\"b\\c\n\u{1}é\u{200b}"),
            "\"a\\\"b\\\\c\\n\\x01é\\u200b\""
        );
    }
}
