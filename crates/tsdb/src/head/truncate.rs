//! Dropping what is too old, from memory in slices and from the log by a checkpoint.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};
use model::labels::METRIC_NAME;
use model::time::Timestamp;
use roaring::RoaringBitmap;

use super::Inner;
use super::durable::sync_log;
use super::symbols::Symbol;
use crate::error::TruncateError;
use crate::log::checkpoint::{CheckpointError, Keep, write_checkpoint};
use crate::log::{last_checkpoint, list_segments, remove_replaced};

/// What one truncation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TruncateReport {
    pub series_removed: usize,
    /// Lists of series in use since before; while there are any, nothing is removed.
    pub waiting_for_lists: usize,
    /// The checkpoint that was written, by the last segment that it replaced.
    pub checkpoint: Option<u64>,
}

/// What truncations remember of each other.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    /// Series that had no sample when last looked at; if they still have none, they go.
    idle: RoaringBitmap,
    /// Removed series, with the segment in which they may still have samples. Until that is gone,
    /// checkpoints keep their labels, and so nobody gets their number.
    removed: HashMap<u64, u64>,
    /// Stale series that left, with a time from which on they have no samples. Until that is old, checkpoints
    /// keep their labels too, as there may be samples of them in the log.
    left: HashMap<u64, i64>,
}

impl Maintenance {
    /// A series left that has no samples after `last`, and none in the log after the segment.
    pub(super) fn note_left(&mut self, reference: u64, last: i64, segment: u64) {
        self.removed.insert(reference, segment);
        self.left.insert(reference, last);
    }

    /// Whether a series that is gone may have samples in what a checkpoint keeps, or after it.
    fn may_have_samples(&self, reference: u64, checkpoint: u64, time: i64) -> bool {
        let segment = self.removed.get(&reference);
        let last = self.left.get(&reference);
        segment.is_some_and(|segment| *segment > checkpoint)
            || last.is_some_and(|last| *last >= time)
    }
}

/// Series removed under one hold of the index.
const SLICE: usize = 512;

pub(super) fn truncate(
    inner: &Inner,
    keep_from: Timestamp,
) -> Result<TruncateReport, TruncateError> {
    let mut maintenance = inner.maintenance.lock();
    if inner.is_closed.load(Ordering::Relaxed) {
        return Err(TruncateError::Closed);
    }
    let time = keep_from.0.max(inner.valid_from.load(Ordering::Relaxed));
    // Commits check their rows under the writer's lock: no sample before `time` comes in afterwards.
    {
        let _writer = inner.writer.lock();
        inner.valid_from.store(time, Ordering::Relaxed);
    }
    let epoch = inner.pins.next_epoch();
    let waiting_for_lists = inner.pins.before(epoch);
    if waiting_for_lists > 0 {
        return Ok(TruncateReport {
            waiting_for_lists,
            ..TruncateReport::default()
        });
    }
    let Dropped { dead, late_from } = drop_chunks(inner, &mut maintenance, time);
    remove_series(inner, &mut maintenance, &dead);
    forget_annotations(inner, time);
    // Ending a file is quick after that, and commits may have to wait for it.
    inner.chunks.sync().map_err(TruncateError::Chunks)?;
    inner
        .chunks
        .remove_before(time, late_from)
        .map_err(TruncateError::Chunks)?;
    Ok(TruncateReport {
        series_removed: dead.len(),
        waiting_for_lists: 0,
        checkpoint: shorten_log(inner, &mut maintenance, time)?,
    })
}

struct Dropped {
    /// Series that have nothing left.
    dead: Vec<u32>,
    /// The oldest file with late samples that are in no block.
    late_from: u32,
}

/// Drops old chunks page by page.
fn drop_chunks(inner: &Inner, maintenance: &mut Maintenance, time: i64) -> Dropped {
    let mut late_from = u32::MAX;
    let mut dead = Vec::new();
    let mut idle = RoaringBitmap::new();
    for number in 0..inner.pages.count() {
        let Some(page) = inner.pages.get(number) else {
            continue;
        };
        let _writer = inner.writer.lock();
        for (series, record) in page.write().iter_mut(number) {
            for chunk in record.late().into_iter().flat_map(|late| late.closed()) {
                late_from = late_from.min(chunk.position.file);
            }
            let is_idle = record.is_without_samples();
            if record.drop_before(time) || (is_idle && maintenance.idle.contains(series)) {
                dead.push(series);
            } else if is_idle {
                idle.insert(series);
            }
        }
    }
    maintenance.idle = idle;
    Dropped { dead, late_from }
}

