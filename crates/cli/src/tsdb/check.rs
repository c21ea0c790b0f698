//! `keepwatch tsdb verify` and `keepwatch tsdb repair`.

use std::path::Path;

use ::promtool::Console;
use clap::{ArgMatches, Command};
use folder::repair::repair;
use folder::verify::{Report, verify};

use super::folder as folder_argument;
use crate::progress::Bar;

pub(crate) fn commands() -> [Command; 2] {
    [
        Command::new("verify")
            .about("Reads every file of a data folder and says what is wrong, where, and what to do")
            .arg(folder_argument()),
        Command::new("repair")
            .about("Makes a damaged data folder usable again without losing what can be read; replaced files are kept in set-aside")
            .arg(folder_argument()),
    ]
}

pub(crate) fn run(kind: &str, given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let dir = given
        .get_one::<String>("db path")
        .map_or("", String::as_str);
    let dir = Path::new(dir);
    if !dir.is_dir() {
        return Err(format!("{}: there is no such folder", dir.display()));
    }
    if kind == "repair" {
        // Held until the end.
        let _lock = server::pieces::lock_folder(dir).map_err(|error| error.to_string())?;
        let ulids = server::pieces::ulids();
        let repaired = repair(dir, &ulids, &Bar::default()).map_err(|error| error.to_string())?;
        tell(console, &repaired.found);
        for sentence in &repaired.done {
            console.line(sentence);
        }
        if repaired.done.is_empty() {
            console.line("nothing had to be done");
        }
        return Ok(());
    }
    if server::pieces::is_in_use(dir) {
        console
            .problem("note: a server uses the folder: the newest record of its log may look torn");
    }
    let found = verify(dir, &Bar::default());
    let found = found.map_err(|error| format!("reading {}: {error}", dir.display()))?;
    tell(console, &found);
    if found.has_damage() {
        let count = found.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        return Err(format!("{count} {noun} in {}", dir.display()));
    }
    Ok(())
}

fn tell(console: &mut Console<'_>, report: &Report) {
    let mut advice = "";
    for problem in &report.problems {
        // What to do stands once for problems of the same kind that follow each other.
        if !advice.is_empty() && advice != problem.advice {
            console.line(format_args!("    {advice}"));
        }
        advice = problem.advice;
        console.line(&problem.text);
    }
    if !advice.is_empty() {
        console.line(format_args!("    {advice}"));
    }
    console.line(format_args!(
        "{} blocks with {} series, {} chunks and {} samples; {} segments of logs with {} records; {} series in the head",
        report.blocks,
        report.read.series,
        report.read.chunks,
        report.read.samples,
        report.segments,
        report.records,
        report.head_series
    ));
}
