//! Opening: from the log back to memory.
//!
//! This thread reads, checks, decodes and enters series; workers append the samples, each those of its
//! own pages, so that every series gets its samples in order (see [`apply`]).
//!
//! The newest snapshot and the log after it; without one, the newest checkpoint and the segments after
//! it. Closed chunks are in files; samples of the log that they hold are skipped. What cannot be read is cut off, with everything
//! behind it, and reported; so is a commit of which only some records arrived. The log of late samples comes
//! last.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};
use model::disk::Disk;
use model::exemplar::Exemplar;
use model::labels::METRIC_NAME;
use model::storage::TimeRange;
use model::time::Timestamp;

use super::apply::{Appliers, NO_SERIES, Work};
use super::index::Index;
use super::late::{self, replay::Known};
use super::loader::{Entered, Label, Loader};
use super::mapped::scan::{FoundChunk, scan};
use super::mapped::{MappedChunk, Position};
use super::segments::{Sink, log_end, read_segment};
use super::series::{Series, check_order};
use super::snapshot::load::{self, LoadError};
use super::snapshot::{self, LogPosition};
use super::stale;
use super::{Head, Inner, OpenOptions};
use crate::error::OpenError;
use crate::log::record::{
    Across, ExemplarEntry, HistogramEntry, MetadataEntry, Record, SampleColumns, SeriesEntry,
    decode,
};
use crate::log::{
    Corruption, Ending, LastCheckpoint, LogWriter, Repair, SegmentReader, cut, last_checkpoint,
    list_segments, remove_replaced, remove_unfinished_checkpoints, segment_path,
};

/// What was found in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// The checkpoint that was read, by the last segment that it replaced.
    pub checkpoint: Option<u64>,
    /// The snapshot that was read, by its place in the log.
    pub snapshot: Option<LogPosition>,
    pub segments: usize,
    pub records: usize,
    pub series: usize,
    /// Closed chunks found in files.
    pub chunks: usize,
    /// Samples in these chunks.
    pub samples_in_chunks: usize,
    /// Samples in open chunks of the snapshot.
    pub samples_in_snapshot: usize,
    /// Samples brought back from the log, histograms included.
    pub samples: usize,
    /// Of these, samples that came out of order.
    pub samples_out_of_order: usize,
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
        self.samples + self.samples_in_snapshot + self.samples_in_chunks
    }
}

/// References may start this far below the first one in the log.
const BASE_SLACK: u64 = 1 << 24;

pub(super) fn open(options: OpenOptions) -> Result<(Head, ReplayReport), OpenError> {
    let dir = options.dir.join("wal");
    let disk = options.disk.clone();
    let not_writable = |source| OpenError::NotWritable {
        dir: dir.clone(),
        source,
    };
    disk.create_dir_all(&dir).map_err(not_writable)?;
    remove_unfinished_checkpoints(disk.as_ref(), &dir).map_err(not_writable)?;
    snapshot::remove_unfinished(disk.as_ref(), &options.dir).map_err(not_writable)?;
    let read_error = |source| OpenError::Read {
        path: dir.clone(),
        source,
    };
    let checkpoint = last_checkpoint(disk.as_ref(), &dir).map_err(read_error)?;
    if let Some(checkpoint) = &checkpoint {
        // The process may have ended between writing it and removing what it replaces.
        remove_replaced(disk.as_ref(), &dir, checkpoint.number).map_err(not_writable)?;
    }
    let segments = list_segments(disk.as_ref(), &dir).map_err(read_error)?;
    // After a kill the ends of the logs may be on their way to the disk only. What is made of them here must
    // not outlive them.
    for log in [&dir, &late::log_dir(&options.dir)] {
        sync_end(disk.as_ref(), log).map_err(not_writable)?;
    }
    let mut report = ReplayReport::default();
    let saved = usable_snapshot(&options, checkpoint.as_ref(), &segments)?;
    let restored = match &saved {
        Some(saved) => restore(&options, saved, &mut report)?,
        None => None,
    };
    let is_restored = restored.is_some();
    let mut opening = match restored {
        Some(opening) => opening,
        None => {
            let mut folders = Vec::new();
            folders.extend(checkpoint.as_ref().map(|checkpoint| checkpoint.dir.clone()));
            folders.push(dir.clone());
            let base = first_reference(&options, &folders).map_err(read_error)?;
            let mut opening = Opening::new(&options, base);
            // A damage is cut the first time.
            opening.load_chunks(&mut report)?;
            opening
        }
    };
    let source = match saved.filter(|_| is_restored) {
        Some(saved) => LogSource {
            checkpoint: None,
            segments,
            from: saved.position,
        },
        None => LogSource {
            checkpoint,
            segments,
            from: LogPosition::default(),
        },
    };
    report.checkpoint = source.checkpoint.as_ref().map(|found| found.number);
    report.snapshot = is_restored.then_some(source.from);
    opening.read_log(&dir, &source, &mut report)?;
    let inner = opening.inner;
    let mut log = LogWriter::open(disk, &dir, options.log).map_err(not_writable)?;
    log.set_ending(Ending::WhenSynced);
    {
        let mut writer = inner.writer.lock();
        writer.log = Some(log);
        writer.samples_since_snapshot = report.samples;
    }
    Ok((Head(Arc::new(inner)), report))
}

