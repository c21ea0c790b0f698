//! Which series there are: by labels, and by each label.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashTable};
use model::labels::Labels;
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::page::Pages;
use super::postings::{Postings, insert_all};
use super::series::Series;
use super::symbols::{Symbol, Symbols};

/// The label index. Lock order: this before any page.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) symbols: Symbols,
    pub(super) names: HashMap<Symbol, LabelIndex, RandomState>,
    pub(super) all: RoaringBitmap,
    by_labels: HashTable<Slot>,
    tagger: Tagger,
}

/// Hashes label sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Tagger(RandomState);

impl Tagger {
    fn tag<'l>(&self, labels: impl Iterator<Item = (&'l str, &'l str)>) -> u32 {
        Self::combine(labels.map(|(name, value)| self.label(name, value)))
    }

    /// The hash of one label.
    pub(super) fn label(&self, name: &str, value: &str) -> u64 {
        let mut hasher = self.0.build_hasher();
        name.hash(&mut hasher);
        value.hash(&mut hasher);
        hasher.finish()
    }

    /// The hash of a label set, from those of its labels in order.
    pub(super) fn combine(labels: impl Iterator<Item = u64>) -> u32 {
        let all = labels.fold(0u64, |all, label| {
            (all.rotate_left(5) ^ label).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        (all >> 32) as u32
    }
}

/// 8 bytes per series: its number and half of the hash of its labels.
#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    series: u32,
}

