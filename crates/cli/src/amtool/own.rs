//! `keepwatch alert|silence|route|template`: what amtool does, under our names. They ask a Keepwatch at its usual
//! address, read no file of amtool's, and have JSON for everything that they print.

use std::ffi::OsString;
use std::process::ExitCode;

use ::amtool::Failure;
use ::promtool::Console;
use clap::{ArgMatches, Command};

use super::given::{Given, Names};
use super::settings::Settings;
use super::{
    alert, common, config, defaults, ended, leaf, reader, run_command, silence, template, value,
};

pub(crate) const NAMES: [&str; 4] = ["alert", "silence", "route", "template"];

const URL: &str = "http://localhost:9090/alertmanager";

pub(crate) fn commands() -> Vec<Command> {
    let url = || {
        value("alertmanager.url", "The server, or any Alertmanager")
            .long("url")
            .alias("alertmanager.url")
            .default_value(URL)
            .global(true)
    };
    let commands = [
        alert::command()
            .about("Shows and adds alerts, and tells what became of them")
            .subcommands(crate::alert::commands()),
        silence::command().about("Shows, adds, changes and ends silences"),
        config::routes_command("route")
            .about("Shows where alerts go")
            .subcommands(crate::route::commands()),
        template::command().about("Renders templates of notifications"),
    ];
    let with_common = |command: Command| command.args(common()).arg(url());
    commands.into_iter().map(with_common).collect()
}

/// The program's arguments with the commands that may be left out.
pub(crate) fn filled_in(root: &Command, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_own = arguments
        .get(1)
        .and_then(|name| name.to_str())
        .is_some_and(|name| NAMES.contains(&name));
    if !is_own {
        return arguments;
    }
    let rest = arguments.split_off(1);
    arguments.extend(defaults::filled_in(root, rest));
    arguments
}

/// Runs one of the commands, from the arguments of the whole program, `root`.
pub(crate) fn run(root: &Command, matches: &ArgMatches, arguments: &[OsString]) -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let (path, command, matches) = leaf(root, matches);
    let settings = Settings::default();
    let given = Given {
        names: Names::Own,
        command,
        matches,
        settings: &settings,
    };
    let checked = match given.first_wrong(arguments) {
        Some(wrong) => Err(wrong.problem.into()),
        None => given.check_required(),
    };
    if let ["route", "compare"] = path.as_slice() {
        return crate::route::run_compare(checked, given, &mut console);
    }
    let result = checked.and_then(|()| match path.as_slice() {
        ["alert", kind @ ("history" | "why" | "drill")] => {
            let reader = reader(given, &mut console)?;
            crate::alert::run(kind, given, reader, &mut console)
        }
        ["route", "explain"] => crate::route::run_explain(given, &mut console),
        _ => run_command(&path, given, &mut console),
    });
    let result = result.map_err(|failure| match failure {
        Failure::Problem(problem) => Failure::Short(problem),
        other => other,
    });
    ended(result, "", &mut console)
}
