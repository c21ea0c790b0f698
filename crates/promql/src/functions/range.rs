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

/// All windows of one series of floats: no histograms, no start timestamps, a plain range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatWindows<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [f64],
    /// Positions of values lower than the one before, if the function asks for them.
    pub(crate) drops: &'a [usize],
    /// First and end position of the window of each step; both never go down.
    pub(crate) windows: &'a [(u32, u32)],
    /// Where the range of the first step ends, and by how much it moves from step to step.
    pub(crate) end: i64,
    pub(crate) interval: i64,
    /// Length of the range in milliseconds.
    pub(crate) range: i64,
    /// The scalar arguments by step.
    pub(crate) params: &'a [Vec<f64>],
}

impl<'a> FloatWindows<'a> {
    /// `(step, first, end)` of the windows that are not empty.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<'a> {
        let windows = self.windows.iter().enumerate();
        windows
            .filter(|(_, (first, end))| first < end)
            .map(|(step, (first, end))| (step, *first as usize, *end as usize))
    }

    /// Where the range of a step ends.
    pub(crate) fn end_of(&self, step: usize) -> i64 {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.end.saturating_add(step.saturating_mul(self.interval))
    }
}

/// Gives the results of all windows at once, where a column of floats is all there is: the same as the
/// [`Kernel`] gives window by window, to the last bit. `slots` has one slot per step, absent at first.
/// False if the kernel has to be asked, because there is something to note.
pub(crate) type SeriesKernel = fn(&FloatWindows<'_>, slots: &mut [f64]) -> bool;

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
    pub(crate) floats: Option<SeriesKernel>,
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
            floats: None,
            boundaries: Boundaries::Plain,
            keeps_name: false,
            uses_starts: false,
            uses_drops: false,
            expects_counter_name: false,
        }
    }

    /// With a quick way for series of floats.
    pub(crate) const fn with_floats(kernel: Kernel, floats: SeriesKernel) -> Self {
        Self {
            floats: Some(floats),
            ..Self::plain(kernel)
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
