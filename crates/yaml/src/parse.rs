//! Parsing: events of the YAML library to a tree, with limits on depth and on alias expansion.

use std::collections::{HashMap, HashSet};

use diag::{Diagnostic, Diagnostics, Source, Span};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use crate::node::{Kind, Node, Scalar, Style};
use crate::reading::CODE_SYNTAX;

/// How deep collections may nest, counted through aliases.
const DEPTH_MAX: usize = 128;
/// How many nodes aliases may add in all: enough for any real file, and a few dozen megabytes at the very most.
const ALIAS_NODES_MAX: usize = 500_000;

/// The first document of the text, as the peers read configuration. An empty text is a null.
/// `None` if the text is not YAML; why not is in `diagnostics`.
pub fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    let mut parser = open(source);
    match Builder::new(source).next_document(&mut parser) {
        Ok(Some(node)) => Some(node),
        Ok(None) => Some(Node {
            span: Span::default(),
            kind: Kind::Null,
        }),
        Err(problem) => {
            diagnostics.push(problem);
            None
        }
    }
}

/// All documents of the text. A document that is not YAML is left out, reported, and reading goes on
/// behind it.
pub fn parse_documents(source: &Source) -> (Vec<Node>, Diagnostics) {
    let mut parser = open(source);
    let mut documents = Vec::new();
    let mut diagnostics = Diagnostics::new();
    loop {
        match Builder::new(source).next_document(&mut parser) {
            Ok(Some(node)) => documents.push(node),
            Ok(None) => break,
            Err(problem) => {
                diagnostics.push(problem);
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    (documents, diagnostics)
}

type TextParser<'a> = Parser<'a, granit_parser::StrInput<'a>>;

fn open(source: &Source) -> TextParser<'_> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    Parser::new_from_str_with_options(source.text(), options)
}

/// A collection under construction.
struct Open {
    start: usize,
    anchor: usize,
    /// How deep its finished children go.
    height: usize,
    body: Body,
}

enum Body {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Node, Node)>,
        key: Option<Node>,
    },
}

