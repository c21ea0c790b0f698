//! The role `amtool`: its commands and flags, its output and exit codes. Called as `keepwatch amtool …`, or under the
//! name `amtool`. `own` has the same commands under our names.
//!
//! One file per group of commands; what they do is in the crate `amtool`. `settings` reads the role's own file,
//! `given` reads values and checks them in the peer's order, `defaults` fills in commands that need not be named.

mod alert;
mod config;
mod defaults;
pub(crate) mod given;
mod own;
mod settings;
mod silence;
mod template;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use ::amtool::Failure;
use ::amtool::api::{Api, ApiOptions};
use ::amtool::format::{Formatter, Output};
use ::amtool::matchers::{Reader, Verbosity};
use ::promtool::Console;
use clap::{Arg, ArgAction, ArgMatches, Command};
use given::{Given, Names};
pub(crate) use own::{NAMES as OWN_NAMES, commands as own_commands, filled_in, run as run_own};
use settings::Settings;

use crate::promtool::problem;

/// Under this name the program is amtool.
const NAME: &str = "amtool";

/// The arguments without the program's name, if they are for amtool.
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

/// Runs amtool with these arguments.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let result =
        Settings::read().and_then(|settings| parse_and_run(arguments, &settings, &mut console));
    ended(result, &format!("{NAME}: error: "), &mut console)
}

/// Tells why a command failed, after `prefix`.
fn ended(result: Result<(), Failure>, prefix: &str, console: &mut Console<'_>) -> ExitCode {
    // If nobody reads any more, nobody is to be told.
    let _ = console.out.flush();
    match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Problem(text)) => console.problem(format_args!("{prefix}{text}\n")),
        Err(Failure::Short(text)) => console.problem(format_args!("{prefix}{text}")),
        Err(Failure::Told) => {}
    }
    ExitCode::FAILURE
}

fn parse_and_run(
    arguments: Vec<OsString>,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut command = command();
    if arguments.is_empty() {
        console.print(command.render_long_help());
        return Ok(());
    }
    let arguments = defaults::filled_in(&command, arguments);
    let all = std::iter::once(OsString::from(NAME)).chain(arguments.iter().cloned());
    let matches = match command.try_get_matches_from_mut(all) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => return Err(problem(&error).into()),
        Err(error) => {
            console.print(error);
            return Ok(());
        }
    };
    dispatch(&command, &matches, settings, &arguments, console)
}

fn dispatch(
    command: &Command,
    matches: &ArgMatches,
    settings: &Settings,
    arguments: &[OsString],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let (path, command, matches) = leaf(command, matches);
    let given = Given {
        names: Names::Peer,
        command,
        matches,
        settings,
    };
    let wrong = given.first_wrong(arguments);
    let needs_server = matches!(
        path.as_slice(),
        ["alert" | "silence" | "cluster", ..] | ["config", "show"]
    );
    let has_url = given.is_set("alertmanager.url", arguments, wrong.as_ref());
    if needs_server && !has_url {
        let problem = "required flag --alertmanager.url not provided";
        return Err(Failure::Short(problem.to_owned()));
    }
    if let Some(wrong) = wrong {
        return Err(wrong.problem.into());
    }
    given.check_required()?;
    run_command(&path, given, console)
}

/// Runs a command whose arguments are checked.
fn run_command(path: &[&str], given: Given<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    let reader = reader(given, console)?;
    match path {
        ["alert", kind] => alert::run(kind, given, reader, console),
        ["silence", kind] => silence::run(kind, given, reader, console),
        ["template", _] => template::run(given, console),
        ["check-config"] => {
            let files = given.texts("check-files");
            ::amtool::check::check_configs(console, &files, reader)
        }
        ["cluster", _] => ::amtool::status::cluster(console, &api(given)?, &formatter(given)),
        ["config", "show"] => ::amtool::status::config(console, &api(given)?, &formatter(given)),
        ["config", "routes", kind] => config::run_routes(kind, given, reader, console),
        ["route", kind] => config::run_routes(kind, given, reader, console),
        _ => Err("no command given, see --help".into()),
    }
}

/// How matchers are read.
pub(crate) fn reader(given: Given<'_>, console: &mut Console<'_>) -> Result<Reader, Failure> {
    let verbosity = match given.is_on("verbose") {
        true => Verbosity::All,
        false => Verbosity::Warnings,
    };
    Reader::new(console, given.text("enable-feature"), verbosity)
}

/// The names of the commands, outermost first, and the innermost with its arguments.
fn leaf<'m>(
    root: &'m Command,
    matches: &'m ArgMatches,
) -> (Vec<&'m str>, &'m Command, &'m ArgMatches) {
    let (mut path, mut command, mut at) = (Vec::new(), root, matches);
    while let Some((name, inner)) = at.subcommand() {
        path.push(name);
        command = command.find_subcommand(name).unwrap_or(command);
        at = inner;
    }
    (path, command, at)
}

