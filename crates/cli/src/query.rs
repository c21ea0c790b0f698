//! `keepwatch query instant|range|series|labels|explain`: asks a server, or a data folder without one, and
//! prints what promtool prints. `promtool query` asks in the same way.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::promtool::http::{self, Parameters, Server, ServerOptions, percent_encoded, success};
use anyhow::{Context, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use model::Timestamp;
use serde_json::Value;
use server::{OfflineData, QueryOptions};

use crate::query_print::{Format, explanation, print};
use crate::{promql_text, serve};

/// Without times, series and labels are those of about a year around now, as promtool has it.
const WIDE: model::Duration = model::Duration::from_secs(9999 * 3600);

pub(crate) fn command() -> Command {
    Command::new("query")
        .about("Asks a server or a data folder, as promtool query does")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            text("url", "URL", "The server")
                .default_value("http://localhost:9090")
                .global(true),
        )
        .arg(
            text(
                "data-dir",
                "DIR",
                "Asks the data in this folder, of Keepwatch or Prometheus, instead of a server; nothing in it \
                 is changed, and \"now\" is the time of its newest sample",
            )
            .value_parser(value_parser!(PathBuf))
            .conflicts_with("url")
            .global(true),
        )
        .arg(
            text("format", "FORMAT", "promql or json")
                .short('o')
                .value_parser(["promql", "json"])
                .default_value("promql")
                .global(true),
        )
        .subcommand(kind("instant", "Evaluates an expression at one time"))
        .subcommand(kind(
            "range",
            "Evaluates an expression over a range of time, by default the last 5 minutes",
        ))
        .subcommand(
            Command::new("explain")
                .about("Shows the operators of an expression and what they cost")
                .arg(expr())
                .arg(
                    text(
                        "time",
                        "TIME",
                        "RFC 3339 or seconds since 1970; by default now",
                    )
                    .conflicts_with_all(["start", "end", "step"]),
                )
                .arg(start())
                .arg(end())
                .arg(text(
                    "step",
                    "DURATION",
                    "By default a 250th of the range, at least 1s",
                ))
                .arg(
                    Arg::new("analyze")
                        .long("analyze")
                        .action(ArgAction::SetTrue)
                        .help("Run it, and show what it did cost"),
                ),
        )
        .subcommand(kind("series", "Lists series"))
        .subcommand(kind("labels", "Lists the values of a label"))
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn expr() -> Arg {
    Arg::new("expr").required(true).value_name("EXPR")
}

fn start() -> Arg {
    let help = "First time, RFC 3339 or seconds since 1970";
    text("start", "TIME", help)
}

fn end() -> Arg {
    let help = "Last time, RFC 3339 or seconds since 1970";
    text("end", "TIME", help)
}

/// One of the commands that promtool has, too, with all of its arguments but those that name the server.
pub(crate) fn kind(name: &'static str, about: &'static str) -> Command {
    let matches =
        text("match", "SELECTOR", "Series selector; may be repeated").action(ArgAction::Append);
    let command = Command::new(name).about(about);
    match name {
        "instant" => command.arg(expr()).arg(text(
            "time",
            "TIME",
            "RFC 3339 or seconds since 1970; by default now",
        )),
        "range" => command.arg(expr()).arg(start()).arg(end()).arg(text(
            "step",
            "DURATION",
            "By default a 250th of the range, at least 1s",
        )),
        "series" => command.arg(matches.required(true)).arg(start()).arg(end()),
        _ => command
            .arg(Arg::new("name").required(true).value_name("NAME"))
            .arg(matches)
            .arg(start())
            .arg(end()),
    }
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let (kind, given) = matches
        .subcommand()
        .context("nothing to ask; see keepwatch query --help")?;
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    if let Some(expr) = expression(kind, given) {
        // Slips are found here, where they can be shown in place.
        promql_text::parse("(expression)", expr)?;
    }
    let source = match given.get_one::<PathBuf>("data-dir") {
        Some(dir) => Source::open(dir)?,
        None => Source::server(&ServerOptions {
            url: text("url").unwrap_or_default(),
            ..ServerOptions::default()
        })?,
    };
    let format = match text("format") {
        Some("json") => Format::Json,
        _ => Format::Promql,
    };
    let answer = ask(&source, kind, given)?;
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("query warning: {}", warning.as_str().unwrap_or_default());
    }
    if kind == "explain" && format == Format::Promql {
        print!("{}", explanation(&answer["data"]));
    } else {
        println!("{}", print(&answer["data"], format));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a command asks, answered.
pub(crate) fn ask(source: &Source, kind: &str, given: &ArgMatches) -> anyhow::Result<Value> {
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    let now = source.now();
    let (path, mut parameters) = match kind {
        "instant" => ("/api/v1/query".to_owned(), instant(given, now)?),
        "range" => ("/api/v1/query_range".to_owned(), range(given, now)?),
        "explain" => {
            let is_range = text("start").or(text("end")).or(text("step")).is_some();
            let asked = if is_range { range } else { instant };
            let mut parameters = asked(given, now)?;
            parameters.push(("analyze", given.get_flag("analyze").to_string()));
            ("/api/keepwatch/v1/query/explain".to_owned(), parameters)
        }
        "labels" => {
            let name = percent_encoded(text("name").unwrap_or_default());
            (format!("/api/v1/label/{name}/values"), wide(given, now)?)
        }
        _ => ("/api/v1/series".to_owned(), wide(given, now)?),
    };
    if let Some(expr) = expression(kind, given) {
        parameters.push(("query", expr.to_owned()));
    }
    source.ask(&path, &parameters)
}

fn expression<'m>(kind: &str, given: &'m ArgMatches) -> Option<&'m str> {
    let has_expression = matches!(kind, "instant" | "range" | "explain");
    let expr = has_expression.then(|| given.get_one::<String>("expr"));
    expr.flatten().map(String::as_str)
}

