//! `rate`, `increase` and `delta`: the change over a range, extrapolated to its ends.
//!
//! Source: Prometheus' documentation and behaviour. The sequence of float operations is the peer's, so
//! that results agree to the last bit. For floats the cost of a window is its resets, not its samples:
//! first and last are at hand and drops are indexed per series.

use std::sync::Arc;

use model::FloatHistogram;
use model::histogram::CounterResetHint;

use super::extended;
use super::math::{count, seconds};
use super::range::{Boundaries, RangeContext, RangeFunction, Window};
use super::starts::{is_reset_at, known_start, note_overlap};
use crate::ast::Boundary;
use crate::eval::annotations::{Annotations, Note};
use crate::eval::column::Point;

/// What the three extrapolating functions differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rate,
    Increase,
    Delta,
}

impl Kind {
    pub(super) fn is_counter(self) -> bool {
        self != Self::Delta
    }

    pub(super) fn is_rate(self) -> bool {
        self == Self::Rate
    }
}

pub(super) static RATE: RangeFunction = RangeFunction {
    boundaries: Boundaries::AnchoredAndSmoothed,
    uses_starts: true,
    uses_drops: true,
    expects_counter_name: true,
    ..RangeFunction::plain(|context, window, notes| {
        Ok(extrapolated(Kind::Rate, context, window, notes))
    })
};

pub(super) static INCREASE: RangeFunction = RangeFunction {
    boundaries: Boundaries::AnchoredAndSmoothed,
    uses_starts: true,
    uses_drops: true,
    expects_counter_name: true,
    ..RangeFunction::plain(|context, window, notes| {
        Ok(extrapolated(Kind::Increase, context, window, notes))
    })
};

pub(super) static DELTA: RangeFunction = RangeFunction {
    boundaries: Boundaries::AnchoredAndSmoothed,
    ..RangeFunction::plain(|context, window, notes| {
        Ok(extrapolated(Kind::Delta, context, window, notes))
    })
};

