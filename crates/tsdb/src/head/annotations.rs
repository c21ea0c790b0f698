//! Metadata by metric name, and tombstones by series.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use model::matcher::Matcher;
use model::metadata::Metadata;
use model::storage::{TimeRange, WriteError};
use model::time::Timestamp;

use super::{Inner, commit, select};
use crate::log::record::{Tombstone, encode_tombstones};

/// Type, help and unit; one entry per metric name, the newest.
#[derive(Debug, Default)]
pub(super) struct MetadataTable(BTreeMap<Box<str>, Metadata>);

impl MetadataTable {
    pub(super) fn is_known(&self, metric: &str, metadata: &Metadata) -> bool {
        self.0.get(metric) == Some(metadata)
    }

    pub(super) fn set(&mut self, metric: &str, metadata: Metadata) {
        match self.0.get_mut(metric) {
            Some(own) => *own = metadata,
            None => {
                self.0.insert(metric.into(), metadata);
            }
        }
    }

    /// Forgets metrics that are gone.
    pub(super) fn retain(&mut self, is_alive: impl Fn(&str) -> bool) {
        self.0.retain(|metric, _| is_alive(metric));
    }

    pub(super) fn list(&self, metric: Option<&str>) -> Vec<(String, Metadata)> {
        match metric {
            Some(metric) => self
                .0
                .get(metric)
                .map(|metadata| (metric.to_owned(), metadata.clone()))
                .into_iter()
                .collect(),
            None => self
                .0
                .iter()
                .map(|(metric, metadata)| (metric.to_string(), metadata.clone()))
                .collect(),
        }
    }
}

/// Deleted ranges; most series have none, most heads none at all.
#[derive(Debug, Default)]
pub(super) struct Tombstones(HashMap<u32, Arc<[TimeRange]>>);

impl Tombstones {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, series: u32) -> Arc<[TimeRange]> {
        if self.0.is_empty() {
            return Arc::default();
        }
        self.0.get(&series).cloned().unwrap_or_default()
    }

    pub(super) fn add(&mut self, series: u32, range: TimeRange) {
        let ranges = self.0.entry(series).or_default();
        if !ranges.contains(&range) {
            *ranges = ranges.iter().copied().chain([range]).collect();
        }
    }

    pub(super) fn all(&self) -> Vec<(u32, TimeRange)> {
        let ranges = |(series, ranges): (&u32, &Arc<[TimeRange]>)| {
            let series = *series;
            ranges
                .iter()
                .map(move |range| (series, *range))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(ranges).collect()
    }

    /// Forgets what lies before `time`, and series that are gone.
    pub(super) fn retain(&mut self, time: i64, is_alive: impl Fn(u32) -> bool) {
        self.0.retain(|series, ranges| {
            *ranges = ranges
                .iter()
                .copied()
                .filter(|range| range.end.0 >= time)
                .collect();
            !ranges.is_empty() && is_alive(*series)
        });
    }
}

/// Logs and applies the deletion. Samples that are committed later are not touched by it: a range
/// ends at the newest sample that a series has now.
pub(super) fn delete(
    inner: &Inner,
    range: TimeRange,
    matchers: &[Matcher],
) -> Result<usize, WriteError> {
    let _pin = inner.pins.pin();
    let mut writer = inner.writer.lock();
    let set = super::matching::Matching {
        index: &inner.index.read(),
        pages: &inner.pages,
    }
    .series(matchers);
    let range = select::clamp(inner, range);
    let mut found = Vec::new();
    for series in set {
        let end = inner
            .pages
            .with(series, |view| {
                let end = view.record.last_time()?.min(range.end.0);
                (view.record.overlaps(range) && range.start.0 <= end).then_some(end)
            })
            .flatten();
        if let Some(end) = end {
            found.push((series, TimeRange::new(range.start, Timestamp(end))));
        }
    }
    let tombstones: Vec<Tombstone> = found
        .iter()
        .map(|(series, range)| Tombstone {
            series: inner.reference(*series),
            start: range.start.0,
            end: range.end.0,
        })
        .collect();
    if tombstones.is_empty() {
        return Ok(0);
    }
    let mut record = Vec::new();
    encode_tombstones(&mut record, &tombstones);
    commit::append_records(&mut writer, &[&record])?;
    let mut table = inner.tombstones.write();
    for (series, range) in found {
        table.add(series, range);
    }
    Ok(tombstones.len())
}
