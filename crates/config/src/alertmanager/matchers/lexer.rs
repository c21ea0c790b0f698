//! Tokens of the UTF-8 syntax.

use model::MatchOp;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    End,
    OpenBrace,
    CloseBrace,
    Comma,
    Operator(MatchOp),
    Quoted,
    Unquoted,
}

/// A token with its columns, counted in characters from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) struct Lexer {
    chars: Vec<char>,
    at: usize,
}

/// Characters that end an unquoted token.
pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

impl Lexer {
    pub(super) fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
        }
    }

    /// The column behind what was read.
    pub(super) fn column(&self) -> usize {
        self.at
    }

    /// The next token without taking it.
    pub(super) fn peek(&mut self) -> Result<Token, String> {
        let at = self.at;
        let token = self.scan();
        self.at = at;
        token
    }

    pub(super) fn scan(&mut self) -> Result<Token, String> {
        while self.current().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        let Some(c) = self.current() else {
            return Ok(self.token(Kind::End, start));
        };
        self.at += 1;
        let kind = match c {
            '{' => Kind::OpenBrace,
            '}' => Kind::CloseBrace,
            ',' => Kind::Comma,
            '=' if self.take('~') => Kind::Operator(MatchOp::Regex),
            '=' => Kind::Operator(MatchOp::Equal),
            '!' if self.take('=') => Kind::Operator(MatchOp::NotEqual),
            '!' if self.take('~') => Kind::Operator(MatchOp::NotRegex),
            '!' => {
                let what = match self.current() {
                    None => "unexpected end of input, expected one of '=~'",
                    Some(_) => "!: expected one of '=~'",
                };
                return Err(format!("{start}:{}: {what}", self.at));
            }
            '"' => {
                self.quoted(start)?;
                Kind::Quoted
            }
            c if !is_reserved(c) => {
                while self.current().is_some_and(|c| !is_reserved(c)) {
                    self.at += 1;
                }
                Kind::Unquoted
            }
            c => return Err(format!("{start}:{}: {c}: invalid input", self.at)),
        };
        Ok(self.token(kind, start))
    }

    fn quoted(&mut self, start: usize) -> Result<(), String> {
        let mut is_escaped = false;
        while let Some(c) = self.current() {
            self.at += 1;
            match c {
                '"' if !is_escaped => return Ok(()),
                '\\' => is_escaped = !is_escaped,
                _ => is_escaped = false,
            }
        }
        let text: String = self.chars[start..].iter().collect();
        Err(format!("{start}:{}: {text}: missing end \"", self.at))
    }

    fn current(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.current() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        Token {
            kind,
            text: self.chars[start..self.at].iter().collect(),
            start,
            end: self.at,
        }
    }
}