/// An anchored node with what it costs to repeat it.
struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Builder<'a> {
    source: &'a Source,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    alias_nodes: usize,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            stack: Vec::new(),
            anchors: HashMap::new(),
            alias_nodes: 0,
            root: None,
        }
    }

    /// `None` at the end of the text.
    fn next_document(mut self, parser: &mut TextParser<'_>) -> Result<Option<Node>, Diagnostic> {
        for next in parser.by_ref() {
            let (event, span) = next.map_err(|error| self.syntax_error(&error))?;
            let range = span.byte_range().unwrap_or_default();
            let span = Span::new(range.start, range.end);
            match event {
                Event::DocumentEnd => {
                    let null = Node {
                        span,
                        kind: Kind::Null,
                    };
                    return Ok(Some(self.root.take().unwrap_or(null)));
                }
                Event::StreamEnd => return Ok(None),
                event => self.accept(event, span)?,
            }
        }
        Ok(None)
    }

    fn accept(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(text.into_owned(), style, tag.as_deref(), span);
                self.finish(node, anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open_collection(span, anchor, Body::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => self.open_collection(
                span,
                anchor,
                Body::Mapping {
                    entries: Vec::new(),
                    key: None,
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.close_collection(span),
            Event::Alias(id) => self.repeat(id, span),
            Event::UnresolvedAlias(name) => {
                Err(self.error(span, format!("unknown anchor '{name}' referenced")))
            }
            _ => Ok(()),
        }
    }

    fn open_collection(&mut self, span: Span, anchor: usize, body: Body) -> Result<(), Diagnostic> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.error(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.stack.push(Open {
            start: span.start,
            anchor,
            height: 0,
            body,
        });
        Ok(())
    }

    fn close_collection(&mut self, span: Span) -> Result<(), Diagnostic> {
        let Some(open) = self.stack.pop() else {
            return Ok(());
        };
        let kind = match open.body {
            Body::Sequence(items) => Kind::Sequence(items),
            Body::Mapping { entries, .. } => Kind::Mapping(self.merge(entries)?),
        };
        // A block collection ends before the token behind it: its text ends with its last child.
        let end = last_child_end(&kind).unwrap_or(open.start).max(
            match self.source.text().get(span.start..span.end) {
                Some("]" | "}") => span.end,
                _ => 0,
            },
        );
        self.finish(
            Node {
                span: Span::new(open.start, end),
                kind,
            },
            open.anchor,
            open.height + 1,
        )
    }

    fn repeat(&mut self, id: usize, span: Span) -> Result<(), Diagnostic> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(self.error(span, "anchor contains itself".to_owned()));
        };
        self.alias_nodes += anchored.nodes;
        if self.alias_nodes > ALIAS_NODES_MAX {
            return Err(self.error(span, "document contains excessive aliasing".to_owned()));
        }
        if self.stack.len() + anchored.height > DEPTH_MAX {
            return Err(self.error(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let (node, height) = (anchored.node.clone(), anchored.height);
        self.finish(node, 0, height)
    }

    fn finish(&mut self, node: Node, anchor: usize, height: usize) -> Result<(), Diagnostic> {
        if anchor != 0 {
            let nodes = count(&node);
            self.alias_nodes += nodes;
            if self.alias_nodes > ALIAS_NODES_MAX {
                return Err(
                    self.error(node.span, "document contains excessive aliasing".to_owned())
                );
            }
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    nodes,
                    height,
                },
            );
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.height = open.height.max(height);
        match &mut open.body {
            Body::Sequence(items) => items.push(node),
            Body::Mapping { entries, key } => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(node),
            },
        }
        Ok(())
    }

    /// Expands `<<` keys: the mapping's own keys win over merged ones, earlier merged mappings over
    /// later ones.
    fn merge(&mut self, entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, Diagnostic> {
        if !entries.iter().any(|(key, _)| is_merge(key)) {
            return Ok(entries);
        }
        let (merges, own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(key, _)| is_merge(key));
        let mut known: HashSet<String> = own.iter().filter_map(|(key, _)| key_text(key)).collect();
        let mut merged: Vec<(Node, Node)> = Vec::new();
        for (_, value) in merges {
            let span = value.span;
            let maps = match value.kind {
                Kind::Sequence(items) => items,
                kind => vec![Node { span, kind }],
            };
            for map in maps {
                let Kind::Mapping(entries) = map.kind else {
                    let text = "map merge requires map or sequence of maps as the value";
                    return Err(self.error(map.span, text.to_owned()));
                };
                for (key, value) in entries {
                    if key_text(&key).is_none_or(|text| known.insert(text)) {
                        merged.push((key, value));
                    }
                }
            }
        }
        merged.extend(own);
        Ok(merged)
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = error.marker().byte_offset().unwrap_or(0);
        let info = error.info();
        let problem = self.error(Span::new(at, at + 1), info);
        match self.source.slice(Span::new(at, at + 1)) {
            "\t" => problem.hint("indent with spaces, YAML allows no tabs there"),
            "{" | "}" => problem.hint("put the text in quotes if it is a template"),
            _ => problem,
        }
    }

    fn error(&self, span: Span, text: String) -> Diagnostic {
        let line = self.source.position(span.start).line;
        Diagnostic::error(CODE_SYNTAX, format!("yaml: line {line}: {text}")).at(self.source, span)
    }
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let tag = tag.and_then(short_tag);
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
    };
    let is_null = match tag.as_deref() {
        None => {
            style == Style::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
        }
        Some(tag) => tag == "!!null",
    };
    if is_null {
        return Node {
            span,
            kind: Kind::Null,
        };
    }
    Node {
        span,
        kind: Kind::Scalar(Scalar { text, style, tag }),
    }
}

fn short_tag(tag: &Tag) -> Option<String> {
    let full = format!("{}{}", tag.handle(), tag.suffix());
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Some(format!("!!{name}")),
        // The lone `!` says "not plain", which is a string.
        None if full == "!" => Some("!!str".to_owned()),
        None => Some(full),
    }
}

