//! Appending escapers to a pipeline, next to those its author put there.

use super::{Escaper, JOIN_ARGUMENTS};
use crate::ast::{Command, Expr, ExprKind, Pipe};

/// Escapers that are the same as one of Go's own functions count as that function.
fn normalized(name: &str) -> &str {
    match name {
        "_html_template_attrescaper"
        | "_html_template_htmlescaper"
        | "_html_template_rcdataescaper" => "html",
        "_html_template_urlescaper" | "_html_template_urlnormalizer" => "urlquery",
        name => name,
    }
}

/// After the first of these the second changes nothing.
fn makes_redundant(first: &str, second: &str) -> bool {
    let is = |name: &str, escaper: Escaper| name == escaper.function_name();
    let to_attr = is(second, Escaper::Attr);
    (is(first, Escaper::Comment) && (to_attr || is(second, Escaper::Html)))
        || (to_attr
            && [
                Escaper::Css,
                Escaper::JsRegexp,
                Escaper::JsString,
                Escaper::JsTemplate,
            ]
            .iter()
            .any(|escaper| is(first, *escaper)))
        || (is(first, Escaper::Url) && is(second, Escaper::UrlNormalizer))
}

pub(super) fn called_function(command: &Command) -> Option<&str> {
    match command.args.first().map(|arg| &arg.kind) {
        Some(ExprKind::Identifier(name)) => Some(name),
        _ => None,
    }
}

pub(super) fn is_predefined(name: &str) -> bool {
    matches!(name, "html" | "urlquery")
}

fn push(commands: &mut Vec<Command>, name: &str, pos: usize) {
    let last = commands.last().and_then(called_function);
    if last.is_some_and(|last| makes_redundant(last, name)) {
        return;
    }
    let arg = Expr {
        pos,
        kind: ExprKind::Identifier(name.to_owned()),
    };
    commands.push(Command {
        pos,
        args: vec![arg],
    });
}

/// The pipeline with the escapers at its end. A predefined escaper that ends it takes the place of its
/// equivalent.
pub(super) fn with_escapers(pipe: &Pipe, escapers: &[Escaper]) -> Pipe {
    let mut pipe = pipe.clone();
    let mut names: Vec<String> = escapers
        .iter()
        .map(|e| e.function_name().to_owned())
        .collect();
    if names.is_empty() {
        return pipe;
    }
    let last = pipe
        .commands
        .last()
        .and_then(called_function)
        .map(str::to_owned);
    if let Some(own) = last.filter(|name| is_predefined(name)) {
        let only = pipe.commands.len() == 1;
        let pos = pipe.pos;
        if only
            && let Some(command) = pipe.commands.first_mut()
            && command.args.len() > 1
        {
            // `html a b` becomes `_eval_args_ a b | html`.
            if let Some(first) = command.args.first_mut() {
                first.kind = ExprKind::Identifier(JOIN_ARGUMENTS.to_owned());
            }
            push(&mut pipe.commands, &own, pos);
        }
        let mut is_repeated = false;
        for name in &mut names {
            if normalized(name) == normalized(&own) {
                name.clone_from(&own);
                is_repeated = true;
            }
        }
        if is_repeated {
            pipe.commands.pop();
        }
    }
    let present: Vec<String> = pipe
        .commands
        .iter()
        .filter_map(called_function)
        .map(|name| normalized(name).to_owned())
        .collect();
    for name in &names {
        if !present.iter().any(|known| known == normalized(name)) {
            push(&mut pipe.commands, name, pipe.pos);
        }
    }
    pipe
}
