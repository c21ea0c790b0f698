//! `config show` and `config routes …`, which is also `keepwatch route …`.

use ::amtool::Failure;
use ::amtool::matchers::Reader;
use ::amtool::routes::{self, RouteSource, RouteTest};
use ::promtool::Console;
use clap::Command;

use super::given::Given;
use super::{api, output_beyond_peer, switch, value, words};

const SHOW_ABOUT: &str = "View current config.

The amount of output is controlled by the output selection flag:
  - Simple: Print just the running config
  - Extended: Print the running config as well as uptime and all version info
  - Json: Print entire config object as json";

const ROUTES_ABOUT: &str = "Prints alert routing tree

Routing is loaded from a local configuration file or a running Alertmanager configuration.
Specifying --config.file takes precedence over --alertmanager.url.";

const TEST_ABOUT: &str = "Test alert routing

Will return receiver names which the alert with given labels resolves to.
If the labelset resolves to multiple receivers, they are printed out in order as defined in the routing tree.

  amtool config routes test --config.file=doc/examples/simple.yml --verify.receivers=team-DB-pager service=database";

pub(super) fn command() -> Command {
    Command::new("config")
        .about("View current config.")
        .subcommand_required(true)
        .subcommand(
            Command::new("show")
                .about("View current config.")
                .long_about(SHOW_ABOUT),
        )
        .subcommand(routes_command("routes"))
}

pub(super) fn routes_command(name: &'static str) -> Command {
    Command::new(name)
        .about("Prints alert routing tree")
        .long_about(ROUTES_ABOUT)
        .subcommand_required(true)
        .arg(value("config.file", "Config file to be tested.").global(true))
        .subcommand(Command::new("show").about("Prints alert routing tree"))
        .subcommand(
            Command::new("test")
                .about("Test alert routing")
                .long_about(TEST_ABOUT)
                .arg(value(
                    "verify.receivers",
                    "Checks if specified receivers matches resolved receivers. The command fails if the labelset does not route to the specified receivers.",
                ))
                .arg(switch("tree", "Prints out matching routes tree."))
                .arg(words(
                    "labels",
                    "List of labels to be tested against the configured routes.",
                )),
        )
}

pub(super) fn run_routes(
    kind: &str,
    given: Given<'_>,
    reader: Reader,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let (file, url) = (given.text("config.file"), given.text("alertmanager.url"));
    let server;
    let source = match (file, url) {
        ("", "") => {
            let problem = "You have to specify one of --config.file or --alertmanager.url flags.";
            return Err(Failure::Short(problem.to_owned()));
        }
        ("", _) => {
            server = api(given)?;
            RouteSource::Server(&server)
        }
        (file, url) => {
            if !url.is_empty() && !given.is_default("alertmanager.url") {
                console.problem("Warning: --config.file flag overrides the --alertmanager.url.");
            }
            RouteSource::File(file)
        }
    };
    if kind == "show" {
        return routes::show(console, &source, reader, output_beyond_peer(given));
    }
    let test = RouteTest {
        labels: given.texts("labels"),
        expected: given.text("verify.receivers").to_owned(),
        tree: given.is_on("tree"),
    };
    routes::test(console, &source, reader, output_beyond_peer(given), &test)
}
