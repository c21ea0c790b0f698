//! The parser: recursive descent, with precedence climbing for operators.
//!
//! Which errors are reported, where, and how reading goes on after one, follows the peers' LALR grammar
//! with its `error` productions, so that messages match. The rules that this comes down to:
//!
//! - The next token is read only when a decision needs it. Problems found by the lexer and by the
//!   parser are reported in the order in which they are noticed.
//! - A token that does not fit unwinds ([`Unwind::Syntax`]) to the innermost construct that says what it
//!   expected there; that construct reports it and goes on with what it has.
//! - After such a report, tokens that do not fit are dropped silently ([`Parser::recovers`]) until three
//!   tokens have been accepted.
//! - Spans of selectors and aggregations end at the last closing token read, even if that is one token
//!   too many.

mod aggregate;
mod binary;
mod duration;
mod expr;
mod histogram;
mod labels;
mod modifiers;
mod series;

use diag::Span;
use model::{Labels, Matcher};

use super::ast::Expr;
use super::check;
use super::error::{ERRORS_MAX, ParseError, ParseErrorKind, ParseErrors};
use super::hint::hint;
use super::lexer::{Kind, Lexer, Token};

pub(super) use series::parse_series_description;

/// Nesting of parentheses, calls and signs; the parser's stack grows with it.
const NESTING_MAX: usize = 200;
/// Height of the tree; chains of operators (`a + b + c …`) make it grow without nesting.
const HEIGHT_MAX: usize = 1000;
/// Tokens to accept after an error before the next one is reported again.
const RECOVERY_TOKENS: u8 = 3;
/// Regular expressions in one query: compiling each may take milliseconds.
const REGEXES_MAX: usize = 1000;

/// What the peers' switch for experimental functions is called.
const EXPERIMENTAL_FUNCTIONS: &str = "promql-experimental-functions";

/// Which experimental syntax is allowed. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParserOptions {
    /// Functions and aggregations marked experimental.
    pub experimental_functions: bool,
    /// Arithmetic, `step()` and `range()` in durations.
    pub duration_expressions: bool,
    /// `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left`, `fill_right`.
    pub fill_modifiers: bool,
}

impl ParserOptions {
    pub const ALL: Self = Self {
        experimental_functions: true,
        duration_expressions: true,
        extended_range_selectors: true,
        fill_modifiers: true,
    };
}

/// Reads and checks an expression. All problems are collected.
pub fn parse(text: &str, options: &ParserOptions) -> Result<Expr, ParseErrors> {
    let mut parser = Parser::new(Lexer::new(text), options);
    let mut expr = None;
    if parser.peek() == Kind::Eof {
        let message = "no expression found in input".to_owned();
        parser.report(ParseErrorKind::Syntax, Span::default(), message);
    } else {
        let outcome = parser.expr(0);
        expr = parser.finish(outcome);
    }
    // The checker trusts the tree's shape, which only holds without syntax errors.
    if let Some(expr) = &mut expr
        && parser.errors.is_empty()
    {
        check::check(expr, text, &mut parser.errors);
    }
    parser.into_result(expr)
}

/// Reads a selector without range and modifiers: `name{label="value"}`. Unlike in a query, all its
/// matchers may match the empty value.
pub fn parse_metric_selector(text: &str) -> Result<Vec<Matcher>, ParseErrors> {
    let options = ParserOptions::default();
    let mut parser = Parser::new(Lexer::new(text), &options);
    let outcome = parser.selector();
    let selector = parser.finish(outcome);
    parser.into_result(selector.map(|selector| selector.matchers))
}

/// Reads the name and labels of one series: `name{label="value"}`.
pub fn parse_metric(text: &str) -> Result<Labels, ParseErrors> {
    let options = ParserOptions::default();
    let mut parser = Parser::new(Lexer::new(text), &options);
    let outcome = parser.metric();
    let labels = parser.finish(outcome);
    parser.into_result(labels)
}

/// Why a construct could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unwind {
    /// The next token does not fit; not yet reported.
    Syntax,
    /// The input ended while recovering, or a limit was hit: nothing more can be read.
    Abort,
}

type Parsed<T> = Result<T, Unwind>;

#[derive(Debug)]
struct Parser<'a> {
    lexer: Lexer<'a>,
    options: &'a ParserOptions,
    /// Read, not yet accepted.
    lookahead: Option<Token>,
    /// The latest token read: what "unexpected …" is about.
    latest: Token,
    /// The end of the latest token that can close a construct.
    last_closing: usize,
    errors: Vec<ParseError>,
    /// Tokens still to accept until errors are reported again.
    recovering: u8,
    nesting: usize,
    regexes: usize,
    /// Of the latest expression or duration expression returned.
    height: usize,
    /// The end of the latest range selector on something that is no selector.
    broken_matrix_end: Option<usize>,
}

