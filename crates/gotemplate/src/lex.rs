//! Text to tokens, the way Go's template lexer does it: the token borders decide line and column of every
//! error message, so they are kept exactly.
//!
//! The whole text is read at once; an `Error` token is always the last one.

use crate::chars::{is_alphanumeric, is_printable, is_space};
use crate::quote::go_quote;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Byte offset in the text.
    pub(crate) pos: usize,
    pub(crate) end: usize,
    /// 1-based line on which the token starts.
    pub(crate) line: usize,
    pub(crate) value: String,
}

impl Token {
    /// How Go names the token in "unexpected …" messages.
    pub(crate) fn describe(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.value.clone(),
            kind if kind.is_keyword() => format!("<{}>", self.value),
            _ if self.value.len() > 10 => {
                let head: String = self.value.chars().take(10).collect();
                format!("{}...", go_quote(&head))
            }
            _ => go_quote(&self.value),
        }
    }
}

/// `break` and `continue` are ordinary names where the function table defines them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keywords {
    pub(crate) break_ok: bool,
    pub(crate) continue_ok: bool,
}

pub(crate) fn lex(text: &str, keywords: Keywords) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        pos: 0,
        start: 0,
        line: 1,
        start_line: 1,
        paren_depth: 0,
        keywords,
        tokens: Vec::new(),
    };
    if let Err(message) = lexer.run() {
        let token = Token {
            kind: Kind::Error,
            pos: lexer.start,
            end: lexer.pos.max(lexer.start),
            line: lexer.start_line,
            value: message,
        };
        lexer.tokens.push(token);
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    start: usize,
    line: usize,
    start_line: usize,
    paren_depth: usize,
    keywords: Keywords,
    tokens: Vec<Token>,
}

