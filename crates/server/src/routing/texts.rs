//! Templates of a configuration that will fail whenever they are filled in. They are no reason to refuse it, as the
//! peer takes it too; but what they keep from being told is better known now than at the first alert.

use std::collections::HashSet;

use config::rules::spot_in_text;
use diag::{Diagnostic, Diagnostics, Severity, Source, Span};
use gotemplate::ParseError;
use notify::Templates;
use yaml::{Kind, Node};

/// The problems of all templates in receivers and in labels of routes, as warnings. `source` is a configuration that
/// has been read without errors.
pub fn failing_templates(source: &Source, templates: &Templates) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let Some(root) = yaml::parse(source, &mut Diagnostics::new()) else {
        return problems;
    };
    let mut texts = Vec::new();
    for receiver in root
        .get("receivers")
        .and_then(Node::as_sequence)
        .unwrap_or_default()
    {
        let about = format!(
            "receiver `{}`",
            receiver
                .get("name")
                .and_then(Node::text)
                .unwrap_or_default()
        );
        for (key, integrations) in receiver.as_mapping().unwrap_or_default() {
            let key = key.text().unwrap_or_default();
            if key.ends_with("_configs") {
                collect(key, &about, integrations, &mut texts);
            }
        }
    }
    let mut routes: Vec<&Node> = root.get("route").into_iter().collect();
    while let Some(route) = routes.pop() {
        if let Some(labels) = route.get("labels") {
            collect("labels", "a route", labels, &mut texts);
        }
        routes.extend(
            route
                .get("routes")
                .and_then(Node::as_sequence)
                .unwrap_or_default(),
        );
    }
    // What an alias repeats has one place.
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert((text.span.start, text.span.end)));
    texts.sort_by_key(|text| text.span.start);
    for text in texts {
        text.check(source, templates, &mut problems);
    }
    problems
}

/// A template in the file.
struct Text<'n> {
    key: &'n str,
    /// Whose it is.
    about: String,
    text: &'n str,
    span: Span,
}

/// All texts with actions at and below a node.
fn collect<'n>(key: &'n str, about: &str, node: &'n Node, texts: &mut Vec<Text<'n>>) {
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar(scalar) if scalar.text.contains("{{") => texts.push(Text {
            key,
            about: about.to_owned(),
            text: &scalar.text,
            span: node.span,
        }),
        Kind::Scalar(_) => {}
        Kind::Sequence(items) => {
            for item in items {
                collect(key, about, item, texts);
            }
        }
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                collect(key.text().unwrap_or_default(), about, value, texts);
            }
        }
    }
}

impl Text<'_> {
    fn check(&self, source: &Source, templates: &Templates, problems: &mut Diagnostics) {
        let written = Source::new("", self.text);
        for mut problem in templates.check(&written) {
            let own = problem
                .places
                .first()
                .filter(|place| place.source == written);
            let spot = own.map_or(self.span, |place| {
                let range = place.span.start..place.span.end;
                spot_in_text(source, self.span, self.text, range)
            });
            let elsewhere = own.is_none().then(|| problem.places.pop()).flatten();
            let (key, about) = (self.key, &self.about);
            problem.severity = Severity::Warning;
            problem.code = "template-fails";
            problem.message = format!(
                "`{key}` of {about} cannot be filled in: {}",
                problem.message
            );
            problem.places.clear();
            problem = match elsewhere {
                // In a file of templates; what calls it is the second place.
                Some(place) => {
                    problem.places.push(place);
                    problem.at_with(source, spot, "called from here")
                }
                None => problem.at(source, spot),
            };
            problems.push(problem);
        }
    }
}

