//! Writing late samples: to their log, then to memory.
//!
//! A commit with records for both logs goes to the late log first. Each log gets a record that says how
//! far the other one must reach for the commit to count, so neither half is ever seen alone.

use std::io;
use std::sync::atomic::Ordering;

use model::sample::is_stale;
use model::storage::{HistogramSample, SampleBatch, WriteError};

use super::log_dir;
use crate::chunk::StartTimes;
use crate::compact::{Sample, Value};
use crate::head::Inner;
use crate::head::commit::{self, Writer, log_error, sample_of};
use crate::head::series::LATE_SAMPLES_MAX;
use crate::log::record::{
    Across, HistogramEntry, MmapMarker, SampleColumns, encode_across, encode_group,
    encode_histograms, encode_mmap_markers,
};
use crate::log::{Ending, LogWriter};

/// What only the one that commits may touch.
#[derive(Debug, Default)]
pub(in crate::head) struct LateWriter {
    /// `None` until it is needed.
    pub(in crate::head) log: Option<LogWriter>,
    /// Closed chunks that the log does not name yet.
    pub(in crate::head) markers: Vec<MmapMarker>,
    /// Series with enough open samples for a chunk.
    pub(in crate::head) full: Vec<u32>,
}

impl LateWriter {
    pub(super) fn open(&mut self, inner: &Inner) -> io::Result<&mut LogWriter> {
        let log = match self.log.take() {
            Some(log) => log,
            None => {
                let options = &inner.options;
                let dir = log_dir(&options.dir);
                let mut log = LogWriter::open(options.disk.clone(), &dir, options.log)?;
                log.set_ending(Ending::WhenSynced);
                log
            }
        };
        Ok(self.log.insert(log))
    }

    /// Cuts off what a failed commit left. To be called before the other log grows, which would make that
    /// count.
    pub(in crate::head) fn mend(&mut self) -> io::Result<()> {
        self.log.as_mut().map_or(Ok(()), LogWriter::mend)
    }
}

/// A sample that is let in.
#[derive(Debug)]
pub(in crate::head) struct LateRow {
    pub(in crate::head) series: u32,
    pub(in crate::head) sample: Sample,
}

/// The samples of some rows of a batch. The staleness marker of a series of histograms becomes a histogram,
/// as it does in order.
pub(in crate::head) fn late_rows(
    inner: &Inner,
    batch: &SampleBatch,
    rows: impl Iterator<Item = usize>,
) -> Vec<LateRow> {
    let value = |series: u32, row: usize| match sample_of(batch, row) {
        commit::Sample::Histogram(histogram) => of_histogram(histogram.clone()),
        commit::Sample::Float(value) if is_stale(value) => {
            let marker = inner.pages.with(series, |view| view.record.stale_marker());
            marker.flatten().map_or(Value::Float(value), of_histogram)
        }
        commit::Sample::Float(value) => Value::Float(value),
    };
    // What becomes of them must be readable for programs that do not know chunks with start times.
    let has_starts = |value: &Value| {
        let is_float = matches!(value, Value::Float(_));
        let has_room = is_float || inner.options.histogram_chunks == StartTimes::With;
        inner.stores_starts() && has_room
    };
    rows.filter_map(|row| {
        let series = inner.series_of(batch.series[row].0)?;
        let value = value(series, row);
        let start_time = match has_starts(&value) {
            true => batch.start_time(row),
            false => 0,
        };
        let time = batch.times[row];
        Some(LateRow {
            series,
            sample: Sample {
                time,
                start_time,
                value,
            },
        })
    })
    .collect()
}

pub(super) fn of_histogram(histogram: HistogramSample) -> Value {
    match histogram {
        HistogramSample::Integer(histogram) => Value::Integer(histogram),
        HistogramSample::Float(histogram) => Value::FloatHistogram(histogram),
    }
}

