//! Storing a batch: check, log, append, show.
//!
//! One commit at a time. Nothing is appended before it is in the log, nothing is visible before all of
//! it is appended; a batch whose log write fails leaves no trace. Late samples go their own way to their
//! own log and memory ([`late`](super::late)), in the same commit.

use std::mem;
use std::sync::atomic::Ordering;

use hashbrown::{HashMap, HashSet};
use model::exemplar::Exemplar;
use model::labels::METRIC_NAME;
use model::metadata::Metadata;
use model::storage::{
    CommitReport, HistogramSample, SampleBatch, SampleRefusal, SeriesRef, WriteError,
};
use model::time::Timestamp;

use super::Inner;
use super::counters::SampleKind;
use super::late;
use super::late::closing::close_full;
use super::late::log::{LateRow, LateWriter, insert, late_rows};
use super::mapping::map_fresh;
use super::options::Zeros;
use super::page::page_of;
use super::series::{At, Series};
use super::zeros;
use crate::chunk::histogram::is_well_formed;
use crate::log::LogWriter;
use crate::log::record::{
    ExemplarEntry, HistogramEntry, MetadataEntry, SampleColumns, encode_exemplars, encode_group,
    encode_histograms, encode_metadata,
};

/// What only the one that commits may touch.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// `None` before the head is open and after it is closed.
    pub(super) log: Option<LogWriter>,
    /// The newest commit.
    pub(super) commit: u64,
    verdicts: Vec<Verdict>,
    samples: SampleColumns,
    samples_record: Vec<u8>,
    /// Series with closed chunks that are not in files yet: a write of them failed.
    pub(super) fresh: Vec<u32>,
    /// Why it failed, to be told at the next sync.
    pub(super) chunk_error: Option<String>,
    /// Samples that the newest snapshot does not stand for.
    pub(super) samples_since_snapshot: usize,
    pub(super) late: LateWriter,
}

/// Closed chunks that may wait for a sync, which comes every few seconds.
const CLOSED_MAX: usize = 1 << 18;
/// The number of all commits of former processes.
pub(super) const REPLAYED: u64 = 0;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Append,
    /// It comes out of order, within the window.
    AppendLate,
    /// The series has this very sample already.
    Same,
    Refused(SampleRefusal),
}

/// The sample of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sample<'a> {
    Float(f64),
    Histogram(&'a HistogramSample),
}

impl Writer {
    /// Why closed chunks are not in files.
    pub(super) fn chunk_error(&self) -> Option<String> {
        self.chunk_error.clone()
    }

    /// Moves closed chunks to files, as far as the logs have their samples for sure: those of commits up to
    /// `durable`. If that fails they stay in memory, until the next attempt.
    pub(super) fn map(&mut self, inner: &Inner, durable: u64) {
        let fresh = map_fresh(inner, &mut self.fresh, durable);
        let late = close_full(inner, &mut self.late, durable);
        self.chunk_error = fresh.and(late).err().map(|error| error.to_string());
    }

    /// Makes the logs durable, here and now, and moves all closed chunks to files.
    pub(super) fn settle(&mut self, inner: &Inner) -> Result<(), WriteError> {
        if !self.has_closed() {
            return Ok(());
        }
        let logs = [self.log.as_mut(), self.late.log.as_mut()];
        for log in logs.into_iter().flatten() {
            log.sync().map_err(|error| log_error(&error))?;
        }
        self.map(inner, self.commit);
        Ok(())
    }

    fn has_closed(&self) -> bool {
        !self.fresh.is_empty() || !self.late.full.is_empty()
    }

    /// The log, to be written to: the late log has nothing of commits that failed.
    pub(super) fn log(&mut self) -> Result<&mut LogWriter, WriteError> {
        self.late.mend().map_err(|error| log_error(&error))?;
        self.log.as_mut().ok_or(WriteError::Closed)
    }
}

pub(super) fn commit(inner: &Inner, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
    if inner.options.zeros == Zeros::Added
        && let Some(expanded) = zeros::expand(batch, inner.appendable_from(), |series| {
            inner.last_time(series)
        })
    {
        let report = commit_rows(inner, &expanded.batch)?;
        return Ok(expanded.report(report));
    }
    commit_rows(inner, batch)
}

