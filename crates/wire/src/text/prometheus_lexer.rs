//! Tokens of the Prometheus text format. Blanks separate tokens almost everywhere.

use crate::text::cursor::{Cursor, Quoting};
use crate::text::list::Lex;
use crate::text::token::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Init,
    MetadataName,
    MetadataText,
    Labels,
    LabelValue,
    Value,
    Timestamp,
}

#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) state: State,
}

const QUOTED_NAME: Quoting = Quoting {
    newline_ends: false,
    nul_ends: true,
};
const LABEL_VALUE: Quoting = Quoting {
    newline_ends: false,
    nul_ends: false,
};

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

pub(crate) fn starts_metric_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':'
}

pub(crate) fn starts_label_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

impl<'a> Lex<'a> for Lexer<'a> {
    fn next(&mut self) -> Token {
        loop {
            match self.lex() {
                Token::Whitespace => {}
                token => return token,
            }
        }
    }

    fn cursor(&self) -> &Cursor<'a> {
        &self.cursor
    }
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::with_final_newline(body),
            state: State::Init,
        }
    }

    fn lex(&mut self) -> Token {
        let Some(byte) = self.cursor.peek() else {
            return Token::Eof;
        };
        self.cursor.start = self.cursor.at;
        if is_blank(byte) && self.state != State::MetadataText {
            self.cursor.skip_while(is_blank);
            return Token::Whitespace;
        }
        match self.state {
            State::Init => self.lex_init(byte),
            State::MetadataName => self.lex_metadata_name(byte),
            State::MetadataText => self.lex_metadata_text(),
            State::Labels => self.lex_labels(byte),
            State::LabelValue if byte == b'"' => {
                if !self.cursor.quoted(LABEL_VALUE) {
                    return Token::Invalid;
                }
                self.to(State::Labels, Token::LabelValue)
            }
            State::LabelValue => Token::Invalid,
            State::Value => self.lex_value(byte),
            State::Timestamp => self.lex_timestamp(byte),
        }
    }

    fn to(&mut self, state: State, token: Token) -> Token {
        self.state = state;
        token
    }

    /// Takes one byte.
    fn single(&mut self, state: State, token: Token) -> Token {
        self.cursor.at += 1;
        self.to(state, token)
    }

    fn lex_init(&mut self, byte: u8) -> Token {
        match byte {
            b'\n' => self.single(State::Init, Token::Linebreak),
            b'{' => self.single(State::Labels, Token::BraceOpen),
            b'#' => self.lex_hash(),
            _ if starts_metric_name(byte) => {
                self.cursor.skip_metric_name();
                self.to(State::Value, Token::MetricName)
            }
            _ => Token::Invalid,
        }
    }

    /// Anything after `#` that is not `HELP` or `TYPE` with a blank is a comment.
    fn lex_hash(&mut self) -> Token {
        self.cursor.at += 1;
        if self.cursor.peek().is_some_and(is_blank) {
            self.cursor.skip_while(is_blank);
            let at = self.cursor.at;
            let keyword = match self.cursor.slice(at, at + 4) {
                b"HELP" => Some(Token::Help),
                b"TYPE" => Some(Token::Type),
                _ => None,
            };
            if let Some(token) = keyword
                && self.cursor.byte(at + 4).is_some_and(is_blank)
            {
                self.cursor.at += 4;
                self.cursor.skip_while(is_blank);
                return self.to(State::MetadataName, token);
            }
        }
        self.skip_line();
        Token::Comment
    }

    fn skip_line(&mut self) {
        let rest = self.cursor.body.get(self.cursor.at..).unwrap_or_default();
        self.cursor.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn lex_metadata_name(&mut self, byte: u8) -> Token {
        if byte == b'"' {
            if !self.cursor.quoted(QUOTED_NAME) {
                return Token::Invalid;
            }
        } else if starts_metric_name(byte) {
            self.cursor.skip_metric_name();
        } else {
            return Token::Invalid;
        }
        self.to(State::MetadataText, Token::MetricName)
    }

    /// The rest of the line; if it is blank, it is no text at all.
    fn lex_metadata_text(&mut self) -> Token {
        self.skip_line();
        let text = self.cursor.token();
        if !text.is_empty() && text.iter().copied().all(is_blank) {
            return Token::Whitespace;
        }
        self.to(State::Init, Token::Text)
    }

    fn lex_labels(&mut self, byte: u8) -> Token {
        match byte {
            b'}' => self.single(State::Value, Token::BraceClose),
            b'=' => self.single(State::LabelValue, Token::Equal),
            b',' => self.single(State::Labels, Token::Comma),
            b'"' if self.cursor.quoted(QUOTED_NAME) => Token::Quoted,
            _ if starts_label_name(byte) => {
                self.cursor.skip_label_name();
                Token::LabelName
            }
            _ => Token::Invalid,
        }
    }

    fn lex_value(&mut self, byte: u8) -> Token {
        match byte {
            b'{' => self.single(State::Labels, Token::BraceOpen),
            b'\n' | 0 => Token::Invalid,
            _ => {
                self.cursor
                    .skip_while(|byte| !matches!(byte, b'{' | b' ' | b'\t' | b'\n' | 0));
                self.to(State::Timestamp, Token::Value)
            }
        }
    }

    fn lex_timestamp(&mut self, byte: u8) -> Token {
        match byte {
            b'\n' => self.single(State::Init, Token::Linebreak),
            b'0'..=b'9' => {
                self.cursor.skip_while(|byte| byte.is_ascii_digit());
                Token::Timestamp
            }
            _ => Token::Invalid,
        }
    }
}
