//! Durations in brackets and after `offset`, with arithmetic where it is switched on.

use diag::Span;

use super::super::ast::{DurationArg, DurationExpr, DurationKind, DurationOp, NumberLiteral, Sign};
use super::super::lexer::Kind;
use super::super::literal::seconds_to_duration;
use super::binary::{PRECEDENCE_POW, right_precedence};
use super::{Parsed, Parser};

/// Literals must fit 64-bit nanoseconds.
const SECONDS_MAX: f64 = 9_223_372_036.854_776;

impl Parser<'_> {
    /// A range or step: greater than zero, as far as is known.
    pub(super) fn positive_duration(&mut self) -> Parsed<DurationArg> {
        let duration = self.duration(0)?;
        self.peek();
        if let DurationKind::Number(number) = &duration.kind
            && number.value <= 0.0
        {
            self.syntax_error(number.span, "duration must be greater than 0");
            return Ok(DurationArg::ZERO);
        }
        Ok(into_arg(duration))
    }

    /// After `offset`. A literal, a call or something in parentheses after a sign ends the modifier:
    /// `x offset -2 ^ 2` is `(x offset -2) ^ 2`. Anything else is a duration expression that takes all
    /// operators that follow.
    pub(super) fn offset_duration(&mut self) -> Parsed<DurationArg> {
        match self.peek() {
            Kind::Number | Kind::Duration => {
                let literal = self.duration_literal();
                Ok(into_arg(literal))
            }
            Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf => {
                let call = self.duration_call()?;
                self.check_enabled(call.span);
                Ok(into_arg(call))
            }
            Kind::Add | Kind::Sub => self.signed_offset(),
            Kind::LeftParen => self.duration(0).map(into_arg),
            _ => {
                self.drop_unfit()?;
                self.offset_duration()
            }
        }
    }

    fn signed_offset(&mut self) -> Parsed<DurationArg> {
        let (sign, sign_span) = self.sign();
        match self.peek() {
            Kind::Number | Kind::Duration => {
                let literal = self.number_literal();
                let literal = self.apply_sign(sign, sign_span, number(literal));
                Ok(into_arg(literal))
            }
            Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf => {
                let call = self.duration_call()?;
                let signed = signed(sign, sign_span, call);
                self.check_enabled(signed.span);
                Ok(into_arg(signed))
            }
            Kind::LeftParen => {
                self.bump();
                let inner = self.duration(0)?;
                self.expect(Kind::RightParen)?;
                let start = inner.span.start;
                let wrapped = wrap(inner, start);
                Ok(into_arg(self.apply_sign(sign, sign_span, wrapped)))
            }
            _ => {
                let inner = self.duration(PRECEDENCE_POW)?;
                let signed = self.apply_sign(sign, sign_span, inner);
                self.duration_after(signed, 0).map(into_arg)
            }
        }
    }

    fn duration(&mut self, precedence_min: u8) -> Parsed<DurationExpr> {
        self.nested(|parser| {
            parser.height = 1;
            let operand = parser.duration_operand()?;
            parser.duration_after(operand, precedence_min)
        })
    }

    fn duration_operand(&mut self) -> Parsed<DurationExpr> {
        match self.peek() {
            Kind::Number | Kind::Duration => Ok(self.duration_literal()),
            Kind::Add | Kind::Sub => {
                let (sign, span) = self.sign();
                let operand = self.duration(PRECEDENCE_POW)?;
                self.set_height(self.height, 0)?;
                Ok(self.apply_sign(sign, span, operand))
            }
            Kind::LeftParen => {
                let open = self.bump();
                let inner = self.duration(0)?;
                self.expect(Kind::RightParen)?;
                self.check_enabled(inner.span);
                Ok(wrap(inner, open.span.start))
            }
            Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf => {
                let call = self.duration_call()?;
                self.check_enabled(call.span);
                Ok(call)
            }
            _ => {
                self.drop_unfit()?;
                self.duration_operand()
            }
        }
    }

    fn duration_after(
        &mut self,
        mut lhs: DurationExpr,
        precedence_min: u8,
    ) -> Parsed<DurationExpr> {
        loop {
            let (op, precedence) = match self.peek() {
                Kind::Add => (DurationOp::Add, 4),
                Kind::Sub => (DurationOp::Sub, 4),
                Kind::Mul => (DurationOp::Mul, 5),
                Kind::Div => (DurationOp::Div, 5),
                Kind::Mod => (DurationOp::Mod, 5),
                Kind::Pow => (DurationOp::Pow, PRECEDENCE_POW),
                _ => return Ok(lhs),
            };
            if precedence < precedence_min {
                return Ok(lhs);
            }
            let lhs_height = self.height;
            let op_span = self.bump().span;
            let rhs = self.duration(right_precedence(precedence))?;
            self.set_height(lhs_height, self.height)?;
            self.check_enabled(lhs.span);
            let by_zero = match op {
                DurationOp::Div => Some("division by zero"),
                DurationOp::Mod => Some("modulo by zero"),
                _ => None,
            };
            if let Some(message) = by_zero
                && matches!(&rhs.kind, DurationKind::Number(number) if number.value == 0.0)
            {
                self.syntax_error(op_span, message);
                lhs = nothing();
                continue;
            }
            lhs = DurationExpr {
                span: between(&lhs, &rhs),
                kind: DurationKind::Binary {
                    op,
                    lhs: Box::new(lhs),
                    rhs: Box::new(rhs),
                },
                is_wrapped: false,
            };
        }
    }

    /// `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`
    fn duration_call(&mut self) -> Parsed<DurationExpr> {
        let name = self.bump();
        self.expect(Kind::LeftParen)?;
        let op = match name.kind {
            Kind::MaxOf => DurationOp::MaxOf,
            Kind::MinOf => DurationOp::MinOf,
            kind => {
                let close = self.expect(Kind::RightParen)?;
                return Ok(DurationExpr {
                    kind: match kind {
                        Kind::Range => DurationKind::Range,
                        _ => DurationKind::Step,
                    },
                    is_wrapped: false,
                    span: name.span.join(close.span),
                });
            }
        };
        let lhs = self.duration(0)?;
        let lhs_height = self.height;
        self.expect(Kind::Comma)?;
        let rhs = self.duration(0)?;
        self.set_height(lhs_height, self.height)?;
        self.expect(Kind::RightParen)?;
        Ok(DurationExpr {
            span: between(&lhs, &rhs),
            kind: DurationKind::Binary {
                op,
                lhs: Box::new(lhs),
                rhs: Box::new(rhs),
            },
            is_wrapped: false,
        })
    }

    fn duration_literal(&mut self) -> DurationExpr {
        let literal = self.number_literal();
        if is_out_of_range(literal.value) {
            self.syntax_error(literal.span, "duration out of range");
            return nothing();
        }
        number(literal)
    }

    /// Folds the sign into a literal; `+` vanishes elsewhere.
    fn apply_sign(&mut self, sign: Sign, sign_span: Span, operand: DurationExpr) -> DurationExpr {
        if let DurationKind::Number(mut literal) = operand.kind {
            if sign == Sign::Minus {
                literal.value = -literal.value;
            }
            if is_out_of_range(literal.value) {
                self.syntax_error(sign_span, "duration out of range");
                return nothing();
            }
            literal.span.start = sign_span.start;
            return number(literal);
        }
        match sign {
            Sign::Plus => operand,
            Sign::Minus => signed(sign, sign_span, operand),
        }
    }

    fn check_enabled(&mut self, span: Span) {
        if !self.options.duration_expressions {
            let message = "experimental duration expression is not enabled".to_owned();
            self.not_enabled(span, message, "promql-duration-expr");
        }
    }
}

