//! Binary operators: precedence, and the modifiers between operator and right side.

use super::super::ast::{
    Binary, BinaryOp, Cardinality, Expr, FillValues, Sign, ValueType, VectorMatching,
};
use super::super::lexer::Kind;
use super::{Parsed, Parser};

/// The tightest; signs bind just below it.
pub(super) const PRECEDENCE_POW: u8 = 6;

/// The operator and its precedence.
pub(super) fn binary_op(kind: Kind) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        Kind::Or => (BinaryOp::Or, 1),
        Kind::And => (BinaryOp::And, 2),
        Kind::Unless => (BinaryOp::Unless, 2),
        Kind::EqualEqual => (BinaryOp::Equal, 3),
        Kind::NotEqual => (BinaryOp::NotEqual, 3),
        Kind::Less => (BinaryOp::Less, 3),
        Kind::LessOrEqual => (BinaryOp::LessOrEqual, 3),
        Kind::Greater => (BinaryOp::Greater, 3),
        Kind::GreaterOrEqual => (BinaryOp::GreaterOrEqual, 3),
        Kind::TrimUpper => (BinaryOp::TrimUpper, 3),
        Kind::TrimLower => (BinaryOp::TrimLower, 3),
        Kind::Add => (BinaryOp::Add, 4),
        Kind::Sub => (BinaryOp::Sub, 4),
        Kind::Mul => (BinaryOp::Mul, 5),
        Kind::Div => (BinaryOp::Div, 5),
        Kind::Mod => (BinaryOp::Mod, 5),
        Kind::Atan2 => (BinaryOp::Atan2, 5),
        Kind::Pow => (BinaryOp::Pow, PRECEDENCE_POW),
        _ => return None,
    })
}

/// What an operator's right side must bind with at least: only powers group from the right.
pub(super) fn right_precedence(precedence: u8) -> u8 {
    precedence + u8::from(precedence != PRECEDENCE_POW)
}

struct Modifiers {
    returns_bool: bool,
    matching: VectorMatching,
}

impl Parser<'_> {
    /// At the operator.
    pub(super) fn binary(&mut self, lhs: Expr, op: BinaryOp, precedence: u8) -> Parsed<Expr> {
        self.bump();
        let modifiers = self.binary_modifiers()?;
        let rhs = self.expr(right_precedence(precedence))?;
        let span = diag::Span {
            start: lhs.span().start,
            end: rhs.span().end,
        };
        let fill = modifiers.matching.fill;
        if !self.options.fill_modifiers && (fill.lhs.is_some() || fill.rhs.is_some()) {
            let message = "binop fill modifiers are experimental and not enabled".to_owned();
            self.not_enabled(span, message, "promql-binop-fill-modifiers");
        }
        let is_scalar =
            lhs.value_type() == ValueType::Scalar && rhs.value_type() == ValueType::Scalar;
        Ok(Expr::Binary(Box::new(Binary {
            op,
            lhs,
            rhs,
            matching: Some(modifiers.matching),
            returns_bool: modifiers.returns_bool,
            value_type: if is_scalar {
                ValueType::Scalar
            } else {
                ValueType::Vector
            },
            span,
        })))
    }

    fn binary_modifiers(&mut self) -> Parsed<Modifiers> {
        let mut matching = VectorMatching {
            cardinality: Cardinality::OneToOne,
            is_on: false,
            labels: Vec::new(),
            include: Vec::new(),
            fill: FillValues::default(),
        };
        let returns_bool = self.peek() == Kind::Bool;
        if returns_bool {
            self.bump();
        }
        if matches!(self.peek(), Kind::On | Kind::Ignoring) {
            matching.is_on = self.bump().kind == Kind::On;
            matching.labels = self.grouping_labels()?;
            let cardinality = match self.peek() {
                Kind::GroupLeft => Some(Cardinality::ManyToOne),
                Kind::GroupRight => Some(Cardinality::OneToMany),
                _ => None,
            };
            if let Some(cardinality) = cardinality {
                self.bump();
                matching.cardinality = cardinality;
                matching.include = self.optional_grouping_labels()?;
            }
        }
        matching.fill = self.fill_modifiers()?;
        Ok(Modifiers {
            returns_bool,
            matching,
        })
    }

    fn fill_modifiers(&mut self) -> Parsed<FillValues> {
        let mut fill = FillValues::default();
        match self.peek() {
            Kind::Fill => {
                self.bump();
                fill.lhs = Some(self.fill_value()?);
                fill.rhs = fill.lhs;
            }
            Kind::FillLeft => {
                self.bump();
                fill.lhs = Some(self.fill_value()?);
                if self.peek() == Kind::FillRight {
                    self.bump();
                    fill.rhs = Some(self.fill_value()?);
                }
            }
            Kind::FillRight => {
                self.bump();
                fill.rhs = Some(self.fill_value()?);
                if self.peek() == Kind::FillLeft {
                    self.bump();
                    fill.lhs = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(fill)
    }

    /// `(1)`, `(-5m)`
    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect(Kind::LeftParen)?;
        let mut sign = Sign::Plus;
        let is_unsigned = |kind: Kind| kind.is_number();
        while !is_unsigned(self.peek()) && !self.peek().is_sign() {
            self.drop_unfit()?;
        }
        if self.peek().is_sign() {
            sign = self.sign().0;
        }
        while !is_unsigned(self.peek()) {
            self.drop_unfit()?;
        }
        let value = self.number_literal().value;
        self.expect(Kind::RightParen)?;
        Ok(match sign {
            Sign::Minus => -value,
            Sign::Plus => value,
        })
    }
}
