//! Series that were selected from a block, and reading them into columns.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{Projection, ReadError, RowGroups, SeriesBatch, SeriesList, TimeRange};
use model::time::Timestamp;

use super::Block;
use super::chunks::ChunkWindow;
use super::damage::Damage;
use super::index::SeriesEntry;
use super::writer::NewChunk;
use crate::chunk::{self, Wanted};
use crate::columns;
use crate::compact::{decode_whole, encode_samples};

/// Four bytes per series; everything else stays in the files until it is read.
#[derive(Debug)]
pub(crate) struct BlockSeries {
    block: Block,
    series: Vec<u32>,
    range: TimeRange,
}

impl BlockSeries {
    /// Leaves out series without a chunk in the range.
    pub(super) fn new(
        block: Block,
        mut series: Vec<u32>,
        range: TimeRange,
    ) -> Result<Self, Damage> {
        let own = block.range();
        let has_all = range.start <= own.start && own.end <= range.end;
        if !has_all {
            let mut entry = SeriesEntry::default();
            let mut kept = Vec::with_capacity(series.len());
            for number in series {
                block.index().series(number, &mut entry)?;
                let overlaps = entry
                    .chunks
                    .iter()
                    .any(|chunk| chunk.start <= range.end.0 && range.start.0 <= chunk.end);
                if overlaps {
                    kept.push(number);
                }
            }
            series = kept;
        }
        Ok(Self {
            block,
            series,
            range,
        })
    }

    pub(crate) fn block(&self) -> &Block {
        &self.block
    }

    pub(crate) fn series(&self) -> &[u32] {
        &self.series
    }

    pub(crate) fn reader(&self) -> BlockSeriesReader<'_> {
        BlockSeriesReader {
            list: self,
            window: ChunkWindow::new(self.block.chunks()),
            entry: SeriesEntry::default(),
            tombstones: self.block.tombstones(),
        }
    }
}

/// Reads samples of a list, row by row; keeps a piece of a segment at hand.
pub(crate) struct BlockSeriesReader<'a> {
    list: &'a BlockSeries,
    window: ChunkWindow<'a>,
    entry: SeriesEntry,
    tombstones: std::sync::Arc<super::Tombstones>,
}

impl BlockSeriesReader<'_> {
    /// Appends the samples of one row, without finishing the series.
    pub(crate) fn read(&mut self, row: usize, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let series = self.find(row)?;
        let from = batch.times.len();
        let range = self.list.range;
        let chunks = &self.entry.chunks;
        let overlaps = |chunk: &&super::index::ChunkPlace| {
            chunk.start <= range.end.0 && range.start.0 <= chunk.end
        };
        let last = chunks.iter().rfind(overlaps);
        let last = last.map_or(0, |chunk| chunk.reference);
        let wanted = Wanted {
            samples_max: usize::MAX,
            range,
        };
        for place in chunks.iter().filter(overlaps) {
            let raw = self.window.read(place.reference, last)?;
            chunk::decode(raw.encoding, raw.data, wanted, batch).map_err(|error| {
                ReadError::from(self.window.damage(place.reference, error.to_string()))
            })?;
        }
        let times = batch.times.get(from..).unwrap_or_default();
        if !times.is_sorted_by(|a, b| a < b) {
            let problem = "the samples of a series are out of order";
            return Err(self.window.damage(last, problem).into());
        }
        let deleted = self.tombstones.of(u64::from(series));
        if !deleted.is_empty() {
            columns::remove_deleted(batch, from, deleted);
        }
        Ok(())
    }
}

impl BlockSeriesReader<'_> {
    /// Like [`Self::read`], but only the newest sample; chunks before it are not looked at.
    pub(crate) fn read_newest(
        &mut self,
        row: usize,
        batch: &mut SeriesBatch,
    ) -> Result<(), ReadError> {
        let series = self.find(row)?;
        let range = self.list.range;
        let wanted = Wanted {
            samples_max: usize::MAX,
            range,
        };
        let mut scratch = SeriesBatch::new();
        for place in self.entry.chunks.iter().rev() {
            if place.end < range.start.0 {
                break;
            }
            if place.start > range.end.0 {
                continue;
            }
            let raw = self.window.read(place.reference, place.reference)?;
            chunk::decode(raw.encoding, raw.data, wanted, &mut scratch).map_err(|error| {
                ReadError::from(self.window.damage(place.reference, error.to_string()))
            })?;
            let deleted = self.tombstones.of(u64::from(series));
            columns::remove_deleted(&mut scratch, 0, deleted);
            if !scratch.times.is_empty() {
                scratch.finish_series();
                batch.push_newest(&scratch, 0);
                break;
            }
        }
        Ok(())
    }

    /// Appends the chunks of a row. Whole chunks are copied; one that
    /// reaches out of the range or has deleted samples is encoded again without them.
    pub(crate) fn read_chunks(
        &mut self,
        row: usize,
        chunks: &mut Vec<NewChunk>,
    ) -> Result<(), ReadError> {
        let series = self.find(row)?;
        let range = self.list.range;
        let deleted = self.tombstones.of(u64::from(series));
        let last = self.entry.chunks.last().map_or(0, |place| place.reference);
        for place in &self.entry.chunks {
            if place.end < range.start.0 || range.end.0 < place.start {
                continue;
            }
            let is_inside = range.start.0 <= place.start && place.end <= range.end.0;
            let is_hit = deleted
                .iter()
                .any(|range| range.start.0 <= place.end && place.start <= range.end.0);
            let raw = self.window.read(place.reference, last)?;
            if is_inside && !is_hit {
                chunks.push(NewChunk {
                    start: place.start,
                    end: place.end,
                    encoding: raw.encoding,
                    data: raw.data.to_vec(),
                });
                continue;
            }
            let mut samples = Vec::new();
            decode_whole(raw.encoding, raw.data, &mut samples).map_err(|error| {
                ReadError::from(self.window.damage(place.reference, error.to_string()))
            })?;
            samples.retain(|sample| {
                let time = Timestamp(sample.time);
                range.contains(time) && !deleted.iter().any(|range| range.contains(time))
            });
            encode_samples(&samples, chunks);
        }
        Ok(())
    }

    /// Looks up the entry of a row.
    fn find(&mut self, row: usize) -> Result<u32, ReadError> {
        let series = *self.list.series.get(row).ok_or_else(|| {
            ReadError::Failed("a row beyond the end of the list was asked for".to_owned())
        })?;
        self.list.block.index().series(series, &mut self.entry)?;
        Ok(series)
    }
}

