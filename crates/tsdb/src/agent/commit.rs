//! A batch into the log: all of it in one write, or nothing.

use hashbrown::HashMap;
use model::exemplar::Exemplar;
use model::storage::{
    CommitReport, HistogramSample, SampleBatch, SampleRefusal, SeriesRef, WriteError,
};
use model::time::Timestamp;

use super::series::SeriesTable;
use super::{AgentOptions, State, log_error};
use crate::chunk::StartTimes;
use crate::chunk::histogram::is_well_formed;
use crate::head::commit::{Sample, sample_of, whole_rows};
use crate::log::record::{
    ExemplarEntry, HistogramEntry, HistogramForm, SampleColumns, encode_exemplars,
    encode_histograms, encode_samples, encode_samples_v2,
};

/// What a batch adds.
#[derive(Default)]
struct Accepted {
    floats: SampleColumns,
    histograms: Vec<HistogramEntry>,
    exemplars: Vec<(u64, Exemplar)>,
    /// Series with what their newest times were, to be put back if the log cannot be written.
    before: Vec<(u64, Option<i64>)>,
    newest: Option<i64>,
    report: CommitReport,
}

pub(super) fn commit(
    options: &AgentOptions,
    state: &mut State,
    batch: &SampleBatch,
) -> Result<CommitReport, WriteError> {
    if state.log.is_none() {
        return Err(WriteError::Closed);
    }
    let mut accepted = accept(options, state, batch);
    if let Err(error) = write(options, state, &accepted) {
        // Newest first: a series may be in there twice.
        for (series, before) in accepted.before.iter().rev() {
            state.series.restore(*series, *before);
        }
        return Err(error);
    }
    state.pending.clear();
    let stats = &mut state.stats;
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    stats.floats_appended += count(accepted.floats.len());
    stats.histograms_appended += count(accepted.histograms.len());
    stats.exemplars_appended += count(accepted.exemplars.len());
    for (series, exemplar) in accepted.exemplars.drain(..) {
        state.series.set_exemplar(series, exemplar);
    }
    if let (Some(log), Some(time)) = (&state.log, accepted.newest) {
        let newest = state.newest.entry(log.segment()).or_insert(time);
        *newest = time.max(*newest);
    }
    Ok(accepted.report)
}

/// Checks every row, and notes the times of those that are taken.
fn accept(options: &AgentOptions, state: &mut State, batch: &SampleBatch) -> Accepted {
    let window = options.out_of_order.get().0;
    let mut accepted = Accepted::default();
    let rows = whole_rows(batch);
    for row in 0..rows {
        let (reference, time) = (batch.series[row].0, batch.times[row]);
        let sample = sample_of(batch, row);
        match check(&state.series, (reference, time), sample, window) {
            Ok(()) => {}
            Err(refusal) => {
                if refusal == SampleRefusal::OutOfOrder {
                    state.stats.out_of_order += 1;
                }
                accepted.report.refused.push((row, refusal));
                continue;
            }
        }
        if let Some(before) = state.series.note(reference, time) {
            accepted.before.push((reference, before));
        }
        accepted.newest = accepted.newest.max(Some(time));
        accepted.report.appended += 1;
        let start_time = match options.start_times {
            StartTimes::With => batch.start_time(row),
            StartTimes::Without => 0,
        };
        match sample {
            Sample::Float(value) => {
                accepted.floats.push(reference, time, value);
                accepted.floats.start_times.push(start_time);
            }
            Sample::Histogram(value) => accepted.histograms.push(HistogramEntry {
                series: reference,
                time,
                start_time,
                value: value.clone(),
            }),
        }
    }
    let incomplete = rows..batch.series.len();
    let refused = incomplete.map(|row| (row, SampleRefusal::Malformed));
    accepted.report.refused.extend(refused);
    accepted.exemplars = exemplars(&state.series, batch);
    accepted
}

