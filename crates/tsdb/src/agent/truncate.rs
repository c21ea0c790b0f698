//! Dropping what is not needed any more: silent series from memory, whole segments from the log.
//!
//! The oldest segments go as long as nothing in them is needed: all of their samples were sent, and are older
//! than what is kept at least; or they are older than what is kept at most. A checkpoint keeps the series that
//! later segments name.

use std::sync::Arc;

use super::{Inner, State};
use crate::error::TruncateError;
use crate::log::checkpoint::{CheckpointError, Keep, write_checkpoint};
use crate::log::list_segments;

/// What is not needed any more.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Samples before this may go once they were sent; series without a sample since then go from memory.
    pub time_min: i64,
    /// Samples before this go, sent or not.
    pub expired_before: i64,
    /// Some of this segment and of later ones is still to be sent. `None`: nothing waits.
    pub unsent_from: Option<u64>,
}

/// What a truncation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truncation {
    pub series_dropped: usize,
    /// The newest segment that was removed.
    pub checkpoint: Option<u64>,
}

pub(super) fn truncate(inner: &Inner, cut: &Cut) -> Result<Truncation, TruncateError> {
    let _maintenance = inner.maintenance.lock();
    let options = &inner.options;
    let dir = options.dir.join("wal");
    let (series_dropped, last) = {
        let mut guard = inner.state();
        let state = &mut *guard;
        let log = state.log.as_mut().ok_or(TruncateError::Closed)?;
        let written = log.segment();
        // So that little-used logs do not keep more than they need.
        log.next_segment().map_err(TruncateError::Segment)?;
        let current = log.segment();
        let series_dropped = state
            .series
            .drop_silent(cut.time_min.max(cut.expired_before), written);
        let segments = list_segments(options.disk.as_ref(), &dir);
        let segments = segments.map_err(TruncateError::Segment)?;
        let unneeded = segments
            .into_iter()
            .take_while(|segment| *segment < current && is_unneeded(state, cut, *segment));
        (series_dropped, unneeded.last())
    };
    let mut truncation = Truncation {
        series_dropped,
        checkpoint: None,
    };
    let Some(last) = last else {
        return Ok(truncation);
    };
    let series = |reference| inner.state().series.is_needed_after(last, reference);
    let keep = Keep {
        series: &series,
        // All samples of these segments may go.
        time_min: i64::MAX,
    };
    let disk = Arc::clone(&options.disk);
    let written = write_checkpoint(&disk, &dir, options.log, last, &keep);
    let mut state = inner.state();
    if let Err(error) = written {
        state.stats.checkpoints_failed += 1;
        return Err(match error {
            CheckpointError::Io(source) => TruncateError::Checkpoint { path: dir, source },
            CheckpointError::Corrupt(corruption) => {
                state.stats.corruptions += 1;
                TruncateError::Corrupt(corruption)
            }
        });
    }
    state.stats.checkpoints += 1;
    state.series.forget_deleted(last);
    state.newest = state.newest.split_off(&(last.saturating_add(1)));
    truncation.checkpoint = Some(last);
    Ok(truncation)
}

/// A segment without samples has nothing that anybody waits for.
fn is_unneeded(state: &State, cut: &Cut, segment: u64) -> bool {
    let newest = state.newest.get(&segment).copied();
    let is_before = |time: i64| newest.is_none_or(|newest| newest < time);
    let is_sent = cut.unsent_from.is_none_or(|unsent| segment < unsent);
    is_before(cut.expired_before) || (is_sent && is_before(cut.time_min))
}
