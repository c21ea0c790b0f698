//! From the label bytes of a series to its reference in storage, without decoding them.
//!
//! Senders repeat series from request to request, mostly in the same order. Series that were new in one
//! request are kept as *groups* of neighbours: each line has only the bytes in which it differs from the
//! line before it. The series after a known one is expected to be the one that followed it; whether it
//! is, comparing bytes tells. Only out of step is the whole looked up, by a keyed hash, and then compared
//! byte by byte with what is kept: two series never meet.
//!
//! Two *shelves* bound memory and forget the dead: what is found on the old shelf moves to the new one,
//! and when the new one is full, or old enough, it becomes the old one and what was there is dropped.
//!
//! Measured: 176 bytes per series with 15 labels (of some 400 label bytes), sent over four connections.

use std::hash::BuildHasher;
use std::mem;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use model::storage::SeriesRef;
use model::{Duration, Timestamp};

/// Lines of a group: comparing the last of them may have to look at all.
const GROUP_LINES_MAX: usize = 32;
/// Longer label bytes are not kept; their series are resolved each time.
pub(crate) const LABEL_BYTES_KEPT_MAX: usize = 16 << 10;

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Per shelf.
    pub(crate) bytes_max: usize,
    /// A shelf takes no new series after this time.
    pub(crate) shelf_age_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Half a million series.
            bytes_max: 96 << 20,
            shelf_age_max: Duration::from_secs(60 * 60),
        }
    }
}

#[derive(Debug)]
pub(crate) struct SeriesCache {
    limits: Limits,
    hasher: RandomState,
    new: Shelf,
    old: Shelf,
    new_since: Timestamp,
    /// Label bytes of the last line of the newest group.
    last_inserted: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// Tells the shelves apart, so that a cursor from before a change is not taken for one of today.
    number: u64,
    groups: Vec<Group>,
    table: HashTable<Entry>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Group {
    lines: Vec<Line>,
    tails: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    series: SeriesRef,
    /// Bytes in common with the line before it.
    shared: u32,
    /// End of its other bytes in `Group::tails`; they start where those of the line before end.
    tail_end: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Half of the hash.
    tag: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    group: u32,
    line: u32,
}

impl Entry {
    /// The tag spread over 64 bits, as the table takes bits from both ends.
    fn hash(tag: u32) -> u64 {
        u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Where in the cache the last series of a request stood.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor(Option<(u64, Place)>);

/// What the cache knows of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Here(SeriesRef),
    /// On the old shelf: to be inserted again, or it will be forgotten.
    Fading(SeriesRef),
    Not,
}

impl Group {
    fn tail_start(&self, line: usize) -> usize {
        let before = line.checked_sub(1).and_then(|line| self.lines.get(line));
        before.map_or(0, |line| line.tail_end as usize)
    }

    fn tail(&self, line: usize) -> Option<(Line, &[u8])> {
        let start = self.tail_start(line);
        let line = *self.lines.get(line)?;
        Some((line, self.tails.get(start..line.tail_end as usize)?))
    }

    /// The series of a line, if `bytes` are its label bytes and `before` those of the line before it.
    #[inline]
    fn follows(&self, line: usize, before: &[u8], bytes: &[u8]) -> Option<SeriesRef> {
        let (line, tail) = self.tail(line)?;
        let (head, rest) = bytes.split_at_checked(line.shared as usize)?;
        (rest == tail && before.get(..head.len())? == head).then_some(line.series)
    }

    /// As `follows`, when nothing is known of the line before it: looks back for what is shared.
    fn is(&self, line: usize, bytes: &[u8]) -> Option<SeriesRef> {
        let (found, tail) = self.tail(line)?;
        let (mut open, rest) = bytes.split_at_checked(found.shared as usize)?;
        if rest != tail {
            return None;
        }
        for before in (0..line).rev() {
            let (line, tail) = self.tail(before)?;
            // Otherwise all that is open lies in what this line shares too.
            if let Some((head, rest)) = open.split_at_checked(line.shared as usize)
                && !rest.is_empty()
            {
                if tail.get(..rest.len())? != rest {
                    return None;
                }
                open = head;
            }
        }
        open.is_empty().then_some(found.series)
    }

    fn has_room(&self) -> bool {
        // 32 lines of at most 16 KiB are far below 4 GiB.
        self.lines.len() < GROUP_LINES_MAX
    }

    fn push(&mut self, shared: usize, tail: &[u8], series: SeriesRef) -> Option<u32> {
        let line = u32::try_from(self.lines.len()).ok()?;
        self.tails.extend_from_slice(tail);
        self.lines.push(Line {
            series,
            shared: u32::try_from(shared).ok()?,
            tail_end: u32::try_from(self.tails.len()).ok()?,
        });
        Some(line)
    }
}

impl Shelf {
    fn group(&self, number: u32) -> Option<&Group> {
        self.groups.get(number as usize)
    }

