//! Late samples of a series: those that came when it had newer ones already.
//!
//! The open ones stand sorted in memory, each with its commit. When there are enough they become chunks
//! in files. A reader keeps the state that it found, so what comes later, or goes into a block, does not
//! change its answer; the next change copies the state then, some KiB at most.

use std::sync::Arc;

use model::storage::TimeRange;

use super::Series;
use crate::compact::Sample;
use crate::head::mapped::{MappedChunk, Position};

/// Open samples from which on they are closed; the peer's `OutOfOrderCapMax`.
pub(in crate::head) const LATE_SAMPLES_MAX: usize = 32;

/// One state of a series' late samples. Series without any have none.
#[derive(Clone, Debug, Default)]
pub(in crate::head) struct LateSamples {
    /// Chunks in files as they were written; their times may overlap.
    closed: Vec<MappedChunk>,
    /// By time, no time twice.
    open: Vec<LateSample>,
    /// The newest commit of which samples are in closed chunks.
    closed_commit: u64,
}

#[derive(Clone, Debug)]
pub(in crate::head) struct LateSample {
    pub(in crate::head) commit: u64,
    pub(in crate::head) sample: Sample,
}

impl LateSamples {
    pub(in crate::head) fn closed(&self) -> &[MappedChunk] {
        &self.closed
    }

    /// Open samples of the commits up to `snapshot`.
    pub(in crate::head) fn open_at(&self, snapshot: u64) -> impl Iterator<Item = &Sample> {
        let visible = self.open.iter().filter(move |late| late.commit <= snapshot);
        visible.map(|late| &late.sample)
    }

    /// Whether samples of later commits than `snapshot` have been closed, so that they cannot be told
    /// from the others any more.
    pub(in crate::head) fn is_unclear_at(&self, snapshot: u64) -> bool {
        self.closed_commit > snapshot
    }

    /// Whether samples that were there at `snapshot` may lie in the range.
    pub(in crate::head) fn overlaps(&self, snapshot: u64, range: TimeRange) -> bool {
        let is_hit = |start, end| start <= range.end.0 && range.start.0 <= end;
        let mut closed = self.closed.iter();
        closed.any(|chunk| is_hit(chunk.start, chunk.end()))
            || self
                .open_at(snapshot)
                .any(|sample| is_hit(sample.time, sample.time))
    }

    /// Times of the oldest and the newest sample.
    pub(in crate::head) fn times(&self) -> Option<(i64, i64)> {
        let closed = self.closed.iter().map(|chunk| (chunk.start, chunk.end()));
        let open = self
            .open
            .iter()
            .map(|late| (late.sample.time, late.sample.time));
        closed
            .chain(open)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    pub(in crate::head) fn is_closed_at(&self, position: Position) -> bool {
        self.closed.iter().any(|chunk| chunk.position == position)
    }

    fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_empty()
    }

    fn find(&self, time: i64) -> Result<usize, usize> {
        // They often come in order among themselves.
        if self.open.last().is_none_or(|last| last.sample.time < time) {
            return Err(self.open.len());
        }
        self.open
            .binary_search_by_key(&time, |late| late.sample.time)
    }

    pub(super) fn chunks(&self) -> usize {
        self.closed.len() + usize::from(!self.open.is_empty())
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.closed.capacity() * size_of::<MappedChunk>()
            + self.open.capacity() * size_of::<LateSample>()
    }
}

impl Series {
    pub(in crate::head) fn late(&self) -> Option<&Arc<LateSamples>> {
        self.rare.as_deref()?.late.as_ref()
    }

    /// Whether an open late sample has this time. Closed chunks are not looked at, as with the peer: what
    /// they have twice is sorted out when it is read.
    pub(in crate::head) fn has_late_at(&self, time: i64) -> bool {
        self.late().is_some_and(|late| late.find(time).is_ok())
    }

    /// How many late samples are open.
    pub(in crate::head) fn late_open(&self) -> usize {
        self.late().map_or(0, |late| late.open.len())
    }

