//! The head laid out for a block: series in the order of their labels, with their chunks in a range.
//!
//! Called when a block is made of the head, and when chunks are read as they are. Texts are copied once, in a
//! short hold of the index, and ranked outside of it; then series are compared by the ranks of their labels. So
//! commits and new series wait for a copy, never for a sort. Where nothing can be added to the range any more,
//! which is the usual case, commits are not held up for a common state of all series either. Memory: 32 bytes
//! per series, and the texts of all labels until the block is written.

use std::sync::Arc;

use hashbrown::HashMap;
use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{ReadError, TimeRange};

use super::late::{self, LateCut, read::LateRequest};
use super::mapped::ChunkHead;
use super::mapped::cursor::Cursor;
use super::page::SeriesView;
use super::pins::Pin;
use super::read::chunk_data;
use super::select::{self, Row};
use super::series::{ChunkList, LateSamples};
use super::stale::StaleSeries;
use super::{Head, Inner};
use crate::block::index::SymbolList;
use crate::block::writer::NewChunk;
use crate::chunk::xor;
use crate::compact::{Sample, decode_samples, encode_samples};

/// Whether commits can still add to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// Storage takes no samples of these times any more.
    Over,
    /// They can; the export has whole commits only.
    Possible,
}

type LateOfSeries = HashMap<u32, Arc<LateSamples>>;

/// Samples that came out of order.
#[derive(Debug)]
enum LatePart {
    Absent,
    /// Instead of all others.
    Only(LateOfSeries),
    /// Besides the others: up to the commit, and in the range, that are given.
    Besides(LateOfSeries, u64, TimeRange),
}

/// One state of the head. What it has stays there as long as this lives.
#[derive(Debug)]
pub(crate) struct HeadExport {
    inner: Arc<Inner>,
    range: TimeRange,
    /// In the order of the labels.
    rows: Vec<Row>,
    late: LatePart,
    symbols: SymbolList,
    /// By number in the head: position in `symbols`.
    ranks: Vec<u32>,
    samples: Vec<Sample>,
    list: ChunkList,
    cursor: Cursor,
    _pin: Pin,
}

const NO_RANK: u32 = u32::MAX;

impl Head {
    /// Series that may have samples in the range.
    pub(crate) fn export(&self, range: TimeRange, growth: Growth) -> HeadExport {
        let inner = &self.0;
        let pin = inner.pins.pin();
        let rows = match growth {
            Growth::Over => settled_rows(inner, range),
            Growth::Possible => select::rows(inner, range, &[]).rows,
        };
        HeadExport::new(inner, range, (rows, LatePart::Absent), pin)
    }

    /// What stale series had in the range when they were noted.
    pub(crate) fn export_stale(&self, range: TimeRange, stale: &StaleSeries) -> HeadExport {
        let inner = &self.0;
        let pin = inner.pins.pin();
        let overlaps = |row: &&Row| {
            let overlaps = |view: SeriesView<'_>| view.record.overlaps(range);
            inner.pages.with(row.series, overlaps).unwrap_or(false)
        };
        let rows = stale.rows.iter().filter(overlaps).copied();
        HeadExport::new(inner, range, (rows.collect(), LatePart::Absent), pin)
    }

    /// Series that may have late samples in the range, with these.
    pub(crate) fn export_late(&self, range: TimeRange, cut: &LateCut) -> HeadExport {
        let inner = &self.0;
        let pin = inner.pins.pin();
        let overlaps = |late: &LateSamples| late.overlaps(CLOSED_ONLY, range);
        let late = cut.rows.iter().filter(|(_, late)| overlaps(late));
        let late: LateOfSeries = late.cloned().collect();
        let rows = late.keys().map(|series| Row {
            series: *series,
            visible: 0,
        });
        let rows = rows.collect();
        HeadExport::new(inner, range, (rows, LatePart::Only(late)), pin)
    }

    /// Matching series that may have samples in the range, as they are now, late samples included.
    pub(crate) fn export_matching(&self, range: TimeRange, matchers: &[Matcher]) -> HeadExport {
        let inner = &self.0;
        let pin = inner.pins.pin();
        let selected = select::rows(inner, range, matchers);
        let by_series = selected.late.by_series(&selected.rows);
        let late = LatePart::Besides(by_series, selected.late.snapshot(), range);
        HeadExport::new(
            inner,
            select::clamp(inner, range),
            (selected.rows, late),
            pin,
        )
    }
}

/// What a cut gives out is closed.
const CLOSED_ONLY: u64 = 0;

