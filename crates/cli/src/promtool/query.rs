//! `promtool query …` and `promtool promql …`.

use ::promtool::edit::{MatcherEdit, edit_matchers, format};
use ::promtool::http::{Server, ServerOptions};
use ::promtool::query_analysis::{Analysis, analyze};
use ::promtool::{Console, Outcome};
use clap::{Arg, ArgAction, ArgMatches, Command};
use config::GoDuration;
use model::MatchOp;
use promql::ParserOptions;

use super::usage::{existing_file, flag_duration, pair};
use super::{experimental, outcome, text, texts};
use crate::query::{self, Source};
use crate::query_print::{Format, print};

pub(super) fn command() -> Command {
    let on_server = |name: &'static str, about: &'static str| {
        let server = Arg::new("server")
            .value_name("server")
            .required(true)
            .help("Prometheus server to query");
        // Before the expression or the name, as the peer has it.
        let kind = query::kind(name, about).mut_args(|arg| match arg.get_id().as_str() {
            "expr" => arg.value_name("expr").index(2),
            "name" => arg.value_name("name").index(2),
            _ => arg,
        });
        kind.arg(server.index(1))
    };
    let header = || {
        Arg::new("header")
            .long("header")
            .value_name("NAME=VALUE")
            .action(ArgAction::Append)
            .value_parser(pair)
            .help("Extra headers to send to server")
    };
    Command::new("query")
        .about("Run query against a Prometheus server.")
        .subcommand_required(true)
        .arg(
            Arg::new("format")
                .long("format")
                .short('o')
                .default_value("promql")
                .value_parser(["promql", "json"])
                .global(true)
                .help("Output format of the query"),
        )
        .arg(http_config_argument().global(true))
        .subcommand(on_server("instant", "Run instant query.").arg(header()))
        .subcommand(on_server("range", "Run range query.").arg(header()))
        .subcommand(on_server("series", "Run series query."))
        .subcommand(on_server("labels", "Run labels query."))
        .subcommand(analyze_command())
}

fn analyze_command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help);
    Command::new("analyze")
        .about(
            "Run queries against your Prometheus to analyze the usage pattern of certain metrics.",
        )
        .arg(flag("server", "Prometheus server to query").required(true))
        .arg(flag("type", "Type of metric: histogram").required(true))
        .arg(
            flag("duration", "Time frame to analyze")
                .default_value("1h")
                .value_parser(flag_duration),
        )
        .arg(flag(
            "time",
            "Query time (RFC3339 or Unix timestamp), defaults to now",
        ))
        .arg(
            flag("match", "Series selector. Can be specified multiple times")
                .required(true)
                .action(ArgAction::Append),
        )
}

fn run_analyze(given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let at = match text(given, "time") {
        "" => model::Timestamp(jiff::Timestamp::now().as_millisecond()),
        text => query::time("query", text)
            .map_err(|error| format!("error parsing time '{text}': {error}"))?,
    };
    let analysis = Analysis {
        kind: text(given, "type"),
        duration: given
            .get_one::<GoDuration>("duration")
            .copied()
            .unwrap_or_default(),
        time: query::seconds(at),
        selectors: texts(given, "match"),
    };
    let server = server_at(given, text(given, "server"))?;
    analyze(console, &server, &analysis)
}

pub(super) fn http_config_argument() -> Arg {
    Arg::new("http.config.file")
        .long("http.config.file")
        .value_name("filename")
        .value_parser(existing_file)
        .help("HTTP client configuration file, see https://prometheus.io/docs/prometheus/latest/configuration/promtool")
}

/// The server at a URL, as the other arguments say how to reach it.
pub(super) fn server_at(given: &ArgMatches, url: &str) -> Result<Server, String> {
    Server::new(&options(given, url))
}

fn options<'m>(given: &'m ArgMatches, url: &'m str) -> ServerOptions<'m> {
    let headers = given.try_get_many::<(String, String)>("header");
    ServerOptions {
        url,
        config_file: given
            .get_one::<String>("http.config.file")
            .map(String::as_str),
        headers: headers
            .ok()
            .flatten()
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    }
}

pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let Some((kind, given)) = matches.subcommand() else {
        return Outcome::Failed;
    };
    if kind == "analyze" {
        let result = run_analyze(given, console);
        return outcome(result, console);
    }
    let answer = Source::server(&options(given, text(given, "server")))
        .and_then(|source| query::ask(&source, kind, given));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return outcome(Err(format!("{error:#}")), console),
    };
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap_or_default();
        console.problem(format_args!("query warning: {warning}"));
    }
    let format = match text(given, "format") {
        "json" => Format::Json,
        _ => Format::Promql,
    };
    console.line(print(&answer["data"], format));
    Outcome::Success
}

pub(super) fn promql_command() -> Command {
    let required = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name(name)
            .required(true)
            .allow_hyphen_values(true)
            .help(help)
    };
    Command::new("promql")
        .about("PromQL formatting and editing. Requires the --experimental flag.")
        .subcommand_required(true)
        .subcommand(
            Command::new("format")
                .about("Format PromQL query to pretty printed form.")
                .arg(required("query", "PromQL query")),
        )
        .subcommand(
            Command::new("label-matchers")
                .about("Edit label matchers contained within an existing PromQL query.")
                .subcommand_required(true)
                .subcommand(
                    Command::new("set")
                        .about("Set a label matcher in the query.")
                        .arg(
                            Arg::new("type")
                                .long("type")
                                .short('t')
                                .default_value("=")
                                .value_parser(["=", "!=", "=~", "!~"])
                                .help("Type of the label matcher to set"),
                        )
                        .arg(required("query", "PromQL query"))
                        .arg(required("name", "Name of the label matcher to set"))
                        .arg(required("value", "Value of the label matcher to set")),
                )
                .subcommand(
                    Command::new("delete")
                        .about("Delete a label from the query.")
                        .arg(required("query", "PromQL query"))
                        .arg(required("name", "Name of the label to delete")),
                ),
        )
}

pub(super) fn run_promql(
    matches: &ArgMatches,
    parser: &ParserOptions,
    console: &mut Console<'_>,
) -> Outcome {
    let printed = experimental(matches).and_then(|()| match matches.subcommand() {
        Some(("format", given)) => format(text(given, "query"), parser),
        Some((_, given)) => edited(given, parser),
        None => Err("nothing to do".to_owned()),
    });
    let told = printed.map(|text| console.line(text));
    outcome(told, console)
}

fn edited(matches: &ArgMatches, parser: &ParserOptions) -> Result<String, String> {
    let Some((kind, given)) = matches.subcommand() else {
        return Err("nothing to do".to_owned());
    };
    let name = text(given, "name");
    let edit = if kind == "set" {
        MatcherEdit::Set {
            op: match text(given, "type") {
                "!=" => MatchOp::NotEqual,
                "=~" => MatchOp::Regex,
                "!~" => MatchOp::NotRegex,
                _ => MatchOp::Equal,
            },
            name,
            value: text(given, "value"),
        }
    } else {
        MatcherEdit::Delete { name }
    };
    edit_matchers(text(given, "query"), &edit, parser)
}
