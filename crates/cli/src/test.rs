//! `keepwatch test promql`: runs scripts in the test language of PromQL; `keepwatch test rules`: unit tests of
//! rules.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Arg, ArgMatches, Command};
use promql::testing::script::{CommandKind, parse_script};
use promql::testing::session::Session;

use crate::{EXIT_FAILURE, promtool};

pub(crate) fn command() -> Command {
    Command::new("test")
        .about("Runs tests that users write")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(promtool::rule_tests_command())
        .subcommand(
            Command::new("promql")
                .about("Runs scripts of loads and queries with expected results, as Prometheus' own tests have them")
                .arg(
                    Arg::new("file")
                        .value_name("FILE.test")
                        .required(true)
                        .num_args(1..)
                        .help("Scripts; each starts with an empty storage"),
                ),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let matches = match matches.subcommand() {
        Some(("promql", matches)) => matches,
        Some(("rules", matches)) => return Ok(promtool::run_rule_tests(matches)),
        _ => bail!("nothing to test; see keepwatch test --help"),
    };
    let mut tally = Tally::default();
    for file in matches.get_many::<String>("file").into_iter().flatten() {
        match std::fs::read_to_string(file) {
            Ok(text) => script(file, &text, &mut tally),
            Err(error) => tally.fail(format!("{file}: {error}")),
        }
    }
    for failure in &tally.failures {
        println!("{failure}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failures.len());
    Ok(if tally.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILURE)
    })
}

#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    /// A line each: `file:line: what was not as expected`.
    failures: Vec<String>,
}

impl Tally {
    fn fail(&mut self, failure: String) {
        self.failures.push(failure.replace('\n', " "));
    }
}

/// Queries count; a load or a script that cannot be read only counts if it fails.
fn script(file: &str, text: &str, tally: &mut Tally) {
    let commands = match parse_script(text) {
        Ok(commands) => commands,
        Err(error) => {
            // The reader says `line N: …`.
            let place = error.strip_prefix("line ").unwrap_or(&error);
            return tally.fail(format!("{file}:{place}"));
        }
    };
    let mut session = Session::default();
    for command in &commands {
        match session.run(command) {
            Ok(()) => {
                tally.passed += usize::from(matches!(command.kind, CommandKind::Eval(_)));
            }
            Err(error) => tally.fail(format!("{file}:{}: {error}", command.line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Tally {
        let mut tally = Tally::default();
        script("a.test", text, &mut tally);
        tally
    }

    #[test]
    fn counts_queries_and_names_lines() {
        let tally = run(
            "load 1m\n  up 1 2 3\n\neval instant at 1m up\n  up 2\n\neval instant at 2m up\n  up 4\n",
        );
        assert_eq!(tally.passed, 1);
        assert_eq!(tally.failures.len(), 1);
        assert!(tally.failures[0].starts_with("a.test:7: up: "), "{tally:?}");
    }

    #[test]
    fn what_cannot_be_read_is_a_failure() {
        let tally = run("\nfrobnicate\n");
        assert_eq!(tally.failures, ["a.test:2: unknown command \"frobnicate\""]);
    }
}
