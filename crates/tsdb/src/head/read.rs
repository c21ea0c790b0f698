//! The list of series that a select gives, and reading it into columns.

use std::ops::Range;
use std::sync::Arc;

use model::labels::Labels;
use model::storage::{ReadError, SelectRequest, SeriesBatch, SeriesList, TimeRange};

use super::Inner;
use super::annotations::is_deleted;
use super::pins::Pin;
use super::select::{Row, clamp, rows};

/// Eight bytes per series; samples stay where they are until they are read.
#[derive(Debug)]
pub(super) struct HeadSeries {
    inner: Arc<Inner>,
    rows: Vec<Row>,
    range: TimeRange,
    _pin: Pin,
}

impl HeadSeries {
    pub(super) fn new(inner: &Arc<Inner>, request: &SelectRequest<'_>) -> Self {
        let pin = inner.pins.pin();
        Self {
            rows: rows(inner, request.range, request.matchers),
            range: clamp(inner, request.range),
            inner: inner.clone(),
            _pin: pin,
        }
    }
}

impl SeriesList for HeadSeries {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn labels(&self, row: usize) -> Labels {
        let inner = &self.inner;
        self.rows
            .get(row)
            .and_then(|row| inner.index.read().labels(&inner.pages, row.series))
            .unwrap_or_default()
    }

    fn read(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let rows = self.rows.get(rows).ok_or_else(|| {
            ReadError::Failed("rows beyond the end of the list were asked for".to_owned())
        })?;
        let mut scratch = SeriesBatch::new();
        for row in rows {
            let tombstones = self.inner.tombstones.read().of(row.series);
            let result = self.inner.pages.with(row.series, |view| {
                if tombstones.is_empty() {
                    view.record.read(row.visible, self.range, batch)
                } else {
                    scratch.clear();
                    view.record.read(row.visible, self.range, &mut scratch)
                }
            });
            if let Some(Err(error)) = result {
                return Err(ReadError::Corrupt(error.to_string()));
            }
            if !tombstones.is_empty() {
                scratch.finish_series();
                copy_without(&scratch, &tombstones, batch);
            }
            batch.finish_series();
        }
        Ok(())
    }
}

fn copy_without(source: &SeriesBatch, tombstones: &[TimeRange], batch: &mut SeriesBatch) {
    let mut histograms = source.histograms.iter().peekable();
    for (at, time) in source.times.iter().enumerate() {
        let histogram = histograms.next_if(|(position, _)| *position == at);
        if is_deleted(tombstones, *time) {
            continue;
        }
        match histogram {
            Some((_, histogram)) => batch.push_histogram(*time, histogram.clone()),
            None => batch.push_float(*time, source.values[at]),
        }
    }
}
