//! What follows a selector: `[5m]`, `[5m:1m]`, `offset 5m`, `@ 100`, `anchored`, `smoothed`.

use diag::Span;
use model::Timestamp;

use super::super::ast::{
    At, Boundary, DurationArg, Expr, MatrixSelector, Subquery, VectorSelector,
};
use super::super::error::ParseErrorKind;
use super::super::lexer::Kind;
use super::{Parsed, Parser, Unwind};

/// What `offset` and `@` set.
struct Target<'e> {
    offset: &'e mut DurationArg,
    at: &'e mut Option<At>,
    end: &'e mut usize,
}

const NOT_A_SELECTOR: &str = "ranges only allowed for vector selectors";
const DURATION_EXPECTED: &str = "number, duration, step(), or range()";

impl Parser<'_> {
    /// At the left bracket.
    pub(super) fn bracket(&mut self, expr: Expr) -> Parsed<Expr> {
        let open = self.bump();
        let height = self.height;
        let range = match self.positive_duration() {
            Ok(range) => range,
            Err(Unwind::Syntax) => {
                self.unexpected("subquery or range selector", DURATION_EXPECTED);
                return Ok(expr);
            }
            Err(Unwind::Abort) => return Err(Unwind::Abort),
        };
        self.height = height;
        match self.peek() {
            Kind::RightBracket => {
                let close = self.bump();
                Ok(self.matrix(expr, range, open.span.join(close.span)))
            }
            Kind::Colon => {
                self.bump();
                self.subquery(expr, range)
            }
            _ => {
                self.unexpected("subquery or range", "\":\" or \"]\"");
                Ok(expr)
            }
        }
    }

    fn matrix(&mut self, expr: Expr, range: DurationArg, bracket_span: Span) -> Expr {
        let span = Span {
            start: expr.span().start,
            end: self.last_closing,
        };
        let problem = match &expr {
            Expr::Vector(selector) if !selector.offset.is_zero() => {
                Some("no offset modifiers allowed before range")
            }
            Expr::Vector(selector) if selector.at.is_some() => {
                Some("no @ modifiers allowed before range")
            }
            Expr::Vector(_) => None,
            _ => Some(NOT_A_SELECTOR),
        };
        if let Some(message) = problem {
            self.syntax_error(bracket_span, message);
        }
        let selector = match expr {
            Expr::Vector(selector) => *selector,
            other => {
                self.broken_matrix_end = Some(span.end);
                // An error was reported, so no caller sees it.
                VectorSelector {
                    name: String::new(),
                    matchers: Vec::new(),
                    offset: DurationArg::ZERO,
                    at: None,
                    boundary: Boundary::Plain,
                    span: other.span(),
                }
            }
        };
        Expr::Matrix(Box::new(MatrixSelector {
            selector,
            range,
            span,
        }))
    }

    /// After the colon.
    fn subquery(&mut self, expr: Expr, range: DurationArg) -> Parsed<Expr> {
        let height = self.height;
        let mut step = None;
        if self.peek() != Kind::RightBracket {
            step = match self.positive_duration() {
                Ok(step) => Some(step),
                Err(Unwind::Syntax) => {
                    let expected = "number, duration, step(), range(), or \"]\"";
                    self.unexpected("subquery selector", expected);
                    return Ok(expr);
                }
                Err(Unwind::Abort) => return Err(Unwind::Abort),
            };
            if self.peek() != Kind::RightBracket {
                self.unexpected("subquery selector", "\"]\"");
                return Ok(expr);
            }
        }
        let close = self.bump();
        self.set_height(height, 0)?;
        Ok(Expr::Subquery(Box::new(Subquery {
            span: Span {
                start: expr.span().start,
                end: close.span.end,
            },
            expr,
            range,
            step,
            offset: DurationArg::ZERO,
            at: None,
        })))
    }

    /// At `offset`.
    pub(super) fn offset(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.bump();
        let height = self.height;
        let offset = match self.offset_duration() {
            Ok(offset) => offset,
            Err(Unwind::Syntax) => {
                self.unexpected("offset", DURATION_EXPECTED);
                return Ok(expr);
            }
            Err(Unwind::Abort) => return Err(Unwind::Abort),
        };
        self.height = height;
        let span = expr.span();
        let last_closing = self.last_closing;
        if let Some(target) = self.target(&mut expr, "offset") {
            *target.end = last_closing;
            if target.offset.is_zero() {
                *target.offset = offset;
            } else {
                self.syntax_error(span, "offset may not be set multiple times");
            }
        }
        Ok(expr)
    }

    /// At `@`.
    pub(super) fn at(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.bump();
        match self.at_operand(&expr) {
            Ok(at) => {
                let span = expr.span();
                let last_closing = self.last_closing;
                if let Some(target) = self.target(&mut expr, "@") {
                    if target.at.is_some() {
                        self.syntax_error(span, "@ <timestamp> may not be set multiple times");
                    } else {
                        *target.at = Some(at);
                        *target.end = last_closing;
                    }
                }
                Ok(expr)
            }
            Err(Unwind::Syntax) => {
                self.unexpected("@", "timestamp");
                Ok(expr)
            }
            Err(Unwind::Abort) => Err(Unwind::Abort),
        }
    }

    fn at_operand(&mut self, expr: &Expr) -> Parsed<At> {
        match self.peek() {
            kind @ (Kind::Start | Kind::End) => {
                self.bump();
                self.expect(Kind::LeftParen)?;
                self.expect(Kind::RightParen)?;
                Ok(match kind {
                    Kind::Start => At::Start,
                    _ => At::End,
                })
            }
            _ => {
                let seconds = self.signed_number()?;
                Ok(At::Timestamp(self.timestamp(seconds, expr.span())))
            }
        }
    }

    /// An optional sign and a number or duration.
    pub(super) fn signed_number(&mut self) -> Parsed<f64> {
        let mut is_negative = false;
        while !self.peek().is_number() && !self.peek().is_sign() {
            self.drop_unfit()?;
        }
        if self.peek().is_sign() {
            is_negative = self.bump().kind == Kind::Sub;
        }
        let value = self.unsigned_number()?;
        Ok(if is_negative { -value } else { value })
    }

    pub(super) fn unsigned_number(&mut self) -> Parsed<f64> {
        while !self.peek().is_number() {
            self.drop_unfit()?;
        }
        let token = self.bump();
        Ok(self.number_value(token))
    }

    fn timestamp(&mut self, seconds: f64, span: Span) -> Timestamp {
        /// 2^63, the bound of the peers' check.
        const BOUND: f64 = 9_223_372_036_854_775_808.0;
        if seconds.is_nan() || seconds.abs() >= BOUND {
            let shown = if seconds.is_finite() {
                format!("{seconds:.6}")
            } else {
                model::format::float_plain(seconds)
            };
            let message = format!("timestamp out of bounds for @ modifier: {shown}");
            self.syntax_error(span, message);
        }
        Timestamp::from_seconds(seconds)
    }

    /// None if the modifier does not fit the expression, which is then reported.
    fn target<'e>(&mut self, expr: &'e mut Expr, modifier: &str) -> Option<Target<'e>> {
        let span = expr.span();
        match expr {
            Expr::Vector(node) => {
                let node = node.as_mut();
                Some(Target {
                    offset: &mut node.offset,
                    at: &mut node.at,
                    end: &mut node.span.end,
                })
            }
            Expr::Matrix(_) if self.broken_matrix_end == Some(span.end) => {
                self.syntax_error(span, NOT_A_SELECTOR);
                None
            }
            Expr::Matrix(node) => {
                let node = node.as_mut();
                Some(Target {
                    offset: &mut node.selector.offset,
                    at: &mut node.selector.at,
                    end: &mut node.span.end,
                })
            }
            Expr::Subquery(node) => {
                let node = node.as_mut();
                Some(Target {
                    offset: &mut node.offset,
                    at: &mut node.at,
                    end: &mut node.span.end,
                })
            }
            _ => {
                let message = format!(
                    "{modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                );
                self.syntax_error(span, message);
                None
            }
        }
    }

    /// At `anchored` or `smoothed`.
    pub(super) fn boundary(&mut self, mut expr: Expr) -> Expr {
        let token = self.bump();
        let span = expr.span();
        let boundary = match token.kind {
            Kind::Anchored => Boundary::Anchored,
            _ => Boundary::Smoothed,
        };
        let name = match boundary {
            Boundary::Anchored => "anchored",
            _ => "smoothed",
        };
        if !self.options.extended_range_selectors {
            let message = format!("{name} modifier is experimental and not enabled");
            self.not_enabled(span, message, "promql-extended-range-selectors");
            return expr;
        }
        let problem = match &mut expr {
            Expr::Vector(node) => set_boundary(&mut node.boundary, boundary),
            Expr::Matrix(_) if self.broken_matrix_end == Some(span.end) => None,
            Expr::Matrix(node) => set_boundary(&mut node.selector.boundary, boundary),
            Expr::Subquery(_) => Some(format!("{name} modifier is not supported for subqueries")),
            _ => Some(format!("{name} modifier not implemented")),
        };
        if let Some(message) = problem {
            self.report(ParseErrorKind::Type, span, message);
        }
        expr
    }
}

fn set_boundary(current: &mut Boundary, wanted: Boundary) -> Option<String> {
    if *current != Boundary::Plain && *current != wanted {
        return Some("anchored and smoothed modifiers cannot be used together".to_owned());
    }
    *current = wanted;
    None
}
