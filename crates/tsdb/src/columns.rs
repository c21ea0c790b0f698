//! Changing columns of samples in place: leaving out deleted ones, and merging what overlaps.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram};
use model::storage::{SeriesBatch, TimeRange};
use model::time::Timestamp;

/// Takes deleted samples out of what was appended since the batch had `from` samples.
pub(crate) fn remove_deleted(batch: &mut SeriesBatch, from: usize, deleted: &[TimeRange]) {
    let keep: Vec<bool> = batch
        .times
        .get(from..)
        .unwrap_or_default()
        .iter()
        .map(|time| !deleted.iter().any(|range| range.contains(Timestamp(*time))))
        .collect();
    if keep.iter().all(|keep| *keep) {
        return;
    }
    let mut kept = from;
    let first = batch.histograms.partition_point(|(at, _)| *at < from);
    let tail = batch.histograms.split_off(first);
    let mut histograms = tail.into_iter().peekable();
    for (at, keep) in keep.into_iter().enumerate() {
        let at = from + at;
        let histogram = histograms.next_if(|(position, _)| *position == at);
        if !keep {
            continue;
        }
        batch.times[kept] = batch.times[at];
        batch.values[kept] = batch.values[at];
        if let Some(start_time) = batch.start_times.get(at).copied() {
            batch.start_times[kept] = start_time;
        }
        if let Some((_, histogram)) = histogram {
            batch.histograms.push((kept, histogram));
        }
        kept += 1;
    }
    batch.times.truncate(kept);
    batch.values.truncate(kept);
    batch.start_times.truncate(kept);
}

/// One sample taken out of the columns.
#[derive(Clone, Debug)]
struct Cell {
    time: i64,
    value: f64,
    start_time: i64,
    histogram: Option<Arc<FloatHistogram>>,
}

impl Cell {
    fn forget_hint(&mut self) {
        let Some(histogram) = &mut self.histogram else {
            return;
        };
        let hint = histogram.counter_reset_hint;
        if !matches!(hint, CounterResetHint::Gauge | CounterResetHint::Unknown) {
            Arc::make_mut(histogram).counter_reset_hint = CounterResetHint::Unknown;
        }
    }
}

/// Appends the samples of `source`, one unfinished series, to what was appended to `batch` since it had
/// `from` samples. Times that both have keep the sample of `batch`. Where a histogram follows one of the
/// other side, what it says of counter resets is about another one, and so is forgotten.
pub(crate) fn merge(batch: &mut SeriesBatch, from: usize, source: &SeriesBatch) {
    let Some(first) = source.times.first() else {
        return;
    };
    let is_after = batch.times.len() == from || batch.times.last().is_some_and(|last| last < first);
    if is_after {
        append(batch, source);
        return;
    }
    let old = take(batch, from);
    let new = cells(source, 0);
    let mut old = old.into_iter().peekable();
    let mut new = new.into_iter().peekable();
    let mut side_before = None;
    loop {
        let (side, next) = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) if a.time < b.time => (Side::Old, old.next()),
            (Some(a), Some(b)) if a.time == b.time => {
                new.next();
                (Side::Old, old.next())
            }
            (_, Some(_)) => (Side::New, new.next()),
            (Some(_), None) => (Side::Old, old.next()),
            (None, None) => break,
        };
        if let Some(mut cell) = next {
            if side_before.is_some_and(|before| before != side) {
                cell.forget_hint();
            }
            push(batch, cell);
        }
        side_before = Some(side);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

/// Brings into order what was appended since the batch had `middle` samples, with what was since it had
/// `from`.
pub(crate) fn merge_tail(batch: &mut SeriesBatch, from: usize, middle: usize) {
    let (Some(first), Some(before)) = (
        batch.times.get(middle).copied(),
        middle
            .checked_sub(1)
            .filter(|before| *before >= from)
            .and_then(|before| batch.times.get(before).copied()),
    ) else {
        return;
    };
    if before < first {
        return;
    }
    let mut tail = SeriesBatch::new();
    for cell in take(batch, middle) {
        push(&mut tail, cell);
    }
    merge(batch, from, &tail);
}

