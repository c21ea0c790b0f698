//! `promtool push metrics` and `promtool debug …`.

use ::promtool::debug::{DebugKind, debug};
use ::promtool::push::{Push, PushMessage, push_files, push_text};
use ::promtool::{Console, Outcome};
use clap::{Arg, ArgAction, ArgMatches, Command};
use config::GoDuration;
use model::Timestamp;

use super::check::standard_input;
use super::query::{http_config_argument, server_at};
use super::usage::{existing_file, flag_duration, pair};
use super::{outcome, text, texts};

pub(super) fn command() -> Command {
    let pairs = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("NAME=VALUE")
            .action(ArgAction::Append)
            .value_parser(pair)
            .help(help)
    };
    Command::new("push")
        .about("Push to a Prometheus server.")
        .subcommand_required(true)
        .arg(http_config_argument().global(true))
        .subcommand(
            Command::new("metrics")
                .about("Push metrics to a prometheus remote write (for testing purpose only).")
                .arg(
                    Arg::new("remote-write-url")
                        .value_name("remote-write-url")
                        .required(true)
                        .help("Prometheus remote write url to push metrics"),
                )
                .arg(
                    Arg::new("metric-files")
                        .value_name("metric-files")
                        .num_args(0..)
                        .value_parser(existing_file)
                        .help("The metric files to push, default is read from standard input"),
                )
                .arg(
                    pairs("label", "Label to attach to metrics. Can be specified multiple times")
                        .default_value("job=promtool"),
                )
                .arg(
                    Arg::new("timeout")
                        .long("timeout")
                        .default_value("30s")
                        .value_parser(flag_duration)
                        .help("The time to wait for pushing metrics"),
                )
                .arg(pairs("header", "Prometheus remote write header"))
                .arg(
                    Arg::new("protobuf_message")
                        .long("protobuf_message")
                        .default_value("prometheus.WriteRequest")
                        .help("Protobuf message to use when writing (prometheus.WriteRequest or io.prometheus.write.v2.Request)"),
                )
                .arg(
                    Arg::new("remote-write.path")
                        .long("remote-write.path")
                        .default_value("/api/v1/write")
                        .help("Override the default remote write API path"),
                ),
        )
}

pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let Some((_, given)) = matches.subcommand() else {
        return Outcome::Failed;
    };
    let message = match text(given, "protobuf_message") {
        "prometheus.WriteRequest" => PushMessage::V1,
        "io.prometheus.write.v2.Request" => PushMessage::V2,
        other => {
            let other = model::format::go_quote(other);
            let problem = format!(
                "  FAILED: invalid protobuf message {other}, must be prometheus.WriteRequest or io.prometheus.write.v2.Request"
            );
            return outcome(Err(problem), console);
        }
    };
    let timeout = given
        .get_one::<GoDuration>("timeout")
        .copied()
        .unwrap_or_default();
    let server = match server_at(given, text(given, "remote-write-url")) {
        Ok(server) => server.with_timeout(timeout.to_std()),
        Err(problem) => return outcome(Err(problem), console),
    };
    let labels = given.get_many::<(String, String)>("label");
    let labels: Vec<(String, String)> = labels.into_iter().flatten().cloned().collect();
    let push = Push {
        server: &server,
        path: text(given, "remote-write.path"),
        message,
        labels: &labels,
        now: Timestamp(jiff::Timestamp::now().as_millisecond()),
    };
    let files: Vec<String> = texts(given, "metric-files")
        .into_iter()
        .map(str::to_owned)
        .collect();
    if !files.is_empty() {
        return push_files(console, &files, &push);
    }
    match standard_input() {
        Ok(page) => push_text(console, &page, &push),
        Err(problem) => outcome(Err(format!("  FAILED: {problem}")), console),
    }
}

pub(super) fn debug_command() -> Command {
    let kind = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).arg(
            Arg::new("server")
                .value_name("server")
                .required(true)
                .help("Prometheus server to get the information from"),
        )
    };
    Command::new("debug")
        .about("Fetch debug information.")
        .subcommand_required(true)
        .subcommand(kind("pprof", "Fetch profiling debug information."))
        .subcommand(kind("metrics", "Fetch metrics debug information."))
        .subcommand(kind("all", "Fetch all debug information."))
}

pub(super) fn run_debug(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let Some((name, given)) = matches.subcommand() else {
        return Outcome::Failed;
    };
    let kind = match name {
        "pprof" => DebugKind::Profiles,
        "metrics" => DebugKind::Metrics,
        _ => DebugKind::All,
    };
    let options = ::promtool::http::ServerOptions {
        url: text(given, "server"),
        ..Default::default()
    };
    let result =
        ::promtool::http::Server::new(&options).and_then(|server| debug(console, &server, kind));
    outcome(result, console)
}
