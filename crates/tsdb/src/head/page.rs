//! Where series records are: pages of 256 neighbouring numbers, each behind one lock.
//!
//! Series of one target are made together, so one scrape touches few pages: locking is paid per page
//! and not per sample. A page holds only the series that are alive, densely; numbers never come back,
//! so a page whose series are all gone is freed.

use std::sync::Arc;

use parking_lot::RwLock;

use super::series::Series;
use super::symbols::Symbol;

const PAGE_BITS: u32 = 8;
const WORDS: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Pages(RwLock<Vec<Option<Arc<Page>>>>);

pub(super) type Page = RwLock<PageData>;

#[derive(Debug, Default)]
pub(super) struct PageData {
    /// One bit per number that is alive.
    present: [u64; WORDS],
    /// In the order of the numbers.
    series: Vec<Series>,
    /// Packed labels of all series of the page: number of pairs, then symbols, as varints.
    labels: Vec<u8>,
    /// Bytes of `labels` that belong to removed series.
    labels_dead: usize,
}

/// The page of a series.
pub(super) fn page_of(series: u32) -> u32 {
    series >> PAGE_BITS
}

impl Pages {
    pub(super) fn get(&self, page: u32) -> Option<Arc<Page>> {
        self.0.read().get(page as usize)?.clone()
    }

    pub(super) fn count(&self) -> u32 {
        // As many pages as the highest number needs; that has 32 bits.
        self.0.read().len() as u32
    }

    /// Looks at one series.
    pub(super) fn with<T>(&self, series: u32, look: impl FnOnce(SeriesView<'_>) -> T) -> Option<T> {
        let page = self.get(page_of(series))?;
        let data = page.read();
        data.view(series).map(look)
    }

    /// Changes one series.
    pub(super) fn with_mut<T>(
        &self,
        series: u32,
        change: impl FnOnce(&mut Series) -> T,
    ) -> Option<T> {
        let page = self.get(page_of(series))?;
        let mut data = page.write();
        data.get_mut(series).map(change)
    }

    pub(super) fn contains(&self, series: u32) -> bool {
        self.with(series, |_| ()).is_some()
    }

    /// Puts a new series in place; gives it back if its number is in use.
    pub(super) fn insert(
        &self,
        series: u32,
        labels: &[(Symbol, Symbol)],
        record: Series,
    ) -> Option<Series> {
        let number = page_of(series) as usize;
        let page = {
            let mut pages = self.0.write();
            if pages.len() <= number {
                pages.resize(number + 1, None);
            }
            pages[number].get_or_insert_default().clone()
        };
        page.write().insert(series, labels, record)
    }

    pub(super) fn remove(&self, series: u32) {
        let number = page_of(series);
        let Some(page) = self.get(number) else {
            return;
        };
        let is_empty = {
            let mut data = page.write();
            data.remove(series);
            data.series.is_empty()
        };
        if is_empty && let Some(slot) = self.0.write().get_mut(number as usize) {
            *slot = None;
        }
    }
}

impl PageData {
    fn place(series: u32) -> (usize, u64) {
        let low = series & 0xff;
        ((low >> 6) as usize, 1 << (low & 63))
    }

    /// Where the series is, or would be, in `series`.
    fn rank(&self, series: u32) -> usize {
        let (word, bit) = Self::place(series);
        let before: u32 = self.present[..word]
            .iter()
            .map(|word| word.count_ones())
            .sum();
        (before + (self.present[word] & (bit - 1)).count_ones()) as usize
    }

    fn is_present(&self, series: u32) -> bool {
        let (word, bit) = Self::place(series);
        self.present[word] & bit != 0
    }

    pub(super) fn get(&self, series: u32) -> Option<&Series> {
        self.is_present(series)
            .then(|| self.series.get(self.rank(series)))?
    }

    pub(super) fn get_mut(&mut self, series: u32) -> Option<&mut Series> {
        if !self.is_present(series) {
            return None;
        }
        let rank = self.rank(series);
        self.series.get_mut(rank)
    }

    pub(super) fn view(&self, series: u32) -> Option<SeriesView<'_>> {
        let record = self.get(series)?;
        Some(SeriesView {
            record,
            packed: self.labels.get(record.labels_at as usize..)?,
        })
    }

    /// All series with their numbers.
    pub(super) fn iter(&self, page: u32) -> impl Iterator<Item = (u32, SeriesView<'_>)> {
        self.numbers(page)
            .zip(&self.series)
            .filter_map(|(series, record)| {
                let packed = self.labels.get(record.labels_at as usize..)?;
                Some((series, SeriesView { record, packed }))
            })
    }

