//! The walk over templates that finds every action's context.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Escaper;
use super::context::{Context, Delim, State, UrlPart};
use super::pipeline::{called_function, is_predefined, with_escapers};
use super::text::escape_text;
use crate::ast::{Branch, BranchKind, List, Located, Node, NodeKind, Pipe, Tree};
use crate::quote::go_quote;

/// Nodes looked at: loops are looked at twice, so nested ones multiply.
const VISITS_MAX: usize = 200_000;
/// Nesting of templates and control structures.
const DEPTH_MAX: usize = 120;

type Trees = BTreeMap<String, Arc<Tree>>;

/// All trees, with the executed one and those it calls escaped, and copies for other contexts. An error is
/// the text of Go's `html/template` error.
pub(crate) fn escape(trees: &Trees, name: &str) -> Result<Trees, String> {
    if !trees.contains_key(name) {
        // Executing reports it.
        return Ok(trees.clone());
    }
    let mut analysis = Analysis {
        source: trees,
        outputs: BTreeMap::new(),
        called: BTreeSet::new(),
        escaped: BTreeMap::new(),
        loops: Vec::new(),
        visits: 0,
        depth: 0,
    };
    let (end, _) = match analysis.call(&Context::default(), name, None) {
        Ok(called) => called,
        Err(problem) => return Err(problem.text(name)),
    };
    if end.state != State::Text {
        let problem = Problem {
            place: None,
            line: 0,
            description: format!("ends in a non-text context: {end}"),
        };
        return Err(problem.text(name));
    }
    let mut all = trees.clone();
    all.extend(analysis.escaped);
    Ok(all)
}

/// Why a template cannot be escaped.
#[derive(Debug)]
struct Problem {
    /// `name:line:column`
    place: Option<String>,
    /// Without a place, a loop's line.
    line: usize,
    description: String,
}

impl Problem {
    fn text(&self, name: &str) -> String {
        match (&self.place, name) {
            (Some(place), _) => format!("html/template:{place}: {}", self.description),
            (None, name) if self.line > 0 => {
                format!("html/template:{name}:{}: {}", self.line, self.description)
            }
            (None, "") => format!("html/template: {}", self.description),
            (None, name) => format!("html/template:{name}: {}", self.description),
        }
    }
}

/// Contexts in which a loop is left or restarted early.
#[derive(Debug, Default)]
struct Loop {
    breaks: Vec<(Context, String)>,
    continues: Vec<(Context, String)>,
}

struct Analysis<'a> {
    source: &'a Trees,
    /// The context after each (derived) template; while one is being worked on, an assumption.
    outputs: BTreeMap<String, Context>,
    called: BTreeSet<String>,
    escaped: Trees,
    loops: Vec<Loop>,
    visits: usize,
    depth: usize,
}

type Found<T> = Result<T, Problem>;

impl<'a> Analysis<'a> {
    fn problem(tree: &Tree, node: &dyn Located, description: String) -> Problem {
        let before = tree.text.get(..node.pos()).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = line_of(tree, node);
        let place = format!("{}:{line}:{}", tree.parse_name, before.len() - line_start);
        Problem {
            place: Some(place),
            line,
            description,
        }
    }

    /// A template called in a context: the context after it, and the name of its copy for the context.
    fn call(
        &mut self,
        c: &Context,
        name: &str,
        caller: Option<(&Tree, &Node)>,
    ) -> Found<(Context, String)> {
        let derived = c.derived_name(name);
        self.called.insert(derived.clone());
        if let Some(known) = self.outputs.get(&derived) {
            return Ok((known.clone(), derived));
        }
        let source = self.source;
        let Some(tree) = source.get(name) else {
            let description = format!("no such template {}", go_quote(name));
            return Err(match caller {
                Some((tree, node)) => Self::problem(tree, node, description),
                None => Problem {
                    place: None,
                    line: 0,
                    description,
                },
            });
        };
        let end = match self.body(c, c, tree, &derived)? {
            Ok(end) => end,
            // The template calls itself and ends elsewhere than assumed: assume that instead.
            Err(end) => self.body(c, &end, tree, &derived)?.map_err(|_| {
                let description = format!("cannot compute output context for template {derived}");
                Self::problem(tree, &tree.root, description)
            })?,
        };
        Ok((end, derived))
    }

