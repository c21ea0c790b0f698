//! What an agent does beside scraping: its log is made durable, and what is not needed any more goes.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use tsdb::Agent;
use tsdb::agent::Cut;

use crate::options::AgentOptions;

/// How often the log is made to survive a power cut, as with a server.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// How far sending has come, all receivers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The newest time up to which all receivers have the samples; `None` if there is no receiver, or one of
    /// them has nothing yet.
    pub(crate) until: Option<i64>,
    /// Some of this segment and of later ones is still to be sent. `None`: nothing waits.
    pub(crate) unsent_from: Option<u64>,
}

/// Until the task is dropped.
pub(crate) async fn keep(
    agent: Agent,
    options: AgentOptions,
    clock: Arc<dyn Clock>,
    sent: impl Fn() -> Sent,
) {
    let mut sync = tokio::time::interval(SYNC_INTERVAL);
    sync.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let pause = options.truncate_interval.to_std().max(SYNC_INTERVAL);
    let start = tokio::time::Instant::now() + pause;
    let mut truncation = tokio::time::interval_at(start, pause);
    truncation.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let agent = agent.clone();
        let work: Box<dyn FnOnce() + Send> = tokio::select! {
            _ = sync.tick() => Box::new(move || synced(&agent)),
            _ = truncation.tick() => {
                let cut = cut(options, clock.now().millis(), sent());
                Box::new(move || truncate(&agent, &cut))
            }
        };
        // A panic in there is logged by the runtime and must not end the round.
        let _ = tokio::task::spawn_blocking(work).await;
    }
}

fn synced(agent: &Agent) {
    if let Err(error) = agent.sync() {
        tracing::error!(%error, "syncing the log failed; samples since the last sync would be lost in a power cut");
    }
}

fn truncate(agent: &Agent, cut: &Cut) {
    match agent.truncate(cut) {
        Ok(truncation) => tracing::debug!(?truncation, "log truncated"),
        Err(error) => {
            tracing::error!(%error, "truncating the log failed; nothing is lost, it only takes more room until the next attempt");
        }
    }
}

/// What can go at this time.
fn cut(options: AgentOptions, now: i64, sent: Sent) -> Cut {
    let expired_before = now.saturating_sub(options.retention_max.0);
    let kept = |until: i64| until.saturating_sub(options.retention_min.0);
    Cut {
        time_min: sent.until.map_or(expired_before, kept).max(expired_before),
        expired_before,
        unsent_from: sent.unsent_from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_kept_for_a_while_and_what_was_not_for_longer() {
        let minutes = |count: i64| model::Duration(count * 60_000);
        let options = AgentOptions {
            retention_min: minutes(5),
            retention_max: minutes(240),
            truncate_interval: minutes(120),
        };
        let now = 100_000 * 60_000;
        let none = cut(options, now, Sent::default());
        assert_eq!(none.time_min, now - 240 * 60_000);
        let sent = Sent {
            until: Some(now - 60_000),
            unsent_from: Some(7),
        };
        let some = cut(options, now, sent);
        assert_eq!(some.time_min, now - 6 * 60_000);
        assert_eq!(some.expired_before, now - 240 * 60_000);
        let stuck = Sent {
            until: Some(0),
            unsent_from: Some(7),
        };
        assert_eq!(cut(options, now, stuck).time_min, now - 240 * 60_000);
        let odd = AgentOptions {
            retention_max: minutes(1),
            ..options
        };
        assert_eq!(odd.corrected().retention_max, minutes(120));
    }
}
