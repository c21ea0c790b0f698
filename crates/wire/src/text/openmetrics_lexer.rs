//! Tokens of OpenMetrics text. Single spaces separate, and belong to the token that follows.

use crate::text::cursor::{Cursor, Quoting};
use crate::text::list::Lex;
use crate::text::prometheus_lexer::{starts_label_name, starts_metric_name};
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
    Exemplar,
    ExemplarValue,
    ExemplarTimestamp,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'a> {
    pub(crate) cursor: Cursor<'a>,
    pub(crate) state: State,
}

const QUOTED_NAME: Quoting = Quoting {
    newline_ends: false,
    nul_ends: true,
};
const LABEL_VALUE: Quoting = Quoting {
    newline_ends: true,
    nul_ends: false,
};
const EXEMPLAR_TEXT: Quoting = Quoting {
    newline_ends: true,
    nul_ends: true,
};

const KEYWORDS: [(&[u8], State, Token); 4] = [
    (b"HELP ", State::MetadataName, Token::Help),
    (b"TYPE ", State::MetadataName, Token::Type),
    (b"UNIT ", State::MetadataName, Token::Unit),
    (b"EOF", State::Init, Token::EofWord),
];

impl<'a> Lex<'a> for Lexer<'a> {
    fn next(&mut self) -> Token {
        let Some(byte) = self.cursor.peek() else {
            return Token::Eof;
        };
        self.cursor.start = self.cursor.at;
        match self.state {
            State::Init => self.lex_init(byte),
            State::MetadataName => self.lex_metadata_name(byte),
            State::MetadataText => self.lex_metadata_text(byte),
            State::Labels => self.lex_labels(byte),
            State::LabelValue => self.lex_string(byte, LABEL_VALUE, State::Labels),
            State::Value if byte == b'{' => self.single(State::Labels, Token::BraceOpen),
            State::Value => self.lex_word(byte, State::Timestamp, Token::Value),
            State::Timestamp => self.lex_timestamp(byte),
            State::Exemplar => self.lex_exemplar(byte),
            State::ExemplarValue if byte == b'"' => {
                self.lex_string(byte, EXEMPLAR_TEXT, State::Exemplar)
            }
            State::ExemplarValue => self.lex_word(byte, State::ExemplarTimestamp, Token::Value),
            State::ExemplarTimestamp if byte == b'\n' => self.single(State::Init, Token::Linebreak),
            State::ExemplarTimestamp => {
                self.lex_word(byte, State::ExemplarTimestamp, Token::Timestamp)
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
            cursor: Cursor::new(body),
            state: State::Init,
        }
    }

    fn to(&mut self, state: State, token: Token) -> Token {
        self.state = state;
        token
    }

    fn single(&mut self, state: State, token: Token) -> Token {
        self.cursor.at += 1;
        self.to(state, token)
    }

    fn lex_init(&mut self, byte: u8) -> Token {
        match byte {
            b'{' => self.single(State::Labels, Token::BraceOpen),
            b'#' => self.lex_hash(),
            _ if starts_metric_name(byte) => {
                self.cursor.skip_metric_name();
                self.to(State::Value, Token::MetricName)
            }
            _ => Token::Invalid,
        }
    }

    /// `# ` and a keyword; there are no comments.
    fn lex_hash(&mut self) -> Token {
        self.cursor.at += 1;
        if self.cursor.peek() != Some(b' ') {
            return Token::Invalid;
        }
        self.cursor.at += 1;
        let rest = self.cursor.slice(self.cursor.at, self.cursor.at + 5);
        let matched = |keyword: &[u8]| {
            keyword
                .iter()
                .zip(rest)
                .take_while(|(wanted, got)| wanted == got)
                .count()
        };
        for (keyword, state, token) in KEYWORDS {
            let length = matched(keyword);
            if length == keyword.len() {
                self.cursor.at += length;
                if token == Token::EofWord && self.cursor.peek() == Some(b'\n') {
                    self.cursor.at += 1;
                }
                return self.to(state, token);
            }
            if length > 0 {
                self.cursor.at += length;
                return Token::Invalid;
            }
        }
        Token::Invalid
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

    /// A space, text, and the end of the line.
    fn lex_metadata_text(&mut self, byte: u8) -> Token {
        if byte != b' ' {
            return Token::Invalid;
        }
        let rest = self.cursor.body.get(self.cursor.at..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(length) => {
                self.cursor.at += length + 1;
                self.to(State::Init, Token::Text)
            }
            None => {
                self.cursor.at += rest.len();
                Token::Invalid
            }
        }
    }

    fn lex_string(&mut self, byte: u8, quoting: Quoting, state: State) -> Token {
        if byte == b'"' && self.cursor.quoted(quoting) {
            self.to(state, Token::LabelValue)
        } else {
            Token::Invalid
        }
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

    fn lex_exemplar(&mut self, byte: u8) -> Token {
        match byte {
            b'}' => self.single(State::ExemplarValue, Token::BraceClose),
            b'=' => self.single(State::ExemplarValue, Token::Equal),
            b',' => self.single(State::Exemplar, Token::Comma),
            b'"' if self.cursor.quoted(EXEMPLAR_TEXT) => Token::Quoted,
            _ if starts_label_name(byte) => {
                self.cursor.skip_label_name();
                Token::LabelName
            }
            _ => Token::Invalid,
        }
    }

    /// A space and what follows up to the next space or line end.
    fn lex_word(&mut self, byte: u8, state: State, token: Token) -> Token {
        if byte != b' ' {
            return Token::Invalid;
        }
        self.cursor.at += 1;
        let start = self.cursor.at;
        self.cursor
            .skip_while(|byte| !matches!(byte, b' ' | b'\n' | 0));
        if self.cursor.at == start {
            return Token::Invalid;
        }
        self.to(state, token)
    }

    fn lex_timestamp(&mut self, byte: u8) -> Token {
        let at = self.cursor.at;
        if byte == b'\n' {
            return self.single(State::Init, Token::Linebreak);
        }
        if self.cursor.slice(at, at + 3) == b" # " {
            self.cursor.at += 3;
            if self.cursor.peek() != Some(b'{') {
                return Token::Invalid;
            }
            return self.single(State::Exemplar, Token::Comment);
        }
        self.lex_word(byte, State::Timestamp, Token::Timestamp)
    }
}
