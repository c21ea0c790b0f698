//! The commit of a request, and what storage said of its rows.

use hashbrown::HashMap;
use model::storage::{
    Projection, SampleBatch, SampleRefusal, SampleWriter, SelectRequest, SeriesBatch, SeriesReader,
    SeriesRef, TimeRange, WriteError,
};
use model::{Labels, Matcher, Timestamp};

use super::intake::Scratch;
use super::request::Request;

/// How often series are resolved anew, should storage forget them between resolving and committing.
const ATTEMPTS_MAX: usize = 3;

/// Commits the batch; the rows that were refused. Series that storage has forgotten since the cache learned
/// of them are resolved again, and noted for the cache.
pub(crate) fn commit(
    writer: &dyn SampleWriter,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Vec<(usize, SampleRefusal)>, WriteError> {
    if scratch.batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut refused = writer.commit(&scratch.batch)?.refused;
    for _ in 0..ATTEMPTS_MAX {
        let unknown: Vec<usize> = refused
            .iter()
            .filter(|(_, refusal)| *refusal == SampleRefusal::UnknownSeries)
            .map(|(row, _)| *row)
            .collect();
        if unknown.is_empty() {
            break;
        }
        refused.retain(|(_, refusal)| *refusal != SampleRefusal::UnknownSeries);
        refused.extend(commit_again(writer, request, scratch, &unknown)?);
        refused.sort_unstable();
    }
    Ok(refused)
}

/// Commits rows whose series were forgotten.
#[cold]
fn commit_again(
    writer: &dyn SampleWriter,
    request: &Request<'_>,
    scratch: &mut Scratch,
    rows: &[usize],
) -> Result<Vec<(usize, SampleRefusal)>, WriteError> {
    let mut numbers: Vec<u32> = rows
        .iter()
        .filter_map(|row| scratch.series_of_row(*row))
        .collect();
    numbers.dedup();
    let mut references: HashMap<u32, Result<SeriesRef, SampleRefusal>> = HashMap::new();
    request.each_of(&numbers, |number, label_bytes, labels| {
        let reference = writer.resolve(&labels);
        if let Ok(reference) = reference {
            scratch.fresh.push(label_bytes, reference);
        }
        references.insert(number, reference);
    });
    let mut again = SampleBatch::new();
    let (mut rows_again, mut refused) = (Vec::new(), Vec::new());
    let mut forgotten: HashMap<SeriesRef, SeriesRef> = HashMap::new();
    for row in rows {
        let number = scratch.series_of_row(*row);
        let reference = number.and_then(|number| references.get(&number).copied());
        let batch = &mut scratch.batch;
        match reference.unwrap_or(Err(SampleRefusal::UnknownSeries)) {
            Ok(reference) => {
                forgotten.insert(batch.series[*row], reference);
                batch.series[*row] = reference;
                let time = Timestamp(batch.times[*row]);
                match batch.histograms.binary_search_by_key(row, |(at, _)| *at) {
                    Ok(at) => again.push_histogram(reference, time, batch.histograms[at].1.clone()),
                    Err(_) => again.push(reference, time, batch.values[*row]),
                }
                let start = batch.start_time(*row);
                if start != 0 {
                    again.set_start(Timestamp(start));
                }
                rows_again.push(*row);
            }
            Err(refusal) => refused.push((*row, refusal)),
        }
    }
    for (series, exemplar) in &scratch.batch.exemplars {
        if let Some(reference) = forgotten.get(series) {
            again.exemplars.push((*reference, exemplar.clone()));
        }
    }
    let report = writer.commit(&again)?;
    refused.extend(
        report
            .refused
            .into_iter()
            .filter_map(|(row, refusal)| Some((*rows_again.get(row)?, refusal))),
    );
    Ok(refused)
}

/// The value that a series has at a time, for the text about another one there.
pub(crate) enum Existing {
    Float(f64),
    Histogram,
}

pub(crate) fn existing(
    reader: &dyn SeriesReader,
    labels: &Labels,
    time: Timestamp,
) -> Option<Existing> {
    let equal = |(name, value): (&str, &str)| Matcher::equal(name, value);
    let matchers: Vec<Matcher> = labels.iter().map(equal).collect();
    let list = reader
        .select(&SelectRequest {
            range: TimeRange::new(time, time),
            matchers: &matchers,
            projection: Projection::All,
        })
        .ok()?;
    // Series with more labels match too.
    let row = (0..list.len()).find(|row| list.labels(*row) == *labels)?;
    let mut batch = SeriesBatch::new();
    list.read(row..row + 1, &mut batch).ok()?;
    if !batch.histograms_of(0).is_empty() {
        return Some(Existing::Histogram);
    }
    let (_, values) = batch.floats(0);
    values.first().copied().map(Existing::Float)
}
