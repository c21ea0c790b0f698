//! The result of a query as its caller sees it.

use std::sync::Arc;

use model::{FloatHistogram, Labels};

#[derive(Clone, Debug)]
pub struct QueryResult {
    pub value: QueryValue,
    /// Rendered, with their place in the query.
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
    pub stats: QueryStats,
}

/// Samples count as 1 if they are floats, by their size if they are histograms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryStats {
    /// Looked at, summed over all steps: a sample in the windows of several steps counts for each.
    pub samples_total: u64,
    /// Read from storage.
    pub samples_read: u64,
    /// The most samples held at one time, by Prometheus' way of counting.
    pub samples_peak: usize,
    pub per_step: Vec<StepSamples>,
}

/// The samples of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepSamples {
    /// Milliseconds since the epoch.
    pub time: i64,
    pub total: u64,
    pub read: u64,
}

/// Times are in milliseconds since the epoch.
#[derive(Clone, Debug)]
pub enum QueryValue {
    Scalar {
        time: i64,
        value: f64,
    },
    String {
        time: i64,
        value: String,
    },
    Vector(Vec<VectorSample>),
    /// Sorted by labels.
    Matrix(Vec<MatrixSeries>),
}

/// One series of an instant vector: a histogram if there is one, else the float.
#[derive(Clone, Debug)]
pub struct VectorSample {
    pub labels: Labels,
    pub time: i64,
    pub value: f64,
    pub histogram: Option<Arc<FloatHistogram>>,
}

/// One series of a matrix: floats in columns, histograms with their times. A time is in one of both.
#[derive(Clone, Debug, Default)]
pub struct MatrixSeries {
    pub labels: Labels,
    pub times: Vec<i64>,
    pub values: Vec<f64>,
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

impl MatrixSeries {
    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.histograms.is_empty()
    }

    /// Points of both kinds.
    pub fn len(&self) -> usize {
        self.times.len() + self.histograms.len()
    }
}
