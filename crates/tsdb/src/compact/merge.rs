//! One block of several, or of one without what is deleted from it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use model::storage::TimeRange;
use model::time::Timestamp;

use super::cut::{Cut, CutSeries, SeriesCut};
use super::{Destination, MakeBlockError, Sample, decode_whole, encode_samples};
use crate::block::chunks::{ChunkWindow, RawChunk};
use crate::block::index::{ChunkPlace, SeriesEntry, SymbolList};
use crate::block::meta::{
    BlockMeta, BlockStats, Compaction, HINT_OUT_OF_ORDER, HINT_SELECTED_SERIES, HINT_STALE_SERIES,
};
use crate::block::writer::{BlockWriter, NewChunk};
use crate::block::{Block, Damage, Tombstones, Ulid};
use crate::chunk::samples_in;

/// What a block of these blocks will say about itself, as the peer has it: one level up from the
/// highest, all sources, the blocks as parents.
pub(crate) fn merged_meta(ulid: Ulid, blocks: &[BlockMeta]) -> BlockMeta {
    let mut sources: Vec<Ulid> = blocks
        .iter()
        .flat_map(|meta| meta.compaction.sources.iter().copied())
        .collect();
    sources.sort();
    sources.dedup();
    let mut compaction = Compaction {
        level: 1 + blocks
            .iter()
            .map(|meta| meta.compaction.level)
            .max()
            .unwrap_or(0),
        sources,
        parents: blocks.iter().map(BlockMeta::to_parent).collect(),
        ..Compaction::default()
    };
    let any = |hint| blocks.iter().any(|meta| meta.compaction.has_hint(hint));
    let all = |hint| blocks.iter().all(|meta| meta.compaction.has_hint(hint));
    // A block of which a part is in order says how far the head was written out.
    if all(HINT_OUT_OF_ORDER) {
        compaction.set_hint(HINT_OUT_OF_ORDER);
    }
    for hint in [HINT_STALE_SERIES, HINT_SELECTED_SERIES] {
        if any(hint) {
            compaction.set_hint(hint);
        }
    }
    BlockMeta {
        ulid,
        min_time: blocks.iter().map(|meta| meta.min_time).min().unwrap_or(0),
        max_time: blocks.iter().map(|meta| meta.max_time).max().unwrap_or(0),
        stats: BlockStats::default(),
        compaction,
        version: 1,
    }
}

/// The same block again, without what is deleted from it.
pub(crate) fn rewritten_meta(ulid: Ulid, block: &BlockMeta) -> BlockMeta {
    BlockMeta {
        ulid,
        min_time: block.min_time,
        max_time: block.max_time,
        stats: BlockStats::default(),
        compaction: Compaction {
            level: 1,
            sources: vec![ulid],
            parents: vec![block.to_parent()],
            hints: block.compaction.hints.clone(),
            ..Compaction::default()
        },
        version: 1,
    }
}

/// What became of blocks that were merged.
#[derive(Debug)]
pub(crate) struct Merged {
    /// `None` if nothing was left.
    pub(crate) block: Option<BlockMeta>,
    /// Samples that went by each of the cuts.
    pub(crate) cut: Vec<u64>,
}

