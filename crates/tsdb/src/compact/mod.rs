//! Making blocks: of the head ([`head`]), of other blocks ([`merge`]); which ones to merge ([`plan`]);
//! what is left out by age ([`cut`]).
//!
//! Series go through one at a time, in the order of their labels. Chunks that nothing is taken from and
//! that overlap no other are copied as they are; the others are decoded and written again ([`recode`]).

pub(crate) mod cut;
pub(crate) mod head;
pub(crate) mod merge;
pub(crate) mod plan;
mod recode;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::disk::Disk;

use crate::block::{BlockError, Damage, WriteBlockError};

pub(crate) use recode::{Sample, Value, decode_samples, decode_whole, encode_samples};

/// Where a block goes.
#[derive(Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    pub(crate) dir: &'a Path,
    pub(crate) segment_bytes: u64,
    /// Set when the database is to close: nothing is finished then.
    pub(crate) is_cancelled: &'a AtomicBool,
}

impl Destination<'_> {
    fn check(&self) -> Result<(), MakeBlockError> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(MakeBlockError::Cancelled);
        }
        Ok(())
    }
}

/// Why no block was made of others.
#[derive(Debug, thiserror::Error)]
pub enum MakeBlockError {
    #[error(transparent)]
    Source(#[from] BlockError),
    /// A chunk of the head does not decode.
    #[error("reading the head: {0}")]
    Head(String),
    #[error(transparent)]
    Write(#[from] WriteBlockError),
    #[error("the database is being closed")]
    Cancelled,
}

impl From<Damage> for MakeBlockError {
    fn from(damage: Damage) -> Self {
        Self::Source(damage.into())
    }
}