/// All that series have in a range that does not grow any more.
fn settled_rows(inner: &Inner, range: TimeRange) -> Vec<Row> {
    // A commit that was let in before the range was over has ended once this was held.
    drop(inner.writer.lock());
    let all = inner.index.read().all.clone();
    let overlaps = |series: &u32| {
        let overlaps = |view: SeriesView<'_>| view.record.overlaps(range);
        inner.pages.with(*series, overlaps).unwrap_or(false)
    };
    all.iter()
        .filter(overlaps)
        .map(|series| Row {
            series,
            visible: u32::MAX,
        })
        .collect()
}

/// The texts of all labels of the rows, sorted, and the position there of each symbol.
fn rank(inner: &Inner, rows: &[Row]) -> (SymbolList, Vec<u32>) {
    let mut ranks: Vec<u32> = Vec::new();
    for row in rows {
        inner.pages.with(row.series, |view| {
            for symbol in view.labels().flat_map(|(name, value)| [name, value]) {
                let at = symbol.0 as usize;
                if ranks.len() <= at {
                    ranks.resize(at + 1, NO_RANK);
                }
                // Any number says that the symbol is wanted.
                ranks[at] = 0;
            }
        });
    }
    let mut bytes = Vec::new();
    let mut texts = Vec::new();
    {
        let index = inner.index.read();
        for (symbol, rank) in (0u32..).zip(&ranks) {
            if *rank != NO_RANK {
                let start = bytes.len();
                bytes.extend_from_slice(
                    index
                        .symbols
                        .text(super::symbols::Symbol(symbol))
                        .as_bytes(),
                );
                texts.push((symbol, start..bytes.len()));
            }
        }
    }
    texts.sort_by(|(_, a), (_, b)| bytes[a.clone()].cmp(&bytes[b.clone()]));
    let mut symbols = SymbolList::default();
    for (symbol, text) in texts {
        // Texts are unique in the head, and sorted now.
        if let Ok(rank) = symbols.push(&bytes[text]) {
            ranks[symbol as usize] = rank;
        }
    }
    (symbols, ranks)
}

