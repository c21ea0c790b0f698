//! The series of an agent: how they are recognised, and since when they are silent.

use hashbrown::HashMap;
use model::exemplar::Exemplar;
use model::labels::Labels;

#[derive(Debug)]
struct Series {
    labels: Labels,
    /// Of the newest sample; `None` before the first.
    last_time: Option<i64>,
    /// Not looked at by a truncation yet: whoever resolved it may be about to commit.
    is_fresh: bool,
}

#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    by_reference: HashMap<u64, Series>,
    by_labels: HashMap<Labels, u64>,
    /// The newest reference that was given out; 0 is none.
    newest: u64,
    /// References out of use, with the last segment that may have samples of them.
    deleted: HashMap<u64, u64>,
    /// The newest exemplar of series that have any.
    exemplars: HashMap<u64, Exemplar>,
}

impl SeriesTable {
    pub(super) fn len(&self) -> usize {
        self.by_reference.len()
    }

    pub(super) fn deleted_len(&self) -> usize {
        self.deleted.len()
    }

    pub(super) fn get(&self, labels: &Labels) -> Option<u64> {
        self.by_labels.get(labels).copied()
    }

    /// Makes a series with a new reference.
    pub(super) fn add(&mut self, labels: &Labels) -> u64 {
        let reference = self.newest.wrapping_add(1);
        self.enter(reference, labels);
        reference
    }

    /// A series of the log. If its labels have another reference already, that one stays, and is returned.
    pub(super) fn enter(&mut self, reference: u64, labels: &Labels) -> u64 {
        self.newest = self.newest.max(reference);
        if let Some(known) = self.by_labels.get(labels) {
            return *known;
        }
        let labels = labels.clone();
        self.by_labels.insert(labels.clone(), reference);
        let series = Series {
            labels,
            last_time: None,
            is_fresh: true,
        };
        if let Some(other) = self.by_reference.insert(reference, series) {
            // A log in which one reference stands for two series: the newer one has it.
            self.by_labels.remove(&other.labels);
        }
        reference
    }

    pub(super) fn contains(&self, reference: u64) -> bool {
        self.by_reference.contains_key(&reference)
    }

    pub(super) fn last_time(&self, reference: u64) -> Option<i64> {
        self.by_reference.get(&reference)?.last_time
    }

    /// Notes a sample; gives the time of the newest one before it, or `None` if there is no such series.
    pub(super) fn note(&mut self, reference: u64, time: i64) -> Option<Option<i64>> {
        let series = self.by_reference.get_mut(&reference)?;
        let before = series.last_time;
        series.last_time = Some(before.map_or(time, |before| before.max(time)));
        Some(before)
    }

    /// Takes a note back.
    pub(super) fn restore(&mut self, reference: u64, last_time: Option<i64>) {
        if let Some(series) = self.by_reference.get_mut(&reference) {
            series.last_time = last_time;
        }
    }

    pub(super) fn newest_exemplar(&self, reference: u64) -> Option<&Exemplar> {
        self.exemplars.get(&reference)
    }

    pub(super) fn set_exemplar(&mut self, reference: u64, exemplar: Exemplar) {
        self.exemplars.insert(reference, exemplar);
    }

    /// The log has a reference, up to this segment at least, that is not or no longer in use.
    pub(super) fn note_deleted(&mut self, reference: u64, segment: u64) {
        let last = self.deleted.entry(reference).or_insert(segment);
        *last = segment.max(*last);
    }

    /// Drops series without a sample since `time_min`; the log may have samples of them up to `segment`.
    pub(super) fn drop_silent(&mut self, time_min: i64, segment: u64) -> usize {
        let mut dropped = Vec::new();
        self.by_reference.retain(|reference, series| {
            let is_silent = series.last_time.is_none_or(|last| last < time_min);
            if is_silent && !series.is_fresh {
                dropped.push((*reference, series.labels.clone()));
                return false;
            }
            series.is_fresh = false;
            true
        });
        for (reference, labels) in &dropped {
            self.by_labels.remove(labels);
            self.exemplars.remove(reference);
            self.note_deleted(*reference, segment);
        }
        dropped.len()
    }

    /// Whether a checkpoint that replaces the segments up to `last` must name the reference.
    pub(super) fn is_needed_after(&self, last: u64, reference: u64) -> bool {
        self.contains(reference)
            || self
                .deleted
                .get(&reference)
                .is_some_and(|segment| *segment > last)
    }

    /// A checkpoint has replaced the segments up to `last`.
    pub(super) fn forget_deleted(&mut self, last: u64) {
        self.deleted.retain(|_, segment| *segment > last);
    }
}
