//! `keepwatch tsdb import`, and promtool's `tsdb create-blocks-from openmetrics`.

use std::path::{Path, PathBuf};

use ::promtool::Console;
use ::promtool::folder::import::{BlockLength, ImportOptions, Told, import_blocks, import_page};
use ::promtool::folder::online::import_online;
use ::promtool::http::{Server, ServerOptions};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use config::GoDuration;
use model::{Duration, Timestamp};

use super::look::{numbers, readable, switch};
use crate::progress::Bar;
use crate::promtool::{existing_file, flag_duration, pair};

/// Reading a large body, and making blocks of it.
const ONLINE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(4 * 3600);
/// Samples may be so far ahead of the clock; later ones are taken for slips.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);
/// Blocks are not longer, as in a server.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

fn label() -> Arg {
    Arg::new("label")
        .long("label")
        .value_name("NAME=VALUE")
        .action(ArgAction::Append)
        .value_parser(pair)
        .help("Label to attach to metrics. Can be specified multiple times")
}

pub(crate) fn max_block_duration() -> Arg {
    Arg::new("max-block-duration")
        .long("max-block-duration")
        .value_name("DURATION")
        .default_value("0s")
        .hide(true)
        .value_parser(flag_duration)
        .help("Maximum duration created blocks may span. Anything less than 2h is ignored")
}

/// promtool's command.
pub(crate) fn create_blocks_command() -> Command {
    Command::new("openmetrics")
        .about("Import samples from OpenMetrics input and produce TSDB blocks. Please refer to the storage docs for more details.")
        .arg(label())
        .arg(
            Arg::new("input file")
                .value_name("input file")
                .required(true)
                .help("OpenMetrics file to read samples from"),
        )
        .arg(
            Arg::new("output directory")
                .value_name("output directory")
                .default_value(super::FOLDER_DEFAULT)
                .help("Output directory for generated blocks"),
        )
}

pub(crate) fn create_blocks(given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let text = |name: &str| given.get_one::<String>(name).map_or("", String::as_str);
    let labels = labels(given);
    let told = if given.get_flag("quiet") {
        Told::Nothing
    } else {
        Told::Blocks(numbers(given))
    };
    let options = ImportOptions {
        dir: Path::new(text("output directory")),
        labels: &labels,
        length: BlockLength::Longest(range_max(given)),
        time_max: None,
        told,
        progress: &Bar::default(),
    };
    import_page(console, text("input file"), &options)
}

pub(crate) fn range_max(given: &ArgMatches) -> Duration {
    let longest = given.get_one::<GoDuration>("max-block-duration");
    Duration::from_millis(longest.copied().unwrap_or_default().0 / 1_000_000)
}

fn labels(given: &ArgMatches) -> Vec<(String, String)> {
    let labels = given.get_many::<(String, String)>("label");
    labels.into_iter().flatten().cloned().collect()
}

/// Our own command.
pub(crate) fn command() -> Command {
    Command::new("import")
        .about("Takes samples and blocks into a data folder that no server uses")
        .arg(
            Arg::new("input")
                .value_name("INPUT")
                .required(true)
                .num_args(1..)
                .help("OpenMetrics files, in which every sample has its time; folders of blocks, data folders, and tar archives of blocks (*.tar)"),
        )
        .arg(
            Arg::new("data-dir")
                .long("data-dir")
                .value_name("DIR")
                .default_value(super::FOLDER_DEFAULT)
                .value_parser(value_parser!(PathBuf))
                .help("The data folder; it is made if it is not there"),
        )
        .arg(
            Arg::new("url")
                .long("url")
                .value_name("URL")
                .conflicts_with_all(["data-dir", "max-block-duration"])
                .help("Sends it to this server instead, which has --web.enable-admin-api; it is visible at once"),
        )
        .arg(
            Arg::new("http.config.file")
                .long("http.config.file")
                .value_name("FILE")
                .requires("url")
                .value_parser(existing_file)
                .help("How to reach the server: authentication, TLS"),
        )
        .arg(label())
        .arg(max_block_duration().hide(false))
        .arg(readable())
        .arg(switch("quiet", "Do not print created blocks").short('q'))
}

pub(crate) fn run(given: &ArgMatches, console: &mut Console<'_>) -> Result<(), String> {
    let inputs: Vec<&String> = given.get_many("input").into_iter().flatten().collect();
    for input in &inputs {
        if !Path::new(input).is_dir() {
            existing_file(input)?;
        }
    }
    if let Some(url) = given.get_one::<String>("url") {
        let options = ServerOptions {
            url,
            config_file: given
                .get_one::<String>("http.config.file")
                .map(String::as_str),
            headers: Vec::new(),
        };
        let server = Server::new(&options)?.with_timeout(ONLINE_TIMEOUT);
        let labels = labels(given);
        for input in inputs {
            let told = if given.get_flag("quiet") {
                Told::Nothing
            } else {
                Told::Blocks(numbers(given))
            };
            import_online(console, &server, input, &labels, told)?;
        }
        return Ok(());
    }
    let empty = PathBuf::new();
    let dir = given.get_one::<PathBuf>("data-dir").unwrap_or(&empty);
    // Held until the end.
    let _lock = server::pieces::lock_folder(dir).map_err(|error| error.to_string())?;
    let labels = labels(given);
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let told = if given.get_flag("quiet") {
        Told::Nothing
    } else {
        Told::Blocks(numbers(given))
    };
    let options = ImportOptions {
        dir,
        labels: &labels,
        length: match range_max(given) {
            Duration::ZERO => BlockLength::Fitting(LONGEST),
            longest => BlockLength::Longest(longest),
        },
        time_max: Some(now + AHEAD_MAX),
        told,
        progress: &Bar::default(),
    };
    for input in inputs {
        let path = Path::new(input);
        if path.is_dir() || is_archive(path) {
            import_blocks(console, path, &options)?;
        } else {
            import_page(console, input, &options)?;
        }
    }
    Ok(())
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tar")
}