impl<'a> Parser<'a> {
    fn new(lexer: Lexer<'a>, options: &'a ParserOptions) -> Self {
        let latest = Token {
            kind: Kind::Comment,
            span: Span::default(),
        };
        Self {
            lexer,
            options,
            lookahead: None,
            latest,
            last_closing: 0,
            errors: Vec::new(),
            recovering: 0,
            nesting: 0,
            regexes: 0,
            height: 0,
            broken_matrix_end: None,
        }
    }

    fn into_result<T>(self, value: Option<T>) -> Result<T, ParseErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ParseErrors::new(self.lexer.input(), self.errors)),
        }
    }

    fn report(&mut self, kind: ParseErrorKind, span: Span, message: String) {
        let hint = hint(&message).map(str::to_owned);
        self.report_with_hint(kind, span, message, hint);
    }

    fn report_with_hint(
        &mut self,
        kind: ParseErrorKind,
        span: Span,
        message: String,
        hint: Option<String>,
    ) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(ParseError {
                kind,
                span,
                message,
                hint,
            });
        }
    }

    /// Syntax that is there but not switched on; `feature` is the name of its switch.
    fn not_enabled(&mut self, span: Span, message: String, feature: &str) {
        let hint = format!("switch on the feature `{feature}`");
        self.report_with_hint(ParseErrorKind::NotEnabled, span, message, Some(hint));
    }

    fn syntax_error(&mut self, span: Span, message: impl Into<String>) {
        self.report(ParseErrorKind::Syntax, span, message.into());
    }

    /// The kind of the next token, which is read if it was not yet.
    fn peek(&mut self) -> Kind {
        match self.lookahead {
            Some(token) => token.kind,
            None => self.read(),
        }
    }

    fn read(&mut self) -> Kind {
        let token = loop {
            let token = self.lexer.next_token();
            if token.kind != Kind::Comment {
                break token;
            }
        };
        match token.kind {
            Kind::Error => {
                let (span, message) = self.lexer.error();
                let message = message.to_owned();
                self.syntax_error(span, message);
            }
            Kind::RightBrace
            | Kind::RightParen
            | Kind::RightBracket
            | Kind::Duration
            | Kind::Number => self.last_closing = token.span.end,
            _ => {}
        }
        self.latest = token;
        self.lookahead = Some(token);
        token.kind
    }

    /// Accepts the next token.
    fn bump(&mut self) -> Token {
        self.peek();
        self.recovering = self.recovering.saturating_sub(1);
        self.lookahead.take().unwrap_or(self.latest)
    }

    fn text(&self, token: Token) -> &'a str {
        self.lexer.text(token.span)
    }

    /// Whether a token that does not fit is to be dropped instead of reported.
    fn recovers(&self) -> bool {
        self.recovering == RECOVERY_TOKENS
    }

    /// Drops the next token because it does not fit, or says that it has to be reported.
    fn drop_unfit(&mut self) -> Parsed<()> {
        if !self.recovers() {
            return Err(Unwind::Syntax);
        }
        if self.peek().is_end() {
            return Err(Unwind::Abort);
        }
        self.lookahead = None;
        Ok(())
    }

    /// Accepts a token of this kind.
    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        while self.peek() != kind {
            self.drop_unfit()?;
        }
        Ok(self.bump())
    }

    /// Reports the latest token as unexpected and starts recovering. `context` and `expected` may be
    /// empty.
    fn unexpected(&mut self, context: &str, expected: &str) {
        self.recovering = RECOVERY_TOKENS;
        self.report_unexpected(context, expected);
    }

    fn report_unexpected(&mut self, context: &str, expected: &str) {
        // The lexer has reported it.
        if self.latest.kind == Kind::Error {
            return;
        }
        let mut message = format!(
            "unexpected {}",
            self.latest.kind.describe(self.text(self.latest))
        );
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.syntax_error(self.latest.span, message);
    }

    /// The end of the input after the outermost construct; reports what is there instead.
    fn finish<T>(&mut self, outcome: Parsed<T>) -> Option<T> {
        let value = match outcome {
            Ok(value) => {
                if !self.peek().is_end() && !self.recovers() {
                    self.unexpected("", "");
                }
                Some(value)
            }
            Err(Unwind::Syntax) => {
                self.unexpected("", "");
                None
            }
            Err(Unwind::Abort) => return None,
        };
        // The rest is read for problems that the lexer sees.
        while !self.peek().is_end() {
            self.lookahead = None;
        }
        value
    }

    /// Refuses what is nested too deeply.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return self.too_deep();
        }
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Sets the height of a node above children of these heights.
    fn set_height(&mut self, left: usize, right: usize) -> Parsed<()> {
        self.height = left.max(right) + 1;
        if self.height > HEIGHT_MAX {
            return self.too_deep();
        }
        Ok(())
    }

    fn too_deep<T>(&mut self) -> Parsed<T> {
        let message = format!(
            "expression is nested too deeply: more than {NESTING_MAX} levels, or {HEIGHT_MAX} operators in a chain"
        );
        self.report(ParseErrorKind::Limit, self.latest.span, message);
        Err(Unwind::Abort)
    }
}
