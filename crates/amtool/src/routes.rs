//! `config routes show` and `config routes test`: the routing tree, and where an alert would go.

use alerting::RouteTree;
use alerting::route::{Route, Visit};
use alerting::text;
use diag::Source;
use model::Labels;
use promtool::Console;
use serde::Serialize;
use server::pieces::route_tree;

use crate::api::Api;
use crate::check::{load_file, load_text};
use crate::failure::Failure;
use crate::format::{Output, json};
use crate::matchers::Reader;

/// Where the routes are taken from.
#[derive(Debug)]
pub enum RouteSource<'a> {
    File(&'a str),
    Server(&'a Api),
}

impl RouteSource<'_> {
    fn tree(&self, console: &mut Console<'_>, reader: Reader) -> Result<RouteTree, Failure> {
        let config = match self {
            Self::File(file) => load_file(console, file, reader),
            Self::Server(api) => {
                let status = api.status()?;
                load_text(
                    console,
                    Source::new("(server)", status.config.original),
                    reader,
                )
            }
        };
        Ok(route_tree(&config?))
    }
}

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct RouteTest {
    /// `name=value`
    pub labels: Vec<String>,
    /// The receivers that must come out, separated by commas; empty if any may.
    pub expected: String,
    /// Shows the routes that match.
    pub tree: bool,
}

/// Prints the tree.
pub fn show(
    console: &mut Console<'_>,
    source: &RouteSource<'_>,
    reader: Reader,
    output: Output,
) -> Result<(), Failure> {
    // Here the peer has no empty line after the problem.
    let tree = source
        .tree(console, reader)
        .map_err(|failure| match failure {
            Failure::Problem(problem) => Failure::Short(problem),
            other => other,
        })?;
    let all = |_: &Route| true;
    if output == Output::Json {
        let root = tree.route(0).map(|root| shown(&tree, root, &all));
        console.print(json(&root));
        return Ok(());
    }
    let slug = |route: &Route| {
        let continues = if route.continues {
            "  continue: true"
        } else {
            ""
        };
        let receiver = &route.options.receiver;
        format!("{}{continues}  receiver: {receiver}", name(route))
    };
    console.line("Routing tree:");
    console.line(drawn(&tree, &all, &slug));
    Ok(())
}

/// Prints the receivers of an alert with these labels.
pub fn test(
    console: &mut Console<'_>,
    source: &RouteSource<'_>,
    reader: Reader,
    output: Output,
    test: &RouteTest,
) -> Result<(), Failure> {
    let tree = source.tree(console, reader)?;
    let mut labels = Vec::with_capacity(test.labels.len());
    for label in &test.labels {
        let matcher = reader.one(console, label);
        let matcher = matcher.map_err(|problem| format!("Failed to parse labels: {problem}"))?;
        if matcher.op() != model::MatchOp::Equal {
            return Err("Labels must be specified as key=value pairs".into());
        }
        labels.push((matcher.name().to_owned(), matcher.value().to_owned()));
    }
    let mut builder = Labels::default().to_builder();
    for (name, value) in labels {
        builder.set(name.as_str(), value.as_str());
    }
    let labels = builder.build();
    let visits = tree.visits(&labels);
    let is_visited = |route: &Route| {
        let visit = visits.get(route.index);
        matches!(visit, Some(Visit::End | Visit::Passed))
    };
    let found = tree.matching(&labels);
    let receivers: Vec<&str> = found.iter().map(|route| &*route.options.receiver).collect();
    let joined = receivers.join(",");
    let is_expected = test.expected.is_empty() || test.expected == joined;
    if output == Output::Json {
        let root = tree.route(0).filter(|root| is_visited(root));
        let root = root.filter(|_| test.tree);
        console.print(json(&Tested {
            receivers,
            as_expected: is_expected,
            tree: root.map(|root| shown(&tree, root, &is_visited)),
        }));
    } else {
        if test.tree {
            let slug = |route: &Route| match visits.get(route.index) {
                Some(Visit::End) => {
                    format!("{}  receiver: {}", name(route), route.options.receiver)
                }
                _ => name(route),
            };
            console.line("Matching routes:");
            console.line(drawn(&tree, &is_visited, &slug));
            console.line("");
        }
        console.line(&joined);
    }
    if is_expected {
        return Ok(());
    }
    let warning = "WARNING: Expected receivers did not match resolved receivers.";
    match output {
        Output::Json => console.problem(warning),
        Output::Simple | Output::Extended => console.line(warning),
    }
    Err(Failure::Told)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested<'a> {
    receivers: Vec<&'a str>,
    as_expected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Shown<'a>>,
}

/// A route as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    matchers: Vec<String>,
    receiver: &'a str,
    #[serde(rename = "continue")]
    continues: bool,
    routes: Vec<Shown<'a>>,
}

/// The depth of the configuration bounds the recursion.
fn shown<'a>(tree: &'a RouteTree, route: &'a Route, takes: &dyn Fn(&Route) -> bool) -> Shown<'a> {
    let below = tree.children(route).filter(|child| takes(child));
    Shown {
        matchers: route.matchers.iter().map(text::matcher).collect(),
        receiver: &route.options.receiver,
        continues: route.continues,
        routes: below.map(|child| shown(tree, child, takes)).collect(),
    }
}

fn name(route: &Route) -> String {
    if route.matchers.is_empty() {
        return "default-route".to_owned();
    }
    text::matchers(&route.matchers)
}

/// The routes that `takes` takes, below each other; each line is what `slug` says.
fn drawn(
    tree: &RouteTree,
    takes: &dyn Fn(&Route) -> bool,
    slug: &dyn Fn(&Route) -> String,
) -> String {
    let mut text = ".\n".to_owned();
    let root: Vec<&Route> = tree
        .route(0)
        .into_iter()
        .filter(|root| takes(root))
        .collect();
    draw(tree, &root, "", (takes, slug), &mut text);
    text
}

type Drawing<'d> = (&'d dyn Fn(&Route) -> bool, &'d dyn Fn(&Route) -> String);

fn draw(tree: &RouteTree, routes: &[&Route], indent: &str, how: Drawing<'_>, text: &mut String) {
    for (position, route) in routes.iter().enumerate() {
        let is_last = position + 1 == routes.len();
        let (edge, below) = if is_last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let (takes, slug) = how;
        text.push_str(indent);
        text.push_str(edge);
        text.push_str(&slug(route));
        text.push('\n');
        let children: Vec<&Route> = tree.children(route).filter(|child| takes(child)).collect();
        draw(tree, &children, &format!("{indent}{below}"), how, text);
    }
}
