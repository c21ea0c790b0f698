//! Problems of a template text, found without executing it.

mod reach;

use diag::{Diagnostic, Diagnostics, Source, Span, did_you_mean};

use crate::builtins;
use crate::function::FunctionTable;
use crate::parse::{ParseInput, UnknownFunctions, parse};
use crate::set::{TemplateSet, has_function};
use crate::value::Value;

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

impl TemplateSet {
    /// What is wrong with a text on top of the set: what [`check`] finds, or else, as warnings, which fields and
    /// templates are not there. `data` only stands for the types of the dot: its lists need an item to go by, and
    /// what is nil may be anything.
    pub fn check(&self, source: &Source, data: &Value) -> Diagnostics {
        let problems = check(source, self.functions());
        if problems.has_errors() {
            return problems;
        }
        match self.with_nameless(source.text()) {
            Ok(set) => reach::problems(set.trees(), data, source),
            // What `check` has not told cannot be placed either.
            Err(error) => {
                let mut problems = Diagnostics::new();
                problems.push(Diagnostic::error("template-syntax", error.message));
                problems
            }
        }
    }
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

    fn unreachable(text: &str) -> Vec<String> {
        let functions = alertmanager::functions(crate::Time::ZERO);
        let options = crate::Options::default();
        let mut set = TemplateSet::new(crate::Flavour::Text, functions, options);
        let file = "{{ define \"title\" }}{{ .Status }}{{ end }}\n{{ define \"one\" }}{{ .Label.x }}{{ end }}\n\
            {{ define \"loop\" }}{{ template \"loop\" .Alerts }}{{ end }}";
        set.parse("my.tmpl", file).unwrap();
        let data = crate::data::alertmanager::Data::example().to_pointer();
        let problems = set.check(&Source::new("t", text), &data);
        problems.iter().map(diag::render_line).collect()
    }

    #[test]
    fn what_can_be_there_is_no_problem() {
        for text in [
            "",
            "{{ .CommonLabels.any }}{{ $.ExternalURL }}{{ . }}{{ .Alerts.Firing | len }}",
            "{{ range .Alerts.Firing }}{{ .Labels.a }}{{ .StartsAt.Format \"15:04\" }}{{ end }}",
            "{{ range $i, $a := .Alerts }}{{ $i.x }}{{ $a.Fingerprint }}{{ $.Status }}{{ end }}",
            "{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }}{{ end }}",
            "{{ with (index .Alerts 0).Annotations }}{{ .runbook }}{{ end }}{{ (now).Year }}",
            "{{ range .CommonLabels.Names }}{{ . }}{{ else }}{{ .Receiver }}{{ end }}",
            "{{ $x := .Alerts }}{{ $x = .Status }}{{ $x.Whatever }}",
            "{{ template \"title\" . }}{{ define \"own\" }}{{ .Any }}{{ end }}{{ template \"own\" }}",
            "{{ (.CommonLabels.Remove (stringSlice \"a\")).b }}{{ (match \"a\" \"b\").Foo }}",
            "{{ template \"loop\" . }}",
        ] {
            let expected: Vec<String> = match text.contains("loop") {
                true => vec![
                    "my.tmpl:3:39: can't evaluate field Alerts in type template.Alerts (`range` goes through the \
                     items, each of which is the dot then)"
                        .to_owned(),
                ],
                false => Vec::new(),
            };
            assert_eq!(unreachable(text), expected, "{text}");
        }
    }

    #[test]
    fn fields_and_templates_that_cannot_be_there_are_told_in_every_branch() {
        let expected = [
            (
                "{{ if .CommonLabls }}{{ else }}{{ .Alerts.Labels.x }}{{ end }}",
                vec![
                    "t:1:7: can't evaluate field CommonLabls in type *template.Data (did you mean `CommonLabels`?)",
                    "t:1:42: can't evaluate field Labels in type template.Alerts (`range` goes through the items, \
                     each of which is the dot then)",
                ],
            ),
            (
                "{{ range $a := .Alerts }}{{ $a.Lables.x | toUpper }}{{ .CommonLabels.x }}{{ end }}",
                vec![
                    "t:1:31: can't evaluate field Lables in type template.Alert (did you mean `Labels`?)",
                    "t:1:56: can't evaluate field CommonLabels in type template.Alert (there are Status, Labels, \
                     Annotations, StartsAt, EndsAt, GeneratorURL, Fingerprint)",
                ],
            ),
            (
                "{{ .CommonLabels.a.b }}{{ (index .Alerts 0).Value }}{{ eq .Stat \"x\" }}{{ $.Foo }}",
                vec![
                    "t:1:19: can't evaluate field b in type string",
                    "t:1:44: can't evaluate field Value in type template.Alert (there are Status, Labels, \
                     Annotations, StartsAt, EndsAt, GeneratorURL, Fingerprint)",
                    "t:1:59: can't evaluate field Stat in type *template.Data (there are Receiver, Status, Alerts, \
                     NotificationReason, GroupLabels, CommonLabels, CommonAnnotations, RouteLabels, ExternalURL)",
                    "t:1:75: can't evaluate field Foo in type *template.Data (there are Receiver, Status, Alerts, \
                     NotificationReason, GroupLabels, CommonLabels, CommonAnnotations, RouteLabels, ExternalURL)",
                ],
            ),
            (
                "{{ template \"titel\" . }}{{ range .Alerts }}{{ template \"one\" . }}{{ end }}",
                vec![
                    "t:1:14: template \"titel\" not defined (did you mean `title`?)",
                    "my.tmpl:2:22: can't evaluate field Label in type template.Alert (did you mean `Labels`?)",
                ],
            ),
            (
                "{{ toUper .Stat }}",
                vec!["t:1:4: function \"toUper\" not defined (did you mean `toUpper`?)"],
            ),
        ];
        for (text, problems) in expected {
            assert_eq!(unreachable(text), problems, "{text}");
        }
    }

    #[test]
    fn suggests_known_names() {
        let source = Source::new("t", "{{ toUper 1 }}");
        let problems = check(&source, &alertmanager::functions(crate::Time::ZERO)).into_vec();
        assert_eq!(problems[0].hints, ["did you mean `toUpper`?"]);
    }
}
