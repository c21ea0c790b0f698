//! What is remembered of a target's last page, so that the next one is recognised and not read.
//!
//! A *slot* holds the raw bytes of a series and its reference in storage. The *layout* is the order of
//! slots on the last page that was taken; the line after a known line is expected to be the one that
//! followed it last time, and is checked by one comparison. Other lines are found by hash.
//!
//! Cost per series: raw bytes + 48 B. Steady state: no hashing, no allocation.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::storage::SeriesRef;
use std::collections::HashSet;
use std::hash::BuildHasher;

/// Index of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId(u32);

/// What the page's series is in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotSeries {
    Stored(SeriesRef),
    /// Metric relabelling drops it.
    Dropped,
}

/// Whether the end of a series is to be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracking {
    Tracked,
    /// The sample came with its own timestamp.
    Untracked,
}

#[derive(Debug)]
struct Slot {
    raw: Box<[u8]>,
    series: SlotSeries,
    /// The last page that had it.
    generation: u64,
    /// Place in the layout of that page.
    position: u32,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    slot: u32,
    tracking: Tracking,
}

#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_raw: HashTable<u32>,
    /// Of the last page that was taken.
    layout: Vec<Line>,
    /// Of the page being read.
    next_layout: Vec<Line>,
    /// Where in `layout` the next line is expected.
    cursor: usize,
    generation: u64,
    /// Slots made while reading the current page.
    created: Vec<u32>,
    /// Slots found on the current page.
    visited: usize,
    /// Series of an older configuration, to be marked as ended unless the next page has them.
    orphans: Vec<SeriesRef>,
}

fn hash(raw: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(raw)
}

impl SeriesCache {
    /// Begins a page.
    pub(crate) fn begin(&mut self) {
        self.generation += 1;
        self.next_layout.clear();
        self.created.clear();
        self.cursor = 0;
        self.visited = 0;
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.slots.get(id as usize)
    }

    /// The raw bytes of the series that is likely next.
    #[inline]
    pub(crate) fn expected(&self) -> Option<&[u8]> {
        let line = self.layout.get(self.cursor)?;
        self.slot(line.slot).map(|slot| &*slot.raw)
    }

    /// The line was the expected one.
    #[inline]
    pub(crate) fn take_expected(&mut self) -> Option<SlotId> {
        let line = self.layout.get(self.cursor)?;
        self.cursor += 1;
        Some(SlotId(line.slot))
    }

    /// Looks a line up by its bytes, and expects next what followed it last time.
    pub(crate) fn find(&mut self, raw: &[u8]) -> Option<SlotId> {
        let slots = &self.slots;
        let has_raw = |id: &u32| {
            slots
                .get(*id as usize)
                .is_some_and(|slot| &*slot.raw == raw)
        };
        let id = *self.by_raw.find(hash(raw), has_raw)?;
        let slot = self.slot(id)?;
        let position = slot.position as usize;
        // A position may be of a page that was not taken; then it points anywhere.
        if self
            .layout
            .get(position)
            .is_some_and(|line| line.slot == id)
        {
            self.cursor = position + 1;
        }
        Some(SlotId(id))
    }

    /// Remembers a new line.
    pub(crate) fn insert(&mut self, raw: &[u8], series: SlotSeries) -> SlotId {
        let slot = Slot {
            raw: raw.into(),
            series,
            generation: 0,
            position: u32::MAX,
        };
        let id = match self.free.pop() {
            Some(id) if (id as usize) < self.slots.len() => {
                self.slots[id as usize] = slot;
                id
            }
            _ => {
                self.slots.push(slot);
                // A page of 2^32 lines does not fit into memory.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let slots = &self.slots;
        self.by_raw.insert_unique(hash(raw), id, |id| {
            slots.get(*id as usize).map_or(0, |slot| hash(&slot.raw))
        });
        self.created.push(id);
        SlotId(id)
    }

    #[inline]
    pub(crate) fn series(&self, id: SlotId) -> SlotSeries {
        self.slot(id.0)
            .map_or(SlotSeries::Dropped, |slot| slot.series)
    }

    /// Notes that the page has the line; false if it had it before.
    #[inline]
    pub(crate) fn visit(&mut self, id: SlotId, tracking: Tracking) -> bool {
        let generation = self.generation;
        let position = u32::try_from(self.next_layout.len()).unwrap_or(u32::MAX);
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return false;
        };
        if slot.generation == generation {
            return false;
        }
        slot.generation = generation;
        slot.position = position;
        self.next_layout.push(Line {
            slot: id.0,
            tracking,
        });
        self.visited += 1;
        true
    }

    /// The page is taken. Calls `ended` for the series that it no longer has, and forgets them.
    pub(crate) fn take_page(&mut self, ended: impl FnMut(SeriesRef)) {
        let known = self.slots.len() - self.free.len();
        if self.visited != known || !self.orphans.is_empty() {
            self.mark_ended(ended);
            self.forget_unvisited();
        }
        std::mem::swap(&mut self.layout, &mut self.next_layout);
        self.created.clear();
    }

    fn mark_ended(&mut self, mut ended: impl FnMut(SeriesRef)) {
        // Two spellings of the labels are two lines but one series.
        let current: HashSet<SeriesRef> = self
            .next_layout
            .iter()
            .filter_map(|line| match self.slot(line.slot)?.series {
                SlotSeries::Stored(series) => Some(series),
                SlotSeries::Dropped => None,
            })
            .collect();
        let vanished = self.layout.iter().filter_map(|line| {
            let slot = self.slot(line.slot)?;
            match slot.series {
                SlotSeries::Stored(series)
                    if line.tracking == Tracking::Tracked && slot.generation != self.generation =>
                {
                    Some(series)
                }
                _ => None,
            }
        });
        for series in vanished.chain(self.orphans.iter().copied()) {
            if !current.contains(&series) {
                ended(series);
            }
        }
        self.orphans.clear();
    }

    fn forget_unvisited(&mut self) {
        let generation = self.generation;
        let slots = &self.slots;
        let free = &mut self.free;
        self.by_raw.retain(|id| {
            let is_current = slots
                .get(*id as usize)
                .is_some_and(|slot| slot.generation == generation);
            if !is_current {
                free.push(*id);
            }
            is_current
        });
        for id in &self.free {
            if let Some(slot) = self.slots.get_mut(*id as usize) {
                slot.raw = Box::default();
            }
        }
    }

    /// Nothing of the page is taken: calls `ended` for all series of the last good page. What was known
    /// of the page stays known.
    pub(crate) fn refuse_page(&mut self, mut ended: impl FnMut(SeriesRef)) {
        for at in 0..self.layout.len() {
            let line = self.layout[at];
            if line.tracking == Tracking::Tracked
                && let Some(slot) = self.slot(line.slot)
                && let SlotSeries::Stored(series) = slot.series
            {
                ended(series);
            }
            self.layout[at].tracking = Tracking::Untracked;
        }
        self.orphans.drain(..).for_each(ended);
        for id in std::mem::take(&mut self.created) {
            self.forget(SlotId(id));
        }
    }

    /// The end of the series need not be marked, because its last sample was not stored.
    pub(crate) fn untrack(&mut self, id: SlotId) {
        let position = self.slot(id.0).map(|slot| slot.position as usize);
        if let Some(line) = position.and_then(|at| self.layout.get_mut(at))
            && line.slot == id.0
        {
            line.tracking = Tracking::Untracked;
        }
    }

    /// Forgets a line, so that its labels are read again.
    pub(crate) fn forget(&mut self, id: SlotId) {
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return;
        };
        let raw = std::mem::take(&mut slot.raw);
        slot.series = SlotSeries::Dropped;
        if let Ok(entry) = self.by_raw.find_entry(hash(&raw), |other| *other == id.0) {
            entry.remove();
            self.free.push(id.0);
        }
    }

