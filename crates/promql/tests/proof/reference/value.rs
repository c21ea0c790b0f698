//! Samples, series and what an expression evaluates to.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{FloatHistogram, Labels};

use super::SharedHistogram;

#[derive(Clone, Debug)]
pub(crate) enum Point {
    Float(f64),
    Histogram(SharedHistogram),
}

impl Point {
    pub(crate) fn histogram(histogram: FloatHistogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }

    pub(crate) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Histogram(_) => None,
        }
    }

    pub(crate) fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => model::sample::is_stale(*value),
            Self::Histogram(histogram) => model::sample::is_stale(histogram.sum),
        }
    }
}

/// A sample as it is stored. The start timestamp is 0 if it is not known.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    pub(crate) start: i64,
    pub(crate) point: Point,
}

/// A series as it is stored; samples by time.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) labels: Labels,
    pub(crate) samples: Vec<Sample>,
}

/// A series of a result: points by the time of their step.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) points: BTreeMap<i64, Point>,
}

/// One series of an instant vector at one time.
pub(crate) type Element = (Labels, Point);

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// By the time of the step.
    Scalar(BTreeMap<i64, f64>),
    Vector(Vec<Series>),
    Text(String),
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) String);

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn same_labelset() -> Self {
        Self::new("vector cannot contain metrics with the same labelset")
    }
}

/// The elements at one time, in the order of the series.
pub(crate) fn at(series: &[Series], time: i64) -> Vec<Element> {
    series
        .iter()
        .filter_map(|one| Some((one.labels.clone(), one.points.get(&time)?.clone())))
        .collect()
}

/// Without the labels that describe the metric.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.filtered(|name| !["__name__", "__type__", "__unit__"].contains(&name))
}

/// The sum with its compensation, by Neumaier's form of Kahan's algorithm.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kahan {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Kahan {
    pub(crate) fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= term.abs() {
            self.lost + ((self.sum - sum) + term)
        } else {
            self.lost + ((term - sum) + self.sum)
        };
        Self { sum, lost }
    }

    pub(crate) fn total(self) -> f64 {
        self.sum + self.lost
    }
}
