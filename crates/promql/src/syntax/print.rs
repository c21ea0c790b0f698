//! The canonical text of a tree. Matchers come sorted, so that equal selectors print equally.

use std::fmt::{self, Display, Write};

use model::format::{float_general, float_plain, go_quote};
use model::labels::METRIC_NAME;
use model::name::is_legacy_label_name;
use model::{Duration, MatchOp, Matcher};

use super::ast::{
    Aggregate, At, Binary, Boundary, Call, Cardinality, DurationArg, DurationExpr, DurationKind,
    DurationOp, Expr, MatrixSelector, NumberLiteral, Subquery, VectorMatching, VectorSelector,
};
use super::literal::quote_bytes;

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(node) => node.fmt(f),
            Self::String(node) => f.write_str(&match &node.invalid_utf8 {
                Some(bytes) => readable(&quote_bytes(bytes)),
                None => readable(&go_quote(&node.value)),
            }),
            Self::Vector(node) => node.fmt(f),
            Self::Matrix(node) => node.fmt(f),
            Self::Subquery(node) => write!(f, "{}{}", node.expr, SubquerySuffix(node)),
            Self::Call(node) => node.fmt(f),
            Self::Aggregate(node) => node.fmt(f),
            Self::Binary(node) => {
                write!(f, "{} {} {}", node.lhs, OperatorText(node), node.rhs)
            }
            Self::Unary(node) => write!(f, "{}{}", node.sign.as_str(), node.expr),
            Self::Paren(node) => write!(f, "({})", node.expr),
        }
    }
}

/// Quoted text that the lexer takes: U+FFFD as it stands is refused there, as in the peer, whose printer
/// writes it nevertheless.
fn readable(quoted: &str) -> String {
    quoted.replace(char::REPLACEMENT_CHARACTER, "\\ufffd")
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_duration {
            return f.write_str(&float_plain(self.value));
        }
        // The peer prints no sign of a negative zero, and so another query.
        if self.value.is_sign_negative() {
            f.write_char('-')?;
        }
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let nanos = (self.value.abs() * 1e9) as i64;
        Duration::from_millis(nanos / 1_000_000).fmt(f)
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_matchers(f, self)?;
        write_at(f, self.at)?;
        write_boundary(f, self.boundary)?;
        write_offset(f, &self.offset)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_matchers(f, &self.selector)?;
        write!(f, "[{}]", self.range)?;
        write_boundary(f, self.selector.boundary)?;
        write_at(f, self.selector.at)?;
        write_offset(f, &self.selector.offset)
    }
}

fn write_matchers(f: &mut fmt::Formatter<'_>, selector: &VectorSelector) -> fmt::Result {
    f.write_str(&selector.name)?;
    let is_name = |matcher: &&Matcher| {
        matcher.name() == METRIC_NAME
            && matcher.op() == MatchOp::Equal
            && matcher.value() == selector.name
            && !selector.name.is_empty()
    };
    let mut texts: Vec<String> = selector
        .matchers
        .iter()
        .filter(|matcher| !is_name(matcher))
        .map(|matcher| readable(&matcher.to_string()))
        .collect();
    if texts.is_empty() {
        return Ok(());
    }
    texts.sort_unstable();
    write!(f, "{{{}}}", texts.join(","))
}

fn write_at(f: &mut fmt::Formatter<'_>, at: Option<At>) -> fmt::Result {
    match at {
        Some(At::Timestamp(time)) => write!(f, " @ {:.3}", time.seconds()),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        None => Ok(()),
    }
}

fn write_boundary(f: &mut fmt::Formatter<'_>, boundary: Boundary) -> fmt::Result {
    f.write_str(match boundary {
        Boundary::Plain => "",
        Boundary::Anchored => " anchored",
        Boundary::Smoothed => " smoothed",
    })
}

