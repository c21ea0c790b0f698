//! Opening: from the log back to memory.
//!
//! This thread reads, checks, decodes and enters series; workers append the samples, each those of its
//! own pages, so that every series gets its samples in order (see [`apply`]).
//!
//! The checkpoint first, then the segments after it. What cannot be read is cut off, with everything
//! behind it, and reported; so is a commit of which only some records arrived.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashMap;
use model::exemplar::Exemplar;
use model::labels::METRIC_NAME;
use model::storage::TimeRange;
use model::time::Timestamp;

use super::apply::{Appliers, NO_SERIES, Work};
use super::mapped::MappedChunk;
use super::mapped::scan::scan;
use super::series::check_order;
use super::{Head, Inner, OpenOptions};
use crate::error::OpenError;
use crate::log::reader::SegmentError;
use crate::log::record::{
    ExemplarEntry, HistogramEntry, MetadataEntry, Record, SampleColumns, SeriesEntry, decode,
};
use crate::log::{
    Corruption, LastCheckpoint, LogWriter, Repair, SegmentReader, cut, last_checkpoint,
    list_segments, remove_replaced, remove_unfinished_checkpoints, segment_path,
};

/// What was found in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// The checkpoint that was read, by the last segment that it replaced.
    pub checkpoint: Option<u64>,
    pub segments: usize,
    pub records: usize,
    pub series: usize,
    /// Closed chunks found in files.
    pub chunks: usize,
    /// Samples in these chunks.
    pub samples_in_chunks: usize,
    /// Samples brought back from the log, histograms included.
    pub samples: usize,
    /// Samples whose series is not in the log.
    pub samples_without_series: usize,
    /// Samples that were there already or came out of order.
    pub samples_skipped: usize,
    /// Samples from before the head's time.
    pub samples_old: usize,
    /// Records of kinds that a newer program writes.
    pub records_unknown: usize,
    /// What had to be cut, in the order of the cuts.
    pub repairs: Vec<Repair>,
}

impl ReplayReport {
    /// Samples brought back in all.
    pub fn samples_in_all(&self) -> usize {
        self.samples + self.samples_in_chunks
    }
}

/// References may start this far below the first one in the log.
const BASE_SLACK: u64 = 1 << 24;

pub(super) fn open(options: OpenOptions) -> Result<(Head, ReplayReport), OpenError> {
    let dir = options.dir.join("wal");
    let disk = options.disk.clone();
    let not_writable = |source| OpenError::NotWritable {
        dir: options.dir.clone(),
        source,
    };
    disk.create_dir_all(&dir).map_err(not_writable)?;
    remove_unfinished_checkpoints(disk.as_ref(), &dir).map_err(not_writable)?;
    let read_error = |source| OpenError::Read {
        path: dir.clone(),
        source,
    };
    let checkpoint = last_checkpoint(disk.as_ref(), &dir).map_err(read_error)?;
    if let Some(checkpoint) = &checkpoint {
        // The process may have ended between writing it and removing what it replaces.
        remove_replaced(disk.as_ref(), &dir, checkpoint.number).map_err(not_writable)?;
    }

    let mut folders = Vec::new();
    folders.extend(checkpoint.as_ref().map(|checkpoint| checkpoint.dir.clone()));
    folders.push(dir.clone());
    let base = first_reference(&options, &folders).map_err(read_error)?;
    let base = base.map_or(0, |first| first.saturating_sub(BASE_SLACK) & !0xff);

    let mut report = ReplayReport {
        checkpoint: checkpoint.as_ref().map(|checkpoint| checkpoint.number),
        ..ReplayReport::default()
    };
    let inner = Inner::new(options.clone(), base);
    let mut unclaimed = HashMap::new();
    load_chunks(&inner, &mut unclaimed, &mut report)?;
    Appliers::run(
        &inner,
        options.replay_workers,
        &mut report,
        |appliers, report| {
            let mut replay = Replay {
                inner: &inner,
                aliases: HashMap::new(),
                unclaimed,
                appliers,
                report,
            };
            replay.log(checkpoint.as_ref(), &dir)
        },
    )?;
    let log = LogWriter::open(disk, &dir, options.log).map_err(not_writable)?;
    inner.writer.lock().log = Some(log);
    Ok((Head(Arc::new(inner)), report))
}

/// The reference of the first series in the log.
fn first_reference(
    options: &OpenOptions,
    folders: &[std::path::PathBuf],
) -> std::io::Result<Option<u64>> {
    let disk = options.disk.as_ref();
    for folder in folders {
        for number in list_segments(disk, folder)? {
            let mut reader = SegmentReader::open(disk, &segment_path(folder, number))?;
            // Damage is found again, and reported, by the replay itself.
            while let Ok(Some(bytes)) = reader.next_record() {
                if let Ok(Record::Series(entries)) = decode(bytes)
                    && let Some(first) = entries.first()
                {
                    return Ok(Some(first.series));
                }
            }
        }
    }
    Ok(None)
}