    /// Works through a body on the assumption that calls of itself end in `assumed`. If that is not where
    /// it ends, nothing is kept and the inner error has the context where it does.
    fn body(
        &mut self,
        c: &Context,
        assumed: &Context,
        tree: &'a Arc<Tree>,
        derived: &str,
    ) -> Found<Result<Context, Context>> {
        // Go starts the second attempt from the assumed context as well.
        let start = if assumed == c { c } else { assumed };
        self.outputs.insert(derived.to_owned(), start.clone());
        let mut attempt = Analysis {
            source: self.source,
            outputs: self.outputs.clone(),
            called: BTreeSet::new(),
            escaped: BTreeMap::new(),
            loops: Vec::new(),
            visits: self.visits,
            depth: self.depth,
        };
        let (end, root) = attempt.list(start, &tree.root, tree)?;
        self.visits = attempt.visits;
        if attempt.called.contains(derived) && end != *start {
            return Ok(Err(end));
        }
        self.outputs.extend(attempt.outputs);
        self.outputs.insert(derived.to_owned(), end.clone());
        self.called.extend(attempt.called);
        self.escaped.extend(attempt.escaped);
        let escaped = Tree {
            name: derived.to_owned(),
            root,
            ..Tree::clone(tree)
        };
        self.escaped.insert(derived.to_owned(), Arc::new(escaped));
        Ok(Ok(end))
    }

    fn list(&mut self, c: &Context, list: &List, tree: &Tree) -> Found<(Context, List)> {
        if self.depth >= DEPTH_MAX {
            let description = "templates are nested too deeply".to_owned();
            return Err(Self::problem(tree, list, description));
        }
        self.depth += 1;
        let mut c = c.clone();
        let mut nodes = Vec::with_capacity(list.nodes.len());
        for node in &list.nodes {
            // What follows a break is never reached.
            if c.state == State::Dead {
                break;
            }
            let (next, node) = self.node(&c, node, tree)?;
            c = next;
            nodes.push(node);
        }
        self.depth -= 1;
        Ok((
            c,
            List {
                pos: list.pos,
                nodes,
            },
        ))
    }

    fn node(&mut self, c: &Context, node: &Node, tree: &Tree) -> Found<(Context, Node)> {
        self.visits += 1;
        if self.visits > VISITS_MAX {
            let description = "the template is too complex to escape".to_owned();
            return Err(Self::problem(tree, node, description));
        }
        let pos = node.pos;
        Ok(match &node.kind {
            NodeKind::Text(text) => {
                let (next, text) = escape_text(c, text).map_err(|description| Problem {
                    place: None,
                    line: 0,
                    description,
                })?;
                (
                    next,
                    Node {
                        pos,
                        kind: NodeKind::Text(text),
                    },
                )
            }
            NodeKind::Action(pipe) => {
                let (next, pipe) = action(c, pipe)
                    .map_err(|description| Self::problem(tree, node, description(node)))?;
                (
                    next,
                    Node {
                        pos,
                        kind: NodeKind::Action(pipe),
                    },
                )
            }
            NodeKind::Template(name, pipe) => {
                let (next, name) = self.call(c, name, Some((tree, node)))?;
                (
                    next,
                    Node {
                        pos,
                        kind: NodeKind::Template(name, pipe.clone()),
                    },
                )
            }
            NodeKind::Branch(branch) => {
                let (next, branch) = self.branch(c, branch, node, tree)?;
                (
                    next,
                    Node {
                        pos,
                        kind: NodeKind::Branch(Box::new(branch)),
                    },
                )
            }
            NodeKind::Break | NodeKind::Continue => {
                let place = Self::problem(tree, node, String::new())
                    .place
                    .unwrap_or_default();
                if let Some(around) = self.loops.last_mut() {
                    let exits = match node.kind {
                        NodeKind::Break => &mut around.breaks,
                        _ => &mut around.continues,
                    };
                    exits.push((c.clone(), place));
                }
                (Context::of(State::Dead), node.clone())
            }
        })
    }

    fn branch(
        &mut self,
        c: &Context,
        branch: &Branch,
        node: &Node,
        tree: &Tree,
    ) -> Found<(Context, Branch)> {
        let name = match branch.kind {
            BranchKind::If => "if",
            BranchKind::Range => "range",
            BranchKind::With => "with",
        };
        let joined = |a: &Context, b: &Context| {
            a.join(b).ok_or_else(|| {
                format!("{{{{{name}}}}} branches end in different contexts: {a}, {b}")
            })
        };
        let at_node = |description: String| Self::problem(tree, node, description);
        let (mut end, list);
        if branch.kind == BranchKind::Range {
            (end, list) = self.loop_body(c, &branch.list, tree)?;
            // The body must also fit where it ends: that is where the next iteration starts.
            let (again, _) = self
                .loop_body(&end, &branch.list, tree)
                .map_err(|problem| Problem {
                    line: line_of(tree, node),
                    description: format!("on range loop re-entry: {}", problem.description),
                    place: problem.place,
                })?;
            end = joined(&end, &again)
                .map_err(|description| at_node(format!("on range loop re-entry: {description}")))?;
        } else {
            (end, list) = self.list(c, &branch.list, tree)?;
        }
        let (other, otherwise) = match &branch.otherwise {
            Some(otherwise) => {
                let (end, list) = self.list(c, otherwise, tree)?;
                (end, Some(list))
            }
            None => (c.clone(), None),
        };
        let end = joined(&end, &other).map_err(at_node)?;
        Ok((
            end,
            Branch {
                kind: branch.kind,
                pipe: branch.pipe.clone(),
                list,
                otherwise,
            },
        ))
    }