fn write_offset(f: &mut fmt::Formatter<'_>, offset: &DurationArg) -> fmt::Result {
    if offset.is_zero() {
        return Ok(());
    }
    write!(f, " offset {offset}")
}

impl Display for DurationArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(duration) => duration.fmt(f),
            Self::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_wrapped {
            f.write_char('(')?;
        }
        match &self.kind {
            DurationKind::Number(number) => number.fmt(f)?,
            DurationKind::Step => f.write_str("step()")?,
            DurationKind::Range => f.write_str("range()")?,
            // A plus is never printed: it is only there to carry parentheses.
            DurationKind::Unary { sign, operand } => match sign {
                super::ast::Sign::Minus => write!(f, "-{operand}")?,
                super::ast::Sign::Plus => operand.fmt(f)?,
            },
            DurationKind::Binary { op, lhs, rhs } => match op {
                DurationOp::MinOf | DurationOp::MaxOf => {
                    write!(f, "{}({lhs}, {rhs})", op.as_str())?;
                }
                _ => write!(f, "{lhs} {} {rhs}", op.as_str())?,
            },
        }
        if self.is_wrapped {
            f.write_char(')')?;
        }
        Ok(())
    }
}

/// `[1h:5m] @ 100.000 offset 5m`
pub(super) struct SubquerySuffix<'a>(pub(super) &'a Subquery);

impl Display for SubquerySuffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.0;
        write!(f, "[{}:", node.range)?;
        if let Some(step) = node.step.as_ref().filter(|step| !step.is_zero()) {
            step.fmt(f)?;
        }
        f.write_char(']')?;
        write_at(f, node.at)?;
        write_offset(f, &node.offset)
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name)?;
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            arg.fmt(f)?;
        }
        f.write_char(')')
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", AggregateText(self))?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}

/// `sum by (a) `, up to the parenthesis.
pub(super) struct AggregateText<'a>(pub(super) &'a Aggregate);

impl Display for AggregateText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.0;
        f.write_str(node.op.as_str())?;
        if node.is_without {
            write!(f, " without ({}) ", LabelList(&node.grouping))?;
        } else if !node.grouping.is_empty() {
            write!(f, " by ({}) ", LabelList(&node.grouping))?;
        }
        Ok(())
    }
}

struct LabelList<'a>(&'a [String]);

impl Display for LabelList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, label) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if is_legacy_label_name(label) {
                f.write_str(label)?;
            } else {
                f.write_str(&readable(&go_quote(label)))?;
            }
        }
        Ok(())
    }
}

/// `== bool on (a) group_left (b)`
pub(super) struct OperatorText<'a>(pub(super) &'a Binary);

impl Display for OperatorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        if self.0.returns_bool {
            f.write_str(" bool")?;
        }
        match &self.0.matching {
            Some(matching) => matching.fmt(f),
            None => Ok(()),
        }
    }
}

/// With a leading space, or nothing.
impl Display for VectorMatching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = match self.cardinality {
            Cardinality::ManyToOne => Some("group_left"),
            Cardinality::OneToMany => Some("group_right"),
            Cardinality::OneToOne | Cardinality::ManyToMany => None,
        };
        if self.is_on || !self.labels.is_empty() || group.is_some() {
            let clause = if self.is_on { "on" } else { "ignoring" };
            write!(f, " {clause} ({})", LabelList(&self.labels))?;
        }
        if let Some(group) = group {
            write!(f, " {group} ({})", LabelList(&self.include))?;
        }
        match (self.fill.lhs, self.fill.rhs) {
            (Some(lhs), Some(rhs)) if lhs == rhs => write!(f, " fill ({})", float_general(lhs)),
            (lhs, rhs) => {
                if let Some(lhs) = lhs {
                    write!(f, " fill_left ({})", float_general(lhs))?;
                }
                if let Some(rhs) = rhs {
                    write!(f, " fill_right ({})", float_general(rhs))?;
                }
                Ok(())
            }
        }
    }
}
