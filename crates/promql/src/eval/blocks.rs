//! Work on many series at once: blocks of rows, on all cores, joined in the order of the rows.
//!
//! An operator that looks at each series alone gives a column per row. Rows are cut into blocks of a
//! fixed size, blocks are worked on in parallel, and what comes of them is taken in the order of the rows:
//! results, errors and notes are the same bits on every run and on any number of cores. A wave of blocks is
//! finished before the next one begins, so that only its columns are held.

use std::ops::Range;

use model::Labels;
use rayon::prelude::*;

use super::annotations::Annotations;
use super::budget::StepCounts;
use super::column::{Column, Series};
use super::error::QueryError;
use super::evaluator::{Evaluator, Shared, Sink};
use super::explain::RowsCost;
use super::rows::{RowReader, SplitSamples};
use super::steps::Steps;

/// How many series are decoded together: with an hour of samples every 15 seconds about 250 kB. Fewer where
/// there are very many steps, since what a block holds is charged only when it is done.
const BLOCK_ROWS: usize = 64;
/// Points that a wave may hold at most, unless a single block has more.
const WAVE_POINTS: usize = 1 << 19;
/// Fewer blocks than this are not worth the way to other threads.
const PARALLEL_BLOCKS_MIN: usize = 3;

/// What came of one row.
pub(super) struct RowResult {
    pub(super) row: usize,
    /// The labels after the operator, if the caller wants them.
    pub(super) labels: Option<Labels>,
    pub(super) drop_name: bool,
    /// Samples held on the way, in the largest window.
    pub(super) held: usize,
    /// None if no step has a point.
    pub(super) column: Option<Column>,
}

/// What came of one block.
pub(super) struct Block {
    pub(super) rows: Vec<RowResult>,
    pub(super) counts: StepCounts,
    pub(super) notes: Annotations,
    /// Time spent on reading, if it is measured.
    pub(super) read_seconds: f64,
}

/// Memory of one thread, kept from block to block.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) reader: RowReader,
    pub(super) samples: SplitSamples,
    /// First and end of the window of each step.
    pub(super) windows: Vec<(u32, u32)>,
}

/// An operator that works on each row alone.
pub(super) trait RowOperator: Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    fn evaluate(
        &self,
        shared: &Shared<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        block: &mut Block,
    ) -> Result<(), QueryError>;
}

impl RowsCost {
    fn add(&mut self, blocks: &[Block], seconds: f64) {
        self.seconds += seconds;
        for block in blocks {
            self.read_seconds += block.read_seconds;
            self.read += block.counts.read();
            for column in block.rows.iter().filter_map(|row| row.column.as_ref()) {
                self.results.series += 1;
                self.results.samples += column.weight();
            }
        }
        self.results.bytes = self.results.samples * size_of::<f64>();
    }
}

/// Takes finished blocks, in the order of the rows.
pub(super) type Consumer<'c, 'e> =
    &'c mut dyn FnMut(&mut Evaluator<'e>, Vec<Block>) -> Result<(), QueryError>;

impl<'e> Evaluator<'e> {
    /// Runs the operator over all rows; `consume` gets the blocks in the order of the rows.
    pub(super) fn run_rows(
        &mut self,
        operator: &dyn RowOperator,
        steps: Steps,
        consume: Consumer<'_, 'e>,
    ) -> Result<RowsCost, QueryError> {
        let mut cost = RowsCost {
            rows: operator.len(),
            ..RowsCost::default()
        };
        let wave_rows = WAVE_POINTS / steps.count.max(1);
        let block_rows = wave_rows.clamp(1, BLOCK_ROWS);
        let blocks = operator.len().div_ceil(block_rows);
        let wave = (wave_rows / block_rows).max(self.shared.options.threads.max(1));
        let mut next = 0;
        while next < blocks {
            let end = blocks.min(next + wave);
            let started = self.time();
            let done = self.wave(operator, next..end, block_rows)?;
            if let (Some(started), Some(now)) = (started, self.time()) {
                cost.add(&done, now - started);
            }
            for block in &done {
                self.counts.merge(&block.counts);
                self.notes.merge(&block.notes);
            }
            consume(self, done)?;
            next = end;
        }
        Ok(cost)
    }

    /// Charges what the blocks hold and hands their series on.
    pub(super) fn sink_blocks(
        &mut self,
        blocks: Vec<Block>,
        sink: Sink<'_>,
    ) -> Result<(), QueryError> {
        for row in blocks.into_iter().flat_map(|block| block.rows) {
            self.budget.charge(row.held)?;
            self.budget.release(row.held);
            if let Some(column) = row.column {
                self.budget.charge(column.weight())?;
                let labels = row.labels.unwrap_or_default();
                self.budget.charge_labels(labels.as_bytes().len())?;
                let series = Series {
                    labels,
                    drop_name: row.drop_name,
                    column,
                };
                sink(self, series)?;
            }
        }
        Ok(())
    }

    fn wave(
        &self,
        operator: &dyn RowOperator,
        blocks: Range<usize>,
        block_rows: usize,
    ) -> Result<Vec<Block>, QueryError> {
        let counts = self.counts.like();
        let evaluate = |scratch: &mut Scratch, number: usize| {
            let mut block = Block {
                rows: Vec::with_capacity(block_rows),
                counts: counts.clone(),
                notes: Annotations::default(),
                read_seconds: 0.0,
            };
            let first = number * block_rows;
            let rows = first..operator.len().min(first + block_rows);
            self.shared.interrupted()?;
            operator.evaluate(&self.shared, rows, scratch, &mut block)?;
            Ok(block)
        };
        if self.shared.options.threads <= 1 || blocks.len() < PARALLEL_BLOCKS_MIN {
            let mut scratch = Scratch::default();
            return blocks
                .map(|number| evaluate(&mut scratch, number))
                .collect();
        }
        // Collected first, so that of several errors the one of the first block is given.
        let done: Vec<Result<Block, QueryError>> = blocks
            .into_par_iter()
            .map_init(Scratch::default, evaluate)
            .collect();
        done.into_iter().collect()
    }
}
