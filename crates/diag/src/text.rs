//! Bytes of a file as text.

/// Text is UTF-8; this is the first byte that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte 0x{byte:02x} in line {line}, column {column} is not UTF-8; save the file as UTF-8")]
pub struct NotUtf8 {
    pub byte: u8,
    /// Counts from 1.
    pub line: usize,
    /// In characters, counts from 1.
    pub column: usize,
}

/// The bytes as text, or where they are none.
pub fn text_of(bytes: Vec<u8>) -> Result<String, NotUtf8> {
    String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let (before, rest) = error.as_bytes().split_at(end);
        let line = before.iter().rev().take_while(|byte| **byte != b'\n');
        // Bytes of a character after its first one begin with 10.
        let column = line.filter(|byte| **byte & 0xc0 != 0x80).count() + 1;
        NotUtf8 {
            byte: rest.first().copied().unwrap_or_default(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_no_text_is_placed() {
        assert_eq!(text_of(b"a\n\xc3\xbc".to_vec()).unwrap(), "a\n\u{fc}");
        let problem = text_of(b"route:\n  \xc3\xbc: \xff\xfe".to_vec()).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "byte 0xff in line 2, column 6 is not UTF-8; save the file as UTF-8"
        );
        let problem = text_of(vec![0xfe]).unwrap_err();
        assert_eq!((problem.line, problem.column), (1, 1));
    }
}