/// Writes the block, without what is deleted and what the cuts take.
pub(crate) fn merge_blocks(
    destination: &Destination<'_>,
    blocks: &[Block],
    meta: BlockMeta,
    cuts: &[Cut<'_>],
) -> Result<Merged, MakeBlockError> {
    let range = meta.range();
    let (symbols, maps) = merge_symbols(blocks)?;
    let mut sources = Vec::with_capacity(blocks.len());
    for (block, symbols) in blocks.iter().zip(maps) {
        sources.push(Source::new(block, symbols, cuts)?);
    }
    let mut writer = BlockWriter::create(
        destination.disk.clone(),
        destination.dir,
        meta,
        symbols,
        destination.segment_bytes,
    )?;
    let mut merger = Merger {
        cut: vec![0; cuts.len()],
        ..Merger::default()
    };
    while merger.next(&mut sources, range)? {
        writer.add_series(&merger.labels, &merger.chunks)?;
        destination.check()?;
    }
    let written = writer.finish()?;
    for block in blocks {
        block.index().release();
    }
    Ok(Merged {
        block: written,
        cut: merger.cut,
    })
}

/// Numbers in the new block of the symbols of an old one, by the old number.
struct SymbolMap(Vec<(u32, u32)>);

impl SymbolMap {
    fn get(&self, symbol: u32) -> Option<u32> {
        // Numbers of symbols are usually their positions.
        match self.0.get(symbol as usize) {
            Some((old, new)) if *old == symbol => Some(*new),
            _ => {
                let found = self.0.binary_search_by_key(&symbol, |(old, _)| *old);
                found.ok().map(|at| self.0[at].1)
            }
        }
    }
}

/// All symbols of all blocks, once each, and where those of each block went.
fn merge_symbols(blocks: &[Block]) -> Result<(SymbolList, Vec<SymbolMap>), MakeBlockError> {
    let mut merged = SymbolList::default();
    let mut maps: Vec<SymbolMap> = blocks
        .iter()
        .map(|block| SymbolMap(Vec::with_capacity(block.index().symbol_count() as usize)))
        .collect();
    let mut iters: Vec<_> = blocks.iter().map(|block| block.index().symbols()).collect();
    let mut next = BinaryHeap::new();
    for (source, iter) in iters.iter_mut().enumerate() {
        if let Some((symbol, text)) = iter.next() {
            next.push(Reverse((text, source, symbol)));
        }
    }
    while let Some(Reverse((text, source, symbol))) = next.pop() {
        let number = if merged.len() > 0 && merged.last() == text {
            merged.len() as u32 - 1
        } else {
            merged.push(text).map_err(|_| {
                let path = blocks.get(source).map(|block| block.index().path());
                Damage::new(path.unwrap_or("".as_ref()), 0, "the symbols are not sorted")
            })?
        };
        if let Some(map) = maps.get_mut(source) {
            map.0.push((symbol, number));
        }
        if let Some((symbol, text)) = iters.get_mut(source).and_then(Iterator::next) {
            next.push(Reverse((text, source, symbol)));
        }
    }
    Ok((merged, maps))
}

/// One of the blocks, at one of its series.
struct Source<'a> {
    block: &'a Block,
    symbols: SymbolMap,
    tombstones: Arc<Tombstones>,
    cuts: CutSeries,
    window: ChunkWindow<'a>,
    series: Vec<u32>,
    at: usize,
    entry: SeriesEntry,
    /// Of the current series, as symbols of the new block; empty at the end.
    labels: Vec<(u32, u32)>,
    /// What the current series loses of its beginning.
    cut: SeriesCut,
    is_done: bool,
}

impl<'a> Source<'a> {
    fn new(block: &'a Block, symbols: SymbolMap, cuts: &[Cut<'_>]) -> Result<Self, MakeBlockError> {
        let mut source = Self {
            block,
            symbols,
            tombstones: block.tombstones(),
            cuts: CutSeries::of(block, cuts)?,
            window: ChunkWindow::new(block.chunks()),
            series: block.series(&[])?,
            at: 0,
            entry: SeriesEntry::default(),
            labels: Vec::new(),
            cut: SeriesCut::NONE,
            is_done: false,
        };
        source.load()?;
        Ok(source)
    }

    fn load(&mut self) -> Result<(), MakeBlockError> {
        let Some(series) = self.series.get(self.at) else {
            self.is_done = true;
            return Ok(());
        };
        self.cut = self.cuts.of_series(*series);
        let index = self.block.index();
        index.series(*series, &mut self.entry)?;
        self.labels.clear();
        for (name, value) in &self.entry.labels {
            let (Some(name), Some(value)) = (self.symbols.get(*name), self.symbols.get(*value))
            else {
                // Says which symbol is missing.
                index.symbol(*name)?;
                index.symbol(*value)?;
                continue;
            };
            self.labels.push((name, value));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), MakeBlockError> {
        self.at += 1;
        self.load()
    }

    fn deleted(&self) -> &[TimeRange] {
        self.series
            .get(self.at)
            .map_or(&[], |series| self.tombstones.of(u64::from(*series)))
    }
}

/// A chunk of one of the sources.
#[derive(Clone, Copy)]
struct Piece {
    source: usize,
    place: ChunkPlace,
    /// Something of it is not wanted.
    is_cut: bool,
    /// It goes as a whole by a cut, and is only counted.
    is_expired: bool,
}

#[derive(Default)]
struct Merger {
    labels: Vec<(u32, u32)>,
    chunks: Vec<NewChunk>,
    pieces: Vec<Piece>,
    members: Vec<usize>,
    samples: Vec<Sample>,
    /// Samples that went, by cut.
    cut: Vec<u64>,
}

