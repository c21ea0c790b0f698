//! Series in memory, for tests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use model::histogram::CounterResetHint;
use model::sample::{Value, is_stale};
use model::storage::{ReadError, SelectRequest, SeriesBatch, SeriesList, SeriesReader, TimeRange};
use model::{FloatHistogram, Labels, Matcher};

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    time: i64,
    start: i64,
    value: Value,
}

#[derive(Clone, Debug)]
struct StoredSeries {
    labels: Labels,
    /// By time.
    samples: Vec<Sample>,
}

/// A small store of series, in the order in which they were first added.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    series: Vec<Arc<StoredSeries>>,
    by_labels: BTreeMap<Labels, usize>,
}

impl MemoryStorage {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds a sample; one at the same time is replaced.
    pub fn add(&mut self, labels: &Labels, time: i64, value: Value) {
        self.add_with_start(labels, time, 0, value);
    }

    /// Adds a sample with its start timestamp; 0 means unknown.
    pub fn add_with_start(&mut self, labels: &Labels, time: i64, start: i64, value: Value) {
        let at = *self.by_labels.entry(labels.clone()).or_insert_with(|| {
            self.series.push(Arc::new(StoredSeries {
                labels: labels.clone(),
                samples: Vec::new(),
            }));
            self.series.len() - 1
        });
        if let Some(series) = self.series.get_mut(at) {
            let series = Arc::make_mut(series);
            let sample = Sample { time, start, value };
            let at = series.samples.partition_point(|known| known.time < time);
            if series
                .samples
                .get(at)
                .is_some_and(|known| known.time == time)
            {
                series.samples.remove(at);
            }
            let previous = at.checked_sub(1).and_then(|at| series.samples.get(at));
            let value = as_stored(sample.value, previous);
            series.samples.insert(at, Sample { value, ..sample });
        }
    }

    fn matching(&self, range: TimeRange, matchers: &[Matcher]) -> Vec<Arc<StoredSeries>> {
        let is_match = |series: &&Arc<StoredSeries>| {
            matchers
                .iter()
                .all(|matcher| matcher.matches_labels(&series.labels))
                && !within(&series.samples, range).is_empty()
        };
        self.series.iter().filter(is_match).cloned().collect()
    }
}

/// Sets the reset hint that a sample has when it is read back from chunks: after a histogram that it
/// continues it is known not to be a reset; at the start of a chunk nothing is known.
fn as_stored(value: Value, previous: Option<&Sample>) -> Value {
    let Value::Histogram(mut histogram) = value else {
        return value;
    };
    let hint = match (histogram.counter_reset_hint, previous.map(|p| &p.value)) {
        (CounterResetHint::Gauge, _) => CounterResetHint::Gauge,
        (CounterResetHint::Reset, _) => CounterResetHint::Unknown,
        (_, Some(Value::Histogram(previous))) => {
            let is_chunk = previous.counter_reset_hint != CounterResetHint::Gauge
                && !is_stale(previous.sum)
                && previous.schema == histogram.schema
                && previous.zero_threshold == histogram.zero_threshold
                && previous.custom_values == histogram.custom_values;
            let mut unhinted = FloatHistogram::clone(&histogram);
            unhinted.counter_reset_hint = CounterResetHint::Unknown;
            if is_chunk && (is_stale(histogram.sum) || !unhinted.is_reset_after(previous)) {
                CounterResetHint::NotReset
            } else {
                CounterResetHint::Unknown
            }
        }
        _ => CounterResetHint::Unknown,
    };
    if hint != histogram.counter_reset_hint {
        Arc::make_mut(&mut histogram).counter_reset_hint = hint;
    }
    Value::Histogram(histogram)
}

fn within(samples: &[Sample], range: TimeRange) -> &[Sample] {
    let start = samples.partition_point(|sample| sample.time < range.start.millis());
    let end = samples.partition_point(|sample| sample.time <= range.end.millis());
    samples.get(start..end).unwrap_or(&[])
}

impl SeriesReader for MemoryStorage {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        Ok(Arc::new(Selection {
            series: self.matching(request.range, request.matchers),
            range: request.range,
        }))
    }

    fn label_names(
        &self,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        let mut names: Vec<String> = self
            .matching(range, matchers)
            .iter()
            .flat_map(|series| series.labels.iter().map(|(name, _)| name.to_owned()))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        let mut values: Vec<String> = self
            .matching(range, matchers)
            .iter()
            .filter_map(|series| series.labels.get(name).map(str::to_owned))
            .collect();
        values.sort();
        values.dedup();
        Ok(values)
    }
}

struct Selection {
    series: Vec<Arc<StoredSeries>>,
    range: TimeRange,
}

impl SeriesList for Selection {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, row: usize) -> Labels {
        self.series
            .get(row)
            .map_or_else(Labels::empty, |series| series.labels.clone())
    }

    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        for series in self.series.get(rows).unwrap_or(&[]) {
            for sample in within(&series.samples, self.range) {
                match &sample.value {
                    Value::Float(value) => batch.push_float(sample.time, *value),
                    Value::Histogram(histogram) => {
                        batch.push_histogram(sample.time, Arc::clone(histogram));
                    }
                }
                batch.start_times.push(sample.start);
            }
            batch.finish_series();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    #[test]
    fn reads_what_was_added() {
        let mut storage = MemoryStorage::new();
        let labels = Labels::from_pairs([("__name__", "m"), ("a", "1")]);
        storage.add(&labels, 2000, Value::Float(2.0));
        storage.add(&labels, 1000, Value::Float(1.0));
        let request = SelectRequest {
            range: TimeRange::new(Timestamp(1500), Timestamp(9000)),
            matchers: &[Matcher::equal("a", "1")],
            projection: model::storage::Projection::All,
        };
        let list = storage.select(&request).unwrap();
        let mut batch = SeriesBatch::new();
        list.read(0..list.len(), &mut batch).unwrap();
        assert_eq!(batch.floats(0), (&[2000][..], &[2.0][..]));
        assert_eq!(
            storage.label_values("a", TimeRange::ALL, &[]).unwrap(),
            ["1"]
        );
    }
}