fn extrapolated(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Point> {
    if window.is_mixed() {
        context.note_mixed(notes);
        return None;
    }
    if context.boundary != Boundary::Plain {
        return if window.histograms.values.is_empty() {
            extended::float_rate(kind, context, window)
        } else {
            extended::histogram_rate(kind, context, window, notes)
        };
    }
    if window.histograms.values.is_empty() {
        float_rate(kind, context, window, notes).map(Point::Float)
    } else {
        histogram_rate(kind, context, window, notes).map(Point::from)
    }
}

/// How a change between first and last sample is stretched to the whole range.
struct Extrapolation {
    first: i64,
    last: i64,
    /// The number of samples.
    len: usize,
    /// The start timestamp of the first sample, if it lies in the range before it: the counter was zero
    /// there, and nothing needs to be guessed on the left.
    known_start: Option<i64>,
}

impl Extrapolation {
    /// `to_zero(sampled seconds)` is how long before the first sample a counter would have been zero.
    fn factor(
        &self,
        kind: Kind,
        context: &RangeContext<'_>,
        to_zero: impl FnOnce(f64) -> Option<f64>,
    ) -> f64 {
        let mut to_start = seconds(self.first - context.start);
        let mut to_end = seconds(context.end - self.last);
        let mut sampled = seconds(self.last - self.first);
        let mut average = 0.0;
        if self.len > 1 {
            average = sampled / count(self.len - 1);
        }
        // Up to 10% more than the average distance is taken for jitter; beyond it the series is taken to
        // begin or end half a distance outside the samples.
        let threshold = average * 1.1;
        if let Some(start) = self.known_start {
            to_start = 0.0;
            sampled = seconds(self.last - start);
        } else {
            if to_start >= threshold {
                to_start = average / 2.0;
            }
            if kind.is_counter()
                && let Some(to_zero) = to_zero(sampled)
                && to_zero < to_start
            {
                to_start = to_zero;
            }
        }
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        let mut factor = 1.0;
        if sampled != 0.0 {
            factor = (sampled + to_start + to_end) / sampled;
        }
        if kind.is_rate() {
            factor /= context.seconds();
        }
        factor
    }
}

fn float_rate(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<f64> {
    let floats = &window.floats;
    let (first_value, last_value) = (*floats.values.first()?, *floats.values.last()?);
    let (first, last) = (*floats.times.first()?, *floats.times.last()?);
    let mut result = last_value - first_value;
    let mut start = None;
    if kind.is_counter() {
        if floats.starts.is_empty() {
            let drops = floats.drops;
            let begin = drops.positions.partition_point(|at| *at <= drops.first);
            for at in &drops.positions[begin..] {
                let Some(before) = floats.values.get(at - drops.first - 1) else {
                    break;
                };
                if at - drops.first >= floats.values.len() {
                    break;
                }
                result += before;
            }
        } else {
            note_overlap(context, floats.starts, floats.times, notes);
            for (at, pair) in (1..).zip(floats.values.windows(2)) {
                if let &[before, value] = pair
                    && (value < before || is_reset_at(floats.starts, floats.times, at))
                {
                    result += before;
                }
            }
            start = known_start(context, floats.starts, first);
        }
    }
    if start.is_some() {
        result += first_value;
    } else if floats.values.len() < 2 {
        return None;
    }
    let extrapolation = Extrapolation {
        first,
        last,
        len: floats.values.len(),
        known_start: start,
    };
    let factor = extrapolation.factor(kind, context, |sampled| {
        (result > 0.0 && first_value >= 0.0).then(|| sampled * (first_value / result))
    });
    Some(result * factor)
}

fn histogram_rate(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<FloatHistogram> {
    let histograms = &window.histograms;
    let first_value = histograms.values.first()?;
    let (first, last) = (*histograms.times.first()?, *histograms.times.last()?);
    let mut result = None;
    if histograms.values.len() > 1 {
        result = Some(histogram_change(kind, context, window, notes)?);
    }
    let mut start = None;
    if kind.is_counter() {
        start = known_start(context, histograms.starts, first);
    }
    let mut result = match (start, result) {
        (Some(_), Some(mut result)) => {
            if !context.add(&mut result, first_value, notes) {
                return None;
            }
            result
        }
        (Some(_), None) => FloatHistogram::clone(first_value),
        (None, result) => result?,
    };
    let extrapolation = Extrapolation {
        first,
        last,
        len: histograms.values.len(),
        known_start: start,
    };
    let factor = extrapolation.factor(kind, context, |sampled| {
        (result.count > 0.0 && first_value.count >= 0.0)
            .then(|| sampled * (first_value.count / result.count))
    });
    result.scale(factor);
    Some(result)
}

/// The change from the first to the last histogram, with what was lost in resets of a counter added.
fn histogram_change(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<FloatHistogram> {
    let histograms = &window.histograms;
    let points = histograms.values;
    let [first, middle @ .., last] = points else {
        return None;
    };
    let second = middle.first().unwrap_or(last);
    let is_gauge =
        |histogram: &FloatHistogram| histogram.counter_reset_hint == CounterResetHint::Gauge;
    let not_a_counter = || Note::NotACounter {
        name: context.name(),
    };
    let mixed = || Note::MixedExponentialCustom {
        name: context.name(),
    };
    let mut pending: Vec<Note> = Vec::new();
    if kind.is_counter() && (is_gauge(first) || is_gauge(last)) {
        pending.push(not_a_counter());
    }

    // With a reset right after the first histogram, that one does not matter at all.
    let mut base = Arc::clone(first);
    if kind.is_counter()
        && (is_reset_at(histograms.starts, histograms.times, 1) || second.is_reset_after(first))
    {
        base = Arc::new(FloatHistogram::empty_like(second));
    }
    let is_custom = base.uses_custom_buckets();
    if last.uses_custom_buckets() != is_custom {
        pending.push(mixed());
        for note in pending {
            context.note(notes, note);
        }
        return None;
    }
    let mut schema = last.schema.min(base.schema);
    if kind.is_counter() {
        for histogram in middle {
            if is_gauge(histogram) {
                pending.push(not_a_counter());
            }
            schema = schema.min(histogram.schema);
            if histogram.uses_custom_buckets() != is_custom {
                context.note(notes, mixed());
                return None;
            }
        }
    }
    for note in pending {
        context.note(notes, note);
    }

    let mut change = FloatHistogram::clone(last);
    change.reduce_resolution(schema);
    if !context.subtract(&mut change, &base, notes) {
        return None;
    }
    if kind.is_counter() {
        note_overlap(context, histograms.starts, histograms.times, notes);
        let mut previous = &base;
        for (at, histogram) in points.iter().enumerate().skip(1) {
            let is_reset = is_reset_at(histograms.starts, histograms.times, at)
                || histogram.is_reset_after(previous);
            if is_reset && !context.add(&mut change, previous, notes) {
                return None;
            }
            previous = histogram;
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        context.note(
            notes,
            Note::NotAGauge {
                name: context.name(),
            },
        );
    }
    change.counter_reset_hint = CounterResetHint::Gauge;
    change.compact();
    Some(change)
}
