//! `promtool tsdb …`.

use ::promtool::{Console, Outcome};
use clap::{ArgMatches, Command};

use crate::tsdb::{ended, look};

pub(super) fn command() -> Command {
    Command::new("tsdb")
        .about("Run tsdb commands.")
        .subcommand_required(true)
        .subcommands(look::commands())
}

pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let result = match matches.subcommand() {
        Some((kind, given)) => look::run(kind, given, console),
        None => Ok(()),
    };
    ended(result, console)
}
