//! The type checker: every problem of a well-formed tree, in the peers' words and order.

use std::collections::HashSet;

use diag::Span;
use model::format::go_quote;
use model::labels::METRIC_NAME;

use super::ast::{Aggregate, Binary, Call, Cardinality, Expr, ValueType, VectorSelector};
use super::error::{ERRORS_MAX, ParseError, ParseErrorKind};
use super::lexer::is_space;

/// Whether a selector may match every series.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyMatchers {
    Refused,
    Allowed,
}

/// Checks the tree and settles what depends on types: the cardinality of set operators, and no vector
/// matching where there are no two vectors.
pub(super) fn check(expr: &mut Expr, query: &str, errors: &mut Vec<ParseError>) {
    Checker { query, errors }.expr(expr);
}

struct Checker<'c> {
    query: &'c str,
    errors: &'c mut Vec<ParseError>,
}

impl Checker<'_> {
    #[cold]
    fn report(&mut self, span: Span, message: String) {
        if self.has_room() {
            self.errors.push(ParseError {
                kind: ParseErrorKind::Type,
                span,
                message,
                hint: None,
            });
        }
    }

    fn has_room(&self) -> bool {
        self.errors.len() < ERRORS_MAX
    }

    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        match expr {
            Expr::Number(_) => ValueType::Scalar,
            Expr::String(_) => ValueType::String,
            Expr::Vector(node) => {
                self.selector(node, EmptyMatchers::Refused);
                ValueType::Vector
            }
            Expr::Matrix(node) => {
                self.selector(&node.selector, EmptyMatchers::Refused);
                ValueType::Matrix
            }
            Expr::Paren(node) => self.expr(&mut node.expr),
            Expr::Call(node) => {
                self.call(node);
                node.function.return_type
            }
            Expr::Aggregate(node) => {
                self.aggregate(node);
                ValueType::Vector
            }
            Expr::Binary(node) => {
                self.binary(node);
                node.value_type
            }
            Expr::Unary(node) => {
                let value_type = self.expr(&mut node.expr);
                if !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got \"{}\"",
                        value_type.documented()
                    );
                    self.report(node.span, message);
                }
                value_type
            }
            Expr::Subquery(node) => {
                let value_type = self.expr(&mut node.expr);
                if value_type != ValueType::Vector {
                    let message = format!(
                        "subquery is only allowed on instant vector, got {value_type} instead"
                    );
                    self.report(node.span, message);
                }
                ValueType::Matrix
            }
        }
    }

    fn expect(&mut self, expr: &mut Expr, wanted: ValueType, context: &str) {
        let value_type = self.expr(expr);
        if value_type != wanted {
            let message = format!(
                "expected type {} in {context}, got {}",
                wanted.documented(),
                value_type.documented()
            );
            self.report(expr.span(), message);
        }
    }

    fn aggregate(&mut self, node: &mut Aggregate) {
        self.expect(&mut node.expr, ValueType::Vector, "aggregation expression");
        if let (Some(param), Some(wanted)) = (&mut node.param, node.op.param_type()) {
            self.expect(param, wanted, "aggregation parameter");
        }
    }

    fn call(&mut self, node: &mut Call) {
        let function = node.function;
        self.argument_count(node);
        let is_info = function.name == "info";
        if is_info && let Some(data) = node.args.get(1) {
            self.info_selector(data, node.span);
        }
        for (index, arg) in node.args.iter_mut().enumerate() {
            let wanted = match function.arg_types.get(index) {
                Some(wanted) => *wanted,
                None if function.variadic == 0 => break,
                None => match function.arg_types.last() {
                    Some(last) => *last,
                    None => break,
                },
            };
            let value_type = match arg {
                Expr::Vector(selector) if is_info && index == 1 && selector.name.is_empty() => {
                    self.selector(selector, EmptyMatchers::Allowed);
                    ValueType::Vector
                }
                _ => self.expr(arg),
            };
            if value_type != wanted {
                let message = format!(
                    "expected type {} in call to function \"{}\", got {}",
                    wanted.documented(),
                    function.name,
                    value_type.documented()
                );
                self.report(arg.span(), message);
            }
        }
    }

    fn argument_count(&mut self, node: &Call) {
        let function = node.function;
        let given = node.args.len();
        let least = function.args_min();
        let expected = match function.args_max() {
            Some(most) if most == least && given != least => format!("{least}"),
            _ if given < least => format!("at least {least}"),
            Some(most) if given > most => format!("at most {most}"),
            _ => return,
        };
        let message = format!(
            "expected {expected} argument(s) in call to \"{}\", got {given}",
            function.name
        );
        self.report(node.span, message);
    }

    /// The second argument of `info` is no query but matchers.
    fn info_selector(&mut self, data: &Expr, call_span: Span) {
        let value_type = data.value_type();
        if value_type != ValueType::Vector {
            let message = format!(
                "expected type instant vector in call to function \"info\", got {}",
                value_type.documented()
            );
            self.report(call_span, message);
        }
        let message = match data {
            Expr::Vector(selector) if selector.name.is_empty() => return,
            Expr::Vector(_) => "expected label selectors only, got vector selector instead",
            _ => "expected label selectors only",
        };
        self.report(data.span(), message.to_owned());
    }

    fn selector(&mut self, node: &VectorSelector, empty: EmptyMatchers) {
        if !node.name.is_empty() {
            // The last matcher is the one that the name stands for.
            let written = node.matchers.split_last().map_or(&[][..], |(_, rest)| rest);
            for matcher in written.iter().filter(|m| m.name() == METRIC_NAME) {
                if !self.has_room() {
                    break;
                }
                let message = format!(
                    "metric name must not be set twice: {} or {}",
                    go_quote(&node.name),
                    go_quote(matcher.value())
                );
                self.report(node.span, message);
            }
            return;
        }
        if empty == EmptyMatchers::Refused && node.matchers.iter().all(|m| m.matches_empty()) {
            let message = "vector selector must contain at least one non-empty matcher";
            self.report(node.span, message.to_owned());
        }
    }

    fn binary(&mut self, node: &mut Binary) {
        let lhs_type = self.expr(&mut node.lhs);
        let rhs_type = self.expr(&mut node.rhs);
        self.bool_modifier(node, lhs_type, rhs_type);
        if let Some(matching) = &mut node.matching
            && node.op.is_set()
            && matching.cardinality == Cardinality::OneToOne
        {
            matching.cardinality = Cardinality::ManyToMany;
        }
        self.labels_on_both_clauses(node);
        for (side, side_type) in [(&node.lhs, lhs_type), (&node.rhs, rhs_type)] {
            if !matches!(side_type, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                self.report(side.span(), message.to_owned());
            }
        }
        let are_vectors = lhs_type == ValueType::Vector && rhs_type == ValueType::Vector;
        self.matching(node, are_vectors);
        if !are_vectors {
            node.matching = None;
        }
        let has_scalar = lhs_type == ValueType::Scalar || rhs_type == ValueType::Scalar;
        if has_scalar && node.op.is_set() {
            let message = format!(
                "set operator \"{}\" not allowed in binary scalar expression",
                node.op
            );
            self.report(node.span, message);
        }
    }

    fn bool_modifier(&mut self, node: &Binary, lhs_type: ValueType, rhs_type: ValueType) {
        let are_scalars = lhs_type == ValueType::Scalar && rhs_type == ValueType::Scalar;
        if node.returns_bool && !node.op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            self.report(self.operator_span(node), message.to_owned());
        }
        if node.op.is_comparison() && !node.returns_bool && are_scalars {
            let message = "comparisons between scalars must use BOOL modifier";
            self.report(self.operator_span(node), message.to_owned());
        }
    }

    fn labels_on_both_clauses(&mut self, node: &Binary) {
        let Some(matching) = &node.matching else {
            return;
        };
        if !matching.is_on || matching.include.is_empty() {
            return;
        }
        let include: HashSet<&str> = matching.include.iter().map(String::as_str).collect();
        let mut twice = matching
            .labels
            .iter()
            .filter(|label| include.contains(label.as_str()))
            .take(ERRORS_MAX)
            .peekable();
        if twice.peek().is_none() {
            return;
        }
        let span = self.operator_span(node);
        for label in twice {
            let message = format!(
                "label {} must not occur in ON and GROUP clause at once",
                go_quote(label)
            );
            self.report(span, message);
        }
    }

    fn matching(&mut self, node: &Binary, are_vectors: bool) {
        let Some(matching) = &node.matching else {
            return;
        };
        let has_fill = matching.fill.lhs.is_some() || matching.fill.rhs.is_some();
        if !are_vectors {
            if !matching.labels.is_empty() {
                let message = "vector matching only allowed between instant vectors";
                self.report(node.span, message.to_owned());
            }
            if has_fill {
                let message = "filling in missing series only allowed between instant vectors";
                self.report(node.span, message.to_owned());
            }
        } else if node.op.is_set() {
            if matching.cardinality != Cardinality::ManyToMany {
                let message = format!("no grouping allowed for \"{}\" operation", node.op);
                self.report(node.span, message);
                let message = "set operations must always be many-to-many";
                self.report(node.span, message.to_owned());
            }
            if has_fill {
                let message = "filling in missing series not allowed for set operators";
                self.report(node.span, message.to_owned());
            }
        }
    }

    /// The operator and its modifiers without the space around them; the end is, as in the peers, that
    /// of the byte before the last.
    fn operator_span(&self, node: &Binary) -> Span {
        let bytes = self.query.as_bytes();
        let is_space_at = |at: usize| bytes.get(at).is_some_and(|byte| is_space(*byte));
        let mut start = node.lhs.span().end;
        while is_space_at(start) {
            start += 1;
        }
        let mut end = node.rhs.span().start.saturating_sub(1);
        while end > start && is_space_at(end) {
            end -= 1;
        }
        Span { start, end }
    }
}
