//! The newest exemplars of all series, in a ring.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;
use model::exemplar::{Exemplar, LABELS_CHARS_MAX};
use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::TimeRange;
use model::time::Timestamp;
use roaring::RoaringBitmap;

use super::Inner;
use super::matching::Matching;
use super::options::ExemplarsMax;

#[derive(Debug)]
pub(super) struct ExemplarRing {
    capacity: ExemplarsMax,
    /// Oldest first, by arrival.
    entries: VecDeque<Entry>,
    /// The newest of each series that is in the ring, with the number of its entries.
    newest: HashMap<u32, (Exemplar, usize)>,
}

#[derive(Debug)]
struct Entry {
    series: u32,
    exemplar: Exemplar,
}

impl ExemplarRing {
    pub(super) fn new(capacity: ExemplarsMax) -> Self {
        Self {
            capacity,
            entries: VecDeque::new(),
            newest: HashMap::new(),
        }
    }

    /// Whether the exemplar is to be stored: not too long, not a repetition, not older than the newest
    /// one of its series.
    pub(super) fn accepts(&self, series: u32, exemplar: &Exemplar) -> bool {
        let chars: usize = exemplar
            .labels
            .iter()
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        if self.capacity.get() == 0 || chars > LABELS_CHARS_MAX {
            return false;
        }
        let order = |exemplar: &Exemplar| exemplar.time.map_or(i64::MIN, |time| time.0);
        self.newest.get(&series).is_none_or(|(newest, _)| {
            // At one time several buckets of a histogram may have one each, by ascending value.
            order(exemplar) > order(newest)
                || (order(exemplar) == order(newest) && exemplar.value > newest.value)
        })
    }

    pub(super) fn push(&mut self, series: u32, exemplar: Exemplar) {
        let capacity = self.capacity.get();
        if capacity == 0 {
            return;
        }
        while self.entries.len() >= capacity {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            if let Some((_, count)) = self.newest.get_mut(&oldest.series) {
                *count -= 1;
                if *count == 0 {
                    self.newest.remove(&oldest.series);
                }
            }
        }
        let slot = self.newest.entry(series).or_insert((exemplar.clone(), 0));
        slot.0 = exemplar.clone();
        slot.1 += 1;
        self.entries.push_back(Entry { series, exemplar });
    }

    /// Forgets series that are gone.
    pub(super) fn retain(&mut self, is_alive: impl Fn(u32) -> bool) {
        self.newest.retain(|series, _| is_alive(*series));
        let newest = &self.newest;
        self.entries
            .retain(|entry| newest.contains_key(&entry.series));
    }

    /// Whether there is one of this series.
    pub(super) fn has(&self, series: u32) -> bool {
        self.newest.contains_key(&series)
    }

    /// Some entries, by arrival.
    pub(super) fn copy(&self, from: usize, count: usize) -> Vec<(u32, Exemplar)> {
        let entries = self.entries.iter().skip(from).take(count);
        entries
            .map(|entry| (entry.series, entry.exemplar.clone()))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

pub(super) fn query(
    inner: &Inner,
    range: TimeRange,
    selectors: &[Vec<Matcher>],
) -> Vec<(Labels, Vec<Exemplar>)> {
    let _pin = inner.pins.pin();
    let index = inner.index.read();
    let matching = Matching {
        index: &index,
        pages: &inner.pages,
    };
    let mut set = RoaringBitmap::new();
    for matchers in selectors {
        set |= matching.series(matchers);
    }
    let mut found: BTreeMap<u32, Vec<Exemplar>> = BTreeMap::new();
    for entry in &inner.exemplars.lock().entries {
        let time = entry.exemplar.time.unwrap_or(Timestamp::MIN);
        if set.contains(entry.series) && range.contains(time) {
            let list = found.entry(entry.series).or_default();
            list.push(entry.exemplar.clone());
        }
    }
    let mut result: Vec<_> = found
        .into_iter()
        .filter_map(|(series, list)| Some((index.labels(&inner.pages, series)?, list)))
        .collect();
    result.sort_by(|(a, _), (b, _)| a.cmp(b));
    result
}
