//! A range vector as the result of an instant query: the samples as they are.

use super::column::histogram_weight;
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::result::MatrixSeries;
use super::rows::{RowReader, SplitOptions, SplitSamples};
use super::steps::Steps;
use super::window::boundary_name;
use crate::ast::Boundary;
use crate::plan::{Op, Plan};

impl Evaluator<'_> {
    /// A range vector as the result of an instant query.
    pub(crate) fn raw_range(
        &mut self,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Vec<MatrixSeries>, QueryError> {
        let options = SplitOptions {
            with_starts: false,
            with_drops: false,
            skips_buckets: false,
        };
        if let Op::Subquery(subquery) = &plan.op {
            // Reset hints stay as they are, so the columns are taken directly.
            let alike = self.counts.like();
            let outer = std::mem::replace(&mut self.counts, alike);
            let (series, child) = self.subquery(subquery, steps)?;
            let inner = std::mem::replace(&mut self.counts, outer);
            self.counts.merge_once(&inner, 1);
            let series = self.finish_names(series)?;
            return Ok(series
                .iter()
                .map(|series| super::engine::matrix_series(series, child))
                .collect());
        }
        let input = self.range_input(plan, steps, options)?;
        let mut reader = RowReader::default();
        let mut samples = SplitSamples::default();
        let mut result = Vec::new();
        for row in 0..input.len() {
            self.interrupted()?;
            input.load(row, &mut reader, &mut samples)?;
            let (start, end) = input.range_at(steps.start);
            let mut series = MatrixSeries {
                labels: input.labels(row).0,
                ..MatrixSeries::default()
            };
            if input.boundary != Boundary::Plain {
                if !samples.histograms.is_empty() {
                    return Err(QueryError::Evaluation(format!(
                        "{} modifier is not supported with histograms",
                        boundary_name(input.boundary)
                    )));
                }
                crate::functions::extend(
                    &samples.float_times,
                    &samples.floats,
                    (start, end),
                    input.boundary,
                    &mut series,
                );
            } else {
                for (time, value) in samples.float_times.iter().zip(&samples.floats) {
                    if *time > start && *time <= end {
                        series.times.push(*time);
                        series.values.push(*value);
                    }
                }
                for (time, histogram) in samples.histogram_times.iter().zip(&samples.histograms) {
                    if *time > start && *time <= end {
                        series.histograms.push((*time, histogram.clone()));
                    }
                }
            }
            if !series.is_empty() {
                let weight = series.times.len()
                    + series
                        .histograms
                        .iter()
                        .map(|(_, histogram)| histogram_weight(histogram))
                        .sum::<usize>();
                self.budget.charge(weight)?;
                self.counts.add(0, weight);
                self.counts.add_read(0, weight);
                result.push(series);
            }
        }
        Ok(result)
    }
}
