//! What the storage of an agent is opened with.

use std::path::PathBuf;
use std::sync::Arc;

use model::disk::Disk;
use model::storage::SeriesGate;

use crate::chunk::StartTimes;
use crate::head::{OutOfOrderWindow, Zeros};
use crate::log::LogOptions;

#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// The log is in its `wal`. Locking it is the caller's.
    pub dir: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub log: LogOptions,
    /// Whether start timestamps are stored with the samples.
    pub start_times: StartTimes,
    pub zeros: Zeros,
    /// How far before the newest sample of its series a sample may lie; the peer's rule for agents.
    pub out_of_order: OutOfOrderWindow,
    /// Says which new series are let in; not asked about those in the log.
    pub gate: Option<Arc<dyn SeriesGate>>,
}

impl AgentOptions {
    /// The peer's defaults.
    pub fn new(dir: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Self {
        Self {
            dir: dir.into(),
            disk,
            log: LogOptions::default(),
            start_times: StartTimes::Without,
            zeros: Zeros::NotAdded,
            out_of_order: OutOfOrderWindow::default(),
            gate: None,
        }
    }
}
