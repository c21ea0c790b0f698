//! `check rules`: rule files, and rules that stand in them twice.

use config::rules::{Inspected, RuleChecks, RuleFile, UnknownFields, inspect};
use diag::Source;
use model::name::NameScheme;
use model::{Labels, LabelsBuilder};
use promql::ParserOptions;

use crate::console::{Console, Outcome, read_text};

/// What is looked for besides errors, and how much it counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleLint {
    pub duplicates: Wanted,
    pub unknown_fields: UnknownFields,
    /// What is found makes the command end with [`Outcome::Lint`].
    pub fatal: Wanted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    No,
    Yes,
}

impl From<bool> for Wanted {
    fn from(is_wanted: bool) -> Self {
        if is_wanted { Self::Yes } else { Self::No }
    }
}

/// What checking found, over all files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) errors: usize,
    pub(crate) lints: usize,
}

impl Tally {
    pub(crate) fn outcome(self, fatal: Wanted) -> Outcome {
        match (self.errors, self.lints) {
            (0, 0) => Outcome::Success,
            (0, _) if fatal == Wanted::Yes => Outcome::Lint,
            (0, _) => Outcome::Success,
            _ => Outcome::Failed,
        }
    }
}

/// Checks rule files.
pub fn check_rules(
    console: &mut Console<'_>,
    files: &[String],
    lint: RuleLint,
    parser: &ParserOptions,
) -> Outcome {
    let mut tally = Tally::default();
    check_files(console, files, lint, parser, &mut tally);
    tally.outcome(lint.fatal)
}

pub(crate) fn check_files(
    console: &mut Console<'_>,
    files: &[String],
    lint: RuleLint,
    parser: &ParserOptions,
    tally: &mut Tally,
) {
    for file in files {
        console.line(format_args!("Checking {file}"));
        match read_text(file) {
            Ok(text) => check_text(console, Some(file), text, lint, parser, tally),
            Err(problem) => {
                tally.errors += 1;
                console.problem("  FAILED:");
                console.problem(format_args!("{file}: {problem}"));
            }
        }
    }
}

/// Checks rules that came on standard input.
pub fn check_rules_text(
    console: &mut Console<'_>,
    text: String,
    lint: RuleLint,
    parser: &ParserOptions,
) -> Outcome {
    console.line("Checking standard input");
    let mut tally = Tally::default();
    check_text(console, None, text, lint, parser, &mut tally);
    tally.outcome(lint.fatal)
}

fn check_text(
    console: &mut Console<'_>,
    file: Option<&str>,
    text: String,
    lint: RuleLint,
    parser: &ParserOptions,
    tally: &mut Tally,
) {
    let name = file.unwrap_or("(standard input)");
    let inspected = inspect_rules(&Source::new(name, text), lint.unknown_fields, parser);
    for warning in inspected
        .diagnostics
        .iter()
        .filter(|found| found.severity < diag::Severity::Error)
    {
        console.problem(format_args!("  WARNING: {}", diag::render_line(warning)));
    }
    if !inspected.peer_errors.is_empty() {
        tally.errors += inspected.peer_errors.len();
        console.problem("  FAILED:");
        for error in &inspected.peer_errors {
            match file {
                Some(file) => console.problem(format_args!("{file}: {error}")),
                None => console.problem(error),
            }
        }
        return;
    }
    let duplicates = match lint.duplicates {
        Wanted::Yes => duplicates(&inspected.file),
        Wanted::No => Vec::new(),
    };
    if duplicates.is_empty() {
        let groups = inspected.file.groups.iter();
        let count: usize = groups.map(|group| group.rules.len()).sum();
        console.line(format_args!("  SUCCESS: {count} rules found"));
    } else {
        tally.lints += duplicates.len();
        console.problem("  FAILED:");
        console.problem(duplicates_text(&duplicates));
    }
    console.line("");
}

/// A rule file with the checks of the server.
pub(crate) fn inspect_rules(
    source: &Source,
    unknown_fields: UnknownFields,
    parser: &ParserOptions,
) -> Inspected {
    let checks = RuleChecks {
        names: NameScheme::Utf8,
        unknown_fields,
        expression: &|text| server::pieces::expression(text, parser),
        template: &server::pieces::template,
    };
    inspect(source, &checks)
}

/// Names and labels of rules that are there more than once, each once, sorted.
fn duplicates(file: &RuleFile) -> Vec<(String, Labels)> {
    let mut rules: Vec<(String, Labels)> = Vec::new();
    for group in &file.groups {
        for rule in &group.rules {
            let mut labels = LabelsBuilder::new();
            for (name, value) in group.labels.iter().chain(&rule.labels) {
                labels.set(name, &value.text);
            }
            rules.push((rule.name().to_owned(), labels.build()));
        }
    }
    rules.sort();
    let mut found: Vec<(String, Labels)> = Vec::new();
    for pair in rules.windows(2) {
        if let [first, second] = pair
            && first == second
            && found.last() != Some(first)
        {
            found.push(first.clone());
        }
    }
    found
}

fn duplicates_text(duplicates: &[(String, Labels)]) -> String {
    let mut text = format!("lint error {} duplicate rule(s) found.\n", duplicates.len());
    for (name, labels) in duplicates {
        text += &format!("Metric: {name}\nLabel(s):\n");
        for (name, value) in labels {
            text += &format!("\t{name}: {value}\n");
        }
    }
    text + "Might cause inconsistency while recording expressions"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lint: RuleLint) -> (Outcome, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let parser = ParserOptions::default();
        let outcome = check_rules_text(&mut console, text.to_owned(), lint, &parser);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (outcome, text(out), text(err))
    }

    const TWICE: &str = "groups:\n- name: g\n  labels: {a: b}\n  rules:\n  - {record: r, expr: up}\n  \
        - {record: r, expr: down, labels: {a: b}}\n  - {record: r, expr: up}\n  - {record: s, expr: up}\n";

    #[test]
    fn duplicates_are_found_by_name_and_labels() {
        let mut lint = RuleLint {
            duplicates: Wanted::Yes,
            ..RuleLint::default()
        };
        let (outcome, out, err) = check(TWICE, lint);
        assert_eq!(outcome, Outcome::Success);
        assert_eq!(out, "Checking standard input\n\n");
        let expected = "  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: r\nLabel(s):\n\ta: b\n\
            Might cause inconsistency while recording expressions\n";
        assert_eq!(err, expected);
        lint.fatal = Wanted::Yes;
        assert_eq!(check(TWICE, lint).0, Outcome::Lint);
        let (outcome, out, err) = check(TWICE, RuleLint::default());
        assert_eq!((outcome, err.as_str()), (Outcome::Success, ""));
        assert_eq!(out, "Checking standard input\n  SUCCESS: 4 rules found\n\n");
    }

    #[test]
    fn a_missing_file_is_named_and_the_others_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good.yml");
        std::fs::write(&good, "groups: []\n").unwrap();
        let files = ["nowhere.yml".to_owned(), good.display().to_string()];
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let parser = ParserOptions::default();
        let outcome = check_rules(&mut console, &files, RuleLint::default(), &parser);
        assert_eq!(outcome, Outcome::Failed);
        let err = String::from_utf8(err).unwrap();
        assert!(
            err.contains("nowhere.yml: open nowhere.yml: no such file or directory"),
            "{err}"
        );
        assert!(
            String::from_utf8(out)
                .unwrap()
                .contains("SUCCESS: 0 rules found")
        );
    }
}
