//! Series that have ended and left memory before the others.
//!
//! In the log the end of such a series is what the peer (3.10 and later) writes: a tombstone of all times. A
//! series that comes back has another number after it. At a start what comes before it is dropped; it is in
//! a block.

use std::sync::atomic::Ordering;

use hashbrown::HashSet;

use super::Inner;
use crate::log::record::Tombstone;

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
