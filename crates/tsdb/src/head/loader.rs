//! Entering many series at once, when a head is opened.
//!
//! Neighbouring series differ in few labels. For each label name the loader remembers the value of the
//! series before and the series that have it; only when the value changes, symbols are looked up and
//! the series go to the postings. That makes entering a series some ten times cheaper than by itself.
//! Postings are complete after [`Loader::finish`].

use super::index::Index;
use super::page::Pages;
use super::series::Series;
use super::symbols::Symbol;

#[derive(Debug)]
pub(super) struct Loader<'a> {
    index: &'a mut Index,
    pages: &'a Pages,
    /// By name.
    runs: Vec<Run>,
    pairs: Vec<(Symbol, Symbol)>,
    /// Entered, but not in the list of all series yet.
    fresh: Vec<u32>,
}

/// Series with one value of a label.
#[derive(Debug)]
struct Run {
    name: Box<str>,
    name_symbol: Symbol,
    value: String,
    value_symbol: Symbol,
    series: Vec<u32>,
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
        Self {
            index,
            pages,
            runs: Vec::new(),
            pairs: Vec::new(),
            fresh: Vec::new(),
        }
    }

    pub(super) fn index(&self) -> &Index {
        self.index
    }

    /// Makes room for so many series.
    pub(super) fn reserve(&mut self, series: usize) {
        self.index.reserve(series);
    }

    /// Enters a series with sorted labels, whose hash is `tag`.
    pub(super) fn enter(
        &mut self,
        series: u32,
        tag: u32,
        labels: &[(&str, &str)],
        record: Series,
    ) -> Result<Entered, TooManySymbols> {
        let pairs = labels.iter().copied();
        if let Some(known) = self.index.find(self.pages, tag, pairs) {
            return Ok(Entered::Known(known));
        }
        let mut entered = Entered::New;
        if self.pages.contains(series) {
            // Numbers are unique in a log. An outdated snapshot may know one by other labels.
            self.unlink(series);
            self.pages.remove(series);
            entered = Entered::Replaced;
        }
        self.pairs.clear();
        let mut next = 0;
        for (name, value) in labels {
            let at = self.run(next, name)?;
            next = at + 1;
            self.put(at, value, series)?;
            let run = &self.runs[at];
            self.pairs.push((run.name_symbol, run.value_symbol));
        }
        self.index.enter_by_hash(series, tag);
        self.fresh.push(series);
        self.pages.insert(series, &self.pairs, record);
        Ok(entered)
    }

    /// The run of a label; `hint` is where it is if the series before had the same labels.
    fn run(&mut self, hint: usize, name: &str) -> Result<usize, TooManySymbols> {
        if self.runs.get(hint).is_some_and(|run| &*run.name == name) {
            return Ok(hint);
        }
        match self.runs.binary_search_by(|run| (*run.name).cmp(name)) {
            Ok(at) => Ok(at),
            Err(at) => {
                let name_symbol = self.index.symbols.intern(name).ok_or(TooManySymbols)?;
                let run = Run {
                    name: name.into(),
                    name_symbol,
                    value: String::new(),
                    value_symbol: name_symbol,
                    series: Vec::new(),
                };
                self.runs.insert(at, run);
                Ok(at)
            }
        }
    }

    fn put(&mut self, at: usize, value: &str, series: u32) -> Result<(), TooManySymbols> {
        let run = &mut self.runs[at];
        if run.series.is_empty() || run.value != value {
            Self::flush(self.index, run);
            run.value_symbol = self.index.symbols.intern(value).ok_or(TooManySymbols)?;
            value.clone_into(&mut run.value);
        }
        run.series.push(series);
        Ok(())
    }

    fn flush(index: &mut Index, run: &mut Run) {
        if !run.series.is_empty() {
            index.enter_postings(run.name_symbol, run.value_symbol, &run.series);
            run.series.clear();
        }
    }

    fn flush_all(&mut self) {
        for run in &mut self.runs {
            Self::flush(self.index, run);
        }
        self.index.all.extend(self.fresh.drain(..));
    }

    /// Takes a series out of everything but its page.
    pub(super) fn unlink(&mut self, series: u32) {
        self.flush_all();
        self.index.unlink(self.pages, series);
        // Symbols that they name may be gone.
        self.runs.clear();
    }

    /// Brings the postings up to date.
    pub(super) fn finish(mut self) {
        self.flush_all();
    }
}