fn number(literal: NumberLiteral) -> DurationExpr {
    DurationExpr {
        kind: DurationKind::Number(literal),
        is_wrapped: false,
        span: literal.span,
    }
}

/// Stands for what was refused.
fn nothing() -> DurationExpr {
    number(NumberLiteral {
        value: 0.0,
        is_duration: false,
        span: Span::default(),
    })
}

fn signed(sign: Sign, sign_span: Span, operand: DurationExpr) -> DurationExpr {
    DurationExpr {
        span: Span {
            start: sign_span.start,
            end: operand.span.end,
        },
        kind: DurationKind::Unary {
            sign,
            operand: Box::new(operand),
        },
        is_wrapped: false,
    }
}

/// Marks as parenthesised; a literal becomes the operand of a plus, which is not printed.
fn wrap(inner: DurationExpr, start: usize) -> DurationExpr {
    let mut wrapped = match inner.kind {
        DurationKind::Number(_) => signed(Sign::Plus, Span::new(start, start), inner),
        _ => inner,
    };
    wrapped.is_wrapped = true;
    wrapped
}

fn between(lhs: &DurationExpr, rhs: &DurationExpr) -> Span {
    Span {
        start: lhs.span.start,
        end: rhs.span.end,
    }
}

/// The peers let `NaN` through and get a nonsensical duration.
fn is_out_of_range(seconds: f64) -> bool {
    seconds.is_nan() || seconds.abs() > SECONDS_MAX
}

fn into_arg(duration: DurationExpr) -> DurationArg {
    match &duration.kind {
        DurationKind::Number(number) => DurationArg::Fixed(seconds_to_duration(number.value)),
        _ => DurationArg::Expr(Box::new(duration)),
    }
}
