//! Reading samples: the newest one within the lookback, the samples of a window, and subqueries.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::FloatHistogram;
use model::histogram::CounterResetHint;
use promql::ast::{At, Boundary, DurationArg, Expr, MatrixSelector, Subquery, VectorSelector};

use super::durations::{Allowed, millis};
use super::eval::{Buckets, Reference};
use super::rate::{interpolate, interpolate_histograms};
use super::steps::Steps;
use super::value::{Failure, Outcome, Point, Sample, Series, Stored, Value};

impl Reference<'_> {
    pub(crate) fn offset(&self, arg: &DurationArg) -> i64 {
        // All durations have been checked before.
        millis(arg, self.query, Allowed::Any).unwrap_or(0)
    }

    pub(crate) fn fixed_time(&self, at: Option<At>) -> Option<i64> {
        at.map(|at| match at {
            At::Timestamp(time) => time.millis(),
            At::Start => self.query.start,
            At::End => self.query.end,
        })
    }

    /// The time that a selector looks at when evaluated at `time`.
    pub(crate) fn looked_at(&self, selector: &VectorSelector, time: i64) -> i64 {
        self.fixed_time(selector.at).unwrap_or(time) - self.offset(&selector.offset)
    }

    pub(crate) fn matching(&self, selector: &VectorSelector, buckets: Buckets) -> Vec<Stored> {
        let matching = self.data.iter().filter(|stored| {
            selector
                .matchers
                .iter()
                .all(|matcher| matcher.matches_labels(&stored.labels))
        });
        match buckets {
            Buckets::StatsOnly => matching.map(without_buckets).collect(),
            _ => matching.cloned().collect(),
        }
    }

    /// The sample that an instant selector sees: the newest at or before `time`, not as old as the
    /// lookback, and not a staleness marker.
    pub(crate) fn newest<'s>(&self, stored: &'s Stored, time: i64) -> Option<&'s Sample> {
        let newest = stored.samples.iter().rfind(|s| s.time <= time)?;
        let is_fresh = newest.time > time - self.settings.lookback;
        (is_fresh && !newest.point.is_stale()).then_some(newest)
    }

    pub(crate) fn instant_vector(
        &self,
        selector: &VectorSelector,
        steps: Steps,
        buckets: Buckets,
    ) -> Vec<Series> {
        let of_series = |stored: Stored| -> Series {
            let point = |time: i64| -> Option<(i64, Point)> {
                let looked_at = self.looked_at(selector, time);
                let point = match selector.boundary {
                    Boundary::Smoothed => self.smoothed(&stored, looked_at)?,
                    _ => self.newest(&stored, looked_at)?.point.clone(),
                };
                Some((time, point))
            };
            Series {
                points: steps.times().into_iter().filter_map(point).collect(),
                labels: stored.labels,
            }
        };
        let series = self.matching(selector, buckets).into_iter().map(of_series);
        series.filter(|series| !series.points.is_empty()).collect()
    }

    /// Interpolated between the samples around `time`; the last one if none follows.
    fn smoothed(&self, stored: &Stored, time: i64) -> Option<Point> {
        let lookback = self.settings.lookback;
        let samples = between(stored, time - lookback, time + lookback);
        let has = |is_float: bool| {
            samples
                .iter()
                .any(|s| s.point.float().is_some() == is_float)
        };
        if has(true) && has(false) {
            return None;
        }
        if let Some(exact) = samples.iter().find(|sample| sample.time == time) {
            return Some(exact.point.clone());
        }
        let before = samples.iter().rfind(|sample| sample.time < time)?;
        let after = samples.iter().find(|sample| sample.time > time);
        match (&before.point, after) {
            (Point::Float(value), None) => Some(Point::Float(*value)),
            (Point::Histogram(histogram), None) => Some(Point::histogram(with_hint(
                histogram,
                CounterResetHint::Unknown,
            ))),
            (Point::Float(from), Some(after)) => {
                let to = after.point.float()?;
                let value = interpolate((before.time, *from), (after.time, to), time, false);
                Some(Point::Float(value))
            }
            (Point::Histogram(from), Some(after)) => {
                let Point::Histogram(to) = &after.point else {
                    return None;
                };
                let is_counter = [from, to]
                    .iter()
                    .any(|h| h.counter_reset_hint != CounterResetHint::Gauge);
                let between = interpolate_histograms(
                    (before.time, from),
                    (after.time, to),
                    time,
                    is_counter,
                )?;
                Some(Point::histogram(between))
            }
        }
    }

    /// A range selector as the result of an instant query.
    pub(crate) fn raw_range(&self, matrix: &MatrixSelector, time: i64) -> Outcome<Vec<Series>> {
        let end = self.looked_at(&matrix.selector, time);
        let start = end - self.range(matrix)?;
        let lookback = self.settings.lookback;
        let (before, after) = match matrix.selector.boundary {
            Boundary::Plain => (0, 0),
            Boundary::Anchored => (lookback, 0),
            Boundary::Smoothed => (lookback, lookback),
        };
        let mut result = Vec::new();
        for stored in self.matching(&matrix.selector, Buckets::Unknown) {
            let samples = between(&stored, start - before, end + after);
            if before > 0 && samples.iter().any(|s| s.point.float().is_none()) {
                return Err(Failure::new("modifier is not supported with histograms"));
            }
            let points: BTreeMap<i64, Point> = if before > 0 {
                let floats: Vec<(i64, f64)> = samples
                    .iter()
                    .filter_map(|sample| Some((sample.time, sample.point.float()?)))
                    .collect();
                let is_smoothed = matrix.selector.boundary == Boundary::Smoothed;
                super::rate::extended(&floats, start, end, is_smoothed)
                    .into_iter()
                    .map(|(time, value)| (time, Point::Float(value)))
                    .collect()
            } else {
                let point = |sample: Sample| (sample.time, sample.point);
                samples.into_iter().map(point).collect()
            };
            if !points.is_empty() {
                result.push(Series {
                    labels: stored.labels,
                    points,
                });
            }
        }
        Ok(result)
    }

    pub(crate) fn range(&self, matrix: &MatrixSelector) -> Outcome<i64> {
        millis(&matrix.range, self.query, Allowed::Positive)
    }

    /// The inner expression at all multiples of the inner step that the windows of the outer steps reach.
    pub(crate) fn subquery(
        &self,
        subquery: &Subquery,
        outer: Steps,
    ) -> Outcome<(Steps, Vec<Series>)> {
        let range = millis(&subquery.range, self.query, Allowed::Positive)?;
        let interval = match &subquery.step {
            Some(step) => millis(step, self.query, Allowed::Positive)?.max(1),
            None => self.settings.subquery_step_default,
        };
        let offset = self.offset(&subquery.offset);
        let fixed = self.fixed_time(subquery.at);
        let oldest = fixed.unwrap_or(outer.start) - offset - range;
        // The first multiple of the interval after the start, which does not belong to the window.
        let mut start = oldest / interval * interval;
        if start <= oldest {
            start += interval;
        }
        let inner = Steps {
            start,
            end: fixed.unwrap_or(outer.last()) - offset,
            interval,
        };
        let series = match self.eval(&subquery.expr, inner, Buckets::All)? {
            Value::Vector(series) => series,
            Value::Scalar(values) if values.is_empty() => Vec::new(),
            Value::Scalar(values) => vec![Series {
                labels: model::Labels::empty(),
                points: values
                    .into_iter()
                    .map(|(time, value)| (time, Point::Float(value)))
                    .collect(),
            }],
            Value::Text(_) => return Err(Failure::new("a subquery of a text")),
        };
        Ok((inner, series))
    }

    /// A range vector before windows are cut out of it.
    pub(crate) fn range_vector(
        &self,
        expr: &Expr,
        steps: Steps,
        buckets: Buckets,
    ) -> Outcome<RangeVector> {
        match expr {
            Expr::Matrix(matrix) => Ok(RangeVector {
                series: self.matching(&matrix.selector, buckets),
                range: self.range(matrix)?,
                offset: self.offset(&matrix.selector.offset),
                fixed: self.fixed_time(matrix.selector.at),
                boundary: matrix.selector.boundary,
            }),
            Expr::Subquery(subquery) => {
                let (_, series) = self.subquery(subquery, steps)?;
                Ok(RangeVector {
                    series: series.into_iter().map(stored).collect(),
                    range: millis(&subquery.range, self.query, Allowed::Positive)?,
                    offset: self.offset(&subquery.offset),
                    fixed: self.fixed_time(subquery.at),
                    boundary: Boundary::Plain,
                })
            }
            _ => Err(Failure::new("not a range vector")),
        }
    }
}