fn is_merge(key: &Node) -> bool {
    key.as_scalar().is_some_and(|scalar| {
        scalar.text == "<<"
            && match &scalar.tag {
                None => scalar.style == Style::Plain,
                Some(tag) => tag == "!!merge",
            }
    })
}

fn key_text(key: &Node) -> Option<String> {
    key.text().map(str::to_owned)
}

fn last_child_end(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::Sequence(items) => items.iter().map(|item| item.span.end).max(),
        Kind::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| key.span.end.max(value.span.end))
            .max(),
        _ => None,
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Sequence(items) => items.iter().map(count).sum::<usize>(),
        Kind::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| count(key) + count(value))
            .sum::<usize>(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Value, to_text};

    /// The tree printed back, or the first error.
    fn check(text: &str) -> String {
        let source = Source::new("test.yml", text);
        let mut diagnostics = Diagnostics::new();
        match parse(&source, &mut diagnostics) {
            Some(node) => to_text(&Value::from_node(&node)),
            None => diagnostics
                .iter()
                .map(diag::render_line)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    #[test]
    fn spans_cover_the_text_of_the_node() {
        let source = Source::new("test.yml", "a:\n  b: [1, 2]\n  c: 'x'\nd: e\n");
        let mut diagnostics = Diagnostics::new();
        let node = parse(&source, &mut diagnostics).unwrap();
        let slice = |node: &Node| source.slice(node.span).to_owned();
        assert_eq!(slice(node.get("a").unwrap()), "b: [1, 2]\n  c: 'x'");
        assert_eq!(slice(node.get("a").unwrap().get("b").unwrap()), "[1, 2]");
        assert_eq!(slice(node.get("a").unwrap().get("c").unwrap()), "'x'");
        assert_eq!(slice(node.get("d").unwrap()), "e");
    }

    #[test]
    fn aliases_and_merge_keys_are_expanded() {
        assert_eq!(
            check("x: &x {a: 1, b: 2}\nw:\n  <<: *x\n  b: 3\nz: *x\n"),
            "x:\n  a: 1\n  b: 2\n\
             w:\n  a: 1\n  b: 3\n\
             z:\n  a: 1\n  b: 2\n"
        );
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            bomb += &format!(
                "a{level}: &a{level} [{}]\n",
                [alias.as_str(); 10].join(", ")
            );
        }
        assert!(
            check(&bomb).contains("excessive aliasing"),
            "{}",
            check(&bomb)
        );
        let deep = "[".repeat(10_000);
        assert!(check(&deep).contains("test.yml:1:"), "{}", check(&deep));
        let chain: String = (0..300)
            .map(|n| format!("- &n{} [*n{n}]\n", n + 1))
            .collect();
        let chain = format!("- &n0 x\n{chain}");
        assert!(check(&chain).contains("nested deeper"), "{}", check(&chain));
        assert!(check("a: &a [*a]\n").contains("contains itself"));
    }

    #[test]
    fn json_is_read() {
        assert_eq!(
            check("{\"a\": [1, true, null, \"x\"]}"),
            "a:\n- 1\n- true\n- null\n- x\n"
        );
    }

    #[test]
    fn reading_goes_on_behind_a_broken_document() {
        let source = Source::new("test.yml", "a: 1\n---\na: [b\n---\nb: 2\n");
        let (documents, diagnostics) = parse_documents(&source);
        assert_eq!(documents.len(), 2);
        assert_eq!(diagnostics.len(), 1);
        assert!(parse_documents(&Source::new("x", "")).0.is_empty());
    }

    #[test]
    fn syntax_errors_have_a_line() {
        assert!(check("a:\n\tc: d\n").starts_with("test.yml:2:2: yaml: line 2: tabs"));
        assert!(check("a: *nope\n").contains("unknown anchor 'nope' referenced"));
    }
}