fn commit_rows(inner: &Inner, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
    let mut guard = inner.writer.lock();
    let writer = &mut *guard;
    if writer.log.is_none() {
        return Err(WriteError::Closed);
    }
    let found = check(inner, batch, &mut writer.verdicts);
    let late = match found {
        Found::InOrder => Vec::new(),
        Found::Late => {
            let rows = 0..writer.verdicts.len();
            let rows = rows.filter(|row| writer.verdicts[*row] == Verdict::AppendLate);
            late_rows(inner, batch, rows)
        }
    };
    let changes = Changes {
        exemplars: accepted_exemplars(inner, batch),
        metadata: changed_metadata(inner, batch),
        late,
    };
    log(inner, writer, batch, &changes)?;

    writer.commit += 1;
    append(
        inner,
        writer.commit,
        batch,
        &writer.verdicts,
        &mut writer.fresh,
    );
    let Changes {
        exemplars,
        metadata,
        late,
    } = changes;
    if !late.is_empty() {
        insert(inner, writer.commit, late, &mut writer.late.full);
    }
    inner.committed.store(writer.commit, Ordering::Release);
    if writer.fresh.len() + writer.late.full.len() > CLOSED_MAX {
        // Nobody syncs. If this fails, they stay in memory.
        let _ = writer.settle(inner);
    }
    if !exemplars.is_empty() {
        let mut ring = inner.exemplars.lock();
        for (series, exemplar) in exemplars {
            ring.push(series, exemplar);
        }
    }
    if !metadata.is_empty() {
        let mut table = inner.metadata.write();
        for change in metadata {
            table.set(&change.metric, change.metadata);
        }
    }
    let report = report(inner, batch, &writer.verdicts);
    writer.samples_since_snapshot += report.appended;
    Ok(report)
}

fn report(inner: &Inner, batch: &SampleBatch, verdicts: &[Verdict]) -> CommitReport {
    let kind = |row| match sample_of(batch, row) {
        Sample::Float(_) => SampleKind::Float,
        Sample::Histogram(_) => SampleKind::Histogram,
    };
    let counters = &inner.counters;
    let mut report = CommitReport::default();
    let mut histograms = 0;
    for (row, verdict) in verdicts.iter().enumerate() {
        match verdict {
            Verdict::Append => report.appended += 1,
            Verdict::AppendLate => {
                report.appended += 1;
                counters.out_of_order_appended(kind(row));
            }
            Verdict::Same => continue,
            Verdict::Refused(refusal) => {
                if row < whole_rows(batch) {
                    counters.refused(kind(row), *refusal);
                }
                report.refused.push((row, *refusal));
                continue;
            }
        }
        histograms +=
            usize::from(!batch.histograms.is_empty() && kind(row) == SampleKind::Histogram);
    }
    counters.appended(SampleKind::Float, report.appended - histograms);
    counters.appended(SampleKind::Histogram, histograms);
    report
}

/// What a commit changes beside the rows that come in order.
struct Changes {
    exemplars: Vec<(u32, Exemplar)>,
    metadata: Vec<MetadataChange>,
    late: Vec<LateRow>,
}

/// Whether some of the rows come out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    InOrder,
    Late,
}

/// Which times are let in.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Samples before this do not count as in order.
    from: i64,
    /// From when on they may be late.
    late_from: Option<i64>,
}

/// Earlier rows of the batch, where a series occurs more than once.
#[derive(Debug, Default)]
struct Earlier {
    /// The newest row of a series that is appended.
    rows: HashMap<u32, usize>,
    late: HashSet<(u32, i64)>,
}

/// Rows that have all columns.
pub(crate) fn whole_rows(batch: &SampleBatch) -> usize {
    let SampleBatch {
        series,
        times,
        values,
        ..
    } = batch;
    series.len().min(times.len()).min(values.len())
}

pub(crate) fn sample_of(batch: &SampleBatch, row: usize) -> Sample<'_> {
    // Batches without histograms are the usual ones.
    if !batch.histograms.is_empty()
        && let Ok(at) = batch.histograms.binary_search_by_key(&row, |(at, _)| *at)
    {
        return Sample::Histogram(&batch.histograms[at].1);
    }
    Sample::Float(batch.values[row])
}

