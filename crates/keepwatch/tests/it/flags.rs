//! Starting without a subcommand, with the peer's own command line, and with nothing at all.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::process::{Program, Signal, until};

use crate::support::{BOUND, keepwatch, ready, shared_dir};

/// Fills in the places of a command line as benchmarks have it.
fn fill_in(argument: &str, dir: &Path) -> String {
    argument
        .replace(
            "{config}",
            &dir.join("prometheus.yml").display().to_string(),
        )
        .replace("{data}", &dir.join("data").display().to_string())
        .replace("{port}", "0")
}

fn starts_with(arguments: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let mut command = keepwatch(dir.path());
    command.args(
        arguments
            .iter()
            .map(|argument| fill_in(argument, dir.path())),
    );
    let server = ready(Program::start("keepwatch", command));
    let flags = server.json("/api/v1/status/flags");
    for argument in arguments {
        let name = argument.trim_start_matches('-').split('=').next().unwrap();
        assert!(
            flags["data"][name].is_string(),
            "{name} is not among {flags}"
        );
    }
    server.program.signal(Signal::Terminate);
    assert_eq!(server.program.wait(BOUND).code, Some(0));
    assert!(
        dir.path().join("data").is_dir(),
        "--storage.tsdb.path was not heeded"
    );
}

#[test]
fn prometheus_own_command_line() {
    starts_with(&[
        "--config.file={config}",
        "--storage.tsdb.path={data}",
        "--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        "--storage.tsdb.retention.time=5y",
        "--query.max-samples=500000000",
        "--enable-feature=promql-experimental-functions,native-histograms",
        "--query.timeout=5m",
        "--log.level=warn",
    ]);
}

#[test]
fn the_command_line_of_the_benchmarks() {
    let Some(shared) = shared_dir() else { return };
    let text = fs::read_to_string(shared.join("bench/servers.json")).unwrap();
    let servers: Value = serde_json::from_str(&text).unwrap();
    let command = servers["prometheus"]["cmd"].as_array().unwrap();
    let arguments: Vec<&str> = command.iter().skip(1).filter_map(Value::as_str).collect();
    assert!(arguments.len() > 3, "{servers}");
    starts_with(&arguments);
}

#[test]
fn with_no_arguments_it_watches_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut command: Command = keepwatch(dir.path());
    // Only the port differs from a start with no arguments, so that tests do not meet.
    command.args(["serve", "--web.listen-address=127.0.0.1:0"]);
    let server = ready(Program::start("keepwatch serve", command));
    // The first scrape comes within one interval of 15 s.
    until("its own `up`", BOUND + Duration::from_secs(15), || {
        let result = server.query("up");
        if result[0]["value"][1] == "1" {
            Ok(())
        } else {
            Err(result.to_string())
        }
    });
    assert!(dir.path().join("data/wal").is_dir(), "no data under ./data");
    let own = server.query("prometheus_tsdb_head_series");
    assert_eq!(
        own.as_array().map(Vec::len),
        Some(1),
        "its own metrics: {own}"
    );
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        ["serve", "--storage.tsdb.pth=x"],
        ["--storage.tsdb.pth=x", "--log.level=warn"],
    ] {
        let mut command = keepwatch(dir.path());
        command.args(arguments);
        let finished = testkit::process::finish("keepwatch", command, BOUND);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(
            finished.stderr.contains("--storage.tsdb.pth"),
            "{}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains("--storage.tsdb.path"),
            "no suggestion: {}",
            finished.stderr
        );
    }
}
