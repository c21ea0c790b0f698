//! The series that a rule writes, remembered from one evaluation to the next: those that do not come again end
//! with a staleness marker, and those that do need not be looked up.

use std::collections::HashMap;

use model::sample::STALE_NAN;
use model::storage::{HistogramSample, SampleBatch, SampleRefusal, SampleWriter, SeriesRef};
use model::{Labels, Timestamp, Value};

use crate::environment::ResultSample;
use crate::refusal::RuleRefusal;

#[derive(Debug, Default)]
pub(crate) struct Written {
    series: HashMap<Labels, Entry>,
    round: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    series: SeriesRef,
    /// The latest evaluation that wrote it.
    round: u64,
}

impl Written {
    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Takes over series that were written elsewhere.
    pub(crate) fn adopt(&mut self, other: Self) {
        let round = self.round;
        let adopted = other.series.into_iter();
        self.series
            .extend(adopted.map(|(labels, entry)| (labels, Entry { round, ..entry })));
    }

    /// Commits the samples as one batch, with staleness markers for series that were written before and are
    /// not among them.
    pub(crate) fn write(
        &mut self,
        writer: &dyn SampleWriter,
        time: Timestamp,
        samples: &[ResultSample],
    ) -> Result<(), RuleRefusal> {
        self.round += 1;
        let mut batch = SampleBatch::new();
        for sample in samples {
            let series = self.series_of(writer, &sample.labels)?;
            push(&mut batch, series, time, &sample.value);
        }
        let gone = |entry: &Entry| entry.round != self.round;
        for entry in self.series.values().filter(|entry| gone(entry)) {
            batch.push(entry.series, time, STALE_NAN);
        }
        if !batch.is_empty() {
            self.commit(writer, &batch, time, samples)?;
        }
        self.series.retain(|_, entry| entry.round == self.round);
        Ok(())
    }

    fn series_of(
        &mut self,
        writer: &dyn SampleWriter,
        labels: &Labels,
    ) -> Result<SeriesRef, RuleRefusal> {
        if let Some(entry) = self.series.get_mut(labels) {
            entry.round = self.round;
            return Ok(entry.series);
        }
        let series = writer.resolve(labels).map_err(refused)?;
        let round = self.round;
        self.series.insert(labels.clone(), Entry { series, round });
        Ok(series)
    }

    fn commit(
        &mut self,
        writer: &dyn SampleWriter,
        batch: &SampleBatch,
        time: Timestamp,
        samples: &[ResultSample],
    ) -> Result<(), RuleRefusal> {
        let commit = |batch: &SampleBatch| {
            let report = writer.commit(batch);
            report.map_err(|error| RuleRefusal::Write(error.to_string()))
        };
        let mut report = commit(batch)?;
        let is_unknown = |refusal: &SampleRefusal| *refusal == SampleRefusal::UnknownSeries;
        // The store has dropped series that got no samples for long, such as between two far evaluations.
        if report
            .refused
            .iter()
            .any(|(_, refusal)| is_unknown(refusal))
        {
            let mut again = SampleBatch::new();
            for (row, refusal) in &report.refused {
                // Rows beyond the samples are staleness markers: what the store has dropped has ended.
                if let (true, Some(sample)) = (is_unknown(refusal), samples.get(*row)) {
                    self.series.remove(&sample.labels);
                    let series = self.series_of(writer, &sample.labels)?;
                    push(&mut again, series, time, &sample.value);
                }
            }
            report.refused.retain(|(_, refusal)| !is_unknown(refusal));
            report.refused.extend(commit(&again)?.refused);
        }
        if let Some((_, refusal)) = report.refused.first() {
            tracing::warn!(refused = report.refused.len(), %refusal, "results of a rule were not stored");
        }
        Ok(())
    }
}

fn push(batch: &mut SampleBatch, series: SeriesRef, time: Timestamp, value: &Value) {
    match value {
        Value::Float(value) => batch.push(series, time, *value),
        Value::Histogram(histogram) => {
            let histogram = std::sync::Arc::clone(histogram);
            batch.push_histogram(series, time, HistogramSample::Float(histogram));
        }
    }
}

fn refused(refusal: SampleRefusal) -> RuleRefusal {
    RuleRefusal::Write(refusal.to_string())
}
