//! Instant selectors as work on single rows: the newest sample within the lookback at every step.

use std::ops::Range;
use std::sync::Arc;

use model::storage::SeriesList;

use super::blocks::{Block, RowOperator, RowResult, Scratch};
use super::column::{ABSENT, Column, PointRef};
use super::error::QueryError;
use super::evaluator::Shared;
use super::rows::{BucketSkipper, Row};
use super::selector::Take;
use super::steps::Steps;
use crate::functions::math;
use crate::plan::Selector;

/// Whether the consumer looks at labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelUse {
    All,
    None,
}

pub(super) struct Sampled<'p> {
    pub(super) list: Arc<dyn SeriesList>,
    pub(super) selector: &'p Selector,
    pub(super) take: Take,
    pub(super) steps: Steps,
    pub(super) labels: LabelUse,
}

impl RowOperator for Sampled<'_> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn evaluate(
        &self,
        shared: &Shared<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        block: &mut Block,
    ) -> Result<(), QueryError> {
        let list = self.list.as_ref();
        let reader = &mut scratch.reader;
        // One step looks at one sample of each series. Reset hints need all samples before it.
        if self.steps.is_single() && !self.selector.skips_buckets {
            reader.load_newest(list, rows.clone())?;
        } else {
            reader.load(list, rows.clone())?;
        }
        for row in rows {
            if row % 16 == 0 {
                shared.interrupted()?;
            }
            let sampled = self.row(reader.row(list, row)?, shared.lookback());
            let Ok(column) = sampled else {
                return Err(QueryError::Evaluation(format!(
                    "this should be an info metric, with float samples: {}",
                    list.labels(row)
                )));
            };
            let Some(column) = column else {
                continue;
            };
            self.count(&column, block);
            let labels = match self.labels {
                LabelUse::All => Some(list.labels(row)),
                LabelUse::None => None,
            };
            block.rows.push(RowResult {
                row,
                labels,
                drop_name: false,
                held: 0,
                column: Some(column),
            });
        }
        Ok(())
    }
}

/// A histogram where only floats make sense.
struct Unsuitable;

impl Sampled<'_> {
    /// Every point is looked at, and read, once.
    fn count(&self, column: &Column, block: &mut Block) {
        if block.counts.is_by_step() {
            for (step, point) in column.points() {
                let weight = point.weight();
                block.counts.add(step, weight);
                block.counts.add_read(step, weight);
            }
        } else {
            let weight = column.weight();
            block.counts.add(0, weight);
            block.counts.add_read(0, weight);
        }
    }

    fn row(&self, row: Row<'_>, lookback: i64) -> Result<Option<Column>, Unsuitable> {
        if row.times.is_empty() {
            return Ok(None);
        }
        match (self.take, row.plain_floats()) {
            (Take::Value, Some(values)) => Ok(self.floats(row.times, values, lookback)),
            _ => self.points(row, lookback),
        }
    }

    /// The position of the newest sample at or before each step's time, if it is recent enough.
    fn positions<'a>(
        &self,
        times: &'a [i64],
        lookback: i64,
    ) -> impl Iterator<Item = Option<usize>> + use<'a, '_> {
        // References go up from step to step.
        let mut seen = if self.steps.is_single() {
            let reference = self.selector.reference(self.steps.start);
            times.partition_point(|time| *time <= reference)
        } else {
            0
        };
        self.steps.times().map(move |time| {
            let reference = self.selector.reference(time);
            while times.get(seen).is_some_and(|time| *time <= reference) {
                seen += 1;
            }
            let at = seen.checked_sub(1)?;
            (*times.get(at)? > reference.saturating_sub(lookback)).then_some(at)
        })
    }

    fn floats(&self, times: &[i64], values: &[f64], lookback: i64) -> Option<Column> {
        // Staleness markers end a series, which is what an absent slot says.
        let slots: Vec<f64> = self
            .positions(times, lookback)
            .map(|at| at.and_then(|at| values.get(at)).copied().unwrap_or(ABSENT))
            .collect();
        let column = Column::from_marked(slots);
        column.has_floats().then_some(column)
    }

    fn points(&self, row: Row<'_>, lookback: i64) -> Result<Option<Column>, Unsuitable> {
        let mut column: Option<Column> = None;
        let mut skipper = BucketSkipper::default();
        // All samples pass the skipper, also those that no step shows: resets are found between neighbours.
        let mut skipped = None;
        let mut skipped_until = 0;
        for (step, at) in self.positions(row.times, lookback).enumerate() {
            let Some(at) = at else { continue };
            let Some(point) = row.sample(at) else {
                continue;
            };
            let column = column.get_or_insert_with(|| Column::absent(self.steps.count));
            match (self.take, point) {
                (Take::Value, PointRef::Float(value)) => column.set_float(step, value),
                (Take::Value, PointRef::Histogram(histogram)) => {
                    if self.selector.skips_buckets {
                        for sample in skipped_until..=at {
                            if let Some(PointRef::Histogram(histogram)) = row.sample(sample) {
                                skipped = Some(skipper.skip(histogram));
                            }
                        }
                        skipped_until = at + 1;
                    }
                    column.set_histogram(step, Arc::clone(skipped.as_ref().unwrap_or(histogram)));
                }
                (Take::InfoTimestamp, PointRef::Histogram(_)) => return Err(Unsuitable),
                (Take::Timestamp | Take::InfoTimestamp | Take::StartTimestamp, _) => {
                    let time = row.times.get(at).copied().unwrap_or(0);
                    let value = match self.take {
                        Take::InfoTimestamp => math::float(time),
                        Take::StartTimestamp => math::seconds(row.start(at)),
                        Take::Timestamp | Take::Value => math::seconds(time),
                    };
                    column.set_float(step, value);
                }
            }
        }
        Ok(column)
    }
}
