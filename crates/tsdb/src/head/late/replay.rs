//! Late samples at a start: first the chunks in files, then, after the log of all others, their own log.
//!
//! A mark in the log says that the open samples of a series went to a chunk. It counts if that very chunk
//! was found; else the samples stay. So samples may be there twice, which reading sorts out, but never not
//! at all.

use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};

use super::closing;
use super::compaction::drop_closed;
use super::log::of_histogram;
use super::log_dir;
use crate::compact::{Sample, Value};
use crate::error::OpenError;
use crate::head::Inner;
use crate::head::commit::REPLAYED;
use crate::head::mapped::scan::FoundChunk;
use crate::head::mapped::{MappedChunk, Position};
use crate::head::replay::ReplayReport;
use crate::head::segments::{Sink, read_segment};
use crate::head::series::LATE_SAMPLES_MAX;
use crate::head::snapshot::LogPosition;
use crate::log::record::{Across, InBlocks, MmapMarker, Record};
use crate::log::{cut, list_segments, segment_path};

/// Open samples at which a series is not waited with any longer for the mark of their chunk. Far more than
/// any writer keeps open.
const OPEN_MAX: usize = 1024;

/// Gives a series a chunk that was found in a file; says whether there is such a series.
pub(in crate::head) fn attach(inner: &Inner, reference: u64, chunk: MappedChunk) -> bool {
    let attached = inner.series_of(reference).and_then(|series| {
        inner.pages.with_mut(series, |record| {
            if record.is_without_samples() {
                inner.without_samples.fetch_sub(1, Ordering::Relaxed);
            }
            record.attach_late(chunk);
            inner.late.note_times((chunk.start, chunk.end()));
        })
    });
    attached.is_some()
}

/// What the rest of the folder told.
#[derive(Clone, Copy, Debug)]
pub(in crate::head) struct Known<'a> {
    /// References of series that are known by other numbers.
    pub(in crate::head) aliases: &'a HashMap<u64, u32>,
    /// Closed chunks of late samples, as they stand in the files.
    pub(in crate::head) chunks: &'a [FoundChunk],
    /// The end of the log of all other samples.
    pub(in crate::head) log_end: Option<LogPosition>,
}

/// Reads the log of late samples.
pub(in crate::head) fn replay(
    inner: &Inner,
    known: Known<'_>,
    report: &mut ReplayReport,
) -> Result<(), OpenError> {
    let disk = inner.options.disk.clone();
    let dir = log_dir(&inner.options.dir);
    if !disk.exists(&dir) {
        return Ok(());
    }
    let segments = list_segments(disk.as_ref(), &dir).map_err(|source| OpenError::Read {
        path: dir.clone(),
        source,
    })?;
    let mut replay = Replay {
        inner,
        known,
        report,
        markers: Vec::new(),
        full: HashSet::new(),
        reference_max: 0,
    };
    for number in segments {
        let path = segment_path(&dir, number);
        let found = read_segment(disk.as_ref(), &path, 0, &mut replay)?;
        if let Some(corruption) = found {
            let repair = cut(disk.as_ref(), &dir, number, corruption)
                .map_err(|source| OpenError::Repair { path, source })?;
            replay.report.repairs.push(repair);
            break;
        }
    }
    replay.finish();
    Ok(())
}

struct Replay<'r> {
    inner: &'r Inner,
    known: Known<'r>,
    report: &'r mut ReplayReport,
    /// Of chunks that were closed here.
    markers: Vec<MmapMarker>,
    /// Series with enough open samples for a chunk.
    full: HashSet<u32>,
    reference_max: u64,
}

