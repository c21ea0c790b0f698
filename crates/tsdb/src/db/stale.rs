//! Stale series are written out before the rest of the head, once they are many; as the peer does it.
//!
//! The blocks say that they have stale series only, and so nothing of how far the head was written out. They
//! are in place before the head drops anything: a crash in between leaves samples in both, which readers sort
//! out.

use std::sync::atomic::Ordering;

use model::storage::TimeRange;
use model::time::Timestamp;

use super::counters::Counters;
use super::{CompactError, Db, Inner};
use crate::compact::head::write_stale;
use crate::head::StaleSeries;

/// Not while the head will be written out anyway within this time, in milliseconds; the peer's.
const SOON: i64 = 10 * 60 * 1000;

impl Db {
    /// From which share of stale series in the head on they are written out; 0: never. In effect from the next
    /// [`Db::compact_stale`] on.
    pub fn set_stale_share_max(&self, share: f64) {
        let bits = share.to_bits();
        self.0.stale_share_max.store(bits, Ordering::Relaxed);
    }

    /// If the stale series of the head are too many, writes them to blocks and drops them from memory.
    /// Gives the number of those that are gone from memory. To be called every minute or so, after
    /// [`Db::compact`].
    pub fn compact_stale(&self) -> Result<usize, CompactError> {
        let inner = &self.0;
        let _maintenance = inner.maintenance.lock();
        let result = inner.compact_stale();
        if result.as_ref().is_err_and(|error| !error.is_cancelled()) {
            Counters::add(&inner.counters.stale_compactions_failed);
        }
        result
    }
}

impl Inner {
    fn compact_stale(&self) -> Result<usize, CompactError> {
        let head = self.head();
        // Lists of series that were in use the last time may be gone.
        let mut dropped = self.drop_hidden()?;
        let share_max = f64::from_bits(self.stale_share_max.load(Ordering::Relaxed));
        if share_max <= 0.0 || head.has_hidden() || self.is_head_due_soon() {
            return Ok(dropped);
        }
        let stale = head.stale_series();
        if stale.len() > 0 && stale.len() as f64 >= share_max * stale.series as f64 {
            Counters::add(&self.counters.stale_compactions);
            let start = self.options.ulids.now();
            self.write_stale(&stale)?;
            head.hide(&stale);
            dropped += self.drop_hidden()?;
            let taken = self.options.ulids.now().since(start);
            self.counters.stale_taken.note(taken);
        }
        Ok(dropped)
    }

    fn is_head_due_soon(&self) -> bool {
        let range = self.options.head.block_range.0.max(1);
        // Blocks may be of seconds.
        let soon = SOON.min(range / 12);
        self.unwritten()
            .is_some_and(|own| own.end.0.saturating_sub(own.start.0) > range / 2 * 3 - soon)
    }

    /// What is in other blocks already is left out.
    fn write_stale(&self, stale: &StaleSeries) -> Result<(), CompactError> {
        let head = self.head();
        let written = self.set().head_start.unwrap_or(Timestamp::MIN);
        let range = stale
            .range
            .map(|own| TimeRange::new(own.start.max(written), own.end));
        let Some(range) = range.filter(|range| range.start <= range.end) else {
            return Ok(());
        };
        head.sync_logs().map_err(CompactError::Log)?;
        let block_range = self.options.head.block_range.0.max(1);
        let made = self.timed(|| {
            let ulid = || self.options.ulids.make();
            let destination = self.destination();
            write_stale(&destination, head, (stale, range), block_range, ulid)
        });
        made.map_err(CompactError::Head)?;
        self.reload()
    }

    fn drop_hidden(&self) -> Result<usize, CompactError> {
        let report = self.head().drop_hidden().map_err(CompactError::Leave)?;
        Ok(report.series_dropped)
    }
}
