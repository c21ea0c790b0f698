//! The parsed form of a template, and its printing: error messages quote nodes in Go's canonical form.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::number::Number;

/// A parsed template body together with the text its positions count in.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The name under which `define` or the file gave it.
    pub(crate) name: String,
    /// The name of the text it was parsed from: that is what locations show.
    pub(crate) parse_name: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) root: List,
}

/// Anything an error can point at: a byte offset and the node's printed form.
pub(crate) trait Located: fmt::Display {
    fn pos(&self) -> usize;
}

#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) pos: usize,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) pos: usize,
    pub(crate) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Text(String),
    Action(Pipe),
    Branch(Box<Branch>),
    Template(String, Option<Pipe>),
    Break,
    Continue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BranchKind {
    If,
    Range,
    With,
}

#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) kind: BranchKind,
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: Option<List>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    pub(crate) is_assign: bool,
    /// Names with their `$`.
    pub(crate) decl: Vec<String>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) pos: usize,
    pub(crate) kind: ExprKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// The literal as written, and its value.
    String(String, Arc<str>),
    Identifier(String),
    /// `.A.B` without the dots.
    Field(Vec<String>),
    /// `$x.A.B`; the first name has its `$`.
    Variable(Vec<String>),
    Chain(Box<Expr>, Vec<String>),
    Pipe(Box<Pipe>),
}

impl List {
    /// Whether only space and comments are in it; such a definition does not replace another one.
    pub(crate) fn is_empty_tree(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| matches!(&node.kind, NodeKind::Text(text) if text.trim().is_empty()))
    }
}

impl Located for List {
    fn pos(&self) -> usize {
        self.pos
    }
}

impl Located for Node {
    fn pos(&self) -> usize {
        self.pos
    }
}

impl Located for Pipe {
    fn pos(&self) -> usize {
        self.pos
    }
}

impl Located for Command {
    fn pos(&self) -> usize {
        self.pos
    }
}

impl Located for Expr {
    fn pos(&self) -> usize {
        self.pos
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Text(text) => f.write_str(text),
            NodeKind::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            NodeKind::Branch(branch) => branch.fmt(f),
            NodeKind::Template(name, pipe) => {
                write!(f, "{{{{template {}", crate::quote::go_quote(name))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            NodeKind::Break => f.write_str("{{break}}"),
            NodeKind::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            BranchKind::If => "if",
            BranchKind::Range => "range",
            BranchKind::With => "with",
        };
        write!(f, "{{{{{name} {}}}}}{}", self.pipe, self.list)?;
        if let Some(otherwise) = &self.otherwise {
            write!(f, "{{{{else}}}}{otherwise}")?;
        }
        f.write_str("{{end}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.decl.is_empty() {
            f.write_str(&self.decl.join(", "))?;
            f.write_str(if self.is_assign { " = " } else { " := " })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                f.write_char(' ')?;
            }
            match &arg.kind {
                ExprKind::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => arg.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Dot => f.write_char('.'),
            ExprKind::Nil => f.write_str("nil"),
            ExprKind::Number(number) => f.write_str(&number.text),
            ExprKind::String(quoted, _) => f.write_str(quoted),
            ExprKind::Identifier(name) => f.write_str(name),
            ExprKind::Field(names) => write!(f, ".{}", names.join(".")),
            ExprKind::Variable(names) => f.write_str(&names.join(".")),
            ExprKind::Chain(node, fields) => {
                match &node.kind {
                    ExprKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => node.fmt(f)?,
                }
                write!(f, ".{}", fields.join("."))
            }
            ExprKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}
