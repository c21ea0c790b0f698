//! `keepwatch query instant|range|series|labels|explain`: asks a server, or a data folder without one, and
//! prints what promtool prints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use model::Timestamp;
use net::{ClientOptions, HttpClient, Request};
use serde_json::Value;
use server::{OfflineData, QueryOptions};

use crate::query_print::{Format, explanation, print};
use crate::{promql_text, serve};

const TIMEOUT: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: usize = 1 << 30;
/// Without times, series and labels are those of about a year around now, as promtool has it.
const WIDE: model::Duration = model::Duration::from_secs(9999 * 3600);

pub(crate) fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let expr = || Arg::new("expr").required(true).value_name("EXPR");
    let start = || {
        text(
            "start",
            "TIME",
            "First time, RFC 3339 or seconds since 1970",
        )
    };
    let end = || text("end", "TIME", "Last time, RFC 3339 or seconds since 1970");
    let matches =
        || text("match", "SELECTOR", "Series selector; may be repeated").action(ArgAction::Append);
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
        .subcommand(
            Command::new("instant")
                .about("Evaluates an expression at one time")
                .arg(expr())
                .arg(text(
                    "time",
                    "TIME",
                    "RFC 3339 or seconds since 1970; by default now",
                )),
        )
        .subcommand(
            Command::new("range")
                .about(
                    "Evaluates an expression over a range of time, by default the last 5 minutes",
                )
                .arg(expr())
                .arg(start())
                .arg(end())
                .arg(text(
                    "step",
                    "DURATION",
                    "By default a 250th of the range, at least 1s",
                )),
        )
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
        .subcommand(
            Command::new("series")
                .about("Lists series")
                .arg(matches().required(true))
                .arg(start())
                .arg(end()),
        )
        .subcommand(
            Command::new("labels")
                .about("Lists the values of a label")
                .arg(Arg::new("name").required(true).value_name("NAME"))
                .arg(matches())
                .arg(start())
                .arg(end()),
        )
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
        None => {
            let url = text("url").unwrap_or_default().trim_end_matches('/');
            Source::Server(url.to_owned())
        }
    };
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
            let name = escaped(text("name").unwrap_or_default());
            (format!("/api/v1/label/{name}/values"), wide(given, now)?)
        }
        _ => ("/api/v1/series".to_owned(), wide(given, now)?),
    };
    if let Some(expr) = expression(kind, given) {
        parameters.push(("query", expr.to_owned()));
    }
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    let answer = source.ask(&format!("{path}?{}", pairs.join("&")))?;
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("query warning: {}", warning.as_str().unwrap_or_default());
    }
    let format = match text("format") {
        Some("json") => Format::Json,
        _ => Format::Promql,
    };
    if kind == "explain" && format == Format::Promql {
        print!("{}", explanation(&answer["data"]));
    } else {
        print(&answer["data"], format);
    }
    Ok(ExitCode::SUCCESS)
}

fn expression<'m>(kind: &str, given: &'m ArgMatches) -> Option<&'m str> {
    let has_expression = matches!(kind, "instant" | "range" | "explain");
    let expr = has_expression.then(|| given.get_one::<String>("expr"));
    expr.flatten().map(String::as_str)
}

/// What the API is asked with, but for the expression.
type Parameters = Vec<(&'static str, String)>;

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
enum Source {
    /// Its address, without a slash at the end.
    Server(String),
    Folder(Box<OfflineData>),
}

impl Source {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let data = OfflineData::open(dir, &QueryOptions::default())?;
        for notice in &data.notices {
            eprintln!("note: {notice}");
        }
        Ok(Self::Folder(Box::new(data)))
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
    fn ask(&self, path: &str) -> anyhow::Result<Value> {
        match self {
            Self::Server(address) => ask_server(format!("{address}{path}")),
            Self::Folder(data) => {
                let answer = serve::runtime()?.block_on(data.ask(path));
                let answer = answer.map_err(|error| anyhow!("query error: {error}"))?;
                success(&answer, "")
            }
        }
    }
}

fn ask_server(url: String) -> anyhow::Result<Value> {
    let client = HttpClient::new(ClientOptions::default())?;
    let request = Request {
        timeout: TIMEOUT,
        body_bytes_max: ANSWER_BYTES_MAX,
        ..Request::get(url.clone())
    };
    let answer = serve::runtime()?.block_on(client.send(request));
    let answer = answer.with_context(|| {
        let server = url.split("/api/").next().unwrap_or_default();
        format!("query error: asking {server} (name another server with --url)")
    })?;
    success(
        &answer.body,
        &format!("{} and no JSON from {url}", answer.status),
    )
}

fn success(body: &[u8], what_else: &str) -> anyhow::Result<Value> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        bail!("query error: {what_else}");
    };
    if body["status"] != "success" {
        let kind = body["errorType"].as_str().unwrap_or("unknown");
        let text = body["error"].as_str().unwrap_or_default();
        bail!("query error: {kind}: {text}");
    }
    Ok(body)
}

fn time(name: &str, text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Timestamp::from_seconds(seconds));
    }
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    match parsed {
        Ok(time) => Ok(Timestamp(time.as_millisecond())),
        Err(_) => bail!("--{name}: cannot parse {text:?} to a valid timestamp"),
    }
}

/// As the API reads it.
fn seconds(time: Timestamp) -> String {
    time.seconds().to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
