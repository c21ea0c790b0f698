//! `promtool check …`.

use std::io::Read;

use ::promtool::check::config::{ConfigChecks, Depth, check_configs};
use ::promtool::check::discovery::check_discovery;
use ::promtool::check::metrics::{MetricChecks, check_metrics};
use ::promtool::check::rules::{RuleLint, Wanted, check_rules, check_rules_text};
use ::promtool::{Console, Outcome};
use clap::{Arg, ArgAction, ArgMatches, Command};
use config::GoDuration;
use config::prometheus::Mode;
use config::rules::UnknownFields;
use model::Duration;
use promql::ParserOptions;

use super::query::{http_config_argument, server_at};
use super::usage::{existing_file, flag_duration};
use super::{outcome, text, texts};

const METRICS_ABOUT: &str =
    "Pass Prometheus metrics over stdin to lint them for consistency and correctness, and optionally perform cardinality analysis.

examples:

$ cat metrics.prom | promtool check metrics

$ curl -s http://localhost:9090/metrics | promtool check metrics --extended

$ curl -s http://localhost:9100/metrics | promtool check metrics --extended --lint=none";

pub(super) fn command() -> Command {
    let files = |name: &'static str| {
        Arg::new(name)
            .value_name(name)
            .num_args(1..)
            .value_parser(existing_file)
    };
    let lint = |help: &'static str| {
        Arg::new("lint")
            .long("lint")
            .default_value("duplicate-rules")
            .help(help)
    };
    Command::new("check")
        .about("Check the resources for validity.")
        .subcommand_required(true)
        .arg(
            Arg::new("query.lookback-delta")
                .long("query.lookback-delta")
                .default_value("5m")
                .value_parser(flag_duration)
                .global(true)
                .help("The server's maximum query lookback duration"),
        )
        .subcommand(
            Command::new("service-discovery")
                .about("Perform service discovery for the given job name and report the results, including relabeling.")
                .arg(
                    Arg::new("config-file")
                        .value_name("config-file")
                        .required(true)
                        .value_parser(existing_file)
                        .help("The prometheus config file"),
                )
                .arg(
                    Arg::new("job")
                        .value_name("job")
                        .required(true)
                        .help("The job to run service discovery for"),
                )
                .arg(
                    Arg::new("timeout")
                        .long("timeout")
                        .default_value("30s")
                        .value_parser(flag_duration)
                        .help("The longest time to wait for discovery results"),
                ),
        )
        .subcommand(
            Command::new("config")
                .about("Check if the config files are valid or not.")
                .arg(files("config-files").required(true).help("The config files to check"))
                .arg(switch("syntax-only", "Only check the config file syntax, ignoring file and content validation referenced in the config"))
                .arg(lint("Linting checks to apply: all, duplicate-rules, too-long-scrape-interval, none"))
                .arg(switch("lint-fatal", "Make lint errors exit with exit code 3"))
                .arg(unknown_fields())
                .arg(switch("agent", "Check config file for Prometheus in Agent mode")),
        )
        .subcommand(
            Command::new("web-config")
                .about("Check if the web config files are valid or not.")
                .arg(files("web-config-files").required(true).help("The config files to check")),
        )
        .subcommand(alive("healthy", "Check if the Prometheus server is healthy."))
        .subcommand(alive("ready", "Check if the Prometheus server is ready."))
        .subcommand(
            Command::new("rules")
                .about("Check if the rule files are valid or not.")
                .arg(files("rule-files").help("The rule files to check, default is read from standard input"))
                .arg(lint("Linting checks to apply: all, duplicate-rules, none"))
                .arg(switch("lint-fatal", "Make lint errors exit with exit code 3"))
                .arg(unknown_fields()),
        )
        .subcommand(
            Command::new("metrics")
                .about(METRICS_ABOUT)
                .arg(switch("extended", "Print extended information related to the cardinality of the metrics"))
                .arg(
                    Arg::new("lint")
                        .long("lint")
                        .default_value("all")
                        .help("Linting checks to apply for metrics: all, none"),
                ),
        )
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

pub(super) fn unknown_fields() -> Arg {
    switch(
        "ignore-unknown-fields",
        "Ignore unknown fields in the rule files. A server does not: remove those fields before it loads them",
    )
}

fn alive(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(http_config_argument())
        .arg(
            Arg::new("url")
                .long("url")
                .default_value("http://localhost:9090")
                .help("The URL for the Prometheus server"),
        )
}

