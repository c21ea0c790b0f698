//! `keepwatch fmt promql`: a query in canonical, indented form, as `promtool promql format` prints it.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::{EXIT_FAILURE, promql_text};

/// Longer files are not queries.
const INPUT_BYTES_MAX: u64 = 10 << 20;

pub(crate) fn command() -> Command {
    Command::new("fmt")
        .about("Formats what users write")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("promql")
                .about("Prints a query in canonical form, indented where it is long")
                .arg(
                    Arg::new("file")
                        .value_name("FILE")
                        .default_value("-")
                        .help("File with one query; - for standard input"),
                )
                .arg(
                    Arg::new("check")
                        .long("check")
                        .action(ArgAction::SetTrue)
                        .help("Print nothing; exit code 1 if the query is not in this form"),
                ),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let Some(("promql", matches)) = matches.subcommand() else {
        bail!("nothing to format; see keepwatch fmt --help");
    };
    let file = matches
        .get_one::<String>("file")
        .map_or("-", String::as_str);
    let (name, text) = read(file)?;
    let expr = promql_text::parse(&name, text.trim())?;
    let formatted = promql::pretty(&expr, promql::syntax::PRETTY_WIDTH);
    if !matches.get_flag("check") {
        println!("{formatted}");
        return Ok(ExitCode::SUCCESS);
    }
    // An editor's newline at the end is part of no query.
    if text.trim_end_matches('\n') == formatted {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{name} is not in canonical form; keepwatch fmt promql {file} prints it");
    Ok(ExitCode::from(EXIT_FAILURE))
}

fn read(file: &str) -> anyhow::Result<(String, String)> {
    let mut text = String::new();
    let name = if file == "-" {
        "(standard input)"
    } else {
        file
    };
    let source: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("opening {file}"))?)
    };
    source
        .take(INPUT_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("reading {name}"))?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        bail!("{name} is longer than {INPUT_BYTES_MAX} bytes, which no query is");
    }
    Ok((name.to_owned(), text))
}
