//! Text to tokens, one at a time, as the parser asks for them.
//!
//! What a character means depends on where it stands: plain query text, inside braces, inside brackets,
//! or in the values of a series description. The places and wordings of errors are the peers'.

mod number;
mod series;
mod string;
mod token;

use diag::Span;
use model::format::go_quote;

pub(crate) use token::{Kind, Token};

use series::HistogramState;

/// What the lexer reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Statements,
    /// After `[`, up to the first number.
    DurationExpr,
    /// The values of a series description.
    Values,
    Histogram,
    Buckets,
    BucketNumber,
}

#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    /// Where the token in work starts.
    start: usize,
    /// Where the latest token started.
    last_start: usize,
    state: State,
    paren_depth: usize,
    brace_is_open: bool,
    bracket_is_open: bool,
    /// A colon was seen since the bracket opened.
    has_colon: bool,
    /// A number was seen in a bracket, any bracket of the query: the peers never reset it.
    has_duration: bool,
    is_series: bool,
    histogram: HistogramState,
    error: String,
}

/// The end of a character or of the input, for [`Lexer::peek`].
const END: u8 = 0;

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            last_start: 0,
            state: State::Statements,
            paren_depth: 0,
            brace_is_open: false,
            bracket_is_open: false,
            has_colon: false,
            has_duration: false,
            is_series: false,
            histogram: HistogramState::None,
            error: String::new(),
        }
    }

    /// For series descriptions, whose values are no expressions.
    pub(crate) fn for_series(input: &'a str) -> Self {
        Self {
            is_series: true,
            ..Self::new(input)
        }
    }

    pub(crate) fn input(&self) -> &'a str {
        self.input
    }

    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.input.get(span.start..span.end).unwrap_or("")
    }

    /// The message of the latest token of kind [`Kind::Error`], and the bytes it is about.
    pub(crate) fn error(&self) -> (Span, &str) {
        (Span::new(self.start, self.input.len()), &self.error)
    }

    pub(crate) fn next_token(&mut self) -> Token {
        loop {
            let token = match self.state {
                State::Statements => self.statements(),
                State::DurationExpr => self.duration_expr(),
                State::Values => self.values(),
                State::Histogram => self.histogram(),
                State::Buckets => self.buckets(),
                State::BucketNumber => self.bucket_number(),
            };
            if let Some(token) = token {
                self.last_start = token.span.start;
                return token;
            }
        }
    }

    /// The byte at the position; [`END`] after the end (a real zero byte is no valid token either).
    fn peek(&self) -> u8 {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> u8 {
        self.input
            .as_bytes()
            .get(self.pos + ahead)
            .copied()
            .unwrap_or(END)
    }

    fn at_end(&self) -> bool {
        self.pos >= self.input.len()
    }

    fn peek_char(&self) -> Option<char> {
        self.input.get(self.pos..)?.chars().next()
    }

    fn skip_char(&mut self) {
        self.pos += self.peek_char().map_or(0, char::len_utf8);
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every lexing step")]
    fn emit(&mut self, kind: Kind) -> Option<Token> {
        let span = Span::new(self.start, self.pos);
        self.start = self.pos;
        Some(Token { kind, span })
    }

    fn emit_len(&mut self, kind: Kind, len: usize) -> Option<Token> {
        self.pos += len;
        self.emit(kind)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape of every lexing step")]
    fn fail(&mut self, message: String) -> Option<Token> {
        self.error = message;
        Some(Token {
            kind: Kind::Error,
            span: Span::new(self.start, self.pos),
        })
    }

    /// An error about the character at the position, which is consumed first.
    fn fail_at_char(&mut self, before: &str) -> Option<Token> {
        let quoted = quote_char(self.peek_char());
        self.skip_char();
        self.fail(format!("{before}{quoted}"))
    }

    fn skip_spaces(&mut self) {
        while is_space(self.peek()) {
            self.pos += 1;
        }
        self.start = self.pos;
    }

    fn comment(&mut self) -> Option<Token> {
        let rest = self.input.as_bytes().get(self.pos..).unwrap_or(&[]);
        let len = rest
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'))
            .unwrap_or(rest.len());
        self.emit_len(Kind::Comment, len)
    }

    fn statements(&mut self) -> Option<Token> {
        if self.histogram != HistogramState::None {
            self.state = State::Histogram;
            return None;
        }
        if self.brace_is_open {
            return self.inside_braces();
        }
        let byte = self.peek();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.skip_spaces();
                None
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => {
                if self.bracket_is_open {
                    self.word_in_bracket(byte)
                } else {
                    self.keyword_or_identifier()
                }
            }
            b'#' => self.comment(),
            b',' => self.emit_len(Kind::Comma, 1),
            b'*' => self.emit_len(Kind::Mul, 1),
            b'/' => self.emit_len(Kind::Div, 1),
            b'%' => self.emit_len(Kind::Mod, 1),
            b'+' => self.emit_len(Kind::Add, 1),
            b'-' => self.emit_len(Kind::Sub, 1),
            b'^' => self.emit_len(Kind::Pow, 1),
            b'@' => self.emit_len(Kind::At, 1),
            b'=' => match self.peek_at(1) {
                b'=' => self.emit_len(Kind::EqualEqual, 2),
                b'~' => self.fail("unexpected character after '=': '~'".to_owned()),
                _ => self.emit_len(Kind::Equal, 1),
            },
            b'!' => {
                self.pos += 1;
                match self.peek() {
                    b'=' => self.emit_len(Kind::NotEqual, 1),
                    _ => self.fail_at_char("unexpected character after '!': "),
                }
            }
            b'<' => match self.peek_at(1) {
                b'=' => self.emit_len(Kind::LessOrEqual, 2),
                b'/' => self.emit_len(Kind::TrimUpper, 2),
                _ => self.emit_len(Kind::Less, 1),
            },
            b'>' => match self.peek_at(1) {
                b'=' => self.emit_len(Kind::GreaterOrEqual, 2),
                b'/' => self.emit_len(Kind::TrimLower, 2),
                _ => self.emit_len(Kind::Greater, 1),
            },
            b'0'..=b'9' => self.number_or_duration(),
            b'.' if self.peek_at(1).is_ascii_digit() => self.number_or_duration(),
            b'"' | b'\'' => self.quoted_string(byte),
            b'`' => self.raw_string(),
            b'(' => self.left_paren(),
            b')' => self.right_paren(),
            b'{' => {
                self.brace_is_open = true;
                self.emit_len(Kind::LeftBrace, 1)
            }
            b'[' => self.left_bracket(),
            b']' if self.bracket_is_open => {
                self.bracket_is_open = false;
                self.emit_len(Kind::RightBracket, 1)
            }
            b']' => self.fail_at_char("unexpected right bracket "),
            _ if self.at_end() => self.end(),
            _ => self.fail_at_char("unexpected character: "),
        }
    }

    fn end(&mut self) -> Option<Token> {
        if self.paren_depth != 0 {
            self.fail("unclosed left parenthesis".to_owned())
        } else if self.bracket_is_open {
            self.fail("unclosed left bracket".to_owned())
        } else {
            self.emit(Kind::Eof)
        }
    }

    fn left_paren(&mut self) -> Option<Token> {
        self.paren_depth += 1;
        self.emit_len(Kind::LeftParen, 1)
    }

    fn right_paren(&mut self) -> Option<Token> {
        let Some(depth) = self.paren_depth.checked_sub(1) else {
            self.pos += 1;
            self.start = self.pos;
            return self.fail("unexpected right parenthesis ')'".to_owned());
        };
        self.paren_depth = depth;
        self.emit_len(Kind::RightParen, 1)
    }

    fn left_bracket(&mut self) -> Option<Token> {
        if self.bracket_is_open {
            return self.fail_at_char("unexpected left bracket ");
        }
        self.has_colon = false;
        self.bracket_is_open = true;
        self.state = State::DurationExpr;
        self.emit_len(Kind::LeftBracket, 1)
    }

    /// A word or colon after the first number in a bracket.
    fn word_in_bracket(&mut self, first: u8) -> Option<Token> {
        if first == b':' {
            if self.has_colon {
                return self.fail_at_char("unexpected colon ");
            }
            self.has_colon = true;
            return self.emit_len(Kind::Colon, 1);
        }
        if starts_duration_keyword(first)
            && let Some(kind) = self.duration_keyword()
        {
            return self.emit(kind);
        }
        self.fail(format!(
            "unexpected character: {}, expected ':'",
            quote_char(Some(char::from(first)))
        ))
    }

    fn duration_expr(&mut self) -> Option<Token> {
        let byte = self.peek();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.skip_spaces();
                None
            }
            b']' => {
                self.bracket_is_open = false;
                self.has_colon = false;
                self.state = State::Statements;
                self.emit_len(Kind::RightBracket, 1)
            }
            b':' => {
                if self.has_duration && !self.has_colon {
                    self.has_colon = true;
                    return self.emit_len(Kind::Colon, 1);
                }
                let what = if self.has_duration {
                    "repeated colon"
                } else {
                    "colon before duration"
                };
                self.pos += 1;
                self.start = self.pos;
                self.fail(format!("unexpected {what} in duration expression"))
            }
            b'(' => self.left_paren(),
            b')' => self.right_paren(),
            b'+' => self.emit_len(Kind::Add, 1),
            b'-' => self.emit_len(Kind::Sub, 1),
            b'*' => self.emit_len(Kind::Mul, 1),
            b'/' => self.emit_len(Kind::Div, 1),
            b'%' => self.emit_len(Kind::Mod, 1),
            b'^' => self.emit_len(Kind::Pow, 1),
            b',' => self.emit_len(Kind::Comma, 1),
            b'0'..=b'9' => self.first_number(),
            b'.' if self.peek_at(1).is_ascii_digit() => self.first_number(),
            _ if self.at_end() => {
                self.fail("unexpected end of input in duration expression".to_owned())
            }
            _ => {
                let quoted = quote_char(self.peek_char());
                if starts_duration_keyword(byte)
                    && let Some(kind) = self.duration_keyword()
                {
                    return self.emit(kind);
                }
                self.fail(format!(
                    "unexpected character in duration expression: {quoted}"
                ))
            }
        }
    }

    fn first_number(&mut self) -> Option<Token> {
        self.has_duration = true;
        self.state = State::Statements;
        self.number_or_duration()
    }

    fn duration_keyword(&mut self) -> Option<Kind> {
        while is_alpha(self.peek()) {
            self.pos += 1;
        }
        Kind::duration_keyword(&self.input[self.start..self.pos])
    }

    fn inside_braces(&mut self) -> Option<Token> {
        let byte = self.peek();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.skip_spaces();
                None
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                while is_alphanumeric(self.peek()) {
                    self.pos += 1;
                }
                self.emit(Kind::Identifier)
            }
            b'#' => self.comment(),
            b',' => self.emit_len(Kind::Comma, 1),
            b'"' | b'\'' => self.quoted_string(byte),
            b'`' => self.raw_string(),
            b'=' => match self.peek_at(1) {
                b'~' => self.emit_len(Kind::EqualRegex, 2),
                _ => self.emit_len(Kind::Equal, 1),
            },
            b'!' => {
                self.pos += 1;
                match self.peek() {
                    b'~' => self.emit_len(Kind::NotEqualRegex, 1),
                    b'=' => self.emit_len(Kind::NotEqual, 1),
                    _ => self.fail_at_char("unexpected character after '!' inside braces: "),
                }
            }
            b'{' => self.fail_at_char("unexpected left brace "),
            b'}' => {
                self.brace_is_open = false;
                if self.is_series {
                    self.state = State::Values;
                }
                self.emit_len(Kind::RightBrace, 1)
            }
            _ if self.at_end() => self.fail("unexpected end of input inside braces".to_owned()),
            _ => self.fail_at_char("unexpected character inside braces: "),
        }
    }

    fn keyword_or_identifier(&mut self) -> Option<Token> {
        let mut has_colon = false;
        loop {
            match self.peek() {
                b':' => has_colon = true,
                byte if is_alphanumeric(byte) => {}
                _ => break,
            }
            self.pos += 1;
        }
        let kind = match Kind::keyword(&self.input[self.start..self.pos]) {
            // These are names unless a parenthesis follows.
            Some(Kind::Fill | Kind::FillLeft | Kind::FillRight) if !self.paren_follows() => {
                Kind::Identifier
            }
            Some(kind) => kind,
            None if has_colon => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        if self.is_series {
            self.state = match self.peek() {
                b'{' => State::Statements,
                _ => State::Values,
            };
        }
        self.emit(kind)
    }

    fn paren_follows(&self) -> bool {
        self.input
            .as_bytes()
            .get(self.pos..)
            .unwrap_or(&[])
            .iter()
            .find(|byte| !is_space(**byte))
            .is_some_and(|byte| *byte == b'(')
    }

    /// Where the parenthesis before the latest token, itself a right parenthesis, ends; `fallback`
    /// where there is no such pair with only space between. For nodes whose end is known only after one
    /// token too many.
    pub(crate) fn previous_right_paren_end(&self, fallback: usize) -> usize {
        let bytes = self.input.as_bytes();
        let last_is_paren = self.last_start > 0 && bytes.get(self.last_start) == Some(&b')');
        if fallback == 0 || fallback > bytes.len() || !last_is_paren {
            return fallback;
        }
        for index in (1..self.last_start).rev() {
            match bytes[index] {
                b')' => return index + 1,
                byte if is_space(byte) => {}
                _ => return fallback,
            }
        }
        fallback
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_alpha(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn is_alphanumeric(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn starts_duration_keyword(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b's' | b'r' | b'm')
}

/// A character as Go's `%q` prints it; the end of input is a replacement character there.
fn quote_char(character: Option<char>) -> String {
    match character {
        None => "'\u{fffd}'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(other) => {
            let quoted = go_quote(other.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}

#[cfg(test)]
mod tests;
