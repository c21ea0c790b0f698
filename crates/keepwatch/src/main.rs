//! Keepwatch: watches Kubernetes and keeps its data recoverable.

mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), ui::FILES)
}