fn append(batch: &mut SeriesBatch, source: &SeriesBatch) {
    let offset = batch.times.len();
    batch.times.extend_from_slice(&source.times);
    batch.values.extend_from_slice(&source.values);
    let histograms = source.histograms.iter();
    batch
        .histograms
        .extend(histograms.map(|(at, histogram)| (offset + at, histogram.clone())));
    if !source.start_times.is_empty() {
        batch.start_times.resize(offset, 0);
        batch.start_times.extend_from_slice(&source.start_times);
    }
}

fn cells(source: &SeriesBatch, from: usize) -> Vec<Cell> {
    let first = source.histograms.partition_point(|(at, _)| *at < from);
    let mut histograms = source.histograms[first..].iter().peekable();
    (from..source.times.len())
        .map(|at| Cell {
            time: source.times[at],
            value: source.values[at],
            start_time: source.start_times.get(at).copied().unwrap_or(0),
            histogram: histograms
                .next_if(|(position, _)| *position == at)
                .map(|(_, histogram)| histogram.clone()),
        })
        .collect()
}

fn take(batch: &mut SeriesBatch, from: usize) -> Vec<Cell> {
    let cells = cells(batch, from);
    let first = batch.histograms.partition_point(|(at, _)| *at < from);
    batch.histograms.truncate(first);
    batch.times.truncate(from);
    batch.values.truncate(from);
    batch.start_times.truncate(from);
    cells
}

fn push(batch: &mut SeriesBatch, cell: Cell) {
    if cell.start_time != 0 || !batch.start_times.is_empty() {
        batch.start_times.resize(batch.times.len(), 0);
        batch.start_times.push(cell.start_time);
    }
    match cell.histogram {
        Some(histogram) => batch.push_histogram(cell.time, histogram),
        None => batch.push_float(cell.time, cell.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(samples: &[(i64, f64)]) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (time, value) in samples {
            if *value < 0.0 {
                let histogram = FloatHistogram {
                    sum: *value,
                    ..FloatHistogram::default()
                };
                batch.push_histogram(*time, Arc::new(histogram));
            } else {
                batch.push_float(*time, *value);
            }
        }
        batch
    }

    fn samples(batch: &SeriesBatch) -> Vec<(i64, f64)> {
        cells(batch, 0)
            .into_iter()
            .map(|cell| {
                let sum = cell.histogram.map(|histogram| histogram.sum);
                (cell.time, sum.unwrap_or(cell.value))
            })
            .collect()
    }

    #[test]
    fn merging_keeps_order_and_the_first_of_equal_times() {
        let mut merged = batch(&[(1, 1.0), (5, -5.0), (9, 9.0)]);
        merge(&mut merged, 1, &batch(&[(4, 4.0), (5, 50.0), (10, -10.0)]));
        merge(&mut merged, 1, &batch(&[(11, 11.0)]));
        merge(&mut merged, 1, &batch(&[]));
        let expected = [
            (1, 1.0),
            (4, 4.0),
            (5, -5.0),
            (9, 9.0),
            (10, -10.0),
            (11, 11.0),
        ];
        assert_eq!(samples(&merged), expected);
    }

    #[test]
    fn deleted_samples_go_with_their_histograms() {
        let mut columns = batch(&[(1, 1.0), (2, -2.0), (3, 3.0), (4, -4.0), (5, 5.0)]);
        columns.start_times = vec![0, 0, 3, 4, 5];
        let deleted = [TimeRange::new(Timestamp(0), Timestamp(3))];
        remove_deleted(&mut columns, 1, &deleted);
        assert_eq!(samples(&columns), [(1, 1.0), (4, -4.0), (5, 5.0)]);
        assert_eq!(columns.start_times, [0, 4, 5]);
    }
}
