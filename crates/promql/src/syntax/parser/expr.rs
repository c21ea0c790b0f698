//! Expressions: operands, calls, parentheses, and the climb over operators.

use diag::Span;
use model::format::go_quote;

use super::super::ast::{
    AggregateOp, Call, Expr, NumberLiteral, Paren, Sign, StringLiteral, Unary,
};
use super::super::error::{ERRORS_MAX, ParseErrorKind};
use super::super::functions::{FUNCTIONS, Function, function};
use super::super::lexer::{Kind, Token};
use super::super::literal;
use super::binary::{PRECEDENCE_POW, binary_op};
use super::{EXPERIMENTAL_FUNCTIONS, Parsed, Parser};

/// Longer words are not worth a guess.
const GUESS_BYTES_MAX: usize = 64;

impl Parser<'_> {
    /// An expression whose operators bind at least as tightly as `precedence_min`.
    pub(super) fn expr(&mut self, precedence_min: u8) -> Parsed<Expr> {
        self.nested(|parser| {
            let operand = parser.operand()?;
            parser.expr_after(operand, precedence_min)
        })
    }

    /// What follows an operand: modifiers, then operators.
    pub(super) fn expr_after(&mut self, mut lhs: Expr, precedence_min: u8) -> Parsed<Expr> {
        loop {
            let kind = self.peek();
            match kind {
                Kind::LeftBracket => lhs = self.bracket(lhs)?,
                Kind::Offset => lhs = self.offset(lhs)?,
                Kind::At => lhs = self.at(lhs)?,
                Kind::Anchored | Kind::Smoothed => lhs = self.boundary(lhs),
                _ => match binary_op(kind) {
                    Some((op, precedence)) if precedence >= precedence_min => {
                        let lhs_height = self.height;
                        lhs = self.binary(lhs, op, precedence)?;
                        self.set_height(lhs_height, self.height)?;
                    }
                    _ => return Ok(lhs),
                },
            }
        }
    }

    fn operand(&mut self) -> Parsed<Expr> {
        self.height = 1;
        loop {
            let kind = self.peek();
            return match kind {
                Kind::Identifier => {
                    let name = self.bump();
                    match self.peek() {
                        Kind::LeftParen => self.call(name),
                        _ => self.named_selector(name),
                    }
                }
                Kind::Number | Kind::Duration => Ok(Expr::Number(self.number_literal())),
                Kind::LeftParen => self.paren(),
                Kind::LeftBrace => self.selector().map(|node| Expr::Vector(Box::new(node))),
                Kind::String => {
                    let token = self.bump();
                    Ok(Expr::String(self.string_literal(token)))
                }
                Kind::Add | Kind::Sub => self.unary(),
                _ if kind.is_aggregator() => {
                    let op = self.bump();
                    match self.peek() {
                        Kind::LeftParen | Kind::By | Kind::Without => self.aggregate(op),
                        _ => self.named_selector(op),
                    }
                }
                _ if kind.is_function_word() => {
                    let name = self.bump();
                    match self.peek() {
                        Kind::LeftParen => self.call(name),
                        _ => self.named_selector(name),
                    }
                }
                _ if kind.is_metric_name() => {
                    let name = self.bump();
                    self.named_selector(name)
                }
                _ => {
                    self.drop_unfit()?;
                    continue;
                }
            };
        }
    }

    fn named_selector(&mut self, name: Token) -> Parsed<Expr> {
        self.selector_named(name)
            .map(|node| Expr::Vector(Box::new(node)))
    }

    fn string_literal(&self, token: Token) -> StringLiteral {
        let (value, invalid_utf8) = match literal::unquote_bytes(self.text(token)) {
            Ok(value) => (value, None),
            Err(bytes) => {
                let value = String::from_utf8_lossy(&bytes).into_owned();
                (value, Some(bytes.into_boxed_slice()))
            }
        };
        StringLiteral {
            value,
            invalid_utf8,
            span: token.span,
        }
    }

    /// At a number or duration token.
    pub(super) fn number_literal(&mut self) -> NumberLiteral {
        let token = self.bump();
        let is_duration = token.kind == Kind::Duration;
        NumberLiteral {
            value: self.number_value(token),
            is_duration,
            span: token.span,
        }
    }

    pub(super) fn number_value(&mut self, token: Token) -> f64 {
        let text = self.text(token);
        let value = match token.kind {
            Kind::Duration => literal::duration_seconds(text).map_err(|error| error.to_string()),
            _ => literal::number(text),
        };
        value.unwrap_or_else(|message| {
            // What does not fit a float is infinite to the checks that follow, as in the peers.
            let is_too_large =
                message.ends_with(literal::OUT_OF_RANGE) && token.kind == Kind::Number;
            self.syntax_error(token.span, message);
            if is_too_large { f64::INFINITY } else { 0.0 }
        })
    }

    pub(super) fn sign(&mut self) -> (Sign, Span) {
        let token = self.bump();
        let sign = match token.kind {
            Kind::Sub => Sign::Minus,
            _ => Sign::Plus,
        };
        (sign, token.span)
    }

    /// Signs bind like multiplication: `-a ^ b` is `-(a ^ b)`, `-a * b` is `(-a) * b`.
    fn unary(&mut self) -> Parsed<Expr> {
        let (sign, span) = self.sign();
        let operand = self.expr(PRECEDENCE_POW)?;
        if let Expr::Number(mut number) = operand {
            if sign == Sign::Minus {
                number.value = -number.value;
            }
            number.span.start = span.start;
            return Ok(Expr::Number(number));
        }
        self.set_height(self.height, 0)?;
        let span = Span::new(span.start, operand.span().end);
        Ok(Expr::Unary(Box::new(Unary {
            sign,
            expr: operand,
            span,
        })))
    }

    fn paren(&mut self) -> Parsed<Expr> {
        let open = self.bump();
        let mut expr = self.expr(0)?;
        while self.peek() != Kind::RightParen {
            self.drop_unfit()?;
            expr = self.expr_after(expr, 0)?;
        }
        let close = self.bump();
        self.set_height(self.height, 0)?;
        let span = open.span.join(close.span);
        Ok(Expr::Paren(Box::new(Paren { expr, span })))
    }

    /// At the parenthesis after a function's name.
    fn call(&mut self, name: Token) -> Parsed<Expr> {
        let args = self.call_body()?;
        let function = self.look_up(name);
        Ok(Expr::Call(Call {
            function,
            args,
            span: Span::new(name.span.start, self.last_closing),
        }))
    }

    fn look_up(&mut self, name: Token) -> &'static Function {
        let text = self.text(name);
        let Some(found) = function(text) else {
            let message = format!("unknown function with name {}", go_quote(text));
            let hint = self.guess_function(text);
            let kind = ParseErrorKind::UnknownFunction;
            self.report_with_hint(kind, name.span, message, hint);
            // Any function will do: with an error reported, the tree is not returned.
            return &FUNCTIONS[0];
        };
        if found.is_experimental && !self.options.experimental_functions {
            let message = format!("function \"{text}\" is not enabled");
            self.not_enabled(name.span, message, EXPERIMENTAL_FUNCTIONS);
        }
        found
    }

    fn guess_function(&self, text: &str) -> Option<String> {
        if text.len() > GUESS_BYTES_MAX || self.errors.len() >= ERRORS_MAX {
            return None;
        }
        let is_usable =
            |entry: &&Function| !entry.is_experimental || self.options.experimental_functions;
        let functions = FUNCTIONS.iter().filter(is_usable).map(|entry| entry.name);
        let aggregations = AggregateOp::ALL.iter().map(|op| op.as_str());
        let guess = diag::did_you_mean(text, functions.chain(aggregations))?;
        Some(format!("did you mean `{guess}`?"))
    }

    /// `(arguments)`
    pub(super) fn call_body(&mut self) -> Parsed<Vec<Expr>> {
        self.expect(Kind::LeftParen)?;
        let mut args = Vec::new();
        loop {
            match self.peek() {
                Kind::RightParen => {
                    self.bump();
                    self.height = 1;
                    return Ok(args);
                }
                kind if kind.starts_expression() => break,
                _ => self.drop_unfit()?,
            }
        }
        args.push(self.expr(0)?);
        let mut height = self.height;
        loop {
            match self.peek() {
                Kind::Comma => {
                    let comma = self.bump();
                    if self.peek().starts_expression() {
                        args.push(self.expr(0)?);
                        height = height.max(self.height);
                    } else {
                        let message = "trailing commas not allowed in function call args";
                        self.syntax_error(comma.span, message);
                    }
                }
                Kind::RightParen => {
                    self.bump();
                    self.set_height(height, 0)?;
                    return Ok(args);
                }
                _ => self.drop_unfit()?,
            }
        }
    }
}
