//! Range vectors before windows are cut out of them: rows of a selection, or the result of a subquery.

use std::sync::Arc;

use model::storage::SeriesList;
use model::{Duration, Labels};

use super::budget::StepCounts;
use super::column::{Column, Series, Value};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::rows::{RowReader, SplitOptions, SplitSamples};
use super::steps::Steps;
use crate::ast::Boundary;
use crate::plan::{Op, Plan, Subquery};

/// A range vector before windows are cut out of it.
pub(super) struct RangeInput {
    pub(super) rows: Rows,
    pub(super) range: i64,
    pub(super) offset: i64,
    pub(super) at: Option<i64>,
    pub(super) boundary: Boundary,
    pub(super) options: SplitOptions,
    /// Samples held by an evaluated subquery.
    pub(super) weight: usize,
}

pub(super) enum Rows {
    Stored(Arc<dyn SeriesList>),
    Evaluated { series: Vec<Series>, steps: Steps },
}

impl RangeInput {
    pub(super) fn len(&self) -> usize {
        match &self.rows {
            Rows::Stored(rows) => rows.len(),
            Rows::Evaluated { series, .. } => series.len(),
        }
    }

    /// The labels of a row, and whether its name goes away at the end.
    pub(super) fn labels(&self, row: usize) -> (Labels, bool) {
        match &self.rows {
            Rows::Stored(list) => (list.labels(row), false),
            Rows::Evaluated { series, .. } => series
                .get(row)
                .map(|series| (series.labels.clone(), series.drop_name))
                .unwrap_or_default(),
        }
    }

    /// Whether the name of a row goes away at the end.
    pub(super) fn drops_name(&self, row: usize) -> bool {
        match &self.rows {
            Rows::Stored(_) => false,
            Rows::Evaluated { series, .. } => {
                series.get(row).is_some_and(|series| series.drop_name)
            }
        }
    }

    /// The samples of a row, by kind.
    pub(super) fn load(
        &self,
        row: usize,
        reader: &mut RowReader,
        samples: &mut SplitSamples,
    ) -> Result<(), QueryError> {
        match &self.rows {
            Rows::Stored(list) => {
                samples.fill_from_row(reader.row(list.as_ref(), row)?, self.options);
            }
            Rows::Evaluated { series, steps } => {
                if let Some(series) = series.get(row) {
                    samples.fill_from_series(series, *steps, self.options);
                }
            }
        }
        Ok(())
    }

    /// Whether a step reads samples that no step before has: not with `@`, where all look at the same, and
    /// not of a subquery, which has counted its own.
    pub(super) fn reads_at(&self, step: usize) -> bool {
        matches!(self.rows, Rows::Stored(_)) && (step == 0 || self.at.is_none())
    }

    /// The range at a step, without what anchored and smoothed selectors look at beyond it.
    pub(super) fn range_at(&self, time: i64) -> (i64, i64) {
        let end = self.at.unwrap_or(time).saturating_sub(self.offset);
        (end.saturating_sub(self.range), end)
    }
}

impl Evaluator<'_> {
    pub(super) fn range_input(
        &mut self,
        plan: &Plan,
        steps: Steps,
        options: SplitOptions,
    ) -> Result<RangeInput, QueryError> {
        match &plan.op {
            Op::Range(range) => {
                let selector = &range.selector;
                let lookback = self.lookback();
                let (before, after) = match selector.boundary {
                    Boundary::Plain => (0, 0),
                    Boundary::Anchored => (lookback, 0),
                    Boundary::Smoothed => (lookback, lookback),
                };
                let start = selector
                    .reference(steps.start)
                    .saturating_sub(range.range)
                    .saturating_sub(before)
                    .saturating_add(1);
                let end = selector.reference(steps.last()).saturating_add(after);
                let list = self.stored(&selector.matchers, start, end)?;
                Ok(RangeInput {
                    rows: Rows::Stored(list),
                    range: range.range,
                    offset: selector.offset,
                    at: selector.at,
                    boundary: selector.boundary,
                    options: SplitOptions {
                        skips_buckets: selector.skips_buckets,
                        ..options
                    },
                    weight: 0,
                })
            }
            Op::Subquery(subquery) => {
                let outer = std::mem::replace(&mut self.counts, StepCounts::by_step());
                let (series, child) = self.subquery(subquery, steps)?;
                let inner = std::mem::replace(&mut self.counts, outer);
                // The result is counted as windows are cut out of it; only reads are taken over.
                self.counts.merge_reads(&inner, |step| {
                    first_looking(subquery, child.at(step), steps)
                });
                let weight = series.iter().map(|series| series.column.weight()).sum();
                Ok(RangeInput {
                    rows: Rows::Evaluated {
                        series,
                        steps: child,
                    },
                    range: subquery.range,
                    offset: subquery.offset,
                    at: subquery.at,
                    boundary: Boundary::Plain,
                    options,
                    weight,
                })
            }
            _ => Err(QueryError::unexpected("not a range vector")),
        }
    }

    /// All multiples of the subquery's step that any outer step looks at.
    pub(super) fn child_steps(&self, subquery: &Subquery, steps: Steps) -> Steps {
        let default_step = Duration::millis(self.shared.options.subquery_step_default);
        let interval = subquery.step.unwrap_or(default_step).max(1);
        let reference = |time: i64| subquery.at.unwrap_or(time).saturating_sub(subquery.offset);
        let oldest = reference(steps.start).saturating_sub(subquery.range);
        // Rounded towards zero, then up to the first multiple after the left-open start.
        let mut start = interval.saturating_mul(oldest / interval);
        if start <= oldest {
            start = start.saturating_add(interval);
        }
        Steps::new(start, reference(steps.last()), interval)
    }

    /// Evaluates the inner expression at all multiples of its step that any outer step looks at.
    pub(super) fn subquery(
        &mut self,
        subquery: &Subquery,
        steps: Steps,
    ) -> Result<(Vec<Series>, Steps), QueryError> {
        let child = self.child_steps(subquery, steps);
        if child.count == 0 {
            return Ok((Vec::new(), child));
        }
        let series = match self.evaluate(&subquery.plan, child)? {
            Value::Vector(series) => series,
            Value::Scalar(values) => vec![Series {
                labels: Labels::empty(),
                drop_name: false,
                column: Column::from_floats(values),
            }],
            Value::Text(_) => {
                return Err(QueryError::unexpected("subquery of a string"));
            }
        };
        Ok((series, child))
    }
}

/// The first outer step whose range of the subquery holds a time.
fn first_looking(subquery: &Subquery, time: i64, steps: Steps) -> Option<usize> {
    let in_range = |step: usize| {
        let end = subquery
            .at
            .unwrap_or(steps.at(step))
            .saturating_sub(subquery.offset);
        end.saturating_sub(subquery.range) < time && time <= end
    };
    if subquery.at.is_some() {
        return in_range(0).then_some(0);
    }
    // Ranges move forward: the first that ends at or after the time.
    let past = time
        .saturating_add(subquery.offset)
        .saturating_sub(steps.start);
    let step = usize::try_from(
        past.max(0).div_euclid(steps.interval) + i64::from(past.max(0) % steps.interval != 0),
    )
    .ok()?;
    (step < steps.count && in_range(step)).then_some(step)
}