/// What is wrong with a file of templates: the error that ends its reading, and the other problems in it.
pub(super) fn file_problems(path: &str, text: &str, error: &ParseError) -> Diagnostics {
    let source = Source::new(path, text);
    let functions = gotemplate::functions::alertmanager::functions(gotemplate::Time::ZERO);
    let mut problems = Diagnostics::new();
    let ended = Span::new(error.start, error.end);
    let mut ending = Diagnostic::error("template-invalid", error.to_string()).at(&source, ended);
    for problem in gotemplate::check(&source, &functions) {
        match problem.message == error.message {
            true => {
                ending.places = problem.places;
                ending.hints = problem.hints;
            }
            false => problems.push(problem),
        }
    }
    std::iter::once(ending).chain(problems).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(problems: &Diagnostics) -> Vec<String> {
        problems.iter().map(diag::render_line).collect()
    }

    #[test]
    fn what_will_fail_is_told_at_its_place() {
        let text = "route:\n  receiver: a\n  labels: {team: '{{ .Nope }}'}\nreceivers:\n- name: a\n  slack_configs:\n  \
            - title: '{{ .CommonLabls.x }}'\n    text: |\n      {{ range .Alerts }}\n      {{ .Labels.a | toUper }}\n      \
            {{ end }}\n    fields: [{title: x, value: '{{ if .Status }}'}]\n    fallback: '{{ template \"mine\" . }}'\n    \
            username: '{{ template \"slack.default.titel\" . }}'\n    pretext: '{{ .CommonAnnotations.any }}'\n";
        let file = "{{ define \"mine\" }}\n{{ .Lables }}{{ end }}";
        let templates = Templates::new("http://am", [("/etc/own.tmpl", file)]).unwrap();
        let problems = failing_templates(&Source::new("am.yml", text), &templates);
        assert!(!problems.has_errors());
        let expected = [
            "am.yml:3:22: `team` of a route cannot be filled in: can't evaluate field Nope in type *template.Data",
            "am.yml:7:16: `title` of receiver `a` cannot be filled in: can't evaluate field CommonLabls in type \
             *template.Data (did you mean `CommonLabels`?)",
            "am.yml:10:22: `text` of receiver `a` cannot be filled in: function \"toUper\" not defined (did you mean \
             `toUpper`?)",
            "am.yml:12:49: `value` of receiver `a` cannot be filled in: unexpected EOF (an `if`, `range`, `with`, \
             `define` or `block` has no `{{ end }}`)",
            "own.tmpl:2:4: `fallback` of receiver `a` cannot be filled in: can't evaluate field Lables in type \
             *template.Data",
            "am.yml:14:29: `username` of receiver `a` cannot be filled in: template \"slack.default.titel\" not \
             defined (did you mean `slack.default.title`?)",
        ];
        let lines = lines(&problems);
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n{expected}");
        }
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    }

    #[test]
    fn the_built_in_templates_have_no_problems() {
        let templates = Templates::new("http://am", []).unwrap();
        for name in [
            "slack.default.text",
            "pagerduty.default.instances",
            "email.default.html",
            "opsgenie.default.description",
            "webex.default.message",
            "jira.default.description",
            "msteamsv2.default.text",
        ] {
            let text = format!(
                "route: {{receiver: a}}\nreceivers: [{{name: a, slack_configs: [{{text: '{{{{ template \"{name}\" . }}}}'}}]}}]\n"
            );
            let problems = failing_templates(&Source::new("am.yml", text), &templates);
            assert_eq!(lines(&problems), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_broken_file_is_told_with_all_that_is_wrong_in_it() {
        let text = "{{ define \"a\" }}\n{{ .X | toUperr }}{{ toLowerr .Y }}\n{{ end }}";
        let error = Templates::new("", [("/etc/bad.tmpl", text)]).unwrap_err();
        let problems = file_problems(&error.name, text, &error.error);
        assert_eq!(
            lines(&problems),
            [
                "/etc/bad.tmpl:2:9: template: bad.tmpl:2: function \"toUperr\" not defined (did you mean `toUpper`?)",
                "/etc/bad.tmpl:2:22: function \"toLowerr\" not defined (did you mean `toLower`?)",
            ]
        );
    }
}
