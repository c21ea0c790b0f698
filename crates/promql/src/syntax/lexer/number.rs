//! Numbers and durations: where they end. What they are worth is `literal`'s business.

use super::{END, Kind, Lexer, Token, is_alphanumeric};
use model::format::go_quote;

impl Lexer<'_> {
    pub(super) fn number_or_duration(&mut self) -> Option<Token> {
        if self.scan_number() {
            return self.emit(Kind::Number);
        }
        if self.scan_duration_rest() {
            return self.emit(Kind::Duration);
        }
        let text = go_quote(&self.input[self.start..self.pos]);
        self.fail(format!("bad number or duration syntax: {text}"))
    }

    pub(super) fn plain_number(&mut self) -> Option<Token> {
        if self.scan_number() {
            return self.emit(Kind::Number);
        }
        let text = go_quote(&self.input[self.start..self.pos]);
        self.fail(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, matches: impl Fn(u8) -> bool) -> bool {
        let accepted = !self.at_end() && matches(self.peek());
        self.pos += usize::from(accepted);
        accepted
    }

    /// After the digits of a number: units, and further digits with units. False if it is no duration;
    /// the position is then where an error message's excerpt ends.
    fn scan_duration_rest(&mut self) -> bool {
        if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w' | b'y')) {
            return false;
        }
        // The second letter of `ms`; nonsense such as `hs` fails when the value is read.
        self.accept(|byte| byte == b's');
        while self.accept(|byte| byte.is_ascii_digit()) {
            while self.accept(|byte| byte.is_ascii_digit()) {}
            // Years come first or not at all.
            if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w')) {
                return false;
            }
            self.accept(|byte| byte == b's');
        }
        if is_alphanumeric(self.peek()) {
            self.pos += 1;
            return false;
        }
        true
    }

    /// Whether a number ends at the position it leaves. Accepts more than is valid: reading the value
    /// refuses the rest.
    fn scan_number(&mut self) -> bool {
        let initial = self.pos;
        let mut is_hex = false;
        // Hexadecimal would be ambiguous with repetitions (`0x3`) in series descriptions.
        if !self.is_series
            && self.accept(|byte| byte == b'0')
            && self.accept(|byte| matches!(byte, b'x' | b'X'))
        {
            self.accept(|byte| byte == b'_');
            is_hex = true;
        }
        let is_digit = |byte: u8| {
            if is_hex {
                byte.is_ascii_hexdigit()
            } else {
                byte.is_ascii_digit()
            }
        };
        let breaks_digits = |byte: u8| matches!(byte, b'.' | b'_' | b'e' | b'E');
        self.accept(|byte| byte == b'.');
        self.accept(is_digit);
        let mut has_dot = false;
        let mut has_exponent = false;
        loop {
            match self.peek() {
                b'.' => {
                    self.pos += 1;
                    if has_dot {
                        return false;
                    }
                    has_dot = true;
                    if self.accept(|byte| matches!(byte, b'_' | b'.')) || is_hex {
                        return false;
                    }
                }
                b'e' | b'E' => {
                    self.pos += 1;
                    if has_exponent {
                        return false;
                    }
                    has_exponent = true;
                    self.accept(|byte| matches!(byte, b'+' | b'-'));
                    if self.accept(breaks_digits) || self.at_end() {
                        return false;
                    }
                }
                b'_' => {
                    self.pos += 1;
                    if self.accept(breaks_digits) || self.at_end() {
                        return false;
                    }
                }
                byte if byte != END && is_digit(byte) => while self.accept(is_digit) {},
                _ => break,
            }
        }
        if self.pos == initial {
            return false;
        }
        let next = self.peek();
        (self.is_series && next == b'x') || !is_alphanumeric(next)
    }
}
