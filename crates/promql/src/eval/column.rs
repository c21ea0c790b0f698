//! Results of one series over all steps of an evaluation, as columns.
//!
//! Step `i` of a column belongs to time `start + i * interval`. Absent points within a series take nine
//! bytes, so that operators run over plain slices without looking at timestamps.

use std::ops::Range;
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
    /// What it counts against the sample limit.
    pub(crate) fn weight(self) -> usize {
        match self {
            Self::Float(_) => 1,
            Self::Histogram(histogram) => histogram_weight(histogram),
        }
    }

    pub(crate) fn to_owned(self) -> Point {
        match self {
            Self::Float(value) => Point::Float(value),
            Self::Histogram(histogram) => Point::Histogram(Arc::clone(histogram)),
        }
    }
}

/// Only the stretch from the first to the last point takes memory, so that short-lived series in a long
/// query stay cheap.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    len: usize,
    /// The step that the vectors begin at.
    first: usize,
    kinds: Vec<PointKind>,
    /// As long as `kinds`.
    values: Vec<f64>,
    /// Empty, or as long as `kinds`.
    histograms: Vec<Option<Arc<FloatHistogram>>>,
}

impl Column {
    pub(crate) fn absent(len: usize) -> Self {
        Self {
            len,
            first: 0,
            kinds: Vec::new(),
            values: Vec::new(),
            histograms: Vec::new(),
        }
    }

    pub(crate) fn from_floats(values: Vec<f64>) -> Self {
        Self {
            len: values.len(),
            first: 0,
            kinds: vec![PointKind::Float; values.len()],
            values,
            histograms: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All other steps are without a point.
    pub(crate) fn stretch(&self) -> Range<usize> {
        self.first..self.first + self.kinds.len()
    }

    /// Steps with floats, and their values.
    pub(crate) fn floats(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.stretch()
            .zip(self.kinds.iter().zip(&self.values))
            .filter(|(_, (kind, _))| **kind == PointKind::Float)
            .map(|(step, (_, value))| (step, *value))
    }

    /// Steps with points, and the points.
    pub(crate) fn points(&self) -> impl Iterator<Item = (usize, PointRef<'_>)> {
        self.stretch()
            .filter_map(|step| Some((step, self.get(step)?)))
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    fn kind(&self, step: usize) -> PointKind {
        step.checked_sub(self.first)
            .and_then(|at| self.kinds.get(at))
            .copied()
            .unwrap_or(PointKind::Absent)
    }

    pub(crate) fn is_present(&self, step: usize) -> bool {
        self.kind(step) != PointKind::Absent
    }

    /// Whether no step has a point.
    pub(crate) fn is_absent(&self) -> bool {
        self.kinds.iter().all(|kind| *kind == PointKind::Absent)
    }

    #[inline]
    pub(crate) fn get(&self, step: usize) -> Option<PointRef<'_>> {
        let at = step.checked_sub(self.first)?;
        match self.kinds.get(at)? {
            PointKind::Absent => None,
            PointKind::Float => Some(PointRef::Float(*self.values.get(at)?)),
            PointKind::Histogram => self.histograms.get(at)?.as_ref().map(PointRef::Histogram),
        }
    }

    pub(crate) fn float(&self, step: usize) -> Option<f64> {
        match self.get(step) {
            Some(PointRef::Float(value)) => Some(value),
            _ => None,
        }
    }

    /// The place of a step in the vectors, which grow for it. None beyond the end of the column.
    fn place(&mut self, step: usize) -> Option<usize> {
        if step >= self.len {
            return None;
        }
        if self.kinds.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let more = self.first - step;
            self.kinds
                .splice(..0, std::iter::repeat_n(PointKind::Absent, more));
            self.values.splice(..0, std::iter::repeat_n(0.0, more));
            if !self.histograms.is_empty() {
                self.histograms.splice(..0, std::iter::repeat_n(None, more));
            }
            self.first = step;
        }
        let at = step - self.first;
        if at >= self.kinds.len() {
            self.kinds.resize(at + 1, PointKind::Absent);
            self.values.resize(at + 1, 0.0);
            if !self.histograms.is_empty() {
                self.histograms.resize(at + 1, None);
            }
        }
        Some(at)
    }

    pub(crate) fn set_float(&mut self, step: usize, value: f64) {
        let Some(at) = self.place(step) else {
            return;
        };
        if let (Some(kind), Some(slot)) = (self.kinds.get_mut(at), self.values.get_mut(at)) {
            *kind = PointKind::Float;
            *slot = value;
        }
    }

    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<FloatHistogram>) {
        let Some(at) = self.place(step) else {
            return;
        };
        if self.histograms.is_empty() {
            self.histograms.resize(self.kinds.len(), None);
        }
        if let (Some(kind), Some(slot)) = (self.kinds.get_mut(at), self.histograms.get_mut(at)) {
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
        for (step, point) in other.points() {
            if self.is_present(step) {
                return false;
            }
            self.set(step, point.to_owned());
        }
        true
    }

    /// Applies `f` to all steps with floats and removes all histograms.
    pub(crate) fn map_floats(&mut self, f: impl Fn(usize, f64) -> f64) {
        let steps = self.stretch();
        for (step, (kind, value)) in steps.zip(self.kinds.iter_mut().zip(&mut self.values)) {
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
        self.points().map(|(_, point)| point.weight()).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stretch_with_points_is_held() {
        let mut column = Column::absent(1_000_000);
        assert!(column.is_absent());
        column.set_float(500, 1.0);
        column.set_float(502, 3.0);
        column.set_float(499, 0.5);
        column.set_histogram(503, Arc::new(FloatHistogram::default()));
        assert_eq!(column.stretch(), 499..504);
        assert_eq!(column.float(501), None);
        assert_eq!(
            column.floats().collect::<Vec<_>>(),
            [(499, 0.5), (500, 1.0), (502, 3.0)]
        );
        assert_eq!(column.points().count(), 4);
        column.set_float(2_000_000, 1.0);
        assert_eq!(column.points().count(), 4);
    }

    #[test]
    fn filling_does_not_overwrite() {
        let mut column = Column::from_floats(vec![1.0]);
        assert!(!column.fill_from(&Column::from_floats(vec![2.0])));
        let mut column = Column::absent(2);
        column.set_float(0, 1.0);
        let mut other = Column::absent(2);
        other.set_float(1, 2.0);
        assert!(column.fill_from(&other));
        assert_eq!(column.float(1), Some(2.0));
    }
}
