//! `promtool test rules`, which is also `keepwatch test rules`.

use ::promtool::check::rules::Wanted;
use ::promtool::rule_tests::{self, TestOptions};
use ::promtool::{Console, Outcome};
use clap::{Arg, ArgAction, ArgMatches, Command};
use promql::Feature;
use regex::Regex;
use server::Features;

use super::check::{unknown_fields, unknown_fields_of};
use super::usage::existing_file;
use super::{outcome, texts};

pub(super) fn command() -> Command {
    Command::new("test")
        .about("Unit testing.")
        .subcommand_required(true)
        .arg(junit().global(true))
        .subcommand(rules_command())
}

pub(crate) fn junit() -> Arg {
    Arg::new("junit")
        .long("junit")
        .value_name("FILE")
        .help("File path to store JUnit XML test results")
}

/// `rules` with all of its arguments but `--junit`.
pub(crate) fn rules_command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("rules")
        .about("Unit tests for rules.")
        .arg(
            Arg::new("test-rule-file")
                .value_name("test-rule-file")
                .required(true)
                .num_args(1..)
                .value_parser(existing_file)
                .help("The unit test file"),
        )
        .arg(
            Arg::new("run")
                .long("run")
                .value_name("REGEX")
                .action(ArgAction::Append)
                .help("Only run test groups whose names match the regular expression; may be repeated"),
        )
        .arg(switch("debug", "Print times, and all samples after each test"))
        .arg(switch(
            "diff",
            "Print coloured differences between expected and received alerts",
        ))
        .arg(unknown_fields())
}

pub(super) fn run(matches: &ArgMatches, features: Features, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some((_, given)) => run_rules(given, features, console),
        None => Outcome::Failed,
    }
}

/// Runs the tests that `rules` names.
pub(crate) fn run_rules(
    given: &ArgMatches,
    features: Features,
    console: &mut Console<'_>,
) -> Outcome {
    let patterns = texts(given, "run");
    let run = match patterns.as_slice() {
        [] => None,
        patterns => match Regex::new(&patterns.join("|")) {
            Ok(run) => Some(run),
            Err(error) => return outcome(Err(format!("--run: {error}")), console),
        },
    };
    let options = TestOptions {
        parser: features.parser(),
        delayed_name_removal: if features.delayed_name_removal.is_on() {
            Feature::On
        } else {
            Feature::Off
        },
        run,
        unknown_fields: unknown_fields_of(given),
        diff: Wanted::from(given.get_flag("diff")),
        debug: Wanted::from(given.get_flag("debug")),
    };
    let files: Vec<String> = texts(given, "test-rule-file")
        .into_iter()
        .map(str::to_owned)
        .collect();
    // A file that cannot be written is found before the tests run.
    let junit = given.get_one::<String>("junit");
    if let Some(path) = junit
        && let Err(error) = std::fs::File::create(path)
    {
        return outcome(Err(format!("open {path}: {error}")), console);
    }
    let (mut ended, xml) = rule_tests::run(console, &files, &options);
    if let Some(path) = junit
        && let Err(error) = std::fs::write(path, xml)
    {
        console.problem(format_args!("failed to write JUnit XML: {error}"));
        ended = Outcome::Failed;
    }
    ended
}
