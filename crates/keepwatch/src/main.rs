//! Keepwatch: watches Kubernetes and keeps its data recoverable.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
