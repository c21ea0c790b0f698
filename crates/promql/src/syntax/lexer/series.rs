//! The values of series descriptions in test scripts: `1+2x3 _ stale {{schema:1 buckets:[1 2]}}`.

use super::{Kind, Lexer, State, Token, is_alpha, is_space, quote_char};
use model::format::go_quote;

/// Whether the lexer is in a histogram, or at the operator right after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HistogramState {
    None,
    Open,
    Operator,
}

impl Lexer<'_> {
    pub(super) fn values(&mut self) -> Option<Token> {
        if self.histogram != HistogramState::None {
            self.state = State::Histogram;
            return None;
        }
        let byte = self.peek();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.space(),
            b'{' if self.peek_at(1) == b'{' => {
                self.histogram = HistogramState::Open;
                self.state = State::Histogram;
                self.emit_len(Kind::OpenHistogram, 2)
            }
            b'+' => self.emit_len(Kind::Add, 1),
            b'-' => self.emit_len(Kind::Sub, 1),
            b'x' => self.emit_len(Kind::Times, 1),
            b'_' => self.emit_len(Kind::Blank, 1),
            b'0'..=b'9' => self.plain_number(),
            b'.' if self.peek_at(1).is_ascii_digit() => self.plain_number(),
            _ if is_alpha(byte) => self.keyword_or_identifier(),
            _ if self.at_end() => {
                self.state = State::Statements;
                None
            }
            _ => self.fail_at_char("unexpected character in series sequence: "),
        }
    }

    /// One space is the token; those after it are nothing.
    fn space(&mut self) -> Option<Token> {
        let token = self.emit_len(Kind::Space, 1);
        self.skip_spaces();
        token
    }

    pub(super) fn histogram(&mut self) -> Option<Token> {
        if self.histogram == HistogramState::Operator {
            self.histogram = HistogramState::None;
            self.state = State::Values;
            let kind = match self.peek() {
                b'x' => Kind::Times,
                b'+' => Kind::Add,
                _ => Kind::Sub,
            };
            return self.emit_len(kind, 1);
        }
        if self.bracket_is_open {
            self.state = State::Buckets;
            return None;
        }
        let byte = self.peek();
        match byte {
            _ if is_space(byte) => self.space(),
            _ if is_alpha(byte) => self.histogram_word(),
            b':' => self.emit_len(Kind::Colon, 1),
            b'-' => self.emit_len(Kind::Sub, 1),
            b'0'..=b'9' => self.plain_number(),
            b'[' => {
                self.bracket_is_open = true;
                self.has_colon = false;
                self.has_duration = false;
                self.state = State::Buckets;
                self.emit_len(Kind::LeftBracket, 1)
            }
            b'}' if self.peek_at(1) == b'}' => {
                self.histogram = match self.peek_at(2) {
                    b'x' | b'+' | b'-' => HistogramState::Operator,
                    _ => HistogramState::None,
                };
                self.state = State::Values;
                self.emit_len(Kind::CloseHistogram, 2)
            }
            _ => {
                let quoted = quote_char(self.peek_char());
                self.fail(format!(
                    "histogram description incomplete unexpected: {quoted}"
                ))
            }
        }
    }

    fn histogram_word(&mut self) -> Option<Token> {
        while is_alpha(self.peek()) {
            self.pos += 1;
        }
        let word = &self.input[self.start..self.pos];
        if let Some(key) = Kind::histogram_key(word) {
            if self.peek() == b':' {
                return self.emit(key);
            }
            return self.fail("missing `:` for histogram descriptor".to_owned());
        }
        if Kind::keyword(word) == Some(Kind::Number) {
            return self.emit(Kind::Number);
        }
        if let Some(hint) = Kind::counter_reset_hint(word) {
            return self.emit(hint);
        }
        let message = format!("bad histogram descriptor found: {}", go_quote(word));
        self.fail(message)
    }

    /// After a sign in buckets.
    pub(super) fn bucket_number(&mut self) -> Option<Token> {
        self.state = State::Buckets;
        self.plain_number()
    }

    pub(super) fn buckets(&mut self) -> Option<Token> {
        let byte = self.peek();
        match byte {
            _ if is_space(byte) => self.space(),
            b'-' => {
                self.state = State::BucketNumber;
                self.emit_len(Kind::Sub, 1)
            }
            b'0'..=b'9' => self.plain_number(),
            b']' => {
                self.bracket_is_open = false;
                self.state = State::Histogram;
                self.emit_len(Kind::RightBracket, 1)
            }
            _ if is_alpha(byte) => {
                // Letters gather until they are `Inf` or `NaN`.
                self.pos += 1;
                let word = &self.input[self.start..self.pos];
                match Kind::keyword(word) {
                    Some(Kind::Number) => self.emit(Kind::Number),
                    _ => None,
                }
            }
            _ => self.fail_at_char("invalid character in buckets description: "),
        }
    }
}
