//! Execution: a walk over the tree with the dot, the variables and the output.
//!
//! Like Go, it remembers the node it touched last (`at`); an error is reported there, even where that is an
//! argument that was fine. Every error ends the execution.

mod call;
mod eval;
mod field;

pub(crate) use field::method;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Branch, BranchKind, List, Located, Node, NodeKind, Pipe, Tree};
use crate::error::{ExecError, Failure, Place};
use crate::format::{Printer, sprint};
use crate::function::{FunctionTable, Scope};
use crate::options::Options;
use crate::set::TemplateSet;
use crate::value::Value;

/// Trees ready to run: those of a set, after escaping if they are HTML.
pub(crate) struct Program<'a> {
    pub(crate) set: &'a TemplateSet,
    pub(crate) trees: &'a BTreeMap<String, Arc<Tree>>,
    pub(crate) functions: &'a FunctionTable,
}

impl Program<'_> {
    fn options(&self) -> &Options {
        self.set.options()
    }
}

/// What is left of the limits, shared by nested executions.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: usize,
    depth: usize,
}

impl Budget {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            steps: options.limits.steps_max,
            depth: options.limits.depth_max,
        }
    }
}

pub(crate) fn execute(
    program: &Program<'_>,
    name: &str,
    dot: &Value,
    budget: &mut Budget,
) -> Result<String, ExecError> {
    let Some(tree) = program.trees.get(name) else {
        let name = name.to_owned();
        let message = format!(
            "{} is an incomplete or empty template",
            crate::quote::go_quote(&name)
        );
        return Err(Failure {
            name,
            place: None,
            message,
        }
        .into());
    };
    let mut state = State {
        program,
        tree,
        at: None,
        vars: vec![("$".to_owned(), dot.clone())],
        out: Printer::new(program.options().limits.output_bytes_max),
        budget,
    };
    state.list(dot, &tree.root)?;
    state.out.finish().map_err(|_| {
        let message = "the output is too long".to_owned();
        Failure {
            name: name.to_owned(),
            place: None,
            message,
        }
        .into()
    })
}

/// For functions that run outside of any execution.
pub(crate) struct NoScope;

impl Scope for NoScope {
    fn execute(&mut self, name: &str, _dot: &Value) -> Result<String, ExecError> {
        let message = "no templates to execute here".to_owned();
        Err(Failure {
            name: name.to_owned(),
            place: None,
            message,
        }
        .into())
    }

    fn render(&mut self, _text: &str, dot: &Value) -> Result<String, ExecError> {
        self.execute("", dot)
    }
}

struct State<'p, 'b> {
    program: &'p Program<'p>,
    tree: &'p Tree,
    at: Option<&'p dyn Located>,
    vars: Vec<(String, Value)>,
    out: Printer,
    budget: &'b mut Budget,
}

const TOO_MANY_STEPS: &str = "the template takes too many steps";

type Exec<T> = Result<T, ExecError>;

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The value is anything printable, never an interface: an absent value prints as Go prints it.
pub(crate) fn printable(value: &Value) -> Value {
    if matches!(value, Value::Nil) {
        Value::str("<no value>")
    } else {
        value.clone()
    }
}

