//! A block laid open, for tools and tests: what is in its index and in its chunks, piece by piece.

use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::TimeRange;
use model::time::Timestamp;

use super::Block;
use super::chunks::ChunkWindow;
use super::damage::BlockError;
use super::index::SeriesEntry;
use crate::chunk::{Encoding, samples_in};
use crate::compact::{Sample, Value, decode_whole};

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
    /// Of all samples of a histogram chunk together.
    pub buckets: usize,
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
        sink: impl FnMut(SeriesInfo) -> Result<(), E>,
    ) -> Result<(), E> {
        self.for_each_matching(&[], sink)
    }

    /// As [`Self::for_each_series`], of those that match.
    pub fn for_each_matching<E: From<BlockError>>(
        &self,
        matchers: &[Matcher],
        mut sink: impl FnMut(SeriesInfo) -> Result<(), E>,
    ) -> Result<(), E> {
        let series = self.series(matchers).map_err(BlockError::from)?;
        let mut window = ChunkWindow::new(self.chunks());
        let mut entry = SeriesEntry::default();
        for reference in series {
            let info = self.series_info(reference, &mut entry, &mut window)?;
            sink(info)?;
        }
        Ok(())
    }

    /// Labels, and the times that each series covers, of those that match; no chunk is read for it.
    pub fn for_each_span(
        &self,
        matchers: &[Matcher],
        mut sink: impl FnMut(&Labels, Option<TimeRange>),
    ) -> Result<usize, BlockError> {
        let series = self.series(matchers)?;
        let mut entry = SeriesEntry::default();
        for reference in &series {
            self.index().series(*reference, &mut entry)?;
            let span = entry.chunks.first().zip(entry.chunks.last());
            let span = span
                .map(|(first, last)| TimeRange::new(Timestamp(first.start), Timestamp(last.end)));
            sink(&self.index().labels(&entry)?, span);
        }
        Ok(series.len())
    }

    fn series_info(
        &self,
        reference: u32,
        entry: &mut SeriesEntry,
        window: &mut ChunkWindow<'_>,
    ) -> Result<SeriesInfo, BlockError> {
        self.index().series(reference, entry)?;
        let last = entry.chunks.last().map_or(0, |chunk| chunk.reference);
        let mut chunks: Vec<ChunkInfo> = Vec::with_capacity(entry.chunks.len());
        let mut samples = Vec::new();
        for place in &entry.chunks {
            let raw = window.read(place.reference, last)?;
            chunks.push(ChunkInfo {
                start: place.start,
                end: place.end,
                reference: place.reference,
                encoding: raw.encoding,
                samples: samples_in(raw.encoding, raw.data),
                length: raw.data.len(),
                buckets: 0,
            });
            if !raw.encoding.is_float()
                && let Some(chunk) = chunks.last_mut()
            {
                samples.clear();
                let decoded = decode_whole(raw.encoding, raw.data, &mut samples);
                chunk.buckets = samples.iter().map(buckets_of).sum();
                if let Err(error) = decoded {
                    return Err(window.damage(place.reference, error.to_string()).into());
                }
            }
        }
        Ok(SeriesInfo {
            reference,
            labels: self.index().labels(entry)?,
            chunks,
        })
    }
}

fn buckets_of(sample: &Sample) -> usize {
    match &sample.value {
        Value::Float(_) => 0,
        Value::Integer(histogram) => {
            histogram.positive_deltas.len() + histogram.negative_deltas.len()
        }
        Value::FloatHistogram(histogram) => {
            histogram.positive_buckets.len() + histogram.negative_buckets.len()
        }
    }
}