    /// Forgets all lines, because series have other labels from now on. The old series are marked as
    /// ended by the next page, unless it has them still.
    pub(crate) fn orphan_all(&mut self) {
        let mut orphans = std::mem::take(&mut self.orphans);
        self.refuse_page(|series| orphans.push(series));
        *self = Self {
            generation: self.generation,
            orphans,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a page of raw series; gives what was recognised without looking it up, and what ended.
    fn page(cache: &mut SeriesCache, lines: &[&str]) -> (usize, Vec<u64>) {
        cache.begin();
        let mut recognised = 0;
        for line in lines {
            let raw = line.as_bytes();
            let id = if cache.expected() == Some(raw) {
                recognised += 1;
                cache.take_expected().unwrap()
            } else {
                let id = cache.find(raw);
                id.unwrap_or_else(|| {
                    let number = line.bytes().map(u64::from).sum();
                    cache.insert(raw, SlotSeries::Stored(SeriesRef(number)))
                })
            };
            assert!(cache.visit(id, Tracking::Tracked), "{line}");
        }
        let mut ended = Vec::new();
        cache.take_page(|series| ended.push(series.0));
        (recognised, ended)
    }

    #[test]
    fn an_unchanged_page_is_recognised() {
        let mut cache = SeriesCache::default();
        assert_eq!(page(&mut cache, &["a", "b", "c"]), (0, vec![]));
        assert_eq!(page(&mut cache, &["a", "b", "c"]), (3, vec![]));
    }

    #[test]
    fn after_a_change_the_rest_is_recognised_again() {
        let mut cache = SeriesCache::default();
        page(&mut cache, &["a", "b", "c", "d", "e"]);
        assert_eq!(
            page(&mut cache, &["a", "x", "b", "c", "d", "e"]),
            (5, vec![])
        );
        assert_eq!(
            page(&mut cache, &["a", "c", "d", "e"]),
            (3, vec![u64::from(b'x'), u64::from(b'b')])
        );
        assert_eq!(
            page(&mut cache, &["a", "c", "y", "e", "d"]).1,
            Vec::<u64>::new()
        );
        assert_eq!(cache.slots.len() - cache.free.len(), 5);
    }

    #[test]
    fn a_refused_page_ends_all_once_and_keeps_what_is_known() {
        let mut cache = SeriesCache::default();
        page(&mut cache, &["a", "b"]);
        cache.begin();
        cache.insert(b"z", SlotSeries::Stored(SeriesRef(1)));
        let mut ended = Vec::new();
        cache.refuse_page(|series| ended.push(series.0));
        assert_eq!(ended, [97, 98]);
        cache.begin();
        cache.refuse_page(|_| panic!("ended twice"));
        assert_eq!(page(&mut cache, &["a", "b"]), (2, vec![]));
    }

    #[test]
    fn series_of_an_old_configuration_end_unless_they_come_again() {
        let mut cache = SeriesCache::default();
        page(&mut cache, &["a", "b"]);
        cache.orphan_all();
        assert_eq!(page(&mut cache, &["a"]), (0, vec![98]));
    }

    #[test]
    fn a_line_twice_on_a_page_is_noticed() {
        let mut cache = SeriesCache::default();
        cache.begin();
        let id = cache.insert(b"a", SlotSeries::Dropped);
        assert!(cache.visit(id, Tracking::Tracked));
        assert!(!cache.visit(id, Tracking::Tracked));
    }
}