/// Makes the newest segment of a log durable; the others are.
fn sync_end(disk: &dyn Disk, dir: &Path) -> std::io::Result<()> {
    match log_end(disk, dir)? {
        Some(end) => disk.sync_file(&segment_path(dir, end.segment)),
        None => Ok(()),
    }
}

/// A snapshot that may stand for the log up to its position.
struct Saved {
    position: LogPosition,
    dir: PathBuf,
}

/// The newest snapshot, unless it is outdated; those are removed. It is outdated if a checkpoint has
/// replaced the segment that it belongs to, or if the log ends before that segment: then another
/// program has been here.
fn usable_snapshot(
    options: &OpenOptions,
    checkpoint: Option<&LastCheckpoint>,
    segments: &[u64],
) -> Result<Option<Saved>, OpenError> {
    let disk = options.disk.as_ref();
    let failed = |source| OpenError::Read {
        path: options.dir.clone(),
        source,
    };
    let Some((position, dir)) = snapshot::newest(disk, &options.dir).map_err(failed)? else {
        return Ok(None);
    };
    let is_outdated = checkpoint.is_some_and(|checkpoint| checkpoint.number >= position.segment)
        || segments.last().is_none_or(|last| *last < position.segment);
    if is_outdated {
        let all = LogPosition {
            segment: u64::MAX,
            offset: u64::MAX,
        };
        snapshot::remove_older(disk, &options.dir, all).map_err(failed)?;
        return Ok(None);
    }
    snapshot::remove_older(disk, &options.dir, position).map_err(failed)?;
    Ok(Some(Saved { position, dir }))
}

/// Loads snapshot and chunk files; `None` if the snapshot is of no use, which is reported.
fn restore(
    options: &OpenOptions,
    saved: &Saved,
    report: &mut ReplayReport,
) -> Result<Option<Opening>, OpenError> {
    let disk = options.disk.as_ref();
    let load = |report: &mut ReplayReport| {
        let base = load::lowest_reference(disk, &saved.dir)?;
        let opening = Opening::new(options, base);
        let loaded = load::load(&opening.inner, &saved.dir)?;
        report.series = loaded.series;
        report.samples_in_snapshot = loaded.samples;
        Ok((opening, loaded))
    };
    let damage = match load(report) {
        Ok((mut opening, loaded)) => {
            opening.put_metadata(&loaded.metadata);
            let damage = opening.load_chunks(report)?;
            // Chunks that are gone must come from the log, which a snapshot leaves out.
            if damage.is_none_or(|damage| loaded.stands_without(damage)) {
                return Ok(Some(opening));
            }
            None
        }
        Err(LoadError::Corrupt(corruption)) => Some(corruption),
        Err(LoadError::Io(source)) => {
            let path = saved.dir.clone();
            return Err(OpenError::Read { path, source });
        }
        Err(LoadError::TooManySeries) => Some(Corruption {
            path: saved.dir.clone(),
            offset: 0,
            reason: "references of series are too far apart".to_owned(),
        }),
    };
    disk.remove_dir_all(&saved.dir)
        .map_err(|source| OpenError::Repair {
            path: saved.dir.clone(),
            source,
        })?;
    // What was counted is gone again.
    *report = ReplayReport {
        repairs: std::mem::take(&mut report.repairs),
        ..ReplayReport::default()
    };
    if let Some(corruption) = damage {
        report.repairs.push(Repair {
            corruption,
            bytes_cut: 0,
            segments_removed: vec![saved.dir.clone()],
        });
    }
    Ok(None)
}

