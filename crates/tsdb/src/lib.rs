//! The newest samples in memory, and a log that brings them back after a crash.
//!
//! In reading order: [`chunk`] (samples to bytes and back), [`log`] (segments, records, repair,
//! checkpoints), [`head`] (series, postings, commit, select), [`RealDisk`].
//!
//! The files are Prometheus's: either program can take over the other's folder. This crate starts no
//! threads of its own accord, knows no clock, and reaches files only through `model::disk::Disk`.
//!
//! Not here yet: blocks, compaction, chunk snapshots, the out-of-order log; they read what the head
//! and the log already keep. Not here at all: queries (`promql`), scraping (`scrape`).

mod bytes;
pub mod chunk;
mod error;
pub mod head;
pub mod log;
mod real_disk;

pub use error::{OpenError, TruncateError};
pub use head::{Head, OpenOptions, ReplayReport};
pub use real_disk::RealDisk;