impl Replay<'_> {
    fn series_of(&mut self, reference: u64) -> Option<u32> {
        self.reference_max = self.reference_max.max(reference);
        match self.known.aliases.get(&reference) {
            Some(series) => Some(*series),
            None => self.inner.series_of(reference),
        }
    }

    fn insert(&mut self, reference: u64, sample: Sample) {
        let inner = self.inner;
        let time = sample.time;
        let open = self.series_of(reference).and_then(|series| {
            let open = inner.pages.with_mut(series, |record| {
                if record.is_without_samples() {
                    inner.without_samples.fetch_sub(1, Ordering::Relaxed);
                }
                let is_new = record.insert_late(REPLAYED, sample);
                (is_new, record.late_open())
            });
            open.map(|open| (series, open))
        });
        let Some((series, (is_new, open))) = open else {
            self.report.samples_without_series += 1;
            return;
        };
        if !is_new {
            self.report.samples_skipped += 1;
            return;
        }
        self.report.samples += 1;
        self.report.samples_out_of_order += 1;
        inner.late.note_times((time, time));
        if open >= OPEN_MAX {
            self.full.remove(&series);
            // What cannot be written stays in memory.
            let _ = closing::close(inner, &[series], &mut self.markers, REPLAYED);
        } else if open >= LATE_SAMPLES_MAX || self.known.aliases.contains_key(&reference) {
            // The other number is not known any more when a start does not read the record that names it. In
            // a chunk the samples have the number that the series has now.
            self.full.insert(series);
        }
    }

    /// The samples so far of a series are in a chunk.
    fn mark(&mut self, marker: MmapMarker) {
        let position = Position::of_reference(marker.chunk);
        let Some(series) = self.series_of(marker.series) else {
            return;
        };
        let is_there = self.inner.pages.with_mut(series, |record| {
            let is_there = record
                .late()
                .is_some_and(|late| late.is_closed_at(position));
            if is_there {
                record.forget_open_late();
            }
            is_there
        });
        if is_there == Some(true) {
            self.full.remove(&series);
        }
    }

    /// Chunks up to this one are in blocks, if it is the one that was meant.
    fn drop_written(&mut self, last: &InBlocks) {
        let position = Position::of_reference(last.marker.chunk);
        let found = self
            .known
            .chunks
            .binary_search_by_key(&position, |found| found.chunk.position);
        let is_meant = found.is_ok_and(|at| {
            let found = &self.known.chunks[at];
            found.series == last.marker.series
                && (found.chunk.start, found.chunk.end()) == (last.start, last.end)
        });
        if is_meant {
            drop_closed(self.inner, position);
        }
    }

    fn finish(self) {
        let inner = self.inner;
        // A number that this log knows must not become that of another series.
        if let Some(last) = inner.series_of(self.reference_max) {
            let next = last.saturating_add(1);
            inner.next_series.fetch_max(next, Ordering::Relaxed);
        }
        let mut writer = inner.writer.lock();
        writer.late.markers.extend(self.markers);
        writer.late.full.extend(self.full);
        writer.map(inner, REPLAYED);
    }
}

impl Sink for Replay<'_> {
    fn apply(&mut self, record: Record<'_>) -> Result<(), OpenError> {
        match record {
            Record::Samples(samples) => {
                for row in 0..samples.len() {
                    let sample = Sample {
                        time: samples.times[row],
                        start_time: samples.start_times.get(row).copied().unwrap_or(0),
                        value: Value::Float(samples.values[row]),
                    };
                    self.insert(samples.series[row], sample);
                }
            }
            Record::Histograms(entries) => {
                for entry in entries {
                    if !entry.is_well_formed() {
                        self.report.samples_skipped += 1;
                        continue;
                    }
                    let sample = Sample {
                        time: entry.time,
                        start_time: entry.start_time,
                        value: of_histogram(entry.value),
                    };
                    self.insert(entry.series, sample);
                }
            }
            Record::MmapMarkers(markers) => {
                for marker in markers {
                    self.mark(marker);
                }
            }
            Record::InBlocks(last) => self.drop_written(&last),
            Record::Unknown(_) => self.report.records_unknown += 1,
            // Nobody writes these here.
            Record::Series(_)
            | Record::Tombstones(_)
            | Record::Exemplars(_)
            | Record::Metadata(_)
            | Record::Group(_)
            | Record::Across(_) => {}
        }
        Ok(())
    }

    /// The other log was read, and cut if need be: it has its part if it goes on after this place.
    fn has_other(&self, across: &Across) -> bool {
        self.known
            .log_end
            .is_some_and(|end| (end.segment, end.offset) > (across.segment, across.offset))
    }

    fn count_record(&mut self) {
        self.report.records += 1;
    }
}
