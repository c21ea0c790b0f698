//! Validation of rule files, in the order and the words of the peer.

use std::collections::{BTreeMap, HashSet};

use diag::{Diagnostic, Diagnostics, Source, Span};

use super::group::{Group, Rule, RuleFile, Text};
use super::{Finding, RuleChecks, spot_in_text};
use crate::quote::quote;

pub(super) fn problems(file: &RuleFile, source: &Source, checks: &RuleChecks<'_>) -> Diagnostics {
    let mut report = Report {
        source,
        checks,
        subject: String::new(),
        problems: Diagnostics::new(),
    };
    let mut names = HashSet::new();
    for group in &file.groups {
        report.subject.clear();
        report.group(group, &mut names);
        for (at, rule) in group.rules.iter().enumerate() {
            let (name, group) = (quote(rule.name()), quote(&group.name.text));
            report.subject = format!("group {group}, rule {}, {name}: ", at + 1);
            report.rule(rule);
        }
    }
    report.problems
}

struct Report<'a> {
    source: &'a Source,
    checks: &'a RuleChecks<'a>,
    /// What the messages start with.
    subject: String,
    problems: Diagnostics,
}

impl Report<'_> {
    fn refuse(&mut self, place: Span, message: impl AsRef<str>, hint: &str) {
        let message = format!("{}{}", self.subject, message.as_ref());
        self.problems.push(
            Diagnostic::error("bad-rule", message)
                .at(self.source, place)
                .hint(hint),
        );
    }

    fn group(&mut self, group: &Group, names: &mut HashSet<String>) {
        let place = if group.name.span() == Span::default() {
            group.place.0
        } else {
            group.name.span()
        };
        if group.name.text.is_empty() {
            self.refuse(place, "Groupname must not be empty", "add `name`");
        }
        if !names.insert(group.name.text.clone()) {
            let message = format!(
                "groupname: \"{}\" is repeated in the same file",
                group.name.text
            );
            self.refuse(place, message, "rename one of the groups");
        }
        self.labels(&group.labels);
    }

    fn rule(&mut self, rule: &Rule) {
        let place = rule.place.0;
        match (rule.record.text.is_empty(), rule.alert.text.is_empty()) {
            (false, false) => {
                let message = "only one of 'record' and 'alert' must be set";
                self.refuse(rule.alert.span(), message, "make two rules of it");
            }
            (true, true) => {
                let message = "one of 'record' or 'alert' must be set";
                self.refuse(
                    place,
                    message,
                    "add `record` with a metric name or `alert` with a name",
                );
            }
            _ => {}
        }
        if rule.expr.text.is_empty() {
            self.refuse(place, "field 'expr' must be set in rule", "add `expr`");
        } else {
            let findings = (self.checks.expression)(&rule.expr.text);
            self.findings("could not parse expression: ", &rule.expr, findings);
        }
        if rule.is_recording() {
            self.recording(rule);
        }
        self.labels(&rule.labels);
        for (name, text) in &rule.annotations {
            if !self.checks.names.allows_label(name) {
                let message = format!("invalid annotation name: {name}");
                self.refuse(text.span(), message, "use letters, digits and underscores");
            }
        }
        if rule.is_recording() {
            return;
        }
        for (kind, texts) in [("label", &rule.labels), ("annotation", &rule.annotations)] {
            for (name, text) in texts {
                let findings = (self.checks.template)(&text.text);
                self.findings(&format!("{kind} {}: ", quote(name)), text, findings);
            }
        }
    }

    fn recording(&mut self, rule: &Rule) {
        let place = rule.place.0;
        let fields = [
            ("annotations", !rule.annotations.is_empty()),
            ("for", !rule.for_duration.is_zero()),
            ("keep_firing_for", !rule.keep_firing_for.is_zero()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_given)| *is_given) {
            let message = format!("invalid field '{field}' in recording rule");
            self.refuse(place, message, "remove it; only alerts have it");
        }
        let name = &rule.record;
        if !self.checks.names.allows_metric(&name.text) {
            let message = format!("invalid recording rule name: {}", name.text);
            self.refuse(
                name.span(),
                message,
                "a metric name, as in `job:requests:rate5m`",
            );
        }
        if name.text.contains(['{', '}']) {
            let message = format!(
                "braces present in the recording rule name; should it be in expr?: {}",
                name.text
            );
            self.refuse(
                name.span(),
                message,
                "give the series its labels under `labels`",
            );
        }
    }

    fn labels(&mut self, labels: &BTreeMap<String, Text>) {
        for (name, text) in labels {
            if !self.checks.names.allows_label(name) || name == "__name__" {
                let message = format!("invalid label name: {name}");
                self.refuse(text.span(), message, "use another name");
            }
        }
    }

    fn findings(&mut self, prefix: &str, text: &Text, findings: Vec<Finding>) {
        for finding in findings {
            let place = match finding.range {
                Some(range) => spot_in_text(self.source, text.span(), &text.text, range),
                None => text.span(),
            };
            let message = format!("{}{prefix}{}", self.subject, finding.message);
            let mut problem = Diagnostic::error("bad-rule-text", message).at(self.source, place);
            problem.hints = finding.hints;
            self.problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use diag::render_line;
    use model::name::NameScheme;

    use super::*;
    use crate::rules::load;

    fn check(text: &str) -> Vec<String> {
        let checks = RuleChecks {
            names: NameScheme::Utf8,
            expression: &|text| match text.find('!') {
                Some(at) => vec![Finding {
                    message: "parse error".into(),
                    range: Some(at..at + 1),
                    hints: vec![],
                }],
                None => vec![],
            },
            template: &|_| vec![],
        };
        match load(&Source::new("rules.yml", text), &checks) {
            Ok((_, warnings)) => warnings.iter().map(render_line).collect(),
            Err(error) => error.diagnostics.iter().map(render_line).collect(),
        }
    }

    #[test]
    fn all_problems_are_reported_at_their_places() {
        let problems = check(
            "groups:\n- name: a\n  rules:\n  - record: x\n    expr: |\n      a\n      + !\n    for: 1m\n  - expr: 1\n- name: a\n",
        );
        assert_eq!(
            problems,
            [
                "rules.yml:7:9: group \"a\", rule 1, \"x\": could not parse expression: parse error",
                "rules.yml:4:5: group \"a\", rule 1, \"x\": invalid field 'for' in recording rule (remove it; only alerts have it)",
                "rules.yml:9:5: group \"a\", rule 2, \"\": one of 'record' or 'alert' must be set (add `record` with a metric name or `alert` with a name)",
                "rules.yml:10:9: groupname: \"a\" is repeated in the same file (rename one of the groups)",
            ]
        );
    }

    #[test]
    fn a_second_document_is_warned_about() {
        let problems = check("groups: []\n---\ngroups: []\n");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("rules.yml:3:1: only the first document is used"));
    }
}
