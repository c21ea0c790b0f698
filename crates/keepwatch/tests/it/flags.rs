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

/// Whatever a command line of the peer may have is taken; what changes nothing here says so.
#[test]
fn flags_without_effect_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = keepwatch(dir.path());
    command.args([
        "--storage.tsdb.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--web.console.templates=/etc/prometheus/consoles",
        "--web.console.libraries=/etc/prometheus/console_libraries",
        "--storage.tsdb.wal-compression-type=zstd",
        "--storage.tsdb.wal-segment-size=16MB",
        "--storage.tsdb.no-lockfile",
        "--no-auto-gomaxprocs",
    ]);
    let server = ready(Program::start("keepwatch", command));
    let flags = server.json("/api/v1/status/flags")["data"].clone();
    assert_eq!(flags["storage.tsdb.wal-compression-type"], "zstd");
    assert_eq!(flags["auto-gomaxprocs"], "false");
    assert_eq!(flags["scrape.timestamp-tolerance"], "2ms");
    let told = server.program.output();
    for name in ["web.console.templates", "auto-gomaxprocs"] {
        assert!(
            told.contains(&format!("--{name}: Without effect")),
            "{told}"
        );
    }
    assert!(!told.contains("no-lockfile"), "{told}");
    assert!(!dir.path().join("data/lock").exists());
}

/// The list is Prometheus' for a command line of Prometheus; ours come on top where they are asked for.
#[test]
fn flags_that_only_we_have_are_shown_when_given_or_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let config = "storage: {tsdb: {retention: {time: 50d}}}\n";
    fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let mut command = keepwatch(dir.path());
    command.args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.retention.time=30d",
        "--web.listen-address=127.0.0.1:0",
        "--query.max-series=1000",
    ]);
    let server = ready(Program::start("keepwatch", command));
    let flags = server.json("/api/v1/status/flags")["data"].clone();
    assert_eq!(flags["query.max-series"], "1000");
    assert_eq!(flags["memory.budget"], Value::Null);
    assert_eq!(flags["cluster.label"], Value::Null);
    // What came out of flags and configuration.
    assert_eq!(flags["storage.tsdb.retention.time"], "50d");
    assert_eq!(flags["storage.tsdb.max-block-duration"], "5d");
    let all = server.json("/api/v1/status/flags?all=true")["data"].clone();
    assert_eq!(all["memory.budget"], "60%");
    for (name, value) in flags.as_object().unwrap() {
        assert_eq!(&all[name], value, "{name}");
    }
}

#[test]
fn flags_that_must_not_be_passed_over_end_the_start() {
    for (flag, expected) in [
        (
            "--web.config.file=web.yml",
            "--web.config.file web.yml: No such file",
        ),
        (
            "--storage.tsdb.wal-compression-type=lz4",
            "choose snappy or zstd",
        ),
        (
            "--storage.tsdb.wal-segment-size=1MB",
            "choose 10MB to 256MB",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = keepwatch(dir.path());
        command.args(["--web.listen-address=127.0.0.1:0", flag]);
        let finished = testkit::process::finish("keepwatch", command, BOUND);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }
}

#[test]
fn changed_files_are_loaded_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let rules = |name: &str| {
        let text =
            format!("groups:\n- name: {name}\n  rules:\n  - record: a\n    expr: vector(1)\n");
        fs::write(dir.path().join("rules.yml"), text).unwrap();
    };
    let config = dir.path().join("prometheus.yml");
    fs::write(&config, "rule_files: [rules.yml]\n").unwrap();
    rules("first");
    let mut command = keepwatch(dir.path());
    command.args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--config.auto-reload",
        "--config.auto-reload-interval=100ms",
    ]);
    let server = ready(Program::start("keepwatch", command));
    let wait_for_group = |name: &str| {
        until(name, BOUND, || {
            let groups = server.json("/api/v1/rules")["data"]["groups"].clone();
            (groups[0]["name"] == name)
                .then_some(())
                .ok_or(groups.to_string())
        });
    };
    wait_for_group("first");
    rules("second");
    wait_for_group("second");
    // A broken file changes nothing, and the next good one does.
    fs::write(&config, "rule_files: [rules.yml\n").unwrap();
    until("the refusal", BOUND, || {
        let metric = server.metric("prometheus_config_last_reload_successful");
        (metric == Some(0.0))
            .then_some(())
            .ok_or(format!("{metric:?}"))
    });
    wait_for_group("second");
    fs::write(&config, "rule_files: [other.yml]\n").unwrap();
    fs::rename(dir.path().join("rules.yml"), dir.path().join("other.yml")).unwrap();
    until("the change", BOUND, || {
        let metric = server.metric("prometheus_config_last_reload_successful");
        (metric == Some(1.0))
            .then_some(())
            .ok_or(format!("{metric:?}"))
    });
    wait_for_group("second");
}
