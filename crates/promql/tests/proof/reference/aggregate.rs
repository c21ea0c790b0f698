//! Aggregations that make one element of many.

use std::collections::BTreeMap;

use model::histogram::CompensatedHistogram;
use model::{FloatHistogram, Labels};
use promql::ast::{Aggregate, AggregateOp};

use super::eval::Reference;
use super::over_time;
use super::steps::Steps;
use super::value::{Element, Failure, Outcome, Point, Series, at};

/// The labels that members of a group share.
pub(crate) fn group(labels: &Labels, aggregate: &Aggregate) -> Labels {
    if aggregate.is_without {
        labels.drop(&aggregate.grouping)
    } else {
        labels.keep(&aggregate.grouping)
    }
}

/// Series by group, groups in the order in which they come up.
pub(crate) fn groups(input: &[Series], aggregate: &Aggregate) -> Vec<(Labels, Vec<Series>)> {
    let mut groups: Vec<(Labels, Vec<Series>)> = Vec::new();
    for series in input {
        let labels = group(&series.labels, aggregate);
        match groups.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, members)) => members.push(series.clone()),
            None => groups.push((labels, vec![series.clone()])),
        }
    }
    groups
}

impl Reference<'_> {
    pub(crate) fn fold(
        &self,
        aggregate: &Aggregate,
        params: &BTreeMap<i64, f64>,
        input: &[Series],
        steps: Steps,
    ) -> Vec<Series> {
        let mut result = Vec::new();
        for (labels, members) in groups(input, aggregate) {
            let mut points = BTreeMap::new();
            for time in steps.times() {
                let members: Vec<Point> = at(&members, time).into_iter().map(|e| e.1).collect();
                if members.is_empty() {
                    continue;
                }
                let param = params.get(&time).copied().unwrap_or(f64::NAN);
                if let Some(point) = folded(aggregate.op, param, &members) {
                    points.insert(time, point);
                }
            }
            if !points.is_empty() {
                result.push(Series { labels, points });
            }
        }
        result
    }

    /// How many elements of each group have each value; the value becomes a label.
    pub(crate) fn count_values(
        &self,
        aggregate: &Aggregate,
        input: &[Series],
        steps: Steps,
    ) -> Outcome<Vec<Series>> {
        let label = match aggregate.param.as_ref().map(|param| param.without_parens()) {
            Some(promql::ast::Expr::String(literal)) if !literal.value.is_empty() => &literal.value,
            _ => return Err(Failure::new("invalid label name")),
        };
        let mut aggregate = aggregate.clone();
        if !aggregate.is_without {
            aggregate.grouping.push(label.clone());
        }
        let mut series = self.per_step(steps, |time| {
            let mut counts: Vec<Element> = Vec::new();
            for (labels, point) in at(input, time) {
                let text = match &point {
                    Point::Float(value) => model::format::float_plain(*value),
                    Point::Histogram(histogram) => histogram.to_string(),
                };
                let mut builder = labels.to_builder();
                builder.set(label.as_str(), text);
                let labels = group(&builder.build(), &aggregate);
                match counts.iter_mut().find(|(known, _)| *known == labels) {
                    Some((_, Point::Float(count))) => *count += 1.0,
                    _ => counts.push((labels, Point::Float(1.0))),
                }
            }
            Ok(counts)
        })?;
        self.order(&mut series);
        Ok(series)
    }
}

/// The element of a group that has at least one member.
fn folded(op: AggregateOp, param: f64, members: &[Point]) -> Option<Point> {
    let floats: Vec<f64> = members.iter().filter_map(Point::float).collect();
    let histogram = |point: &Point| match point {
        Point::Float(_) => None,
        Point::Histogram(histogram) => Some(histogram.clone()),
    };
    let histograms: Vec<_> = members.iter().filter_map(histogram).collect();
    let histograms: Vec<&FloatHistogram> = histograms.iter().map(|h| &**h).collect();
    match op {
        AggregateOp::Count => return Some(Point::Float(members.len() as f64)),
        AggregateOp::Group => return Some(Point::Float(1.0)),
        AggregateOp::Sum | AggregateOp::Avg if floats.is_empty() => {
            let mut result = match op {
                AggregateOp::Sum => sum(&histograms)?,
                _ => over_time::histograms_average(&histograms)?,
            };
            result.compact();
            return Some(Point::histogram(result));
        }
        AggregateOp::Sum | AggregateOp::Avg if !histograms.is_empty() => return None,
        // All others pass over histograms.
        _ if floats.is_empty() => return None,
        _ => {}
    }
    Some(Point::Float(match op {
        AggregateOp::Sum => {
            let first = super::value::Kahan {
                sum: floats[0],
                lost: 0.0,
            };
            floats[1..]
                .iter()
                .fold(first, |sum, value| sum.plus(*value))
                .total()
        }
        AggregateOp::Avg => over_time::average(&floats),
        AggregateOp::Min => pick(&floats, |value, best| best > value),
        AggregateOp::Max => pick(&floats, |value, best| best < value),
        AggregateOp::Stdvar => variance(&floats),
        AggregateOp::Stddev => variance(&floats).sqrt(),
        AggregateOp::Quantile => over_time::quantile(param, &floats),
        _ => unreachable!("{op} is no fold"),
    }))
}

fn sum(histograms: &[&FloatHistogram]) -> Option<FloatHistogram> {
    let mut sum = CompensatedHistogram::new((*histograms.first()?).clone());
    for histogram in &histograms[1..] {
        sum.add(histogram).ok()?;
    }
    Some(sum.finish())
}

fn pick(floats: &[f64], beats: impl Fn(f64, f64) -> bool) -> f64 {
    let mut best = floats[0];
    for value in &floats[1..] {
        if beats(*value, best) || best.is_nan() {
            best = *value;
        }
    }
    best
}

/// Welford's algorithm, which begins with the first value as the mean.
fn variance(floats: &[f64]) -> f64 {
    let mut mean = floats[0];
    let mut squares = if mean.is_finite() { 0.0 } else { f64::NAN };
    let mut count = 1.0;
    for value in &floats[1..] {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}
