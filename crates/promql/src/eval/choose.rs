//! Aggregations that pick series: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use diag::Span;

use super::aggregate::group_rows;
use super::annotations::Note;
use super::column::{Column, PointRef, Series};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::merge::merge_same_labels;
use super::steps::Steps;
use crate::ast::AggregateOp;
use crate::functions::go_math;
use crate::plan::Aggregate;

/// One candidate at one step: its value and its row.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    value: f64,
    row: usize,
}

/// The weakest candidate on top, so that it can be replaced. The layout after each operation is that of
/// Go's `container/heap`, which decides the order among equal values.
struct Heap {
    items: Vec<Candidate>,
    is_top: bool,
}

impl Heap {
    /// NaN is weaker than everything.
    fn is_weaker(&self, a: Candidate, b: Candidate) -> bool {
        a.value.is_nan()
            || if self.is_top {
                a.value < b.value
            } else {
                a.value > b.value
            }
    }

    fn weaker_at(&self, a: usize, b: usize) -> bool {
        match (self.items.get(a), self.items.get(b)) {
            (Some(a), Some(b)) => self.is_weaker(*a, *b),
            _ => false,
        }
    }

    fn push(&mut self, candidate: Candidate) {
        self.items.push(candidate);
        let mut at = self.items.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.weaker_at(at, parent) {
                break;
            }
            self.items.swap(at, parent);
            at = parent;
        }
    }

    fn replace_top(&mut self, candidate: Candidate) {
        if let Some(top) = self.items.first_mut() {
            *top = candidate;
        }
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= self.items.len() {
                break;
            }
            let mut child = left;
            if left + 1 < self.items.len() && self.weaker_at(left + 1, left) {
                child = left + 1;
            }
            if !self.weaker_at(child, at) {
                break;
            }
            self.items.swap(at, child);
            at = child;
        }
    }

    fn offer(&mut self, candidate: Candidate, k: usize) {
        if self.items.len() < k {
            self.push(candidate);
        } else if let Some(top) = self.items.first() {
            let is_stronger = if self.is_top {
                top.value < candidate.value
            } else {
                top.value > candidate.value
            };
            if is_stronger || (top.value.is_nan() && !candidate.value.is_nan()) {
                self.replace_top(candidate);
            }
        }
    }

    /// The strongest first.
    fn into_sorted(mut self) -> Vec<Candidate> {
        // Insertion sort up to the size where Go uses it; beyond that the order among equals is free.
        if self.items.len() <= 12 {
            for end in 1..self.items.len() {
                let mut at = end;
                while at > 0 && self.weaker_at(at - 1, at) {
                    self.items.swap(at - 1, at);
                    at -= 1;
                }
            }
            return self.items;
        }
        let is_top = self.is_top;
        self.items
            .sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) => std::cmp::Ordering::Greater,
                (false, true) => std::cmp::Ordering::Less,
                (false, false) if is_top => b.value.total_cmp(&a.value),
                (false, false) => a.value.total_cmp(&b.value),
            });
        self.items
    }
}

