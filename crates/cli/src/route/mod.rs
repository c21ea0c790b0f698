//! `keepwatch route explain`: where an alert would go, and why; `keepwatch route compare`: which alerts another
//! configuration would send elsewhere. Asked of a server, or answered without one.

mod candidates;
mod compare;
mod explain;
mod print;

use std::process::ExitCode;

use ::amtool::Failure;
use ::promtool::Console;
use ::promtool::http::success;
use clap::Command;
use serde_json::Value;

use crate::alert::source::server;
use crate::alert::storage;
use crate::amtool::given::Given;
use crate::amtool::{value, words};

/// Something differs, as `diff` says it.
const EXIT_CHANGED: u8 = 1;
const EXIT_TROUBLE: u8 = 2;

const COMPARE_ABOUT: &str = "Tells which alerts would go elsewhere with another configuration of alerting.

NEW is compared with the configuration that the server of --url runs, or with OLD, for the alerts that the server has;
with --since also for those of its journal. Nothing is loaded. Receivers, their integrations with addresses and texts, groups,
timers, labels of routes, intervals at --at and inhibition are compared; silences do not depend on the configuration.

With OLD and NEW no server is needed where the alerts come from --storage.path, the journal of a server's data folder
(all of it, or since --since), or from --alerts, a file or standard input (-) with the labels of one alert on each line,
as {a=\"b\",c=\"d\"} or as JSON, or with a list as `keepwatch alert -o json` prints it. Alerts of --alerts are taken to
fire together then, so that they may inhibit each other.

The exit code is 0 if nothing changes, 1 if something does, and 2 if that could not be told.

  keepwatch route compare new.yml --since=-30d
  keepwatch route compare alertmanager.yml new.yml --storage.path=data
  echo '{alertname=\"Disk\",team=\"shop\"}' | keepwatch route compare alertmanager.yml new.yml --alerts=-";

const EXPLAIN_ABOUT: &str = "Tells where an alert with these labels would go, and why.

It shows what each route says to the alert, and for each receiver that it ends at: its group, the timers and the routes
that set them, the time intervals, when the group would be looked at next, and everything that would hold the alert back.
A first word without = is the name of the alert.

The server of --url is asked, or --config.file is tried without a server: then there are no silences and no other alerts.
--at asks about another time, by the intervals and silences of then; inhibition is by the alerts of now.

  keepwatch route explain HighErrorRate severity=critical team=shop
  keepwatch route explain HighErrorRate team=shop --at=2026-11-28T03:00:00Z
  keepwatch route explain HighErrorRate team=shop --config.file=alertmanager.yml";

/// The commands, to be put below `route`.
pub(crate) fn commands() -> [Command; 2] {
    let time = |name, help| value(name, help).allow_hyphen_values(true);
    let explain = Command::new("explain")
        .about("Tells where an alert would go, and why")
        .long_about(EXPLAIN_ABOUT)
        .arg(time(
            "at",
            "At this time: RFC 3339, seconds since 1970, or time before now as in -2h; now by default",
        ))
        .arg(words("labels", "NAME=VALUE …, of the alert"));
    let compare = Command::new("compare")
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
        .arg(words("files", "[OLD] NEW: files of configurations"));
    [explain, compare]
}

/// Runs `explain`.
pub(crate) fn run_explain(given: Given<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    explain::run(given, console)
}

/// The answer of the server of `--url` to a question.
fn ask(given: Given<'_>, path: &str, question: String) -> Result<Value, Failure> {
    let server = server(given)?.with_timeout(given.duration("timeout").to_std());
    let headers = [("content-type", "application/json")];
    let answer = server.post(path, &headers, question)?;
    let else_told = format!(
        "{} and no JSON from {}{path}; does --url name a Keepwatch?",
        answer.status,
        server.url()
    );
    Ok(success(&answer.body, &else_told)?)
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
