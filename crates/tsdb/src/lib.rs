//! The newest samples in memory with a log behind them, older ones in blocks on disk.
//!
//! In reading order: [`chunk`] (samples to bytes and back), [`log`] (segments, records, repair,
//! checkpoints), [`head`] (series, postings, commit, select), [`block`] (files of some hours),
//! `compact` (blocks of the head and of blocks), [`db`] (head and blocks as one), [`agent`] (a log and nothing
//! else), [`RealDisk`] and [`ReadOnlyDisk`].
//!
//! The files are Prometheus's: either program can take over the other's folder. This crate starts no
//! threads of its own accord, knows no clock, and reaches files only through `model::disk::Disk`.
//!
//! Not here: queries (`promql`), scraping (`scrape`).

pub mod agent;
pub mod block;
mod bytes;
pub mod chunk;
mod columns;
mod compact;
pub mod db;
mod error;
pub mod head;
pub mod log;
mod read_only_disk;
mod real_disk;

pub use agent::Agent;
pub use compact::MakeBlockError;
pub use db::{Db, DbOptions};
pub use error::{ChunkSnapshotError, OpenError, TruncateError};
pub use head::{Head, OpenOptions, ReplayReport, SnapshotReport};
pub use read_only_disk::ReadOnlyDisk;
pub use real_disk::RealDisk;