fn time_of(given: &ArgMatches, name: &str, default: Timestamp) -> anyhow::Result<Timestamp> {
    given
        .get_one::<String>(name)
        .map_or(Ok(default), |text| time(name, text))
}

fn instant(given: &ArgMatches, now: Timestamp) -> anyhow::Result<Parameters> {
    Ok(vec![("time", seconds(time_of(given, "time", now)?))])
}

fn range(given: &ArgMatches, now: Timestamp) -> anyhow::Result<Parameters> {
    let end = time_of(given, "end", now)?;
    let start = time_of(given, "start", end - model::Duration::from_secs(300))?;
    if start >= end {
        bail!("start time is not before end time");
    }
    let step = match given.get_one::<String>("step") {
        Some(text) => model::Duration::parse(text).context("--step")?,
        None => model::Duration::from_secs((end.since(start).millis() / 1000 / 250).max(1)),
    };
    Ok(vec![
        ("start", seconds(start)),
        ("end", seconds(end)),
        ("step", step.seconds().to_string()),
    ])
}

fn wide(given: &ArgMatches, now: Timestamp) -> anyhow::Result<Parameters> {
    let mut parameters = vec![
        ("start", seconds(time_of(given, "start", now - WIDE)?)),
        ("end", seconds(time_of(given, "end", now + WIDE)?)),
    ];
    let selectors = given.get_many::<String>("match").into_iter().flatten();
    parameters.extend(selectors.map(|selector| ("match[]", selector.clone())));
    Ok(parameters)
}

/// Who is asked.
pub(crate) enum Source {
    Server(Box<Server>),
    Folder(Box<OfflineData>),
}

impl Source {
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        let data = OfflineData::open(dir, &QueryOptions::default())?;
        for notice in &data.notices {
            eprintln!("note: {notice}");
        }
        Ok(Self::Folder(Box::new(data)))
    }

    pub(crate) fn server(options: &ServerOptions<'_>) -> anyhow::Result<Self> {
        let server = Server::new(options).map_err(|error| anyhow!(error))?;
        Ok(Self::Server(Box::new(server)))
    }

    /// What questions without a time are about.
    fn now(&self) -> Timestamp {
        let newest = match self {
            Self::Server(_) => None,
            Self::Folder(data) => data.newest(),
        };
        newest.unwrap_or_else(|| Timestamp(jiff::Timestamp::now().as_millisecond()))
    }

    /// The answer, if it tells of success.
    pub(crate) fn ask(&self, path: &str, parameters: &Parameters) -> anyhow::Result<Value> {
        let answer = match self {
            Self::Server(server) => server.ask(path, parameters),
            Self::Folder(data) => {
                let path = format!("{path}?{}", http::encoded(parameters));
                let answer = serve::runtime()?.block_on(data.ask(&path));
                answer.and_then(|answer| success(&answer, "no JSON"))
            }
        };
        answer.map_err(|error| anyhow!("query error: {error}"))
    }
}

/// A time as the peers read it.
pub(crate) fn time(name: &str, text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Timestamp::from_seconds(seconds));
    }
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let what = match name {
        "time" => "evaluation",
        name => name,
    };
    match parsed {
        Ok(time) => Ok(Timestamp(time.as_millisecond())),
        Err(_) => bail!("error parsing {what} time: cannot parse {text:?} to a valid timestamp"),
    }
}

/// As the API reads it.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.seconds().to_string()
}
