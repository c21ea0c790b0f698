//! Queries over the head and several blocks: series with the same labels become one.
//!
//! Labels are compared as numbers: every text of every source gets one number for the query, and each
//! source remembers the numbers of its symbols. So the text of a label is looked at once per block, not
//! once per series.

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use model::labels::Labels;
use model::storage::{
    Projection, ReadError, RowGroups, SelectRequest, SeriesBatch, SeriesList, SeriesReader,
    TimeRange,
};

use super::Inner;
use crate::block::index::SeriesEntry;
use crate::block::select::BlockSeries;
use crate::chunk;
use crate::columns;

pub(super) fn select(
    inner: &Inner,
    request: &SelectRequest<'_>,
) -> Result<Arc<dyn SeriesList>, ReadError> {
    let range = request.range;
    // The head comes first: see the head of `db`.
    let head = if reaches_head(inner, range) {
        Some(inner.head().select(request)?)
    } else {
        None
    };
    let head = head.filter(|list| !list.is_empty());
    let set = inner.set();
    let mut lists = Vec::new();
    for block in set.blocks.iter().filter(|block| block.overlaps(range)) {
        let list = block.select_series(range, request.matchers)?;
        if !list.is_empty() {
            lists.push(list);
        }
    }
    match (head, lists.len()) {
        (Some(head), 0) => Ok(head),
        (None, 0) => Ok(Arc::new(NoSeries)),
        (None, 1) => Ok(Arc::new(lists.remove(0))),
        (head, _) => Ok(Arc::new(MergedSeries::new(lists, head)?)),
    }
}

/// Whether the head can have samples of the range. What it drops is in a block before.
pub(super) fn reaches_head(inner: &Inner, range: TimeRange) -> bool {
    inner.head().reaches(range)
}

/// Sorted, unique texts of all sources that have samples in the range.
pub(super) fn texts(
    inner: &Inner,
    range: TimeRange,
    read: impl Fn(&dyn SeriesReader) -> Result<Vec<String>, ReadError>,
) -> Result<Vec<String>, ReadError> {
    let mut found = if reaches_head(inner, range) {
        read(inner.head())?
    } else {
        Vec::new()
    };
    let set = inner.set();
    let mut count = 0;
    for block in set.blocks.iter().filter(|block| block.overlaps(range)) {
        found.append(&mut read(block)?);
        count += 1;
    }
    if count > 0 {
        // The stable sort finds the sorted runs and merges them.
        found.sort();
        found.dedup();
    }
    Ok(found)
}

#[derive(Debug)]
struct NoSeries;

impl SeriesList for NoSeries {
    fn len(&self) -> usize {
        0
    }

    fn labels(&self, _row: usize) -> Labels {
        Labels::empty()
    }

    fn read(&self, _rows: Range<usize>, _batch: &mut SeriesBatch) -> Result<(), ReadError> {
        Ok(())
    }
}

/// A row of one source.
#[derive(Clone, Copy, Debug)]
struct Part {
    source: u32,
    row: u32,
}

struct MergedSeries {
    /// By the start of their times.
    blocks: Vec<BlockSeries>,
    head: Option<Arc<dyn SeriesList>>,
    parts: Vec<Part>,
    /// Where the parts of each row end.
    ends: Vec<u32>,
}

impl MergedSeries {
    fn new(blocks: Vec<BlockSeries>, head: Option<Arc<dyn SeriesList>>) -> Result<Self, ReadError> {
        let mut grouping = Grouping::default();
        for (source, list) in blocks.iter().enumerate() {
            grouping.add_block(source as u32, list)?;
        }
        if let Some(head) = &head {
            grouping.add_head(blocks.len() as u32, head.as_ref())?;
        }
        let (parts, ends) = grouping.finish();
        Ok(Self {
            blocks,
            head,
            parts,
            ends,
        })
    }

