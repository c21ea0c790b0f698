//! `promtool tsdb …`.

use ::promtool::{Console, Outcome};
use clap::{ArgMatches, Command};

use crate::tsdb::{backfill, bench, ended, import, look};

pub(super) fn command() -> Command {
    Command::new("tsdb")
        .about("Run tsdb commands.")
        .subcommand_required(true)
        .subcommands(look::commands())
        .subcommand(
            Command::new("create-blocks-from")
                .about("[Experimental] Import samples from input and produce TSDB blocks. Please refer to the storage docs for more details.")
                .subcommand_required(true)
                .arg(look::readable().global(true))
                .arg(look::switch("quiet", "Do not print created blocks").short('q').global(true))
                .arg(import::max_block_duration().global(true))
                .subcommand(import::create_blocks_command())
                .subcommand(backfill::create_blocks_command()),
        )
        .subcommand(
            Command::new("bench")
                .about("Run benchmarks.")
                .subcommand_required(true)
                .subcommand(bench::command("write")),
        )
}

pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let result = match matches.subcommand() {
        Some(("create-blocks-from", matches)) => match matches.subcommand() {
            Some(("rules", given)) => backfill::run(given, console),
            Some((_, given)) => import::create_blocks(given, console),
            None => Ok(()),
        },
        Some(("bench", matches)) => match matches.subcommand() {
            Some((_, given)) => bench::run(given, console),
            None => Ok(()),
        },
        Some((kind, given)) => look::run(kind, given, console),
        None => Ok(()),
    };
    ended(result, console)
}
