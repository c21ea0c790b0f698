//! Unattended runs: `break metering-svc; wait firing; heal; wait resolved; quit`.

use std::str::FromStr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::control::{Command, execute};
use crate::stand_in::StandIn;
use crate::watch::{Expectation, Progress, Watch};
use crate::webhook::WebhookReceiver;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Do(Command),
    /// Until the alert of the last command fires, stands in its group and reached the webhook.
    WaitFiring,
    /// Until the webhook was told that it is over.
    WaitResolved,
    Quit,
}

/// Steps in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script(pub Vec<Step>);

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let steps = text
            .split(';')
            .map(str::trim)
            .filter(|step| !step.is_empty());
        let parse = |step: &str| match step {
            "wait firing" => Ok(Step::WaitFiring),
            "wait resolved" => Ok(Step::WaitResolved),
            "quit" => Ok(Step::Quit),
            other => other
                .parse()
                .map(Step::Do)
                .map_err(|problem: String| format!("{problem}, wait firing, wait resolved, quit")),
        };
        steps.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// How long a `wait` may take before the script fails.
const WAIT_MAX: Duration = Duration::from_secs(90);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What a script runs against.
#[derive(Debug)]
pub struct Stage<'a> {
    pub stand_in: &'a StandIn,
    pub webhook: &'a WebhookReceiver,
    /// Base URL of the running Keepwatch, such as `http://127.0.0.1:9090`.
    pub server_url: String,
    /// How long a wait may take at most; the default if absent.
    pub wait_max: Option<Duration>,
}

/// Why a script did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("{0}")]
    Command(String),
    #[error("`{0}` must follow a command that makes an alert fire")]
    NothingToWaitFor(&'static str),
    #[error("gave up after {waited:?}: {missing}")]
    TimedOut { waited: Duration, missing: String },
}

/// Runs the steps; `say` gets each line for people. `Ok` only if every step happened.
pub async fn run(
    script: &Script,
    stage: &Stage<'_>,
    mut say: impl FnMut(&str),
) -> Result<(), ScriptError> {
    let watch = Watch::new(stage.webhook, &stage.server_url);
    wait_until_watched(&watch, stage.wait_max.unwrap_or(WAIT_MAX), &mut say).await?;
    let mut expectation: Option<Expectation> = None;
    let mut mark = stage.webhook.count();
    for step in &script.0 {
        match step {
            Step::Do(command) => {
                // A heal belongs to the break before it: what is waited for stays the same.
                mark = stage.webhook.count();
                expectation = Expectation::of(command).or(expectation);
                say(&execute(stage.stand_in, command)
                    .await
                    .map_err(ScriptError::Command)?);
            }
            Step::WaitFiring | Step::WaitResolved => {
                let (words, status) = match step {
                    Step::WaitFiring => ("wait firing", "firing"),
                    _ => ("wait resolved", "resolved"),
                };
                let wanted = expectation
                    .as_ref()
                    .ok_or(ScriptError::NothingToWaitFor(words))?;
                let wait_max = stage.wait_max.unwrap_or(WAIT_MAX);
                wait(&watch, wanted, status, mark, wait_max, &mut say).await?;
            }
            Step::Quit => return Ok(()),
        }
    }
    Ok(())
}

/// Until every target is up: what breaks before it was seen whole fires no alert.
async fn wait_until_watched(
    watch: &Watch<'_>,
    wait_max: Duration,
    say: &mut impl FnMut(&str),
) -> Result<(), ScriptError> {
    let start = Instant::now();
    while let Some(missing) = watch.missing_at_start().await {
        if start.elapsed() > wait_max {
            return Err(ScriptError::TimedOut {
                waited: start.elapsed(),
                missing,
            });
        }
        sleep(LOOK_INTERVAL).await;
    }
    say(&format!(
        "all targets are up ({:.1} s)",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn wait(
    watch: &Watch<'_>,
    wanted: &Expectation,
    status: &str,
    mark: usize,
    wait_max: Duration,
    say: &mut impl FnMut(&str),
) -> Result<(), ScriptError> {
    let start = Instant::now();
    let mut told = 0;
    loop {
        let progress = watch.look(wanted, status, mark).await;
        let (seen, missing) = match progress {
            Progress::Done(seen) => (seen, None),
            Progress::Missing { seen, missing } => (seen, Some(missing)),
        };
        for line in seen.iter().skip(told) {
            say(&format!("{line} ({:.1} s)", start.elapsed().as_secs_f64()));
        }
        told = told.max(seen.len());
        let Some(missing) = missing else {
            return Ok(());
        };
        if start.elapsed() > wait_max {
            return Err(ScriptError::TimedOut {
                waited: start.elapsed(),
                missing,
            });
        }
        sleep(LOOK_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        let script: Script = "break metering-svc; wait firing; heal; wait resolved; quit"
            .parse()
            .unwrap();
        assert_eq!(script.0.len(), 5);
        assert_eq!(
            script.0[0],
            Step::Do(Command::Break("metering-svc".to_owned()))
        );
        let error = "break; quit".parse::<Script>().unwrap_err();
        assert!(error.contains("break SERVICE"), "{error}");
    }
}
