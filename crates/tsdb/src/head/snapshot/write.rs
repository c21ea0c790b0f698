//! Taking a snapshot.
//!
//! Commits wait while one page of 256 series is copied into a buffer, and while the last page of the log
//! is filled up: both well below a millisecond. Memory: that buffer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use model::disk::SyncHandle;

use super::record::{EXEMPLARS, encode_series, encode_tombstones};
use super::state::{self, State};
use super::{LogPosition, UNFINISHED, dir_name, newest, remove_older, remove_unfinished};
use crate::error::ChunkSnapshotError;
use crate::head::Inner;
use crate::head::commit::{Writer, exemplar_record};
use crate::log::record::MetadataEntry;
use crate::log::{Compression, LogOptions, LogWriter};

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotReport {
    pub series: usize,
    /// The place in the log that it stands for.
    pub position: LogPosition,
    /// Nothing new was in the log, so that none was taken.
    pub is_current: bool,
}

/// Records are handed over when they have so many bytes. Far below [`SEGMENT_BYTES`], as a segment takes
/// them whole.
const BUFFER_BYTES: usize = 1 << 20;
/// Segments are the pieces that a start reads in parallel.
const SEGMENT_BYTES: u64 = 16 << 20;
/// Exemplars in one record, as with the peer.
const EXEMPLARS_MAX: usize = 10_000;

/// The state that a snapshot is about to stand for.
struct Start {
    position: LogPosition,
    /// Series from this number on are in the log after the place.
    next_series: u32,
    log: Option<Box<dyn SyncHandle>>,
    /// Of the log of late samples: the snapshot has the other halves of its commits.
    late_log: Option<Box<dyn SyncHandle>>,
}

/// Takes a snapshot of an open head; the caller holds the maintenance lock.
pub(in crate::head) fn snapshot(inner: &Inner) -> Result<SnapshotReport, ChunkSnapshotError> {
    let start = begin(inner, &mut inner.writer.lock())?;
    take(inner, start)
}

/// Takes the last snapshot, while the log is being closed: no commits can come any more.
pub(in crate::head) fn snapshot_at_close(
    inner: &Inner,
    writer: &mut Writer,
) -> Result<SnapshotReport, ChunkSnapshotError> {
    let start = begin(inner, writer)?;
    take(inner, start)
}

fn begin(inner: &Inner, writer: &mut Writer) -> Result<Start, ChunkSnapshotError> {
    settle(inner, writer)?;
    writer.late.mend().map_err(ChunkSnapshotError::Log)?;
    let log = writer.log.as_mut().ok_or(ChunkSnapshotError::Closed)?;
    let (segment, offset) = log.next_page().map_err(ChunkSnapshotError::Log)?;
    let handle = log.sync_handle().map_err(ChunkSnapshotError::Log)?;
    let late_log = match writer.late.log.as_mut() {
        Some(log) => log.sync_handle().map_err(ChunkSnapshotError::Log)?,
        None => None,
    };
    writer.samples_since_snapshot = 0;
    Ok(Start {
        position: LogPosition { segment, offset },
        next_series: inner.next_series.load(Ordering::Relaxed),
        log: handle,
        late_log,
    })
}

fn take(inner: &Inner, start: Start) -> Result<SnapshotReport, ChunkSnapshotError> {
    let disk = inner.options.disk.as_ref();
    let dir = &inner.options.dir;
    let done = dir.join(dir_name(start.position));
    let failed = |source| ChunkSnapshotError::Write {
        path: done.clone(),
        source,
    };
    let last = newest(disk, dir).map_err(failed)?;
    if last.is_some_and(|(position, _)| position == start.position) {
        return Ok(SnapshotReport {
            position: start.position,
            is_current: true,
            ..SnapshotReport::default()
        });
    }
    remove_unfinished(disk, dir).map_err(failed)?;
    let unfinished = dir.join(format!("{}{UNFINISHED}", dir_name(start.position)));
    let position = start.position;
    let result = fill(inner, start, &unfinished).and_then(|series| {
        disk.rename(&unfinished, &done).map_err(failed)?;
        disk.sync_dir(dir).map_err(failed)?;
        Ok(series)
    });
    let series = match result {
        Ok(series) => series,
        Err(error) => {
            // The disk may be full: give back what this attempt took.
            let _ = disk.remove_dir_all(&unfinished);
            return Err(error);
        }
    };
    remove_older(disk, dir, position).map_err(failed)?;
    Ok(SnapshotReport {
        series,
        position,
        is_current: false,
    })
}

/// Writes everything and makes it durable; gives the number of series.
fn fill(inner: &Inner, start: Start, dir: &Path) -> Result<usize, ChunkSnapshotError> {
    let options = &inner.options;
    let failed = |source| ChunkSnapshotError::Write {
        path: PathBuf::from(dir),
        source,
    };
    let log_options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        // It lives for minutes and is written often: not worth the time.
        compression: Compression::None,
    };
    let writer = LogWriter::open(options.disk.clone(), dir, log_options).map_err(failed)?;
    let mut records = Records {
        writer,
        buffer: Vec::new(),
        ends: Vec::new(),
    };
    let series = write_series(inner, start.next_series, &mut records)?;
    let exemplars = write_annotations(inner, &mut records).map_err(failed)?;
    records.finish().map_err(failed)?;

    // All chunks that were closed before their series was saved are before this place.
    let (chunks_end, handle) = inner.chunks.sync_point().map_err(failed)?;
    let metadata = metadata(inner);
    let state = State {
        next_reference: inner.reference(start.next_series),
        chunks_end,
        series: series as u64,
        exemplars: exemplars as u64,
        metadata: metadata.len() as u64,
    };
    state::write(&options.disk, dir, log_options, state, &metadata).map_err(failed)?;
    for handle in [handle, start.log, start.late_log].into_iter().flatten() {
        handle.sync().map_err(failed)?;
    }
    Ok(series)
}

