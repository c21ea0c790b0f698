//! JSON as Go's encoder writes it, because receivers compare and sign bodies.

use serde::Serialize;

use crate::answer::Failure;

/// Without spaces, with `<`, `>`, `&` and the two line separators escaped, and a newline at the end. Fields
/// come in the order of the type.
pub fn body(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = compact(value)?;
    text.push('\n');
    Ok(text)
}

/// The same without the newline.
pub fn compact(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::permanent(format!("writing JSON: {error}")))?;
    Ok(escape(&text))
}

/// These characters appear in JSON only inside of strings, so they can be replaced anywhere.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_go_does() {
        let text = body(&["a<b>&\"ü\u{2028}\u{1}\n\u{7f}"]).unwrap();
        assert_eq!(
            text,
            "[\"a\\u003cb\\u003e\\u0026\\\"ü\\u2028\\u0001\\n\u{7f}\"]\n"
        );
    }
}
