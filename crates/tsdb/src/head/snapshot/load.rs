//! Reading a snapshot.
//!
//! Threads read and check segments and prepare the series' records; the caller's thread enters them.
//!
//! A snapshot must be whole to be used. Checksums do not tell where a file was cut between two records:
//! ours say how many records there are, and in the peer's the record of tombstones, which is always
//! there, comes after the last series.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use model::disk::Disk;
use model::exemplar::Exemplar;
use model::time::Timestamp;

use super::record::{EXEMPLARS, SERIES, TOMBSTONES, decode_series, decode_tombstones, range_of};
use super::rows::Rows;
use super::state::{self, State};
use crate::bytes::Bytes;
use crate::head::Inner;
use crate::head::loader::{Entered, Loader};
use crate::head::mapped::Position;
use crate::head::series::Series;
use crate::log::reader::SegmentError;
use crate::log::record::{Kind, MetadataEntry, Record, Tombstone, decode};
use crate::log::{Corruption, SegmentReader, list_segments, segment_path};

/// What a snapshot brought.
#[derive(Debug, Default)]
pub(in crate::head) struct Loaded {
    pub(in crate::head) series: usize,
    pub(in crate::head) samples: usize,
    state: Option<State>,
    pub(in crate::head) metadata: Vec<MetadataEntry<'static>>,
}

impl Loaded {
    /// Whether the snapshot is still good if chunks from this place on are gone.
    pub(in crate::head) fn stands_without(&self, damage: Position) -> bool {
        self.state.is_some_and(|state| damage >= state.chunks_end)
    }
}

/// Why a snapshot cannot be used.
#[derive(Debug)]
pub(in crate::head) enum LoadError {
    Io(std::io::Error),
    Corrupt(Corruption),
    TooManySeries,
}

impl From<SegmentError> for LoadError {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Io(error) => Self::Io(error),
            SegmentError::Corrupt(corruption) => Self::Corrupt(corruption),
        }
    }
}

impl From<std::io::Error> for LoadError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Series that go over to the entering thread together.
const BATCH: usize = 512;
/// Batches that may wait for it.
const QUEUE: usize = 64;

/// Prepared records, in the order of the segment.
#[derive(Default)]
struct Batch {
    rows: Rows,
    tombstones: Vec<Tombstone>,
    /// Records of tombstones.
    tombstone_records: usize,
    exemplars: Vec<(u64, Exemplar)>,
}