fn api(given: Given<'_>) -> Result<Api, Failure> {
    Api::new(&ApiOptions {
        url: given.text("alertmanager.url"),
        config_file: Some(given.text("http.config.file")).filter(|file| !file.is_empty()),
        timeout: given.duration("timeout").to_std(),
    })
}

pub(crate) fn output(given: Given<'_>) -> Output {
    Output::parse(given.text("output")).unwrap_or_default()
}

/// Of what the peer prints one way only, whatever the output.
fn output_beyond_peer(given: Given<'_>) -> Output {
    match given.names {
        Names::Peer => Output::Simple,
        Names::Own => output(given),
    }
}

fn formatter(given: Given<'_>) -> Formatter<'_> {
    Formatter {
        output: output(given),
        date_format: given.text("date.format"),
    }
}

pub(crate) fn now() -> model::Timestamp {
    model::Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// A flag with a value.
pub(crate) fn value(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(name)
        .hide_default_value(false)
        .help(help)
}

/// A flag that may be repeated.
fn values(name: &'static str, help: &'static str) -> Arg {
    value(name, help).action(ArgAction::Append)
}

/// A flag without a value.
fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// Arguments without a flag.
pub(crate) fn words(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .value_name(name)
        .num_args(0..)
        .allow_hyphen_values(false)
        .help(help)
}

/// Flags of all commands that show something or ask a server.
fn common() -> Vec<Arg> {
    vec![
        value("date.format", "Format of date output")
            .default_value(::amtool::format::DATE_FORMAT)
            .global(true),
        switch("verbose", "Verbose running information")
            .short('v')
            .global(true),
        value("output", "Output formatter (simple, extended, json)")
            .short('o')
            .default_value("simple")
            .global(true),
        value("timeout", "Timeout for the executed command")
            .default_value("30s")
            .global(true),
        value(
            "http.config.file",
            "HTTP client configuration file for amtool to connect to Alertmanager.",
        )
        .global(true),
        value(
            "enable-feature",
            "Experimental features to enable, comma separated. classic-mode and utf8-strict-mode change how matchers are read",
        )
        .global(true),
    ]
}

/// The command tree, also for `keepwatch --help`.
pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("View and modify the current Alertmanager state.")
        .long_about(settings::ABOUT)
        .version(server::VERSION)
        .subcommand_required(true)
        .args(common())
        .arg(value("alertmanager.url", "Alertmanager to talk to").global(true))
        .arg(
            switch(
                "version-check",
                "Taken for the sake of scripts: versions of Keepwatch and Alertmanager do not compare",
            )
            .overrides_with("no-version-check")
            .global(true),
        )
        .arg(
            switch("no-version-check", "The same")
                .overrides_with("version-check")
                .hide(true)
                .global(true),
        )
        .subcommand(alert::command())
        .subcommand(silence::command())
        .subcommand(
            Command::new("check-config")
                .about("Validate alertmanager config files")
                .arg(words("check-files", "Files to be validated, default is standard input")),
        )
        .subcommand(
            Command::new("cluster")
                .about("View cluster status and peers.")
                .subcommand_required(true)
                .subcommand(Command::new("show").about("View cluster status and peers.")),
        )
        .subcommand(config::command())
        .subcommand(template::command())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(line: &str) -> Failure {
        let arguments = line.split_whitespace().map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        parse_and_run(arguments, &Settings::default(), &mut console).unwrap_err()
    }

    /// What amtool says of the same lines.
    #[test]
    fn problems_are_the_peers() {
        for (line, expected) in [
            ("nosuch", "expected command but got \"nosuch\""),
            ("config nosuch", "unexpected nosuch"),
            ("template", "must select a subcommand of 'template'"),
            ("alert --nosuch", "unknown long flag '--nosuch'"),
            (
                "template render --template.text=x",
                "required flag(s) '--template.glob' not provided",
            ),
            (
                "template render",
                "required flag(s) '--template.glob', '--template.text' not provided",
            ),
            (
                "--alertmanager.url=http://a -o xml alert",
                "enum value must be one of simple,extended,json, got 'xml'",
            ),
            (
                "--alertmanager.url=http://a silence --within=x",
                "time: invalid duration \"x\"",
            ),
            (
                "check-config --enable-feature=x nofile",
                "path 'nofile' does not exist",
            ),
        ] {
            let expected = Failure::Problem(expected.to_owned());
            assert_eq!(failure(line), expected, "{line}");
        }
    }

    #[test]
    fn values_behind_a_wrong_one_are_not_there() {
        let missing = "required flag --alertmanager.url not provided";
        for line in [
            "alert",
            "cluster show",
            "-o xml alert --alertmanager.url=http://a",
            "silence -o xml query --alertmanager.url http://a",
        ] {
            assert_eq!(failure(line), Failure::Short(missing.to_owned()), "{line}");
        }
    }
}