    /// Inserts a sample, unless an open one has its time; gives whether it did.
    pub(in crate::head) fn insert_late(&mut self, commit: u64, sample: Sample) -> bool {
        let late = self
            .rare
            .get_or_insert_default()
            .late
            .get_or_insert_default();
        let Err(at) = late.find(sample.time) else {
            return false;
        };
        let late = Arc::make_mut(late);
        if late.open.capacity() == late.open.len() {
            late.open.reserve_exact(8);
        }
        late.open.insert(at, LateSample { commit, sample });
        true
    }

    /// The open late samples of commits up to `durable` have gone to these chunks.
    pub(in crate::head) fn close_late(&mut self, chunks: &[MappedChunk], durable: u64) {
        let Some(late) = self.rare.as_deref_mut().and_then(|rare| rare.late.as_mut()) else {
            return;
        };
        let late = Arc::make_mut(late);
        let closed = late.open.iter().map(|sample| sample.commit);
        let newest = closed.filter(|commit| *commit <= durable).max();
        late.closed_commit = late.closed_commit.max(newest.unwrap_or(0));
        late.closed.reserve_exact(chunks.len());
        late.closed.extend_from_slice(chunks);
        late.open.retain(|sample| sample.commit > durable);
        late.open.shrink_to_fit();
    }

    /// The open late samples are in a chunk that was found in a file.
    pub(in crate::head) fn forget_open_late(&mut self) {
        self.close_late(&[], u64::MAX);
    }

    /// Takes over a chunk that was found in a file.
    pub(in crate::head) fn attach_late(&mut self, chunk: MappedChunk) {
        let late = self
            .rare
            .get_or_insert_default()
            .late
            .get_or_insert_default();
        Arc::make_mut(late).closed.push(chunk);
    }

    /// Drops closed chunks up to a place in the files.
    pub(in crate::head) fn drop_late(&mut self, last: Position) {
        let Some(rare) = self.rare.as_deref_mut() else {
            return;
        };
        let Some(late) = &mut rare.late else {
            return;
        };
        if late.closed.iter().any(|chunk| chunk.position <= last) {
            let late = Arc::make_mut(late);
            late.closed.retain(|chunk| chunk.position > last);
            late.closed.shrink_to_fit();
        }
        if late.is_empty() {
            rare.late = None;
            self.tidy_rare();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Encoding;
    use crate::compact::Value;
    use crate::head::mapped::ChunkHead;

    fn sample(time: i64) -> Sample {
        Sample {
            time,
            start_time: 0,
            value: Value::Float(time as f64),
        }
    }

    fn open(series: &Series, snapshot: u64) -> Vec<i64> {
        let late = series.late().unwrap();
        late.open_at(snapshot).map(|sample| sample.time).collect()
    }

    #[test]
    fn samples_are_sorted_and_no_time_comes_twice() {
        let mut series = Series::new();
        for (commit, time) in [(1, 50), (1, 20), (2, 90), (2, 40), (3, 95), (3, 10)] {
            assert!(series.insert_late(commit, sample(time)));
            assert!(!series.insert_late(commit, sample(time)), "{time}");
            assert!(series.has_late_at(time));
        }
        assert_eq!(open(&series, 3), [10, 20, 40, 50, 90, 95]);
        assert_eq!(open(&series, 2), [20, 40, 50, 90]);
        assert!(open(&series, 0).is_empty());
    }

    #[test]
    fn a_state_that_a_reader_holds_does_not_change() {
        let mut series = Series::new();
        series.insert_late(1, sample(5));
        let held = series.late().unwrap().clone();
        series.insert_late(2, sample(4));
        let position = Position { file: 1, offset: 8 };
        let head = ChunkHead {
            start: 4,
            end: 5,
            samples: 2,
            encoding: Encoding::Xor,
        };
        series.close_late(&[MappedChunk::new(position, &head).unwrap()], 2);
        assert_eq!(held.open_at(9).count(), 1);
        let late = series.late().unwrap();
        assert!(late.is_unclear_at(1) && !late.is_unclear_at(2));
        assert!(late.overlaps(2, TimeRange::new(model::Timestamp(5), model::Timestamp(9))));
        assert_eq!(late.times(), Some((4, 5)));
        series.drop_late(position);
        assert!(series.late().is_none());
    }
}
