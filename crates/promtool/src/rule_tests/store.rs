//! The series of one test: those of the file, and those that rules write.

use std::collections::HashMap;
use std::sync::Arc;

use model::storage::{
    CommitReport, HistogramSample, ReadError, SampleBatch, SampleRefusal, SampleWriter,
    SelectRequest, SeriesList, SeriesReader, SeriesRef, TimeRange, WriteError,
};
use model::{Labels, Matcher, Value};
use parking_lot::RwLock;
use promql::testing::memory::MemoryStorage;

/// Series in memory. Samples of a series come in order; others are refused as in a server.
#[derive(Debug, Default)]
pub(super) struct Store(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    memory: MemoryStorage,
    /// By reference, with the newest sample.
    series: Vec<(Labels, Option<(i64, Value)>)>,
    references: HashMap<Labels, usize>,
}

impl Inner {
    fn reference(&mut self, labels: &Labels) -> usize {
        if let Some(reference) = self.references.get(labels) {
            return *reference;
        }
        let reference = self.series.len();
        self.series.push((labels.clone(), None));
        self.references.insert(labels.clone(), reference);
        reference
    }

    fn append(&mut self, reference: usize, time: i64, value: Value) -> Result<(), SampleRefusal> {
        let Some((labels, newest)) = self.series.get_mut(reference) else {
            return Err(SampleRefusal::UnknownSeries);
        };
        if let Some((newest, known)) = newest {
            if time < *newest {
                return Err(SampleRefusal::OutOfOrder);
            }
            if time == *newest {
                // The same once more is no news, as in the peer.
                return match is_same(known, &value) {
                    true => Ok(()),
                    false => Err(SampleRefusal::DuplicateTimestamp),
                };
            }
        }
        *newest = Some((time, value.clone()));
        self.memory.add(labels, time, value);
        Ok(())
    }
}

/// Bit by bit, so that a staleness marker is not another NaN.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Histogram(a), Value::Histogram(b)) => a == b,
        _ => false,
    }
}

impl Store {
    pub(super) fn append(
        &self,
        labels: &Labels,
        time: i64,
        value: Value,
    ) -> Result<(), SampleRefusal> {
        let mut inner = self.0.write();
        let reference = inner.reference(labels);
        inner.append(reference, time, value)
    }
}

impl SampleWriter for Store {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        Ok(SeriesRef(self.0.write().reference(labels) as u64))
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        let mut inner = self.0.write();
        let mut report = CommitReport::default();
        let mut histograms = batch.histograms.iter().peekable();
        let rows = batch.series.iter().zip(&batch.times).zip(&batch.values);
        for (row, ((series, time), value)) in rows.enumerate() {
            let histogram = histograms.next_if(|(own, _)| *own == row);
            let value = match histogram.map(|(_, histogram)| histogram) {
                Some(HistogramSample::Integer(histogram)) => {
                    Value::Histogram(Arc::new(histogram.to_float()))
                }
                Some(HistogramSample::Float(histogram)) => Value::Histogram(Arc::clone(histogram)),
                None => Value::Float(*value),
            };
            let reference = usize::try_from(series.0).unwrap_or(usize::MAX);
            match inner.append(reference, *time, value) {
                Ok(()) => report.appended += 1,
                Err(refusal) => report.refused.push((row, refusal)),
            }
        }
        Ok(report)
    }
}

impl SeriesReader for Store {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        self.0.read().memory.select(request)
    }

    fn label_names(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        self.0.read().memory.label_names(range, matchers)
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        self.0.read().memory.label_values(name, range, matchers)
    }
}