pub(crate) struct RangeVector {
    pub(crate) series: Vec<Stored>,
    pub(crate) range: i64,
    pub(crate) offset: i64,
    pub(crate) fixed: Option<i64>,
    pub(crate) boundary: Boundary,
}

/// Samples in `(start, end]` that are no staleness markers.
pub(crate) fn between(stored: &Stored, start: i64, end: i64) -> Vec<Sample> {
    let is_inside =
        |sample: &&Sample| sample.time > start && sample.time <= end && !sample.point.is_stale();
    stored.samples.iter().filter(is_inside).cloned().collect()
}

pub(crate) fn with_hint(histogram: &FloatHistogram, hint: CounterResetHint) -> FloatHistogram {
    FloatHistogram {
        counter_reset_hint: hint,
        ..histogram.clone()
    }
}

/// The result of a subquery as if it had been stored. Hints about neighbours that may not be there are
/// taken away.
fn stored(series: Series) -> Stored {
    let sample = |(time, point): (i64, Point)| {
        let point = match point {
            Point::Histogram(histogram)
                if histogram.counter_reset_hint != CounterResetHint::Gauge =>
            {
                Point::histogram(with_hint(&histogram, CounterResetHint::Unknown))
            }
            point => point,
        };
        Sample {
            time,
            start: 0,
            point,
        }
    };
    Stored {
        labels: series.labels,
        samples: series.points.into_iter().map(sample).collect(),
    }
}

/// Histograms reduced to count and sum; resets are looked for while the buckets are there.
fn without_buckets(stored: &Stored) -> Stored {
    let mut previous: Option<Arc<FloatHistogram>> = None;
    let mut reduce = |sample: &Sample| -> Sample {
        let Point::Histogram(histogram) = &sample.point else {
            return sample.clone();
        };
        if sample.point.is_stale() {
            return sample.clone();
        }
        let hint = match (histogram.counter_reset_hint, &previous) {
            (CounterResetHint::Unknown, Some(previous)) => {
                if histogram.is_reset_after(previous) {
                    CounterResetHint::Reset
                } else {
                    CounterResetHint::NotReset
                }
            }
            (hint, _) => hint,
        };
        previous = Some(Arc::clone(histogram));
        Sample {
            point: Point::histogram(FloatHistogram {
                counter_reset_hint: hint,
                schema: histogram.schema,
                count: histogram.count,
                sum: histogram.sum,
                ..FloatHistogram::default()
            }),
            ..sample.clone()
        }
    };
    Stored {
        samples: stored.samples.iter().map(&mut reduce).collect(),
        labels: stored.labels.clone(),
    }
}
