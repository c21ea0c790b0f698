//! `cargo xtask …`: the project's chores.
//!
//! - `tidy`: checks that hold for the whole tree (layers, purposes, file sizes, forbidden constructs).
//! - `conformance …`: runs the conformance runner; all further arguments are its own.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => {
            let problems = xtask::tidy::check(&xtask::workspace_root())?;
            for problem in &problems {
                eprintln!("{problem}");
            }
            println!("tidy: {} problems", problems.len());
            Ok(if problems.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Some("conformance") => {
            // A program of its own, so that `tidy` does not wait for all crates to be built.
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let status = Command::new(cargo)
                .current_dir(xtask::workspace_root())
                .args(["run", "--quiet", "--package", "conformance", "--"])
                .args(arguments)
                .status()
                .context("starting the conformance runner")?;
            Ok(if status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        other => bail!("unknown chore {other:?}: there are `tidy` and `conformance`"),
    }
}
