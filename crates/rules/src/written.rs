//! The series that a rule writes, remembered from one evaluation to the next: those that do not come again end
//! with a staleness marker, and those that do need not be looked up.

use std::collections::HashMap;

use model::format::float_general;
use model::sample::STALE_NAN;
use model::storage::{
    HistogramSample, Projection, SampleBatch, SampleRefusal, SampleWriter, SelectRequest,
    SeriesBatch, SeriesReader, SeriesRef, TimeRange,
};
use model::{Labels, Matcher, Timestamp, Value};

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

/// A result that the store did not take.
#[derive(Debug)]
pub(crate) struct Refused {
    refusal: SampleRefusal,
    sample: ResultSample,
    time: Timestamp,
}

impl Refused {
    /// Names both values where the series has another one at this time.
    pub(crate) fn reason(&self, reader: &dyn SeriesReader) -> RuleRefusal {
        let Self { refusal, time, .. } = self;
        let mut text = refusal.to_string();
        if let (SampleRefusal::DuplicateTimestamp, Value::Float(value)) =
            (refusal, &self.sample.value)
            // The peer takes the first millisecond of all for no time.
            && time.millis() != 0
            && let Some(existing) = self.existing(reader)
        {
            let value = float_general(*value);
            text += &format!(
                " {}; overrides not allowed: existing {existing}, new value {value}",
                time.millis()
            );
        }
        RuleRefusal::Sample {
            refusal: *refusal,
            text,
        }
    }

    fn existing(&self, reader: &dyn SeriesReader) -> Option<String> {
        let labels = &self.sample.labels;
        let matchers: Vec<Matcher> = labels
            .iter()
            .map(|(name, value)| Matcher::equal(name, value))
            .collect();
        let list = reader.select(&SelectRequest {
            range: TimeRange::new(self.time, self.time),
            matchers: &matchers,
            projection: Projection::All,
        });
        let list = list.ok()?;
        let row = (0..list.len()).find(|row| list.labels(*row) == *labels)?;
        let mut batch = SeriesBatch::new();
        list.read(row..row + 1, &mut batch).ok()?;
        match batch.floats(0).1.last() {
            Some(value) => Some(float_general(*value).to_string()),
            None => Some("is a histogram".to_owned()),
        }
    }
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
    /// not among them. Gives what the store refused of the samples; the others are stored then.
    pub(crate) fn write(
        &mut self,
        writer: &dyn SampleWriter,
        time: Timestamp,
        samples: &[ResultSample],
    ) -> Result<Option<Refused>, RuleRefusal> {
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
        let mut refusal = None;
        if !batch.is_empty() {
            refusal = self.commit(writer, &batch, time, samples)?;
        }
        self.series.retain(|_, entry| entry.round == self.round);
        Ok(refusal)
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
    ) -> Result<Option<Refused>, RuleRefusal> {
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
            let mut rows = Vec::new();
            for (row, refusal) in &report.refused {
                // Rows beyond the samples are staleness markers: what the store has dropped has ended.
                if let (true, Some(sample)) = (is_unknown(refusal), samples.get(*row)) {
                    self.series.remove(&sample.labels);
                    let series = self.series_of(writer, &sample.labels)?;
                    push(&mut again, series, time, &sample.value);
                    rows.push(*row);
                }
            }
            report.refused.retain(|(_, refusal)| !is_unknown(refusal));
            let refused = commit(&again)?.refused.into_iter();
            let of_samples = refused.filter_map(|(row, refusal)| Some((*rows.get(row)?, refusal)));
            report.refused.extend(of_samples);
        }
        // A staleness marker is refused where another rule goes on writing the series.
        let refused = report
            .refused
            .iter()
            .filter(|(row, _)| *row < samples.len());
        let mut newest = None;
        for (row, refusal) in refused {
            if let Some(sample) = samples.get(*row) {
                // It is not ours to end.
                self.series.remove(&sample.labels);
                newest = Some(Refused {
                    refusal: *refusal,
                    sample: sample.clone(),
                    time,
                });
            }
        }
        Ok(newest)
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
