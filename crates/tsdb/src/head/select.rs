//! Finding series, with a consistent view of how many samples each has.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashMap;
use model::matcher::Matcher;
use model::storage::TimeRange;
use model::time::Timestamp;
use parking_lot::RwLockReadGuard;
use roaring::RoaringBitmap;

use super::Inner;
use super::matching::Matching;
use super::page::{PageData, page_of};
use super::series::{LateSamples, Visible};
use super::symbols::Symbol;

/// A series and how many of the samples that it ever had may be seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) series: u32,
    pub(super) visible: u32,
}

/// Rows in a consistent state.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) rows: Vec<Row>,
    pub(super) late: LateRows,
}

/// The late samples of those rows that have any, by row.
#[derive(Debug, Default)]
pub(super) struct LateRows {
    rows: Vec<(usize, Arc<LateSamples>)>,
    /// The newest commit that may be seen.
    snapshot: u64,
}

impl LateRows {
    pub(super) fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// By the numbers of their series; `rows` are those that this came with.
    pub(super) fn by_series(&self, rows: &[Row]) -> HashMap<u32, Arc<LateSamples>> {
        let one = |(row, late): &(usize, Arc<LateSamples>)| {
            rows.get(*row).map(|row| (row.series, Arc::clone(late)))
        };
        self.rows.iter().filter_map(one).collect()
    }

    /// To be asked for rows from `row` on, in order.
    pub(super) fn from(&self, row: usize) -> LateIter<'_> {
        let first = self.rows.partition_point(|(own, _)| *own < row);
        LateIter(&self.rows[first..])
    }
}

#[derive(Debug)]
pub(super) struct LateIter<'a>(&'a [(usize, Arc<LateSamples>)]);

impl<'a> LateIter<'a> {
    /// The late samples of a row after those that were asked for before.
    #[inline]
    pub(super) fn next(&mut self, row: usize) -> Option<&'a LateSamples> {
        while let Some(((own, late), rest)) = self.0.split_first() {
            if *own > row {
                break;
            }
            self.0 = rest;
            if *own == row {
                return Some(late);
            }
        }
        None
    }
}

/// Looks before the writer is made to wait.
const LOOKS_MAX: usize = 3;

/// The part of a range that has not been dropped.
pub(super) fn clamp(inner: &Inner, range: TimeRange) -> TimeRange {
    let start = inner.valid_from.load(Ordering::Relaxed).max(range.start.0);
    TimeRange::new(Timestamp(start), range.end)
}

/// Rows of matching series that may have samples in the range, by number. Pin first.
pub(super) fn rows(inner: &Inner, range: TimeRange, matchers: &[Matcher]) -> Selected {
    let set = Matching {
        index: &inner.index.read(),
        pages: &inner.pages,
    }
    .series(matchers);
    rows_of(inner, range, &set)
}

pub(super) fn rows_of(inner: &Inner, range: TimeRange, set: &RoaringBitmap) -> Selected {
    for _ in 0..LOOKS_MAX {
        if let Some(rows) = look(inner, range, set) {
            return rows;
        }
    }
    // Commits keep coming faster than we look: hold them for the one pass that this takes.
    let _writer = inner.writer.lock();
    look(inner, range, set).unwrap_or_default()
}

/// One pass over the series; `None` if commits went on too fast for it.
fn look(inner: &Inner, late_range: TimeRange, set: &RoaringBitmap) -> Option<Selected> {
    let range = clamp(inner, late_range);
    let snapshot = inner.committed.load(Ordering::Acquire);
    let hidden = inner.hidden.read();
    let mut late_rows = Vec::new();
    let mut rows = Vec::with_capacity(usize::try_from(set.len()).unwrap_or(0));
    let mut series = set.iter().peekable();
    while let Some(&first) = series.peek() {
        let number = page_of(first);
        let page = inner.pages.get(number);
        let data: Option<RwLockReadGuard<'_, PageData>> = page.as_deref().map(|page| page.read());
        while let Some(series) = series.next_if(|series| page_of(*series) == number) {
            let Some(record) = data.as_ref().and_then(|data| data.get(series)) else {
                continue;
            };
            let late = match record.late() {
                None => None,
                Some(late) if late.is_unclear_at(snapshot) => return None,
                Some(late) => late.overlaps(snapshot, late_range).then(|| late.clone()),
            };
            match record.visible_at(snapshot) {
                Visible::First(visible) => {
                    if late.is_none() && hidden.has(series, visible) {
                        continue;
                    }
                    let is_hit = visible > 0 && record.overlaps(range);
                    if let Some(late) = late {
                        late_rows.push((rows.len(), late));
                    } else if !is_hit {
                        continue;
                    }
                    rows.push(Row { series, visible });
                }
                Visible::Unclear => return None,
            }
        }
    }
    let late = LateRows {
        rows: late_rows,
        snapshot,
    };
    Some(Selected { rows, late })
}

/// Whether the index alone gives the answer: without matchers a head answers as a whole, as the peer's
/// does, also for series whose samples lie beside the range. Else every request for the names and values
/// of a dashboard's variables would look at every series.
fn is_of_index(inner: &Inner, range: TimeRange, matchers: &[Matcher]) -> bool {
    matchers.is_empty()
        // Series show with their first sample.
        && inner.without_samples.load(Ordering::Relaxed) == 0
        && inner.reaches(range)
}

pub(super) fn label_names(inner: &Inner, range: TimeRange, matchers: &[Matcher]) -> Vec<String> {
    let _pin = inner.pins.pin();
    let rows = (!is_of_index(inner, range, matchers)).then(|| rows(inner, range, matchers));
    let index = inner.index.read();
    let mut found: BTreeSet<Symbol> = BTreeSet::new();
    match rows {
        None => found.extend(index.names.keys()),
        Some(selected) => {
            for row in selected.rows {
                inner.pages.with(row.series, |view| {
                    found.extend(view.labels().map(|(name, _)| name));
                });
            }
        }
    }
    let mut names: Vec<String> = found
        .into_iter()
        .map(|name| index.symbols.text(name).to_owned())
        .collect();
    names.sort_unstable();
    names
}

pub(super) fn label_values(
    inner: &Inner,
    name: &str,
    range: TimeRange,
    matchers: &[Matcher],
) -> Vec<String> {
    let _pin = inner.pins.pin();
    let rows = (!is_of_index(inner, range, matchers)).then(|| {
        // Series without the label have nothing to say.
        let mut matchers = matchers.to_vec();
        matchers.push(Matcher::not_equal(name, ""));
        rows(inner, range, &matchers)
    });
    let index = inner.index.read();
    let (Some(label), Some(symbol)) = (index.label(name), index.symbols.get(name)) else {
        return Vec::new();
    };
    let text = |value: &Symbol| index.symbols.text(*value).to_owned();
    let Some(selected) = rows else {
        let sorted: Arc<Vec<Symbol>> = label.sorted(&index.symbols);
        return sorted.iter().map(text).collect();
    };
    let found: BTreeSet<Symbol> = selected
        .rows
        .iter()
        .filter_map(|row| inner.pages.with(row.series, |view| view.value_of(symbol))?)
        .collect();
    let mut values: Vec<String> = found.iter().map(text).collect();
    values.sort_unstable();
    values
}
