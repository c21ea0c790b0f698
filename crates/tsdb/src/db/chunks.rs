//! Series with their chunks, in the order of their labels: for whoever passes samples on as they are stored,
//! which is remote read.
//!
//! Whole chunks are copied. Those at the ends of the range, with deleted samples, or that overlap others are
//! encoded again, as the peer does it. Memory: four bytes per series of a block, 32 and the texts of the
//! labels per series of the head, and the chunks of one series.

use std::ops::ControlFlow;

use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{ReadError, SeriesList, TimeRange};

use super::merged::reaches_head;
use super::{Db, Inner};
use crate::block::select::{BlockSeries, BlockSeriesReader};
use crate::compact::{decode_whole, encode_samples};
use crate::head::HeadExport;

pub use crate::block::writer::NewChunk as StoredChunk;

impl Db {
    /// Calls `sink` for each matching series that has samples in the range, until it breaks. The chunks
    /// have no other samples, and do not overlap.
    pub fn for_each_series(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
        mut sink: impl FnMut(&Labels, &[StoredChunk]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let inner: &Inner = &self.0;
        // The head comes first: see the head of `db`.
        let head =
            reaches_head(inner, range).then(|| inner.head().export_matching(range, matchers));
        let set = inner.set();
        let mut lists = Vec::new();
        for block in set.blocks.iter().filter(|block| block.overlaps(range)) {
            lists.push(block.select_series(range, matchers)?);
        }
        let blocks = lists.iter().map(Rows::of_block);
        let mut sources: Vec<Source<'_>> = blocks
            .chain(head.map(Rows::of_head))
            .map(Source::new)
            .collect();
        while let Some(labels) = sources
            .iter()
            .filter_map(|source| source.labels.clone())
            .min()
        {
            let mut chunks = Vec::new();
            for source in &mut sources {
                if source.labels.as_ref() == Some(&labels) {
                    source.read(&mut chunks)?;
                }
            }
            chunks.sort_by_key(|chunk| chunk.start);
            let chunks = without_overlaps(chunks)?;
            if !chunks.is_empty() && sink(&labels, &chunks).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The rows of one block, or of the head.
enum Rows<'a> {
    Block(&'a BlockSeries, BlockSeriesReader<'a>),
    Head(Box<HeadExport>),
}

impl<'a> Rows<'a> {
    fn of_block(list: &'a BlockSeries) -> Self {
        Self::Block(list, list.reader())
    }

    fn of_head(head: HeadExport) -> Self {
        Self::Head(Box::new(head))
    }

    fn len(&self) -> usize {
        match self {
            Self::Block(list, _) => list.len(),
            Self::Head(head) => head.len(),
        }
    }
}

/// One of the places where series come from, at one of them.
struct Source<'a> {
    rows: Rows<'a>,
    row: usize,
    /// Of the series; `None` at the end.
    labels: Option<Labels>,
}

impl<'a> Source<'a> {
    fn new(rows: Rows<'a>) -> Self {
        let mut source = Self {
            rows,
            row: 0,
            labels: None,
        };
        source.look();
        source
    }

    fn look(&mut self) {
        let row = self.row;
        self.labels = (row < self.rows.len()).then(|| match &self.rows {
            Rows::Block(list, _) => list.labels(row),
            Rows::Head(head) => head.labels(row),
        });
    }

    /// Appends the chunks of the series, and goes on to the next one.
    fn read(&mut self, chunks: &mut Vec<StoredChunk>) -> Result<(), ReadError> {
        match &mut self.rows {
            Rows::Block(_, reader) => reader.read_chunks(self.row, chunks)?,
            Rows::Head(head) => head.read_chunks(self.row, chunks)?,
        }
        self.row += 1;
        self.look();
        Ok(())
    }
}

/// Makes one run of chunks of all that overlap. They come by their starts; of equal times the sample of the
/// first source counts.
fn without_overlaps(chunks: Vec<StoredChunk>) -> Result<Vec<StoredChunk>, ReadError> {
    let is_disjoint = chunks.is_sorted_by(|a, b| a.end < b.start);
    if is_disjoint {
        return Ok(chunks);
    }
    let mut found = Vec::with_capacity(chunks.len());
    let mut group: Vec<StoredChunk> = Vec::new();
    let mut end = i64::MIN;
    for chunk in chunks {
        if chunk.start > end {
            close(&mut group, &mut found)?;
        }
        end = end.max(chunk.end);
        group.push(chunk);
    }
    close(&mut group, &mut found)?;
    Ok(found)
}

/// Moves a group of chunks that overlap each other to the others.
fn close(group: &mut Vec<StoredChunk>, found: &mut Vec<StoredChunk>) -> Result<(), ReadError> {
    if group.len() <= 1 {
        found.append(group);
        return Ok(());
    }
    let mut samples = Vec::new();
    for chunk in group.drain(..) {
        decode_whole(chunk.encoding, &chunk.data, &mut samples)
            .map_err(|error| ReadError::Corrupt(error.to_string()))?;
    }
    samples.sort_by_key(|sample| sample.time);
    samples.dedup_by_key(|sample| sample.time);
    encode_samples(&samples, found);
    Ok(())
}
