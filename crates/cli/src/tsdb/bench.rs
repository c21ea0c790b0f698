//! `keepwatch tsdb bench`, and promtool's `tsdb bench write`.

use std::path::Path;

use ::promtool::Console;
use ::promtool::folder::bench::{Bench, bench_write};
use clap::{Arg, ArgMatches, Command, value_parser};

use crate::progress::Bar;

/// The command, under one of its names.
pub(crate) fn command(name: &'static str) -> Command {
    let count = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("NUMBER")
            .default_value(default)
            .value_parser(value_parser!(usize))
            .help(help)
    };
    Command::new(name)
        .about("Run a write performance benchmark.")
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .default_value("benchout")
                .help("Set the output path"),
        )
        .arg(count("metrics", "10000", "Number of metrics to read"))
        .arg(count("scrapes", "3000", "Number of scrapes to simulate"))
        .arg(
            Arg::new("file")
                .value_name("file")
                .help("Input file with samples data, a JSON object of labels a line; without it series are made up"),
        )
}

pub(crate) fn run(given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let count = |name: &str| given.get_one::<usize>(name).copied().unwrap_or_default();
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    bench_write(
        console,
        &Bench {
            file: text("file"),
            series: count("metrics"),
            scrapes: count("scrapes"),
            out: Path::new(text("out").unwrap_or_default()),
            progress: &Bar::default(),
        },
    )
}
