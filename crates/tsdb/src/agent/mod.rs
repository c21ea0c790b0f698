//! Storage that is the log only: samples wait there to be sent on, and nothing of it can be queried.
//!
//! In memory is what each series needs to be recognised: its labels, its reference, the time of its newest
//! sample. Files are those of Prometheus in agent mode (`wal` with segments and checkpoints, no other kinds of
//! records than it reads), and either program can take over the other's folder.
//! `series`: the table in memory. `replay`: from the log back to it. `commit`: a batch into the log.
//! `truncate`: what is not needed any more.
//!
//! Unlike the peer's, a truncation removes whole segments only, all samples of which were sent or are too old:
//! a sample that was acknowledged and can still be sent is never lost by it.
//!
//! Cost: some 120 bytes per series beside its labels, one write per commit.

mod commit;
mod options;
mod replay;
mod series;
mod truncate;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use model::labels::Labels;
use model::storage::{
    CommitReport, SampleBatch, SampleRefusal, SampleWriter, SeriesRef, WriteError,
};
use parking_lot::{Mutex, MutexGuard};

use crate::error::OpenError;
use crate::head::Zeros;
use crate::head::zeros;
use crate::log::LogWriter;
use crate::log::record::encode_series;

pub use options::AgentOptions;
pub use replay::AgentReplayReport;
pub use truncate::{Cut, Truncation};

use series::SeriesTable;

/// The storage of one folder. Clones are the same storage.
#[derive(Clone, Debug)]
pub struct Agent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: AgentOptions,
    /// Not there before the log is read.
    state: OnceLock<Mutex<State>>,
    /// Held by whatever removes files, and by the end.
    maintenance: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` after the end.
    log: Option<LogWriter>,
    series: SeriesTable,
    /// The record of series that no commit has brought into the log yet.
    pending: Vec<u8>,
    /// Time of the newest sample of each segment that has any.
    newest: BTreeMap<u64, i64>,
    stats: AgentStats,
}

/// What happened since the start, and what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AgentStats {
    pub series: usize,
    /// Not in use any more; the log still has samples of them.
    pub series_deleted: usize,
    pub floats_appended: u64,
    pub histograms_appended: u64,
    pub exemplars_appended: u64,
    pub out_of_order: u64,
    pub corruptions: u64,
    pub checkpoints: u64,
    pub checkpoints_failed: u64,
}

/// The work that is left of opening. Dropping it unfinished closes the storage: whoever waits is told so.
#[derive(Debug)]
pub struct AgentOpening(Agent);

impl AgentOpening {
    /// Reads the log. After an error the storage is closed.
    pub fn finish(self) -> Result<AgentReplayReport, OpenError> {
        let inner = &self.0.0;
        let (state, report) = replay::open(&inner.options)?;
        let is_first = inner.state.set(Mutex::new(state)).is_ok();
        debug_assert!(is_first, "a storage is opened once");
        Ok(report)
    }
}

impl Drop for AgentOpening {
    fn drop(&mut self) {
        // Does nothing if the state is there.
        self.0.0.state.get_or_init(Mutex::default);
    }
}

impl Agent {
    pub fn open(options: AgentOptions) -> Result<(Self, AgentReplayReport), OpenError> {
        let (agent, opening) = Self::prepare(options);
        let report = opening.finish()?;
        Ok((agent, report))
    }

    /// A storage that is not open yet: whoever writes waits until [`AgentOpening::finish`] is done.
    pub fn prepare(options: AgentOptions) -> (Self, AgentOpening) {
        let agent = Self(Arc::new(Inner {
            options,
            state: OnceLock::new(),
            maintenance: Mutex::default(),
        }));
        (agent.clone(), AgentOpening(agent))
    }

    /// Whether writing would not have to wait.
    pub fn is_open(&self) -> bool {
        self.0.state.get().is_some()
    }

    pub fn stats(&self) -> AgentStats {
        let state = self.0.state();
        AgentStats {
            series: state.series.len(),
            series_deleted: state.series.deleted_len(),
            ..state.stats
        }
    }

    /// The settings that can be changed at any time are in there.
    pub fn options(&self) -> &AgentOptions {
        &self.0.options
    }

    /// Makes durable what was committed; commits go on meanwhile.
    pub fn sync(&self) -> Result<(), WriteError> {
        let (handle, segment, length) = {
            let mut state = self.0.state();
            let log = state.log.as_mut().ok_or(WriteError::Closed)?;
            let handle = log.sync_handle().map_err(|error| log_error(&error))?;
            (handle, log.segment(), log.length())
        };
        if let Some(handle) = handle {
            handle.sync().map_err(|error| log_error(&error))?;
        }
        if let Some(log) = &mut self.0.state().log {
            log.note_synced(segment, length);
        }
        Ok(())
    }

    /// Drops what is not needed any more.
    pub fn truncate(&self, cut: &Cut) -> Result<Truncation, crate::TruncateError> {
        truncate::truncate(&self.0, cut)
    }

    /// Makes everything durable and takes no more commits.
    pub fn close(&self) -> Result<(), WriteError> {
        let _maintenance = self.0.maintenance.lock();
        let mut state = self.0.state();
        match state.log.take() {
            Some(mut log) => log.close().map_err(|error| log_error(&error)),
            None => Ok(()),
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.wait().lock()
    }
}

impl SampleWriter for Agent {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        let mut guard = self.0.state();
        let state = &mut *guard;
        if let Some(reference) = state.series.get(labels) {
            return Ok(SeriesRef(reference));
        }
        if labels.is_empty() {
            return Err(SampleRefusal::Malformed);
        }
        if let Some(gate) = &self.0.options.gate {
            gate.admit(labels)?;
        }
        let reference = state.series.add(labels);
        let pairs: Vec<_> = labels.iter().collect();
        encode_series(&mut state.pending, reference, pairs.into_iter());
        Ok(SeriesRef(reference))
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        let mut state = self.0.state();
        let options = &self.0.options;
        if options.zeros == Zeros::Added {
            let series = &state.series;
            let last = |reference: SeriesRef| series.last_time(reference.0);
            if let Some(expanded) = zeros::expand(batch, i64::MIN, last) {
                let report = commit::commit(options, &mut state, &expanded.batch)?;
                return Ok(expanded.report(report));
            }
        }
        commit::commit(options, &mut state, batch)
    }
}

fn log_error(error: &std::io::Error) -> WriteError {
    WriteError::Log(error.to_string())
}