impl Evaluator<'_> {
    pub(crate) fn choose(
        &mut self,
        aggregate: &Aggregate,
        (params, param_span): &(Vec<f64>, Span),
        input: Vec<Series>,
        span: Span,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let max = params.iter().copied().fold(f64::MIN, go_math::max);
        let min = params.iter().copied().fold(f64::MAX, go_math::min);
        let has_nan = params.iter().any(|param| param.is_nan());
        let failed = |text: String| Err(QueryError::Evaluation(text));
        if aggregate.op == AggregateOp::LimitRatio {
            if max == 0.0 && min == 0.0 {
                return Ok(Vec::new());
            }
            if has_nan {
                return failed("Ratio value is NaN".to_owned());
            }
            for (got, cap, is_out) in [(max, 1.0, max > 1.0), (min, -1.0, min < -1.0)] {
                if is_out {
                    self.note(Note::InvalidRatio { got, cap }, *param_span);
                }
            }
        } else {
            if max < 1.0 {
                return Ok(Vec::new());
            }
            if has_nan {
                return failed("Parameter value is NaN".to_owned());
            }
            const LIMIT: f64 = 9_223_372_036_854_775_807.0;
            let text = model::format::float_shortest;
            if min <= -LIMIT {
                return failed(format!("Scalar value {} underflows int64", text(min)));
            }
            if max >= LIMIT {
                return failed(format!("Scalar value {} overflows int64", text(max)));
            }
        }

        let mut columns: Vec<Column> = vec![Column::absent(0); input.len()];
        let mut order = Vec::new();
        for (_, rows) in group_rows(&input, aggregate) {
            self.interrupted()?;
            for step in 0..steps.count {
                let param = params.get(step).copied().unwrap_or(0.0);
                let chosen = self.chosen(aggregate.op, param, (&input, &rows), step, span);
                for row in chosen {
                    let (Some(column), Some(series)) = (columns.get_mut(row), input.get(row))
                    else {
                        continue;
                    };
                    if column.len() == 0 {
                        *column = Column::absent(steps.count);
                        order.push(row);
                    }
                    if let Some(point) = series.column.get(step) {
                        column.set(step, point.to_owned());
                    }
                }
            }
        }
        let mut results = Vec::with_capacity(order.len());
        for row in order {
            if let (Some(column), Some(series)) = (columns.get_mut(row), input.get(row)) {
                results.push(Series {
                    labels: series.labels.clone(),
                    drop_name: series.drop_name,
                    column: std::mem::replace(column, Column::absent(0)),
                });
            }
        }
        if steps.is_single() {
            return Ok(results);
        }
        merge_same_labels(results)
    }

    /// The rows that one group shows at one step, in their order.
    fn chosen(
        &mut self,
        op: AggregateOp,
        param: f64,
        (input, rows): (&[Series], &[usize]),
        step: usize,
        span: Span,
    ) -> Vec<usize> {
        let present = rows
            .iter()
            .filter_map(|row| Some((*row, input.get(*row)?)))
            .filter_map(|(row, series)| Some((row, series, series.column.get(step)?)));
        if op == AggregateOp::LimitRatio {
            let ratio = param.clamp(-1.0, 1.0);
            return present
                .filter(|(_, series, _)| is_sampled(sample_offset(series), ratio))
                .map(|(row, _, _)| row)
                .collect();
        }
        if param < 1.0 {
            return Vec::new();
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 1; huge values saturate and are then limited to the input"
        )]
        let k = (param as usize).min(input.len());
        if op == AggregateOp::Limitk {
            return present.take(k).map(|(row, _, _)| row).collect();
        }
        let mut heap = Heap {
            items: Vec::with_capacity(k.min(rows.len())),
            is_top: op == AggregateOp::Topk,
        };
        for (row, _, point) in present {
            match point {
                PointRef::Float(value) => heap.offer(Candidate { value, row }, k),
                PointRef::Histogram(_) => {
                    self.notes
                        .add(Note::IgnoredInAggregation(op.as_str()), span);
                }
            }
        }
        heap.into_sorted()
            .into_iter()
            .map(|candidate| candidate.row)
            .collect()
    }
}

/// A number in [0, 1) that depends on the labels only: xxhash64 of their length-prefixed texts, which is
/// the label hash of Prometheus' default build.
fn sample_offset(series: &Series) -> f64 {
    let mut bytes = Vec::with_capacity(128);
    let mut push = |text: &str| {
        match u8::try_from(text.len()) {
            Ok(length) if length < 255 => bytes.push(length),
            _ => {
                bytes.push(255);
                bytes.extend_from_slice(&text.len().to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    };
    for (name, value) in &series.labels {
        push(name);
        push(value);
    }
    let hash = twox_hash::XxHash64::oneshot(0, &bytes);
    #[expect(clippy::cast_precision_loss, reason = "a fraction, not a count")]
    {
        hash as f64 / u64::MAX as f64
    }
}

/// A negative ratio picks exactly what `1 + ratio` leaves out.
fn is_sampled(offset: f64, ratio: f64) -> bool {
    if ratio >= 0.0 {
        offset < ratio
    } else {
        offset >= 1.0 + ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(is_top: bool, k: usize, values: &[f64]) -> Vec<f64> {
        let mut heap = Heap {
            items: Vec::new(),
            is_top,
        };
        for (row, value) in values.iter().enumerate() {
            heap.offer(Candidate { value: *value, row }, k);
        }
        heap.into_sorted().iter().map(|c| c.value).collect()
    }

    #[test]
    fn strongest_first_and_nan_last() {
        assert_eq!(sorted(true, 2, &[1.0, 3.0, 2.0]), [3.0, 2.0]);
        assert_eq!(sorted(false, 2, &[1.0, 3.0, f64::NAN, 2.0]), [1.0, 2.0]);
        let all = sorted(true, 9, &[1.0, f64::NAN, 2.0]);
        assert_eq!(all[..2], [2.0, 1.0]);
        assert!(all[2].is_nan());
    }

    #[test]
    fn ratios_complement_each_other() {
        for offset in [0.0, 0.2, 0.5, 0.99] {
            assert_ne!(is_sampled(offset, 0.3), is_sampled(offset, -0.7));
        }
    }
}