fn check(inner: &Inner, batch: &SampleBatch, verdicts: &mut Vec<Verdict>) -> Found {
    verdicts.clear();
    let rows = whole_rows(batch);
    let newest = inner.time_max.load(Ordering::Relaxed);
    let limits = Limits {
        from: inner.appendable_from(),
        late_from: inner.late.appendable_from(newest),
    };
    let mut found = Found::InOrder;
    // Only if a series can occur twice, earlier rows of the batch must be looked at too.
    let is_each_once = batch.series.windows(2).all(|pair| pair[0] < pair[1]);
    let mut earlier = Earlier::default();
    let mut row = 0;
    let mut warmth = 0;
    while row < rows {
        let Some(first) = inner.series_of(batch.series[row].0) else {
            verdicts.push(Verdict::Refused(SampleRefusal::UnknownSeries));
            row += 1;
            continue;
        };
        let number = page_of(first);
        let page = inner.pages.get(number);
        let data = page.as_deref().map(|page| page.read());
        while row < rows {
            let series = match inner.series_of(batch.series[row].0) {
                Some(series) if page_of(series) == number => series,
                _ => break,
            };
            let record = data.as_ref().and_then(|data| data.get(series));
            let verdict = match record {
                None => Verdict::Refused(SampleRefusal::UnknownSeries),
                Some(record) => {
                    // The chunks lie scattered in memory. Here the loads of many rows overlap, when
                    // appending they would be waited for one by one.
                    warmth ^= record.warm();
                    let before = earlier.rows.get(&series).copied();
                    check_row(batch, row, record, before, limits)
                }
            };
            let verdict = match verdict {
                Verdict::AppendLate if !is_each_once => {
                    match earlier.late.insert((series, batch.times[row])) {
                        true => verdict,
                        false => Verdict::Same,
                    }
                }
                _ => verdict,
            };
            if verdict == Verdict::AppendLate {
                found = Found::Late;
            }
            if verdict == Verdict::Append && !is_each_once {
                earlier.rows.insert(series, row);
            }
            verdicts.push(verdict);
            row += 1;
        }
    }
    std::hint::black_box(warmth);
    let incomplete = Verdict::Refused(SampleRefusal::Malformed);
    verdicts.resize(batch.series.len(), incomplete);
    found
}

fn check_row(
    batch: &SampleBatch,
    row: usize,
    record: &Series,
    before: Option<usize>,
    limits: Limits,
) -> Verdict {
    let time = batch.times[row];
    let sample = sample_of(batch, row);
    let is_well_formed = match sample {
        Sample::Float(_) => true,
        Sample::Histogram(HistogramSample::Integer(histogram)) => is_well_formed::<i64>(histogram),
        Sample::Histogram(HistogramSample::Float(histogram)) => is_well_formed::<f64>(histogram),
    };
    if !is_well_formed {
        return Verdict::Refused(SampleRefusal::Malformed);
    }
    let last = match before {
        Some(before) => Some(batch.times[before]),
        None => record.last_time(),
    };
    match last {
        _ if time < limits.from => check_late(record, time, limits),
        Some(last) if time < last => check_late(record, time, limits),
        Some(last) if time == last => {
            let is_same = match (before, sample) {
                (None, Sample::Float(value)) => record.last_is_float(value),
                (None, Sample::Histogram(histogram)) => record.last_is_histogram(histogram),
                (Some(before), sample) => match (sample_of(batch, before), sample) {
                    (Sample::Float(a), Sample::Float(b)) => a.to_bits() == b.to_bits(),
                    (Sample::Histogram(a), Sample::Histogram(b)) => a == b,
                    _ => false,
                },
            };
            if is_same {
                Verdict::Same
            } else {
                Verdict::Refused(SampleRefusal::DuplicateTimestamp)
            }
        }
        _ => Verdict::Append,
    }
}

/// What becomes of a sample that cannot be appended in order. A time that an open late sample has is passed
/// over whatever the values are, as by the peer (`TestOOOAppendAndQuery` there).
fn check_late(record: &Series, time: i64, limits: Limits) -> Verdict {
    match limits.late_from {
        Some(from) if time < from => Verdict::Refused(SampleRefusal::TooOld),
        Some(_) if record.has_late_at(time) => Verdict::Same,
        Some(_) => Verdict::AppendLate,
        None if time < limits.from => Verdict::Refused(SampleRefusal::OutOfBounds),
        None => Verdict::Refused(SampleRefusal::OutOfOrder),
    }
}

