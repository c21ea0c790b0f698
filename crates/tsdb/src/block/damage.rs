//! What can be wrong with the files of a block.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use diag::Reason;
use model::storage::ReadError;

/// A place in a file that does not hold what its format says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub path: PathBuf,
    pub offset: u64,
    pub problem: String,
}

impl Damage {
    pub(crate) fn new(path: &Path, offset: u64, problem: impl Into<String>) -> Self {
        Self {
            path: path.to_path_buf(),
            offset,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            offset,
            problem,
        } = self;
        write!(f, "{} at byte {offset}: {problem}", path.display())
    }
}

/// Why a block cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    #[error("{0}")]
    Damaged(Damage),
    #[error("reading {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl BlockError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }
}

impl From<Damage> for BlockError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<BlockError> for ReadError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Damaged(damage) => Self::Corrupt(damage.to_string()),
            error @ BlockError::Read { .. } => Self::Failed(error.to_string()),
        }
    }
}

impl From<Damage> for ReadError {
    fn from(damage: Damage) -> Self {
        Self::Corrupt(damage.to_string())
    }
}

impl Reason for BlockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "block-damaged",
            Self::Read { .. } => "block-unreadable",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Damaged(_) => {
                "its samples are missing from answers; restore the block's folder from a copy, or \
                 move it away to be rid of this message"
                    .to_owned()
            }
            Self::Read { .. } => {
                "its samples are missing from answers; check that the files are there, who owns \
                 them, and the health of the disk"
                    .to_owned()
            }
        })
    }
}
