//! Making durable what was committed, and the end.

use std::mem;
use std::sync::atomic::Ordering;

use model::storage::WriteError;

use super::Inner;
use super::commit::log_error;
use super::late;
use super::snapshot::write::snapshot_at_close;

/// Series whose closed chunks are written under one hold of the writer.
const SLICE: usize = 1024;

pub(super) fn sync(inner: &Inner) -> Result<(), WriteError> {
    let durable = sync_log(inner)?;
    let (mut fresh, mut full) = {
        let mut writer = inner.writer.lock();
        (
            mem::take(&mut writer.fresh),
            mem::take(&mut writer.late.full),
        )
    };
    let mut chunk_error = None;
    // Commits get their turn between slices.
    while !(fresh.is_empty() && full.is_empty()) {
        let mut writer = inner.writer.lock();
        let newer = (
            mem::take(&mut writer.fresh),
            mem::take(&mut writer.late.full),
        );
        if writer.log.is_some() && chunk_error.is_none() {
            writer.fresh = fresh.split_off(fresh.len().saturating_sub(SLICE));
            writer.late.full = full.split_off(full.len().saturating_sub(SLICE));
            writer.map(inner, durable);
            chunk_error = writer.chunk_error.take();
        } else {
            writer.fresh = mem::take(&mut fresh);
            writer.late.full = mem::take(&mut full);
        }
        writer.fresh.extend(newer.0);
        writer.late.full.extend(newer.1);
    }
    inner
        .chunks
        .sync_if_full()
        .map_err(|error| WriteError::Log(format!("{error}; syncing chunks_head")))?;
    match chunk_error {
        Some(error) => Err(WriteError::Log(format!(
            "{error}; closed chunks stay in memory until they can be written to chunks_head"
        ))),
        None => Ok(()),
    }
}

/// Makes both logs durable; commits go on meanwhile. Gives the newest commit that is now.
pub(super) fn sync_log(inner: &Inner) -> Result<u64, WriteError> {
    let (handle, segment, length, commit) = {
        let mut writer = inner.writer.lock();
        let commit = writer.commit;
        let log = writer.log.as_mut().ok_or(WriteError::Closed)?;
        let handle = log.sync_handle().map_err(|error| log_error(&error))?;
        (handle, log.segment(), log.length(), commit)
    };
    if let Some(handle) = handle {
        handle.sync().map_err(|error| log_error(&error))?;
    }
    if let Some(log) = &mut inner.writer.lock().log {
        log.note_synced(segment, length);
    }
    late::log::sync(inner)?;
    Ok(commit)
}

pub(super) fn close(inner: &Inner) -> Result<(), WriteError> {
    let _maintenance = inner.maintenance.lock();
    let mut writer = inner.writer.lock();
    inner.is_closed.store(true, Ordering::Relaxed);
    if writer.log.is_none() {
        return Ok(());
    }
    let snapshot = snapshot_at_close(inner, &mut writer);
    let mut logs = [writer.late.log.take(), writer.log.take()];
    // The late log first: see `Writer::log`.
    for log in logs.iter_mut().flatten() {
        log.close().map_err(|error| log_error(&error))?;
    }
    match snapshot {
        Ok(_) => Ok(()),
        Err(error) => Err(WriteError::Log(format!(
            "{error}; the log is complete, the next start only takes longer"
        ))),
    }
}