/// Enters the chunk files. Chunks of series that are there already go to them, others wait.
fn load_chunks(
    inner: &Inner,
    unclaimed: &mut HashMap<u64, Vec<MappedChunk>>,
    report: &mut ReplayReport,
) -> Result<(), OpenError> {
    let options = &inner.options;
    let dir = options.dir.join("chunks_head");
    let valid_from = options.valid_from.0;
    let scan = scan(&options.disk, &dir, &inner.chunks, |found| {
        if found.is_out_of_order || found.chunk.end() < valid_from {
            return ControlFlow::Continue(());
        }
        let known = inner.series_of(found.series).and_then(|series| {
            inner
                .pages
                .with_mut(series, |record| record.attach(found.chunk))
        });
        let result = known.unwrap_or_else(|| {
            let chunks = unclaimed.entry(found.series).or_default();
            check_order(chunks.last(), &found.chunk)?;
            chunks.push(found.chunk);
            Ok(())
        });
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => ControlFlow::Break(reason),
        }
    });
    let scan = scan.map_err(|source| OpenError::Chunks { path: dir, source })?;
    report.chunks = scan.chunks;
    // A number in these files must not become that of another series.
    if let Some(last) = inner.series_of(scan.series_max) {
        let next = last.saturating_add(1);
        inner.next_series.fetch_max(next, Ordering::Relaxed);
    }
    if let Some((_, repair)) = scan.repair {
        report.repairs.push(repair);
    }
    Ok(())
}

/// Gives a series, which has no samples yet, its chunks; says how many samples these have.
fn claim(inner: &Inner, series: u32, chunks: Vec<MappedChunk>) -> usize {
    if let (Some(first), Some(last)) = (chunks.first(), chunks.last()) {
        inner.note_times(first.start, last.end());
    }
    let mut samples = 0;
    for chunk in chunks {
        samples += usize::from(chunk.samples);
        // Their order was checked when they were read.
        let _ = inner.pages.with_mut(series, |record| record.attach(chunk));
    }
    samples
}

struct Replay<'r, 'i> {
    inner: &'r Inner,
    /// References of series that were entered under another one first.
    aliases: HashMap<u64, u32>,
    /// Chunks in files whose series have not come up yet, by reference.
    unclaimed: HashMap<u64, Vec<MappedChunk>>,
    appliers: &'r mut Appliers<'i>,
    report: &'r mut ReplayReport,
}

/// A commit of several records, of which some are still to come.
struct Group {
    /// Where it starts in the segment.
    start: u64,
    missing: u64,
    records: Vec<Vec<u8>>,
}

impl Replay<'_, '_> {
    fn log(&mut self, checkpoint: Option<&LastCheckpoint>, dir: &Path) -> Result<(), OpenError> {
        let disk = self.inner.options.disk.clone();
        let list = |folder: &Path| {
            list_segments(disk.as_ref(), folder).map_err(|source| OpenError::Read {
                path: folder.to_path_buf(),
                source,
            })
        };
        if let Some(checkpoint) = checkpoint {
            for number in list(&checkpoint.dir)? {
                let path = segment_path(&checkpoint.dir, number);
                if let Some(corruption) = self.segment(&path)? {
                    return Err(OpenError::Checkpoint(corruption));
                }
            }
        }
        for number in list(dir)? {
            let path = segment_path(dir, number);
            if let Some(corruption) = self.segment(&path)? {
                let repair = cut(disk.as_ref(), dir, number, corruption)
                    .map_err(|source| OpenError::Repair { path, source })?;
                self.report.repairs.push(repair);
                break;
            }
        }
        Ok(())
    }