impl<'p> State<'p, '_> {
    fn fail(&self, message: impl Into<String>) -> ExecError {
        let place = self.at.map(|node| {
            let before = self.tree.text.get(..node.pos()).unwrap_or("");
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            Place {
                text_name: self.tree.parse_name.to_string(),
                line: 1 + before.matches('\n').count(),
                column: before.len() - line_start,
                node: node.to_string(),
            }
        });
        Failure {
            name: self.tree.name.clone(),
            place,
            message: message.into(),
        }
        .into()
    }

    fn step(&mut self, count: usize) -> Exec<()> {
        match self.budget.steps.checked_sub(count) {
            Some(left) => {
                self.budget.steps = left;
                Ok(())
            }
            None => Err(self.fail(TOO_MANY_STEPS)),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Exec<T>) -> Exec<T> {
        if self.budget.depth == 0 {
            let max = self.program.options().limits.depth_max;
            return Err(self.fail(format!("exceeded maximum template depth ({max})")));
        }
        self.budget.depth -= 1;
        let result = inner(self);
        self.budget.depth += 1;
        result
    }

    fn list(&mut self, dot: &Value, list: &'p List) -> Exec<Flow> {
        self.at = Some(list);
        self.deeper(|state| {
            for node in &list.nodes {
                let flow = state.node(dot, node)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }

    fn node(&mut self, dot: &Value, node: &'p Node) -> Exec<Flow> {
        self.at = Some(node);
        self.step(1)?;
        match &node.kind {
            NodeKind::Text(text) => self.out.push(text),
            NodeKind::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.at = Some(node);
                    self.print(&value, node)?;
                }
            }
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
            NodeKind::Branch(branch) => {
                let mark = self.vars.len();
                let flow = match branch.kind {
                    BranchKind::Range => self.range(dot, node, branch)?,
                    BranchKind::If | BranchKind::With => self.if_or_with(dot, branch)?,
                };
                self.vars.truncate(mark);
                return Ok(flow);
            }
            NodeKind::Template(name, pipe) => self.template(dot, name, pipe.as_ref())?,
        }
        if self.out.is_over() {
            return Err(self.fail("the output is too long"));
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value, node: &Node) -> Exec<()> {
        match value {
            Value::Str(text) | Value::Safe(_, text) => self.out.push(text),
            Value::Func(_) => {
                let ty = value.type_name();
                return Err(self.fail(format!("can't print {node} of type {ty}")));
            }
            _ => {
                let limit = self.program.options().limits.output_bytes_max;
                let text = sprint(&[printable(value)], limit)
                    .map_err(|_| self.fail("the output is too long"))?;
                self.out.push(pointed_to(value, &text));
            }
        }
        Ok(())
    }

    fn if_or_with(&mut self, dot: &Value, branch: &'p Branch) -> Exec<Flow> {
        let value = self.pipeline(dot, &branch.pipe)?;
        if value.truth() {
            let dot = if branch.kind == BranchKind::With {
                &value
            } else {
                dot
            };
            self.list(dot, &branch.list)
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise)
        } else {
            Ok(Flow::Next)
        }
    }

    fn range(&mut self, dot: &Value, node: &'p Node, branch: &'p Branch) -> Exec<Flow> {
        self.at = Some(node);
        let value = self.pipeline(dot, &branch.pipe)?;
        let plain = value.plain();
        let mut ran = false;
        match &plain {
            Value::Nil => {}
            Value::List(list) => {
                for (index, item) in list.items().iter().enumerate() {
                    ran = true;
                    let index = Value::int(i64::try_from(index).unwrap_or(i64::MAX));
                    if self.iteration(branch, index, item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.iter() {
                    ran = true;
                    if self.iteration(branch, Value::Str(key.clone()), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Int(..) | Value::Uint(..) => {
                if branch.pipe.decl.len() > 1 {
                    let text = self.sprint(&value)?;
                    let message =
                        format!("can't use {text} to iterate over more than one variable");
                    return Err(self.fail(message));
                }
                ran = self.count(branch, &plain)?;
            }
            _ => {
                let text = self.sprint(&value)?;
                let text = pointed_to(&value, &text);
                return Err(self.fail(format!("range can't iterate over {text}")));
            }
        }
        match &branch.otherwise {
            Some(otherwise) if !ran => self.list(dot, otherwise),
            _ => Ok(Flow::Next),
        }
    }

    /// `range 3`: 0, 1, 2 of the same type. Says whether the body ran.
    fn count(&mut self, branch: &'p Branch, end: &Value) -> Exec<bool> {
        let mut at: u64 = 0;
        loop {
            let item = match end {
                Value::Int(end, kind) if i128::from(at) < i128::from(*end) => {
                    Value::Int(i64::try_from(at).unwrap_or(i64::MAX), *kind)
                }
                Value::Uint(end, kind) if at < *end => Value::Uint(at, *kind),
                _ => return Ok(at > 0),
            };
            if self.iteration(branch, Value::Nil, &item)? == Flow::Break {
                return Ok(true);
            }
            at += 1;
        }
    }

    fn iteration(&mut self, branch: &'p Branch, index: Value, item: &Value) -> Exec<Flow> {
        self.step(1)?;
        let pipe = &branch.pipe;
        match (pipe.is_assign, pipe.decl.as_slice()) {
            (_, []) => {}
            (true, [only]) => self.set_var(only, item.clone())?,
            (true, [first, second, ..]) => {
                self.set_var(first, index)?;
                self.set_var(second, item.clone())?;
            }
            (false, [_]) => self.set_top_var(1, item.clone()),
            (false, [_, _, ..]) => {
                self.set_top_var(1, item.clone());
                self.set_top_var(2, index);
            }
        }
        let mark = self.vars.len();
        let flow = self.list(item, &branch.list)?;
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn template(&mut self, dot: &Value, name: &str, pipe: Option<&'p Pipe>) -> Exec<()> {
        let Some(tree) = self.program.trees.get(name) else {
            let name = crate::quote::go_quote(name);
            return Err(self.fail(format!("template {name} not defined")));
        };
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let caller = std::mem::replace(&mut self.tree, tree);
        let vars = std::mem::replace(&mut self.vars, vec![("$".to_owned(), dot.clone())]);
        self.list(&dot, &tree.root)?;
        self.tree = caller;
        self.vars = vars;
        Ok(())
    }

    fn set_var(&mut self, name: &str, value: Value) -> Exec<()> {
        match self.vars.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.fail(format!("undefined variable: {name}"))),
        }
    }

    /// The n-th variable from the top, counting from 1.
    fn set_top_var(&mut self, n: usize, value: Value) {
        if let Some((_, slot)) = self.vars.iter_mut().rev().nth(n - 1) {
            *slot = value;
        }
    }

    fn sprint(&self, value: &Value) -> Exec<String> {
        let limit = self.program.options().limits.output_bytes_max;
        sprint(std::slice::from_ref(value), limit).map_err(|_| self.fail("the output is too long"))
    }
}

/// What an action prints of a pointer is what it points to.
fn pointed_to<'t>(value: &Value, text: &'t str) -> &'t str {
    match value {
        Value::Object(object) if object.display().is_none() => {
            text.strip_prefix('&').unwrap_or(text)
        }
        _ => text,
    }
}

impl Scope for State<'_, '_> {
    fn execute(&mut self, name: &str, dot: &Value) -> Result<String, ExecError> {
        let program = self.program;
        self.deeper(|state| {
            program
                .set
                .execute_inner(name, dot, program.functions, state.budget)
        })
    }

    fn render(&mut self, text: &str, dot: &Value) -> Result<String, ExecError> {
        let program = self.program;
        self.deeper(|state| {
            program
                .set
                .render_inner(text, dot, program.functions, state.budget)
        })
    }

    fn charge(&mut self, steps: usize) -> Result<(), String> {
        self.budget.steps = self.budget.steps.checked_sub(steps).ok_or(TOO_MANY_STEPS)?;
        Ok(())
    }

    fn text_bytes_max(&self) -> usize {
        self.program.options().limits.output_bytes_max
    }
}
