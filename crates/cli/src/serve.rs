//! `keepwatch serve`.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgMatches, Command};
use indicatif::{ProgressBar, ProgressStyle};
use server::{ReplayProgress, StartError, UiFile};
use tokio::task::JoinSet;

use crate::flags::{Given, Role, SERVE, WITHOUT_EFFECT, add};
use crate::{logging, options};

/// Exit code for flags of the other mode, as the peer has it.
const EXIT_WRONG_MODE: u8 = 3;

pub(crate) fn command() -> Command {
    let command = Command::new("serve").about(
        "Discovers, scrapes, stores, evaluates rules, routes alerts and answers queries; with no argument it watches itself",
    );
    add(add(command, SERVE), WITHOUT_EFFECT)
}

pub(crate) fn run(matches: &ArgMatches, ui_files: &'static [UiFile]) -> anyhow::Result<ExitCode> {
    let given = Given(matches);
    if let Some(problem) = wrong_mode(&given) {
        eprintln!("{problem}");
        return Ok(ExitCode::from(EXIT_WRONG_MODE));
    }
    logging::start(
        given.text("log.level").unwrap_or("info"),
        given.text("log.format").unwrap_or("logfmt"),
    )?;
    let options = options::from_flags(matches, ui_files)?;
    runtime()?.block_on(async {
        let mut running = start(options).await?;
        for address in running.addresses() {
            println!("listening on {}://{address}", running.scheme());
        }
        {
            let _shown = show_replay(running.replay_progress());
            running.ready().await?;
        }
        running.stopped().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Flags that do not go together with the mode, in the peer's words.
fn wrong_mode(given: &Given<'_>) -> Option<String> {
    let (refused, problem) = if options::is_agent(given) {
        (Role::Server, "can not be used in agent mode")
    } else {
        (Role::Agent, "can only be used in agent mode")
    };
    let flags = given.of_role(SERVE.iter().chain(WITHOUT_EFFECT), refused);
    let quoted: Vec<String> = flags.iter().map(|flag| format!("\"{flag}\"")).collect();
    (!flags.is_empty()).then(|| {
        let list = quoted.join(" ");
        format!("The following flag(s) {problem}: [{list}]")
    })
}

/// Time between two looks at how far the log is read.
const LOOK: Duration = Duration::from_millis(100);
/// A start that is done within this time shows no bar.
const SOON: Duration = Duration::from_secs(1);

/// A bar on the terminal while the log is read; ends when the answer is dropped.
fn show_replay(progress: impl Fn() -> ReplayProgress + Send + 'static) -> Option<JoinSet<()>> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let mut shown = JoinSet::new();
    shown.spawn(async move {
        tokio::time::sleep(SOON).await;
        let bar = ReplayBar::new();
        loop {
            bar.show(progress());
            tokio::time::sleep(LOOK).await;
        }
    });
    Some(shown)
}

/// Taken off the terminal when it is dropped.
struct ReplayBar(ProgressBar);

impl ReplayBar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(
            "reading the log [{bar:40}] segment {pos} of {len}, {elapsed}",
        ) {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: ReplayProgress) {
        let total = progress.last.saturating_sub(progress.first) + 1;
        self.0.set_length(total);
        self.0
            .set_position(progress.current.saturating_sub(progress.first));
    }
}

impl Drop for ReplayBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The async runtime of all commands, which may have as many connections as the system allows.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    server::raise_open_files();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the async runtime")
}

/// Starts a server; problems in the configuration are printed with the text they are about.
pub(crate) async fn start(options: server::Options) -> anyhow::Result<server::Running> {
    told(server::start(options).await)
}

/// What came of a start; problems in the configuration are printed with the text they are about.
pub(crate) fn told<T>(started: Result<T, StartError>) -> anyhow::Result<T> {
    match started {
        Ok(running) => Ok(running),
        Err(StartError::Configuration(problems)) => {
            eprint!(
                "{}",
                diag::render_terminal(&problems, std::io::stderr().is_terminal())
            );
            let count = problems.errors().count();
            bail!(
                "{count} {} in the configuration; nothing was started",
                if count == 1 { "error" } else { "errors" }
            );
        }
        Err(error) => Err(error.into()),
    }
}
