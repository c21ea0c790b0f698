//! Programs of which cases record runs: the runner starts itself under their names, and hands over to the command
//! line. So every case is a process of its own, with its own working directory.

use std::path::Path;
use std::process::{Command, ExitCode};

/// The names.
const ROLES: [&str; 2] = ["amtool", "promtool"];

/// Runs the program whose name this one was started with, if it is one of these.
pub(crate) fn played() -> Option<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let program = Path::new(arguments.first()?).file_name()?;
    ROLES
        .iter()
        .any(|role| program == *role)
        .then(|| cli::run(arguments, &[]))
}

/// Starts this program under one of the names.
pub(crate) fn command(role: &str) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    named(&mut command, role);
    Ok(command)
}

#[cfg(unix)]
fn named(command: &mut Command, role: &str) {
    use std::os::unix::process::CommandExt;
    command.arg0(role);
}

#[cfg(not(unix))]
fn named(_: &mut Command, _: &str) {}
