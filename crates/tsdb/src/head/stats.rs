//! What the head holds, counted.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use model::labels::METRIC_NAME;
use model::storage::TimeRange;

use super::Inner;

/// Counts of the whole head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadStats {
    pub series: u64,
    /// Series whose last sample is a staleness marker.
    pub stale_series: usize,
    /// Distinct label names with values.
    pub label_pairs: usize,
    pub chunks: usize,
    pub exemplars: usize,
    /// Times of the oldest and the newest sample.
    pub range: Option<TimeRange>,
    /// Bytes of series and chunks; index and symbols not counted.
    pub bytes: usize,
    pub symbols: usize,
    pub labels: LabelStats,
}

/// The largest of each kind, largest first, names breaking ties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelStats {
    pub series_by_metric: Vec<NamedCount>,
    pub values_by_label: Vec<NamedCount>,
    /// Bytes of the values of a label, each counted as often as it is used.
    pub bytes_by_label: Vec<NamedCount>,
    /// By `name=value`.
    pub series_by_pair: Vec<NamedCount>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedCount {
    pub name: String,
    pub count: u64,
}

/// The largest entries, kept while going over all of them.
struct Top {
    size: usize,
    entries: Vec<(Reverse<u64>, String)>,
}

impl Top {
    fn new(size: usize) -> Self {
        Self {
            size,
            // It grows with what is offered: the size may be any number that somebody asked for.
            entries: Vec::new(),
        }
    }

    fn offer(&mut self, count: u64, name: impl FnOnce() -> String) {
        let is_too_small = self.entries.len() >= self.size
            && self.entries.last().is_none_or(|(last, _)| count < last.0);
        if is_too_small {
            return;
        }
        let entry = (Reverse(count), name());
        let at = self.entries.partition_point(|other| *other < entry);
        self.entries.insert(at, entry);
        self.entries.truncate(self.size);
    }

    fn finish(self) -> Vec<NamedCount> {
        let named = |(Reverse(count), name)| NamedCount { name, count };
        self.entries.into_iter().map(named).collect()
    }
}

pub(super) fn stats(inner: &Inner, top: usize) -> HeadStats {
    let mut stats = HeadStats {
        exemplars: inner.exemplars.lock().len(),
        range: inner.time_range(),
        ..HeadStats::default()
    };
    for number in 0..inner.pages.count() {
        if let Some(page) = inner.pages.get(number) {
            let page = page.read();
            stats.bytes += page.bytes();
            stats.chunks += page.chunks();
            stats.stale_series += page.stale_series();
        }
    }
    let index = inner.index.read();
    let mut by_metric = Top::new(top);
    let mut by_label = Top::new(top);
    let mut by_bytes = Top::new(top);
    let mut by_pair = Top::new(top);
    for (name, label) in &index.names {
        let name = index.symbols.text(*name);
        let mut bytes = 0;
        for (value, postings) in &label.values {
            let value = index.symbols.text(*value);
            let count = postings.len();
            bytes += count * value.len() as u64;
            by_pair.offer(count, || format!("{name}={value}"));
            if name == METRIC_NAME {
                by_metric.offer(count, || value.to_owned());
            }
        }
        stats.label_pairs += label.values.len();
        by_label.offer(label.values.len() as u64, || name.to_owned());
        by_bytes.offer(bytes, || name.to_owned());
    }
    stats.series = index.all.len() - inner.without_samples.load(Ordering::Relaxed) as u64;
    stats.symbols = index.symbols.len();
    stats.labels = LabelStats {
        series_by_metric: by_metric.finish(),
        values_by_label: by_label.finish(),
        bytes_by_label: by_bytes.finish(),
        series_by_pair: by_pair.finish(),
    };
    stats
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest number that can be asked for ended in an overflow, a large one in too much memory.
    #[test]
    fn any_number_can_be_asked_for() {
        for size in [usize::MAX, usize::MAX - 1, 1 << 60, 2, 0] {
            let mut top = Top::new(size);
            for (count, name) in [(3, "c"), (5, "a"), (4, "b")] {
                top.offer(count, || name.to_owned());
            }
            let found: Vec<u64> = top.finish().iter().map(|named| named.count).collect();
            assert_eq!(found, [5, 4, 3][..size.min(3)]);
        }
    }
}