/// Loads a snapshot into a new head. After an error the head must be thrown away.
pub(in crate::head) fn load(inner: &Inner, dir: &Path) -> Result<Loaded, LoadError> {
    let options = &inner.options;
    let disk = options.disk.as_ref();
    let (state, metadata) = match state::read(disk, dir)? {
        Some(saved) => (Some(saved.state), saved.metadata),
        None => (None, Vec::new()),
    };
    let mut loaded = Loaded {
        series: 0,
        samples: 0,
        state,
        metadata,
    };
    let incomplete = |reason: String| {
        LoadError::Corrupt(Corruption {
            path: dir.to_path_buf(),
            offset: 0,
            reason,
        })
    };
    let numbers = list_segments(disk, dir)?;
    if let Some((missing, _)) = (0..).zip(&numbers).find(|(at, number)| at != *number) {
        return Err(incomplete(format!("segment {missing:08} is missing")));
    }
    let segments: Vec<PathBuf> = numbers
        .into_iter()
        .map(|number| segment_path(dir, number))
        .collect();
    let mut index = inner.index.write();
    let next = AtomicUsize::new(0);
    let workers = options.replay_workers.max(1).min(segments.len());
    let mut entering = Entering {
        inner,
        loader: Loader::new(&mut index, &inner.pages),
        loaded: &mut loaded,
        times: (i64::MAX, i64::MIN),
        series_max: 0,
        rows: 0,
        tombstone_records: 0,
        tombstones: Vec::new(),
        exemplars: Vec::new(),
    };
    if let Some(state) = state {
        // A damaged number must not take all memory.
        let series = usize::try_from(state.series).unwrap_or(usize::MAX);
        entering.loader.reserve(series.min(1 << 24));
    }
    let result = thread::scope(|scope| {
        let (sender, batches) = sync_channel(QUEUE);
        let mut handles = Vec::new();
        for number in 0..workers {
            let sender = sender.clone();
            let (segments, next) = (&segments, &next);
            let read = move || {
                while let Some(path) = segments.get(next.fetch_add(1, Ordering::Relaxed)) {
                    prepare(disk, path, &sender)?;
                }
                Ok(())
            };
            let spawned = thread::Builder::new()
                .name(format!("snapshot-{number}"))
                .spawn_scoped(scope, read)?;
            handles.push(spawned);
        }
        drop(sender);
        let mut result = Ok(());
        for batch in batches {
            if result.is_ok() {
                result = entering.enter(batch);
            }
        }
        for handle in handles {
            match handle.join() {
                Ok(read) => result = result.and(read),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    });
    result?;
    if let Some(reason) = entering.missing() {
        return Err(incomplete(reason));
    }
    entering.finish();
    Ok(loaded)
}

/// Reads one segment.
fn prepare(disk: &dyn Disk, path: &Path, sender: &SyncSender<Batch>) -> Result<(), LoadError> {
    let mut reader = SegmentReader::open(disk, path)?;
    let mut batch = Batch::default();
    loop {
        let offset = reader.record_end();
        let corrupt = |reason: &str| {
            LoadError::Corrupt(Corruption {
                path: path.to_path_buf(),
                offset,
                reason: reason.to_owned(),
            })
        };
        let bytes = match reader.next_record() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(error) => return Err(error.into()),
        };
        let Some((&kind, rest)) = bytes.split_first() else {
            return Err(corrupt("an empty record"));
        };
        let mut rest = Bytes(rest);
        match kind {
            SERIES => {
                let saved = decode_series(&mut rest)
                    .map_err(|_| corrupt("the record of a series is malformed"))?;
                let mut record = Series::new();
                if let Some(open) = &saved.open {
                    record.restore(open);
                }
                let times = saved.open.map(|open| (open.start, open.end));
                batch
                    .rows
                    .push(saved.reference, saved.labels, record, times)
                    .map_err(corrupt)?;
            }
            TOMBSTONES => {
                batch.tombstone_records += 1;
                batch.tombstones.extend(
                    decode_tombstones(&mut rest)
                        .map_err(|_| corrupt("the record of tombstones is malformed"))?,
                );
            }
            EXEMPLARS => {
                let mut record = vec![Kind::Exemplars as u8];
                record.extend_from_slice(rest.0);
                let Ok(Record::Exemplars(entries)) = decode(&record) else {
                    return Err(corrupt("a record of exemplars is malformed"));
                };
                batch.exemplars.extend(entries.iter().map(|entry| {
                    let exemplar = Exemplar {
                        labels: entry.to_labels(),
                        value: entry.value,
                        time: Some(Timestamp(entry.time)),
                    };
                    (entry.series, exemplar)
                }));
            }
            _ => return Err(corrupt("a record of an unknown type")),
        }
        if batch.rows.len() >= BATCH && sender.send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    // Fails only if the other side has given up, with an error of its own.
    let _ = sender.send(batch);
    Ok(())
}

struct Entering<'a, 'i> {
    inner: &'i Inner,
    loader: Loader<'a>,
    loaded: &'a mut Loaded,
    times: (i64, i64),
    series_max: u32,
    /// Records of series and of tombstones.
    rows: u64,
    tombstone_records: usize,
    /// These wait until all series are there.
    tombstones: Vec<Tombstone>,
    exemplars: Vec<(u64, Exemplar)>,
}

impl Entering<'_, '_> {
    fn enter(&mut self, mut batch: Batch) -> Result<(), LoadError> {
        self.rows += batch.rows.len() as u64;
        self.tombstone_records += batch.tombstone_records;
        for row in batch.rows.take() {
            if row.labels.is_empty() {
                continue;
            }
            let series = self
                .inner
                .series_of(row.reference)
                .filter(|series| *series < u32::MAX)
                .ok_or(LoadError::TooManySeries)?;
            let samples = row.record.samples();
            let entered = self
                .loader
                .enter(series, batch.rows.labels(row.labels), row.record);
            match entered.map_err(|_| LoadError::TooManySeries)? {
                Entered::New => self.loaded.series += 1,
                Entered::Replaced => {}
                Entered::Known(_) => continue,
            }
            self.loaded.samples += samples;
            if samples == 0 {
                self.inner.without_samples.fetch_add(1, Ordering::Relaxed);
            }
            if let Some((first, last)) = row.times {
                self.times = (self.times.0.min(first), self.times.1.max(last));
            }
            self.series_max = self.series_max.max(series);
        }
        self.tombstones.append(&mut batch.tombstones);
        self.exemplars.append(&mut batch.exemplars);
        Ok(())
    }

    /// What is known to be missing.
    fn missing(&self) -> Option<String> {
        if self.tombstone_records != 1 {
            return Some("the record after the last series is missing".to_owned());
        }
        let state = self.loaded.state?;
        let exemplars = self.exemplars.len() as u64;
        for (what, found, saved) in [
            ("series", self.rows, state.series),
            ("exemplars", exemplars, state.exemplars),
        ] {
            if found != saved {
                return Some(format!("{found} {what} of {saved}"));
            }
        }
        None
    }

    fn finish(self) {
        let inner = self.inner;
        self.loader.finish();
        let next = self.series_max.saturating_add(1);
        inner.next_series.fetch_max(next, Ordering::Relaxed);
        if let Some(state) = self.loaded.state
            && let Some(next) = inner.series_of(state.next_reference)
        {
            inner.next_series.fetch_max(next, Ordering::Relaxed);
        }
        if self.times.0 <= self.times.1 {
            inner.note_times(self.times.0, self.times.1);
        }
        let known = |reference: u64| {
            let series = inner.series_of(reference)?;
            inner.pages.contains(series).then_some(series)
        };
        let mut tombstones = inner.tombstones.write();
        for tombstone in &self.tombstones {
            if let Some(series) = known(tombstone.series) {
                tombstones.add(series, range_of(tombstone));
            }
        }
        let mut ring = inner.exemplars.lock();
        for (reference, exemplar) in self.exemplars {
            if let Some(series) = known(reference)
                && ring.accepts(series, &exemplar)
            {
                ring.push(series, exemplar);
            }
        }
    }
}

/// The lowest reference in a snapshot. Ours are in order; the peer's are not.
pub(in crate::head) fn lowest_reference(
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Option<u64>, LoadError> {
    let is_ordered = state::read(disk, dir)?.is_some();
    let mut lowest: Option<u64> = None;
    for number in list_segments(disk, dir)? {
        let mut reader = SegmentReader::open(disk, &segment_path(dir, number))?;
        // Damage is found again by the load itself.
        while let Ok(Some(bytes)) = reader.next_record() {
            let Some((&SERIES, rest)) = bytes.split_first() else {
                continue;
            };
            if let Ok(reference) = Bytes(rest).u64() {
                lowest = Some(lowest.map_or(reference, |lowest| lowest.min(reference)));
            }
            if is_ordered {
                return Ok(lowest);
            }
        }
    }
    Ok(lowest)
}
