//! `tsdb list|analyze|dump|dump-openmetrics`: what is in a data folder.

use std::path::Path;

use ::promtool::Console;
use ::promtool::folder::analyze::{AnalyzeOptions, Chunks, analyze};
use ::promtool::folder::dump::{DumpFormat, DumpRequest, dump};
use ::promtool::folder::list::{Numbers, list};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use model::storage::TimeRange;
use model::{Matcher, Timestamp};

use super::folder;

/// Matches every series, as in the peer.
const ALL_SERIES: &str = "{__name__=~'(?s:.*)'}";

pub(crate) fn commands() -> [Command; 4] {
    let analyze = Command::new("analyze")
        .about("Analyze churn, label pair cardinality and compaction efficiency.")
        .arg(folder())
        .arg(
            Arg::new("block id")
                .value_name("block id")
                .help("Block to analyze; by default the last one"),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .default_value("20")
                .value_parser(value_parser!(usize))
                .help("How many items to show in each list"),
        )
        .arg(switch("extended", "Run extended analysis"))
        .arg(
            Arg::new("match")
                .long("match")
                .value_name("SELECTOR")
                .help("Series selector to analyze. Only 1 set of matchers is supported now"),
        );
    let list = Command::new("list")
        .about("List tsdb blocks.")
        .arg(readable())
        .arg(folder());
    let dump = dump_command(
        "dump",
        "Dump data (series+samples or optionally just series) from a TSDB.",
    )
    .arg(
        Arg::new("format")
            .long("format")
            .default_value("prom")
            .value_parser(["prom", "seriesjson"])
            .help("Output format of the dump"),
    );
    let about = "[Experimental] Dump samples from a TSDB into OpenMetrics text format, excluding native histograms and staleness markers, which are not representable in OpenMetrics.";
    [list, analyze, dump, dump_command("dump-openmetrics", about)]
}

pub(crate) fn readable() -> Arg {
    switch("human-readable", "Print human readable values").short('r')
}

pub(crate) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn dump_command(name: &'static str, about: &'static str) -> Command {
    let time = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("MILLISECONDS")
            .default_value(default)
            .hide_default_value(true)
            .allow_negative_numbers(true)
            .value_parser(int)
            .help(help)
    };
    Command::new(name)
        .about(about)
        .arg(folder())
        .arg(
            Arg::new("sandbox-dir-root")
                .long("sandbox-dir-root")
                .value_name("DIR")
                .help(
                    "Accepted for scripts; nothing is written to disk here, so there is no sandbox",
                ),
        )
        .arg(time(
            "min-time",
            "-9223372036854775808",
            "Minimum timestamp to dump, in milliseconds since the Unix epoch",
        ))
        .arg(time(
            "max-time",
            "9223372036854775807",
            "Maximum timestamp to dump, in milliseconds since the Unix epoch",
        ))
        .arg(
            Arg::new("match")
                .long("match")
                .value_name("SELECTOR")
                .default_value(ALL_SERIES)
                .action(ArgAction::Append)
                .help("Series selector. Can be specified multiple times"),
        )
}

fn int(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let text = model::format::go_quote(text);
        format!("strconv.ParseInt: parsing {text}: invalid syntax")
    })
}

/// Runs one of these commands.
pub(crate) fn run(kind: &str, given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    let dir = Path::new(text("db path").unwrap_or_default());
    match kind {
        "list" => list(console, dir, numbers(given)),
        "analyze" => {
            let matchers = text("match").filter(|text| !text.is_empty()).map(selector);
            let matchers = matchers.transpose()?;
            let options = AnalyzeOptions {
                block: text("block id").filter(|name| !name.is_empty()),
                limit: given.get_one::<usize>("limit").copied().unwrap_or_default(),
                selector: text("match").zip(matchers.as_deref()),
                chunks: if given.get_flag("extended") {
                    Chunks::Read
                } else {
                    Chunks::Skipped
                },
            };
            let text = analyze(dir, &options)?;
            // If nobody reads it any more, there is nobody to tell.
            let _ = console.out.write_all(text.as_bytes());
            Ok(())
        }
        _ => dump_folder(kind, given, dir, console),
    }
}

pub(crate) fn numbers(given: &ArgMatches) -> Numbers {
    if given.get_flag("human-readable") {
        Numbers::Readable
    } else {
        Numbers::Plain
    }
}

fn dump_folder(
    kind: &str,
    given: &ArgMatches,
    dir: &Path,
    console: &mut Console<'_>,
) -> Result<(), String> {
    let selectors = given.get_many::<String>("match").into_iter().flatten();
    let selectors: Result<Vec<Vec<Matcher>>, String> =
        selectors.map(|text| selector(text)).collect();
    let selectors = selectors?;
    let time = |name: &str| given.get_one::<i64>(name).copied().unwrap_or_default();
    let format = given.try_get_one::<String>("format").ok().flatten();
    let format = match (kind, format.map(String::as_str)) {
        ("dump-openmetrics", _) => DumpFormat::OpenMetrics,
        (_, Some("seriesjson")) => DumpFormat::SeriesJson,
        _ => DumpFormat::Samples,
    };
    if let Err(error) = std::fs::metadata(dir) {
        let shown = dir.display().to_string();
        let problem = ::promtool::console::go_file_error("stat", &shown, &error);
        return Err(format!("opening the db dir: {problem}"));
    }
    let (db, notices) = server::pieces::open_read_only(dir).map_err(|error| error.to_string())?;
    for notice in notices {
        console.problem(format_args!("note: {notice}"));
    }
    let request = DumpRequest {
        range: TimeRange::new(Timestamp(time("min-time")), Timestamp(time("max-time"))),
        selectors: &selectors,
        format,
    };
    dump(console.out, &db, &request)
}

fn selector(text: &str) -> Result<Vec<Matcher>, String> {
    promql::parse_metric_selector(text).map_err(|errors| errors.to_string())
}
