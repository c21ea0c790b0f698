//! Validation of rule files, in the order and the words of the peer.

use std::collections::{BTreeMap, HashSet};

use diag::{Diagnostic, Diagnostics, Source, Span};

use super::group::{Group, Rule, RuleFile, Text};
use super::{Finding, RuleChecks, spot_in_text};
use crate::quote::quote;

/// All problems, and those that the peer reports, as it prints them.
pub(super) fn problems(
    file: &RuleFile,
    source: &Source,
    checks: &RuleChecks<'_>,
) -> (Diagnostics, Vec<String>) {
    let mut report = Report {
        source,
        checks,
        subject: String::new(),
        problems: Diagnostics::new(),
        peer_errors: Vec::new(),
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
    (report.problems, report.peer_errors)
}

/// The nodes of which the peer prints the lines and columns; one that is not in the file is at `0:0`.
#[derive(Clone, Copy)]
enum PeerPlace {
    None,
    At(Span),
    Both(Span, Span),
}

struct Report<'a> {
    source: &'a Source,
    checks: &'a RuleChecks<'a>,
    /// What the messages start with.
    subject: String,
    problems: Diagnostics,
    peer_errors: Vec<String>,
}

impl Report<'_> {
    fn refuse(&mut self, place: Span, peer: PeerPlace, message: impl AsRef<str>, hint: &str) {
        let message = format!("{}{}", self.subject, message.as_ref());
        self.peer_error(peer, &message);
        self.problems.push(
            Diagnostic::error("bad-rule", message)
                .at(self.source, place)
                .hint(hint),
        );
    }

    fn peer_error(&mut self, place: PeerPlace, message: &str) {
        let at = |span: Span| {
            if span == Span::default() {
                return "0:0: ".to_owned();
            }
            let position = self
                .source
                .position(node_start(self.source.text(), span.start));
            format!("{}:{}: ", position.line, position.column)
        };
        let places = match place {
            PeerPlace::None => String::new(),
            PeerPlace::At(span) => at(span),
            PeerPlace::Both(first, second) => at(first) + &at(second),
        };
        self.peer_errors.push(format!("{places}{message}"));
    }

    fn group(&mut self, group: &Group, names: &mut HashSet<String>) {
        let place = if group.name.span() == Span::default() {
            group.place.0
        } else {
            group.name.span()
        };
        let peer = PeerPlace::At(group.place.0);
        if group.name.text.is_empty() {
            self.refuse(place, peer, "Groupname must not be empty", "add `name`");
        }
        if !names.insert(group.name.text.clone()) {
            let message = format!(
                "groupname: \"{}\" is repeated in the same file",
                group.name.text
            );
            self.refuse(place, peer, message, "rename one of the groups");
        }
        self.labels(&group.labels);
    }

    fn rule(&mut self, rule: &Rule) {
        let place = rule.place.0;
        let both = PeerPlace::Both(rule.record.span(), rule.alert.span());
        match (rule.record.text.is_empty(), rule.alert.text.is_empty()) {
            (false, false) => {
                let message = "only one of 'record' and 'alert' must be set";
                self.refuse(rule.alert.span(), both, message, "make two rules of it");
            }
            (true, true) => {
                let message = "one of 'record' or 'alert' must be set";
                let hint = "add `record` with a metric name or `alert` with a name";
                self.refuse(place, both, message, hint);
            }
            _ => {}
        }
        if rule.expr.text.is_empty() {
            let peer = PeerPlace::At(rule.expr.span());
            let message = "field 'expr' must be set in rule";
            self.refuse(place, peer, message, "add `expr`");
        } else {
            let findings = (self.checks.expression)(&rule.expr.text);
            let prefix = "could not parse expression: ";
            if let Some(first) = findings.first() {
                let message = format!("{}{prefix}{}", self.subject, first.message);
                self.peer_error(PeerPlace::At(rule.expr.span()), &message);
            }
            self.findings(prefix, &rule.expr, findings);
        }
        if rule.is_recording() {
            self.recording(rule);
        }
        self.labels(&rule.labels);
        for (name, text) in &rule.annotations {
            if !self.checks.names.allows_label(name) {
                let message = format!("invalid annotation name: {name}");
                let hint = "use letters, digits and underscores";
                self.refuse(text.span(), PeerPlace::None, message, hint);
            }
        }
        if !rule.is_recording() {
            self.templates(rule);
        }
    }

    fn templates(&mut self, rule: &Rule) {
        for (kind, texts) in [("label", &rule.labels), ("annotation", &rule.annotations)] {
            for (name, text) in texts {
                let findings = (self.checks.template)(&text.text);
                let prefix = format!("{kind} {}: ", quote(name));
                if let Some(first) = findings.iter().find(|finding| !finding.is_warning) {
                    let before = first
                        .range
                        .as_ref()
                        .and_then(|at| text.text.get(..at.start));
                    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
                    let message = format!(
                        "{}{prefix}template: __alert_{}:{line}: {}",
                        self.subject, rule.alert.text, first.message
                    );
                    self.peer_error(PeerPlace::None, &message);
                }
                self.findings(&prefix, text, findings);
            }
        }
    }

    fn recording(&mut self, rule: &Rule) {
        let place = rule.place.0;
        let name = &rule.record;
        let peer = PeerPlace::At(name.span());
        let fields = [
            ("annotations", !rule.annotations.is_empty()),
            ("for", !rule.for_duration.is_zero()),
            ("keep_firing_for", !rule.keep_firing_for.is_zero()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_given)| *is_given) {
            let message = format!("invalid field '{field}' in recording rule");
            self.refuse(place, peer, message, "remove it; only alerts have it");
        }
        if !self.checks.names.allows_metric(&name.text) {
            let message = format!("invalid recording rule name: {}", name.text);
            let hint = "a metric name, as in `job:requests:rate5m`";
            self.refuse(name.span(), peer, message, hint);
        }
        if name.text.contains(['{', '}']) {
            let message = format!(
                "braces present in the recording rule name; should it be in expr?: {}",
                name.text
            );
            let hint = "give the series its labels under `labels`";
            self.refuse(name.span(), peer, message, hint);
        }
    }

    fn labels(&mut self, labels: &BTreeMap<String, Text>) {
        for (name, text) in labels {
            if !self.checks.names.allows_label(name) || name == "__name__" {
                let message = format!("invalid label name: {name}");
                self.refuse(text.span(), PeerPlace::None, message, "use another name");
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
            let problem = match finding.is_warning {
                true => Diagnostic::warning("template-fails", message),
                false => Diagnostic::error("bad-rule-text", message),
            };
            let mut problem = problem.at(self.source, place);
            problem.hints = finding.hints;
            self.problems.push(problem);
        }
    }
}

