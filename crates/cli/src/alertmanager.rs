//! The role `alertmanager`: an Alertmanager alone, with the peer's flags. Called as `keepwatch alertmanager …`, or
//! under the name `alertmanager`.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use ::amtool::Failure;
use ::amtool::matchers::{Reader, Verbosity};
use anyhow::{Context, bail};
use clap::{ArgMatches, Command};
use config::alertmanager::matchers::MatcherMode;
use model::format::go_quote;
use net::Overrides;
use promtool::Console;
use server::{AlertmanagerOptions, AlertmanagerRole, MetricLabels, Switch, UiFile};

use crate::flags::{ALERTMANAGER_WITHOUT_EFFECT, Given, add, alertmanager};
use crate::promtool::problem;
use crate::{EXIT_FAILURE, logging, options, serve};

/// Under this name the program is Alertmanager.
const NAME: &str = "alertmanager";
/// Debian's name of it.
const DEBIAN_NAME: &str = "prometheus-alertmanager";

/// The arguments without the program's name, if they are for Alertmanager.
pub(crate) fn arguments(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (program, rest) = arguments.split_first()?;
    let is_named = Path::new(program)
        .file_stem()
        .is_some_and(|name| name == NAME || name == DEBIAN_NAME);
    if is_named {
        return Some(rest.to_vec());
    }
    match rest.split_first() {
        Some((command, rest)) if command == NAME => Some(rest.to_vec()),
        _ => None,
    }
}

pub(crate) fn command() -> Command {
    let command = Command::new(NAME)
        .about("Alertmanager alone: routes, groups, silences and sends the alerts of others, with Alertmanager's flags")
        .version(server::VERSION);
    add(command, alertmanager())
}

/// Runs Alertmanager with these arguments until a signal stops it.
pub(crate) fn run(arguments: Vec<OsString>, ui_files: &'static [UiFile]) -> ExitCode {
    let all = std::iter::once(OsString::from(NAME)).chain(arguments);
    let matches = match command().try_get_matches_from(all) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            eprintln!("{NAME}: error: {}, try --help", problem(&error));
            return ExitCode::from(EXIT_FAILURE);
        }
        Err(error) => {
            // If the terminal is gone, nobody reads the help.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    match start(&matches, ui_files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: error: {error:#}");
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

fn start(matches: &ArgMatches, ui_files: &'static [UiFile]) -> anyhow::Result<()> {
    let given = Given(matches);
    logging::start(
        given.text("log.level").unwrap_or("info"),
        given.text("log.format").unwrap_or("logfmt"),
    )?;
    let role = role(&given, ui_files)?;
    serve::runtime()?.block_on(async {
        let running = serve::told(server::start_alertmanager(role).await)?;
        for address in running.addresses() {
            println!("listening on {}://{address}", running.scheme());
        }
        running.stopped().await;
        Ok(())
    })
}

/// The URL as it was given, if one was; links in notifications begin with it.
fn external_url(text: &str) -> anyhow::Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let problem = match config::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme().as_str()) => {
            return Ok(Some(text.to_owned()));
        }
        Ok(url) => {
            let (text, scheme) = (go_quote(text), go_quote(&url.scheme()));
            format!("{text}: invalid {scheme} scheme, only 'http' and 'https' are supported")
        }
        Err(problem) => problem,
    };
    anyhow::bail!("failed to determine external URL: {problem}")
}

