//! The text of a tree broken into lines.
//!
//! A node whose canonical text is longer than the width is split into its parts, each one level deeper;
//! everything else stays on one line. Selectors and literals are never split.

use std::fmt::{self, Write};

use super::ast::Expr;
use super::print::{AggregateText, OperatorText, SubquerySuffix};

/// The width that the peers' API formats with.
pub const PRETTY_WIDTH: usize = 100;

/// Formats an expression for people; `width` is in bytes of a node's text without indentation.
pub fn pretty(expr: &Expr, width: usize) -> String {
    let mut printer = Printer {
        width,
        out: String::new(),
    };
    printer.expr(expr, 0);
    printer.out
}

struct Printer {
    width: usize,
    out: String,
}

impl Printer {
    fn expr(&mut self, expr: &Expr, level: usize) {
        match expr {
            // Not indented when it fits: a quirk of the peers that diffs of formatted rules would show.
            Expr::Subquery(_) if !self.is_too_long(expr) => self.push(expr),
            Expr::Subquery(node) => {
                self.expr(&node.expr, level);
                self.push(SubquerySuffix(node));
            }
            Expr::Unary(node) => {
                self.indent(level);
                self.out.push_str(node.sign.as_str());
                let start = self.out.len();
                self.expr(&node.expr, level);
                self.trim_from(start);
            }
            Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => {
                self.indent(level);
                self.push(expr);
            }
            Expr::Call(_) | Expr::Aggregate(_) | Expr::Binary(_) | Expr::Paren(_) => {
                if self.is_too_long(expr) {
                    self.split(expr, level);
                } else {
                    self.indent(level);
                    self.push(expr);
                }
            }
        }
    }

    fn split(&mut self, expr: &Expr, level: usize) {
        match expr {
            Expr::Call(node) => {
                self.indent(level);
                self.push(node.function.name);
                self.out.push_str("(\n");
                for (index, arg) in node.args.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(",\n");
                    }
                    self.expr(arg, level + 1);
                }
                self.close(level);
            }
            Expr::Aggregate(node) => {
                self.indent(level);
                self.push(AggregateText(node));
                self.out.push_str("(\n");
                if let Some(param) = &node.param {
                    self.expr(param, level + 1);
                    self.out.push_str(",\n");
                }
                self.expr(&node.expr, level + 1);
                self.close(level);
            }
            Expr::Paren(node) => {
                self.indent(level);
                self.out.push_str("(\n");
                self.expr(&node.expr, level + 1);
                self.close(level);
            }
            Expr::Binary(node) => {
                self.expr(&node.lhs, level + 1);
                self.out.push('\n');
                self.indent(level);
                self.push(OperatorText(node));
                self.out.push('\n');
                self.expr(&node.rhs, level + 1);
            }
            _ => self.push(expr),
        }
    }

    fn close(&mut self, level: usize) {
        self.out.push('\n');
        self.indent(level);
        self.out.push(')');
    }

    fn indent(&mut self, level: usize) {
        for _ in 0..level {
            self.out.push_str("  ");
        }
    }

    fn push(&mut self, text: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{text}");
    }

    /// Removes white space at the ends of what was written since `start`.
    fn trim_from(&mut self, start: usize) {
        self.out.truncate(self.out.trim_end().len().max(start));
        let blanks = self.out[start..].len() - self.out[start..].trim_start().len();
        self.out.replace_range(start..start + blanks, "");
    }

    fn is_too_long(&self, expr: &Expr) -> bool {
        let mut budget = Budget { left: self.width };
        write!(budget, "{expr}").is_err()
    }
}

/// Counts instead of writing and fails when the width is used up: asking every node of a large tree
/// whether it fits costs the width each, not its whole text.
struct Budget {
    left: usize,
}

impl Write for Budget {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.left = self.left.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
