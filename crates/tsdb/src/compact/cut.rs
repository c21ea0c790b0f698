//! What new blocks leave out: the old samples of some series.

use model::matcher::Matcher;
use roaring::RoaringBitmap;

use crate::block::{Block, Damage};

/// Series that satisfy all matchers lose their samples before a time, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) matchers: &'a [Matcher],
    pub(crate) before: i64,
}

/// What one series loses, and by which cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeriesCut {
    pub(super) number: usize,
    pub(super) before: i64,
}

impl SeriesCut {
    pub(super) const NONE: Self = Self {
        number: usize::MAX,
        before: i64::MIN,
    };
}

/// The series of a block that a cut reaches: some bits each.
#[derive(Debug)]
pub(super) struct CutSeries(Vec<(SeriesCut, RoaringBitmap)>);

impl CutSeries {
    pub(super) fn of(block: &Block, cuts: &[Cut<'_>]) -> Result<Self, Damage> {
        let start = block.meta().min_time;
        let mut found = Vec::new();
        for (number, cut) in cuts.iter().enumerate() {
            if cut.before <= start {
                continue;
            }
            let series: RoaringBitmap = block.series(cut.matchers)?.into_iter().collect();
            if !series.is_empty() {
                let before = cut.before;
                found.push((SeriesCut { number, before }, series));
            }
        }
        // The cut that takes most has what it takes.
        found.sort_by_key(|(cut, _)| std::cmp::Reverse(cut.before));
        Ok(Self(found))
    }

    pub(super) fn of_series(&self, series: u32) -> SeriesCut {
        let found = self.0.iter().find(|(_, own)| own.contains(series));
        found.map_or(SeriesCut::NONE, |(cut, _)| *cut)
    }
}
