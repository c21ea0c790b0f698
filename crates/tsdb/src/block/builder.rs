//! A block made of samples that come one by one, in any order of series and times: what imports write.
//!
//! Samples that come in the order of time, the usual case, go into compressed chunks at once; others wait and are
//! sorted in when the block is written. So memory is about what the block takes on disk, plus some 200 bytes and
//! the labels for each series.

use std::path::Path;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::FloatHistogram;
use model::disk::Disk;
use model::labels::Labels;
use model::storage::HistogramSample;

use super::chunks::SEGMENT_BYTES;
use super::index::SymbolList;
use super::meta::{BlockMeta, BlockStats, Compaction, HINT_OUT_OF_ORDER};
use super::output::WriteBlockError;
use super::ulid::Ulid;
use super::writer::{BlockWriter, NewChunk};
use crate::chunk::Encoding;
use crate::chunk::xor::{self, FloatState};
use crate::compact::{Sample, Value, decode_whole, encode_samples};
use crate::log::record::Record;

/// Floats in a chunk, as the peer cuts them.
const CHUNK_SAMPLES: usize = 120;
/// Bytes of memory of a series besides its labels and chunks.
const SERIES_BYTES: usize = 200;
/// And of a sample that waits to be sorted in.
const LATE_BYTES: usize = size_of::<Sample>();
/// And of what a histogram has besides, about.
const HISTOGRAM_BYTES: usize = 500;

/// Samples on their way into a block.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    places: HashMap<Labels, usize, RandomState>,
    series: Vec<Series>,
    memory: usize,
    samples: u64,
}

#[derive(Debug, Default)]
struct Series {
    labels: Labels,
    chunks: Vec<NewChunk>,
    open: Option<OpenFloats>,
    newest: Option<i64>,
    late: Vec<Sample>,
}

#[derive(Debug)]
struct OpenFloats {
    data: Vec<u8>,
    state: FloatState,
    start: i64,
    end: i64,
    count: usize,
}

impl Series {
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.chunks.push(NewChunk {
                start: open.start,
                end: open.end,
                encoding: Encoding::Xor,
                data: open.data,
            });
        }
    }

    /// Adds a float that is newer than all before; gives the bytes that it took.
    fn append(&mut self, time: i64, value: f64) -> usize {
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.count >= CHUNK_SAMPLES)
        {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| OpenFloats {
            data: Vec::new(),
            state: FloatState::NEW,
            start: time,
            end: time,
            count: 0,
        });
        let before = open.data.len();
        xor::append(&mut open.data, &mut open.state, time, value);
        open.end = time;
        open.count += 1;
        self.newest = Some(time);
        open.data.len() - before
    }

    /// Everything in the order of time; of several samples at one time the first that came stays. Gives how many
    /// were left out.
    fn finish(&mut self) -> Result<u64, String> {
        self.close();
        if self.late.is_empty() {
            return Ok(0);
        }
        let mut samples = Vec::new();
        for chunk in self.chunks.drain(..) {
            decode_whole(chunk.encoding, &chunk.data, &mut samples)
                .map_err(|error| error.to_string())?;
        }
        samples.append(&mut self.late);
        let before = samples.len();
        // The stable sort keeps those that came first in front.
        samples.sort_by_key(|sample| sample.time);
        samples.dedup_by_key(|sample| sample.time);
        encode_samples(&samples, &mut self.chunks);
        Ok((before - samples.len()) as u64)
    }
}

/// What became of the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltBlock {
    pub meta: BlockMeta,
    /// Samples that were left out because their series has another one at the same time.
    pub duplicates: u64,
}