    fn parts(&self, row: usize) -> &[Part] {
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.parts
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// `None` for the head.
    fn block(&self, part: Part) -> Option<&BlockSeries> {
        self.blocks.get(part.source as usize)
    }

    fn check(&self, rows: &Range<usize>) -> Result<(), ReadError> {
        if rows.end > self.ends.len() {
            let problem = "rows beyond the end of the list were asked for";
            return Err(ReadError::Failed(problem.to_owned()));
        }
        Ok(())
    }
}

impl SeriesList for MergedSeries {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn labels(&self, row: usize) -> Labels {
        let Some(part) = self.parts(row).first() else {
            return Labels::empty();
        };
        let row = part.row as usize;
        match (self.block(*part), &self.head) {
            (Some(block), _) => block.labels(row),
            (None, Some(head)) => head.labels(row),
            (None, None) => Labels::empty(),
        }
    }

    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        self.check(&rows)?;
        let mut readers: Vec<_> = self.blocks.iter().map(BlockSeries::reader).collect();
        let mut scratch = SeriesBatch::new();
        for row in rows {
            let from = batch.times.len();
            for part in self.parts(row) {
                let row = part.row as usize;
                if let Some(reader) = readers.get_mut(part.source as usize) {
                    let middle = batch.times.len();
                    reader.read(row, batch)?;
                    columns::merge_tail(batch, from, middle);
                } else if let Some(head) = &self.head {
                    scratch.clear();
                    head.read(row..row + 1, &mut scratch)?;
                    columns::merge(batch, from, &scratch);
                }
            }
            batch.finish_series();
        }
        chunk::align_start_times(batch);
        Ok(())
    }

    fn read_newest(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        self.check(&rows)?;
        let mut readers: Vec<_> = self.blocks.iter().map(BlockSeries::reader).collect();
        let (mut newest, mut scratch) = (SeriesBatch::new(), SeriesBatch::new());
        for row in rows {
            newest.clear();
            // The newest sources first: older ones then often need not be looked at.
            for part in self.parts(row).iter().rev() {
                let row = part.row as usize;
                let known = newest.times.first().copied();
                scratch.clear();
                if let Some(reader) = readers.get_mut(part.source as usize) {
                    let end = self.block(*part).map(|list| list.block().range().end.0);
                    if known.is_some_and(|known| end.is_some_and(|end| end <= known)) {
                        continue;
                    }
                    reader.read_newest(row, &mut scratch)?;
                    scratch.finish_series();
                } else if let Some(head) = &self.head {
                    head.read_newest(row..row + 1, &mut scratch)?;
                }
                let found = scratch.times.first().copied();
                if found.is_some() && found >= known {
                    std::mem::swap(&mut newest, &mut scratch);
                }
            }
            batch.push_newest(&newest, 0);
            batch.finish_series();
        }
        chunk::align_start_times(batch);
        Ok(())
    }

    fn groups(&self, by: Projection<'_>) -> RowGroups {
        // Labels are those of a row's first part, so most sources are usually not asked.
        let mut is_asked = vec![false; self.blocks.len() + 1];
        for row in 0..self.len() {
            if let Some(part) = self.parts(row).first()
                && let Some(is_asked) = is_asked.get_mut(part.source as usize)
            {
                *is_asked = true;
            }
        }
        let lists = self.blocks.iter().map(|list| list as &dyn SeriesList);
        let lists = lists.chain(self.head.as_deref());
        let of_source: Vec<RowGroups> = lists
            .zip(is_asked)
            .map(|(list, is_asked)| {
                if is_asked {
                    list.groups(by)
                } else {
                    RowGroups::default()
                }
            })
            .collect();
        let mut groups = RowGroups::default();
        let mut known: HashMap<Labels, u32, RandomState> = HashMap::default();
        // The group here of each group there.
        let mut numbers: Vec<Vec<Option<u32>>> = of_source
            .iter()
            .map(|own| vec![None; own.labels.len()])
            .collect();
        for row in 0..self.len() {
            let part = self.parts(row).first();
            let own = part.and_then(|part| {
                let source = of_source.get(part.source as usize)?;
                let group = *source.of_row.get(part.row as usize)? as usize;
                let number = numbers.get_mut(part.source as usize)?.get_mut(group)?;
                Some((source.labels.get(group)?, number))
            });
            let group = own.map(|(labels, number)| {
                *number.get_or_insert_with(|| {
                    *known.entry(labels.clone()).or_insert_with(|| {
                        groups.labels.push(labels.clone());
                        groups.labels.len() as u32 - 1
                    })
                })
            });
            groups.of_row.push(group.unwrap_or_default());
        }
        groups
    }

    fn may_have_label(&self, name: &str) -> bool {
        self.blocks.iter().any(|list| list.may_have_label(name))
            || self
                .head
                .as_ref()
                .is_some_and(|head| head.may_have_label(name))
    }
}

