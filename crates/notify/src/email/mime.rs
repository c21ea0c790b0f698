//! Encodings of mails, to the byte as Go's `mime` packages write them: encoded words (RFC 2047),
//! quoted-printable and multipart bodies (RFC 2045, 2046).

/// Characters of a line of quoted-printable, without the line break.
const LINE_MAX: usize = 76;
/// Characters of an encoded word, and of what it holds.
const WORD_MAX: usize = 75;
const WORD_START: &str = "=?utf-8?q?";
const WORD_END: &str = "?=";
const WORD_CONTENT_MAX: usize = WORD_MAX - WORD_START.len() - WORD_END.len();

/// The value of a header. What is not printable ASCII, line breaks too, is encoded.
pub(super) fn encoded_words(text: &str) -> String {
    let is_plain = |c: char| c == '\t' || matches!(c, ' '..='~');
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut out = WORD_START.to_owned();
    let mut length = 0;
    for character in text.chars() {
        let encoded = word_character(character);
        if length + encoded.len() > WORD_CONTENT_MAX {
            out.push_str(WORD_END);
            out.push_str("\r\n ");
            out.push_str(WORD_START);
            length = 0;
        }
        length += encoded.len();
        out.push_str(&encoded);
    }
    out.push_str(WORD_END);
    out
}

fn word_character(character: char) -> String {
    match character {
        ' ' => "_".to_owned(),
        '!'..='~' if !"=?_".contains(character) => character.to_string(),
        other => {
            let mut bytes = [0; 4];
            let bytes = other.encode_utf8(&mut bytes).bytes();
            bytes.map(|byte| format!("={byte:02X}")).collect()
        }
    }
}

/// A body of alternatives, as pairs of content type and text.
pub(super) fn multipart(boundary: &str, parts: &[(&str, String)]) -> String {
    let mut out = String::new();
    for (index, (content_type, text)) in parts.iter().enumerate() {
        let before = if index == 0 { "" } else { "\r\n" };
        out.push_str(&format!(
            "{before}--{boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\n\
             Content-Type: {content_type}\r\n\r\n"
        ));
        out.push_str(&quoted_printable(text));
    }
    out.push_str(&format!("\r\n--{boundary}--\r\n"));
    out
}

fn quoted_printable(text: &str) -> String {
    let mut writer = Writer::default();
    for &byte in text.as_bytes() {
        writer.push(byte);
    }
    writer.end_of_line();
    writer.out.push_str(&writer.line);
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    line: String,
    /// The last byte was a carriage return, whose line is ended already.
    after_return: bool,
}

impl Writer {
    fn push(&mut self, byte: u8) {
        match byte {
            b'\n' if self.after_return => self.after_return = false,
            b'\r' | b'\n' => {
                self.end_of_line();
                self.line.push_str("\r\n");
                self.flush();
                self.after_return = byte == b'\r';
            }
            b'!'..=b'~' if byte != b'=' => self.plain(byte),
            b' ' | b'\t' => self.plain(byte),
            _ => self.encoded(byte),
        }
    }

    fn plain(&mut self, byte: u8) {
        if self.line.len() == LINE_MAX - 1 {
            self.soft_break();
        }
        self.line.push(char::from(byte));
        self.after_return = false;
    }

    fn encoded(&mut self, byte: u8) {
        if LINE_MAX - 1 - self.line.len() < 3 {
            self.soft_break();
        }
        self.line.push_str(&format!("={byte:02X}"));
        self.after_return = false;
    }

    fn soft_break(&mut self) {
        self.line.push_str("=\r\n");
        self.flush();
    }

    fn flush(&mut self) {
        self.out.push_str(&self.line);
        self.line.clear();
    }

    /// Space at the end of a line would be lost on the way.
    fn end_of_line(&mut self) {
        if let Some(last) = self.line.pop() {
            if matches!(last, ' ' | '\t') {
                self.encoded(last as u8);
            } else {
                self.line.push(last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(encoded_words("plain = text?"), "plain = text?");
        assert_eq!(
            encoded_words("Ünï f=?_"),
            "=?utf-8?q?=C3=9Cn=C3=AF_f=3D=3F=5F?="
        );
        assert_eq!(
            encoded_words("a\r\nBcc: x@y"),
            "=?utf-8?q?a=0D=0ABcc:_x@y?="
        );
        let long = encoded_words(&"ü".repeat(12));
        let lines: Vec<&str> = long.split("\r\n ").collect();
        assert_eq!(lines.len(), 2, "{long}");
        assert!(lines.iter().all(|line| line.len() <= WORD_MAX), "{long}");
    }

    #[test]
    fn quoted() {
        assert_eq!(
            quoted_printable("a=b \nü\t\r\nc"),
            "a=3Db=20\r\n=C3=BC=09\r\nc"
        );
        assert_eq!(quoted_printable("a\rb\n\nc "), "a\r\nb\r\n\r\nc=20");
        let long = quoted_printable(&"x".repeat(80));
        assert_eq!(long, format!("{}=\r\n{}", "x".repeat(75), "x".repeat(5)));
        let long = quoted_printable(&format!("{}ü", "x".repeat(73)));
        assert_eq!(long, format!("{}=\r\n=C3=BC", "x".repeat(73)));
    }
}