/// Records on their way to the writer.
struct Records {
    writer: LogWriter,
    buffer: Vec<u8>,
    /// Where each record in the buffer ends.
    ends: Vec<usize>,
}

impl Records {
    fn end_record(&mut self) {
        self.ends.push(self.buffer.len());
    }

    fn flush_at(&mut self, bytes: usize) -> io::Result<()> {
        if self.buffer.len() < bytes || self.ends.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for end in &self.ends {
            records.push(&self.buffer[start..*end]);
            start = *end;
        }
        self.writer.append(&records)?;
        self.buffer.clear();
        self.ends.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush_at(0)?;
        self.writer.close()
    }
}

fn write_series(
    inner: &Inner,
    next_series: u32,
    records: &mut Records,
) -> Result<usize, ChunkSnapshotError> {
    let mut series_count = 0;
    for number in 0..inner.pages.count() {
        if let Some(count) = copy_page(inner, (number, next_series), records, None)? {
            series_count += count;
        } else {
            let mut writer = inner.writer.lock();
            settle(inner, &mut writer)?;
            let count = copy_page(inner, (number, next_series), records, Some(&writer))?;
            series_count += count.unwrap_or(0);
        }
        records
            .flush_at(BUFFER_BYTES)
            .map_err(|source| ChunkSnapshotError::Write {
                path: inner.options.dir.clone(),
                source,
            })?;
    }
    Ok(series_count)
}

/// Moves all closed chunks to files.
fn settle(inner: &Inner, writer: &mut Writer) -> Result<(), ChunkSnapshotError> {
    let settled = writer.settle(inner);
    settled.map_err(|error| ChunkSnapshotError::Log(io::Error::other(error)))?;
    if writer.fresh.is_empty() {
        return Ok(());
    }
    Err(ChunkSnapshotError::Chunks(
        writer.chunk_error().unwrap_or_default(),
    ))
}

/// Copies the series of one page; gives their number. `None` if chunks were closed that are in no file: what a
/// snapshot leaves out of the log must be in one. With the writer held there are none.
fn copy_page(
    inner: &Inner,
    (number, next_series): (u32, u32),
    records: &mut Records,
    held: Option<&Writer>,
) -> Result<Option<usize>, ChunkSnapshotError> {
    let index = inner.index.read();
    let Some(page) = inner.pages.get(number) else {
        return Ok(Some(0));
    };
    let page = page.read();
    let saved = || {
        page.iter(number)
            .take_while(|(series, _)| *series < next_series)
    };
    if saved().any(|(_, view)| view.record.has_fresh()) {
        let reason = "a chunk that was closed meanwhile could not be written";
        return match held {
            None => Ok(None),
            Some(_) => Err(ChunkSnapshotError::Chunks(reason.to_owned())),
        };
    }
    let mut count = 0;
    for (series, view) in saved() {
        let text = |symbol| index.symbols.text(symbol);
        let labels = view.labels().map(|(n, v)| (text(n), text(v)));
        let open = view.record.to_save();
        let reference = inner.reference(series);
        encode_series(&mut records.buffer, reference, labels, open.as_ref());
        records.end_record();
        count += 1;
    }
    Ok(Some(count))
}

/// Tombstones and exemplars; gives the number of these.
fn write_annotations(inner: &Inner, records: &mut Records) -> io::Result<usize> {
    let tombstones = inner.tombstones.read().all();
    let tombstones: Vec<_> = tombstones
        .into_iter()
        .map(|(series, range)| (inner.reference(series), range))
        .collect();
    encode_tombstones(&mut records.buffer, &tombstones);
    records.end_record();
    let mut from = 0;
    loop {
        let exemplars = inner.exemplars.lock().copy(from, EXEMPLARS_MAX);
        if exemplars.is_empty() {
            return Ok(from);
        }
        from += exemplars.len();
        let mut record = exemplar_record(inner, &exemplars);
        // As in the log, but for the kind.
        if let Some(kind) = record.first_mut() {
            *kind = EXEMPLARS;
        }
        records.buffer.append(&mut record);
        records.end_record();
        records.flush_at(BUFFER_BYTES)?;
    }
}

/// Metadata of metrics, each with one of the metric's series.
fn metadata(inner: &Inner) -> Vec<MetadataEntry<'static>> {
    let index = inner.index.read();
    let table = inner.metadata.read();
    let Some(names) = index.label(model::labels::METRIC_NAME) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (metric, metadata) in table.list(None) {
        let symbol = index.symbols.get(&metric);
        let postings = symbol.and_then(|symbol| names.values.get(&symbol));
        if let Some(series) = postings.and_then(|postings| postings.first()) {
            entries.push(MetadataEntry {
                series: inner.reference(series),
                metric_type: metadata.metric_type,
                unit: metadata.unit.into(),
                help: metadata.help.into(),
            });
        }
    }
    entries
}
