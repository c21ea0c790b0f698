//! Fields and templates that a text names and that are not there, whatever the data hold. Every branch is followed
//! with values that only stand for their types; nothing is executed, so no branch is missed.
//!
//! What a function gives is unknown, except for `index`, and unknown values have every field.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Source, Span, did_you_mean};

use crate::ast::{
    Branch, BranchKind, Command, Expr, ExprKind, List, Located, NodeKind, Pipe, Tree,
};
use crate::exec::{NoScope, method};
use crate::object::Field;
use crate::quote::go_quote;
use crate::value::Value;

/// A value that stands for its type; none where only a run tells.
type Known = Option<Value>;

/// How many problems are told; a text may have as many as it has bytes.
const PROBLEMS_MAX: usize = 50;

/// What is wrong in the nameless template, which is that of `source`, and in those that it calls, when its dot is
/// like `data`.
pub(super) fn problems(
    trees: &BTreeMap<String, Arc<Tree>>,
    data: &Value,
    source: &Source,
) -> Diagnostics {
    let mut walk = Walk {
        trees,
        source,
        waiting: Vec::new(),
        seen: HashSet::new(),
        problems: Diagnostics::new(),
    };
    walk.call("", known(data.clone()));
    while let Some((tree, dot)) = walk.waiting.pop() {
        let mut assigned = HashSet::new();
        collect_assigned(&tree.root, &mut assigned);
        let mut body = Body {
            walk: &mut walk,
            tree,
            variables: vec![("$", dot.clone())],
            assigned: &assigned,
        };
        body.list(&dot, &tree.root);
    }
    walk.problems
}

struct Walk<'t> {
    trees: &'t BTreeMap<String, Arc<Tree>>,
    /// The nameless text; others are known by their names.
    source: &'t Source,
    /// Templates with the types of their dots.
    waiting: Vec<(&'t Arc<Tree>, Known)>,
    /// Names of templates and of types that have been waiting.
    seen: HashSet<(&'t str, String)>,
    problems: Diagnostics,
}

impl Walk<'_> {
    /// Whether there is such a template; it is looked at later.
    fn call(&mut self, name: &str, dot: Known) -> bool {
        let Some((name, tree)) = self.trees.get_key_value(name) else {
            return false;
        };
        let type_name = dot.as_ref().map_or_else(String::new, Value::type_name);
        if self.seen.insert((name, type_name)) {
            self.waiting.push((tree, dot));
        }
        true
    }
}

/// One template on its way.
struct Body<'w, 't> {
    walk: &'w mut Walk<'t>,
    tree: &'t Tree,
    variables: Vec<(&'t str, Known)>,
    /// Variables that get a second value somewhere: their types are not followed.
    assigned: &'w HashSet<&'t str>,
}

impl<'t> Body<'_, 't> {
    fn list(&mut self, dot: &Known, list: &'t List) {
        let mark = self.variables.len();
        for node in &list.nodes {
            match &node.kind {
                NodeKind::Text(_) | NodeKind::Break | NodeKind::Continue => {}
                NodeKind::Action(pipe) => {
                    let value = self.pipe(dot, pipe);
                    self.declare(pipe, value);
                }
                NodeKind::Branch(branch) => self.branch(dot, branch),
                NodeKind::Template(name, pipe) => {
                    let value = pipe.as_ref().and_then(|pipe| self.pipe(dot, pipe));
                    if !self.walk.call(name, value) && self.has_room() {
                        let after = self.tree.text.get(node.pos..).unwrap_or_default();
                        let start = node.pos + after.find(name.as_str()).unwrap_or_default();
                        let span = Span::new(start, start + name.len());
                        let names = self.walk.trees.keys().map(String::as_str);
                        let hint = did_you_mean(name, names.filter(|name| !name.is_empty()));
                        let hint = hint.map(|known| format!("did you mean `{known}`?"));
                        let name = go_quote(name);
                        self.tell(span, format!("template {name} not defined"), hint);
                    }
                }
            }
        }
        self.variables.truncate(mark);
    }

