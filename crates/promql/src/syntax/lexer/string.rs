//! Quoted strings: where they end and whether their escapes are right.

use super::{Kind, Lexer, Token, quote_char};

/// The first byte of U+FFFD, which the peers refuse: it is what broken UTF-8 turns into.
const REPLACEMENT_FIRST: u8 = 0xef;
const REPLACEMENT: &str = "\u{fffd}";

impl Lexer<'_> {
    /// At the opening quote.
    pub(super) fn quoted_string(&mut self, quote: u8) -> Option<Token> {
        self.pos += 1;
        loop {
            if self.at_end() {
                return self.fail("unterminated quoted string".to_owned());
            }
            match self.peek() {
                byte if byte == quote => return self.emit_len(Kind::String, 1),
                b'\n' => return self.fail("unterminated quoted string".to_owned()),
                b'\\' => {
                    self.pos += 1;
                    if let Err(message) = self.escape(quote) {
                        return self.fail(message);
                    }
                }
                REPLACEMENT_FIRST if self.input[self.pos..].starts_with(REPLACEMENT) => {
                    return self.fail("invalid UTF-8 rune".to_owned());
                }
                byte if byte.is_ascii() => self.pos += 1,
                _ => self.skip_char(),
            }
        }
    }

    pub(super) fn raw_string(&mut self) -> Option<Token> {
        self.pos += 1;
        loop {
            if self.at_end() {
                return self.fail("unterminated raw string".to_owned());
            }
            match self.peek() {
                b'`' => return self.emit_len(Kind::String, 1),
                REPLACEMENT_FIRST if self.input[self.pos..].starts_with(REPLACEMENT) => {
                    return self.fail("invalid UTF-8 rune".to_owned());
                }
                byte if byte.is_ascii() => self.pos += 1,
                _ => self.skip_char(),
            }
        }
    }

    /// After the backslash.
    fn escape(&mut self, quote: u8) -> Result<(), String> {
        let first = self.peek();
        let (digits, base, value_max) = match first {
            b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' => {
                self.pos += 1;
                return Ok(());
            }
            _ if first == quote => {
                self.pos += 1;
                return Ok(());
            }
            b'0'..=b'7' => (3, 8, 255),
            b'x' => (2, 16, 255),
            b'u' => (4, 16, u32::from(char::MAX)),
            b'U' => (8, 16, u32::from(char::MAX)),
            _ => {
                return Err(match self.peek_char() {
                    None => "escape sequence not terminated".to_owned(),
                    Some(other) => {
                        format!("unknown escape sequence {}", code_point(other))
                    }
                });
            }
        };
        if base == 16 {
            self.pos += 1;
        }
        let mut value: u32 = 0;
        for _ in 0..digits {
            let Some(character) = self.peek_char() else {
                return Err("escape sequence not terminated".to_owned());
            };
            let Some(digit) = character.to_digit(base) else {
                return Err(format!(
                    "illegal character {} in escape sequence",
                    code_point(character)
                ));
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
            self.pos += 1;
        }
        if value > value_max || (0xd800..0xe000).contains(&value) {
            return Err("escape sequence is an invalid Unicode code point".to_owned());
        }
        Ok(())
    }
}

/// Go's `%#U`: `U+0063 'c'`.
fn code_point(character: char) -> String {
    let number = u32::from(character);
    if character.is_control() {
        format!("U+{number:04X}")
    } else {
        let quoted = quote_char(Some(character));
        let inner = match character {
            '\'' | '\\' => character.to_string(),
            _ => quoted.trim_matches('\'').to_owned(),
        };
        format!("U+{number:04X} '{inner}'")
    }
}
