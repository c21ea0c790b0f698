//! What is remembered of a target's last page, so that the next one is recognised and not read.
//!
//! A *slot* holds a series' reference in storage. The *layout* is the order of slots on the last page that
//! was taken, with the bytes in which each line differs from the one before it; the line after a known
//! line is expected to be the one that followed it last time, and is checked by comparing bytes. Other
//! lines are found by a hash of 128 bits, keyed anew in each process, so that no target can make two of
//! its series meet.
//!
//! Cost per series: some 60 B and the bytes that differ, against some 150 B of raw text. Steady state: no
//! hashing, no allocation, and the layout stays as it is.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use model::storage::SeriesRef;
use wire::Expected;

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
    key: u128,
    series: SlotSeries,
    /// The last page that had it.
    generation: u32,
    /// Place in the layout of that page.
    position: u32,
}

/// A line without a slot: it was forgotten.
const NO_SLOT: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Line {
    slot: u32,
    /// Bytes that it has in common with the line before it.
    shared: u32,
    /// End of its other bytes in `Layout::tails`; they start where those of the line before end.
    tail_end: u32,
    tracking: Tracking,
}

#[derive(Debug, Default)]
struct Layout {
    lines: Vec<Line>,
    tails: Vec<u8>,
}

impl Layout {
    fn clear(&mut self) {
        self.lines.clear();
        self.tails.clear();
    }

    fn tail_start(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.lines.get(before));
        before.map_or(0, |line| line.tail_end as usize)
    }

    fn tail(&self, at: usize) -> Option<&[u8]> {
        let line = self.lines.get(at)?;
        self.tails.get(self.tail_start(at)..line.tail_end as usize)
    }

    /// A copy of the first lines.
    fn start_like(&mut self, other: &Self, lines: usize) {
        self.clear();
        self.lines
            .extend_from_slice(other.lines.get(..lines).unwrap_or_default());
        let tails = other.tails.get(..other.tail_start(lines));
        self.tails.extend_from_slice(tails.unwrap_or_default());
    }
}

/// How much of the page being read is like the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// All so far: there is no need for a new layout yet.
    #[default]
    Same,
    /// Not all; the new layout is being written.
    Changed,
}

#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    hashers: [RandomState; 2],
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_key: HashTable<u32>,
    /// Of the last page that was taken.
    layout: Layout,
    /// Of the page being read, once it is not like the last one.
    next_layout: Layout,
    progress: Progress,
    /// Where in `layout` the next line is expected; the line before it there is the last one that was
    /// read, or else `is_in_step` is false.
    cursor: usize,
    is_in_step: bool,
    /// Raw bytes of the last line, while a new layout is written.
    last_raw: Vec<u8>,
    generation: u32,
    /// Slots made while reading the current page.
    created: Vec<u32>,
    /// Slots found on the current page.
    visited: usize,
    /// Series of an older configuration, to be marked as ended unless the next page has them.
    orphans: Vec<SeriesRef>,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "half of the key, as good as the other"
)]
fn short_hash(key: u128) -> u64 {
    key as u64
}

