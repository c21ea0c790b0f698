//! `rate`, `increase` and `delta`: the change over a range, extrapolated to its ends.
//!
//! Source: Prometheus' documentation and behaviour. The sequence of float operations is the peer's, so
//! that results agree to the last bit. For floats the cost of a window is its resets, not its samples:
//! first and last are at hand and drops are indexed per series.

use std::sync::Arc;

use model::FloatHistogram;
use model::histogram::CounterResetHint;

use super::extended;
use super::math::{count, float, seconds};
use super::range::{Boundaries, FloatWindows, RangeContext, RangeFunction, Window};
use super::starts::{is_reset_at, known_start, note_overlap};
use crate::ast::Boundary;
use crate::eval::annotations::{Annotations, Note};
use crate::eval::column::{ABSENT, Point};

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
    ..RangeFunction::with_floats(
        |context, window, notes| Ok(extrapolated(Kind::Rate, context, window, notes)),
        |windows, slots| float_changes(Kind::Rate, windows, slots),
    )
};

pub(super) static INCREASE: RangeFunction = RangeFunction {
    boundaries: Boundaries::AnchoredAndSmoothed,
    uses_starts: true,
    uses_drops: true,
    expects_counter_name: true,
    ..RangeFunction::with_floats(
        |context, window, notes| Ok(extrapolated(Kind::Increase, context, window, notes)),
        |windows, slots| float_changes(Kind::Increase, windows, slots),
    )
};

pub(super) static DELTA: RangeFunction = RangeFunction {
    boundaries: Boundaries::AnchoredAndSmoothed,
    ..RangeFunction::with_floats(
        |context, window, notes| Ok(extrapolated(Kind::Delta, context, window, notes)),
        |windows, slots| float_changes(Kind::Delta, windows, slots),
    )
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
    /// The range, in milliseconds.
    start: i64,
    end: i64,
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
    #[inline]
    fn factor(&self, kind: Kind, to_zero: impl FnOnce(f64) -> Option<f64>) -> f64 {
        let mut to_start = seconds(self.first - self.start);
        let mut to_end = seconds(self.end - self.last);
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
            factor /= seconds(self.end - self.start);
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
        start: context.start,
        end: context.end,
        first,
        last,
        len: floats.values.len(),
        known_start: start,
    };
    let factor = extrapolation.factor(kind, |sampled| {
        (result > 0.0 && first_value >= 0.0).then(|| sampled * (first_value / result))
    });
    Some(result * factor)
}

/// Windows whose divisions are done together.
const LANES: usize = 32;

/// What the extrapolation of some windows needs, in columns. Times are in milliseconds from some time near
/// them, so that floats hold them and their differences exactly.
struct Lanes {
    change: [f64; LANES],
    first_value: [f64; LANES],
    first: [f64; LANES],
    last: [f64; LANES],
    start: [f64; LANES],
    end: [f64; LANES],
    /// One less than the number of samples.
    gaps: [f64; LANES],
}