const TRIM_MARKER_LEN: usize = 2;

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            if !self.text_until_action()? {
                self.emit(Kind::Eof);
                return Ok(());
            }
            if self.left_delimiter()? {
                self.action()?;
            }
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn emit(&mut self, kind: Kind) {
        let value = self.text.get(self.start..self.pos).unwrap_or("").to_owned();
        self.tokens.push(Token {
            kind,
            pos: self.start,
            end: self.pos,
            line: self.start_line,
            value,
        });
        self.start = self.pos;
        self.start_line = self.line;
    }

    /// Moves over text that belongs to no token.
    fn skip_to(&mut self, pos: usize) {
        self.line += newlines(self.text.get(self.start..pos).unwrap_or(""));
        self.pos = pos;
        self.start = pos;
        self.start_line = self.line;
    }

    /// Emits the text up to the next `{{`; false at the end of input.
    fn text_until_action(&mut self) -> Result<bool, String> {
        let Some(length) = self.rest().find("{{") else {
            if !self.rest().is_empty() {
                self.line += newlines(self.rest());
                self.pos = self.text.len();
                self.emit(Kind::Text);
            }
            return Ok(false);
        };
        let delimiter = self.pos + length;
        if length > 0 {
            let after = self.text.get(delimiter + 2..).unwrap_or("");
            let text = self.text.get(self.start..delimiter).unwrap_or("");
            let kept = if has_left_trim_marker(after) {
                text.trim_end_matches(is_space)
            } else {
                text
            };
            self.line += newlines(kept);
            self.pos = self.start + kept.len();
            if kept.is_empty() {
                self.start = self.pos;
                self.start_line = self.line;
            } else {
                self.emit(Kind::Text);
            }
            self.skip_to(delimiter);
        }
        Ok(true)
    }

    /// At `{{`: skips a comment (false) or emits the delimiter (true).
    fn left_delimiter(&mut self) -> Result<bool, String> {
        let trim = has_left_trim_marker(self.text.get(self.pos + 2..).unwrap_or(""));
        let after_marker = self.pos + 2 + if trim { TRIM_MARKER_LEN } else { 0 };
        if self
            .text
            .get(after_marker..)
            .is_some_and(|rest| rest.starts_with("/*"))
        {
            self.skip_to(after_marker);
            self.comment()?;
            return Ok(false);
        }
        self.pos += 2;
        self.emit(Kind::LeftDelim);
        self.skip_to(after_marker);
        self.paren_depth = 0;
        Ok(true)
    }

    fn comment(&mut self) -> Result<(), String> {
        let Some(length) = self.rest().get(2..).and_then(|rest| rest.find("*/")) else {
            return Err("unclosed comment".to_owned());
        };
        self.pos += 2 + length + 2;
        let Some(trim) = self.at_right_delimiter() else {
            return Err("comment ends before closing delimiter".to_owned());
        };
        let mut end = self.pos + 2;
        if trim {
            end += TRIM_MARKER_LEN;
            let rest = self.text.get(end..).unwrap_or("");
            end += rest.len() - rest.trim_start_matches(is_space).len();
        }
        self.skip_to(end);
        Ok(())
    }

    /// `Some(true)` at ` -}}`, `Some(false)` at `}}`.
    fn at_right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim_marker(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with("}}")) {
            return Some(true);
        }
        rest.starts_with("}}").then_some(false)
    }

    fn right_delimiter(&mut self, trim: bool) {
        if trim {
            self.skip_to(self.pos + TRIM_MARKER_LEN);
        }
        self.pos += 2;
        self.emit(Kind::RightDelim);
        if trim {
            let rest = self.rest();
            let end = self.pos + rest.len() - rest.trim_start_matches(is_space).len();
            self.skip_to(end);
        }
    }

    fn action(&mut self) -> Result<(), String> {
        loop {
            if let Some(trim) = self.at_right_delimiter() {
                if self.paren_depth > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.right_delimiter(trim);
                return Ok(());
            }
            let Some(c) = self.peek() else {
                return Err("unclosed action".to_owned());
            };
            self.token(c)?;
        }
    }

    fn token(&mut self, c: char) -> Result<(), String> {
        if is_space(c) {
            self.spaces();
            return Ok(());
        }
        if c == '+' || c == '-' || c.is_ascii_digit() {
            return self.number();
        }
        if is_alphanumeric(c) {
            return self.identifier();
        }
        self.next();
        match c {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(Kind::Declare);
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string")?,
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant")?,
            '`' => loop {
                match self.next() {
                    None => return Err("unterminated raw quoted string".to_owned()),
                    Some('`') => {
                        self.emit(Kind::RawString);
                        break;
                    }
                    Some(_) => {}
                }
            },
            '$' => self.name(Kind::Variable)?,
            '.' => {
                if self.peek().is_none_or(|next| next.is_ascii_digit()) {
                    self.pos -= 1;
                    return self.number();
                }
                self.name(Kind::Field)?;
            }
            '(' => {
                self.paren_depth += 1;
                self.emit(Kind::LeftParen);
            }
            ')' => {
                if self.paren_depth == 0 {
                    return Err("unexpected right paren".to_owned());
                }
                self.paren_depth -= 1;
                self.emit(Kind::RightParen);
            }
            c if c.is_ascii() && is_printable(c) => self.emit(Kind::Char),
            c => {
                return Err(format!(
                    "unrecognized character in action: {}",
                    unicode_name(c)
                ));
            }
        }
        Ok(())
    }

    /// A run of spaces is one token, but the space of ` -}}` belongs to the delimiter.
    fn spaces(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(is_space).len();
        if rest
            .get(length..)
            .is_some_and(|after| after.starts_with("-}}"))
        {
            length -= 1;
            if length == 0 {
                return;
            }
        }
        self.line += newlines(self.rest().get(..length).unwrap_or(""));
        self.pos += length;
        self.emit(Kind::Space);
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Result<(), String> {
        loop {
            match self.next() {
                Some('\\') if self.next().is_some_and(|c| c != '\n') => {}
                Some(c) if c == quote => break,
                None | Some('\n' | '\\') => return Err(unterminated.to_owned()),
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    /// After `.` or `$`: a field or a variable, or the bare sign.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        if self.at_terminator() {
            self.emit(if kind == Kind::Field { Kind::Dot } else { kind });
            return Ok(());
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return Err(bad_character(self.peek()));
        }
        self.emit(kind);
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), String> {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return Err(bad_character(self.peek()));
        }
        let kind = match self.text.get(self.start..self.pos).unwrap_or("") {
            "block" => Kind::Block,
            "break" if self.keywords.break_ok => Kind::Break,
            "continue" if self.keywords.continue_ok => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) if is_space(c) => true,
            Some(_) => self.rest().starts_with("}}"),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let bad = |lexer: &Self| {
            let seen = lexer.text.get(lexer.start..lexer.pos).unwrap_or("");
            format!("bad number syntax: {}", go_quote(seen))
        };
        if !self.scan_number() {
            return Err(bad(self));
        }
        if matches!(self.peek(), Some('+' | '-')) {
            let imaginary = |lexer: &Self| {
                lexer
                    .text
                    .get(..lexer.pos)
                    .is_some_and(|t| t.ends_with('i'))
            };
            if !self.scan_number() || !imaginary(self) {
                return Err(bad(self));
            }
            self.emit(Kind::Complex);
        } else {
            self.emit(Kind::Number);
        }
        Ok(())
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    /// Accepts more than a number; the parser checks the digits.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits {
            DECIMAL => self.accept("eE"),
            HEX => self.accept("pP"),
            _ => false,
        };
        if exponent {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn has_left_trim_marker(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn has_right_trim_marker(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}

fn bad_character(c: Option<char>) -> String {
    // Go's end-of-input rune is -1, but the end is a terminator and never gets here.
    format!("bad character {}", c.map_or_else(String::new, unicode_name))
}

/// `U+0041 'A'`, without the character where it is not printable.
pub(crate) fn unicode_name(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if is_printable(c) {
        format!("{code} '{c}'")
    } else {
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        let tokens = lex(
            text,
            Keywords {
                break_ok: true,
                continue_ok: true,
            },
        );
        let words: Vec<String> = tokens
            .iter()
            .map(|t| format!("{:?}:{}@{}", t.kind, t.value, t.line))
            .collect();
        words.join(" ")
    }

    #[test]
    fn trims_and_counts_lines() {
        assert_eq!(
            kinds("a\n {{- 1 -}} \n b"),
            "Text:a@1 LeftDelim:{{@2 Number:1@2 RightDelim:}}@2 Text:b@3 Eof:@3"
        );
        assert_eq!(kinds("{{/* x\n */ -}}\n y"), "Text:y@3 Eof:@3");
    }

    #[test]
    fn errors_end_the_stream() {
        assert_eq!(kinds("{{"), "LeftDelim:{{@1 Error:unclosed action@1");
        assert_eq!(
            kinds("{{(}}"),
            "LeftDelim:{{@1 LeftParen:(@1 Error:unclosed left paren@1"
        );
        assert_eq!(
            kinds("{{1x}}"),
            "LeftDelim:{{@1 Error:bad number syntax: \"1x\"@1"
        );
        assert_eq!(
            kinds("{{a@}}"),
            "LeftDelim:{{@1 Error:bad character U+0040 '@'@1"
        );
    }
}