/// What the flags describe.
fn role(given: &Given<'_>, ui_files: &'static [UiFile]) -> anyhow::Result<AlertmanagerRole> {
    options::tell_without_effect(given, ALERTMANAGER_WITHOUT_EFFECT);
    Ok(AlertmanagerRole {
        config_file: given.text("config.file").unwrap_or_default().into(),
        storage: given.text("storage.path").unwrap_or_default().into(),
        listen: given
            .texts("web.listen-address")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        systemd_socket: Switch::from(given.is_on("web.systemd-socket")),
        web_config_file: given.text("web.config.file").map(Into::into),
        external_url: external_url(given.text("web.external-url").unwrap_or_default())?,
        route_prefix: given.text("web.route-prefix").map(str::to_owned),
        ui_files,
        alertmanager: AlertmanagerOptions {
            retention: given.duration("data.retention"),
            silences_max: given.number("silences.max-silences"),
            silence_bytes_max: given.number("silences.max-silence-size-bytes"),
            alerts_per_name_max: given.number("alerts.per-alertname-limit"),
            alerts_gc_interval: pause(given, "alerts.gc-interval")?,
            maintenance_interval: pause(given, "data.maintenance-interval")?,
            start_delay: given.duration("dispatch.start-delay"),
            matchers: matchers(given)?,
            journal: options::journal(given)?,
            metric_labels: metric_labels(given),
            event_recorder: feature(given, EVENT_RECORDER),
        },
        // The empty address switches the mesh off, whatever the other flags say.
        cluster: given
            .text("cluster.listen-address")
            .and_then(|_| options::cluster(given)),
        gets_max: given.number("web.get-concurrency"),
        answer_timeout: given.duration("web.timeout"),
        connections_max: given.number("web.max-connections"),
        read_timeout: given.duration("web.read-timeout"),
        overrides: Overrides::parse(given.texts("resolve")).context("--resolve")?,
    })
}

fn pause(given: &Given<'_>, name: &str) -> anyhow::Result<model::Duration> {
    match given.duration(name) {
        model::Duration::ZERO => bail!("--{name}: a pause must be longer than 0"),
        pause => Ok(pause),
    }
}

/// Features that change what is done here.
const BUILT: [&str; 6] = [
    "classic-mode",
    "utf8-strict-mode",
    ALERT_NAME,
    RECEIVER_NAME,
    GROUP_KEY,
    EVENT_RECORDER,
];
const ALERT_NAME: &str = "alert-names-in-metrics";
const RECEIVER_NAME: &str = "receiver-name-in-metrics";
const GROUP_KEY: &str = "group-key-in-metrics";
const EVENT_RECORDER: &str = "event-recorder";

fn features<'a>(given: &'a Given<'_>) -> impl Iterator<Item = &'a str> {
    let features = given.text("enable-feature").unwrap_or_default();
    features.split(',').filter(|name| !name.is_empty())
}

fn feature(given: &Given<'_>, feature: &str) -> Switch {
    Switch::from(features(given).any(|name| name == feature))
}

fn metric_labels(given: &Given<'_>) -> MetricLabels {
    MetricLabels {
        alert_name: feature(given, ALERT_NAME),
        receiver_name: feature(given, RECEIVER_NAME),
        group_key: feature(given, GROUP_KEY),
    }
}

/// Tells of features that have no effect.
fn matchers(given: &Given<'_>) -> anyhow::Result<MatcherMode> {
    let features = given.text("enable-feature").unwrap_or_default();
    // It would say that what it knows is on.
    let (mut out, mut err) = (std::io::sink(), std::io::sink());
    let mut console = Console {
        out: &mut out,
        err: &mut err,
    };
    let reader = match Reader::new(&mut console, features, Verbosity::Warnings) {
        Ok(reader) => reader,
        Err(Failure::Problem(problem) | Failure::Short(problem)) => bail!(problem),
        Err(Failure::Told) => bail!("--enable-feature={features}"),
    };
    for name in self::features(given).filter(|name| !BUILT.contains(name)) {
        tracing::warn!("--enable-feature={name}: without effect, this is not built yet");
    }
    Ok(reader.mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any text was taken, and ended in links that lead nowhere.
    #[test]
    fn external_urls_are_checked_as_the_peer_does() {
        let problem = |text: &str| external_url(text).unwrap_err().to_string();
        for (text, expected) in [
            (
                "x",
                "\"x\": invalid \"\" scheme, only 'http' and 'https' are supported",
            ),
            (
                "ftp://x",
                "\"ftp://x\": invalid \"ftp\" scheme, only 'http' and 'https' are supported",
            ),
            (":x", "parse \":x\": missing protocol scheme"),
            (
                "http://h:x/",
                "parse \"http://h:x/\": invalid port \":x\" after host",
            ),
        ] {
            let expected = format!("failed to determine external URL: {expected}");
            assert_eq!(problem(text), expected);
        }
        let given = |text: &str| external_url(text).unwrap();
        assert_eq!(given("http://h/p/"), Some("http://h/p/".to_owned()));
        assert_eq!(given(""), None);
    }
}
