//! `keepwatch serve`.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use clap::{ArgMatches, Command};
use server::{StartError, UiFile};

use crate::flags::{Given, SERVE, add};
use crate::{logging, options};

pub(crate) fn command() -> Command {
    let command = Command::new("serve").about(
        "Discovers, scrapes, stores, evaluates rules, routes alerts and answers queries; with no argument it watches itself",
    );
    add(command, SERVE)
}

pub(crate) fn run(matches: &ArgMatches, ui_files: &'static [UiFile]) -> anyhow::Result<()> {
    let given = Given(matches);
    logging::start(
        given.text("log.level").unwrap_or("info"),
        given.text("log.format").unwrap_or("logfmt"),
    )?;
    let options = options::from_flags(matches, ui_files)?;
    runtime()?.block_on(async {
        let mut running = start(options).await?;
        for address in running.addresses() {
            println!("listening on http://{address}");
        }
        running.stopped().await;
        Ok(())
    })
}

/// The async runtime of all commands.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the async runtime")
}

/// Starts a server; problems in the configuration are printed with the text they are about.
pub(crate) async fn start(options: server::Options) -> anyhow::Result<server::Running> {
    match server::start(options).await {
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