    /// Reads one segment; gives the place from which on it is unusable, if there is one.
    fn segment(&mut self, path: &Path) -> Result<Option<Corruption>, OpenError> {
        let read_error = |source| OpenError::Read {
            path: path.to_path_buf(),
            source,
        };
        let disk = self.inner.options.disk.clone();
        let mut reader = SegmentReader::open(disk.as_ref(), path).map_err(read_error)?;
        self.report.segments += 1;
        let mut group: Option<Group> = None;
        let corrupt = |offset: u64, reason: String| Corruption {
            path: path.to_path_buf(),
            offset,
            reason,
        };
        loop {
            let start = reader.record_end();
            let bytes = match reader.next_record() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    let reason = "the last commit is incomplete";
                    return Ok(group.map(|group| corrupt(group.start, reason.to_owned())));
                }
                Err(SegmentError::Io(error)) => return Err(read_error(error)),
                Err(SegmentError::Corrupt(corruption)) => {
                    let offset = group.map_or(corruption.offset, |group| group.start);
                    return Ok(Some(Corruption {
                        offset,
                        ..corruption
                    }));
                }
            };
            self.report.records += 1;
            let record = match decode(bytes) {
                Ok(record) => record,
                Err(error) => {
                    let start = group.map_or(start, |group| group.start);
                    return Ok(Some(corrupt(start, error.to_string())));
                }
            };
            if let Some(mut open) = group.take() {
                open.records.push(bytes.to_vec());
                open.missing -= 1;
                if open.missing > 0 {
                    group = Some(open);
                    continue;
                }
                for bytes in &open.records {
                    // Decoded above once already.
                    if let Ok(record) = decode(bytes) {
                        self.apply(record)?;
                    }
                }
                continue;
            }
            match record {
                Record::Group(0) => {}
                Record::Group(missing) => {
                    group = Some(Group {
                        start,
                        missing,
                        records: Vec::new(),
                    });
                }
                record => self.apply(record)?,
            }
        }
    }

    fn apply(&mut self, record: Record<'_>) -> Result<(), OpenError> {
        match record {
            Record::Series(entries) => {
                for entry in &entries {
                    self.add_series(entry)?;
                }
            }
            Record::Samples(samples) => self.add_samples(samples),
            Record::Histograms(entries) => self.add_histograms(entries),
            Record::Exemplars(entries) => self.add_exemplars(&entries),
            Record::Metadata(entries) => self.add_metadata(&entries),
            Record::Tombstones(entries) => {
                for entry in entries {
                    if let Some(series) = self.series_of(entry.series) {
                        let range = TimeRange::new(Timestamp(entry.start), Timestamp(entry.end));
                        self.inner.tombstones.write().add(series, range);
                    }
                }
            }
            // Marks of chunks that are mapped from files, which are not read yet: their samples are in
            // the log as well.
            Record::MmapMarkers(_) | Record::Group(_) => {}
            Record::Unknown(_) => self.report.records_unknown += 1,
        }
        Ok(())
    }

    fn series_of(&self, reference: u64) -> Option<u32> {
        match self.aliases.get(&reference) {
            Some(series) => Some(*series),
            None => self.inner.series_of(reference),
        }
    }

    fn add_series(&mut self, entry: &SeriesEntry<'_>) -> Result<(), OpenError> {
        let inner = self.inner;
        let labels = entry.to_labels();
        let series = inner
            .series_of(entry.series)
            .filter(|series| *series < u32::MAX)
            .ok_or(OpenError::TooManySeries)?;
        if labels.is_empty() {
            return Ok(());
        }
        let mut index = inner.index.write();
        let tag = index.tag(&labels);
        if let Some(known) = index.find(&inner.pages, tag, &labels) {
            if known != series {
                self.aliases.insert(entry.series, known);
            }
            return Ok(());
        }
        if inner.pages.contains(series) {
            return Ok(());
        }
        index
            .add(&inner.pages, series, tag, &labels)
            .ok_or(OpenError::TooManySeries)?;
        inner.next_series.fetch_max(series + 1, Ordering::Relaxed);
        self.report.series += 1;
        match self.unclaimed.remove(&entry.series) {
            Some(chunks) => self.report.samples_in_chunks += claim(inner, series, chunks),
            None => {
                inner.without_samples.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn add_samples(&mut self, samples: SampleColumns) {
        let mut series = Vec::with_capacity(samples.len());
        series.extend(
            samples
                .series
                .iter()
                .map(|reference| self.series_of(*reference).unwrap_or(NO_SERIES)),
        );
        self.appliers.send(Work::Floats {
            series,
            times: samples.times,
            values: samples.values,
        });
    }

    fn add_histograms(&mut self, entries: Vec<HistogramEntry>) {
        let series = |entry: &HistogramEntry| self.series_of(entry.series).unwrap_or(NO_SERIES);
        let entries = entries
            .into_iter()
            .map(|entry| (series(&entry), entry))
            .collect();
        self.appliers.send(Work::Histograms(entries));
    }

    fn add_exemplars(&mut self, entries: &[ExemplarEntry<'_>]) {
        let mut ring = self.inner.exemplars.lock();
        for entry in entries {
            let Some(series) = self.series_of(entry.series) else {
                continue;
            };
            let exemplar = Exemplar {
                labels: entry.to_labels(),
                value: entry.value,
                time: Some(Timestamp(entry.time)),
            };
            if self.inner.pages.contains(series) && ring.accepts(series, &exemplar) {
                ring.push(series, exemplar);
            }
        }
    }

    fn add_metadata(&mut self, entries: &[MetadataEntry<'_>]) {
        let inner = self.inner;
        let index = inner.index.read();
        let mut table = inner.metadata.write();
        for entry in entries {
            let metric = self.series_of(entry.series).and_then(|series| {
                let name = index.symbols.get(METRIC_NAME)?;
                inner.pages.with(series, |view| view.value_of(name))?
            });
            if let Some(metric) = metric {
                table.set(index.symbols.text(metric), entry.to_metadata());
            }
        }
    }
}
