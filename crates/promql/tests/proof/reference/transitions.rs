//! `resets` and `changes`: what happens between neighbouring samples.

use promql::ast::Boundary;

use super::value::{Point, Sample};
use super::window::Window;

/// Whether a start timestamp says that the counter began anew between two samples.
pub(crate) fn is_start_reset(
    previous_start: i64,
    previous_time: i64,
    start: i64,
    time: i64,
) -> bool {
    let is_known = start != 0 && start < time;
    if !is_known || start < previous_time {
        return false;
    }
    if start > previous_time {
        return true;
    }
    // It starts where the previous sample stands: a reset if that one had a start of its own.
    previous_start != 0 && previous_start < previous_time
}

/// The samples to look at; none if there is nothing to measure.
fn samples(window: &Window) -> Option<&[Sample]> {
    if window.boundary != Boundary::Anchored {
        return Some(&window.samples);
    }
    // From the newest sample at or before the start; something must lie in the range itself.
    if window.samples.last()?.time <= window.start {
        return None;
    }
    let anchor = window.samples.iter().rposition(|s| s.time <= window.start);
    Some(&window.samples[anchor.unwrap_or(0)..])
}

fn count(window: &Window, is_transition: impl Fn(&Sample, &Sample) -> bool) -> Option<f64> {
    let pairs = samples(window)?.windows(2);
    let transitions = pairs.filter(|pair| is_transition(&pair[0], &pair[1]));
    Some(transitions.count() as f64)
}

pub(crate) fn resets(window: &Window) -> Option<f64> {
    count(window, |before, after| {
        let by_start = window.uses_starts
            && is_start_reset(before.start, before.time, after.start, after.time);
        match (&before.point, &after.point) {
            (Point::Float(from), Point::Float(to)) => to < from || by_start,
            (Point::Histogram(from), Point::Histogram(to)) => by_start || to.is_reset_after(from),
            _ => true,
        }
    })
}

pub(crate) fn changes(window: &Window) -> Option<f64> {
    count(window, |before, after| {
        match (&before.point, &after.point) {
            (Point::Float(from), Point::Float(to)) => from != to && !(from.is_nan() && to.is_nan()),
            (Point::Histogram(from), Point::Histogram(to)) => !to.same_bits(from),
            _ => true,
        }
    })
}
