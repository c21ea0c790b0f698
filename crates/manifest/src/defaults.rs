//! Values that the API server fills in where an object leaves fields out. Objects that come from an API
//! server have them already; objects from files get them here.

use diag::Span;
use yaml::{Kind as NodeKind, Node, Scalar, Style};

use crate::object::Kind;

/// Path below the object and text, for fields that matter to what is compiled.
fn of(kind: Kind) -> &'static [(&'static [&'static str], &'static str)] {
    match kind {
        Kind::Prometheus => &[
            (&["spec", "scrapeInterval"], "30s"),
            (&["spec", "evaluationInterval"], "30s"),
        ],
        Kind::PrometheusAgent => &[(&["spec", "scrapeInterval"], "30s")],
        Kind::Probe => &[(&["spec", "prober", "path"], "/probe")],
        _ => &[],
    }
}

/// Adds the defaults of the kind to the object's tree.
pub(crate) fn fill(node: &mut Node, kind: Kind) {
    for (path, text) in of(kind) {
        put(node, path, text);
    }
}

fn put(node: &mut Node, path: &[&str], text: &str) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let span = node.span;
    if matches!(node.kind, NodeKind::Null) {
        node.kind = NodeKind::Mapping(Vec::new());
    }
    let NodeKind::Mapping(entries) = &mut node.kind else {
        return;
    };
    let at = match entries
        .iter()
        .rposition(|(name, _)| name.text() == Some(key))
    {
        Some(at) => at,
        None => {
            entries.push((
                scalar(key, span),
                Node {
                    span,
                    kind: NodeKind::Null,
                },
            ));
            entries.len() - 1
        }
    };
    let Some((_, value)) = entries.get_mut(at) else {
        return;
    };
    if !rest.is_empty() {
        put(value, rest, text);
    } else if value.is_null() || value.text() == Some("") {
        *value = scalar(text, span);
    }
}

fn scalar(text: &str, span: Span) -> Node {
    let scalar = Scalar {
        text: text.to_owned(),
        style: Style::Quoted,
        tag: None,
    };
    Node {
        span,
        kind: NodeKind::Scalar(scalar),
    }
}