impl BlockBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a float.
    pub fn add(&mut self, labels: &Labels, time: i64, value: f64) {
        self.samples += 1;
        let series = self.series_of(labels);
        if series.newest.is_none_or(|newest| newest < time) {
            self.memory += series.append(time, value);
            return;
        }
        series.late.push(Sample {
            time,
            start_time: 0,
            value: Value::Float(value),
        });
        self.memory += LATE_BYTES;
    }

    /// Adds a native histogram.
    pub fn add_histogram(&mut self, labels: &Labels, time: i64, histogram: Arc<FloatHistogram>) {
        self.memory += HISTOGRAM_BYTES;
        let sample = Sample {
            time,
            start_time: 0,
            value: Value::FloatHistogram(histogram),
        };
        self.wait(labels, sample);
    }

    /// Adds the samples of a record of a log. Those are left out whose series nobody knows by its reference.
    pub fn add_logged<'s>(
        &mut self,
        record: &Record<'_>,
        series: impl Fn(u64) -> Option<&'s Labels>,
    ) {
        match record {
            Record::Samples(samples) => {
                let rows = samples.series.iter().zip(&samples.times);
                for (row, ((reference, time), value)) in rows.zip(&samples.values).enumerate() {
                    let Some(labels) = series(*reference) else {
                        continue;
                    };
                    let start_time = samples.start_times.get(row).copied().unwrap_or(0);
                    if start_time == 0 {
                        self.add(labels, *time, *value);
                        continue;
                    }
                    let value = Value::Float(*value);
                    self.wait(
                        labels,
                        Sample {
                            time: *time,
                            start_time,
                            value,
                        },
                    );
                }
            }
            Record::Histograms(entries) => {
                for entry in entries {
                    let Some(labels) = series(entry.series) else {
                        continue;
                    };
                    let value = match &entry.value {
                        HistogramSample::Integer(histogram) => {
                            Value::Integer(Arc::clone(histogram))
                        }
                        HistogramSample::Float(histogram) => {
                            Value::FloatHistogram(Arc::clone(histogram))
                        }
                    };
                    let sample = Sample {
                        time: entry.time,
                        start_time: entry.start_time,
                        value,
                    };
                    self.memory += HISTOGRAM_BYTES;
                    self.wait(labels, sample);
                }
            }
            _ => {}
        }
    }

    /// Takes a sample to be sorted in when the block is written.
    fn wait(&mut self, labels: &Labels, sample: Sample) {
        self.samples += 1;
        self.memory += LATE_BYTES;
        self.series_of(labels).late.push(sample);
    }

    /// Adds the samples of a series, of any kind. They are compressed at once, unless some came before that are not
    /// older.
    pub(crate) fn add_samples(&mut self, labels: &Labels, samples: &mut Vec<Sample>) {
        samples.sort_by_key(|sample| sample.time);
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return;
        };
        let (start, end) = (first.time, last.time);
        self.samples += samples.len() as u64;
        let series = self.series_of(labels);
        if !series.late.is_empty() || series.newest.is_some_and(|newest| newest >= start) {
            self.memory += samples.len() * LATE_BYTES;
            self.series_of(labels).late.append(samples);
            return;
        }
        samples.dedup_by_key(|sample| sample.time);
        series.close();
        let before = series.chunks.len();
        encode_samples(samples, &mut series.chunks);
        series.newest = Some(end);
        let added = series.chunks.iter().skip(before);
        let bytes: usize = added.map(|chunk| chunk.data.len()).sum();
        self.memory += bytes;
    }

    fn series_of(&mut self, labels: &Labels) -> &mut Series {
        let at = match self.places.get(labels) {
            Some(at) => *at,
            None => {
                let at = self.series.len();
                self.places.insert(labels.clone(), at);
                self.series.push(Series {
                    labels: labels.clone(),
                    ..Series::default()
                });
                self.memory += SERIES_BYTES + labels.as_bytes().len();
                at
            }
        };
        &mut self.series[at]
    }

    /// Bytes that are held, by an estimate.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Samples that came.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Writes the block into the folder `parent`; `None` if there are no samples. Its times are those of its samples.
    ///
    /// It says of itself that it is not of the head, so that a server which finds it goes on taking samples of its
    /// times and keeps what its log has of them.
    pub fn write(
        mut self,
        disk: &Arc<dyn Disk>,
        parent: &Path,
        ulid: Ulid,
    ) -> Result<Option<BuiltBlock>, WriteBlockError> {
        let mut duplicates = 0;
        for series in &mut self.series {
            duplicates += series
                .finish()
                .map_err(|problem| WriteBlockError::Content {
                    path: parent.join(ulid.to_string()),
                    problem,
                })?;
        }
        self.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let chunks = self.series.iter().flat_map(|series| &series.chunks);
        let times = chunks.fold(None, |times: Option<(i64, i64)>, chunk| {
            let (start, end) = times.unwrap_or((chunk.start, chunk.end));
            Some((start.min(chunk.start), end.max(chunk.end)))
        });
        let Some((start, end)) = times else {
            return Ok(None);
        };
        let mut compaction = Compaction {
            level: 1,
            sources: vec![ulid],
            ..Compaction::default()
        };
        compaction.set_hint(HINT_OUT_OF_ORDER);
        let meta = BlockMeta {
            ulid,
            min_time: start,
            max_time: end.saturating_add(1),
            stats: BlockStats::default(),
            compaction,
            version: 1,
        };
        let (symbols, numbers) = self.symbols();
        let disk = Arc::clone(disk);
        let mut writer = BlockWriter::create(disk, parent, meta, symbols, SEGMENT_BYTES)?;
        let mut labels = Vec::new();
        for series in &self.series {
            labels.clear();
            let number = |text: &str| numbers.get(text).copied().unwrap_or_default();
            labels.extend(
                series
                    .labels
                    .iter()
                    .map(|(name, value)| (number(name), number(value))),
            );
            writer.add_series(&labels, &series.chunks)?;
        }
        let meta = writer.finish()?;
        Ok(meta.map(|meta| BuiltBlock { meta, duplicates }))
    }

    /// The texts of all labels, sorted, with their numbers.
    fn symbols(&self) -> (SymbolList, HashMap<&str, u32, RandomState>) {
        let labels = self.series.iter().flat_map(|series| &series.labels);
        let mut texts: Vec<&str> = labels.flat_map(|(name, value)| [name, value]).collect();
        texts.sort_unstable();
        texts.dedup();
        let mut symbols = SymbolList::default();
        let mut numbers = HashMap::default();
        for text in texts {
            // Sorted and unique; a list that is too long for the format ends here, and its file is refused.
            if let Ok(number) = symbols.push(text.as_bytes()) {
                numbers.insert(text, number);
            }
        }
        (symbols, numbers)
    }
}

