//! What goes on beside everything else for as long as the server runs: syncing and compaction.

use std::sync::Arc;
use std::time::Duration;

use diag::ReasonBook;
use model::Clock;
use tokio::task::JoinHandle;

use crate::agent::{self, Sent};
use crate::budget::MemoryBudget;
use crate::compaction::Compaction;
use crate::options::Options;
use crate::storage::{self, Storage};

/// How long the reading of the data folder has the machine for itself: first scrapes of all targets at the same
/// time would take turns with it, and queries wait for it. Scraping must begin within a second.
pub(crate) const HEAD_START: Duration = Duration::from_millis(500);

/// Syncs the log, and drops of it what an agent does not need any more, until the task is aborted.
pub(crate) fn keep_synced(
    storage: &Storage,
    options: &Options,
    clock: &Arc<dyn Clock>,
) -> JoinHandle<()> {
    match (&storage.agent, options.agent) {
        (Some(agent), Some(of_agent)) => {
            let clock = Arc::clone(clock);
            tokio::spawn(agent::keep(agent.clone(), of_agent, clock, Sent::default))
        }
        _ => tokio::spawn(storage::keep_synced(storage.db.clone())),
    }
}

/// Starts compaction; not for an agent, which has no blocks.
pub(crate) fn compact(
    storage: &Storage,
    budget: &Arc<MemoryBudget>,
    reasons: &Arc<ReasonBook>,
    clock: &Arc<dyn Clock>,
) -> Option<Compaction> {
    if storage.agent.is_some() {
        return None;
    }
    let started = Compaction::start(
        storage.db.clone(),
        Arc::clone(budget),
        Arc::clone(reasons),
        Arc::clone(clock),
    );
    started
        .inspect_err(|error| tracing::error!(%error, "no thread for compaction; all samples stay in memory until a restart"))
        .ok()
}
