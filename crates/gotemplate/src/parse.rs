//! Tokens to trees: the grammar of Go templates, with Go's messages.
//!
//! One parser serves a text and all `define`s in it. It stops at the first syntax error, as Go does; unknown
//! functions are collected when asked for, so that a check can report all of them.

use std::sync::Arc;

use crate::ast::{Branch, BranchKind, Command, Expr, ExprKind, List, Node, NodeKind, Pipe, Tree};
use crate::error::ParseError;
use crate::lex::{Keywords, Kind, Token, lex};
use crate::number::Number;
use crate::quote::{go_quote, go_unquote};

/// Nesting of parentheses, control structures and definitions.
const NESTING_MAX: usize = 100;

/// What to do about a name that is not in the function table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownFunctions {
    Refuse,
    Collect,
}

#[derive(Debug)]
pub(crate) struct Parsed {
    /// Definitions in the order of their end, then the text's own tree.
    pub(crate) trees: Vec<Tree>,
    /// Unknown functions with their byte range, if collected.
    pub(crate) unknown: Vec<(String, usize)>,
    pub(crate) error: Option<ParseError>,
}

pub(crate) struct ParseInput<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) has_function: &'a dyn Fn(&str) -> bool,
    pub(crate) unknown: UnknownFunctions,
}

pub(crate) fn parse(input: &ParseInput<'_>) -> Parsed {
    let keywords = Keywords {
        break_ok: !(input.has_function)("break"),
        continue_ok: !(input.has_function)("continue"),
    };
    let mut parser = Parser {
        tokens: lex(input.text, keywords),
        next: 0,
        furthest: 0,
        name: Arc::from(input.name),
        text: Arc::from(input.text),
        input,
        frame: Frame::default(),
        action_line: 0,
        nesting: 0,
        trees: Vec::new(),
        unknown: Vec::new(),
    };
    let error = parser.parse_text().err();
    Parsed {
        trees: parser.trees,
        unknown: parser.unknown,
        error,
    }
}

/// What starts anew inside a `define` or `block`.
#[derive(Debug)]
struct Frame {
    vars: Vec<String>,
    range_depth: usize,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            vars: vec!["$".to_owned()],
            range_depth: 0,
        }
    }
}

/// How an item list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    /// With the position of the `else`.
    Else(usize),
}

enum Item {
    Node(Node),
    Ending(Ending),
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    /// Index of the last token looked at: Go reports its line.
    furthest: usize,
    name: Arc<str>,
    text: Arc<str>,
    input: &'a ParseInput<'a>,
    frame: Frame,
    action_line: usize,
    nesting: usize,
    trees: Vec<Tree>,
    unknown: Vec<(String, usize)>,
}

