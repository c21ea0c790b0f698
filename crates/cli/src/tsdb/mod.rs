//! Data folders without a server: `keepwatch tsdb …`, and the commands that promtool has under the same name.
//!
//! [`look`]: list, analyze, dump. [`import`]: samples and blocks from elsewhere; [`backfill`]:
//! samples of new rules. [`check`]: verify, repair. [`bench`]: how fast samples are stored.

pub(crate) mod backfill;
pub(crate) mod bench;
mod check;
pub(crate) mod import;
pub(crate) mod look;

use std::process::ExitCode;

use ::promtool::{Console, Outcome};
use clap::{Arg, ArgMatches, Command};

/// The folder where a server that is told nothing keeps its data.
const FOLDER_DEFAULT: &str = "data/";

pub(crate) fn command() -> Command {
    Command::new("tsdb")
        .about("Looks into data folders and changes them, without a server")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(look::commands())
        .subcommand(import::command())
        .subcommand(backfill::own_command())
        .subcommands(check::commands())
        .subcommand(bench::command("bench"))
}

pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let result = match matches.subcommand() {
        Some(("import", given)) => import::run(given, &mut console),
        Some(("backfill-rules", given)) => backfill::run(given, &mut console),
        Some(("bench", given)) => bench::run(given, &mut console),
        Some((kind @ ("verify" | "repair"), given)) => check::run(kind, given, &mut console),
        Some((kind, given)) => look::run(kind, given, &mut console),
        None => Ok(()),
    };
    ExitCode::from(ended(result, &mut console).code())
}

/// What a result means for the exit code; an error is told.
pub(crate) fn ended(result: Result<(), String>, console: &mut Console<'_>) -> Outcome {
    match result {
        Ok(()) => Outcome::Success,
        Err(problem) => {
            console.problem(problem);
            Outcome::Failed
        }
    }
}

/// The folder that a command is about.
fn folder() -> Arg {
    Arg::new("db path")
        .value_name("db path")
        .default_value(FOLDER_DEFAULT)
        .help("Data folder")
}
