//! One figure for the memory of the process, `--memory.budget`, and what is given up as it is used up: see
//! [`Step`]. What rules read comes last.
//!
//! `limit`: how large the budget is. `usage`: how much is used. `steps`: what is given up when. `growth`: who
//! makes new series. `needed`: what rules read. `watch`: the thread that looks, and acts.

mod growth;
mod limit;
mod needed;
mod steps;
mod usage;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use model::labels::Labels;
use model::storage::{SampleRefusal, SeriesGate};
use parking_lot::{Mutex, RwLock};
use queries::{NoRoom, Room};

use growth::{Growth, Offender};
pub(crate) use limit::MemoryLimit;
pub use limit::{MemoryBudgetError, MemoryBudgetOption};
pub(crate) use needed::Needed;
pub(crate) use steps::Step;
use usage::Usage;
pub(crate) use watch::{Collaborators, Watch};

/// New series between two looks at the memory: at a kilobyte each, a small part of any budget.
const LOOK_EVERY: u64 = 1024;
/// One query may take this part of what is left.
const QUERY_SHARE: u64 = 2;
/// One page may take this part of the budget, before it is read into samples.
const PAGE_SHARE: u64 = 4;

/// Shared by all that use memory or give it up.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: MemoryLimit,
    usage: Usage,
    used: AtomicU64,
    /// The [`Step`] in effect, as its number.
    step: AtomicU8,
    made: AtomicU64,
    refused: AtomicU64,
    growth: Mutex<Growth>,
    offender: RwLock<Option<Offender>>,
    needed: RwLock<Arc<Needed>>,
}

impl MemoryBudget {
    pub(crate) fn new(limit: MemoryLimit) -> Self {
        let budget = Self {
            limit,
            usage: Usage::open(),
            used: AtomicU64::new(0),
            step: AtomicU8::new(0),
            made: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            growth: Mutex::default(),
            offender: RwLock::default(),
            needed: RwLock::default(),
        };
        budget.look();
        budget
    }

    pub(crate) fn limit(&self) -> &MemoryLimit {
        &self.limit
    }

    /// Bytes in use, as of the last look.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn step(&self) -> Step {
        Step::of_number(self.step.load(Ordering::Relaxed))
    }

    /// Attempts to make series that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// What rules read and write from now on.
    pub(crate) fn set_needed(&self, needed: Needed) {
        *self.needed.write() = Arc::new(needed);
    }

    /// Bytes that a page may have which is not limited otherwise.
    pub(crate) fn page_bytes_max(&self) -> usize {
        usize::try_from(self.limit.bytes / PAGE_SHARE).unwrap_or(usize::MAX)
    }

    /// Measures, and goes to the step that belongs to it.
    fn look(&self) {
        if let Some(used) = self.usage.bytes() {
            self.used.store(used, Ordering::Relaxed);
        }
        let before = self.step();
        let after = before.next(self.used(), self.limit.bytes);
        if after >= Step::RefuseOffender {
            *self.offender.write() = self.growth.lock().largest();
        }
        self.step.store(after.number(), Ordering::Relaxed);
    }

    fn is_admitted(&self, labels: &Labels, step: Step) -> bool {
        if step < Step::RefuseOffender {
            return true;
        }
        let offender = self.offender.read();
        let is_target = offender.as_ref().is_some_and(|it| it.is_target_of(labels));
        if step < Step::RefuseNeeded && self.needed.read().contains(labels) {
            return true;
        }
        match step {
            Step::RefuseOffender => !is_target,
            Step::RefuseNamespace => {
                let is_namespace = |it: &Offender| it.is_namespace_of(labels);
                !is_target && !offender.as_ref().is_some_and(is_namespace)
            }
            // Even now, what rules read of others is taken.
            Step::RefuseNeeded => !is_target && self.needed.read().contains(labels),
            _ => false,
        }
    }
}

impl SeriesGate for MemoryBudget {
    fn admit(&self, labels: &Labels) -> Result<(), SampleRefusal> {
        if self
            .made
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(LOOK_EVERY)
        {
            self.look();
        }
        // Refused ones count too: who asks for most is the one to refuse.
        self.growth.lock().note(labels);
        if self.is_admitted(labels, self.step()) {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(SampleRefusal::SeriesLimit)
    }
}

impl Room for MemoryBudget {
    fn for_query(&self) -> Result<usize, NoRoom> {
        let (used, budget) = (self.used(), self.limit.bytes);
        if self.step() >= Step::RefuseQueries {
            return Err(NoRoom { used, budget });
        }
        let left = budget.saturating_sub(used) / QUERY_SHARE;
        Ok(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn is_exhausted(&self) -> bool {
        self.step() >= Step::RefuseNamespace
    }
}

#[cfg(test)]
mod tests;