    /// A loop's body, with the contexts at its breaks and continues joined to its end.
    fn loop_body(&mut self, c: &Context, list: &List, tree: &Tree) -> Found<(Context, List)> {
        self.loops.push(Loop::default());
        let (mut end, list) = self.list(c, list, tree)?;
        let exits = self.loops.pop().unwrap_or_default();
        let breaks = exits.breaks.iter().map(|exit| ("break", exit));
        let continues = exits.continues.iter().map(|exit| ("continue", exit));
        for (word, (context, place)) in breaks.chain(continues) {
            end = end.join(context).ok_or_else(|| Problem {
                place: Some(place.clone()), line: 0,
                description: format!(
                    "at range loop {word}: {{{{range}}}} branches end in different contexts: {end}, {context}"
                ),
            })?;
        }
        Ok((end, list))
    }
}

fn line_of(tree: &Tree, node: &dyn Located) -> usize {
    1 + tree
        .text
        .get(..node.pos())
        .unwrap_or("")
        .matches('\n')
        .count()
}

/// Builds an error's text from the node it is about.
type Describe = Box<dyn Fn(&Node) -> String>;

/// The action with the escapers for its context.
fn action(c: &Context, pipe: &Pipe) -> Result<(Context, Pipe), Describe> {
    if !pipe.decl.is_empty() {
        return Ok((c.clone(), pipe.clone()));
    }
    let mut c = c.nudged();
    for (at, command) in pipe.commands.iter().enumerate() {
        let Some(name) = called_function(command).filter(|name| is_predefined(name)) else {
            continue;
        };
        let in_unquoted =
            c.state == State::Attr && c.delim == Delim::SpaceOrTagEnd && name == "html";
        if at + 1 < pipe.commands.len() || in_unquoted {
            let name = go_quote(name);
            return Err(Box::new(move |_| {
                format!("predefined escaper {name} disallowed in template")
            }));
        }
    }
    let mut escapers = match c.state {
        State::Url
        | State::CssDoubleQuoted
        | State::CssSingleQuoted
        | State::CssDoubleQuotedUrl
        | State::CssSingleQuotedUrl
        | State::CssUrl => match c.url_part {
            UrlPart::QueryOrFragment => vec![Escaper::Url],
            UrlPart::Unknown => {
                return Err(Box::new(|node| {
                    format!("{node} appears in an ambiguous context within a URL")
                }));
            }
            part => {
                let mut escapers = Vec::new();
                if part == UrlPart::None {
                    escapers.push(Escaper::UrlFilter);
                }
                let in_string = matches!(c.state, State::CssDoubleQuoted | State::CssSingleQuoted);
                escapers.push(if in_string {
                    Escaper::Css
                } else {
                    Escaper::UrlNormalizer
                });
                escapers
            }
        },
        State::MetaContentUrl => vec![Escaper::UrlFilter],
        State::MetaContent | State::Attr | State::Dead => Vec::new(),
        State::Js => {
            // After a value a slash divides.
            c.js = super::context::Js::Division;
            vec![Escaper::JsValue]
        }
        State::JsDoubleQuoted | State::JsSingleQuoted => vec![Escaper::JsString],
        State::JsTemplate => vec![Escaper::JsTemplate],
        State::JsRegexp => vec![Escaper::JsRegexp],
        State::Css => vec![Escaper::CssValue],
        State::Text => vec![Escaper::Html],
        State::RcData => vec![Escaper::RcData],
        State::AttrName | State::Tag => {
            c.state = State::AttrName;
            vec![Escaper::HtmlName]
        }
        State::Srcset => vec![Escaper::Srcset],
        _ => vec![Escaper::Comment],
    };
    match c.delim {
        Delim::None => {}
        Delim::SpaceOrTagEnd => escapers.push(Escaper::Nospace),
        Delim::DoubleQuote | Delim::SingleQuote => escapers.push(Escaper::Attr),
    }
    let pipe = with_escapers(pipe, &escapers);
    Ok((c, pipe))
}