    /// The place after one.
    fn next(&self, place: Place) -> Option<Place> {
        let lines = self.group(place.group)?.lines.len();
        let line = place.line.checked_add(1)?;
        if (line as usize) < lines {
            return Some(Place { line, ..place });
        }
        let group = place.group.checked_add(1)?;
        Some(Place { group, line: 0 })
    }

    fn find(&self, tag: u32, bytes: &[u8]) -> Option<(Place, SeriesRef)> {
        let is = |place: Place| self.group(place.group)?.is(place.line as usize, bytes);
        let entry = self.table.find(Entry::hash(tag), |entry| {
            entry.tag == tag && is(entry.place).is_some()
        })?;
        Some((entry.place, is(entry.place)?))
    }

    /// `before`: label bytes of the last line of the last group.
    fn push(&mut self, tag: u32, before: &[u8], bytes: &[u8], series: SeriesRef) -> Option<()> {
        let shared = match self.groups.last_mut() {
            Some(group) if group.has_room() => {
                let pairs = before.iter().zip(bytes);
                pairs.take_while(|(left, right)| left == right).count()
            }
            full => {
                if let Some(group) = full {
                    group.lines.shrink_to_fit();
                    group.tails.shrink_to_fit();
                }
                self.groups.push(Group::default());
                self.bytes += size_of::<Group>();
                0
            }
        };
        let group = u32::try_from(self.groups.len() - 1).ok()?;
        let tail = bytes.get(shared..)?;
        let line = self.groups.last_mut()?.push(shared, tail, series)?;
        let place = Place { group, line };
        let entry = Entry { tag, place };
        self.table
            .insert_unique(Entry::hash(tag), entry, |entry| Entry::hash(entry.tag));
        // The table is at most seven eighths full, and one byte per entry is its own.
        self.bytes += tail.len() + size_of::<Line>() + (size_of::<Entry>() + 1) * 8 / 7;
        Some(())
    }

    fn replace(&mut self, place: Place, series: SeriesRef) {
        let group = self.groups.get_mut(place.group as usize);
        if let Some(line) = group.and_then(|group| group.lines.get_mut(place.line as usize)) {
            line.series = series;
        }
    }
}

impl SeriesCache {
    pub(crate) fn new(limits: Limits, now: Timestamp) -> Self {
        Self {
            limits,
            hasher: RandomState::default(),
            new: Shelf::default(),
            old: Shelf::default(),
            new_since: now,
            last_inserted: Vec::new(),
        }
    }

    // The upper half of the hash.
    fn tag(&self, bytes: &[u8]) -> u32 {
        (self.hasher.hash_one(bytes) >> 32) as u32
    }

    /// Looks a series up. `before`: label bytes of the series that was looked up last with this cursor.
    #[inline]
    pub(crate) fn find(&self, cursor: &mut Cursor, before: &[u8], bytes: &[u8]) -> Found {
        if let Some((shelf, place)) = cursor.0
            && shelf == self.new.number
            && let Some(next) = self.new.next(place)
            && let Some(group) = self.new.group(next.group)
            && let Some(series) = group.follows(next.line as usize, before, bytes)
        {
            cursor.0 = Some((shelf, next));
            return Found::Here(series);
        }
        self.find_out_of_step(cursor, bytes)
    }

    fn find_out_of_step(&self, cursor: &mut Cursor, bytes: &[u8]) -> Found {
        if bytes.len() > LABEL_BYTES_KEPT_MAX {
            cursor.0 = None;
            return Found::Not;
        }
        let tag = self.tag(bytes);
        if let Some((place, series)) = self.new.find(tag, bytes) {
            cursor.0 = Some((self.new.number, place));
            return Found::Here(series);
        }
        cursor.0 = None;
        match self.old.find(tag, bytes) {
            Some((_, series)) => Found::Fading(series),
            None => Found::Not,
        }
    }

    /// Remembers a series, or that it has another reference now.
    pub(crate) fn insert(&mut self, bytes: &[u8], series: SeriesRef, now: Timestamp) {
        if bytes.len() > LABEL_BYTES_KEPT_MAX {
            return;
        }
        let tag = self.tag(bytes);
        if let Some((place, _)) = self.new.find(tag, bytes) {
            self.new.replace(place, series);
            return;
        }
        if self.new.bytes >= self.limits.bytes_max {
            self.turn(now);
        }
        // Only a shelf of more than 2^32 groups has no room, which the limit on bytes is far below.
        let _ = self.new.push(tag, &self.last_inserted, bytes, series);
        self.last_inserted.clear();
        self.last_inserted.extend_from_slice(bytes);
    }

    /// Whether `turn` is due.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now.since(self.new_since) >= self.limits.shelf_age_max
    }

    /// Drops the old shelf and starts a new one.
    pub(crate) fn turn(&mut self, now: Timestamp) {
        let number = self.new.number + 1;
        self.old = mem::take(&mut self.new);
        self.new.number = number;
        self.new_since = now;
        self.last_inserted.clear();
    }

    /// An estimate of the memory in use.
    pub(crate) fn bytes(&self) -> usize {
        self.new.bytes + self.old.bytes
    }
}

#[cfg(test)]
mod tests;