pub(super) fn run(
    matches: &ArgMatches,
    parser: &ParserOptions,
    console: &mut Console<'_>,
) -> Outcome {
    let Some((kind, given)) = matches.subcommand() else {
        return Outcome::Failed;
    };
    match kind {
        "config" => config(given, parser, console),
        "rules" => rules(given, parser, console),
        "metrics" => metrics(given, console),
        "service-discovery" => {
            let timeout = given.get_one::<GoDuration>("timeout");
            let timeout = timeout.copied().unwrap_or_default().to_std();
            check_discovery(
                console,
                text(given, "config-file"),
                text(given, "job"),
                timeout,
            )
        }
        "web-config" => {
            ::promtool::check::web::check_web_configs(console, &owned(given, "web-config-files"))
        }
        _ => {
            let path = if kind == "healthy" {
                "/-/healthy"
            } else {
                "/-/ready"
            };
            let result = server_at(given, text(given, "url"))
                .and_then(|server| ::promtool::check::alive::check_alive(&server, path));
            // The peer tells this on standard error, too.
            let told = result.map(|answer| console.problem(format_args!("  SUCCESS:  {answer}")));
            outcome(told, console)
        }
    }
}

fn owned(given: &ArgMatches, name: &str) -> Vec<String> {
    texts(given, name).into_iter().map(str::to_owned).collect()
}

pub(super) fn unknown_fields_of(given: &ArgMatches) -> UnknownFields {
    if given.get_flag("ignore-unknown-fields") {
        UnknownFields::Ignored
    } else {
        UnknownFields::Refused
    }
}

fn config(given: &ArgMatches, parser: &ParserOptions, console: &mut Console<'_>) -> Outcome {
    let delta = given.get_one::<GoDuration>("query.lookback-delta");
    let delta = delta.copied().unwrap_or_default().0 / 1_000_000;
    let mut lookback_delta = None;
    let mut names = Vec::new();
    for name in text(given, "lint").split(',') {
        match name {
            "all" | "too-long-scrape-interval" => {
                lookback_delta = Some(Duration::from_millis(delta));
                if name == "all" {
                    names.push(name);
                }
            }
            name => names.push(name),
        }
    }
    if names.contains(&"none") {
        lookback_delta = None;
        names.clear();
    }
    let checks = ConfigChecks {
        mode: if given.get_flag("agent") {
            Mode::Agent
        } else {
            Mode::Server
        },
        depth: if given.get_flag("syntax-only") {
            Depth::Syntax
        } else {
            Depth::Files
        },
        rules: lint(given, &names, console),
        lookback_delta,
    };
    check_configs(console, &owned(given, "config-files"), &checks, parser)
}

fn rules(given: &ArgMatches, parser: &ParserOptions, console: &mut Console<'_>) -> Outcome {
    let names: Vec<&str> = text(given, "lint").split(',').collect();
    let lint = lint(given, &names, console);
    let files = owned(given, "rule-files");
    if !files.is_empty() {
        return check_rules(console, &files, lint, parser);
    }
    match standard_input() {
        Ok(text) => check_rules_text(console, text, lint, parser),
        Err(problem) => {
            console.problem(format_args!("  FAILED: {problem}"));
            Outcome::Failed
        }
    }
}

fn lint(given: &ArgMatches, names: &[&str], console: &mut Console<'_>) -> RuleLint {
    let mut duplicates = Wanted::No;
    for name in names {
        match *name {
            "all" | "duplicate-rules" => duplicates = Wanted::Yes,
            "none" | "" => {}
            other => console.line(format_args!(
                "WARNING: unknown lint option: {}",
                model::format::go_quote(other)
            )),
        }
    }
    RuleLint {
        duplicates,
        unknown_fields: unknown_fields_of(given),
        fatal: given.get_flag("lint-fatal").into(),
    }
}

fn metrics(given: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let checks = MetricChecks {
        lint: (text(given, "lint") != "none").into(),
        cardinality: given.get_flag("extended").into(),
    };
    match standard_input() {
        Ok(page) => check_metrics(console, &page, checks),
        Err(problem) => outcome(Err(format!("error while linting: {problem}")), console),
    }
}

/// Longer input is no page and no rule file.
const INPUT_BYTES_MAX: u64 = 1 << 30;

pub(crate) fn standard_input() -> Result<String, String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_string(&mut text);
    read.map_err(|error| format!("reading standard input: {error}"))?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        return Err(format!(
            "standard input is longer than {INPUT_BYTES_MAX} bytes"
        ));
    }
    Ok(text)
}
