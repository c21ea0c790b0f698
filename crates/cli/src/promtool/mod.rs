//! The role `promtool`: its commands and flags, its output and exit codes. Called as `keepwatch promtool …`, or
//! under the name `promtool`.
//!
//! One file per group of commands; what they do is in the crate `promtool` and, for data folders, beside the
//! commands of our own names. `usage` turns problems of the command line into the peer's texts.

mod check;
mod push;
mod query;
mod rules;
mod tsdb;
mod usage;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use ::promtool::{Console, Outcome};
pub(crate) use check::standard_input;
use clap::{Arg, ArgAction, ArgMatches, Command};
use server::{Features, Switch};
pub(crate) use usage::{existing_file, flag_duration, pair, problem};

/// Under this name the program is promtool.
const NAME: &str = "promtool";

/// The arguments without the program's name, if they are for promtool.
pub(crate) fn arguments(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (program, rest) = arguments.split_first()?;
    let is_named = Path::new(program)
        .file_stem()
        .is_some_and(|name| name == NAME);
    if is_named {
        return Some(rest.to_vec());
    }
    match rest.split_first() {
        Some((command, rest)) if command == NAME => Some(rest.to_vec()),
        _ => None,
    }
}

/// Runs promtool with these arguments.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let outcome = match parse(arguments, &mut console) {
        Ok(matches) => dispatch(&matches, &mut console),
        Err(outcome) => outcome,
    };
    // If nobody reads any more, nobody is to be told.
    let _ = console.out.flush();
    ExitCode::from(outcome.code())
}

fn parse(arguments: Vec<OsString>, console: &mut Console<'_>) -> Result<ArgMatches, Outcome> {
    let mut command = command();
    if arguments.is_empty() {
        let _ = write!(console.out, "{}", command.render_long_help());
        return Err(Outcome::Success);
    }
    let all = std::iter::once(OsString::from(NAME)).chain(arguments);
    command.try_get_matches_from(all).map_err(|error| {
        if error.use_stderr() {
            let problem = problem(&error);
            console.problem(format_args!("{NAME}: error: {problem}, try --help"));
            Outcome::Failed
        } else {
            let _ = write!(console.out, "{error}");
            Outcome::Success
        }
    })
}

/// `test rules` of promtool as a command of ours: everything that is experimental is switched on.
pub(crate) fn rule_tests_command() -> Command {
    rules::rules_command().arg(rules::junit())
}

pub(crate) fn run_rule_tests(matches: &ArgMatches) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let features = Features {
        experimental_functions: Switch::On,
        extended_range_selectors: Switch::On,
        fill_modifiers: Switch::On,
        ..Features::default()
    };
    let outcome = rules::run_rules(matches, features, &mut console);
    ExitCode::from(outcome.code())
}

/// The command tree, also for `keepwatch --help`.
pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("Tooling for the Prometheus monitoring system.")
        .version(server::VERSION)
        .subcommand_required(true)
        .arg(
            Arg::new("enable-feature")
                .long("enable-feature")
                .value_name("FEATURE")
                .action(ArgAction::Append)
                .global(true)
                .help("Names of features to switch on, separated by commas: promql-experimental-functions, promql-delayed-name-removal, promql-extended-range-selectors, promql-binop-fill-modifiers"),
        )
        .arg(
            Arg::new("experimental")
                .long("experimental")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Enable experimental commands"),
        )
        .subcommand(check::command())
        .subcommand(query::command())
        .subcommand(push::debug_command())
        .subcommand(push::command())
        .subcommand(rules::command())
        .subcommand(query::promql_command())
        .subcommand(tsdb::command())
}

fn dispatch(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let features = features(matches, console);
    let parser = features.parser();
    match matches.subcommand() {
        Some(("check", matches)) => check::run(matches, &parser, console),
        Some(("query", matches)) => query::run(matches, console),
        Some(("debug", matches)) => push::run_debug(matches, console),
        Some(("push", matches)) => push::run(matches, console),
        Some(("test", matches)) => rules::run(matches, features, console),
        Some(("tsdb", matches)) => tsdb::run(matches, console),
        Some(("promql", matches)) => query::run_promql(matches, &parser, console),
        _ => Outcome::Failed,
    }
}

fn features(matches: &ArgMatches, console: &mut Console<'_>) -> Features {
    let lists = matches.get_many::<String>("enable-feature");
    let lists: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
    let known = [
        "promql-experimental-functions",
        "promql-delayed-name-removal",
        "promql-duration-expr",
        "promql-extended-range-selectors",
        "promql-binop-fill-modifiers",
        "",
    ];
    for name in lists.iter().flat_map(|list| list.split(',')) {
        if !known.contains(&name) {
            console.line(format_args!(
                "  WARNING: Unknown feature passed to --enable-feature: {name}"
            ));
        }
    }
    Features::parse(lists).0
}

/// The result of work that only can fail.
fn outcome(result: Result<(), String>, console: &mut Console<'_>) -> Outcome {
    match result {
        Ok(()) => Outcome::Success,
        Err(problem) => {
            console.problem(problem);
            Outcome::Failed
        }
    }
}

/// Whether a command that needs `--experimental` may run.
fn experimental(matches: &ArgMatches) -> Result<(), String> {
    if matches.get_flag("experimental") {
        return Ok(());
    }
    Err("This command is experimental and requires the --experimental flag to be set.".to_owned())
}

fn texts<'m>(matches: &'m ArgMatches, name: &str) -> Vec<&'m str> {
    let values = matches.get_many::<String>(name);
    values.into_iter().flatten().map(String::as_str).collect()
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}
