//! `rate`, `increase` and `delta` of anchored and smoothed selectors.
//!
//! Anchored: the change from the last sample at or before the start of the range to its last sample.
//! Smoothed: the change between the values interpolated at both ends of the range. Neither extrapolates.

use std::sync::Arc;

use diag::Span;
use model::FloatHistogram;
use model::histogram::{CounterResetHint, IncompatibleSchemas};

use super::math::float;
use super::range::{RangeContext, Window, interpolate};
use super::rate::Kind;
use crate::ast::Boundary;
use crate::eval::MatrixSeries;
use crate::eval::annotations::{Annotations, Note, Operation};
use crate::eval::column::Point;

/// The samples that decide: from the last one at or before the start of the range to the last one in it,
/// or with a smoothed range the first one at or after its end. None if nothing lies in the range.
fn bounds(context: &RangeContext<'_>, times: &[i64]) -> Option<(usize, usize)> {
    let is_smoothed = context.boundary == Boundary::Smoothed;
    let mut last = times.len().checked_sub(1)?;
    // The last sample is never passed over, so that there is one to begin with.
    let inner = times.get(..last)?;
    let first = inner
        .partition_point(|time| *time <= context.start)
        .saturating_sub(1);
    if is_smoothed {
        last = inner.partition_point(|time| *time < context.end);
    }
    if *times.get(last)? <= context.start {
        return None;
    }
    if is_smoothed && *times.get(first)? > context.end {
        return None;
    }
    Some((first, last))
}

pub(super) fn float_rate(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
) -> Option<Point> {
    let (times, values) = (window.floats.times, window.floats.values);
    let (first, last) = bounds(context, times)?;
    let is_counter = kind.is_counter();
    let is_smoothed = context.boundary == Boundary::Smoothed;
    let point = |at: usize| Some((*times.get(at)?, *values.get(at)?));

    let (first_time, first_value) = point(first)?;
    let left = if is_smoothed && first_time < context.start {
        interpolate(
            (first_time, first_value),
            point(first + 1)?,
            context.start,
            is_counter,
        )
    } else {
        first_value
    };
    let (last_time, last_value) = point(last)?;
    let right = if is_smoothed && last > 0 && last_time > context.end {
        interpolate(
            point(last - 1)?,
            (last_time, last_value),
            context.end,
            is_counter,
        )
    } else {
        last_value
    };
    let mut result = right - left;
    if is_counter {
        // Only samples strictly between the ends: those are `left` and `right` themselves.
        let begin = first + usize::from(first_time <= context.start);
        let end = last + usize::from(last_time < context.end);
        let mut previous = left;
        let mut correction = 0.0;
        for value in values.get(begin..end).unwrap_or(&[]) {
            if *value < previous {
                correction += previous;
            }
            previous = *value;
        }
        if right < previous {
            correction += previous;
        }
        result += correction;
    }
    if kind.is_rate() {
        result /= context.seconds();
    }
    Some(Point::Float(result))
}