    fn branch(&mut self, dot: &Known, branch: &'t Branch) {
        let mark = self.variables.len();
        let value = self.pipe(dot, &branch.pipe);
        let inner = match branch.kind {
            BranchKind::If => dot.clone(),
            BranchKind::With => value.clone(),
            BranchKind::Range => value.as_ref().and_then(element),
        };
        match (branch.kind, branch.pipe.decl.as_slice()) {
            (BranchKind::Range, [item]) => self.variables.push((item, inner.clone())),
            (BranchKind::Range, [key, item]) => {
                self.variables.push((key, None));
                self.variables.push((item, inner.clone()));
            }
            (BranchKind::Range, _) => {}
            _ => self.declare(&branch.pipe, value),
        }
        self.list(&inner, &branch.list);
        if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise);
        }
        self.variables.truncate(mark);
    }

    fn declare(&mut self, pipe: &'t Pipe, value: Known) {
        if !pipe.is_assign
            && let [name] = pipe.decl.as_slice()
        {
            self.variables.push((name, value));
        }
    }

    fn pipe(&mut self, dot: &Known, pipe: &'t Pipe) -> Known {
        let mut last = None;
        for (position, command) in pipe.commands.iter().enumerate() {
            last = self.command(dot, command, position > 0);
        }
        last
    }

    fn command(&mut self, dot: &Known, command: &'t Command, is_piped: bool) -> Known {
        let (first, arguments) = command.args.split_first()?;
        let arguments: Vec<Known> = arguments
            .iter()
            .map(|argument| self.expr(dot, argument))
            .collect();
        match &first.kind {
            ExprKind::Identifier(name) if name == "index" && !is_piped => {
                let (container, keys) = arguments.split_first()?;
                let step = |container: Known, _| element(&container?);
                keys.iter().fold(container.clone(), step)
            }
            ExprKind::Identifier(_) => None,
            _ => {
                let value = self.expr(dot, first);
                // What a method with arguments gives is unknown.
                value.filter(|_| arguments.is_empty() && !is_piped)
            }
        }
    }

    fn expr(&mut self, dot: &Known, expr: &'t Expr) -> Known {
        match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Field(names) => self.chain(dot.clone(), expr, names),
            ExprKind::Variable(names) => {
                let (name, fields) = names.split_first()?;
                let value = self.variable(name);
                self.chain(value, expr, fields)
            }
            ExprKind::Chain(inner, names) => {
                let value = self.expr(dot, inner);
                self.chain(value, expr, names)
            }
            ExprKind::Pipe(pipe) => self.pipe(dot, pipe),
            ExprKind::String(_, text) => Some(Value::Str(Arc::clone(text))),
            ExprKind::Bool(_) | ExprKind::Nil | ExprKind::Number(_) | ExprKind::Identifier(_) => {
                None
            }
        }
    }

    fn variable(&self, name: &str) -> Known {
        if self.assigned.contains(name) {
            return None;
        }
        let mut variables = self.variables.iter().rev();
        variables.find(|(known, _)| *known == name)?.1.clone()
    }

    fn chain(&mut self, mut value: Known, expr: &Expr, names: &[String]) -> Known {
        for name in names {
            match field(&value?, name) {
                Ok(next) => value = next,
                Err(missing) => {
                    if self.has_room() {
                        let (message, hint) = missing.told(name);
                        self.tell(self.span_of(expr, name), message, hint);
                    }
                    return None;
                }
            }
        }
        value
    }

    /// Where a field of an expression stands. Positions of expressions are those that Go counts: of a chain, one
    /// within it.
    fn span_of(&self, expr: &Expr, name: &str) -> Span {
        let (text, pos) = (&self.tree.text, expr.pos());
        let length = expr.to_string().len();
        let from = text.floor_char_boundary(pos.saturating_sub(length));
        let to = text.ceil_char_boundary(pos.saturating_add(length));
        let around = text.get(from..to).unwrap_or_default();
        let found = around.find(&format!(".{name}"));
        let start = found.map_or(pos, |found| from + found);
        Span::new(start, start + 1 + name.len())
    }

    fn tell(&mut self, span: Span, message: String, hint: Option<String>) {
        let source = match self.tree.parse_name.is_empty() {
            true => self.walk.source.clone(),
            false => Source::new(&*self.tree.parse_name, &*self.tree.text),
        };
        let problem = Diagnostic::warning("template-fails", message).at(&source, span);
        let problem = hint.into_iter().fold(problem, Diagnostic::hint);
        self.walk.problems.push(problem);
    }

    /// Looking for what was meant takes a while, so it is not done for what is not told.
    fn has_room(&self) -> bool {
        self.walk.problems.len() < PROBLEMS_MAX
    }
}

/// The names that `=` gives another value.
fn collect_assigned<'t>(list: &'t List, assigned: &mut HashSet<&'t str>) {
    let mut lists = vec![list];
    while let Some(list) = lists.pop() {
        for node in &list.nodes {
            let pipe = match &node.kind {
                NodeKind::Action(pipe) => pipe,
                NodeKind::Branch(branch) => {
                    lists.push(&branch.list);
                    lists.extend(&branch.otherwise);
                    &branch.pipe
                }
                _ => continue,
            };
            if pipe.is_assign {
                assigned.extend(pipe.decl.iter().map(String::as_str));
            }
        }
    }
}

fn known(value: Value) -> Known {
    (!matches!(value, Value::Nil)).then_some(value)
}

/// What `range` and `index` give.
fn element(value: &Value) -> Known {
    if let Some(list) = value.as_list() {
        let first = list.items().first().cloned();
        return known(first.unwrap_or_else(|| list.elem().zero()));
    }
    value.as_map().and_then(|map| known(map.elem().zero()))
}

/// A field that is not there.
struct Missing<'v> {
    value: &'v Value,
    fields: Vec<Field>,
}

/// The value of a field, or why there can be none.
fn field<'v>(value: &'v Value, name: &str) -> Result<Known, Missing<'v>> {
    if let Some(method) = method(value, name) {
        let is_plain = method.params().is_empty() && !method.is_variadic();
        let result = is_plain.then(|| method.call(&mut NoScope, &[]).ok());
        return Ok(result.flatten().and_then(known));
    }
    let mut fields = Vec::new();
    if let Value::Object(object) = value {
        if let Some(value) = object.field(name) {
            return Ok(known(value));
        }
        fields = object.fields();
        fields.retain(|field| !field.json.is_empty());
    }
    if let Some(map) = value.as_map() {
        let value = map.get(name).cloned();
        return Ok(known(value.unwrap_or_else(|| map.elem().zero())));
    }
    Err(Missing { value, fields })
}

impl Missing<'_> {
    /// What is wrong, and what to do.
    fn told(&self, name: &str) -> (String, Option<String>) {
        let names = || self.fields.iter().map(|field| field.name);
        let hint = match did_you_mean(name, names()) {
            Some(known) => Some(format!("did you mean `{known}`?")),
            None if self.value.as_list().is_some() => {
                Some("`range` goes through the items, each of which is the dot then".to_owned())
            }
            None if self.fields.is_empty() => None,
            None => {
                let names: Vec<&str> = names().collect();
                Some(format!("there are {}", names.join(", ")))
            }
        };
        let type_name = self.value.type_name();
        (
            format!("can't evaluate field {name} in type {type_name}"),
            hint,
        )
    }
}