/// The reference of the first series in the log.
fn first_reference(options: &OpenOptions, folders: &[PathBuf]) -> std::io::Result<Option<u64>> {
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

/// What is read of the log.
struct LogSource {
    checkpoint: Option<LastCheckpoint>,
    segments: Vec<u64>,
    /// Where to begin.
    from: LogPosition,
}

/// A head that is being filled.
struct Opening {
    inner: Inner,
    unclaimed: Unclaimed,
    /// All closed chunks of late samples, as they stand in the files.
    late: Vec<FoundChunk>,
}

/// Chunks in files whose series have not come up yet, by reference.
#[derive(Debug, Default)]
struct Unclaimed {
    in_order: HashMap<u64, Vec<MappedChunk>>,
    late: HashMap<u64, Vec<MappedChunk>>,
}

impl Opening {
    fn new(options: &OpenOptions, first_reference: Option<u64>) -> Self {
        let base = first_reference.map_or(0, |first| first.saturating_sub(BASE_SLACK) & !0xff);
        Self {
            inner: Inner::new(options.clone(), base),
            unclaimed: Unclaimed::default(),
            late: Vec::new(),
        }
    }

    fn put_metadata(&self, entries: &[MetadataEntry<'_>]) {
        put_metadata(
            &self.inner,
            &self.inner.index.read(),
            entries,
            |reference| self.inner.series_of(reference),
        );
    }

    /// Enters the chunk files. Chunks of series that are there already go to them, others wait. Gives
    /// the place of a damage, from which on chunks are gone.
    fn load_chunks(&mut self, report: &mut ReplayReport) -> Result<Option<Position>, OpenError> {
        let Self {
            inner,
            unclaimed,
            late: late_chunks,
        } = self;
        let inner = &*inner;
        let options = &inner.options;
        let dir = options.dir.join("chunks_head");
        let valid_from = options.valid_from.0;
        let mut samples = 0;
        let (mut start, mut end) = (i64::MAX, i64::MIN);
        let scan = scan(&options.disk, &dir, &inner.chunks, |found| {
            if found.is_out_of_order {
                late_chunks.push(found);
                let is_known = late::replay::attach(inner, found.series, found.chunk);
                if !is_known {
                    let chunks = unclaimed.late.entry(found.series).or_default();
                    chunks.push(found.chunk);
                }
                return ControlFlow::Continue(());
            }
            if found.chunk.end() < valid_from {
                return ControlFlow::Continue(());
            }
            let known = inner.series_of(found.series).and_then(|series| {
                inner.pages.with_mut(series, |record| {
                    let was_without_samples = record.is_without_samples();
                    record.attach(found.chunk)?;
                    Ok(was_without_samples)
                })
            });
            let result = match known {
                Some(result) => result.map(|was_without_samples| {
                    if was_without_samples {
                        inner.without_samples.fetch_sub(1, Ordering::Relaxed);
                    }
                    start = start.min(found.chunk.start);
                    end = end.max(found.chunk.end());
                    samples += usize::from(found.chunk.samples);
                }),
                None => {
                    let chunks = unclaimed.in_order.entry(found.series).or_default();
                    check_order(chunks.last(), &found.chunk).map(|()| chunks.push(found.chunk))
                }
            };
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(reason) => ControlFlow::Break(reason),
            }
        });
        let scan = scan.map_err(|source| OpenError::Chunks { path: dir, source })?;
        report.chunks = scan.chunks;
        report.samples_in_chunks = samples;
        if start <= end {
            inner.note_times(start, end);
        }
        // A number in these files must not become that of another series.
        if let Some(last) = inner.series_of(scan.series_max) {
            let next = last.saturating_add(1);
            inner.next_series.fetch_max(next, Ordering::Relaxed);
        }
        Ok(scan.repair.map(|(position, repair)| {
            report.repairs.push(repair);
            position
        }))
    }

    fn read_log(
        &mut self,
        dir: &Path,
        source: &LogSource,
        report: &mut ReplayReport,
    ) -> Result<(), OpenError> {
        let Self {
            inner,
            unclaimed,
            late: chunks,
        } = self;
        let inner = &*inner;
        let disk = inner.options.disk.as_ref();
        let late_dir = late::log_dir(&inner.options.dir);
        let end = |dir: &Path| {
            log_end(disk, dir).map_err(|source| OpenError::Read {
                path: dir.to_path_buf(),
                source,
            })
        };
        let late_end = end(&late_dir)?;
        let mut aliases = HashMap::new();
        let mut left = HashSet::new();
        let mut index = inner.index.write();
        let workers = inner.options.replay_workers;
        Appliers::run(inner, workers, report, |appliers, report| {
            let mut replay = Replay {
                inner,
                loader: Loader::new(&mut index, &inner.pages),
                aliases: HashMap::new(),
                left: HashSet::new(),
                unclaimed,
                late_end,
                appliers,
                report,
            };
            replay.log(source, dir)?;
            replay.loader.finish();
            aliases = replay.aliases;
            left = replay.left;
            Ok(())
        })?;
        drop(index);
        stale::drop_replayed(inner, &left, source.segments.last().copied().unwrap_or(0));
        let known = Known {
            aliases: &aliases,
            chunks,
            log_end: end(dir)?,
        };
        late::replay::replay(inner, known, report)
    }
}

fn put_metadata(
    inner: &Inner,
    index: &Index,
    entries: &[MetadataEntry<'_>],
    series_of: impl Fn(u64) -> Option<u32>,
) {
    let mut table = inner.metadata.write();
    for entry in entries {
        let metric = series_of(entry.series).and_then(|series| {
            let name = index.symbols.get(METRIC_NAME)?;
            inner.pages.with(series, |view| view.value_of(name))?
        });
        if let Some(metric) = metric {
            table.set(index.symbols.text(metric), entry.to_metadata());
        }
    }
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
    loader: Loader<'r>,
    /// References of series that were entered under another one first.
    aliases: HashMap<u64, u32>,
    /// Series that left. Their pages go when all samples are in: some may be on their way.
    left: HashSet<u32>,
    /// Chunks in files whose series have not come up yet, by reference.
    unclaimed: &'r mut Unclaimed,
    /// Where the late log ends.
    late_end: Option<LogPosition>,
    appliers: &'r mut Appliers<'i>,
    report: &'r mut ReplayReport,
}

impl Replay<'_, '_> {
    fn log(&mut self, source: &LogSource, dir: &Path) -> Result<(), OpenError> {
        let disk = self.inner.options.disk.clone();
        if let Some(checkpoint) = &source.checkpoint {
            let list = list_segments(disk.as_ref(), &checkpoint.dir);
            let list = list.map_err(|source| OpenError::Read {
                path: checkpoint.dir.clone(),
                source,
            })?;
            for number in list {
                let path = segment_path(&checkpoint.dir, number);
                if let Some(corruption) = self.segment(&path, 0)? {
                    return Err(OpenError::Checkpoint(corruption));
                }
            }
        }
        let first = source.segments.iter().find(|s| **s >= source.from.segment);
        let progress = &self.inner.options.progress;
        if let (Some(first), Some(last)) = (first, source.segments.last()) {
            progress.start(*first, *last);
        }
        for number in source.segments.iter().copied() {
            let from = match number.cmp(&source.from.segment) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => source.from.offset,
                std::cmp::Ordering::Greater => 0,
            };
            progress.is_at(number);
            let path = segment_path(dir, number);
            if let Some(corruption) = self.segment(&path, from)? {
                let repair = cut(disk.as_ref(), dir, number, corruption)
                    .map_err(|source| OpenError::Repair { path, source })?;
                self.report.repairs.push(repair);
                break;
            }
        }
        Ok(())
    }

    fn segment(&mut self, path: &Path, from: u64) -> Result<Option<Corruption>, OpenError> {
        self.report.segments += 1;
        let disk = self.inner.options.disk.clone();
        read_segment(disk.as_ref(), path, from, self)
    }

    fn series_of(&self, reference: u64) -> Option<u32> {
        match self.aliases.get(&reference) {
            Some(series) => Some(*series),
            None => self.inner.series_of(reference),
        }
    }

    fn add_series(&mut self, entry: &SeriesEntry<'_>) -> Result<(), OpenError> {
        let inner = self.inner;
        let series = inner
            .series_of(entry.series)
            .filter(|series| *series < u32::MAX)
            .ok_or(OpenError::TooManySeries)?;
        let cleaned;
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(entry.labels.len());
        if entry.has_clean_labels() {
            pairs.extend(entry.labels.iter().map(|(name, value)| (&**name, &**value)));
        } else {
            cleaned = entry.to_labels();
            pairs.extend(&cleaned);
        }
        if pairs.is_empty() {
            return Ok(());
        }
        let labels = pairs.iter().map(|(name, value)| Label::Pair(name, value));
        let entered = self.loader.enter(series, labels, Series::new());
        match entered.map_err(|_| OpenError::TooManySeries)? {
            Entered::Known(known) => {
                if known != series {
                    self.aliases.insert(entry.series, known);
                }
                return Ok(());
            }
            Entered::New => self.report.series += 1,
            Entered::Replaced => {
                self.left.remove(&series);
            }
        }
        inner.next_series.fetch_max(series + 1, Ordering::Relaxed);
        inner.without_samples.fetch_add(1, Ordering::Relaxed);
        if let Some(chunks) = self.unclaimed.in_order.remove(&entry.series) {
            inner.without_samples.fetch_sub(1, Ordering::Relaxed);
            self.report.samples_in_chunks += claim(inner, series, chunks);
        }
        for chunk in self
            .unclaimed
            .late
            .remove(&entry.series)
            .into_iter()
            .flatten()
        {
            late::replay::attach(inner, entry.series, chunk);
        }
        Ok(())
    }

    /// The series is not found any more; one with its labels that comes later is another one.
    fn remove_series(&mut self, reference: u64) -> Result<(), OpenError> {
        // Its number must not become that of another series.
        if let Some(series) = self.inner.series_of(reference) {
            let next = series.saturating_add(1);
            self.inner.next_series.fetch_max(next, Ordering::Relaxed);
        }
        if let Some(series) = self.series_of(reference)
            && self.inner.pages.contains(series)
            && self.left.insert(series)
        {
            let unlinked = self.loader.unlink(series);
            unlinked.map_err(|_| OpenError::TooManySeries)?;
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
            start_times: samples.start_times,
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
        put_metadata(self.inner, self.loader.index(), entries, |reference| {
            self.series_of(reference)
        });
    }
}

impl Sink for Replay<'_, '_> {
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
                    if stale::is_end(&entry) {
                        self.remove_series(entry.series)?;
                    } else if let Some(series) = self.series_of(entry.series) {
                        let range = TimeRange::new(Timestamp(entry.start), Timestamp(entry.end));
                        self.inner.tombstones.write().add(series, range);
                    }
                }
            }
            // Marks are in the late log, groups are taken apart before.
            Record::MmapMarkers(_) | Record::InBlocks(_) | Record::Group(_) | Record::Across(_) => {
            }
            Record::Unknown(_) => self.report.records_unknown += 1,
        }
        Ok(())
    }

    /// What comes first goes to the late log, so that ends early only after a power cut: in its newest
    /// segment, as the others are durable.
    fn has_other(&self, across: &Across) -> bool {
        let is_short =
            |end: LogPosition| end.segment == across.segment && end.offset < across.offset;
        !self.late_end.is_some_and(is_short)
    }

    fn count_record(&mut self) {
        self.report.records += 1;
    }
}