fn check(
    series: &SeriesTable,
    (reference, time): (u64, i64),
    sample: Sample<'_>,
    window: i64,
) -> Result<(), SampleRefusal> {
    if !series.contains(reference) {
        return Err(SampleRefusal::UnknownSeries);
    }
    let is_well_formed = match sample {
        Sample::Float(_) => true,
        Sample::Histogram(HistogramSample::Integer(histogram)) => is_well_formed::<i64>(histogram),
        Sample::Histogram(HistogramSample::Float(histogram)) => is_well_formed::<f64>(histogram),
    };
    if !is_well_formed {
        return Err(SampleRefusal::Malformed);
    }
    match series.last_time(reference) {
        // The peer's rule: values are not known any more, so the same sample again counts as out of order.
        Some(last) if time <= last.saturating_sub(window) => Err(SampleRefusal::OutOfOrder),
        _ => Ok(()),
    }
}

/// Exemplars that are newer than the newest of their series; those without a time take that of the sample
/// beside them.
fn exemplars(series: &SeriesTable, batch: &SampleBatch) -> Vec<(u64, Exemplar)> {
    if batch.exemplars.is_empty() {
        return Vec::new();
    }
    let rows = batch
        .series
        .iter()
        .copied()
        .zip(batch.times.iter().copied());
    let times: HashMap<SeriesRef, i64> = rows.collect();
    let mut newest: HashMap<u64, Timestamp> = HashMap::new();
    let mut accepted = Vec::new();
    for (reference, exemplar) in &batch.exemplars {
        let beside = times.get(reference).copied().map(Timestamp);
        let Some(time) = exemplar.time.or(beside) else {
            continue;
        };
        let reference = reference.0;
        let known = || series.newest_exemplar(reference)?.time;
        let before = newest.get(&reference).copied().or_else(known);
        if series.contains(reference) && before.is_none_or(|before| before < time) {
            newest.insert(reference, time);
            let exemplar = Exemplar {
                time: Some(time),
                ..exemplar.clone()
            };
            accepted.push((reference, exemplar));
        }
    }
    accepted
}

/// All records in one write. There is no mark of our own that they belong together, as the head has it: the
/// peer takes a record that it does not know for damage here.
fn write(options: &AgentOptions, state: &mut State, accepted: &Accepted) -> Result<(), WriteError> {
    let mut samples = Vec::new();
    if !accepted.floats.is_empty() {
        match options.start_times {
            StartTimes::With => encode_samples_v2(&mut samples, &accepted.floats),
            StartTimes::Without => encode_samples(&mut samples, &accepted.floats),
        }
    }
    let form = match options.start_times {
        StartTimes::With => HistogramForm::V2,
        StartTimes::Without => HistogramForm::V1,
    };
    let histograms = encode_histograms(&accepted.histograms, form);
    let mut exemplars = Vec::new();
    if !accepted.exemplars.is_empty() {
        let entries: Vec<ExemplarEntry<'_>> = accepted.exemplars.iter().map(entry).collect();
        encode_exemplars(&mut exemplars, &entries);
    }
    let mut records: Vec<&[u8]> = vec![&state.pending, &samples];
    records.extend(histograms.iter().map(Vec::as_slice));
    records.push(&exemplars);
    records.retain(|record| !record.is_empty());
    let log = state.log.as_mut().ok_or(WriteError::Closed)?;
    if records.is_empty() {
        return Ok(());
    }
    log.append(&records).map_err(|error| {
        let WriteError::Log(problem) = log_error(&error) else {
            return WriteError::Closed;
        };
        WriteError::Log(format!("{problem}; nothing of this commit was stored"))
    })
}

fn entry((series, exemplar): &(u64, Exemplar)) -> ExemplarEntry<'_> {
    let labels = exemplar.labels.iter();
    ExemplarEntry {
        series: *series,
        time: exemplar.time.map_or(0, |time| time.0),
        value: exemplar.value,
        labels: labels
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    }
}