/// Where the peer sees the start of a value: of a block scalar, which is on lines of its own, at its `|` or `>`.
fn node_start(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    let above = before.trim_end();
    if !before.get(above.len()..).unwrap_or_default().contains('\n') {
        return start;
    }
    let modifiers = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-');
    let indicator = above.trim_end_matches(modifiers);
    match indicator.strip_suffix(['|', '>']) {
        Some(rest) if rest.ends_with([' ', '\t']) => rest.len(),
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use diag::render_line;
    use model::name::NameScheme;

    use super::*;
    use crate::rules::{UnknownFields, inspect, load};

    fn check(text: &str) -> Vec<String> {
        let checks = RuleChecks {
            names: NameScheme::Utf8,
            unknown_fields: UnknownFields::Refused,
            expression: &|text| match text.find('!') {
                Some(at) => vec![Finding {
                    message: "parse error".into(),
                    range: Some(at..at + 1),
                    hints: vec![],
                    is_warning: false,
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

    /// What promtool 3.14 prints for the same files.
    #[test]
    fn the_peer_reports_less_and_at_other_places() {
        let checks = RuleChecks {
            names: NameScheme::Utf8,
            unknown_fields: UnknownFields::Ignored,
            expression: &|text| vec![finding(text), finding("second")],
            template: &|text| match text.find('$') {
                Some(at) => vec![Finding {
                    range: Some(at..at + 1),
                    ..finding("undefined variable \"$x\"")
                }],
                None => vec![],
            },
        };
        fn finding(message: &str) -> Finding {
            Finding {
                message: message.to_owned(),
                range: None,
                hints: vec![],
                is_warning: false,
            }
        }
        let text = "groups:\n- name: a\n  own: 1\n  rules:\n  - record: x\n    expr: up\n    for: 1m\n  \
            - alert: y\n    expr: |\n      up\n    annotations:\n      z: |\n        a\n        {{ $x }}\n  - expr: \"\"\n";
        let inspected = inspect(&Source::new("rules.yml", text), &checks);
        assert_eq!(
            inspected.peer_errors,
            [
                "6:11: group \"a\", rule 1, \"x\": could not parse expression: up",
                "5:13: group \"a\", rule 1, \"x\": invalid field 'for' in recording rule",
                "9:11: group \"a\", rule 2, \"y\": could not parse expression: up\n",
                "group \"a\", rule 2, \"y\": annotation \"z\": template: __alert_y:2: undefined variable \"$x\"",
                "0:0: 0:0: group \"a\", rule 3, \"\": one of 'record' or 'alert' must be set",
                "15:11: group \"a\", rule 3, \"\": field 'expr' must be set in rule",
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
