//! Stale series leave memory before their time: those whose last sample is a staleness marker.
//!
//! [`Head::stale_series`] notes them, a block is made of what they have then, and after that they leave in two
//! steps. From [`Head::hide`] on new lists do not have them, as the block does; when no older list is in use,
//! [`Head::drop_hidden`] removes them. A series that got a sample in the meantime stays, and so does one with
//! samples that came out of order or with exemplars, which are in no block.
//!
//! In the log the end of such a series is what the peer (3.10 and later) writes: a tombstone of all times. A
//! series that comes back has another number after it. At a start what comes before it is dropped; it is in
//! a block.

use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};
use model::storage::{TimeRange, WriteError};
use model::time::Timestamp;

use super::commit::append_records;
use super::select::Row;
use super::series::Series;
use super::{Head, Inner};
use crate::log::record::{Tombstone, encode_tombstones};

/// Series dropped under one hold of the index.
const SLICE: usize = 512;

/// Stale series that may leave, as they were when the head was looked over.
#[derive(Debug, Default)]
pub(crate) struct StaleSeries {
    pub(super) rows: Vec<Row>,
    /// From the first to the last sample of any of them.
    pub(crate) range: Option<TimeRange>,
    /// Series with samples, stale or not.
    pub(crate) series: usize,
}

impl StaleSeries {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Series that new lists do not have, with the number of samples that are elsewhere.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    samples: HashMap<u32, u32>,
    /// Lists from before this may have them.
    epoch: u64,
}

impl Hidden {
    /// Whether so many samples of the series are elsewhere. One that has more came back, and is seen.
    pub(super) fn has(&self, series: u32, visible: u32) -> bool {
        !self.samples.is_empty() && self.samples.get(&series) == Some(&visible)
    }
}

/// What became of hidden series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DropReport {
    pub(crate) series_dropped: usize,
    /// Lists of series in use since before; while there are any, nothing is dropped.
    pub(crate) waiting_for_lists: usize,
}

impl Head {
    /// Looks over all series, page by page: commits wait for one page at most.
    pub(crate) fn stale_series(&self) -> StaleSeries {
        let inner = &self.0;
        let mut stale = StaleSeries::default();
        let (mut start, mut end) = (i64::MAX, i64::MIN);
        for number in 0..inner.pages.count() {
            let Some(page) = inner.pages.get(number) else {
                continue;
            };
            // No commit is under way: what a series has is what readers may see.
            let _writer = inner.writer.lock();
            for (series, view) in page.read().iter(number) {
                let record = view.record;
                let Some(last) = record.last_time() else {
                    continue;
                };
                stale.series += 1;
                if record.is_stale()
                    && let Some(visible) = leaving(inner, series, record)
                {
                    start = start.min(record.first_time());
                    end = end.max(last);
                    stale.rows.push(Row { series, visible });
                }
            }
        }
        stale.range = (start <= end).then(|| TimeRange::new(Timestamp(start), Timestamp(end)));
        stale
    }

    /// From now on new lists do not have these series, all samples of which can be found elsewhere.
    pub(crate) fn hide(&self, stale: &StaleSeries) {
        let inner = &self.0;
        let mut hidden = inner.hidden.write();
        let rows = stale.rows.iter();
        hidden.samples = rows.map(|row| (row.series, row.visible)).collect();
        hidden.epoch = inner.pins.next_epoch();
    }

    /// Whether some series wait to be dropped.
    pub(crate) fn has_hidden(&self) -> bool {
        !self.0.hidden.read().samples.is_empty()
    }

    /// Drops hidden series for good, from the log too. After an error they are seen again.
    pub(crate) fn drop_hidden(&self) -> Result<DropReport, WriteError> {
        let inner = &self.0;
        let (mut rows, waiting_for_lists) = {
            let hidden = inner.hidden.read();
            let samples = hidden.samples.iter();
            let rows: Vec<(u32, u32)> = samples.map(|(series, count)| (*series, *count)).collect();
            (rows, inner.pins.before(hidden.epoch))
        };
        if rows.is_empty() || waiting_for_lists > 0 {
            return Ok(DropReport {
                series_dropped: 0,
                waiting_for_lists,
            });
        }
        rows.sort_unstable();
        let dropped = drop_rows(inner, &rows);
        *inner.hidden.write() = Hidden::default();
        Ok(DropReport {
            series_dropped: dropped?,
            waiting_for_lists: 0,
        })
    }
}

/// The samples of a stale series; `None` if it has something that no block can have.
fn leaving(inner: &Inner, series: u32, record: &Series) -> Option<u32> {
    let can_leave = record.late().is_none() && !inner.exemplars.lock().has(series);
    can_leave
        .then(|| u32::try_from(record.samples()).ok())
        .flatten()
}

fn drop_rows(inner: &Inner, rows: &[(u32, u32)]) -> Result<usize, WriteError> {
    let mut maintenance = inner.maintenance.lock();
    let mut dropped = 0;
    for slice in rows.chunks(SLICE) {
        let mut writer = inner.writer.lock();
        let mut gone = Vec::new();
        for (series, samples) in slice {
            let last = inner.pages.with(*series, |view| {
                let record = view.record;
                let is_same =
                    record.is_stale() && leaving(inner, *series, record) == Some(*samples);
                record.last_time().filter(|_| is_same)
            });
            if let Some(last) = last.flatten() {
                gone.push((*series, last));
            }
        }
        if gone.is_empty() {
            continue;
        }
        let tombstones = gone.iter().map(|(series, _)| Tombstone {
            series: inner.reference(*series),
            start: i64::MIN,
            end: i64::MAX,
        });
        let mut record = Vec::new();
        encode_tombstones(&mut record, &tombstones.collect::<Vec<_>>());
        append_records(&mut writer, &[&record])?;
        let segment = writer.log.as_ref().map_or(0, |log| log.segment());
        let mut index = inner.index.write();
        for (series, last) in &gone {
            index.remove(&inner.pages, *series);
            maintenance.note_left(inner.reference(*series), *last, segment);
        }
        dropped += gone.len();
    }
    let is_alive = |series| inner.pages.contains(series);
    inner.tombstones.write().retain(i64::MIN, is_alive);
    Ok(dropped)
}

/// Whether a tombstone in the log says that the series left.
pub(super) fn is_end(tombstone: &Tombstone) -> bool {
    (tombstone.start, tombstone.end) == (i64::MIN, i64::MAX)
}

/// Drops series of which the log says that they left; they are not in the index any more. `segment` is
/// where the log ends.
pub(super) fn drop_replayed(inner: &Inner, left: &HashSet<u32>, segment: u64) {
    if left.is_empty() {
        return;
    }
    let mut maintenance = inner.maintenance.lock();
    let newest = inner.time_max.load(Ordering::Relaxed);
    for series in left {
        let is_idle = inner
            .pages
            .with(*series, |view| view.record.is_without_samples());
        if is_idle == Some(true) {
            inner.without_samples.fetch_sub(1, Ordering::Relaxed);
        }
        inner.pages.remove(*series);
        maintenance.note_left(inner.reference(*series), newest, segment);
    }
    let is_alive = |series| inner.pages.contains(series);
    inner.tombstones.write().retain(i64::MIN, is_alive);
    inner.exemplars.lock().retain(is_alive);
}
