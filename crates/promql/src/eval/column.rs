//! Results of one series over all steps of an evaluation, as columns.
//!
//! Step `i` of a column belongs to time `start + i * interval`. A column is dense: absent points take nine
//! bytes, so that operators run over plain slices without looking at timestamps.

use std::sync::Arc;

use model::{FloatHistogram, Labels};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PointKind {
    Absent,
    Float,
    Histogram,
}

/// One point of a column, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PointRef<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// One point, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Point {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl From<FloatHistogram> for Point {
    fn from(histogram: FloatHistogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }
}

impl PointRef<'_> {
    pub(crate) fn to_owned(self) -> Point {
        match self {
            Self::Float(value) => Point::Float(value),
            Self::Histogram(histogram) => Point::Histogram(Arc::clone(histogram)),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    kinds: Vec<PointKind>,
    values: Vec<f64>,
    /// Empty, or as long as `kinds`.
    histograms: Vec<Option<Arc<FloatHistogram>>>,
}

impl Column {
    pub(crate) fn absent(len: usize) -> Self {
        Self {
            kinds: vec![PointKind::Absent; len],
            values: vec![0.0; len],
            histograms: Vec::new(),
        }
    }

    pub(crate) fn from_floats(values: Vec<f64>) -> Self {
        Self {
            kinds: vec![PointKind::Float; values.len()],
            values,
            histograms: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(crate) fn kinds(&self) -> &[PointKind] {
        &self.kinds
    }

    /// As long as [`Column::kinds`]; meaningful only at floats.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    pub(crate) fn is_present(&self, step: usize) -> bool {
        self.kinds
            .get(step)
            .is_some_and(|kind| *kind != PointKind::Absent)
    }

    /// Whether no step has a point.
    pub(crate) fn is_absent(&self) -> bool {
        self.kinds.iter().all(|kind| *kind == PointKind::Absent)
    }

    pub(crate) fn get(&self, step: usize) -> Option<PointRef<'_>> {
        match self.kinds.get(step)? {
            PointKind::Absent => None,
            PointKind::Float => Some(PointRef::Float(*self.values.get(step)?)),
            PointKind::Histogram => self.histograms.get(step)?.as_ref().map(PointRef::Histogram),
        }
    }

    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        match self.get(step) {
            Some(PointRef::Float(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn set_float(&mut self, step: usize, value: f64) {
        if let (Some(kind), Some(slot)) = (self.kinds.get_mut(step), self.values.get_mut(step)) {
            *kind = PointKind::Float;
            *slot = value;
        }
    }

    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<FloatHistogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.kinds.len(), None);
        }
        if let (Some(kind), Some(slot)) = (self.kinds.get_mut(step), self.histograms.get_mut(step))
        {
            *kind = PointKind::Histogram;
            *slot = Some(histogram);
        }
    }

    pub(crate) fn set(&mut self, step: usize, point: Point) {
        match point {
            Point::Float(value) => self.set_float(step, value),
            Point::Histogram(histogram) => self.set_histogram(step, histogram),
        }
    }

    /// Takes over the points of `other` where this column has none. False if both have one somewhere.
    pub(crate) fn fill_from(&mut self, other: &Self) -> bool {
        for step in 0..other.len() {
            if let Some(point) = other.get(step) {
                if self.is_present(step) {
                    return false;
                }
                self.set(step, point.to_owned());
            }
        }
        true
    }

    /// Applies `f` to all steps with floats and removes all histograms.
    pub(crate) fn map_floats(&mut self, f: impl Fn(usize, f64) -> f64) {
        for (step, (kind, value)) in self.kinds.iter_mut().zip(&mut self.values).enumerate() {
            match kind {
                PointKind::Float => *value = f(step, *value),
                PointKind::Histogram => *kind = PointKind::Absent,
                PointKind::Absent => {}
            }
        }
        self.histograms = Vec::new();
    }

    /// The same point at every one of `len` steps; the point is that of the first step.
    pub(crate) fn repeated(&self, len: usize) -> Self {
        let mut column = Self::absent(len);
        if let Some(point) = self.get(0) {
            for step in 0..len {
                column.set(step, point.to_owned());
            }
        }
        column
    }

    /// What the points count against the sample limit: a float 1, a histogram one per 16 bytes.
    pub(crate) fn weight(&self) -> usize {
        if self.histograms.is_empty() {
            return self
                .kinds
                .iter()
                .filter(|kind| **kind == PointKind::Float)
                .count();
        }
        (0..self.len())
            .map(|step| match self.get(step) {
                None => 0,
                Some(PointRef::Float(_)) => 1,
                Some(PointRef::Histogram(histogram)) => histogram_weight(histogram),
            })
            .sum()
    }
}

/// Prometheus' size of a histogram point in units of a float point.
pub(crate) fn histogram_weight(histogram: &FloatHistogram) -> usize {
    let elements = histogram.positive_spans.len()
        + histogram.negative_spans.len()
        + histogram.positive_buckets.len()
        + histogram.negative_buckets.len()
        + histogram.custom_values.len();
    (168 + 8 * elements + 8) / 16
}

/// One series of an instant vector over all steps.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The metric name goes away at the end of the query (delayed name removal).
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}

/// What an operator yields.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Series without any point are left out. The order matters only with one step (`sort`, `topk`).
    Vector(Vec<Series>),
    /// One value per step.
    Scalar(Vec<f64>),
    Text(String),
}

impl Value {
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Vector(series) => series.iter().map(|series| series.column.weight()).sum(),
            Self::Scalar(values) => values.len(),
            Self::Text(_) => 0,
        }
    }
}

/// The labels that describe the metric itself; functions that change the meaning of a value drop them.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.filtered(|name| !is_metadata(name))
}

pub(crate) fn is_metadata(name: &str) -> bool {
    matches!(name, "__name__" | "__type__" | "__unit__")
}

impl Column {
    pub(crate) fn negate(&mut self) {
        for value in &mut self.values {
            *value = -*value;
        }
        for histogram in self.histograms.iter_mut().flatten() {
            Arc::make_mut(histogram).scale(-1.0);
        }
    }
}
