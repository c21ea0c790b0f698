//! `rate` and its kin: differences over a window, extrapolated to its ends, or measured between exact ends
//! (anchored, smoothed).

use model::FloatHistogram;
use model::histogram::CounterResetHint;
use promql::ast::Boundary;

use super::SharedHistogram;
use super::transitions::is_start_reset;
use super::value::Point;
use super::window::Window;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a counter, per second.
    Rate,
    /// Of a counter.
    Increase,
    /// Of a gauge.
    Delta,
}

impl Kind {
    fn is_counter(self) -> bool {
        self != Self::Delta
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

pub(crate) fn rate(window: &Window, kind: Kind) -> Option<Point> {
    if window.is_mixed() {
        return None;
    }
    let has_floats = !window.floats().is_empty();
    match (window.boundary, has_floats) {
        (Boundary::Plain, _) => extrapolated(window, kind),
        (_, true) => exact(window, kind).map(Point::Float),
        (_, false) => exact_histogram(window, kind).map(Point::histogram),
    }
}

/// The known start timestamps of the samples, if they are to be used.
fn starts(window: &Window, kind: Kind) -> Option<Vec<i64>> {
    let is_used = window.uses_starts && kind.is_counter();
    is_used.then(|| window.samples.iter().map(|sample| sample.start).collect())
}

fn extrapolated(window: &Window, kind: Kind) -> Option<Point> {
    let floats = window.floats();
    let histograms = window.histograms();
    let starts = starts(window, kind);
    let times: Vec<i64> = window.samples.iter().map(|sample| sample.time).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    let gaps = (times.len() - 1) as f64;

    let mut change = 0.0;
    let mut histogram: Option<FloatHistogram> = None;
    if histograms.len() > 1 {
        histogram = Some(histogram_change(&histograms, starts.as_deref(), kind)?);
    } else if !floats.is_empty() {
        change = floats[floats.len() - 1].1 - floats[0].1;
        if kind.is_counter() {
            for at in 1..floats.len() {
                let by_start = starts.as_ref().is_some_and(|starts| {
                    is_start_reset(starts[at - 1], times[at - 1], starts[at], times[at])
                });
                if floats[at].1 < floats[at - 1].1 || by_start {
                    change += floats[at - 1].1;
                }
            }
        }
    }

    let mut to_start = seconds(first - window.start);
    let mut to_end = seconds(window.end - last);
    let mut sampled = seconds(last - first);
    let gap = if gaps > 0.0 { sampled / gaps } else { 0.0 };
    let threshold = gap * 1.1;

    // A counter that is known to have started within the window started at 0.
    let start = starts.map_or(0, |starts| starts[0]);
    if start != 0 && start > window.start && start < first {
        to_start = 0.0;
        sampled = seconds(last - start);
        if let Some((_, first)) = floats.first() {
            change += first;
        } else if let Some((_, first)) = histograms.first() {
            match &mut histogram {
                None => histogram = Some((**first).clone()),
                Some(sum) => {
                    sum.add(first).ok()?;
                }
            }
        }
    } else if gaps == 0.0 {
        return None;
    } else {
        if to_start >= threshold {
            to_start = gap / 2.0;
        }
        if kind.is_counter() {
            // A counter does not begin below zero.
            let mut to_zero = to_start;
            match (&histogram, floats.first(), histograms.first()) {
                (_, Some((_, first)), _) if change > 0.0 && *first >= 0.0 => {
                    to_zero = sampled * (first / change);
                }
                (Some(sum), _, Some((_, first))) if sum.count > 0.0 && first.count >= 0.0 => {
                    to_zero = sampled * (first.count / sum.count);
                }
                _ => {}
            }
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
    }
    if to_end >= threshold {
        to_end = gap / 2.0;
    }
    let mut factor = 1.0;
    if sampled != 0.0 {
        factor = (sampled + to_start + to_end) / sampled;
    }
    if kind == Kind::Rate {
        factor /= window.seconds();
    }
    Some(match histogram {
        None => Point::Float(change * factor),
        Some(mut histogram) => {
            histogram.scale(factor);
            Point::histogram(histogram)
        }
    })
}

/// The last minus the first histogram, plus what was lost in resets. None if the kinds of buckets differ.
fn histogram_change(
    samples: &[(i64, SharedHistogram)],
    starts: Option<&[i64]>,
    kind: Kind,
) -> Option<FloatHistogram> {
    let by_start = |at: usize| {
        starts.is_some_and(|starts| {
            is_start_reset(starts[at - 1], samples[at - 1].0, starts[at], samples[at].0)
        })
    };
    let last = &samples[samples.len() - 1].1;
    let mut previous = (*samples[0].1).clone();
    if kind.is_counter() {
        let second = &samples[1].1;
        if by_start(1) || second.is_reset_after(&previous) {
            // What was before a reset at once does not matter, nor does its layout.
            previous = FloatHistogram {
                schema: second.schema,
                custom_values: second.custom_values.clone(),
                ..FloatHistogram::default()
            };
        }
    }
    let is_custom = previous.uses_custom_buckets();
    if last.uses_custom_buckets() != is_custom {
        return None;
    }
    let mut schema = last.schema.min(previous.schema);
    if kind.is_counter() {
        for (_, between) in &samples[1..samples.len() - 1] {
            schema = schema.min(between.schema);
            if between.uses_custom_buckets() != is_custom {
                return None;
            }
        }
    }
    let mut change = (**last).clone();
    change.reduce_resolution(schema);
    change.subtract(&previous).ok()?;
    if kind.is_counter() {
        for (at, (_, current)) in samples.iter().enumerate().skip(1) {
            if by_start(at) || current.is_reset_after(&previous) {
                change.add(&previous).ok()?;
            }
            previous = (**current).clone();
        }
    }
    change.counter_reset_hint = CounterResetHint::Gauge;
    change.compact();
    Some(change)
}

/// `irate` (as [`Kind::Rate`]) and `idelta`: from the last two samples.
pub(crate) fn instant(window: &Window, kind: Kind) -> Option<Point> {
    let [.., before, last] = window.samples.as_slice() else {
        return None;
    };
    let interval = seconds(last.time - before.time);
    let by_start = window.uses_starts
        && kind.is_counter()
        && is_start_reset(before.start, before.time, last.start, last.time);
    match (&before.point, &last.point) {
        (Point::Float(from), Point::Float(to)) => {
            let is_reset = kind.is_counter() && (to < from || by_start);
            let change = if is_reset { *to } else { to - from };
            Some(Point::Float(if kind.is_counter() {
                change / interval
            } else {
                change
            }))
        }
        (Point::Histogram(from), Point::Histogram(to)) => {
            let mut change = (**to).clone();
            let is_reset = kind.is_counter() && (by_start || to.is_reset_after(from));
            if !is_reset {
                change.subtract(from).ok()?;
            }
            change.counter_reset_hint = CounterResetHint::Gauge;
            change.compact();
            if kind.is_counter() {
                change.divide(interval);
            }
            Some(Point::histogram(change))
        }
        _ => None,
    }
}

/// On the line through two points. A counter that went down began at 0.
pub(crate) fn interpolate(from: (i64, f64), to: (i64, f64), time: i64, is_counter: bool) -> f64 {
    let base = if is_counter && to.1 < from.1 {
        0.0
    } else {
        from.1
    };
    base + (to.1 - base) * (time - from.0) as f64 / (to.0 - from.0) as f64
}

/// None if the kinds of buckets differ.
pub(crate) fn interpolate_histograms(
    from: (i64, &FloatHistogram),
    to: (i64, &FloatHistogram),
    time: i64,
    is_counter: bool,
) -> Option<FloatHistogram> {
    if time == from.0 {
        return Some(from.1.clone());
    }
    if time == to.0 {
        return Some(to.1.clone());
    }
    let fraction = (time - from.0) as f64 / (to.0 - from.0) as f64;
    let mut between = to.1.clone();
    if is_counter && to.1.is_reset_after(from.1) {
        between.scale(fraction);
        return Some(between);
    }
    between.subtract(from.1).ok()?;
    between.scale(fraction);
    between.add(from.1).ok()?;
    Some(between)
}

/// The indices of the samples that stand for the ends of an anchored or smoothed range: the last one at or
/// before the start (else the first one); the last one, or if smoothed the first one at or after the end.
fn ends(times: &[i64], start: i64, end: i64, is_smoothed: bool) -> (usize, usize) {
    let last = times.len() - 1;
    let after_start = times[..last].iter().position(|time| *time > start);
    let first = after_start.unwrap_or(last).saturating_sub(1);
    let mut until = last;
    if is_smoothed {
        let at_end = times[..last].iter().position(|time| *time >= end);
        until = at_end.unwrap_or(last);
    }
    (first, until)
}

/// The values at both ends of the range.
fn end_values(
    floats: &[(i64, f64)],
    (first, last): (usize, usize),
    (start, end): (i64, i64),
    is_smoothed: bool,
    is_counter: bool,
) -> (f64, f64) {
    let left = if is_smoothed && floats[first].0 < start {
        interpolate(floats[first], floats[first + 1], start, is_counter)
    } else {
        floats[first].1
    };
    let right = if is_smoothed && last > 0 && floats[last].0 > end {
        interpolate(floats[last - 1], floats[last], end, is_counter)
    } else {
        floats[last].1
    };
    (left, right)
}

fn exact(window: &Window, kind: Kind) -> Option<f64> {
    let floats = window.floats();
    let times: Vec<i64> = floats.iter().map(|(time, _)| *time).collect();
    let (start, end) = (window.start, window.end);
    let is_smoothed = window.boundary == Boundary::Smoothed;
    let (first, last) = ends(&times, start, end, is_smoothed);
    if times[last] <= start || is_smoothed && times[first] > end {
        return None;
    }
    let is_counter = kind.is_counter();
    let (left, right) = end_values(
        &floats,
        (first, last),
        (start, end),
        is_smoothed,
        is_counter,
    );
    let mut change = right - left;
    if is_counter {
        let inside = floats.iter().enumerate().filter(|(at, (time, _))| {
            (first..=last).contains(at)
                && !(*at == first && *time <= start)
                && !(*at == last && *time >= end)
        });
        let mut previous = left;
        let mut lost = 0.0;
        for value in inside.map(|(_, (_, value))| *value).chain([right]) {
            if value < previous {
                lost += previous;
            }
            previous = value;
        }
        change += lost;
    }
    if kind == Kind::Rate {
        change /= window.seconds();
    }
    Some(change)
}

fn exact_histogram(window: &Window, kind: Kind) -> Option<FloatHistogram> {
    let samples = window.histograms();
    let times: Vec<i64> = samples.iter().map(|(time, _)| *time).collect();
    let (start, end) = (window.start, window.end);
    let is_smoothed = window.boundary == Boundary::Smoothed;
    let (first, last) = ends(&times, start, end, is_smoothed);
    if times[last] <= start || is_smoothed && times[first] > end {
        return None;
    }
    let is_custom = samples[first].1.uses_custom_buckets();
    if samples[first..=last]
        .iter()
        .any(|(_, histogram)| histogram.uses_custom_buckets() != is_custom)
    {
        return None;
    }
    let is_counter = kind.is_counter();
    let sample = |at: usize| (samples[at].0, &*samples[at].1);
    let is_left_between = is_smoothed && times[first] < start;
    let left = if is_left_between {
        interpolate_histograms(sample(first), sample(first + 1), start, is_counter)?
    } else {
        sample(first).1.clone()
    };
    let right = if is_smoothed && last > 0 && times[last] > end {
        interpolate_histograms(sample(last - 1), sample(last), end, is_counter)?
    } else {
        sample(last).1.clone()
    };
    let mut change = right.clone();
    change.subtract(&left).ok()?;
    if is_counter {
        let lost = lost_in_resets(&samples, (first, last), (&left, &right), is_left_between)?;
        if let Some(lost) = lost {
            change.add(&lost).ok()?;
        }
    }
    if kind == Kind::Rate {
        change.divide(window.seconds());
    }
    change.counter_reset_hint = CounterResetHint::Gauge;
    change.compact();
    Some(change)
}

/// What was counted before the resets between two ends; the outer option is None if it cannot be added up.
#[allow(clippy::option_option, reason = "a failure and the absence of resets")]
fn lost_in_resets(
    samples: &[(i64, SharedHistogram)],
    (first, last): (usize, usize),
    (left, right): (&FloatHistogram, &FloatHistogram),
    is_left_between: bool,
) -> Option<Option<FloatHistogram>> {
    // `left` stands for the first sample and `right` for the last one.
    let mut from = first + 1;
    let mut previous = left;
    if is_left_between && samples[first + 1].1.is_reset_after(&samples[first].1) {
        // The interpolation has taken account of this reset.
        previous = &samples[first + 1].1;
        from += 1;
    }
    if from > last {
        return Some(None);
    }
    let mut lost: Option<FloatHistogram> = None;
    let between = samples[from..last]
        .iter()
        .map(|(_, histogram)| &**histogram);
    for histogram in between.chain([right]) {
        if histogram.is_reset_after(previous) {
            match &mut lost {
                None => lost = Some(previous.clone()),
                Some(lost) => {
                    lost.add(previous).ok()?;
                }
            }
        }
        previous = histogram;
    }
    Some(lost)
}

/// An anchored or smoothed range as the result of a query: its samples, with values at both ends.
pub(crate) fn extended(
    floats: &[(i64, f64)],
    start: i64,
    end: i64,
    is_smoothed: bool,
) -> Vec<(i64, f64)> {
    if floats.is_empty() {
        return Vec::new();
    }
    let times: Vec<i64> = floats.iter().map(|(time, _)| *time).collect();
    let (first, last) = ends(&times, start, end, is_smoothed);
    if times[last] <= start {
        return Vec::new();
    }
    let (left, right) = end_values(floats, (first, last), (start, end), is_smoothed, false);
    let mut result = vec![(start, left)];
    for at in first..=last {
        let is_end = at == first && times[at] <= start || at == last && times[at] >= end;
        if !is_end {
            result.push(floats[at]);
        }
    }
    result.push((end, right));
    result
}