fn remove_series(inner: &Inner, maintenance: &mut Maintenance, dead: &[u32]) {
    for slice in dead.chunks(SLICE) {
        let writer = inner.writer.lock();
        let segment = writer.log.as_ref().map_or(0, |log| log.segment());
        let mut index = inner.index.write();
        for series in slice {
            // An idle series may have got its first sample since.
            let state = inner.pages.with(*series, |view| {
                let record = view.record;
                let has_late = record.late().is_some();
                (record.is_without_samples(), has_late, record.last_time())
            });
            let is_idle = match state {
                Some((is_idle, has_late, last)) => {
                    let valid = inner.valid_from.load(Ordering::Relaxed);
                    if has_late || last.is_some_and(|last| last >= valid) {
                        continue;
                    }
                    is_idle
                }
                None => continue,
            };
            index.remove(&inner.pages, *series);
            if is_idle {
                inner.without_samples.fetch_sub(1, Ordering::Relaxed);
            }
            maintenance
                .removed
                .insert(inner.reference(*series), segment);
        }
    }
    let is_empty = inner.index.read().all.is_empty();
    let time_min = match inner.time_min.load(Ordering::Relaxed) {
        _ if is_empty => i64::MAX,
        time_min => time_min.max(inner.valid_from.load(Ordering::Relaxed)),
    };
    inner.time_min.store(time_min, Ordering::Relaxed);
}

fn forget_annotations(inner: &Inner, time: i64) {
    let is_alive = |series| inner.pages.contains(series);
    inner.tombstones.write().retain(time, is_alive);
    inner.exemplars.lock().retain(is_alive);
    let metrics: HashSet<String> = {
        let index = inner.index.read();
        index.label(METRIC_NAME).map_or_else(HashSet::new, |label| {
            let text = |value: &Symbol| index.symbols.text(*value).to_owned();
            label.values.keys().map(text).collect()
        })
    };
    inner
        .metadata
        .write()
        .retain(|metric| metrics.contains(metric));
}

/// Replaces the first two thirds of the finished segments by a checkpoint, as the peer does: what is
/// left covers the samples that are still needed, and checkpoints stay rare.
fn shorten_log(
    inner: &Inner,
    maintenance: &mut Maintenance,
    time: i64,
) -> Result<Option<u64>, TruncateError> {
    let options = &inner.options;
    let dir = options.dir.join("wal");
    let failed = |source| TruncateError::Checkpoint {
        path: dir.clone(),
        source,
    };
    // What is left to be made durable while commits wait is short after this. If it fails, so does that.
    let _ = sync_log(inner);
    {
        let mut writer = inner.writer.lock();
        writer.late.mend().map_err(TruncateError::Segment)?;
        let log = writer.log.as_mut().ok_or(TruncateError::Closed)?;
        log.next_segment().map_err(TruncateError::Segment)?;
    }
    // An attempt before may have ended between writing its checkpoint and removing what that replaces.
    let previous = last_checkpoint(options.disk.as_ref(), &dir).map_err(failed)?;
    if let Some(previous) = previous {
        remove_replaced(options.disk.as_ref(), &dir, previous.number).map_err(failed)?;
    }
    let segments: BTreeSet<u64> = list_segments(options.disk.as_ref(), &dir)
        .map_err(failed)?
        .into_iter()
        .collect();
    let (Some(first), Some(active)) = (segments.first(), segments.last()) else {
        return Ok(None);
    };
    let finished = active.saturating_sub(1);
    let last = first + finished.saturating_sub(*first) * 2 / 3;
    if last <= *first {
        return Ok(None);
    }
    let is_needed = |reference: u64| {
        inner
            .series_of(reference)
            .is_some_and(|series| inner.pages.contains(series))
            || maintenance.may_have_samples(reference, last, time)
    };
    let keep = Keep {
        series: &is_needed,
        time_min: time,
    };
    write_checkpoint(&options.disk, &dir, options.log, last, &keep).map_err(
        |error| match error {
            CheckpointError::Io(source) => failed(source),
            CheckpointError::Corrupt(corruption) => TruncateError::Corrupt(corruption),
        },
    )?;
    maintenance.removed.retain(|_, segment| *segment > last);
    maintenance.left.retain(|_, last| *last >= time);
    Ok(Some(last))
}
