//! A block laid open, for tools and tests: what is in its index and in its chunks, piece by piece.

use model::labels::Labels;

use super::Block;
use super::chunks::ChunkWindow;
use super::damage::BlockError;
use super::index::SeriesEntry;
use crate::chunk::{Encoding, samples_in};

/// A series as the index has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    pub reference: u32,
    pub labels: Labels,
    pub chunks: Vec<ChunkInfo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkInfo {
    /// Time of the first sample, as the index says.
    pub start: i64,
    pub end: i64,
    /// Number of the segment in the upper 32 bits, offset in it in the lower.
    pub reference: u64,
    pub encoding: Encoding,
    pub samples: usize,
    /// Bytes of the data.
    pub length: usize,
}

impl Block {
    /// All texts of labels, sorted.
    pub fn symbols(&self) -> Vec<String> {
        let texts = self.index().symbols();
        texts
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
            .collect()
    }

    /// Names of all labels, sorted.
    pub fn names(&self) -> Vec<String> {
        self.index().label_names().map(str::to_owned).collect()
    }

    /// The values of a label with the references of their series, sorted.
    pub fn postings(&self, name: &str) -> Result<Vec<(String, Vec<u32>)>, BlockError> {
        let index = self.index();
        let mut found = Vec::with_capacity(index.value_count(name));
        for (value, place) in index.values_from(name, b"") {
            let series = index.postings(place)?.iter().collect();
            found.push((String::from_utf8_lossy(value).into_owned(), series));
        }
        Ok(found)
    }

    /// Gives every series to `sink`, in the order of their labels, until that returns an error.
    pub fn for_each_series<E: From<BlockError>>(
        &self,
        mut sink: impl FnMut(SeriesInfo) -> Result<(), E>,
    ) -> Result<(), E> {
        let series = self.series(&[]).map_err(BlockError::from)?;
        let mut window = ChunkWindow::new(self.chunks());
        let mut entry = SeriesEntry::default();
        for reference in series {
            let info = self.series_info(reference, &mut entry, &mut window)?;
            sink(info)?;
        }
        Ok(())
    }

    fn series_info(
        &self,
        reference: u32,
        entry: &mut SeriesEntry,
        window: &mut ChunkWindow<'_>,
    ) -> Result<SeriesInfo, BlockError> {
        self.index().series(reference, entry)?;
        let last = entry.chunks.last().map_or(0, |chunk| chunk.reference);
        let mut chunks = Vec::with_capacity(entry.chunks.len());
        for place in &entry.chunks {
            let raw = window.read(place.reference, last)?;
            chunks.push(ChunkInfo {
                start: place.start,
                end: place.end,
                reference: place.reference,
                encoding: raw.encoding,
                samples: samples_in(raw.encoding, raw.data),
                length: raw.data.len(),
            });
        }
        Ok(SeriesInfo {
            reference,
            labels: self.index().labels(entry)?,
            chunks,
        })
    }
}
