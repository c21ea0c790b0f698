//! Aggregations: series are added to the columns of their group, one series after the other.
//!
//! Memory is groups × steps. The order of additions at a step is the order of the input series.

use std::collections::HashMap;

use diag::Span;
use model::{Labels, format};

use super::annotations::Note;
use super::column::{Column, PointRef, Series};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::steps::Steps;
use crate::ast::AggregateOp;
use crate::functions::{go_math, quantile};
use crate::plan::{Aggregate, Op, Plan};

/// The labels of the group that a series belongs to.
pub(super) fn group_labels(labels: &Labels, aggregate: &Aggregate) -> Labels {
    if aggregate.is_without {
        labels.drop(&aggregate.grouping)
    } else if aggregate.grouping.is_empty() {
        Labels::empty()
    } else {
        labels.keep(&aggregate.grouping)
    }
}

/// The groups in the order in which they first appear, with their rows of the input.
pub(super) fn group_rows(input: &[Series], aggregate: &Aggregate) -> Vec<(Labels, Vec<usize>)> {
    let mut groups: Vec<(Labels, Vec<usize>)> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for (row, series) in input.iter().enumerate() {
        let labels = group_labels(&series.labels, aggregate);
        let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
            groups.push((labels, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, rows)) = groups.get_mut(at) {
            rows.push(row);
        }
    }
    groups
}

impl Evaluator<'_> {
    pub(crate) fn aggregate(
        &mut self,
        aggregate: &Aggregate,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        if aggregate.op == AggregateOp::CountValues {
            return self.count_values(aggregate, steps);
        }
        let is_foldable = matches!(
            aggregate.op,
            AggregateOp::Avg
                | AggregateOp::Count
                | AggregateOp::Group
                | AggregateOp::Max
                | AggregateOp::Min
                | AggregateOp::Stddev
                | AggregateOp::Stdvar
                | AggregateOp::Sum
        );
        if is_foldable {
            return self.folded(aggregate, steps);
        }
        let param = match &aggregate.param {
            Some(param) => Some((self.scalar(param, steps)?, param.span)),
            None => None,
        };
        let input = self.vector(&aggregate.input, steps)?;
        let released: usize = input.iter().map(|series| series.column.weight()).sum();
        let param = param.unwrap_or_default();
        let result = if aggregate.op == AggregateOp::Quantile {
            let (quantiles, span) = param;
            self.note_quantiles(&quantiles, span);
            self.per_step(aggregate, input, steps, |step, values| {
                quantile(quantiles.get(step).copied().unwrap_or(f64::NAN), values)
            })
        } else {
            self.choose(aggregate, &param, input, plan.span, steps)?
        };
        self.budget
            .charge(result.iter().map(|series| series.column.weight()).sum())?;
        self.budget.release(released);
        Ok(result)
    }

    fn note_quantiles(&mut self, quantiles: &[f64], span: Span) {
        // Only the extremes are named, as in Prometheus.
        if quantiles.iter().any(|q| q.is_nan()) {
            self.note(Note::InvalidQuantile(f64::NAN), span);
        }
        let max = quantiles.iter().copied().fold(f64::MIN, go_math::max);
        let min = quantiles.iter().copied().fold(f64::MAX, go_math::min);
        if max > 1.0 {
            self.note(Note::InvalidQuantile(max), span);
        }
        if min < 0.0 {
            self.note(Note::InvalidQuantile(min), span);
        }
    }

    /// Aggregations that need all floats of a group at once.
    fn per_step(
        &mut self,
        aggregate: &Aggregate,
        input: Vec<Series>,
        steps: Steps,
        f: impl Fn(usize, &mut [f64]) -> f64,
    ) -> Vec<Series> {
        if input.iter().any(|series| series.column.has_histograms()) {
            let note = Note::IgnoredInAggregation(aggregate.op.as_str());
            self.note(note, aggregate.input.span);
        }
        let mut values = Vec::new();
        let mut results = Vec::new();
        for (labels, rows) in group_rows(&input, aggregate) {
            let members: Vec<&Series> = rows.iter().filter_map(|row| input.get(*row)).collect();
            let mut column = Column::absent(steps.count);
            for step in 0..steps.count {
                values.clear();
                values.extend(
                    members
                        .iter()
                        .filter_map(|series| series.column.float(step)),
                );
                if !values.is_empty() {
                    column.set_float(step, f(step, &mut values));
                }
            }
            if !column.is_absent() {
                results.push(Series {
                    labels,
                    drop_name: members.iter().any(|series| series.drop_name),
                    column,
                });
            }
        }
        results
    }

    fn count_values(
        &mut self,
        aggregate: &Aggregate,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let Some(Op::Text(label)) = aggregate.param.as_ref().map(|param| &param.op) else {
            return Err(QueryError::unexpected("count_values without a label"));
        };
        if !label.is_label_name() {
            return Err(QueryError::Evaluation(format!(
                "invalid label name {}",
                label.quoted
            )));
        }
        let label = &label.value;
        let mut grouped = aggregate.clone();
        if !grouped.is_without {
            grouped.grouping.push(label.clone());
        }
        let input = self.vector(&aggregate.input, steps)?;
        let mut results: Vec<Series> = Vec::new();
        let mut by_labels: HashMap<Labels, usize> = HashMap::new();
        for series in &input {
            for step in 0..steps.count {
                let text = match series.column.get(step) {
                    None => continue,
                    Some(PointRef::Float(value)) => format::float_plain(value),
                    Some(PointRef::Histogram(histogram)) => histogram.to_string(),
                };
                let mut builder = series.labels.to_builder();
                builder.set(label.as_str(), text);
                let labels = group_labels(&builder.build(), &grouped);
                let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
                    results.push(Series {
                        labels,
                        drop_name: false,
                        column: Column::absent(steps.count),
                    });
                    results.len() - 1
                });
                if let Some(result) = results.get_mut(at) {
                    let count = result.column.float(step).unwrap_or(0.0);
                    result.column.set_float(step, count + 1.0);
                }
            }
        }
        Ok(results)
    }
}
