//! Functions of neighbouring samples, floats and histograms in one order of time: `irate`, `idelta`,
//! `resets`, `changes`.

use model::FloatHistogram;
use model::histogram::CounterResetHint;

use super::math::{count, seconds};
use super::range::{Boundaries, RangeContext, RangeFunction, Window};
use super::starts::is_start_reset;
use crate::ast::Boundary;
use crate::eval::QueryError;
use crate::eval::annotations::{Annotations, Note};
use crate::eval::column::Point;

pub(super) static IRATE: RangeFunction = RangeFunction {
    uses_starts: true,
    ..RangeFunction::plain(|context, window, notes| Ok(instant_value(true, context, window, notes)))
};

pub(super) static IDELTA: RangeFunction =
    RangeFunction::plain(|context, window, notes| Ok(instant_value(false, context, window, notes)));

pub(super) static RESETS: RangeFunction = RangeFunction {
    boundaries: Boundaries::Anchored,
    uses_starts: true,
    ..RangeFunction::plain(resets)
};

pub(super) static CHANGES: RangeFunction = RangeFunction {
    boundaries: Boundaries::Anchored,
    ..RangeFunction::plain(changes)
};

/// One sample of either kind.
#[derive(Clone, Copy)]
struct Sample<'a> {
    time: i64,
    start: i64,
    value: SampleValue<'a>,
}

#[derive(Clone, Copy)]
enum SampleValue<'a> {
    Float(f64),
    Histogram(&'a FloatHistogram),
}

/// All samples of the window by time.
fn merged<'a>(
    window: &Window<'a>,
    first_float: usize,
    first_histogram: usize,
) -> impl Iterator<Item = Sample<'a>> + use<'a> {
    let Window { floats, histograms } = *window;
    let (mut float, mut histogram) = (first_float, first_histogram);
    std::iter::from_fn(move || {
        let float_time = floats.times.get(float).copied();
        let histogram_time = histograms.times.get(histogram).copied();
        let takes_float = match (float_time, histogram_time) {
            (None, None) => return None,
            (Some(float), Some(histogram)) => float <= histogram,
            (float, None) => float.is_some(),
            (None, Some(_)) => false,
        };
        if takes_float {
            let sample = Sample {
                time: float_time?,
                start: floats.starts.get(float).copied().unwrap_or(0),
                value: SampleValue::Float(*floats.values.get(float)?),
            };
            float += 1;
            Some(sample)
        } else {
            let sample = Sample {
                time: histogram_time?,
                start: histograms.starts.get(histogram).copied().unwrap_or(0),
                value: SampleValue::Histogram(histograms.values.get(histogram)?),
            };
            histogram += 1;
            Some(sample)
        }
    })
}

/// `irate` and `idelta`: from the last two samples.
fn instant_value(
    is_rate: bool,
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Point> {
    let first_float = window.floats.times.len().saturating_sub(2);
    let first_histogram = window.histograms.times.len().saturating_sub(2);
    let tail: Vec<Sample<'_>> = merged(window, first_float, first_histogram).collect();
    let [.., previous, last] = tail.as_slice() else {
        return None;
    };
    if last.time == previous.time {
        return None;
    }
    let interval = seconds(last.time - previous.time);
    let is_start_reset = is_start_reset(previous.start, previous.time, last.start, last.time);
    match (previous.value, last.value) {
        (SampleValue::Float(before), SampleValue::Float(value)) => {
            let change = if is_rate && (value < before || is_start_reset) {
                value
            } else {
                value - before
            };
            Some(Point::Float(if is_rate {
                change / interval
            } else {
                change
            }))
        }
        (SampleValue::Histogram(before), SampleValue::Histogram(value)) => {
            let gauges = [before, value]
                .iter()
                .filter(|h| h.counter_reset_hint == CounterResetHint::Gauge)
                .count();
            let name = context.name();
            if is_rate && gauges > 0 {
                context.note(notes, Note::NotACounter { name });
            } else if !is_rate && gauges < 2 {
                context.note(notes, Note::NotAGauge { name });
            }
            let mut change = value.clone();
            let has_reset = is_rate && (is_start_reset || value.is_reset_after(before));
            if !has_reset && !context.subtract(&mut change, before, notes) {
                return None;
            }
            change.counter_reset_hint = CounterResetHint::Gauge;
            change.compact();
            if is_rate {
                change.divide(interval);
            }
            Some(Point::from(change))
        }
        _ => {
            context.note_mixed(notes);
            None
        }
    }
}

/// Where `resets` and `changes` begin: with an anchored range at the last sample at or before its start.
/// None if nothing lies in the range.
fn first_samples(context: &RangeContext<'_>, window: &Window<'_>) -> Option<(usize, usize)> {
    if context.boundary != Boundary::Anchored {
        return Some((0, 0));
    }
    let float_end = window
        .floats
        .times
        .partition_point(|time| *time <= context.start);
    let histogram_end = window
        .histograms
        .times
        .partition_point(|time| *time <= context.start);
    if float_end >= window.floats.times.len() && histogram_end >= window.histograms.times.len() {
        return None;
    }
    let last_before = |times: &[i64], end: usize| {
        end.checked_sub(1)
            .and_then(|at| times.get(at).map(|time| (at, *time)))
    };
    Some(
        match (
            last_before(window.floats.times, float_end),
            last_before(window.histograms.times, histogram_end),
        ) {
            (None, None) => (0, 0),
            (Some((float, float_time)), Some((_, histogram_time)))
                if float_time >= histogram_time =>
            {
                (float, histogram_end)
            }
            (Some((float, _)), None) => (float, histogram_end),
            (_, Some((histogram, _))) => (float_end, histogram),
        },
    )
}

fn count_transitions(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    is_transition: impl Fn(&Sample<'_>, &Sample<'_>) -> bool,
) -> Option<Point> {
    let (first_float, first_histogram) = first_samples(context, window)?;
    let mut samples = merged(window, first_float, first_histogram);
    let mut previous = samples.next()?;
    let mut transitions = 0usize;
    for sample in samples {
        if is_transition(&previous, &sample) {
            transitions += 1;
        }
        previous = sample;
    }
    Some(Point::Float(count(transitions)))
}

fn resets(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    _: &mut Annotations,
) -> Result<Option<Point>, QueryError> {
    Ok(count_transitions(context, window, |before, after| {
        let by_start = || is_start_reset(before.start, before.time, after.start, after.time);
        match (before.value, after.value) {
            (SampleValue::Float(before), SampleValue::Float(after)) => after < before || by_start(),
            (SampleValue::Histogram(before), SampleValue::Histogram(after)) => {
                by_start() || after.is_reset_after(before)
            }
            _ => true,
        }
    }))
}

fn changes(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    _: &mut Annotations,
) -> Result<Option<Point>, QueryError> {
    Ok(count_transitions(context, window, |before, after| {
        match (before.value, after.value) {
            (SampleValue::Float(before), SampleValue::Float(after)) => {
                before != after && !(before.is_nan() && after.is_nan())
            }
            (SampleValue::Histogram(before), SampleValue::Histogram(after)) => {
                !after.same_bits(before)
            }
            _ => true,
        }
    }))
}
