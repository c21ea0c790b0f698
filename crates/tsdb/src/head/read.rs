//! The list of series that a select gives, and reading it into columns.

use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::labels::Labels;
use model::storage::{
    Projection, ReadError, RowGroups, SelectRequest, SeriesBatch, SeriesList, TimeRange,
};

use super::Inner;
use super::annotations::is_deleted;
use super::mapped::cursor::{Cursor, CursorError};
use super::page::{SeriesView, page_of};
use super::pins::Pin;
use super::select::{Row, clamp, rows};
use super::series::{ChunkList, ListedChunk, Place};
use super::symbols::Symbol;
use crate::chunk::{align_start_times, decode_counted};

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

impl HeadSeries {
    /// Looks at some rows, in order; neighbours share a page, which is locked once. Rows are never gone
    /// while the list is pinned.
    fn visit(
        &self,
        rows: Range<usize>,
        mut visit: impl FnMut(Row, SeriesView<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let rows = self.rows.get(rows).ok_or_else(|| {
            ReadError::Failed("rows beyond the end of the list were asked for".to_owned())
        })?;
        for rows in rows.chunk_by(|a, b| page_of(a.series) == page_of(b.series)) {
            let Some(first) = rows.first() else { continue };
            let Some(page) = self.inner.pages.get(page_of(first.series)) else {
                continue;
            };
            let data = page.read();
            for row in rows {
                if let Some(view) = data.view(row.series) {
                    visit(*row, view)?;
                }
            }
        }
        Ok(())
    }

    /// Notes the chunks of some rows, page by page, and gives each row to `decode` when its page is free
    /// again: commits wait for copies of open chunks, never for a file or a decoder.
    fn decode(
        &self,
        rows: Range<usize>,
        mut decode: impl FnMut(NotedRow<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let rows = self.rows.get(rows).ok_or_else(|| {
            ReadError::Failed("rows beyond the end of the list were asked for".to_owned())
        })?;
        let mut list = ChunkList::default();
        let mut noted = Vec::new();
        for rows in rows.chunk_by(|a, b| page_of(a.series) == page_of(b.series)) {
            let Some(first) = rows.first() else { continue };
            let Some(page) = self.inner.pages.get(page_of(first.series)) else {
                continue;
            };
            list.clear();
            noted.clear();
            {
                let data = page.read();
                for row in rows {
                    if let Some(record) = data.get(row.series) {
                        let newest = record.newest_float(row.visible, self.range);
                        record.list(row.visible, self.range, &mut list);
                        noted.push((row.series, newest, list.chunks.len()));
                    }
                }
            }
            let mut start = 0;
            for (series, newest, end) in &noted {
                decode(NotedRow {
                    series: *series,
                    newest: *newest,
                    list: &list,
                    chunks: start..*end,
                })?;
                start = *end;
            }
        }
        Ok(())
    }

    fn decode_row(
        &self,
        row: &NotedRow<'_>,
        cursor: &mut Cursor,
        batch: &mut SeriesBatch,
    ) -> Result<(), ReadError> {
        for chunk in row.list.chunks.get(row.chunks.clone()).unwrap_or_default() {
            let data = chunk_data(&self.inner, row.series, row.list, chunk, cursor)?;
            decode_counted(chunk.head.encoding, data, chunk.samples, self.range, batch)
                .map_err(|error| ReadError::Corrupt(error.to_string()))?;
        }
        Ok(())
    }

    fn decode_undeleted(
        &self,
        row: &NotedRow<'_>,
        cursor: &mut Cursor,
        batch: &mut SeriesBatch,
    ) -> Result<(), ReadError> {
        let tombstones = self.inner.tombstones.read().of(row.series);
        if tombstones.is_empty() {
            return self.decode_row(row, cursor, batch);
        }
        let mut all = SeriesBatch::new();
        self.decode_row(row, cursor, &mut all)?;
        all.finish_series();
        copy_without(&all, &tombstones, batch);
        Ok(())
    }
}

/// A row with its chunks.
struct NotedRow<'a> {
    series: u32,
    /// The newest sample, where no chunk needs to be decoded for it.
    newest: Option<(i64, f64)>,
    list: &'a ChunkList,
    chunks: Range<usize>,
}

/// The data of a listed chunk, wherever it is.
pub(super) fn chunk_data<'d>(
    inner: &Inner,
    series: u32,
    list: &'d ChunkList,
    chunk: &ListedChunk,
    cursor: &'d mut Cursor,
) -> Result<&'d [u8], ReadError> {
    match &chunk.place {
        Place::Copied(range) => Ok(list.copied(range)),
        Place::File(position) => {
            let reference = inner.reference(series);
            let data = cursor.data(&inner.chunks, *position, reference);
            data.map_err(|error| match error {
                CursorError::Io(error) => ReadError::Failed(error.to_string()),
                CursorError::Corrupt(reason) => ReadError::Corrupt(reason),
            })
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
        // Most heads have no tombstones, and looking costs a lock.
        let has_tombstones = !self.inner.tombstones.read().is_empty();
        let mut cursor = Cursor::default();
        self.decode(rows, |row| {
            if has_tombstones {
                self.decode_undeleted(&row, &mut cursor, batch)?;
            } else {
                self.decode_row(&row, &mut cursor, batch)?;
            }
            batch.finish_series();
            Ok(())
        })?;
        align_start_times(batch);
        Ok(())
    }

    fn read_newest(&self, rows: Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        let has_tombstones = !self.inner.tombstones.read().is_empty();
        let mut all = SeriesBatch::new();
        let mut cursor = Cursor::default();
        self.decode(rows, |row| {
            if let Some((time, value)) = row.newest.filter(|_| !has_tombstones) {
                batch.push_float(time, value);
            } else {
                all.clear();
                self.decode_undeleted(&row, &mut cursor, &mut all)?;
                all.finish_series();
                batch.push_newest(&all, 0);
            }
            batch.finish_series();
            Ok(())
        })?;
        align_start_times(batch);
        Ok(())
    }

    fn groups(&self, by: Projection<'_>) -> RowGroups {
        let index = self.inner.index.read();
        // Names that no series has stay away from the comparisons.
        let symbols = |names: &[String]| -> Vec<Symbol> {
            names
                .iter()
                .filter_map(|name| index.symbols.get(name))
                .collect()
        };
        let (names, is_wanted) = match by {
            Projection::All => (Vec::new(), false),
            Projection::Only(names) => (symbols(names), true),
            Projection::AllBut(names) => (symbols(names), false),
        };
        let mut groups = RowGroups::default();
        groups.of_row.reserve(self.rows.len());
        let mut known: HashMap<Box<[(Symbol, Symbol)]>, u32, RandomState> = HashMap::default();
        let mut key = Vec::new();
        // Neighbours are often of one group.
        let mut last = None;
        let visited = self.visit(0..self.rows.len(), |_, view| {
            key.clear();
            let labels = view.labels();
            key.extend(labels.filter(|(name, _)| names.contains(name) == is_wanted));
            if let Some((last_key, group)) = &last
                && *last_key == key
            {
                groups.of_row.push(*group);
                return Ok(());
            }
            let group = match known.get(key.as_slice()) {
                Some(group) => *group,
                None => {
                    let group = u32::try_from(groups.labels.len()).unwrap_or(u32::MAX);
                    groups.labels.push(index.labels_of(&key));
                    known.insert(key.as_slice().into(), group);
                    group
                }
            };
            groups.of_row.push(group);
            last = Some((key.clone(), group));
            Ok(())
        });
        debug_assert!(visited.is_ok(), "the range is that of all rows");
        groups
    }

    fn may_have_label(&self, name: &str) -> bool {
        self.inner.index.read().label(name).is_some()
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
