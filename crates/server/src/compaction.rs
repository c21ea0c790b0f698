//! The thread that writes blocks. It has a lower priority than all others, and no other work waits for it.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diag::{Reason, ReasonBook};
use model::Clock;
use tsdb::Db;
use tsdb::block::Ulid;
use tsdb::db::CompactError;

use crate::budget::{MemoryBudget, Step};
use crate::retention_rules::tell_dropped;

/// How often it looks whether the head waits to be written out.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often it looks at everything: blocks to merge, to take in, to drop.
const ROUND_INTERVAL: Duration = Duration::from_secs(60);
/// What stays in memory alone where there is little of it: long enough for late samples and for most of what
/// rules look back at.
const KEPT_EARLY: model::Duration = model::Duration(10 * 60 * 1000);
/// As `nice` counts; 0 is usual, 19 the lowest.
const NICENESS: i32 = 10;

#[derive(Debug)]
pub(crate) struct Compaction {
    db: Db,
    /// Dropped to end the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Compaction {
    pub(crate) fn start(
        db: Db,
        budget: Arc<MemoryBudget>,
        reasons: Arc<ReasonBook>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let worker = Worker {
            db: db.clone(),
            budget,
            reasons,
            clock,
            told: HashSet::new(),
        };
        let thread = std::thread::Builder::new()
            .name("compaction".to_owned())
            .spawn(move || worker.run(&stopped))?;
        Ok(Self { db, stop, thread })
    }

    /// Leaves what is being written unfinished, and returns when the thread has ended.
    pub(crate) fn stop(self) {
        self.db.cancel_compaction();
        drop(self.stop);
        // Its panics are caught inside.
        let _ = self.thread.join();
    }
}

struct Worker {
    db: Db,
    budget: Arc<MemoryBudget>,
    reasons: Arc<ReasonBook>,
    clock: Arc<dyn Clock>,
    /// Blocks whose reason was recorded.
    told: HashSet<Ulid>,
}

impl Worker {
    fn run(mut self, stopped: &Receiver<()>) {
        // On Linux this is the priority of the thread, not of the process.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "compaction runs at the usual priority");
        }
        let mut next_round = Instant::now();
        let mut is_healthy = true;
        loop {
            if self.budget.step() >= Step::CompactEarly && is_healthy {
                is_healthy = self.attempt(|db| db.compact_early(KEPT_EARLY));
            }
            let is_round = Instant::now() >= next_round;
            if is_round || (is_healthy && self.db.is_compaction_due()) {
                is_healthy = self.round();
                next_round = Instant::now() + ROUND_INTERVAL;
            }
            match stopped.recv_timeout(LOOK_INTERVAL) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Says whether it came to its end.
    fn round(&mut self) -> bool {
        self.attempt(Db::compact) && self.attempt(drop_stale)
    }

    fn attempt(&mut self, work: impl FnOnce(&Db) -> Result<(), CompactError>) -> bool {
        let db = self.db.clone();
        let before = db.stats();
        let rules_before = db.retention_rules();
        // The database keeps its promises at every point where this could end.
        let result = catch_unwind(AssertUnwindSafe(|| work(&db)));
        self.tell_rejected();
        tell_dropped(&rules_before, &db.retention_rules());
        match result {
            Ok(Ok(())) => {
                let after = db.stats();
                if after.compactions.count > before.compactions.count {
                    let count = after.compactions.count - before.compactions.count;
                    tracing::info!(written = count, blocks = after.blocks, "blocks written");
                }
                true
            }
            Ok(Err(error)) if error.is_cancelled() => false,
            Ok(Err(error)) => {
                tracing::error!(%error, "compaction failed; nothing is lost, the next attempt is in a minute");
                false
            }
            Err(_) => {
                tracing::error!(
                    "compaction ended by an internal error; nothing is lost, the next attempt is in a minute"
                );
                false
            }
        }
    }

    fn tell_rejected(&mut self) {
        let rejected = self.db.rejected();
        for block in &rejected {
            if self.told.insert(block.ulid) {
                tell(block, &self.reasons, &*self.clock);
            }
        }
        self.told
            .retain(|ulid| rejected.iter().any(|block| block.ulid == *ulid));
    }
}

fn drop_stale(db: &Db) -> Result<(), CompactError> {
    let dropped = db.compact_stale()?;
    if dropped > 0 {
        tracing::info!(
            series = dropped,
            "stale series are in blocks now, and gone from memory"
        );
    }
    Ok(())
}

fn tell(block: &tsdb::db::RejectedBlock, reasons: &ReasonBook, clock: &dyn Clock) {
    let subject = format!("block {}", block.ulid);
    reasons.record(clock.now().millis(), &subject, block);
    let hint = block.hint().unwrap_or_default();
    tracing::warn!(block = %block.ulid, code = block.code(), hint, "{block}");
}