/// Writes all that the commit adds, in one write for each log.
fn log(
    inner: &Inner,
    writer: &mut Writer,
    batch: &SampleBatch,
    changes: &Changes,
) -> Result<(), WriteError> {
    writer.log()?;
    let Writer {
        verdicts,
        samples,
        samples_record,
        ..
    } = writer;
    samples.clear();
    samples_record.clear();
    let has_starts = inner.stores_starts();
    let mut histograms = Vec::new();
    for (row, verdict) in verdicts.iter().enumerate() {
        if *verdict != Verdict::Append {
            continue;
        }
        let series = batch.series[row].0;
        match sample_of(batch, row) {
            Sample::Float(value) => {
                samples.push(series, batch.times[row], value);
                if has_starts {
                    samples.start_times.push(batch.start_time(row));
                }
            }
            Sample::Histogram(histogram) => histograms.push(HistogramEntry {
                series,
                time: batch.times[row],
                start_time: if has_starts { batch.start_time(row) } else { 0 },
                value: histogram.clone(),
            }),
        }
    }
    if !samples.is_empty() {
        inner.encode_samples(samples_record, samples);
    }
    let histogram_records = encode_histograms(&histograms, inner.histogram_form());
    let parts = usize::from(!samples.is_empty()) + histogram_records.len();
    let mut group = Vec::new();
    // With late samples all records are a group across both logs.
    if parts > 1 && changes.late.is_empty() {
        encode_group(&mut group, parts as u64);
    }
    let exemplar_record = exemplar_record(inner, &changes.exemplars);
    let metadata_record = metadata_record(inner, &changes.metadata);

    let series_record = mem::take(&mut *inner.pending.lock());
    let samples_record = mem::take(samples_record);
    let mut records: Vec<&[u8]> = vec![&series_record, &group, &samples_record];
    records.extend(histogram_records.iter().map(Vec::as_slice));
    records.extend([exemplar_record.as_slice(), metadata_record.as_slice()]);
    records.retain(|record| !record.is_empty());
    let result = if changes.late.is_empty() {
        append_records(writer, &records)
    } else {
        late::log::append(inner, writer, &changes.late, &records)
    };
    writer.samples_record = samples_record;
    if result.is_err() && !series_record.is_empty() {
        // The next commit has to bring these series in.
        let mut pending = inner.pending.lock();
        let newer = mem::replace(&mut *pending, series_record);
        pending.extend_from_slice(newer.get(1..).unwrap_or_default());
    }
    result
}

/// Appends records to the log, all or none.
pub(super) fn append_records(writer: &mut Writer, records: &[&[u8]]) -> Result<(), WriteError> {
    let log = writer.log()?;
    if records.is_empty() {
        return Ok(());
    }
    log.append(records)
        .map_err(|error| WriteError::Log(format!("{error}; nothing of this commit was stored")))
}

/// Appends all rows that were accepted; locks each page once per run of neighbouring series. Series that
/// closed a chunk are added to `fresh`.
fn append(
    inner: &Inner,
    commit: u64,
    batch: &SampleBatch,
    verdicts: &[Verdict],
    fresh: &mut Vec<u32>,
) {
    let cutting = inner.cutting();
    let has_starts = inner.stores_starts();
    let (mut start, mut end) = (i64::MAX, i64::MIN);
    let mut accepted = (0..verdicts.len())
        .filter(|row| verdicts[*row] == Verdict::Append)
        .filter_map(|row| Some((row, inner.series_of(batch.series[row].0)?)))
        .peekable();
    while let Some(&(_, first)) = accepted.peek() {
        let number = page_of(first);
        let page = inner.pages.get(number);
        let mut data = page.as_deref().map(|page| page.write());
        while let Some((row, series)) = accepted.next_if(|(_, series)| page_of(*series) == number) {
            let Some(record) = data.as_mut().and_then(|data| data.get_mut(series)) else {
                continue;
            };
            if record.is_without_samples() {
                inner.without_samples.fetch_sub(1, Ordering::Relaxed);
            }
            let time = batch.times[row];
            (start, end) = (start.min(time), end.max(time));
            let closed = record.fresh().len();
            let start_time = if has_starts { batch.start_time(row) } else { 0 };
            let at = At { time, start_time };
            match sample_of(batch, row) {
                Sample::Float(value) => record.append_float(commit, cutting, at, value),
                Sample::Histogram(sample) => {
                    record.append_histogram(commit, cutting, at, sample);
                }
            }
            if record.fresh().len() > closed {
                fresh.push(series);
            }
        }
    }
    if start <= end {
        inner.note_times(start, end);
    }
}

