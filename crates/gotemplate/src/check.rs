//! Problems of a template text, found without executing it.

use diag::{Diagnostic, Diagnostics, Source, Span, did_you_mean};

use crate::builtins;
use crate::function::FunctionTable;
use crate::parse::{ParseInput, UnknownFunctions, parse};
use crate::set::has_function;

/// All unknown functions, and the first syntax error, each with its place.
///
/// Messages are Go's, so that tools which match on them keep working.
pub fn check(source: &Source, functions: &FunctionTable) -> Diagnostics {
    let parsed = parse(&ParseInput {
        name: source.name(),
        text: source.text(),
        has_function: &|name| has_function(functions, name),
        unknown: UnknownFunctions::Collect,
    });
    let mut diagnostics = Diagnostics::new();
    for (name, start) in &parsed.unknown {
        let message = format!("function {} not defined", crate::quote::go_quote(name));
        let mut diagnostic = Diagnostic::error("template-function-unknown", message)
            .at(source, Span::new(*start, start + name.len()));
        let known: Vec<&str> = functions.names().chain(builtins::names()).collect();
        if let Some(known) = did_you_mean(name, known) {
            diagnostic = diagnostic.hint(format!("did you mean `{known}`?"));
        }
        diagnostics.push(diagnostic);
    }
    if let Some(error) = parsed.error {
        let mut diagnostic = Diagnostic::error("template-syntax", error.message.clone())
            .at(source, Span::new(error.start, error.end));
        if let Some(hint) = hint(&error.message) {
            diagnostic = diagnostic.hint(hint);
        }
        diagnostics.push(diagnostic);
    }
    diagnostics
}

fn hint(message: &str) -> Option<&'static str> {
    Some(match message {
        "unexpected EOF" => "an `if`, `range`, `with`, `define` or `block` has no `{{ end }}`",
        "unclosed action" => "an action `{{ …` has no closing `}}`",
        "unexpected {{end}}" => "there is one `{{ end }}` too many",
        _ if message.starts_with("unexpected \"}\"") => "an action ends with two braces, `}}`",
        _ if message.starts_with("undefined variable") => {
            "declare the variable with `:=` before, in the same or an outer block"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::alertmanager;

    fn lines(text: &str) -> Vec<String> {
        let source = Source::new("t.tmpl", text);
        let functions = alertmanager::functions(crate::Time::ZERO);
        check(&source, &functions)
            .iter()
            .map(diag::render_line)
            .collect()
    }

    #[test]
    fn a_good_text_has_no_problems() {
        assert!(lines("{{ define \"x\" }}{{ .Status | toUpper }}{{ end }}").is_empty());
    }

    #[test]
    fn reports_all_unknown_functions_and_the_syntax_error() {
        let lines = lines("{{ toUper .A }}\n{{ if nope }}x");
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].contains("function \"toUper\" not defined") && lines[0].contains("t.tmpl:1:4"),
            "{}",
            lines[0]
        );
        assert!(
            lines[1].contains("function \"nope\" not defined") && lines[1].contains("2:7"),
            "{}",
            lines[1]
        );
        assert!(lines[2].contains("unexpected EOF"), "{}", lines[2]);
    }

    #[test]
    fn suggests_known_names() {
        let source = Source::new("t", "{{ toUper 1 }}");
        let problems = check(&source, &alertmanager::functions(crate::Time::ZERO)).into_vec();
        assert_eq!(problems[0].hints, ["did you mean `toUpper`?"]);
    }
}