/// All windows of a series. The cost of a window is a handful of divisions; resets are rare and found by
/// their positions. The operations and their order are those of [`Extrapolation::factor`], without branches,
/// so that the compiler does several windows at once.
fn float_changes(kind: Kind, windows: &FloatWindows<'_>, slots: &mut [f64]) -> bool {
    let (times, values) = (windows.times, windows.values);
    let Some(&base) = times.first() else {
        return true;
    };
    // Beyond this a float does not hold every millisecond.
    let exact = 1 << 52;
    let span = windows
        .end_of(windows.windows.len())
        .abs_diff(base)
        .saturating_add(windows.end.abs_diff(base))
        .saturating_add(windows.range.unsigned_abs());
    if span > exact {
        return false;
    }
    let mut lanes = Lanes {
        change: [0.0; LANES],
        first_value: [0.0; LANES],
        first: [0.0; LANES],
        last: [0.0; LANES],
        start: [0.0; LANES],
        end: [0.0; LANES],
        gaps: [0.0; LANES],
    };
    // The first drop that is not before the present window.
    let mut drop = 0;
    let has_drops = kind.is_counter() && !windows.drops.is_empty();
    let mut range_end = windows.end - base;
    let steps = windows.windows.chunks(LANES).zip(slots.chunks_mut(LANES));
    for (windows_of, slots) in steps {
        let mut is_any = false;
        for (at, (first, end)) in windows_of.iter().enumerate() {
            let (first, end) = (*first as usize, *end as usize);
            lanes.end[at] = float(range_end);
            lanes.start[at] = float(range_end - windows.range);
            range_end += windows.interval;
            // A window of fewer than two samples has no result.
            lanes.gaps[at] = 0.0;
            if end < first + 2 {
                continue;
            }
            is_any = true;
            let (Some(first_value), Some(last_value), Some(first_time), Some(last_time)) = (
                values.get(first),
                values.get(end - 1),
                times.get(first),
                times.get(end - 1),
            ) else {
                continue;
            };
            let mut change = last_value - first_value;
            if has_drops {
                while windows.drops.get(drop).is_some_and(|at| *at <= first) {
                    drop += 1;
                }
                for at in windows.drops.iter().skip(drop).take_while(|at| **at < end) {
                    if let Some(before) = values.get(at - 1) {
                        change += before;
                    }
                }
            }
            lanes.change[at] = change;
            lanes.first_value[at] = *first_value;
            lanes.first[at] = float(first_time - base);
            lanes.last[at] = float(last_time - base);
            lanes.gaps[at] = count(end - first - 1);
        }
        if is_any {
            let range_seconds = seconds(windows.range);
            let results = match kind {
                Kind::Rate => extrapolate::<true, true>(&lanes, range_seconds),
                Kind::Increase => extrapolate::<true, false>(&lanes, range_seconds),
                Kind::Delta => extrapolate::<false, false>(&lanes, range_seconds),
            };
            slots.copy_from_slice(results.get(..slots.len()).unwrap_or(&[]));
        }
    }
    true
}

fn extrapolate<const IS_COUNTER: bool, const IS_RATE: bool>(
    lanes: &Lanes,
    range_seconds: f64,
) -> [f64; LANES] {
    let mut results = [0.0; LANES];
    #[expect(
        clippy::needless_range_loop,
        reason = "seven columns of one length, plainest by index"
    )]
    for at in 0..LANES {
        let (change, first_value) = (lanes.change[at], lanes.first_value[at]);
        let mut to_start = (lanes.first[at] - lanes.start[at]) / 1000.0;
        let mut to_end = (lanes.end[at] - lanes.last[at]) / 1000.0;
        let sampled = (lanes.last[at] - lanes.first[at]) / 1000.0;
        let average = sampled / lanes.gaps[at];
        let threshold = average * 1.1;
        let half = average / 2.0;
        to_start = if to_start >= threshold {
            half
        } else {
            to_start
        };
        if IS_COUNTER {
            let to_zero = sampled * (first_value / change);
            let may_be_zero = (change > 0.0) & (first_value >= 0.0) & (to_zero < to_start);
            to_start = if may_be_zero { to_zero } else { to_start };
        }
        to_end = if to_end >= threshold { half } else { to_end };
        let stretched = (sampled + to_start + to_end) / sampled;
        let mut factor = if sampled == 0.0 { 1.0 } else { stretched };
        if IS_RATE {
            factor /= range_seconds;
        }
        let result = change * factor;
        // Arithmetic never gives the bits of the marker.
        results[at] = if lanes.gaps[at] == 0.0 {
            ABSENT
        } else {
            result
        };
    }
    results
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
        start: context.start,
        end: context.end,
        first,
        last,
        len: histograms.values.len(),
        known_start: start,
    };
    let factor = extrapolation.factor(kind, |sampled| {
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
