//! A position in a page, with the moves that both lexers need and the peer's error texts.

use std::borrow::Cow;

use crate::error::ParseError;
use crate::quote::quote_bytes;
use crate::text::token::Token;

/// Whether the whole page is known to be UTF-8, so that its parts need no check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Utf8 {
    Checked,
    Unchecked,
}

/// What ends a quoted string too early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoting {
    pub(crate) newline_ends: bool,
    pub(crate) nul_ends: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) body: &'a [u8],
    /// Length with the newline that the Prometheus format adds at the end of a page.
    length: usize,
    /// Where the current token starts.
    pub(crate) start: usize,
    /// After the current token; in an invalid token, the byte that does not fit.
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            length: body.len(),
            start: 0,
            at: 0,
        }
    }

    pub(crate) fn with_final_newline(body: &'a [u8]) -> Self {
        Self {
            body,
            length: body.len() + 1,
            start: 0,
            at: 0,
        }
    }

    #[inline]
    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        match self.body.get(at) {
            Some(byte) => Some(*byte),
            None if at < self.length => Some(b'\n'),
            None => None,
        }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.byte(self.at)
    }

    #[inline]
    pub(crate) fn token(&self) -> &'a [u8] {
        self.slice(self.start, self.at)
    }

    /// Bytes of the page; the added newline is not part of it.
    #[inline]
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        let end = end.min(self.body.len());
        self.body.get(start.min(end)..end).unwrap_or_default()
    }

    /// Moves on while bytes are accepted.
    #[inline]
    pub(crate) fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while let Some(byte) = self.peek() {
            if !accept(byte) {
                break;
            }
            self.at += 1;
        }
    }

    /// A metric name: letters, digits, `_` and `:`, no digit first. The first byte was looked at.
    #[inline]
    pub(crate) fn skip_metric_name(&mut self) {
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
    }

    #[inline]
    pub(crate) fn skip_label_name(&mut self) {
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    }

    /// A string that starts with a quote at the current position. False if it does not end; the position
    /// is then where it went wrong.
    #[inline]
    pub(crate) fn quoted(&mut self, quoting: Quoting) -> bool {
        self.at += 1;
        loop {
            let rest = self.body.get(self.at..).unwrap_or_default();
            let found = if quoting.newline_ends {
                memchr::memchr3(b'"', b'\\', b'\n', rest)
            } else {
                memchr::memchr2(b'"', b'\\', rest)
            };
            let stretch = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
            if quoting.nul_ends
                && let Some(nul) = memchr::memchr(0, stretch)
            {
                self.at += nul;
                return false;
            }
            let Some(found) = found else {
                self.at = if quoting.newline_ends {
                    self.body.len()
                } else {
                    self.length
                };
                return false;
            };
            self.at += found;
            match self.byte(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return true;
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.byte(self.at) {
                        None | Some(b'\n') => return false,
                        Some(0) if quoting.nul_ends => return false,
                        Some(_) => self.at += 1,
                    }
                }
                _ => return false,
            }
        }
    }

    /// What the page says between two places, with the added newline.
    fn excerpt(&self, start: usize, end: usize) -> String {
        let end = end.min(self.length);
        let mut text = self.slice(start, end).to_vec();
        if end > self.body.len() {
            text.push(b'\n');
        }
        quote_bytes(&text)
    }

    #[cold]
    pub(crate) fn error(&self, entry: usize, message: String) -> ParseError {
        let entry = entry.min(self.body.len());
        ParseError {
            message,
            offset: entry,
            line: 1 + memchr::memchr_iter(b'\n', self.slice(0, entry)).count(),
        }
    }

    /// `wanted` was expected, and the current token came.
    #[cold]
    pub(crate) fn unexpected(&self, entry: usize, wanted: &str, got: Token) -> ParseError {
        let message = format!(
            "{wanted}, got {} ({:?}) while parsing: {}",
            self.excerpt(self.start, self.at + 1),
            got.as_str(),
            self.excerpt(entry, self.at + 1)
        );
        self.error(entry, message)
    }

    /// `problem` shows after the current token.
    #[cold]
    pub(crate) fn wrong(&self, entry: usize, problem: &str) -> ParseError {
        let message = format!("{problem} while parsing: {}", self.excerpt(entry, self.at));
        self.error(entry, message)
    }
}

/// The name of a `HELP`, `TYPE` or `UNIT` line without its quotes, if it has any.
pub(crate) fn unquoted(token: &[u8]) -> &[u8] {
    match token {
        [b'"', inner @ .., b'"'] => inner,
        _ => token,
    }
}

/// Text for people: what is not UTF-8 becomes replacement characters.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