/// Writes a commit with late samples; `others` are the records that go to the other log.
pub(in crate::head) fn append(
    inner: &Inner,
    writer: &mut Writer,
    rows: &[LateRow],
    others: &[&[u8]],
) -> Result<(), WriteError> {
    let failed =
        |error: io::Error| WriteError::Log(format!("{error}; nothing of this commit was stored"));
    let Writer { log, late, .. } = writer;
    let log = log.as_mut().ok_or(WriteError::Closed)?;
    let samples = sample_records(inner, rows);
    let mut head = Vec::new();
    if !others.is_empty() {
        let bytes: usize = others.iter().map(|record| record.len()).sum();
        let link = Across {
            records: others.len() as u64,
            segment: u64::MAX,
            offset: u64::MAX,
        };
        encode_across(&mut head, &link);
        log.make_room(others.len() + 1, bytes + head.len())
            .map_err(failed)?;
        head.clear();
        let link = Across {
            records: samples.len() as u64,
            segment: log.segment(),
            offset: log.length(),
        };
        encode_across(&mut head, &link);
    } else if samples.len() > 1 {
        encode_group(&mut head, samples.len() as u64);
    }
    let mut markers = Vec::new();
    if !late.markers.is_empty() {
        encode_mmap_markers(&mut markers, &late.markers);
    }
    let mut records: Vec<&[u8]> = vec![&markers, &head];
    records.extend(samples.iter().map(Vec::as_slice));
    records.retain(|record| !record.is_empty());
    let own = late.open(inner).map_err(failed)?;
    own.append(&records).map_err(failed)?;
    if !others.is_empty() {
        let mut head = Vec::new();
        let link = Across {
            records: others.len() as u64,
            segment: own.segment(),
            offset: own.length(),
        };
        encode_across(&mut head, &link);
        let mut records: Vec<&[u8]> = vec![&head];
        records.extend(others);
        if let Err(error) = log.append(&records) {
            own.undo();
            return Err(failed(error));
        }
    }
    late.markers.clear();
    Ok(())
}

fn sample_records(inner: &Inner, rows: &[LateRow]) -> Vec<Vec<u8>> {
    let mut floats = SampleColumns::default();
    let mut histograms = Vec::new();
    for row in rows {
        let (series, time) = (inner.reference(row.series), row.sample.time);
        let value = match &row.sample.value {
            Value::Float(value) => {
                floats.push(series, time, *value);
                floats.start_times.push(row.sample.start_time);
                continue;
            }
            Value::Integer(histogram) => HistogramSample::Integer(histogram.clone()),
            Value::FloatHistogram(histogram) => HistogramSample::Float(histogram.clone()),
        };
        histograms.push(HistogramEntry {
            series,
            time,
            start_time: row.sample.start_time,
            value,
        });
    }
    let mut records = Vec::new();
    if !floats.is_empty() {
        let mut record = Vec::new();
        inner.encode_samples(&mut record, &floats);
        records.push(record);
    }
    records.extend(encode_histograms(&histograms, inner.histogram_form()));
    records
}

/// Inserts samples that are in the log. Series that have enough of them for a chunk are added to `full`.
pub(in crate::head) fn insert(inner: &Inner, commit: u64, rows: Vec<LateRow>, full: &mut Vec<u32>) {
    for LateRow { series, sample } in rows {
        let time = sample.time;
        inner.pages.with_mut(series, |record| {
            if record.is_without_samples() {
                inner.without_samples.fetch_sub(1, Ordering::Relaxed);
            }
            record.insert_late(commit, sample);
            if record.late_open() >= LATE_SAMPLES_MAX {
                full.push(series);
            }
        });
        inner.late.note_times((time, time));
    }
}

/// Makes the log durable; commits go on meanwhile.
pub(in crate::head) fn sync(inner: &Inner) -> Result<(), WriteError> {
    let failed = |error: io::Error| log_error(&error);
    let (handle, segment, length) = {
        let mut writer = inner.writer.lock();
        let Some(log) = writer.late.log.as_mut() else {
            return Ok(());
        };
        let handle = log.sync_handle().map_err(failed)?;
        (handle, log.segment(), log.length())
    };
    if let Some(handle) = handle {
        handle.sync().map_err(failed)?;
    }
    if let Some(log) = &mut inner.writer.lock().late.log {
        log.note_synced(segment, length);
    }
    Ok(())
}
