//! What can go wrong with the files.

use std::io;
use std::path::PathBuf;

use crate::log::Corruption;

/// Why a head could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot write to {}: {source}; check that it exists or can be made, and who owns it", dir.display())]
    NotWritable { dir: PathBuf, source: io::Error },
    #[error("reading the log {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("reading the chunks of the head in {}: {source}", path.display())]
    Chunks { path: PathBuf, source: io::Error },
    #[error("repairing the log {}: {source}", path.display())]
    Repair { path: PathBuf, source: io::Error },
    #[error(
        "the checkpoint is damaged and cannot be repaired: {0}; restore it from a copy, or move its folder away to start without it"
    )]
    Checkpoint(Corruption),
    #[error("the log names more series than one head can hold")]
    TooManySeries,
}

/// Why a snapshot could not be taken. Nothing is lost by it: a start reads more of the log.
#[derive(Debug, thiserror::Error)]
pub enum ChunkSnapshotError {
    #[error("the head is closed")]
    Closed,
    #[error("taking a snapshot: writing the log: {0}")]
    Log(io::Error),
    #[error("taking a snapshot: closed chunks are not in chunks_head: {0}")]
    Chunks(String),
    #[error("writing the snapshot {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Why old data could not be dropped. Nothing is lost by it: the next attempt tries again.
#[derive(Debug, thiserror::Error)]
pub enum TruncateError {
    #[error("the head is closed")]
    Closed,
    #[error("writing a checkpoint of the log in {}: {source}", path.display())]
    Checkpoint { path: PathBuf, source: io::Error },
    #[error("the log is damaged: {0}")]
    Corrupt(Corruption),
    #[error("removing old files of chunks_head: {0}")]
    Chunks(io::Error),
    #[error("starting a new segment of the log: {0}")]
    Segment(io::Error),
}
