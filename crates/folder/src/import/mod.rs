//! Samples and blocks from elsewhere into blocks of a data folder.
//!
//! [`openmetrics`]: a page in which every sample has its time. [`archive`]: whole blocks in a tar archive. What is
//! written here is complete before it is visible, and says of itself that it is not the head's: a server goes on
//! with what its log has of the same times, and compaction merges what overlaps.

pub mod archive;
pub mod openmetrics;

use std::path::PathBuf;

use tsdb::block::{BlockError, WriteBlockError};

/// Why an import ended. Blocks that were written before are there, and whole.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What came cannot be used; nothing of it was written.
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Write(#[from] WriteBlockError),
    #[error("the block {name} is damaged: {error}")]
    Block { name: String, error: BlockError },
    #[error("{doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
}

impl ImportError {
    /// Whether it is what came that is wrong, and not this machine.
    pub fn is_of_input(&self) -> bool {
        matches!(self, Self::Input(_) | Self::Block { .. })
    }
}