impl SeriesList for BlockSeries {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, row: usize) -> Labels {
        let mut entry = SeriesEntry::default();
        let index = self.block.index();
        // Damage shows when the row is read, which fails then.
        let found = self.series.get(row).and_then(|series| {
            index.series(*series, &mut entry).ok()?;
            index.labels(&entry).ok()
        });
        found.unwrap_or_default()
    }

    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let mut reader = self.reader();
        for row in rows {
            reader.read(row, batch)?;
            batch.finish_series();
        }
        chunk::align_start_times(batch);
        Ok(())
    }

    fn read_newest(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let mut reader = self.reader();
        for row in rows {
            reader.read_newest(row, batch)?;
            batch.finish_series();
        }
        chunk::align_start_times(batch);
        Ok(())
    }

    fn groups(&self, by: Projection<'_>) -> RowGroups {
        let index = self.block.index();
        let mut names: HashMap<u32, bool, RandomState> = HashMap::default();
        let mut known: HashMap<Box<[(u32, u32)]>, u32, RandomState> = HashMap::default();
        let mut groups = RowGroups::default();
        let mut entry = SeriesEntry::default();
        for series in &self.series {
            // Damage shows when the row is read, which fails then.
            if index.series(*series, &mut entry).is_err() {
                entry.labels.clear();
            }
            entry.labels.retain(|(name, _)| {
                *names.entry(*name).or_insert_with(|| {
                    let text = index.symbol(*name).unwrap_or_default();
                    by.contains(&String::from_utf8_lossy(text))
                })
            });
            let group = match known.get(entry.labels.as_slice()) {
                Some(group) => *group,
                None => {
                    let group = u32::try_from(groups.labels.len()).unwrap_or(u32::MAX);
                    groups.labels.push(index.labels(&entry).unwrap_or_default());
                    known.insert(entry.labels.as_slice().into(), group);
                    group
                }
            };
            groups.of_row.push(group);
        }
        groups
    }

    fn may_have_label(&self, name: &str) -> bool {
        self.block.index().value_count(name) > 0
    }
}

/// Names of the labels of matching series, sorted.
pub(super) fn label_names(block: &Block, matchers: &[Matcher]) -> Result<Vec<String>, Damage> {
    let index = block.index();
    if matchers.is_empty() {
        return Ok(index.label_names().map(str::to_owned).collect());
    }
    let mut found: HashSet<u32, RandomState> = HashSet::default();
    let mut entry = SeriesEntry::default();
    for series in block.series(matchers)? {
        index.series(series, &mut entry)?;
        found.extend(entry.labels.iter().map(|(name, _)| *name));
    }
    texts(block, found)
}

/// Values of a label of matching series, sorted.
pub(super) fn label_values(
    block: &Block,
    name: &str,
    matchers: &[Matcher],
) -> Result<Vec<String>, Damage> {
    /// Values whose list is worth looking at, per series.
    const VALUES_PER_SERIES: usize = 4;
    let index = block.index();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    if matchers.is_empty() {
        let values = index.values_from(name, b"");
        return Ok(values.map(|(value, _)| text(value)).collect());
    }
    let series = block.series(matchers)?;
    if index.value_count(name) < series.len().saturating_mul(VALUES_PER_SERIES) {
        let mut found = Vec::new();
        for (value, place) in index.values_from(name, b"") {
            if index.postings(place)?.meets(&series) {
                found.push(text(value));
            }
        }
        return Ok(found);
    }
    let mut found: HashSet<u32, RandomState> = HashSet::default();
    let mut entry = SeriesEntry::default();
    for series in series {
        index.series(series, &mut entry)?;
        for (own, value) in &entry.labels {
            if index.symbol(*own)? == name.as_bytes() {
                found.insert(*value);
            }
        }
    }
    texts(block, found)
}

fn texts(block: &Block, symbols: HashSet<u32, RandomState>) -> Result<Vec<String>, Damage> {
    let mut texts = BTreeSet::new();
    for symbol in symbols {
        let text = block.index().symbol(symbol)?;
        texts.insert(String::from_utf8_lossy(text).into_owned());
    }
    Ok(texts.into_iter().collect())
}
