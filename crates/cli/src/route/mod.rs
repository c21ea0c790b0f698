//! `keepwatch route compare`: which alerts another configuration would send elsewhere; asked of a server, or answered
//! without one.

mod candidates;
mod compare;
mod print;

use std::process::ExitCode;

use ::amtool::Failure;
use ::promtool::Console;
use clap::Command;

use crate::alert::storage;
use crate::amtool::given::Given;
use crate::amtool::{value, words};

/// Something differs, as `diff` says it.
const EXIT_CHANGED: u8 = 1;
const EXIT_TROUBLE: u8 = 2;

const COMPARE_ABOUT: &str = "Tells which alerts would go elsewhere with another configuration of alerting.

NEW is compared with the configuration that the server of --url runs, or with OLD, for the alerts that the server has;
with --since also for those of its journal. Nothing is loaded. Receivers, their integrations, groups, timers, intervals
at --at and inhibition are compared; silences do not depend on the configuration.

With OLD and NEW no server is needed where the alerts come from --storage.path, the journal of a server's data folder
(all of it, or since --since), or from --alerts, a file or standard input (-) with the labels of one alert on each line,
as {a=\"b\",c=\"d\"} or as JSON, or with a list as `keepwatch alert -o json` prints it.

The exit code is 0 if nothing changes, 1 if something does, and 2 if that could not be told.

  keepwatch route compare new.yml --since=-30d
  keepwatch route compare alertmanager.yml new.yml --storage.path=data
  echo '{alertname=\"Disk\",team=\"shop\"}' | keepwatch route compare alertmanager.yml new.yml --alerts=-";

/// The commands, to be put below `route`.
pub(crate) fn commands() -> [Command; 1] {
    let time = |name, help| value(name, help).allow_hyphen_values(true);
    [Command::new("compare")
        .about("Tells which alerts would go elsewhere with another configuration")
        .long_about(COMPARE_ABOUT)
        .arg(time(
            "since",
            "Also alerts that the journal mentions from here on: RFC 3339, seconds since 1970, or time before now as in -2h",
        ))
        .arg(time("at", "When intervals mute, in the same forms; now by default"))
        .arg(value("alerts", "These alerts instead of those of the server").allow_hyphen_values(true))
        .arg(storage())
        .arg(value("limit", "So many alerts are shown at most").default_value("100"))
        .arg(words("files", "[OLD] NEW: files of configurations"))]
}

/// Runs `compare`, whose exit code says what came out. `checked` says whether its arguments can be read.
pub(crate) fn run_compare(
    checked: Result<(), Failure>,
    given: Given<'_>,
    console: &mut Console<'_>,
) -> ExitCode {
    let result = checked.and_then(|()| compare::run(given, console));
    // If nobody reads any more, nobody is to be told.
    let _ = console.out.flush();
    match result {
        Ok(compare::Outcome::Same) => ExitCode::SUCCESS,
        Ok(compare::Outcome::Changed) => ExitCode::from(EXIT_CHANGED),
        Err(failure) => {
            if let Failure::Problem(problem) | Failure::Short(problem) = failure {
                console.problem(problem);
            }
            ExitCode::from(EXIT_TROUBLE)
        }
    }
}
