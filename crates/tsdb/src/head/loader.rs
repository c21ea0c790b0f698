//! Entering many series at once, when a head is opened.
//!
//! Neighbouring series differ in few labels. The loader remembers the labels of the series before, with their
//! symbols and hashes; only where a label differs, something is looked up, and the series since the last
//! difference go to its postings together. That makes entering a series some ten times cheaper than by itself.
//! Postings are complete after [`Loader::finish`].

use std::mem;

use hashbrown::HashMap;

use super::index::{Index, Tagger};
use super::page::Pages;
use super::series::Series;
use super::symbols::Symbol;

#[derive(Debug)]
pub(super) struct Loader<'a> {
    index: &'a mut Index,
    pages: &'a Pages,
    tagger: Tagger,
    runs: Vec<Run>,
    by_name: HashMap<Box<str>, usize>,
    /// The labels of the series before, as places in `runs` and as symbols.
    row: Vec<usize>,
    pairs: Vec<(Symbol, Symbol)>,
    row_before: Vec<usize>,
    /// Entered, but not in the list of all series yet.
    fresh: Vec<u32>,
    rows: u64,
}

/// The last value of a label, and which series have it.
#[derive(Debug)]
struct Run {
    name: Box<str>,
    value: String,
    pair: (Symbol, Symbol),
    hash: u64,
    /// All of `fresh` from here on have it. `None`: the series before does not, and the symbols may be gone.
    since: Option<usize>,
    /// The last row that has it.
    row: u64,
}

/// A label of a series that is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label<'l> {
    /// That of the series before in the same place.
    Same,
    Pair(&'l str, &'l str),
}

/// What became of a series that was to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    New,
    /// A series has these labels already.
    Known(u32),
    /// Another series had the number. It is gone now.
    Replaced,
}

/// There are too many different texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManySymbols;

impl<'a> Loader<'a> {
    pub(super) fn new(index: &'a mut Index, pages: &'a Pages) -> Self {
        let tagger = index.tagger();
        Self {
            index,
            pages,
            tagger,
            runs: Vec::new(),
            by_name: HashMap::new(),
            row: Vec::new(),
            pairs: Vec::new(),
            row_before: Vec::new(),
            fresh: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn index(&self) -> &Index {
        self.index
    }

    /// Makes room for so many series.
    pub(super) fn reserve(&mut self, series: usize) {
        self.index.reserve(series);
        self.fresh.reserve(series);
    }

    /// Enters a series with these labels, in the order of their names.
    pub(super) fn enter<'l>(
        &mut self,
        series: u32,
        labels: impl Iterator<Item = Label<'l>>,
        record: Series,
    ) -> Result<Entered, TooManySymbols> {
        self.next_row(labels)?;
        let hashes = self.row.iter().map(|at| self.runs[*at].hash);
        let tag = Tagger::combine(hashes);
        if let Some(known) = self.index.find_symbols(self.pages, tag, &self.pairs) {
            return Ok(Entered::Known(known));
        }
        let entered = match self.pages.insert(series, &self.pairs, record) {
            None => Entered::New,
            Some(record) => {
                // Numbers are unique in a log. An outdated snapshot may know one by other labels.
                self.unlink(series)?;
                self.pages.remove(series);
                // The number is free now.
                let _ = self.pages.insert(series, &self.pairs, record);
                Entered::Replaced
            }
        };
        self.index.enter_by_hash(series, tag);
        self.fresh.push(series);
        Ok(entered)
    }

    /// Makes these labels the current ones.
    fn next_row<'l>(
        &mut self,
        labels: impl Iterator<Item = Label<'l>>,
    ) -> Result<(), TooManySymbols> {
        self.rows += 1;
        mem::swap(&mut self.row, &mut self.row_before);
        self.row.clear();
        let mut are_names_same = true;
        for label in labels {
            let place = self.row.len();
            let before = self.row_before.get(place).copied();
            let at = match (label, before) {
                (Label::Same, Some(at)) => at,
                (Label::Same, None) => {
                    debug_assert!(false, "there is no label before");
                    continue;
                }
                (Label::Pair(name, value), before) => {
                    let at = match before {
                        Some(at) if &*self.runs[at].name == name => at,
                        _ => {
                            are_names_same = false;
                            self.run(name)
                        }
                    };
                    self.put(at, value)?;
                    let pair = self.runs[at].pair;
                    match self.pairs.get_mut(place) {
                        Some(known) => *known = pair,
                        None => self.pairs.push(pair),
                    }
                    at
                }
            };
            self.row.push(at);
        }
        self.pairs.truncate(self.row.len());
        if !are_names_same || self.row.len() != self.row_before.len() {
            for at in &self.row {
                self.runs[*at].row = self.rows;
            }
            for place in 0..self.row_before.len() {
                let at = self.row_before[place];
                if self.runs[at].row != self.rows {
                    self.close(at);
                }
            }
        }
        Ok(())
    }

