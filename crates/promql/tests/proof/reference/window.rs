//! Functions of range vectors: a window of samples at every step of every series.

use std::collections::{BTreeMap, HashSet};

use model::FloatHistogram;
use promql::ast::{Boundary, Call, Expr, ValueType};

use super::SharedHistogram;
use super::eval::{Buckets, Reference};
use super::labels::absent_labels;
use super::selector::{RangeVector, between};
use super::steps::Steps;
use super::value::{Failure, Outcome, Point, Sample, Series, Stored, without_metadata};
use super::{over_time, rate, transitions};

/// The samples that a function sees at one step, and around them what it may ask for.
pub(crate) struct Window {
    /// All of it, by time.
    pub(crate) samples: Vec<Sample>,
    /// The range is `(start, end]`; anchored and smoothed windows have samples beyond it.
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) boundary: Boundary,
    /// The time of the step.
    pub(crate) time: i64,
    /// The scalar arguments at this step.
    pub(crate) scalars: Vec<f64>,
    pub(crate) uses_starts: bool,
}

impl Window {
    pub(crate) fn floats(&self) -> Vec<(i64, f64)> {
        let float = |sample: &Sample| Some((sample.time, sample.point.float()?));
        self.samples.iter().filter_map(float).collect()
    }

    pub(crate) fn values(&self) -> Vec<f64> {
        self.floats().into_iter().map(|(_, value)| value).collect()
    }

    pub(crate) fn histograms(&self) -> Vec<(i64, SharedHistogram)> {
        let histogram = |sample: &Sample| match &sample.point {
            Point::Float(_) => None,
            Point::Histogram(histogram) => Some((sample.time, histogram.clone())),
        };
        self.samples.iter().filter_map(histogram).collect()
    }

    pub(crate) fn is_mixed(&self) -> bool {
        !self.floats().is_empty() && !self.histograms().is_empty()
    }

    /// The range in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / 1000.0
    }
}

/// Anchored and smoothed ranges have samples beyond their ends, which few functions can handle.
fn check_boundary(name: &str, boundary: Boundary) -> Outcome<()> {
    let allowed: &[&str] = match boundary {
        Boundary::Plain => return Ok(()),
        Boundary::Anchored => &["changes", "delta", "increase", "rate", "resets"],
        Boundary::Smoothed => &["delta", "increase", "rate"],
    };
    if allowed.contains(&name) {
        return Ok(());
    }
    Err(Failure::new(format!("modifier cannot be used with {name}")))
}

impl Reference<'_> {
    pub(crate) fn range_call(
        &self,
        call: &Call,
        steps: Steps,
        buckets: Buckets,
    ) -> Outcome<Vec<Series>> {
        let name = call.function.name;
        let is_range = |arg: &&Expr| arg.value_type() == ValueType::Matrix;
        let range = call.args.iter().find(is_range).map(Expr::without_parens);
        let range = range.ok_or_else(|| Failure::new("no range vector"))?;
        let input = self.range_vector(range, steps, buckets)?;
        let mut scalars: Vec<BTreeMap<i64, f64>> = Vec::new();
        for arg in call.args.iter().filter(|arg| !is_range(arg)) {
            scalars.push(self.scalar(arg, steps, buckets)?);
        }
        check_boundary(name, input.boundary)?;
        if name == "absent_over_time" {
            return Ok(self.absent_over_time(range, &input, steps));
        }

        let keeps_name = matches!(name, "last_over_time" | "first_over_time");
        let mut seen = HashSet::new();
        let mut result = Vec::new();
        for stored in &input.series {
            let mut points = BTreeMap::new();
            for time in steps.times() {
                let scalars = scalars.iter().map(|values| values[&time]).collect();
                let window = self.window(&input, stored, time, scalars);
                if window.samples.is_empty() {
                    continue;
                }
                if let Some(point) = function(name, &window)? {
                    points.insert(time, point);
                }
            }
            if points.is_empty() {
                continue;
            }
            let labels = if keeps_name {
                stored.labels.clone()
            } else {
                without_metadata(&stored.labels)
            };
            // Even if they have no point at the same time.
            if !seen.insert(labels.clone()) {
                return Err(Failure::same_labelset());
            }
            result.push(Series { labels, points });
        }
        Ok(result)
    }

    fn window(&self, input: &RangeVector, stored: &Stored, time: i64, scalars: Vec<f64>) -> Window {
        let end = input.fixed.unwrap_or(time) - input.offset;
        let start = end - input.range;
        let lookback = self.settings.lookback;
        let (before, after) = match input.boundary {
            Boundary::Plain => (0, 0),
            Boundary::Anchored => (lookback, 0),
            Boundary::Smoothed => (lookback, lookback),
        };
        Window {
            samples: between(stored, start - before, end + after),
            start,
            end,
            boundary: input.boundary,
            time,
            scalars,
            uses_starts: self.settings.uses_starts,
        }
    }

    /// 1 at every step at which no series has a sample in its window.
    fn absent_over_time(&self, range: &Expr, input: &RangeVector, steps: Steps) -> Vec<Series> {
        let is_absent = |time: &i64| {
            input.series.iter().all(|stored| {
                let window = self.window(input, stored, *time, Vec::new());
                window.samples.is_empty()
            })
        };
        let absent = steps.times().into_iter().filter(is_absent);
        let points: BTreeMap<i64, Point> = absent.map(|time| (time, Point::Float(1.0))).collect();
        if points.is_empty() {
            return Vec::new();
        }
        vec![Series {
            labels: absent_labels(range),
            points,
        }]
    }
}

/// The value of a function for a window that is not empty.
fn function(name: &str, window: &Window) -> Outcome<Option<Point>> {
    let float = |value: Option<f64>| value.map(Point::Float);
    let histogram = |value: Option<FloatHistogram>| value.map(Point::histogram);
    Ok(match name {
        "rate" => rate::rate(window, rate::Kind::Rate),
        "increase" => rate::rate(window, rate::Kind::Increase),
        "delta" => rate::rate(window, rate::Kind::Delta),
        "irate" => rate::instant(window, rate::Kind::Rate),
        "idelta" => rate::instant(window, rate::Kind::Delta),
        "resets" => float(transitions::resets(window)),
        "changes" => float(transitions::changes(window)),
        "sum_over_time" | "avg_over_time" if window.is_mixed() => None,
        "sum_over_time" => match window.values().as_slice() {
            [] => histogram(over_time::sum_histograms(window)),
            values => float(Some(over_time::sum(values))),
        },
        "avg_over_time" => match window.values().as_slice() {
            [] => histogram(over_time::average_histograms(window)),
            values => float(Some(over_time::average(values))),
        },
        "first_over_time" => window.samples.first().map(|sample| sample.point.clone()),
        "last_over_time" => window.samples.last().map(|sample| sample.point.clone()),
        _ => float(over_time::number(name, window)?),
    })
}
