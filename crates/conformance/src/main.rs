//! The conformance runner: `cargo xtask conformance`.
//!
//! Cases are data files in a folder outside the repository, one sub-folder per suite; their formats are
//! described in the README of each. A suite is one file in `suites/` and one line in its table.
//! `conformance.toml` records how many cases of each suite pass; the records only rise.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

mod records;
mod role;
mod run;
mod suite;
mod suites;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

/// Runs the peers' behaviour cases and prints a row per suite.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with the case files.
    #[arg(
        long,
        env = "KEEPWATCH_CONFORMANCE_DIR",
        default_value = "../shared/conformance"
    )]
    dir: PathBuf,
    /// Run only this suite, or all below it (`alertmanager`, `alertmanager/notify`); may be repeated.
    #[arg(long = "suite", value_name = "SUITE")]
    suites: Vec<String>,
    /// Print the id and the reason of each failed case.
    #[arg(long)]
    list_failures: bool,
    /// Compare with conformance.toml instead of expecting every case to pass.
    #[arg(long)]
    records: bool,
    /// With --records: raise the records to what passes now.
    #[arg(long, requires = "records")]
    raise: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = role::played() {
        return Ok(code);
    }
    let arguments = Arguments::parse();
    if !arguments.dir.is_dir() {
        let message = format!(
            "no conformance cases at {}: this check is left out",
            arguments.dir.display()
        );
        if std::env::var_os("CI").is_some_and(|value| value == "true") || !arguments.records {
            anyhow::bail!("{message} (set KEEPWATCH_CONFORMANCE_DIR or --dir)");
        }
        println!("{message}");
        return Ok(ExitCode::SUCCESS);
    }
    let selected = suites::select(&arguments.suites)?;
    let results = run::run(&selected, &arguments.dir)?;
    run::print_table(&results, arguments.list_failures);
    let passed: usize = results.iter().map(|result| result.passed).sum();
    let failed: usize = results.iter().map(|result| result.failures.len()).sum();
    let mut success = failed == 0;
    if arguments.records {
        let path = PathBuf::from("conformance.toml");
        if arguments.raise {
            records::raise(&path, &results).context("raising the records in conformance.toml")?;
        }
        let fallen =
            records::fallen(&path, &results).context("reading the records in conformance.toml")?;
        for line in &fallen {
            println!("{line}");
        }
        success = fallen.is_empty();
    }
    if passed + failed == 0 {
        anyhow::bail!("no case was found in {}", arguments.dir.display());
    }
    println!("{passed} passed, {failed} failed");
    Ok(if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
