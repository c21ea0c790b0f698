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
use super::late::{self, read::LateRequest};
use super::mapped::Position;
use super::mapped::cursor::{Cursor, CursorError};
use super::page::{SeriesView, page_of};
use super::pins::Pin;
use super::select::{LateRows, Row, clamp, rows};
use super::series::{ChunkList, LateSamples, ListedChunk, Place};
use super::symbols::Symbol;
use crate::chunk::{align_start_times, decode_counted};
use crate::columns;

/// Eight bytes per series; samples stay where they are until they are read.
#[derive(Debug)]
pub(super) struct HeadSeries {
    inner: Arc<Inner>,
    rows: Vec<Row>,
    /// The part of the range that has not been dropped.
    range: TimeRange,
    late: LateRows,
    /// The range of late samples: they are not dropped with the others.
    late_range: TimeRange,
    _pin: Pin,
}

impl HeadSeries {
    pub(super) fn new(inner: &Arc<Inner>, request: &SelectRequest<'_>) -> Self {
        let pin = inner.pins.pin();
        let selected = rows(inner, request.range, request.matchers);
        Self {
            rows: selected.rows,
            range: clamp(inner, request.range),
            late: selected.late,
            late_range: request.range,
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
        let mut late = self.late.from(rows.start);
        let mut at = rows.start;
        let rows = self.rows.get(rows).ok_or_else(|| {
            ReadError::Failed("rows beyond the end of the list were asked for".to_owned())
        })?;
        let mut list = ChunkList::default();
        let mut noted = Vec::new();
        for rows in rows.chunk_by(|a, b| page_of(a.series) == page_of(b.series)) {
            let first_at = at;
            at += rows.len();
            let Some(first) = rows.first() else { continue };
            let Some(page) = self.inner.pages.get(page_of(first.series)) else {
                continue;
            };
            list.clear();
            noted.clear();
            {
                let data = page.read();
                for (at, row) in (first_at..).zip(rows) {
                    if let Some(record) = data.get(row.series) {
                        let newest = record.newest_float(row.visible, self.range);
                        record.list(row.visible, self.range, &mut list);
                        noted.push((at, row.series, newest, list.chunks.len()));
                    }
                }
            }
            let mut start = 0;
            for (at, series, newest, end) in &noted {
                decode(NotedRow {
                    series: *series,
                    newest: *newest,
                    list: &list,
                    chunks: start..*end,
                    late: late.next(*at),
                })?;
                start = *end;
            }
        }
        Ok(())
    }

    fn decode_row(
        &self,
        row: &NotedRow<'_>,
        tombstones: &[TimeRange],
        cursor: &mut Cursor,
        batch: &mut SeriesBatch,
    ) -> Result<(), ReadError> {
        let from = batch.times.len();
        for chunk in row.list.chunks.get(row.chunks.clone()).unwrap_or_default() {
            let data = chunk_data(&self.inner, row.series, row.list, chunk, cursor)?;
            decode_counted(chunk.head.encoding, data, chunk.samples, self.range, batch)
                .map_err(|error| ReadError::Corrupt(error.to_string()))?;
        }
        if !tombstones.is_empty() {
            columns::remove_deleted(batch, from, tombstones);
        }
        match row.late {
            None => Ok(()),
            Some(late) => self.merge_late(row.series, late, cursor, (batch, from)),
        }
    }

    /// The tombstones of a row: most heads have none at all, and looking costs a lock.
    fn tombstones(&self, series: u32, has_any: bool) -> Arc<[TimeRange]> {
        if has_any {
            self.inner.tombstones.read().of(series)
        } else {
            Arc::default()
        }
    }

    /// Puts late samples between the others, which were appended since the batch had `from` samples.
    #[cold]
    fn merge_late(
        &self,
        series: u32,
        late: &LateSamples,
        cursor: &mut Cursor,
        (batch, from): (&mut SeriesBatch, usize),
    ) -> Result<(), ReadError> {
        let request = LateRequest {
            series,
            late,
            snapshot: self.late.snapshot(),
            range: self.late_range,
        };
        let mut samples = Vec::new();
        late::read::samples(&self.inner, request, cursor, &mut samples)?;
        let mut columns = SeriesBatch::new();
        late::read::push(&samples, &mut columns);
        columns::merge(batch, from, &columns);
        Ok(())
    }
}

/// A row with its chunks.
struct NotedRow<'a> {
    series: u32,
    /// The newest sample that came in order, where no chunk needs to be decoded for it.
    newest: Option<(i64, f64)>,
    list: &'a ChunkList,
    chunks: Range<usize>,
    late: Option<&'a LateSamples>,
}

impl NotedRow<'_> {
    /// The newest of all samples in the range, where nothing needs to be decoded for it.
    fn newest(&self) -> Option<(i64, f64)> {
        let is_newest = |newest: &(i64, f64)| {
            let late = self.late.and_then(LateSamples::times);
            late.is_none_or(|(_, end)| end < newest.0)
        };
        self.newest.filter(is_newest)
    }
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
        Place::File(position) => file_data(inner, series, *position, cursor),
    }
}

/// The data of a chunk in a file.
pub(super) fn file_data<'d>(
    inner: &Inner,
    series: u32,
    position: Position,
    cursor: &'d mut Cursor,
) -> Result<&'d [u8], ReadError> {
    let reference = inner.reference(series);
    let data = cursor.data(&inner.chunks, position, reference);
    data.map_err(|error| match error {
        CursorError::Io(error) => ReadError::Failed(error.to_string()),
        CursorError::Corrupt(reason) => ReadError::Corrupt(reason),
    })
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
        let has_tombstones = !self.inner.tombstones.read().is_empty();
        let mut cursor = Cursor::default();
        self.decode(rows, |row| {
            let tombstones = self.tombstones(row.series, has_tombstones);
            self.decode_row(&row, &tombstones, &mut cursor, batch)?;
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
            if let Some((time, value)) = row.newest().filter(|_| !has_tombstones) {
                batch.push_float(time, value);
            } else {
                all.clear();
                let tombstones = self.tombstones(row.series, has_tombstones);
                self.decode_row(&row, &tombstones, &mut cursor, &mut all)?;
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
