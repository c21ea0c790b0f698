//! The list of labels between braces, the same in both formats but for commas.

use crate::error::ParseError;
use crate::quote::quote_bytes;
use crate::text::cursor::{Cursor, Utf8};
use crate::text::token::Token;

/// A source of tokens.
pub(crate) trait Lex<'a> {
    fn next(&mut self) -> Token;

    fn cursor(&self) -> &Cursor<'a>;
}

/// What the list belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListOf {
    /// The metric name stands before the brace.
    NamedSeries,
    /// The metric name must be in the list, quoted.
    UnnamedSeries,
    Exemplar,
}

/// Whether labels must have commas between them. The Prometheus format forgives missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commas {
    Required,
    Optional,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ListRules {
    pub(crate) of: ListOf,
    pub(crate) commas: Commas,
    pub(crate) utf8: Utf8,
}

/// Checks a list whose opening brace was read, up to its closing brace. `entry` is where the entry
/// starts. The result says whether the metric name was in the list.
pub(crate) fn check_list<'a>(
    lexer: &mut impl Lex<'a>,
    entry: usize,
    rules: ListRules,
) -> Result<bool, ParseError> {
    let mut has_name = false;
    let mut token = lexer.next();
    loop {
        let is_quoted = match token {
            Token::BraceClose => return Ok(has_name),
            Token::LabelName => false,
            Token::Quoted => true,
            _ => {
                return Err(lexer
                    .cursor()
                    .unexpected(entry, "expected label name", token));
            }
        };
        let name = lexer.cursor().token();
        if is_quoted && rules.utf8 == Utf8::Unchecked && std::str::from_utf8(name).is_err() {
            let message = format!("invalid UTF-8 label name: {}", quote_bytes(name));
            return Err(lexer.cursor().error(entry, message));
        }

        token = lexer.next();
        if is_quoted && matches!(token, Token::Comma | Token::BraceClose) {
            if rules.of == ListOf::Exemplar {
                return Err(lexer
                    .cursor()
                    .unexpected(entry, "expected label name", token));
            }
            if has_name || rules.of == ListOf::NamedSeries {
                return Err(lexer.cursor().wrong(entry, "metric name already set"));
            }
            has_name = true;
            if token == Token::BraceClose {
                return Ok(true);
            }
            token = lexer.next();
            continue;
        }
        if token != Token::Equal {
            return Err(lexer.cursor().unexpected(entry, "expected equal", token));
        }
        token = lexer.next();
        if token != Token::LabelValue {
            return Err(lexer
                .cursor()
                .unexpected(entry, "expected label value", token));
        }
        let value = lexer.cursor().token();
        if rules.utf8 == Utf8::Unchecked && std::str::from_utf8(value).is_err() {
            let message = format!("invalid UTF-8 label value: {}", quote_bytes(value));
            return Err(lexer.cursor().error(entry, message));
        }
        token = lexer.next();
        if token == Token::Comma {
            token = lexer.next();
        } else if token != Token::BraceClose && rules.commas == Commas::Required {
            return Err(lexer
                .cursor()
                .unexpected(entry, "expected comma or brace close", token));
        }
    }
}