    /// The run of a name.
    fn run(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        self.runs.push(Run {
            name: name.into(),
            value: String::new(),
            pair: (Symbol(0), Symbol(0)),
            hash: 0,
            since: None,
            row: 0,
        });
        self.by_name.insert(name.into(), self.runs.len() - 1);
        self.runs.len() - 1
    }

    /// From the next series on a label has this value.
    fn put(&mut self, at: usize, value: &str) -> Result<(), TooManySymbols> {
        let run = &self.runs[at];
        if run.since.is_some() && run.value == value {
            return Ok(());
        }
        self.close(at);
        let run = &mut self.runs[at];
        if run.value != value {
            value.clone_into(&mut run.value);
        }
        self.open(at)
    }

    /// Looks the symbols of a label up.
    fn open(&mut self, at: usize) -> Result<(), TooManySymbols> {
        let run = &mut self.runs[at];
        let symbols = &mut self.index.symbols;
        let name = symbols.intern(&run.name).ok_or(TooManySymbols)?;
        let value = symbols.intern(&run.value).ok_or(TooManySymbols)?;
        run.pair = (name, value);
        run.hash = self.tagger.label(&run.name, &run.value);
        run.since = Some(self.fresh.len());
        Ok(())
    }

    /// Brings the postings of a label up to date; the next series does not have it.
    fn close(&mut self, at: usize) {
        let run = &mut self.runs[at];
        if let Some(since) = run.since.take()
            && let Some(series @ [_, ..]) = self.fresh.get(since..)
        {
            self.index.enter_postings(run.pair.0, run.pair.1, series);
        }
    }

    /// Brings everything up to date.
    fn close_all(&mut self) {
        for at in 0..self.runs.len() {
            self.close(at);
        }
        self.index.enter_all(&self.fresh);
        self.fresh.clear();
    }

    /// Takes a series out of everything but its page.
    pub(super) fn unlink(&mut self, series: u32) -> Result<(), TooManySymbols> {
        self.close_all();
        self.index.unlink(self.pages, series);
        // Symbols of the current labels may be gone with it.
        for place in 0..self.row.len() {
            let at = self.row[place];
            self.open(at)?;
            self.pairs[place] = self.runs[at].pair;
        }
        Ok(())
    }

    /// Brings the postings up to date.
    pub(super) fn finish(mut self) {
        self.close_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the labels of a series are, and whom each of them finds, does not depend on what was entered before.
    #[test]
    fn rows_of_all_shapes() {
        let mut index = Index::default();
        let pages = Pages::default();
        let mut loader = Loader::new(&mut index, &pages);
        let rows: Vec<Vec<(&str, String)>> = (0..600u32)
            .map(|row| {
                let mut labels = vec![("a", (row / 100).to_string()), ("b", row.to_string())];
                if row % 3 == 1 {
                    labels.push(("c", "x".to_owned()));
                }
                if row % 7 > 3 {
                    labels.insert(0, ("_", "y".to_owned()));
                }
                labels
            })
            .collect();
        let mut before: &[(&str, String)] = &[];
        for (series, row) in (10..).zip(&rows) {
            let labels = row.iter().enumerate().map(|(place, (name, value))| {
                match before.get(place) == row.get(place) {
                    true => Label::Same,
                    false => Label::Pair(name, value),
                }
            });
            let entered = loader.enter(series, labels, Series::new());
            assert_eq!(entered, Ok(Entered::New));
            if series % 50 == 0 {
                loader.unlink(series).unwrap();
            }
            before = row;
        }
        let twice = rows[3].iter().map(|(name, value)| Label::Pair(name, value));
        assert_eq!(
            loader.enter(5000, twice, Series::new()),
            Ok(Entered::Known(13))
        );
        let other = [Label::Pair("z", "1")].into_iter();
        assert_eq!(
            loader.enter(14, other, Series::new()),
            Ok(Entered::Replaced)
        );
        loader.finish();
        for (series, row) in (10..).zip(&rows) {
            let is_there = series % 50 != 0 && series != 14;
            assert_eq!(index.all.contains(series), is_there || series == 14);
            for (name, value) in row {
                let symbol = index.symbols.get(value);
                let postings = index
                    .label(name)
                    .and_then(|label| label.values.get(&symbol?));
                let has = postings.is_some_and(|found| found.to_bitmap().contains(series));
                assert_eq!(has, is_there, "{series} {name}={value}");
            }
            if is_there {
                let labels = index.labels(&pages, series).unwrap();
                let own: Vec<_> = labels.iter().map(|(n, v)| (n, v.to_owned())).collect();
                assert_eq!(&own, row);
                let tag = index.tag(&labels);
                assert_eq!(index.find(&pages, tag, labels.iter()), Some(series));
            }
        }
    }
}
