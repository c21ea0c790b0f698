//! The command line of Keepwatch.
//!
//! [`run`] reads the arguments, sets up logging and the runtime and starts a command: `serve`
//! ([`serve`]), `demo` ([`demo`]), `query` ([`query`]), `fmt` ([`fmt`](mod@fmt)), `test` ([`test`](mod@test)), `tsdb` ([`tsdb`](mod@tsdb)). Called
//! `promtool`, `amtool` or `alertmanager` it is that ([`promtool`](mod@promtool), [`amtool`](mod@amtool),
//! [`alertmanager`](mod@alertmanager)); [`alert`](mod@alert) asks for the journal, [`route`](mod@route) where alerts go. Flags are one table ([`flags`]), which feeds parser, help and the
//! API's list of flags. Arguments that begin with a flag mean `serve`, so that the program can be
//! started with Prometheus' own command line.
//!
//! Not here: what commands do; `server` and `demo` do that.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this crate is the terminal"
)]

mod alert;
mod alertmanager;
mod amtool;
mod demo;
mod flags;
mod fmt;
mod logging;
mod options;
mod progress;
mod promql_text;
mod promtool;
mod query;
mod query_print;
mod route;
mod serve;
mod test;
mod times;
mod tsdb;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;

pub use server::UiFile;

/// Exit code for a command line that cannot be understood, as the peers have it.
const EXIT_USAGE: u8 = 2;
/// Exit code for a configuration with errors, or a failure while running.
const EXIT_FAILURE: u8 = 1;

/// The server's options for these flags of `serve`.
pub fn serve_options<'a>(
    flags: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<server::Options> {
    let arguments = std::iter::once("serve").chain(flags);
    let matches = serve::command().try_get_matches_from(arguments)?;
    options::from_flags(&matches, &[])
}

/// Runs the program with these arguments (the first is the program's name) and these files of the web UI.
pub fn run(arguments: impl IntoIterator<Item = OsString>, ui_files: &'static [UiFile]) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(arguments) = promtool::arguments(&arguments) {
        return promtool::run(arguments);
    }
    if let Some(arguments) = amtool::arguments(&arguments) {
        return amtool::run(arguments);
    }
    if let Some(arguments) = alertmanager::arguments(&arguments) {
        return alertmanager::run(arguments, ui_files);
    }
    let mut command = command();
    let arguments = amtool::filled_in(&command, with_default_command(arguments));
    let matches = match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version come this way too; if the terminal is gone, nobody reads them.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let result = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches, ui_files),
        Some(("demo", matches)) => demo::run(matches, ui_files).map(|()| ExitCode::SUCCESS),
        Some(("query", matches)) => query::run(matches),
        Some(("fmt", matches)) => fmt::run(matches),
        Some(("test", matches)) => test::run(matches),
        Some(("tsdb", matches)) => Ok(tsdb::run(matches)),
        Some((name, _)) if amtool::OWN_NAMES.contains(&name) => {
            Ok(amtool::run_own(&command, &matches, &arguments))
        }
        _ => Ok(ExitCode::SUCCESS),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn command() -> Command {
    Command::new("keepwatch")
        .about("Watches Kubernetes and keeps its data recoverable: Prometheus, Alertmanager and their operator in one program")
        .version(server::VERSION)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(demo::command())
        .subcommand(query::command())
        .subcommand(fmt::command())
        .subcommand(test::command())
        .subcommand(tsdb::command())
        .subcommands(amtool::own_commands())
        .subcommand(promtool::command())
        .subcommand(amtool::command())
        .subcommand(alertmanager::command())
}

/// `keepwatch --config.file=…` means `keepwatch serve --config.file=…`.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let is_flag = first.is_some_and(|first| {
        first.starts_with('-') && !matches!(first, "-h" | "--help" | "-V" | "--version")
    });
    if is_flag {
        arguments.insert(1, "serve".into());
    }
    arguments
}