/// Finds rows with the same labels.
#[derive(Default)]
struct Grouping {
    texts: Texts,
    /// Labels of each row as numbers of texts, one after the other.
    keys: Vec<u32>,
    key_ends: Vec<u32>,
    rows: HashTable<u32>,
    hasher: RandomState,
    /// Parts with the row that they belong to, in the order of the sources.
    parts: Vec<(u32, Part)>,
}

/// Texts by number.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    known: HashTable<u32>,
    hasher: RandomState,
}

impl Texts {
    fn get(&self, number: u32) -> &[u8] {
        text_at(&self.bytes, &self.ends, number)
    }

    fn number(&mut self, text: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(text);
        if let Some(number) = self.known.find(hash, |number| self.get(*number) == text) {
            return *number;
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        let Self {
            bytes,
            ends,
            known,
            hasher,
        } = self;
        known.insert_unique(hash, number, |number| {
            hasher.hash_one(text_at(bytes, ends, *number))
        });
        number
    }
}

fn text_at<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let at = number as usize;
    let start = match at.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or_default(),
        None => 0,
    };
    let end = ends.get(at).copied().unwrap_or(start);
    bytes.get(start..end).unwrap_or_default()
}

fn key_at<'a>(keys: &'a [u32], ends: &[u32], row: u32) -> &'a [u32] {
    let at = row as usize;
    let start = match at.checked_sub(1) {
        Some(before) => ends.get(before).copied().unwrap_or_default(),
        None => 0,
    };
    let end = ends.get(at).copied().unwrap_or(start);
    keys.get(start as usize..end as usize).unwrap_or_default()
}

impl Grouping {
    fn add_block(&mut self, source: u32, list: &BlockSeries) -> Result<(), ReadError> {
        let index = list.block().index();
        let mut numbers: HashMap<u32, u32, RandomState> = HashMap::default();
        let mut entry = SeriesEntry::default();
        let mut key = Vec::new();
        for (row, series) in list.series().iter().enumerate() {
            index.series(*series, &mut entry)?;
            key.clear();
            for symbol in entry.labels.iter().flat_map(|(name, value)| [name, value]) {
                key.push(match numbers.get(symbol) {
                    Some(number) => *number,
                    None => {
                        let number = self.texts.number(index.symbol(*symbol)?);
                        numbers.insert(*symbol, number);
                        number
                    }
                });
            }
            let row = row as u32;
            self.add(&key, Part { source, row })?;
        }
        Ok(())
    }

    fn add_head(&mut self, source: u32, list: &dyn SeriesList) -> Result<(), ReadError> {
        let mut key = Vec::new();
        for row in 0..list.len() {
            let labels = list.labels(row);
            key.clear();
            for text in labels.iter().flat_map(|(name, value)| [name, value]) {
                key.push(self.texts.number(text.as_bytes()));
            }
            let row = row as u32;
            self.add(&key, Part { source, row })?;
        }
        Ok(())
    }

    fn add(&mut self, key: &[u32], part: Part) -> Result<(), ReadError> {
        let hash = self.hasher.hash_one(key);
        let Self {
            keys,
            key_ends,
            rows,
            hasher,
            ..
        } = self;
        let found = rows.find(hash, |row| key_at(keys, key_ends, *row) == key);
        let row = match found {
            Some(row) => *row,
            None => {
                let row = key_ends.len() as u32;
                keys.extend_from_slice(key);
                let too_many = |_| ReadError::Failed("too many series".to_owned());
                key_ends.push(u32::try_from(keys.len()).map_err(too_many)?);
                rows.insert_unique(hash, row, |row| {
                    hasher.hash_one(key_at(keys, key_ends, *row))
                });
                row
            }
        };
        self.parts.push((row, part));
        Ok(())
    }

    /// The parts of all rows, and where those of each row end.
    fn finish(self) -> (Vec<Part>, Vec<u32>) {
        let mut ends = vec![0u32; self.key_ends.len()];
        for (row, _) in &self.parts {
            if let Some(count) = ends.get_mut(*row as usize) {
                *count += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        // The stable sort keeps the order of the sources.
        let mut parts = self.parts;
        parts.sort_by_key(|(row, _)| *row);
        (parts.into_iter().map(|(_, part)| part).collect(), ends)
    }
}
