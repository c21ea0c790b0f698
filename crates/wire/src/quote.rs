//! Bytes as Go's `%q` prints them, for error texts.

use model::format::go_quote;

/// Double-quoted; bytes that are not UTF-8 become `\xNN`.
pub fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = go_quote(chunk.valid());
        quoted.push_str(
            valid
                .get(1..valid.len().saturating_sub(1))
                .unwrap_or_default(),
        );
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote_bytes;

    #[test]
    fn bytes_that_are_not_text() {
        assert_eq!(quote_bytes(b"a\xff\n\"\0"), r#""a\xff\n\"\x00""#);
    }
}
