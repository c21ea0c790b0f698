//! Results of one series over all steps of an evaluation, as columns.
//!
//! Step `i` of a column belongs to time `start + i * interval`. An absent point within a series takes
//! eight bytes, so that operators run over plain slices without looking at timestamps.
//!
//! Absent floats are marked by the bits of the staleness marker. It can be no value: readers of samples
//! take markers away, arithmetic never makes one (it is a signalling NaN), and what could, such as a
//! change of the sign, stores a plain NaN instead.

use std::ops::Range;
use std::sync::Arc;

use model::sample::{STALE_NAN, is_stale};
use model::{FloatHistogram, Labels};

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

/// What stands for a float at a step without one.
pub(crate) const ABSENT: f64 = STALE_NAN;

/// A value as a column holds it: the bits of the marker are taken for a plain NaN.
#[inline]
pub(crate) fn present(value: f64) -> f64 {
    if is_stale(value) { f64::NAN } else { value }
}

/// Only the stretch from the first to the last point takes memory, so that short-lived series in a long
/// query stay cheap.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    len: usize,
    /// The step that the vectors begin at.
    first: usize,
    /// [`ABSENT`] where there is no float.
    values: Vec<f64>,
    /// Empty, or as long as `values`.
    histograms: Vec<Option<Arc<FloatHistogram>>>,
}

impl Column {
    pub(crate) fn absent(len: usize) -> Self {
        Self {
            len,
            first: 0,
            values: Vec::new(),
            histograms: Vec::new(),
        }
    }

    /// A float at every step.
    pub(crate) fn from_floats(values: Vec<f64>) -> Self {
        Self::from_marked(values.into_iter().map(present).collect())
    }

    /// One slot per step, [`ABSENT`] where there is no point.
    pub(crate) fn from_marked(slots: Vec<f64>) -> Self {
        Self::from_stretch(slots.len(), 0, slots)
    }

    /// A column of `len` steps with slots from step `first` on; [`ABSENT`] where there is no point.
    pub(crate) fn from_stretch(len: usize, first: usize, mut slots: Vec<f64>) -> Self {
        let Some(skipped) = slots.iter().position(|value| !is_stale(*value)) else {
            return Self::absent(len);
        };
        let end = slots.iter().rposition(|value| !is_stale(*value));
        slots.truncate(end.map_or(0, |end| end + 1));
        if skipped > 0 {
            slots.drain(..skipped);
        }
        // A short stretch of a long query gives its memory back.
        if slots.capacity() > 2 * slots.len() + 16 {
            slots.shrink_to_fit();
        }
        Self {
            len,
            first: first + skipped,
            values: slots,
            histograms: Vec::new(),
        }
    }

    /// Joins columns of the same length whose points lie at different steps, in order.
    pub(crate) fn joined(parts: Vec<Self>, len: usize) -> Self {
        let mut parts = parts.into_iter();
        let Some(mut column) = parts.next() else {
            return Self::absent(len);
        };
        for part in parts {
            column.append(part);
        }
        column
    }

    /// Takes over the points of a column that begins after this one ends.
    fn append(&mut self, other: Self) {
        if self.values.is_empty() {
            *self = other;
            return;
        }
        if other.values.is_empty() {
            return;
        }
        let gap = other.first.saturating_sub(self.first + self.values.len());
        let has_histograms = self.has_histograms() || other.has_histograms();
        if has_histograms {
            self.histograms.resize(self.values.len() + gap, None);
        }
        self.values.resize(self.values.len() + gap, ABSENT);
        let expected = self.values.len() + other.values.len();
        self.values.extend(other.values);
        if has_histograms {
            self.histograms.extend(other.histograms);
            self.histograms.resize(expected, None);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All other steps are without a point.
    pub(crate) fn stretch(&self) -> Range<usize> {
        self.first..self.first + self.values.len()
    }

    /// The slots of the stretch; [`ABSENT`] where there is no float.
    pub(crate) fn slots(&self) -> &[f64] {
        &self.values
    }

    /// Steps with floats, and their values.
    pub(crate) fn floats(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.stretch()
            .zip(&self.values)
            .filter(|(_, value)| !is_stale(**value))
            .map(|(step, value)| (step, *value))
    }

    /// Steps with points, and the points.
    pub(crate) fn points(&self) -> impl Iterator<Item = (usize, PointRef<'_>)> {
        self.stretch()
            .filter_map(|step| Some((step, self.get(step)?)))
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    pub(crate) fn has_floats(&self) -> bool {
        self.values.iter().any(|value| !is_stale(*value))
    }

    pub(crate) fn is_present(&self, step: usize) -> bool {
        self.get(step).is_some()
    }

    /// Whether no step has a point.
    pub(crate) fn is_absent(&self) -> bool {
        !self.has_floats() && self.histograms.iter().all(Option::is_none)
    }

    #[inline]
    pub(crate) fn get(&self, step: usize) -> Option<PointRef<'_>> {
        let at = step.checked_sub(self.first)?;
        let value = *self.values.get(at)?;
        if !is_stale(value) {
            return Some(PointRef::Float(value));
        }
        self.histograms.get(at)?.as_ref().map(PointRef::Histogram)
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
        if self.values.is_empty() {
            self.first = step;
        }
        if step < self.first {
            let more = self.first - step;
            self.values.splice(..0, std::iter::repeat_n(ABSENT, more));
            if !self.histograms.is_empty() {
                self.histograms.splice(..0, std::iter::repeat_n(None, more));
            }
            self.first = step;
        }
        let at = step - self.first;
        if at >= self.values.len() {
            self.values.resize(at + 1, ABSENT);
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
        if let Some(slot) = self.values.get_mut(at) {
            *slot = present(value);
        }
        if let Some(slot) = self.histograms.get_mut(at) {
            *slot = None;
        }
    }

    pub(crate) fn set_histogram(&mut self, step: usize, histogram: Arc<FloatHistogram>) {
        let Some(at) = self.place(step) else {
            return;
        };
        if self.histograms.is_empty() {
            self.histograms.resize(self.values.len(), None);
        }
        if let (Some(value), Some(slot)) = (self.values.get_mut(at), self.histograms.get_mut(at)) {
            *value = ABSENT;
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
        for (step, value) in (self.first..).zip(&mut self.values) {
            if !is_stale(*value) {
                *value = present(f(step, *value));
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
        let floats = self.values.iter().filter(|value| !is_stale(**value));
        let histograms = self.histograms.iter().flatten();
        floats.count() + histograms.map(|h| histogram_weight(h)).sum::<usize>()
    }

    pub(crate) fn negate(&mut self) {
        for value in &mut self.values {
            if !is_stale(*value) {
                *value = present(-*value);
            }
        }
        for histogram in self.histograms.iter_mut().flatten() {
            Arc::make_mut(histogram).scale(-1.0);
        }
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

/// Name, type and unit.
pub(crate) const METADATA: [&str; 3] = ["__name__", "__type__", "__unit__"];

pub(crate) fn is_metadata(name: &str) -> bool {
    METADATA.contains(&name)
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