#[cfg(test)]
mod tests {
    use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
    use testkit::disk::FaultDisk;

    use super::*;
    use crate::block::Block;
    use crate::log::record::SampleColumns;

    fn labels(name: &str) -> Labels {
        Labels::from_pairs([("__name__", name), ("job", "b")])
    }

    #[test]
    fn samples_come_in_any_order() {
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
        disk.create_dir_all(Path::new("d")).unwrap();
        let mut builder = BlockBuilder::new();
        for step in 0..300 {
            builder.add(&labels("z"), step * 1000, step as f64);
        }
        builder.add(&labels("a"), 5000, 1.0);
        builder.add(&labels("a"), 1000, 2.0);
        builder.add(&labels("a"), 5000, 3.0);
        assert_eq!(builder.samples(), 303);
        assert!(builder.memory() < 2000, "{}", builder.memory());
        let ulid = Ulid(1);
        let built = builder.write(&disk, Path::new("d"), ulid).unwrap().unwrap();
        assert_eq!(built.duplicates, 1);
        let stats = built.meta.stats;
        assert_eq!(
            (stats.num_series, stats.num_samples, stats.num_chunks),
            (2, 302, 4)
        );
        assert_eq!((built.meta.min_time, built.meta.max_time), (0, 299_001));
        assert!(built.meta.compaction.is_partial());
        let block = Block::open(&*disk, &Path::new("d").join(ulid.to_string())).unwrap();
        let request = SelectRequest {
            range: TimeRange::ALL,
            matchers: &[],
            projection: Projection::All,
        };
        let list = block.select(&request).unwrap();
        let mut batch = SeriesBatch::new();
        list.read(0..2, &mut batch).unwrap();
        assert_eq!(list.labels(0), labels("a"));
        assert_eq!(batch.floats(0), (&[1000, 5000][..], &[2.0, 1.0][..]));
        assert_eq!(batch.floats(1).0.len(), 300);
    }

    #[test]
    fn samples_of_a_log_keep_their_start() {
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
        disk.create_dir_all(Path::new("d")).unwrap();
        let columns = SampleColumns {
            series: vec![7, 8, 7],
            times: vec![2000, 2000, 1000],
            start_times: vec![500, 0, 500],
            values: vec![2.0, 9.0, 1.0],
        };
        let known = labels("a");
        let mut builder = BlockBuilder::new();
        builder.add_logged(&Record::Samples(columns), |reference| {
            (reference == 7).then_some(&known)
        });
        assert_eq!(builder.samples(), 2);
        builder.write(&disk, Path::new("d"), Ulid(1)).unwrap();
        let dir = Path::new("d").join(Ulid(1).to_string());
        let mut samples = Vec::new();
        let chunks = disk.read(&dir.join("chunks/000001")).unwrap();
        // Behind the header of the file: a length, the encoding, the data.
        let (length, encoding) = (usize::from(chunks[8]), chunks[9]);
        let encoding = Encoding::from_byte(encoding).unwrap();
        decode_whole(encoding, &chunks[10..10 + length], &mut samples).unwrap();
        let rows = samples
            .iter()
            .map(|sample| (sample.time, sample.start_time));
        assert_eq!(rows.collect::<Vec<_>>(), [(1000, 500), (2000, 500)]);
    }

    #[test]
    fn no_samples_are_no_block() {
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
        disk.create_dir_all(Path::new("d")).unwrap();
        let written = BlockBuilder::new()
            .write(&disk, Path::new("d"), Ulid(1))
            .unwrap();
        assert_eq!(written, None);
        assert_eq!(disk.list(Path::new("d")).unwrap().len(), 0);
    }
}