type Parse<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn token_at(&mut self, index: usize) -> Token {
        let last = self.tokens.len().saturating_sub(1);
        self.furthest = self.furthest.max(index.min(last));
        self.tokens.get(index.min(last)).cloned().unwrap_or(Token {
            kind: Kind::Eof,
            pos: 0,
            end: 0,
            line: 1,
            value: String::new(),
        })
    }

    fn take(&mut self) -> Token {
        let token = self.token_at(self.next);
        self.next += 1;
        token
    }

    fn peek(&mut self) -> Token {
        self.token_at(self.next)
    }

    fn take_non_space(&mut self) -> Token {
        loop {
            let token = self.take();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
        self.peek()
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        let token = self.tokens.get(self.furthest);
        ParseError {
            name: self.name.to_string(),
            line: token.map_or(1, |token| token.line),
            message: message.into(),
            start: token.map_or(0, |token| token.pos),
            end: token.map_or(0, |token| token.end),
        }
    }

    fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.describe()));
        }
        let mut message = token.value.clone();
        if self.action_line != 0 && self.action_line != token.line {
            let started = format!(" started at {}:{}", self.name, self.action_line);
            if !message.ends_with(" action") {
                message.push_str(" in action");
            }
            message.push_str(&started);
        }
        self.error(message)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parse<Token> {
        let token = self.take_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.nesting >= NESTING_MAX {
            return Err(self.error("max expression depth exceeded"));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn parse_text(&mut self) -> Parse<()> {
        let mut root = List {
            pos: self.peek().pos,
            nodes: Vec::new(),
        };
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let before = self.next;
                self.take();
                if self.take_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.next = before;
            }
            match self.text_or_action()? {
                Item::Node(node) => root.nodes.push(node),
                Item::Ending(ending) => {
                    return Err(self.error(format!("unexpected {}", ending.describe())));
                }
            }
        }
        self.add(self.name.to_string(), root)
    }

    fn add(&mut self, name: String, root: List) -> Parse<()> {
        let tree = Tree {
            name,
            parse_name: self.name.clone(),
            text: self.text.clone(),
            root,
        };
        match self.trees.iter().position(|other| other.name == tree.name) {
            None => self.trees.push(tree),
            Some(at) => {
                let old_is_empty = self
                    .trees
                    .get(at)
                    .is_some_and(|old| old.root.is_empty_tree());
                if old_is_empty {
                    if let Some(old) = self.trees.get_mut(at) {
                        *old = tree;
                    }
                } else if !tree.root.is_empty_tree() {
                    let name = go_quote(&tree.name);
                    return Err(
                        self.error(format!("template: multiple definition of template {name}"))
                    );
                }
            }
        }
        Ok(())
    }

    /// Parses a body in a fresh frame of variables and adds it as a template.
    fn body(&mut self, name: String, context: &str) -> Parse<()> {
        let outer = std::mem::take(&mut self.frame);
        let outer_line = std::mem::replace(&mut self.action_line, 0);
        let (list, ending) = self.deeper(Self::item_list)?;
        if ending != Ending::End {
            return Err(self.error(format!("unexpected {} in {context}", ending.describe())));
        }
        self.add(name, list)?;
        self.frame = outer;
        self.action_line = outer_line;
        Ok(())
    }

    fn definition(&mut self) -> Parse<()> {
        let token = self.take_non_space();
        let name = self.template_name(&token, "define clause")?;
        self.expect(Kind::RightDelim, "define clause")?;
        self.body(name, "define clause")
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parse<String> {
        match token.kind {
            Kind::String | Kind::RawString => go_unquote(&token.value).map_err(|e| self.error(e)),
            _ => Err(self.unexpected(token, context)),
        }
    }

    fn item_list(&mut self) -> Parse<(List, Ending)> {
        let mut list = List {
            pos: self.peek_non_space().pos,
            nodes: Vec::new(),
        };
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ending(ending) => return Ok((list, ending)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Parse<Item> {
        let token = self.take_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node {
                pos: token.pos,
                kind: NodeKind::Text(token.value),
            })),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action()?;
                self.action_line = 0;
                Ok(item)
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parse<Item> {
        let before = self.next;
        let token = self.take_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.loop_control(&token, NodeKind::Break)?,
            Kind::Continue => self.loop_control(&token, NodeKind::Continue)?,
            Kind::Else => return self.else_control(),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Kind::If => self.control(BranchKind::If)?,
            Kind::Range => self.control(BranchKind::Range)?,
            Kind::With => self.control(BranchKind::With)?,
            Kind::Template => self.template()?,
            _ => {
                self.next = before;
                let pos = self.peek_non_space().pos;
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node {
                    pos,
                    kind: NodeKind::Action(pipe),
                }
            }
        };
        Ok(Item::Node(node))
    }

    fn loop_control(&mut self, keyword: &Token, kind: NodeKind) -> Parse<Node> {
        let word = format!("{{{{{}}}}}", keyword.value);
        let token = self.take_non_space();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, &word));
        }
        if self.frame.range_depth == 0 {
            return Err(self.error(format!("{word} outside {{{{range}}}}")));
        }
        Ok(Node {
            pos: keyword.pos,
            kind,
        })
    }

    fn else_control(&mut self) -> Parse<Item> {
        let peek = self.peek_non_space();
        if matches!(peek.kind, Kind::If | Kind::With) {
            return Ok(Item::Ending(Ending::Else(peek.pos)));
        }
        let token = self.expect(Kind::RightDelim, "else")?;
        Ok(Item::Ending(Ending::Else(token.pos)))
    }

    fn control(&mut self, kind: BranchKind) -> Parse<Node> {
        self.deeper(|parser| {
            let vars = parser.frame.vars.len();
            let branch = parser.branch(kind)?;
            parser.frame.vars.truncate(vars);
            Ok(Node {
                pos: branch.pipe.pos,
                kind: NodeKind::Branch(Box::new(branch)),
            })
        })
    }

    fn branch(&mut self, kind: BranchKind) -> Parse<Branch> {
        let context = match kind {
            BranchKind::If => "if",
            BranchKind::Range => "range",
            BranchKind::With => "with",
        };
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let depth = usize::from(kind == BranchKind::Range);
        self.frame.range_depth += depth;
        let (list, ending) = self.item_list()?;
        self.frame.range_depth -= depth;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else(pos) => Some(self.otherwise(kind, pos)?),
        };
        Ok(Branch {
            kind,
            pipe,
            list,
            otherwise,
        })
    }

    /// After `else`: another control of the same kind, or a list up to `end`.
    fn otherwise(&mut self, kind: BranchKind, pos: usize) -> Parse<List> {
        let next = self.peek().kind;
        let chained = matches!(
            (kind, next),
            (BranchKind::If, Kind::If) | (BranchKind::With, Kind::With)
        );
        if chained {
            self.take();
            let node = self.control(kind)?;
            return Ok(List {
                pos,
                nodes: vec![node],
            });
        }
        let (list, ending) = self.item_list()?;
        if ending != Ending::End {
            return Err(self.error(format!("expected end; found {}", ending.describe())));
        }
        Ok(list)
    }

    fn block(&mut self) -> Parse<Node> {
        let token = self.take_non_space();
        let name = self.template_name(&token, "block clause")?;
        let pipe = self.pipeline("block clause", Kind::RightDelim)?;
        self.body(name.clone(), "block clause")?;
        Ok(Node {
            pos: token.pos,
            kind: NodeKind::Template(name, Some(pipe)),
        })
    }

    fn template(&mut self) -> Parse<Node> {
        let token = self.take_non_space();
        let name = self.template_name(&token, "template clause")?;
        let before = self.next;
        let pipe = if self.take_non_space().kind == Kind::RightDelim {
            None
        } else {
            self.next = before;
            Some(self.pipeline("template clause", Kind::RightDelim)?)
        };
        Ok(Node {
            pos: token.pos,
            kind: NodeKind::Template(name, pipe),
        })
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parse<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe {
            pos,
            is_assign: false,
            decl: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let before = self.next;
            let token = self.take_non_space();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.next = before;
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.args.first().map(|arg| &arg.kind);
            let constant = matches!(
                first,
                Some(
                    ExprKind::Bool(_)
                        | ExprKind::Dot
                        | ExprKind::Nil
                        | ExprKind::Number(_)
                        | ExprKind::String(..)
                )
            );
            if constant {
                let message = format!("non executable command in pipeline stage {}", i + 1);
                return Err(self.error(message));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, or for `range` also `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parse<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            let before = self.next;
            self.take();
            let next = self.peek_non_space();
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                pipe.is_assign = next.kind == Kind::Assign;
                self.take_non_space();
                pipe.decl.push(variable.value.clone());
                self.frame.vars.push(variable.value);
                return Ok(());
            }
            if next.kind != Kind::Char || next.value != "," {
                self.next = before;
                return Ok(());
            }
            self.take_non_space();
            pipe.decl.push(variable.value.clone());
            self.frame.vars.push(variable.value);
            if context != "range" || pipe.decl.len() >= 2 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            if !matches!(
                self.peek_non_space().kind,
                Kind::Variable | Kind::RightDelim | Kind::RightParen
            ) {
                return Err(self.error("range can only initialize variables"));
            }
        }
    }

    fn command(&mut self) -> Parse<Command> {
        let mut command = Command {
            pos: self.peek_non_space().pos,
            args: Vec::new(),
        };
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let before = self.next;
            let token = self.take();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.next = before;
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if command.args.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parse<Option<Expr>> {
        let Some(node) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(node));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.take().value.trim_start_matches('.').to_owned());
        }
        let kind = match node.kind {
            ExprKind::Field(mut names) => {
                names.extend(fields);
                ExprKind::Field(names)
            }
            ExprKind::Variable(mut names) => {
                names.extend(fields);
                ExprKind::Variable(names)
            }
            ExprKind::Bool(_)
            | ExprKind::String(..)
            | ExprKind::Number(_)
            | ExprKind::Nil
            | ExprKind::Dot => {
                let term = go_quote(&node.to_string());
                return Err(self.error(format!("unexpected . after term {term}")));
            }
            kind => ExprKind::Chain(
                Box::new(Expr {
                    pos: node.pos,
                    kind,
                }),
                fields,
            ),
        };
        Ok(Some(Expr {
            pos: first.pos,
            kind,
        }))
    }

    fn term(&mut self) -> Parse<Option<Expr>> {
        let before = self.next;
        let token = self.take_non_space();
        let kind = match token.kind {
            Kind::Identifier => {
                if !(self.input.has_function)(&token.value) {
                    if self.input.unknown == UnknownFunctions::Refuse {
                        let name = go_quote(&token.value);
                        return Err(self.error(format!("function {name} not defined")));
                    }
                    self.unknown.push((token.value.clone(), token.pos));
                }
                ExprKind::Identifier(token.value)
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => {
                if !self.frame.vars.contains(&token.value) {
                    let name = go_quote(&token.value);
                    return Err(self.error(format!("undefined variable {name}")));
                }
                ExprKind::Variable(vec![token.value])
            }
            Kind::Field => ExprKind::Field(vec![token.value.trim_start_matches('.').to_owned()]),
            Kind::Bool => ExprKind::Bool(token.value == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = Number::parse(&token.value, token.kind).map_err(|e| self.error(e))?;
                ExprKind::Number(number)
            }
            Kind::LeftParen => {
                let pipe = self
                    .deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                let pos = pipe.pos;
                return Ok(Some(Expr {
                    pos,
                    kind: ExprKind::Pipe(Box::new(pipe)),
                }));
            }
            Kind::String | Kind::RawString => {
                let value = go_unquote(&token.value).map_err(|e| self.error(e))?;
                ExprKind::String(token.value, Arc::from(value))
            }
            _ => {
                self.next = before;
                return Ok(None);
            }
        };
        Ok(Some(Expr {
            pos: token.pos,
            kind,
        }))
    }
}

impl Ending {
    fn describe(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else(_) => "{{else}}",
        }
    }
}