impl Slot {
    /// The tag spread over 64 bits, as the table takes bits from both ends.
    fn hash(tag: u32) -> u64 {
        u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The values of one label name.
#[derive(Debug, Default)]
pub(super) struct LabelIndex {
    pub(super) values: HashMap<Symbol, Postings, RandomState>,
    sorted: Mutex<SortedValues>,
}

/// Values in the order of their text, kept up lazily: new ones are merged in when somebody asks.
#[derive(Debug, Default)]
struct SortedValues {
    values: Arc<Vec<Symbol>>,
    fresh: Vec<Symbol>,
    /// Values are gone: start anew.
    is_outdated: bool,
}

impl LabelIndex {
    /// The values in text order.
    pub(super) fn sorted(&self, symbols: &Symbols) -> Arc<Vec<Symbol>> {
        let mut sorted = self.sorted.lock();
        if sorted.is_outdated {
            *sorted = SortedValues {
                fresh: self.values.keys().copied().collect(),
                ..SortedValues::default()
            };
        }
        if !sorted.fresh.is_empty() {
            let mut values = Vec::with_capacity(sorted.values.len() + sorted.fresh.len());
            values.extend_from_slice(&sorted.values);
            values.append(&mut sorted.fresh);
            // Merges the long sorted run with the short tail.
            values.sort_by(|a, b| symbols.text(*a).cmp(symbols.text(*b)));
            sorted.values = Arc::new(values);
        }
        sorted.values.clone()
    }
}

impl Index {
    /// What hashes label sets.
    pub(super) fn tagger(&self) -> Tagger {
        self.tagger.clone()
    }

    pub(super) fn tag(&self, labels: &Labels) -> u32 {
        self.tagger.tag(labels.iter())
    }

    pub(super) fn reserve(&mut self, series: usize) {
        self.by_labels.reserve(series, |slot| Slot::hash(slot.tag));
    }

    pub(super) fn find<'l>(
        &self,
        pages: &Pages,
        tag: u32,
        labels: impl Iterator<Item = (&'l str, &'l str)> + Clone,
    ) -> Option<u32> {
        self.by_labels
            .find(Slot::hash(tag), |slot| {
                slot.tag == tag && self.has_labels(pages, slot.series, labels.clone())
            })
            .map(|slot| slot.series)
    }

    pub(super) fn find_symbols(
        &self,
        pages: &Pages,
        tag: u32,
        pairs: &[(Symbol, Symbol)],
    ) -> Option<u32> {
        let has_pairs = |series| {
            let same = pages.with(series, |view| view.labels().eq(pairs.iter().copied()));
            same.unwrap_or(false)
        };
        self.by_labels
            .find(Slot::hash(tag), |slot| {
                slot.tag == tag && has_pairs(slot.series)
            })
            .map(|slot| slot.series)
    }

    fn has_labels<'l>(
        &self,
        pages: &Pages,
        series: u32,
        mut labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> bool {
        pages
            .with(series, |view| {
                let mut own = view.labels();
                labels.all(|(name, value)| {
                    own.next().is_some_and(|(own_name, own_value)| {
                        self.symbols.text(own_name) == name && self.symbols.text(own_value) == value
                    })
                }) && own.next().is_none()
            })
            .unwrap_or(false)
    }

    /// Enters a series that is not in yet. `None` if there are too many symbols.
    pub(super) fn add(
        &mut self,
        pages: &Pages,
        series: u32,
        tag: u32,
        labels: &Labels,
    ) -> Option<()> {
        let mut pairs = Vec::with_capacity(labels.len());
        for (name, value) in labels {
            pairs.push((self.symbols.intern(name)?, self.symbols.intern(value)?));
        }
        for (name, value) in &pairs {
            self.enter_postings(*name, *value, &[series]);
        }
        self.all.insert(series);
        self.enter_by_hash(series, tag);
        // Its number was never in use.
        let _ = pages.insert(series, &pairs, Series::new());
        Some(())
    }

    /// Enters a series by its hash.
    pub(super) fn enter_by_hash(&mut self, series: u32, tag: u32) {
        let slot = Slot { tag, series };
        self.by_labels
            .insert_unique(Slot::hash(tag), slot, |slot| Slot::hash(slot.tag));
    }

    /// Enters series, which ascend, in the list of all.
    pub(super) fn enter_all(&mut self, series: &[u32]) {
        insert_all(&mut self.all, series);
    }

    /// Enters series, which ascend, by one of their labels.
    pub(super) fn enter_postings(&mut self, name: Symbol, value: Symbol, series: &[u32]) {
        let symbols = &mut self.symbols;
        let label = self.names.entry(name).or_insert_with(|| {
            symbols.add_use(name);
            LabelIndex::default()
        });
        match label.values.entry(value) {
            Entry::Occupied(mut postings) => postings.get_mut().insert_all(series),
            Entry::Vacant(slot) => {
                if let Some(postings) = Postings::of(series) {
                    symbols.add_use(value);
                    slot.insert(postings);
                    label.sorted.get_mut().fresh.push(value);
                }
            }
        }
    }

    /// Takes a series out of everything, its page included.
    pub(super) fn remove(&mut self, pages: &Pages, series: u32) {
        self.unlink(pages, series);
        pages.remove(series);
    }

    /// Takes a series out of everything but its page: it is not found any more, and its labels are free.
    pub(super) fn unlink(&mut self, pages: &Pages, series: u32) {
        let Some(pairs) = pages.with(series, |view| view.labels().collect::<Vec<_>>()) else {
            return;
        };
        let labels = self.labels_of(&pairs);
        let tag = self.tag(&labels);
        let found = self
            .by_labels
            .find_entry(Slot::hash(tag), |slot| slot.series == series);
        if let Ok(slot) = found {
            slot.remove();
        }
        for (name, value) in pairs {
            let Some(label) = self.names.get_mut(&name) else {
                continue;
            };
            let is_empty = label
                .values
                .get_mut(&value)
                .is_some_and(|postings| postings.remove(series));
            if is_empty {
                label.values.remove(&value);
                label.sorted.get_mut().is_outdated = true;
                self.symbols.drop_use(value);
                if label.values.is_empty() {
                    self.names.remove(&name);
                    self.symbols.drop_use(name);
                }
            }
        }
        self.all.remove(series);
    }

    pub(super) fn labels_of(&self, pairs: &[(Symbol, Symbol)]) -> Labels {
        let text = |symbol| self.symbols.text(symbol);
        Labels::from_sorted(
            pairs
                .iter()
                .map(|(name, value)| (text(*name), text(*value))),
        )
    }

    /// The labels of a series; none if it is gone.
    pub(super) fn labels(&self, pages: &Pages, series: u32) -> Option<Labels> {
        let text = |symbol| self.symbols.text(symbol);
        pages.with(series, |view| {
            Labels::from_sorted(view.labels().map(|(name, value)| (text(name), text(value))))
        })
    }

    pub(super) fn label(&self, name: &str) -> Option<&LabelIndex> {
        self.names.get(&self.symbols.get(name)?)
    }
}
