//! What is wrong with a text that is not JSON, and where: in the words of the peer's reader, with what stands
//! around the place. Only read when something is wrong.

/// Of the text around the place: before and after it, in the short and in the long quotation.
const NEAR: usize = 10;
const AROUND: usize = 50;

/// The first problem, if there is one.
pub(super) fn problem(text: &[u8]) -> Option<String> {
    let mut walk = Walk { text, at: 0 };
    walk.document().err().map(|problem| problem.quoted(text))
}

struct Problem {
    /// What was to be read.
    operation: &'static str,
    message: String,
    /// Behind the byte that is wrong; the end of the text, if it ends too early.
    at: usize,
}

impl Problem {
    fn quoted(&self, text: &[u8]) -> String {
        let part = |reach: usize| {
            let start = self.at.saturating_sub(reach);
            let end = self.at.saturating_add(reach).min(text.len());
            let part = text.get(start..end).unwrap_or_default();
            (start, String::from_utf8_lossy(part))
        };
        let ((start, near), (_, around)) = (part(NEAR), part(AROUND));
        format!(
            "{}: {}, error found in #{} byte of ...|{near}|..., bigger context ...|{around}|...",
            self.operation,
            self.message,
            self.at - start
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// The next byte that is no space; 0 at the end.
    fn token(&mut self) -> u8 {
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return *byte;
            }
        }
        0
    }

    fn wrong<T>(&self, operation: &'static str, wanted: &str, found: u8) -> Result<T, Problem> {
        Err(Problem {
            operation,
            message: format!("{wanted}, but found {}", char::from(found)),
            at: self.at,
        })
    }

    /// Without recursion: a text may open as many objects as it likes.
    fn document(&mut self) -> Result<(), Problem> {
        let mut open = Vec::new();
        match self.token() {
            b'{' => self.object(&mut open)?,
            found => return self.wrong("ReadObject", "expect { or , or } or n", found),
        }
        while let Some(innermost) = open.last().copied() {
            match (innermost, self.token()) {
                (Open::Object, b'}') | (Open::Array, b']') => {
                    open.pop();
                }
                (Open::Object, b',') => {
                    self.string()?;
                    self.member(&mut open)?;
                }
                (Open::Array, b',') => self.value(&mut open)?,
                (Open::Object, found) => {
                    return self.wrong("ReadObject", "expect { or , or } or n", found);
                }
                (Open::Array, found) => {
                    return self.wrong("ReadArray", "expect [ or , or ] or n", found);
                }
            }
        }
        Ok(())
    }

    /// Behind the brace: to the first value, or to the end of an empty object.
    fn object(&mut self, open: &mut Vec<Open>) -> Result<(), Problem> {
        match self.token() {
            b'}' => Ok(()),
            b'"' => {
                self.at -= 1;
                open.push(Open::Object);
                self.string()?;
                self.member(open)
            }
            found => self.wrong("ReadObject", "expect \" after {", found),
        }
    }

    /// Behind the name of a member.
    fn member(&mut self, open: &mut Vec<Open>) -> Result<(), Problem> {
        match self.token() {
            b':' => self.value(open),
            found => self.wrong("ReadObject", "expect : after object field", found),
        }
    }

    /// A value, or what opens one.
    fn value(&mut self, open: &mut Vec<Open>) -> Result<(), Problem> {
        match self.token() {
            b'{' => self.object(open),
            b'[' => {
                let before = self.at;
                if self.token() == b']' {
                    return Ok(());
                }
                self.at = before;
                open.push(Open::Array);
                self.value(open)
            }
            b'"' => {
                self.at -= 1;
                self.string()
            }
            b't' => self.rest_of("true", "skipThreeBytes"),
            b'n' => self.rest_of("null", "skipThreeBytes"),
            b'f' => self.rest_of("false", "skipFourBytes"),
            b'-' | b'0'..=b'9' => {
                while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') =
                    self.text.get(self.at)
                {
                    self.at += 1;
                }
                Ok(())
            }
            found => Err(Problem {
                operation: "Skip",
                message: format!("do not know how to skip: {found}"),
                at: self.at,
            }),
        }
    }

    fn rest_of(&mut self, word: &str, operation: &'static str) -> Result<(), Problem> {
        for wanted in word.bytes().skip(1) {
            let found = self.text.get(self.at).copied();
            self.at = (self.at + 1).min(self.text.len());
            if found != Some(wanted) {
                return Err(Problem {
                    operation,
                    message: format!("expect {word}"),
                    at: self.at,
                });
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Problem> {
        let found = self.token();
        if found != b'"' {
            return self.wrong("ReadString", "expects \" or n", found);
        }
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                // What is escaped is checked by whoever reads the text.
                b'\\' => self.at = (self.at + 1).min(self.text.len()),
                control @ ..b' ' => {
                    return Err(Problem {
                        operation: "ReadString",
                        message: format!("invalid control character found: {control}"),
                        at: self.at,
                    });
                }
                _ => {}
            }
        }
        Err(Problem {
            operation: "readStringSlowPath",
            message: "unexpected end of input".to_owned(),
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_is_told() {
        for (text, wanted) in [
            (r#"{"a":[1,-2.5e3,"x\"y",true,null,{"b":{}},[]]}"#, None),
            (
                "",
                Some("ReadObject: expect { or , or } or n, but found \0"),
            ),
            (
                "[]",
                Some("ReadObject: expect { or , or } or n, but found ["),
            ),
            ("{", Some("ReadObject: expect \" after {, but found \0")),
            ("{1", Some("ReadObject: expect \" after {, but found 1")),
            (
                r#"{"a" 1}"#,
                Some("ReadObject: expect : after object field, but found 1"),
            ),
            (
                r#"{"a":1 "b":2}"#,
                Some("ReadObject: expect { or , or } or n, but found \""),
            ),
            (
                r#"{"a":1,}"#,
                Some("ReadString: expects \" or n, but found }"),
            ),
            (
                r#"{"a":[1 2]}"#,
                Some("ReadArray: expect [ or , or ] or n, but found 2"),
            ),
            (r#"{"a":[1,]}"#, Some("Skip: do not know how to skip: 93")),
            (r#"{"a":nul}"#, Some("skipThreeBytes: expect null")),
            (
                "{\"a\n",
                Some("ReadString: invalid control character found: 10"),
            ),
            (
                r#"{"a\"#,
                Some("readStringSlowPath: unexpected end of input"),
            ),
        ] {
            let found = problem(text.as_bytes());
            let found = found
                .as_ref()
                .map(|found| found.split(", error found").next());
            assert_eq!(found, wanted.map(Some), "{text}");
        }
    }

    #[test]
    fn the_place_is_quoted() {
        let text = br#"{"resourceMetrics":[{"scopeMetrics":[}]}]}"#;
        assert_eq!(
            problem(text).unwrap(),
            "Skip: do not know how to skip: 125, error found in #10 byte of ...|etrics\":[}]}]}|..., \
             bigger context ...|{\"resourceMetrics\":[{\"scopeMetrics\":[}]}]}|..."
        );
    }

    proptest::proptest! {
        /// Whatever the text, the walk ends within it.
        #[test]
        fn any_bytes_end(text in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = problem(&text);
        }

        #[test]
        fn any_brackets_end(text in "[{}\\[\\],:\"1 ]{0,64}") {
            let _ = problem(text.as_bytes());
        }
    }
}
