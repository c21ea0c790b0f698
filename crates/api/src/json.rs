//! The JSON writer for query results. Results may be large, so digits go straight into the text.

use std::fmt::Write as _;

use model::format::{float_exponent, float_plain, push_float_plain};
use model::{FloatHistogram, Labels};

/// Escapes what Go's encoder escapes beyond JSON's own needs. These characters occur only in strings.
pub(crate) fn escape_html(text: String) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A string with its quotes.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .iter()
        .position(|byte| IS_SPECIAL[usize::from(*byte)])
    {
        at += found;
        let byte = bytes[at];
        if byte == LINE_SEPARATOR[0] {
            // Of the many characters that begin so, two are escaped.
            let escaped = match bytes[at..].get(..3) {
                Some(character) if character == LINE_SEPARATOR => "\\u2028",
                Some(character) if character == PARAGRAPH_SEPARATOR => "\\u2029",
                _ => {
                    at += 1;
                    continue;
                }
            };
            out.push_str(&text[plain_from..at]);
            out.push_str(escaped);
            at += 3;
            plain_from = at;
            continue;
        }
        out.push_str(&text[plain_from..at]);
        at += 1;
        plain_from = at;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// U+2028 and U+2029 as bytes.
const LINE_SEPARATOR: [u8; 3] = [0xe2, 0x80, 0xa8];
const PARAGRAPH_SEPARATOR: [u8; 3] = [0xe2, 0x80, 0xa9];

/// Bytes that a string cannot hold as they are, and those that may begin a character of this kind.
const IS_SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        special[control] = true;
        control += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[b'<' as usize] = true;
    special[b'>' as usize] = true;
    special[b'&' as usize] = true;
    special[LINE_SEPARATOR[0] as usize] = true;
    special
};

/// `{"name":"value",…}`.
pub(crate) fn write_labels(out: &mut String, labels: &Labels) {
    write_pairs(out, labels.iter());
}

/// As [`write_labels`], for any names and values.
pub(crate) fn write_pairs<'p>(out: &mut String, pairs: impl Iterator<Item = (&'p str, &'p str)>) {
    out.push('{');
    for (index, (name, value)) in pairs.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_string(out, value);
    }
    out.push('}');
}

/// Milliseconds as seconds with at most three decimals and no trailing zeros.
pub(crate) fn write_time(out: &mut String, millis: i64) {
    if millis < 0 {
        out.push('-');
    }
    let millis = millis.unsigned_abs();
    out.push_str(itoa::Buffer::new().format(millis / 1000));
    let fraction = millis % 1000;
    if fraction > 0 {
        let digits = format!("{fraction:03}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// `[seconds,"value"]`.
pub(crate) fn write_point(out: &mut String, millis: i64, value: f64) {
    out.push('[');
    write_time(out, millis);
    out.push(',');
    write_value(out, value);
    out.push(']');
}

/// A float in quotes: without an exponent where JSON's numbers have none in JavaScript, as the peer does.
pub(crate) fn write_value(out: &mut String, value: f64) {
    out.push('"');
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        push_float_plain(out, value);
    } else if value.is_finite() {
        out.push_str(&float_exponent(value));
    } else {
        out.push_str(&float_plain(value));
    }
    out.push('"');
}

/// `[seconds,{"count":…,"sum":…,"buckets":[[rule,"lower","upper","count"],…]}]`.
pub(crate) fn write_histogram_point(out: &mut String, millis: i64, histogram: &FloatHistogram) {
    out.push('[');
    write_time(out, millis);
    out.push_str(",{\"count\":");
    write_value(out, histogram.count);
    out.push_str(",\"sum\":");
    write_value(out, histogram.sum);
    let mut is_first = true;
    for bucket in histogram
        .all_buckets()
        .into_iter()
        .filter(|bucket| bucket.count != 0.0)
    {
        out.push_str(if is_first { ",\"buckets\":[" } else { "," });
        is_first = false;
        // Which ends belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
        let rule = match (bucket.is_lower_inclusive, bucket.is_upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        let _ = write!(out, "[{rule}");
        for value in [bucket.lower, bucket.upper, bucket.count] {
            out.push(',');
            write_value(out, value);
        }
        out.push(']');
    }
    out.push_str(if is_first { "}]" } else { "]}]" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_points() {
        let mut out = String::new();
        write_string(&mut out, "a\"b\\<é\n\u{1}>");
        assert_eq!(out, "\"a\\\"b\\\\\\u003cé\\n\\u0001\\u003e\"");
        let mut out = String::new();
        write_string(&mut out, "—\u{2028}€\u{2029}\u{2027}");
        assert_eq!(out, "\"—\\u2028€\\u2029\u{2027}\"");
        for (millis, text) in [
            (1_704_070_800_000, "1704070800"),
            (1_500, "1.5"),
            (-1_001, "-1.001"),
            (20, "0.02"),
        ] {
            let mut out = String::new();
            write_time(&mut out, millis);
            assert_eq!(out, text);
        }
        let mut out = String::new();
        write_point(&mut out, 0, f64::NEG_INFINITY);
        for value in [f64::NAN, 1e21, -123e18, 1e-6, 9.5e-7, -0.0] {
            out.push(' ');
            write_value(&mut out, value);
        }
        // As Prometheus answers `vector(1e21)` and so on.
        let expected = "[0,\"-Inf\"] \"NaN\" \"1e+21\" \"-123000000000000000000\" \"0.000001\" \"9.5e-07\" \"-0\"";
        assert_eq!(out, expected);
    }
}
