//! The thread that looks at the memory, acts on what it sees, and says so.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diag::{Reason, ReasonBook};
use model::Clock;
use scrape::Pools;

use super::MemoryBudget;
use super::steps::{Step, StepTaken};

/// Between two looks, if no series are made meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Half of the time for which it is remembered who made new series.
const PERIOD: Duration = Duration::from_secs(300);
/// How often unused memory is given back while there is little.
const SHED_INTERVAL: Duration = Duration::from_secs(1);
/// What steps are reasons about.
const SUBJECT: &str = "memory";

/// What is told, and what is taken from.
pub(crate) struct Collaborators {
    pub(crate) reasons: Arc<ReasonBook>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) receiver: Option<Arc<remote::write::Receiver>>,
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Dropped to end the thread.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn start(
        budget: Arc<MemoryBudget>,
        collaborators: Collaborators,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let worker = Worker {
            budget,
            collaborators,
            told: Step::None,
            shed: None,
        };
        let thread = std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || worker.run(&stopped))?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) {
        drop(self.stop);
        // Nothing in it panics but by a defect, which the runtime has logged.
        let _ = self.thread.join();
    }
}

struct Worker {
    budget: Arc<MemoryBudget>,
    collaborators: Collaborators,
    told: Step,
    shed: Option<Instant>,
}

impl Worker {
    fn run(mut self, stopped: &Receiver<()>) {
        let mut period = Instant::now();
        loop {
            self.budget.look();
            let step = self.budget.step();
            if step != self.told {
                self.tell(step);
            }
            let is_shed = self.shed.is_some_and(|at| at.elapsed() < SHED_INTERVAL);
            if step >= Step::ShedCaches && !is_shed {
                self.shed_caches();
            }
            if period.elapsed() >= PERIOD {
                period = Instant::now();
                self.budget.growth.lock().next_period();
            }
            match stopped.recv_timeout(LOOK_INTERVAL) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Each step that was taken is a reason of its own; those left are only logged.
    fn tell(&mut self, step: Step) {
        let offender = self
            .budget
            .offender
            .read()
            .as_ref()
            .map(ToString::to_string);
        let taken = |step| StepTaken {
            step,
            used: self.budget.used(),
            budget: self.budget.limit.bytes,
            offender: offender.clone(),
        };
        let now = self.collaborators.clock.now().millis();
        for passed in Step::ALL {
            if self.told < passed && passed <= step {
                let reason = taken(passed);
                self.collaborators.reasons.record(now, SUBJECT, &reason);
            }
        }
        let reason = taken(step);
        if step > self.told {
            tracing::warn!(code = reason.code(), "memory: {reason}");
        } else {
            tracing::info!(code = reason.code(), "memory: {reason}");
        }
        self.told = step;
    }

    fn shed_caches(&mut self) {
        self.shed = Some(Instant::now());
        self.collaborators.pools.shed();
        if let Some(receiver) = &self.collaborators.receiver {
            receiver.shed();
        }
    }
}