impl Merger {
    /// Goes to the next series; its labels and chunks are then in the fields.
    fn next(
        &mut self,
        sources: &mut [Source<'_>],
        range: TimeRange,
    ) -> Result<bool, MakeBlockError> {
        let running = sources.iter().filter(|source| !source.is_done);
        let Some(first) = running.map(|source| &source.labels).min() else {
            return Ok(false);
        };
        self.labels.clone_from(first);
        self.members.clear();
        self.pieces.clear();
        self.chunks.clear();
        for (at, source) in sources.iter().enumerate() {
            if source.is_done || source.labels != self.labels {
                continue;
            }
            self.members.push(at);
            let deleted = source.deleted();
            for place in &source.entry.chunks {
                let is_outside = place.start > range.end.0 || place.end < range.start.0;
                let is_deleted = deleted
                    .iter()
                    .any(|range| range.start.0 <= place.start && place.end <= range.end.0);
                if is_outside || is_deleted {
                    continue;
                }
                let is_hit = deleted
                    .iter()
                    .any(|range| range.start.0 <= place.end && place.start <= range.end.0);
                let is_inside = range.start.0 <= place.start && place.end <= range.end.0;
                self.pieces.push(Piece {
                    source: at,
                    place: *place,
                    is_cut: is_hit || !is_inside || place.start < source.cut.before,
                    is_expired: place.end < source.cut.before,
                });
            }
        }
        self.drop_expired(sources);
        // The stable sort keeps the order of the sources for equal times.
        self.pieces.sort_by_key(|piece| piece.place.start);
        let mut at = 0;
        while at < self.pieces.len() {
            let mut end = self.pieces[at].place.end;
            let mut next = at + 1;
            while let Some(piece) = self
                .pieces
                .get(next)
                .filter(|piece| piece.place.start <= end)
            {
                end = end.max(piece.place.end);
                next += 1;
            }
            self.add_group(sources, at..next, range)?;
            at = next;
        }
        for at in &self.members {
            if let Some(source) = sources.get_mut(*at) {
                source.advance()?;
            }
        }
        Ok(true)
    }

    /// Takes out chunks that a cut takes as a whole.
    fn drop_expired(&mut self, sources: &mut [Source<'_>]) {
        for piece in self.pieces.iter().filter(|piece| piece.is_expired) {
            let cut = sources.get(piece.source).map(|source| source.cut.number);
            // It only counts: damage in what goes does not matter.
            let samples = read(sources, piece).map(|raw| samples_in(raw.encoding, raw.data));
            if let Some(count) = cut.and_then(|cut| self.cut.get_mut(cut)) {
                *count += samples.unwrap_or(0) as u64;
            }
        }
        self.pieces.retain(|piece| !piece.is_expired);
    }

    /// Chunks that overlap each other and no other.
    fn add_group(
        &mut self,
        sources: &mut [Source<'_>],
        group: std::ops::Range<usize>,
        range: TimeRange,
    ) -> Result<(), MakeBlockError> {
        let pieces = &self.pieces[group];
        if let [piece] = pieces
            && !piece.is_cut
        {
            let raw = read(sources, piece)?;
            let chunk = NewChunk {
                start: piece.place.start,
                end: piece.place.end,
                encoding: raw.encoding,
                data: raw.data.to_vec(),
            };
            self.chunks.push(chunk);
            return Ok(());
        }
        self.samples.clear();
        for piece in pieces {
            let from = self.samples.len();
            let reference = piece.place.reference;
            let raw = read(sources, piece)?;
            let decoded = decode_whole(raw.encoding, raw.data, &mut self.samples);
            let source = &sources[piece.source];
            if let Err(error) = decoded {
                return Err(source.window.damage(reference, error.to_string()).into());
            }
            let deleted = source.deleted();
            let mut at = 0;
            let mut expired = 0;
            self.samples.retain(|sample| {
                at += 1;
                let time = Timestamp(sample.time);
                let is_gone =
                    !range.contains(time) || deleted.iter().any(|range| range.contains(time));
                let is_expired = at > from && !is_gone && sample.time < source.cut.before;
                expired += u64::from(is_expired);
                at <= from || !(is_gone || is_expired)
            });
            if let Some(count) = self.cut.get_mut(source.cut.number) {
                *count += expired;
            }
        }
        // The stable sort keeps the first source's sample first; the others of its time go.
        self.samples.sort_by_key(|sample| sample.time);
        self.samples.dedup_by_key(|sample| sample.time);
        encode_samples(&self.samples, &mut self.chunks);
        Ok(())
    }
}

fn read<'a>(sources: &'a mut [Source<'_>], piece: &Piece) -> Result<RawChunk<'a>, MakeBlockError> {
    let source = &mut sources[piece.source];
    let last = source.entry.chunks.last();
    let last = last.map_or(piece.place.reference, |place| place.reference);
    Ok(source.window.read(piece.place.reference, last)?)
}
