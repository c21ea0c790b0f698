//! Files with tests: read, run one after the other, reported.

use std::path::Path;
use std::time::Instant;

use config::GoDuration;
use config::rule_tests::{RuleTests, load};
use config::rules::UnknownFields;
use diag::Source;
use discovery::matching_files;
use model::Duration;
use promql::{Feature, ParserOptions};
use regex::Regex;

use super::junit::{Report, Suite};
use super::test::{Setting, run_test};
use crate::check::rules::Wanted;
use crate::console::{Console, Outcome, read_text};

/// Go's words.
const BAD_PATTERN: &str = "syntax error in pattern";

const INTERVAL_DEFAULT: Duration = Duration::from_secs(60);

/// How tests run, and what is told of them.
#[derive(Clone, Debug)]
pub struct TestOptions {
    pub parser: ParserOptions,
    pub delayed_name_removal: Feature,
    /// Only tests with a name that this finds something in.
    pub run: Option<Regex>,
    pub unknown_fields: UnknownFields,
    /// Differences of alerts are shown in colours, line by line.
    pub diff: Wanted,
    /// Times, and all samples at the end of each test.
    pub debug: Wanted,
}

/// Runs the tests of the files. Gives the results as JUnit XML besides.
pub fn run(
    console: &mut Console<'_>,
    files: &[String],
    options: &TestOptions,
) -> (Outcome, String) {
    let mut report = Report::default();
    let mut outcome = Outcome::Success;
    for file in files {
        let mut suite = Suite::new(file);
        let failures = match run_file(console, file, options, &mut suite) {
            Ok(failures) => failures,
            Err(error) => {
                suite.abort(&error);
                vec![error]
            }
        };
        report.suites.push(suite);
        if failures.is_empty() {
            console.line("  SUCCESS");
        } else {
            outcome = Outcome::Failed;
            console.problem("  FAILED:");
            for failure in &failures {
                console.problem(failure);
                console.line("");
            }
        }
        console.line("");
    }
    (outcome, report.to_xml())
}

/// What was not as expected; an error if there is nothing to run.
fn run_file(
    console: &mut Console<'_>,
    file: &str,
    options: &TestOptions,
    suite: &mut Suite,
) -> Result<Vec<String>, String> {
    let text = read_text(file)?;
    let tests = load(&Source::new(file, text)).map_err(|error| error.peer_text())?;
    let rule_files = rule_files(console, file, &tests)?;
    let interval = match tests.evaluation_interval {
        Duration::ZERO => INTERVAL_DEFAULT,
        interval => interval,
    };
    suite.set_time(&jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let order = &tests.group_eval_order;
    for (at, name) in order.iter().enumerate() {
        if order.iter().take(at).any(|earlier| earlier == name) {
            return Err(format!("group name repeated in evaluation order: {name}"));
        }
    }
    let mut failures = Vec::new();
    for (at, test) in tests.tests.iter().enumerate() {
        if options
            .run
            .as_ref()
            .is_some_and(|run| !run.is_match(&test.name))
        {
            continue;
        }
        let name = match test.name.as_str() {
            "" => format!("unnamed#{at}"),
            name => name.to_owned(),
        };
        let started = Instant::now();
        if options.debug == Wanted::Yes {
            console.problem(format_args!("DEBUG: Starting test {name}"));
        }
        let setting = Setting {
            options,
            rule_files: &rule_files,
            interval,
            series_interval: match test.interval {
                Duration::ZERO => interval,
                interval => interval,
            },
            order,
            fuzzy: tests.fuzzy_compare.into(),
        };
        let found = run_test(console, test, &setting);
        if options.debug == Wanted::Yes {
            let nanos = i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX);
            let taken = GoDuration(nanos);
            console.problem(format_args!("DEBUG: Test {name} finished, took {taken}"));
        }
        suite.add_case(&name, &found);
        failures.extend(found);
    }
    Ok(failures)
}

/// The rule files that the patterns match.
fn rule_files(
    console: &mut Console<'_>,
    file: &str,
    tests: &RuleTests,
) -> Result<Vec<String>, String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let folder = folder.display().to_string();
    let mut found = Vec::new();
    for pattern in &tests.rule_files {
        let pattern = config::join_path(&folder, pattern);
        let matching = matching_files(&pattern).map_err(|_| BAD_PATTERN.to_owned())?;
        if matching.is_empty() {
            console.problem(format_args!("  WARNING: no file match pattern {pattern}"));
        }
        for file in matching.iter().map(|file| file.display().to_string()) {
            // A file that several patterns match is one file.
            if !found.contains(&file) {
                found.push(file);
            }
        }
    }
    Ok(found)
}