/// Offsets stay below the size of a page, which is limited far below 4 GiB; beyond it, lines are not
/// recognised but found.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl SeriesCache {
    /// Begins a page.
    pub(crate) fn begin(&mut self) {
        // After 2^32 pages numbers come again, long after slots with the old ones have gone.
        self.generation = self.generation.wrapping_add(1);
        self.next_layout.clear();
        self.progress = Progress::Same;
        self.created.clear();
        self.cursor = 0;
        self.is_in_step = true;
        self.visited = 0;
        self.last_raw.clear();
    }

    fn key(&self, raw: &[u8]) -> u128 {
        let [high, low] = &self.hashers;
        (u128::from(high.hash_one(raw)) << 64) | u128::from(low.hash_one(raw))
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.slots.get(id as usize)
    }

    /// The series that is likely next.
    #[inline]
    pub(crate) fn expected(&self) -> Option<Expected<'_>> {
        let line = self.layout.lines.get(self.cursor)?;
        if !self.is_in_step || line.slot == NO_SLOT {
            return None;
        }
        Some(Expected {
            shared: line.shared as usize,
            tail: self.layout.tail(self.cursor)?,
        })
    }

    /// The line was the expected one.
    #[inline]
    pub(crate) fn take_expected(&mut self) -> Option<SlotId> {
        let line = self.layout.lines.get(self.cursor)?;
        Some(SlotId(line.slot))
    }

    /// Looks a line up by its bytes.
    pub(crate) fn find(&mut self, raw: &[u8]) -> Option<SlotId> {
        let key = self.key(raw);
        let slots = &self.slots;
        let has_key = |id: &u32| slots.get(*id as usize).is_some_and(|slot| slot.key == key);
        let id = *self.by_key.find(short_hash(key), has_key)?;
        Some(SlotId(id))
    }

    /// Remembers a new line.
    pub(crate) fn insert(&mut self, raw: &[u8], series: SlotSeries) -> SlotId {
        let slot = Slot {
            key: self.key(raw),
            series,
            generation: self.generation.wrapping_sub(1),
            position: NO_SLOT,
        };
        let hash = short_hash(slot.key);
        let id = match self.free.pop() {
            Some(id) if (id as usize) < self.slots.len() => {
                self.slots[id as usize] = slot;
                id
            }
            _ => {
                self.slots.push(slot);
                // A page of 2^32 lines does not fit into memory.
                offset(self.slots.len() - 1)
            }
        };
        let slots = &self.slots;
        self.by_key.insert_unique(hash, id, |id| {
            slots
                .get(*id as usize)
                .map_or(0, |slot| short_hash(slot.key))
        });
        self.created.push(id);
        SlotId(id)
    }

    #[inline]
    pub(crate) fn series(&self, id: SlotId) -> SlotSeries {
        self.slot(id.0)
            .map_or(SlotSeries::Dropped, |slot| slot.series)
    }

    /// Notes that the page has the line; false if it had it before. To be called for each line, also for
    /// those that are dropped, with the raw bytes that the page has.
    #[inline]
    pub(crate) fn visit(&mut self, id: SlotId, raw: &[u8], tracking: Tracking) -> bool {
        let generation = self.generation;
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return false;
        };
        let is_first = slot.generation != generation;
        let last_position = slot.position as usize;
        let is_as_expected = self.is_in_step
            && self
                .layout
                .lines
                .get(self.cursor)
                .is_some_and(|line| line.slot == id.0 && line.tracking == tracking);
        if is_first && is_as_expected && self.progress == Progress::Same {
            slot.generation = generation;
            self.cursor += 1;
            self.visited += 1;
            return true;
        }
        self.visit_out_of_step(id, raw, tracking, last_position);
        is_first
    }

    fn visit_out_of_step(
        &mut self,
        id: SlotId,
        raw: &[u8],
        tracking: Tracking,
        last_position: usize,
    ) {
        if self.progress == Progress::Same {
            self.progress = Progress::Changed;
            self.next_layout.start_like(&self.layout, self.cursor);
            self.last_raw.clear();
        }
        // The line that followed this one last time is expected now, if the position is of that page.
        let known = self.layout.lines.get(last_position);
        self.is_in_step = known.is_some_and(|line| line.slot == id.0);
        if self.is_in_step {
            self.cursor = last_position + 1;
        }
        if let Some(slot) = self.slots.get_mut(id.0 as usize)
            && slot.generation != self.generation
        {
            slot.generation = self.generation;
            slot.position = offset(self.next_layout.lines.len());
            self.visited += 1;
        } else {
            // A line that the page has twice is not part of the layout; the one after it shares nothing
            // that could be relied on.
            self.last_raw.clear();
            self.is_in_step = false;
            return;
        }
        let same = |(left, right): &(&u8, &u8)| left == right;
        let shared = raw.iter().zip(&self.last_raw).take_while(same).count();
        let tail = raw.get(shared..).unwrap_or_default();
        self.next_layout.tails.extend_from_slice(tail);
        self.next_layout.lines.push(Line {
            slot: id.0,
            shared: offset(shared),
            tail_end: offset(self.next_layout.tails.len()),
            tracking,
        });
        self.last_raw.clear();
        self.last_raw.extend_from_slice(raw);
    }

    /// The page is taken. Calls `ended` for the series that it no longer has, and forgets them.
    pub(crate) fn take_page(&mut self, ended: impl FnMut(SeriesRef)) {
        if self.progress == Progress::Same && self.cursor < self.layout.lines.len() {
            // The page ended early.
            self.progress = Progress::Changed;
            self.next_layout.start_like(&self.layout, self.cursor);
        }
        let known = self.slots.len() - self.free.len();
        if self.visited != known || !self.orphans.is_empty() {
            self.mark_ended(ended);
            self.forget_unvisited();
        }
        if self.progress == Progress::Changed {
            std::mem::swap(&mut self.layout, &mut self.next_layout);
            self.next_layout = Layout::default();
            self.layout.lines.shrink_to_fit();
            self.layout.tails.shrink_to_fit();
        }
        self.created.clear();
    }

    fn mark_ended(&mut self, mut ended: impl FnMut(SeriesRef)) {
        // Two spellings of the labels are two lines but one series.
        let generation = self.generation;
        let stored = |slot: &Slot| match slot.series {
            SlotSeries::Stored(series) => Some(series),
            SlotSeries::Dropped => None,
        };
        let current: HashSet<SeriesRef> = self
            .slots
            .iter()
            .filter(|slot| slot.generation == generation)
            .filter_map(stored)
            .collect();
        let vanished = self.layout.lines.iter().filter_map(|line| {
            let slot = self.slot(line.slot)?;
            let is_vanished = line.tracking == Tracking::Tracked && slot.generation != generation;
            is_vanished.then(|| stored(slot)).flatten()
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
        let slots = &mut self.slots;
        let free = &mut self.free;
        self.by_key.retain(|id| {
            let Some(slot) = slots.get_mut(*id as usize) else {
                return false;
            };
            let is_current = slot.generation == generation;
            if !is_current {
                slot.series = SlotSeries::Dropped;
                free.push(*id);
            }
            is_current
        });
    }

    /// Nothing of the page is taken: calls `ended` for all series of the last good page. What was known
    /// of the page stays known.
    pub(crate) fn refuse_page(&mut self, mut ended: impl FnMut(SeriesRef)) {
        for at in 0..self.layout.lines.len() {
            let line = self.layout.lines[at];
            if line.tracking == Tracking::Tracked
                && let Some(slot) = self.slot(line.slot)
                && let SlotSeries::Stored(series) = slot.series
            {
                ended(series);
            }
            self.layout.lines[at].tracking = Tracking::Untracked;
        }
        self.orphans.drain(..).for_each(ended);
        for id in std::mem::take(&mut self.created) {
            self.forget(SlotId(id));
        }
        // Positions may be of the refused page; set them right again.
        for (at, line) in self.layout.lines.iter().enumerate() {
            if let Some(slot) = self.slots.get_mut(line.slot as usize) {
                slot.position = offset(at);
            }
        }
    }

    /// The end of the series need not be marked, because its last sample was not stored.
    pub(crate) fn untrack(&mut self, id: SlotId) {
        if let Some(line) = self.line_of(id) {
            line.tracking = Tracking::Untracked;
        }
    }

    fn line_of(&mut self, id: SlotId) -> Option<&mut Line> {
        let position = self.slot(id.0)?.position as usize;
        let line = self.layout.lines.get_mut(position)?;
        (line.slot == id.0).then_some(line)
    }

    /// Forgets a line, so that its labels are read again.
    pub(crate) fn forget(&mut self, id: SlotId) {
        if let Some(line) = self.line_of(id) {
            line.slot = NO_SLOT;
        }
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return;
        };
        slot.series = SlotSeries::Dropped;
        let hash = short_hash(slot.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |other| *other == id.0) {
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
        let mut last: &[u8] = &[];
        for line in lines {
            let raw = line.as_bytes();
            let previous = std::mem::replace(&mut last, raw);
            let is_expected = cache.expected().is_some_and(|expected| {
                [&previous[..expected.shared], expected.tail].concat() == raw
            });
            let id = if is_expected {
                recognised += 1;
                cache.take_expected().unwrap()
            } else {
                let id = cache.find(raw);
                id.unwrap_or_else(|| {
                    let number = line.bytes().map(u64::from).sum();
                    cache.insert(raw, SlotSeries::Stored(SeriesRef(number)))
                })
            };
            assert!(cache.visit(id, raw, Tracking::Tracked), "{line}");
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
        // The line after a new one is looked up, because what it shares with the new one is not known.
        let mut cache = SeriesCache::default();
        page(&mut cache, &["a", "b", "c", "d", "e"]);
        assert_eq!(
            page(&mut cache, &["a", "x", "b", "c", "d", "e"]),
            (4, vec![])
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
        assert!(cache.visit(id, b"a", Tracking::Tracked));
        assert!(!cache.visit(id, b"a", Tracking::Tracked));
    }

    #[test]
    fn lines_that_share_bytes_are_not_mixed_up() {
        let mut cache = SeriesCache::default();
        page(&mut cache, &["m{x=\"1\"}", "m{x=\"2\"}"]);
        // Were the new line taken for the one before `m{x="2"}`, then `n{x="2"}` would look like it.
        let lines = ["m{x=\"1\"}", "n{x=\"0\"}", "n{x=\"2\"}", "m{x=\"2\"}"];
        assert_eq!(page(&mut cache, &lines), (1, vec![]));
        assert_eq!(cache.slots.len(), 4);
        assert_eq!(page(&mut cache, &lines), (4, vec![]));
    }

    #[test]
    fn a_layout_keeps_only_what_differs() {
        let mut cache = SeriesCache::default();
        let lines: Vec<String> = (0..100)
            .map(|series| format!("requests_total{{handler=\"/\",code=\"{series}\"}}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        page(&mut cache, &lines);
        let bytes: usize = lines.iter().map(|line| line.len()).sum();
        assert!(
            cache.layout.tails.len() * 5 < bytes,
            "{} of {bytes}",
            cache.layout.tails.len()
        );
    }

    /// Lines that share much, so that mistakes in what is shared would show.
    const LINES: [&str; 10] = [
        "m",
        "mm",
        "m{x=\"1\"}",
        "m{x=\"2\"}",
        "m{x=\"12\"}",
        "m{x=\"1\",y=\"1\"}",
        "n{x=\"1\"}",
        "n{x=\"2\"}",
        "n{x=\"12\"}",
        "n",
    ];

    /// Reads a page with the real scanner; gives the numbers of the lines as the cache sees them.
    fn scan_page(cache: &mut SeriesCache, lines: &[usize]) -> Vec<u64> {
        let text: String = lines
            .iter()
            .map(|line| format!("{} 1\n", LINES[*line]))
            .collect();
        let mut scan = wire::Exposition::new(
            text.as_bytes(),
            wire::Format::PrometheusText,
            &wire::Options::default(),
        );
        let mut seen = Vec::new();
        cache.begin();
        loop {
            let step = scan.advance(cache.expected()).unwrap();
            if step == wire::Step::End {
                return seen;
            }
            let wire::Entry::Series(series) = scan.entry() else {
                panic!("only series")
            };
            let known = if step == wire::Step::Expected {
                cache.take_expected()
            } else {
                cache.find(series.raw)
            };
            let number = LINES
                .iter()
                .position(|line| line.as_bytes() == series.raw)
                .unwrap();
            let id = known.unwrap_or_else(|| {
                cache.insert(series.raw, SlotSeries::Stored(SeriesRef(number as u64)))
            });
            cache.visit(id, series.raw, Tracking::Tracked);
            let SlotSeries::Stored(found) = cache.series(id) else {
                panic!("nothing is dropped here")
            };
            seen.push(found.0);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pages_in_a_row(pages in proptest::collection::vec(
            (proptest::collection::vec(0..LINES.len(), 0..12), 0..4u8),
            1..12,
        )) {
            let mut cache = SeriesCache::default();
            let mut tracked = std::collections::BTreeSet::new();
            for (lines, fate) in pages {
                let seen = scan_page(&mut cache, &lines);
                let wanted: Vec<u64> = lines.iter().map(|line| *line as u64).collect();
                proptest::prop_assert_eq!(&seen, &wanted);
                let current: std::collections::BTreeSet<u64> = wanted.into_iter().collect();
                let mut ended = std::collections::BTreeSet::new();
                let mark = |series: SeriesRef| { ended.insert(series.0); };
                let expected = if fate == 0 {
                    cache.refuse_page(mark);
                    std::mem::take(&mut tracked)
                } else {
                    cache.take_page(mark);
                    let gone = tracked.difference(&current).copied().collect();
                    tracked = current;
                    gone
                };
                proptest::prop_assert_eq!(ended, expected);
                if fate == 3 {
                    cache.orphan_all();
                }
            }
        }
    }
}
