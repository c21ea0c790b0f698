//! `keepwatch tsdb backfill-rules`, and promtool's `tsdb create-blocks-from rules`.

use std::path::{Path, PathBuf};

use ::promtool::Console;
use ::promtool::backfill::{Backfill, backfill};
use ::promtool::folder::import::show;
use ::promtool::folder::list::Numbers;
use ::promtool::http::ServerOptions;
use clap::{Arg, ArgMatches, Command, value_parser};
use config::GoDuration;
use model::{Duration, Timestamp};

use crate::progress::Bar;
use crate::promtool::{existing_file, flag_duration};
use crate::query::{Source, time};

/// Without an end, as far as a server is sure to have written its head out.
const END_DEFAULT: Duration = Duration::from_secs(3 * 3600);

/// The arguments that both names have.
fn command(name: &'static str, about: &'static str) -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new(name)
        .about(about)
        .arg(
            text("url", "URL", "The URL of the server that is asked what the rules would have recorded")
                .default_value("http://localhost:9090"),
        )
        .arg(
            text("start", "TIME", "The time to start backfilling from: RFC 3339 or seconds since 1970")
                .required(true),
        )
        .arg(text("end", "TIME", "The time to end backfilling; by default 3 hours ago"))
        .arg(
            text("output-dir", "DIR", "Output directory for generated blocks")
                .default_value(super::FOLDER_DEFAULT),
        )
        .arg(
            text("eval-interval", "DURATION", "How frequently to evaluate rules of groups without an interval")
                .default_value("60s")
                .value_parser(flag_duration),
        )
        .arg(
            Arg::new("rule-files")
                .value_name("rule-files")
                .required(true)
                .num_args(1..)
                .value_parser(existing_file)
                .help("Files with recording rules; all of them are backfilled. Alerting rules are not evaluated"),
        )
}

/// promtool's command.
pub(crate) fn create_blocks_command() -> Command {
    command("rules", "Create blocks of data for new recording rules.").arg(
        Arg::new("http.config.file")
            .long("http.config.file")
            .value_name("filename")
            .value_parser(existing_file)
            .help("HTTP client configuration file for promtool to connect to Prometheus"),
    )
}

/// Our own command.
pub(crate) fn own_command() -> Command {
    command(
        "backfill-rules",
        "Evaluates recording rules over the past, and writes blocks of the results",
    )
    .arg(
        Arg::new("data-dir")
            .long("data-dir")
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .conflicts_with("url")
            .help("Asks the data in this folder instead of a server; nothing in it is changed"),
    )
}

pub(crate) fn run(given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    let told = |error: anyhow::Error| format!("{error:#}");
    let data_dir = given.try_get_one::<PathBuf>("data-dir").ok().flatten();
    let source = match data_dir {
        Some(dir) => Source::open(dir).map_err(told)?,
        None => Source::server(&ServerOptions {
            url: text("url").unwrap_or_default(),
            config_file: given
                .try_get_one::<String>("http.config.file")
                .ok()
                .flatten()
                .map(String::as_str),
            headers: Vec::new(),
        })
        .map_err(told)?,
    };
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let parsed = |name: &str| {
        text(name)
            .map(|text| time(name, text).map_err(told))
            .transpose()
    };
    let dir = Path::new(text("output-dir").unwrap_or_default());
    let interval = given
        .get_one::<GoDuration>("eval-interval")
        .copied()
        .unwrap_or_default();
    let files = given.get_many::<String>("rule-files").into_iter().flatten();
    let files: Vec<String> = files.cloned().collect();
    let blocks = backfill(
        console,
        &files,
        &Backfill {
            ask: &|path, parameters| source.ask(path, parameters).map_err(told),
            start: parsed("start")?.unwrap_or(now),
            end: parsed("end")?.unwrap_or(now - END_DEFAULT),
            interval: Duration::from_millis(interval.0 / 1_000_000),
            dir,
            progress: &Bar::default(),
        },
    )?;
    let is_quiet = given.try_get_one::<bool>("quiet").ok().flatten() == Some(&true);
    if is_quiet {
        return Ok(());
    }
    show(console, &blocks, dir, Numbers::Plain)
}