/// Exemplars to store; those without a time take that of the sample beside them.
fn accepted_exemplars(inner: &Inner, batch: &SampleBatch) -> Vec<(u32, Exemplar)> {
    if batch.exemplars.is_empty() {
        return Vec::new();
    }
    let times: HashMap<SeriesRef, i64> = batch
        .series
        .iter()
        .copied()
        .zip(batch.times.iter().copied())
        .collect();
    let ring = inner.exemplars.lock();
    let mut accepted = Vec::new();
    for (reference, exemplar) in &batch.exemplars {
        let time = exemplar
            .time
            .map(|time| time.0)
            .or(times.get(reference).copied());
        let series = inner.series_of(reference.0);
        let (Some(time), Some(series)) = (time, series) else {
            continue;
        };
        let exemplar = Exemplar {
            time: Some(Timestamp(time)),
            ..exemplar.clone()
        };
        if ring.accepts(series, &exemplar) && inner.pages.contains(series) {
            accepted.push((series, exemplar));
        }
    }
    accepted
}

/// The record of the log, empty if there are no exemplars.
pub(super) fn exemplar_record(inner: &Inner, exemplars: &[(u32, Exemplar)]) -> Vec<u8> {
    let mut record = Vec::new();
    if exemplars.is_empty() {
        return record;
    }
    let entries: Vec<ExemplarEntry<'_>> = exemplars
        .iter()
        .map(|(series, exemplar)| ExemplarEntry {
            series: inner.reference(*series),
            time: exemplar.time.map_or(0, |time| time.0),
            value: exemplar.value,
            labels: exemplar
                .labels
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        })
        .collect();
    encode_exemplars(&mut record, &entries);
    record
}

/// Metadata that differs from what is known of the metric.
struct MetadataChange {
    series: u32,
    metric: String,
    metadata: Metadata,
}

fn changed_metadata(inner: &Inner, batch: &SampleBatch) -> Vec<MetadataChange> {
    if batch.metadata.is_empty() {
        return Vec::new();
    }
    let index = inner.index.read();
    let table = inner.metadata.read();
    let name = index.symbols.get(METRIC_NAME);
    let mut changes: Vec<MetadataChange> = Vec::new();
    for (reference, metadata) in &batch.metadata {
        let metric = inner.series_of(reference.0).and_then(|series| {
            let value = inner.pages.with(series, |view| view.value_of(name?))??;
            Some((series, index.symbols.text(value)))
        });
        let Some((series, metric)) = metric else {
            continue;
        };
        let is_repeated = changes.last().is_some_and(|last| last.metric == metric);
        if !is_repeated && !table.is_known(metric, metadata) {
            changes.push(MetadataChange {
                series,
                metric: metric.to_owned(),
                metadata: metadata.clone(),
            });
        }
    }
    changes
}

fn metadata_record(inner: &Inner, changes: &[MetadataChange]) -> Vec<u8> {
    let mut record = Vec::new();
    if changes.is_empty() {
        return record;
    }
    let entries: Vec<MetadataEntry<'_>> = changes
        .iter()
        .map(|change| MetadataEntry {
            series: inner.reference(change.series),
            metric_type: change.metadata.metric_type,
            unit: change.metadata.unit.as_str().into(),
            help: change.metadata.help.as_str().into(),
        })
        .collect();
    encode_metadata(&mut record, &entries);
    record
}

pub(super) fn log_error(error: &std::io::Error) -> WriteError {
    WriteError::Log(error.to_string())
}