    fn numbers(&self, page: u32) -> impl Iterator<Item = u32> + use<> {
        let present = self.present;
        (0..256u32)
            .filter(move |low| {
                let (word, bit) = Self::place(*low);
                present[word] & bit != 0
            })
            .map(move |low| (page << PAGE_BITS) | low)
    }

    /// All series with their numbers.
    pub(super) fn iter_mut(&mut self, page: u32) -> impl Iterator<Item = (u32, &mut Series)> {
        self.numbers(page).zip(&mut self.series)
    }

    fn insert(
        &mut self,
        series: u32,
        labels: &[(Symbol, Symbol)],
        mut record: Series,
    ) -> Option<Series> {
        let rank = self.rank(series);
        let (word, bit) = Self::place(series);
        if self.present[word] & bit != 0 {
            return Some(record);
        }
        self.present[word] |= bit;
        // A page's labels are 256 times some hundred bytes at most; label sets are far below 4 GiB.
        record.labels_at = self.labels.len() as u32;
        put_symbol(&mut self.labels, labels.len() as u32);
        for (name, value) in labels {
            put_symbol(&mut self.labels, name.0);
            put_symbol(&mut self.labels, value.0);
        }
        if self.series.len() == self.series.capacity() {
            self.series.reserve_exact(32.min(256 - self.series.len()));
        }
        self.series.insert(rank, record);
        None
    }

    fn remove(&mut self, series: u32) {
        if !self.is_present(series) {
            return;
        }
        let rank = self.rank(series);
        let (word, bit) = Self::place(series);
        self.present[word] &= !bit;
        let record = self.series.remove(rank);
        self.series.shrink_to(self.series.len() + 32);
        self.labels_dead += packed_labels(&self.labels, record.labels_at).len();
        if self.labels_dead * 2 > self.labels.len() {
            self.pack_labels();
        }
    }

    /// Drops the labels of removed series.
    fn pack_labels(&mut self) {
        let mut packed = Vec::with_capacity(self.labels.len() - self.labels_dead);
        for record in &mut self.series {
            let labels = packed_labels(&self.labels, record.labels_at);
            record.labels_at = packed.len() as u32;
            packed.extend_from_slice(labels);
        }
        self.labels = packed;
        self.labels_dead = 0;
    }

    pub(super) fn chunks(&self) -> usize {
        self.series.iter().map(Series::chunks).sum()
    }

    pub(super) fn stale_series(&self) -> usize {
        self.series
            .iter()
            .filter(|series| series.is_stale())
            .count()
    }

    /// Bytes held by this page.
    pub(super) fn bytes(&self) -> usize {
        let series: usize = self.series.iter().map(Series::bytes).sum();
        series + self.series.capacity() * size_of::<Series>() + self.labels.capacity()
    }
}

/// A series with its labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeriesView<'a> {
    pub(super) record: &'a Series,
    packed: &'a [u8],
}

impl<'a> SeriesView<'a> {
    /// Names and values, in the order of the names' text.
    pub(super) fn labels(&self) -> PackedLabels<'a> {
        PackedLabels::new(self.packed)
    }

    pub(super) fn value_of(&self, name: Symbol) -> Option<Symbol> {
        self.labels()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }
}

fn put_symbol(out: &mut Vec<u8>, number: u32) {
    crate::bytes::put_uvarint(out, u64::from(number));
}

#[derive(Clone, Debug)]
pub(super) struct PackedLabels<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> PackedLabels<'a> {
    fn new(packed: &'a [u8]) -> Self {
        let mut labels = Self {
            rest: packed,
            left: 0,
        };
        labels.left = labels.number();
        labels
    }

    fn number(&mut self) -> u32 {
        let mut number = 0;
        let mut shift = 0;
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            number |= u32::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > 28 {
                break;
            }
        }
        number
    }
}

/// The bytes of one label set.
fn packed_labels(labels: &[u8], at: u32) -> &[u8] {
    let source = labels.get(at as usize..).unwrap_or_default();
    let mut pairs = PackedLabels::new(source);
    pairs.by_ref().for_each(drop);
    &source[..source.len() - pairs.rest.len()]
}

impl Iterator for PackedLabels<'_> {
    type Item = (Symbol, Symbol);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((Symbol(self.number()), Symbol(self.number())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for PackedLabels<'_> {}