pub(super) fn histogram_rate(
    kind: Kind,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Point> {
    let (times, values) = (window.histograms.times, window.histograms.values);
    let (first, last) = bounds(context, times)?;
    let is_counter = kind.is_counter();
    let is_smoothed = context.boundary == Boundary::Smoothed;
    let name = || context.name();

    let considered = values.get(first..=last)?;
    let is_custom = considered.first()?.uses_custom_buckets();
    for histogram in considered {
        if histogram.uses_custom_buckets() != is_custom {
            context.note(notes, Note::MixedExponentialCustom { name: name() });
            return None;
        }
        if is_counter && histogram.counter_reset_hint == CounterResetHint::Gauge {
            context.note(notes, Note::NotACounter { name: name() });
        }
    }

    let point = |at: usize| Some((*times.get(at)?, values.get(at)?));
    let mut between = |a: (i64, &Arc<FloatHistogram>), b: (i64, &Arc<FloatHistogram>), time| {
        let result = interpolate_histograms(a, b, time, is_counter, context.first_arg, notes);
        if result.is_err() {
            context.note(notes, Note::MixedExponentialCustom { name: name() });
        }
        result.ok()
    };
    let (first_time, first_value) = point(first)?;
    let left = if is_smoothed && first_time < context.start {
        between((first_time, first_value), point(first + 1)?, context.start)?
    } else {
        FloatHistogram::clone(first_value)
    };
    let (last_time, last_value) = point(last)?;
    let right = if is_smoothed && last > 0 && last_time > context.end {
        between(point(last - 1)?, (last_time, last_value), context.end)?
    } else {
        FloatHistogram::clone(last_value)
    };
    let is_gauge = |h: &FloatHistogram| h.counter_reset_hint == CounterResetHint::Gauge;
    if !is_counter && (!is_gauge(&left) || !is_gauge(&right)) {
        context.note(notes, Note::NotAGauge { name: name() });
    }

    let mut result = right.clone();
    if !context.subtract(&mut result, &left, notes) {
        return None;
    }
    if is_counter {
        // A reset right after the first sample is already in the interpolated left end.
        let mut previous = &left;
        let mut begin = first + 1;
        if is_smoothed
            && first_time < context.start
            && let Some(second) = values.get(first + 1)
            && second.is_reset_after(first_value)
        {
            previous = second;
            begin += 1;
        }
        if begin <= last {
            let inner = values.get(begin..last).unwrap_or(&[]);
            let mut correction: Option<FloatHistogram> = None;
            for histogram in inner.iter().map(|h| &**h).chain([&right]) {
                if histogram.is_reset_after(previous) {
                    match &mut correction {
                        None => correction = Some(previous.clone()),
                        Some(correction) => {
                            if !context.add(correction, previous, notes) {
                                return None;
                            }
                        }
                    }
                }
                previous = histogram;
            }
            if let Some(correction) = correction
                && !context.add(&mut result, &correction, notes)
            {
                return None;
            }
        }
    }
    if kind.is_rate() {
        result.divide(context.seconds());
    }
    result.counter_reset_hint = CounterResetHint::Gauge;
    result.compact();
    Some(Point::from(result))
}

/// The histogram at `time` between two others. In a counter with a reset between them it grows from zero.
pub(crate) fn interpolate_histograms(
    (first_time, first): (i64, &Arc<FloatHistogram>),
    (second_time, second): (i64, &Arc<FloatHistogram>),
    time: i64,
    is_counter: bool,
    span: Span,
    notes: &mut Annotations,
) -> Result<FloatHistogram, IncompatibleSchemas> {
    if time == first_time {
        return Ok(FloatHistogram::clone(first));
    }
    let mut result = FloatHistogram::clone(second);
    if time == second_time {
        return Ok(result);
    }
    let fraction = float(time - first_time) / float(second_time - first_time);
    if is_counter && second.is_reset_after(first) {
        result.scale(fraction);
        return Ok(result);
    }
    if result.subtract(first)?.has_reconciled_bounds {
        notes.add(Note::MismatchedCustomBuckets(Operation::Subtraction), span);
    }
    result.scale(fraction);
    if result.add(first)?.has_reconciled_bounds {
        notes.add(Note::MismatchedCustomBuckets(Operation::Addition), span);
    }
    Ok(result)
}

/// The samples of an anchored or smoothed range as a result of its own: with a sample at both ends.
pub(crate) fn extend(
    times: &[i64],
    values: &[f64],
    (start, end): (i64, i64),
    boundary: Boundary,
    series: &mut MatrixSeries,
) {
    let context = RangeContext {
        time: end,
        start,
        end,
        boundary,
        params: &[],
        name: "",
        first_arg: Span::default(),
    };
    let Some((first, last)) = bounds(&context, times) else {
        return;
    };
    let point = |at: usize| times.get(at).copied().zip(values.get(at).copied());
    let (Some(first_point), Some(last_point)) = (point(first), point(last)) else {
        return;
    };
    let is_smoothed = boundary == Boundary::Smoothed;
    let left = match point(first + 1) {
        Some(next) if is_smoothed && first_point.0 < start => {
            interpolate(first_point, next, start, false)
        }
        _ => first_point.1,
    };
    let right = match last.checked_sub(1).and_then(point) {
        Some(before) if is_smoothed && last_point.0 > end => {
            interpolate(before, last_point, end, false)
        }
        _ => last_point.1,
    };
    let begin = first + usize::from(first_point.0 <= start);
    let stop = last + usize::from(last_point.0 < end);
    series.times.push(start);
    series.values.push(left);
    series.times.extend(times.get(begin..stop).unwrap_or(&[]));
    series.values.extend(values.get(begin..stop).unwrap_or(&[]));
    series.times.push(end);
    series.values.push(right);
}