impl HeadExport {
    fn new(
        inner: &Arc<Inner>,
        range: TimeRange,
        (rows, late): (Vec<Row>, LatePart),
        pin: Pin,
    ) -> Self {
        let (symbols, ranks) = rank(inner, &rows);
        let mut export = Self {
            inner: inner.clone(),
            range,
            rows: Vec::new(),
            late,
            symbols,
            ranks,
            samples: Vec::new(),
            list: ChunkList::default(),
            cursor: Cursor::default(),
            _pin: pin,
        };
        export.rows = export.sorted(rows);
        export
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The labels of a row, unless the symbols were taken.
    pub(crate) fn labels(&self, row: usize) -> Labels {
        let text = |symbol| String::from_utf8_lossy(self.symbols.get(symbol));
        let found = self.rows.get(row).and_then(|row| {
            self.inner.pages.with(row.series, |view| {
                Labels::from_pairs(
                    self.ranked(view)
                        .map(|(name, value)| (text(name), text(value))),
                )
            })
        });
        found.unwrap_or_default()
    }

    /// Appends the chunks of one row, as [`Self::read`] gives them. Those of late samples may overlap others.
    pub(crate) fn read_chunks(
        &mut self,
        row: usize,
        chunks: &mut Vec<NewChunk>,
    ) -> Result<(), ReadError> {
        let mut own = Vec::new();
        self.read(row, &mut Vec::new(), &mut own)?;
        chunks.append(&mut own);
        let series = self.rows.get(row).map(|row| row.series);
        let late = match (&self.late, series) {
            (LatePart::Besides(late, snapshot, range), Some(series)) => {
                let request = late
                    .get(&series)
                    .map(|late| (late.clone(), *snapshot, *range));
                request.map(|request| (series, request))
            }
            _ => None,
        };
        if let Some((series, (late, snapshot, range))) = late {
            let request = LateRequest {
                series,
                late: &late,
                snapshot,
                range,
            };
            let deleted = self.inner.tombstones.read().of(series);
            let mut samples = Vec::new();
            late::read::samples(&self.inner, request, &mut self.cursor, &mut samples)?;
            samples.retain(|sample| {
                let time = model::Timestamp(sample.time);
                !deleted.iter().any(|range| range.contains(time))
            });
            encode_samples(&samples, chunks);
        }
        Ok(())
    }

    /// The texts of all labels, sorted; labels are given as positions in this list.
    pub(crate) fn take_symbols(&mut self) -> SymbolList {
        std::mem::take(&mut self.symbols)
    }

    fn ranked(&self, view: SeriesView<'_>) -> impl Iterator<Item = (u32, u32)> {
        let rank = |symbol: super::symbols::Symbol| {
            let rank = self.ranks.get(symbol.0 as usize);
            rank.copied().unwrap_or(NO_RANK)
        };
        view.labels()
            .map(move |(name, value)| (rank(name), rank(value)))
    }

    /// Rows in the order of their labels: first by the first two labels, which are copied for that, then
    /// by all of them where these are the same.
    fn sorted(&self, rows: Vec<Row>) -> Vec<Row> {
        let first = |row: &Row| {
            let key = self.inner.pages.with(row.series, |view| {
                let mut labels = self.ranked(view);
                let mut key = 0u128;
                for _ in 0..2 {
                    // An absent label comes before any.
                    let (name, value) = labels
                        .next()
                        .map_or((0, 0), |(name, value)| (name.saturating_add(1), value));
                    key = key << 64 | u128::from(name) << 32 | u128::from(value);
                }
                key
            });
            key.unwrap_or(0)
        };
        let mut keyed: Vec<(u128, Row)> = rows.into_iter().map(|row| (first(&row), row)).collect();
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let mut rows = Vec::with_capacity(keyed.len());
        for group in keyed.chunk_by(|a, b| a.0 == b.0) {
            self.push_sorted(group, &mut rows);
        }
        rows
    }

    /// Sorts rows by all of their labels.
    fn push_sorted(&self, group: &[(u128, Row)], rows: &mut Vec<Row>) {
        if let [(_, row)] = group {
            return rows.push(*row);
        }
        let mut labels: Vec<(u32, u32)> = Vec::new();
        let mut places = Vec::with_capacity(group.len());
        for (_, row) in group {
            let start = labels.len();
            let pages = &self.inner.pages;
            pages.with(row.series, |view| labels.extend(self.ranked(view)));
            places.push((start..labels.len(), *row));
        }
        places.sort_unstable_by(|(a, _), (b, _)| labels[a.clone()].cmp(&labels[b.clone()]));
        rows.extend(places.into_iter().map(|(_, row)| row));
    }

    /// Labels and chunks of one row, in place of what is in the vectors. Whole closed chunks are copied,
    /// others are encoded again.
    pub(crate) fn read(
        &mut self,
        row: usize,
        labels: &mut Vec<(u32, u32)>,
        chunks: &mut Vec<NewChunk>,
    ) -> Result<(), ReadError> {
        labels.clear();
        chunks.clear();
        let Some(row) = self.rows.get(row).copied() else {
            return Ok(());
        };
        let inner = self.inner.clone();
        if let LatePart::Only(late) = &self.late {
            let Some(late) = late.get(&row.series).cloned() else {
                return Ok(());
            };
            inner
                .pages
                .with(row.series, |view| labels.extend(self.ranked(view)));
            let request = LateRequest {
                series: row.series,
                late: &late,
                snapshot: CLOSED_ONLY,
                range: self.range,
            };
            let mut samples = Vec::new();
            late::read::samples(&inner, request, &mut self.cursor, &mut samples)?;
            encode_samples(&samples, chunks);
            return Ok(());
        }
        let range = self.range;
        let deleted = inner.tombstones.read().of(row.series);
        let mut list = std::mem::take(&mut self.list);
        list.clear();
        inner.pages.with(row.series, |view| {
            labels.extend(self.ranked(view));
            view.record.list(row.visible, range, &mut list);
        });
        let mut samples = std::mem::take(&mut self.samples);
        samples.clear();
        for chunk in &list.chunks {
            let data = chunk_data(&inner, row.series, &list, chunk, &mut self.cursor)?;
            let ChunkHead { start, end, .. } = chunk.head;
            let is_whole = usize::from(chunk.head.samples) == chunk.samples;
            let is_inside = range.start.0 <= start && end <= range.end.0;
            let is_hit = deleted
                .iter()
                .any(|range| range.start.0 <= end && start <= range.end.0);
            if is_inside && !is_hit && is_whole {
                encode_samples(&samples, chunks);
                samples.clear();
                let mut data = data.to_vec();
                if chunk.head.encoding.is_float() {
                    // An open chunk does not have it yet.
                    xor::write_count(&mut data, chunk.head.samples);
                }
                chunks.push(NewChunk {
                    start,
                    end,
                    encoding: chunk.head.encoding,
                    data,
                });
                continue;
            }
            let from = samples.len();
            decode_samples(chunk.head.encoding, data, chunk.samples, &mut samples)
                .map_err(|error| ReadError::Corrupt(error.to_string()))?;
            let mut at = 0;
            samples.retain(|sample| {
                at += 1;
                let time = model::Timestamp(sample.time);
                let is_gone =
                    !range.contains(time) || deleted.iter().any(|range| range.contains(time));
                at <= from || !is_gone
            });
        }
        encode_samples(&samples, chunks);
        self.list = list;
        self.samples = samples;
        Ok(())
    }
}
