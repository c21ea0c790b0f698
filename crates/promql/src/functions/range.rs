//! What functions of range vectors see: the samples of one series within one window.

use std::sync::Arc;

use diag::Span;
use model::FloatHistogram;

use crate::ast::Boundary;
use crate::eval::QueryError;
use crate::eval::annotations::{Annotations, Note, Operation};
use crate::eval::column::Point;

/// Times in milliseconds, ascending; `starts` is empty or as long as `times` (0: unknown).
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatWindow<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [f64],
    pub(crate) starts: &'a [i64],
    /// Positions in the window, from 1, of values lower than the one before.
    pub(crate) drops: Drops<'a>,
}

/// The places in a series where values go down, seen from one window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drops<'a> {
    /// Positions in the series; only those beyond `first` are within the window.
    pub(crate) positions: &'a [usize],
    /// The position of the first sample of the window.
    pub(crate) first: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct HistogramWindow<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [Arc<FloatHistogram>],
    pub(crate) starts: &'a [i64],
}

/// The samples of a series in a range. At least one is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    pub(crate) floats: FloatWindow<'a>,
    pub(crate) histograms: HistogramWindow<'a>,
}

impl Window<'_> {
    pub(crate) fn is_mixed(&self) -> bool {
        !self.floats.values.is_empty() && !self.histograms.values.is_empty()
    }
}

/// What a function knows besides the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeContext<'a> {
    /// The evaluation time.
    pub(crate) time: i64,
    /// The range is left-open: `(start, end]`. Windows of anchored and smoothed selectors reach further.
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) boundary: Boundary,
    /// The scalar arguments at this step.
    pub(crate) params: &'a [f64],
    /// The metric name, for annotations.
    pub(crate) name: &'a str,
    /// The first argument, and all arguments.
    pub(crate) first_arg: Span,
}

impl RangeContext<'_> {
    /// The length of the range in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        super::math::seconds(self.end - self.start)
    }

    pub(crate) fn name(&self) -> String {
        self.name.to_owned()
    }

    pub(crate) fn param(&self, index: usize) -> f64 {
        self.params.get(index).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn note(&self, notes: &mut Annotations, note: Note) {
        notes.add(note, self.first_arg);
    }

    pub(crate) fn note_mixed(&self, notes: &mut Annotations) {
        self.note(notes, Note::MixedFloatsHistograms { name: self.name() });
    }

    /// Says that histograms in a range with floats were not looked at.
    pub(crate) fn note_ignored(&self, notes: &mut Annotations) {
        self.note(notes, Note::IgnoredInMixedRange { name: self.name() });
    }

    /// `base + other`; false if their schemas do not fit, which is noted.
    pub(crate) fn add(
        &self,
        base: &mut FloatHistogram,
        other: &FloatHistogram,
        notes: &mut Annotations,
    ) -> bool {
        self.combined(base.add(other), Operation::Addition, notes)
    }

    /// `base - other`; false if their schemas do not fit, which is noted.
    pub(crate) fn subtract(
        &self,
        base: &mut FloatHistogram,
        other: &FloatHistogram,
        notes: &mut Annotations,
    ) -> bool {
        self.combined(base.subtract(other), Operation::Subtraction, notes)
    }

    fn combined(
        &self,
        result: Result<model::histogram::Combined, model::histogram::IncompatibleSchemas>,
        operation: Operation,
        notes: &mut Annotations,
    ) -> bool {
        match result {
            Ok(combined) => {
                if combined.has_reconciled_bounds {
                    self.note(notes, Note::MismatchedCustomBuckets(operation));
                }
                true
            }
            Err(_) => {
                self.note(notes, Note::MixedExponentialCustom { name: self.name() });
                false
            }
        }
    }
}

pub(crate) type Kernel =
    fn(&RangeContext<'_>, &Window<'_>, &mut Annotations) -> Result<Option<Point>, QueryError>;

/// Which modifiers of the selector a function understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundaries {
    Plain,
    Anchored,
    AnchoredAndSmoothed,
}

/// A function of range vectors.
#[derive(Debug)]
pub(crate) struct RangeFunction {
    pub(crate) kernel: Kernel,
    pub(crate) boundaries: Boundaries,
    /// The result is a sample of the input, so it keeps the name.
    pub(crate) keeps_name: bool,
    /// Looks at start timestamps.
    pub(crate) uses_starts: bool,
    /// Looks at [`FloatWindow::drops`].
    pub(crate) uses_drops: bool,
    /// Says so if the name does not look like that of a counter.
    pub(crate) expects_counter_name: bool,
}

impl RangeFunction {
    pub(crate) const fn plain(kernel: Kernel) -> Self {
        Self {
            kernel,
            boundaries: Boundaries::Plain,
            keeps_name: false,
            uses_starts: false,
            uses_drops: false,
            expects_counter_name: false,
        }
    }
}

/// The value at `time` on the line between two points. In a counter a lower second value means a reset
/// to zero right after the first point.
pub(crate) fn interpolate(
    (first_time, first): (i64, f64),
    (second_time, second): (i64, f64),
    time: i64,
    is_counter: bool,
) -> f64 {
    let first = if is_counter && second < first {
        0.0
    } else {
        first
    };
    first
        + (second - first) * super::math::float(time - first_time)
            / super::math::float(second_time - first_time)
}
