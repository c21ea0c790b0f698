//! The `*_over_time` functions.

use std::cmp::Ordering;
use std::sync::Arc;

use model::FloatHistogram;
use model::histogram::{
    CompensatedHistogram, CounterResetHint, IncompatibleSchemas, add_compensated,
};

use super::math::{count, seconds};
use super::range::{FloatWindows, RangeContext, RangeFunction, Window};
use crate::eval::QueryError;
use crate::eval::annotations::{Annotations, Note, Operation};
use crate::eval::column::{Point, present};

type Outcome = Result<Option<Point>, QueryError>;

pub(super) static AVG: RangeFunction =
    RangeFunction::with_floats(avg, |windows, slots| each_window(windows, slots, float_avg));
pub(super) static SUM: RangeFunction =
    RangeFunction::with_floats(sum, |windows, slots| each_window(windows, slots, float_sum));
pub(super) static COUNT: RangeFunction = RangeFunction::with_floats(
    |_, window, _| {
        let samples = window.floats.values.len() + window.histograms.values.len();
        Ok(Some(Point::Float(count(samples))))
    },
    |windows, slots| each_window(windows, slots, |values| count(values.len())),
);
pub(super) static PRESENT: RangeFunction = RangeFunction::with_floats(
    |_, _, _| Ok(Some(Point::Float(1.0))),
    |windows, slots| each_window(windows, slots, |_| 1.0),
);
pub(super) static FIRST: RangeFunction = RangeFunction {
    keeps_name: true,
    ..RangeFunction::with_floats(first, |windows, slots| {
        each_window(windows, slots, |values| {
            values.first().copied().unwrap_or(f64::NAN)
        })
    })
};
pub(super) static LAST: RangeFunction = RangeFunction {
    keeps_name: true,
    ..RangeFunction::with_floats(last, |windows, slots| {
        each_window(windows, slots, |values| {
            values.last().copied().unwrap_or(f64::NAN)
        })
    })
};
pub(super) static MAX: RangeFunction = RangeFunction::with_floats(
    |context, window, notes| {
        Ok(extreme(context, window, notes, |value, best| value > best)
            .map(|found| Point::Float(found.0)))
    },
    |windows, slots| extremes(windows, slots, |value, best| value > best),
);
pub(super) static MIN: RangeFunction = RangeFunction::with_floats(
    |context, window, notes| {
        Ok(extreme(context, window, notes, |value, best| value < best)
            .map(|found| Point::Float(found.0)))
    },
    |windows, slots| extremes(windows, slots, |value, best| value < best),
);
pub(super) static TS_OF_MAX: RangeFunction = RangeFunction::plain(|context, window, notes| {
    let found = extreme(context, window, notes, |value, best| value >= best);
    Ok(found.map(|found| Point::Float(seconds(found.1))))
});
pub(super) static TS_OF_MIN: RangeFunction = RangeFunction::plain(|context, window, notes| {
    let found = extreme(context, window, notes, |value, best| value <= best);
    Ok(found.map(|found| Point::Float(seconds(found.1))))
});
pub(super) static TS_OF_FIRST: RangeFunction = RangeFunction::plain(|_, window, _| {
    let first = [window.floats.times.first(), window.histograms.times.first()];
    Ok(first
        .into_iter()
        .flatten()
        .min()
        .map(|time| Point::Float(seconds(*time))))
});
pub(super) static TS_OF_LAST: RangeFunction = RangeFunction::plain(|_, window, _| {
    let last = [window.floats.times.last(), window.histograms.times.last()];
    Ok(last
        .into_iter()
        .flatten()
        .max()
        .map(|time| Point::Float(seconds(*time))))
});
pub(super) static STDDEV: RangeFunction = RangeFunction::plain(|context, window, notes| {
    Ok(variance(context, window, notes).map(|variance| Point::Float(variance.sqrt())))
});
pub(super) static STDVAR: RangeFunction = RangeFunction::plain(|context, window, notes| {
    Ok(variance(context, window, notes).map(Point::Float))
});
pub(super) static QUANTILE: RangeFunction =
    RangeFunction::with_floats(quantile_over_time, float_quantiles);
pub(super) static MAD: RangeFunction = RangeFunction::plain(mad);

/// Functions of floats only: false if there are none; histograms beside them are noted.
fn has_floats(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> bool {
    if window.floats.values.is_empty() {
        return false;
    }
    if !window.histograms.values.is_empty() {
        context.note_ignored(notes);
    }
    true
}

fn sum(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> Outcome {
    if window.is_mixed() {
        context.note_mixed(notes);
        return Ok(None);
    }
    if window.floats.values.is_empty() {
        return Ok(histogram_total(context, window, notes, add_all));
    }
    Ok(Some(Point::Float(float_sum(window.floats.values))))
}

fn float_sum(values: &[f64]) -> f64 {
    let (mut sum, mut compensation) = (0.0, 0.0);
    for value in values {
        add_compensated(*value, &mut sum, &mut compensation);
    }
    if f64::is_infinite(sum) {
        sum
    } else {
        sum + compensation
    }
}

/// Gives each slot what `f` makes of the values in its window.
fn each_window(
    windows: &FloatWindows<'_>,
    slots: &mut [f64],
    mut f: impl FnMut(&[f64]) -> f64,
) -> bool {
    for (step, first, end) in windows.filled() {
        if let (Some(slot), Some(values)) = (slots.get_mut(step), windows.values.get(first..end)) {
            *slot = present(f(values));
        }
    }
    true
}

/// The best value of each window. Where windows overlap, a window begins with the best of the one before
/// if that has not left it: then only new values are looked at.
fn extremes(
    windows: &FloatWindows<'_>,
    slots: &mut [f64],
    is_better: impl Fn(f64, f64) -> bool,
) -> bool {
    // The position of the best so far, and the end of what it was compared with.
    let mut known: Option<(usize, usize)> = None;
    for (step, first, end) in windows.filled() {
        let (mut best, from) = match known {
            Some((best, seen)) if best >= first => (best, seen),
            _ => (first, first),
        };
        let Some(&(mut value)) = windows.values.get(best) else {
            continue;
        };
        let fresh = windows.values.get(from..end).unwrap_or(&[]);
        for (at, candidate) in (from..).zip(fresh) {
            if is_better(*candidate, value) || value.is_nan() {
                (best, value) = (at, *candidate);
            }
        }
        known = Some((best, end));
        if let Some(slot) = slots.get_mut(step) {
            *slot = present(value);
        }
    }
    true
}

fn float_quantiles(windows: &FloatWindows<'_>, slots: &mut [f64]) -> bool {
    let Some(quantiles) = windows.params.first() else {
        return false;
    };
    // Quantiles out of range are noted.
    if !quantiles.iter().all(|q| (0.0..=1.0).contains(q)) {
        return false;
    }
    let mut sorted = Vec::new();
    for (step, first, end) in windows.filled() {
        let (Some(slot), Some(values), Some(q)) = (
            slots.get_mut(step),
            windows.values.get(first..end),
            quantiles.get(step),
        ) else {
            continue;
        };
        sorted.clear();
        sorted.extend_from_slice(values);
        *slot = present(quantile(*q, &mut sorted));
    }
    true
}

fn avg(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> Outcome {
    if window.is_mixed() {
        context.note_mixed(notes);
        return Ok(None);
    }
    if window.floats.values.is_empty() {
        return Ok(histogram_total(context, window, notes, average_all));
    }
    Ok(Some(Point::Float(float_avg(window.floats.values))))
}

fn float_avg(values: &[f64]) -> f64 {
    let mut mean = RunningMean::default();
    for value in values {
        mean.add(*value);
    }
    mean.finish()
}

/// The mean of floats: a compensated sum divided at the end, or, from where the sum would overflow, an
/// incremental mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunningMean {
    sum_or_mean: f64,
    compensation: f64,
    count: f64,
    is_incremental: bool,
}

impl RunningMean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum_or_mean = value;
            return;
        }
        if !self.is_incremental {
            let (mut sum, mut compensation) = (self.sum_or_mean, self.compensation);
            add_compensated(value, &mut sum, &mut compensation);
            if !sum.is_infinite() {
                (self.sum_or_mean, self.compensation) = (sum, compensation);
                return;
            }
            self.is_incremental = true;
            self.sum_or_mean /= self.count - 1.0;
            self.compensation /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        self.sum_or_mean *= share;
        self.compensation *= share;
        add_compensated(
            value / self.count,
            &mut self.sum_or_mean,
            &mut self.compensation,
        );
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    pub(crate) fn finish(self) -> f64 {
        if self.is_incremental {
            self.sum_or_mean + self.compensation
        } else {
            self.sum_or_mean / self.count + self.compensation / self.count
        }
    }
}

/// The mean of histograms, in the same manner.
#[derive(Clone, Debug)]
pub(crate) struct RunningHistogramMean {
    total: CompensatedHistogram,
    count: f64,
    is_incremental: bool,
}

impl RunningHistogramMean {
    pub(crate) fn new(first: FloatHistogram) -> Self {
        Self {
            total: CompensatedHistogram::new(first),
            count: 1.0,
            is_incremental: false,
        }
    }

    /// Whether custom bounds had to be reconciled.
    pub(crate) fn add(&mut self, histogram: &FloatHistogram) -> Result<bool, IncompatibleSchemas> {
        self.count += 1.0;
        if !self.is_incremental {
            let mut total = self.total.clone();
            let combined = total.add(histogram)?;
            if !total.sum.has_overflow() {
                self.total = total;
                return Ok(combined.has_reconciled_bounds);
            }
            self.is_incremental = true;
            self.total.divide(self.count - 1.0);
        }
        self.total.scale((self.count - 1.0) / self.count);
        let mut share = histogram.clone();
        share.divide(self.count);
        Ok(self.total.add(&share)?.has_reconciled_bounds)
    }

    pub(crate) fn finish(mut self) -> FloatHistogram {
        if !self.is_incremental {
            self.total.divide(self.count);
        }
        self.total.finish()
    }
}

/// Which reset hints were seen, to say so if they contradict each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeenHints {
    has_reset: bool,
    has_no_reset: bool,
}

impl SeenHints {
    pub(crate) fn add(&mut self, histogram: &FloatHistogram) {
        match histogram.counter_reset_hint {
            CounterResetHint::Reset => self.has_reset = true,
            CounterResetHint::NotReset => self.has_no_reset = true,
            CounterResetHint::Unknown | CounterResetHint::Gauge => {}
        }
    }

    pub(crate) fn collide(self) -> bool {
        self.has_reset && self.has_no_reset
    }
}

/// The total of several histograms, and whether bounds were reconciled for it.
type Total =
    fn(&[Arc<FloatHistogram>]) -> Result<Option<(FloatHistogram, bool)>, IncompatibleSchemas>;

fn add_all(
    histograms: &[Arc<FloatHistogram>],
) -> Result<Option<(FloatHistogram, bool)>, IncompatibleSchemas> {
    let Some((first, rest)) = histograms.split_first() else {
        return Ok(None);
    };
    let mut total = CompensatedHistogram::new(FloatHistogram::clone(first));
    let mut is_reconciled = false;
    for histogram in rest {
        is_reconciled |= total.add(histogram)?.has_reconciled_bounds;
    }
    Ok(Some((total.finish(), is_reconciled)))
}

fn average_all(
    histograms: &[Arc<FloatHistogram>],
) -> Result<Option<(FloatHistogram, bool)>, IncompatibleSchemas> {
    let Some((first, rest)) = histograms.split_first() else {
        return Ok(None);
    };
    let mut mean = RunningHistogramMean::new(FloatHistogram::clone(first));
    let mut is_reconciled = false;
    for histogram in rest {
        is_reconciled |= mean.add(histogram)?;
    }
    Ok(Some((mean.finish(), is_reconciled)))
}

fn histogram_total(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    total: Total,
) -> Option<Point> {
    match total(window.histograms.values) {
        Err(_) => {
            context.note(
                notes,
                Note::MixedExponentialCustom {
                    name: context.name(),
                },
            );
            None
        }
        Ok(None) => None,
        Ok(Some((histogram, is_reconciled))) => {
            let mut hints = SeenHints::default();
            for histogram in window.histograms.values {
                hints.add(histogram);
            }
            if hints.collide() {
                context.note(notes, Note::ResetCollision(Operation::Aggregation));
            }
            if is_reconciled {
                context.note(notes, Note::MismatchedCustomBuckets(Operation::Aggregation));
            }
            Some(Point::from(histogram))
        }
    }
}

fn first(_: &RangeContext<'_>, window: &Window<'_>, _: &mut Annotations) -> Outcome {
    let (floats, histograms) = (&window.floats, &window.histograms);
    let float = floats.times.first().zip(floats.values.first());
    let histogram = histograms.times.first().zip(histograms.values.first());
    Ok(match (float, histogram) {
        (Some((time, _)), Some((other, histogram))) if other <= time => {
            Some(Point::Histogram(Arc::clone(histogram)))
        }
        (Some((_, value)), _) => Some(Point::Float(*value)),
        (None, Some((_, histogram))) => Some(Point::Histogram(Arc::clone(histogram))),
        (None, None) => None,
    })
}

fn last(_: &RangeContext<'_>, window: &Window<'_>, _: &mut Annotations) -> Outcome {
    let (floats, histograms) = (&window.floats, &window.histograms);
    let float = floats.times.last().zip(floats.values.last());
    let histogram = histograms.times.last().zip(histograms.values.last());
    Ok(match (float, histogram) {
        (Some((time, _)), Some((other, histogram))) if other >= time => {
            Some(Point::Histogram(Arc::clone(histogram)))
        }
        (Some((_, value)), _) => Some(Point::Float(*value)),
        (None, Some((_, histogram))) => Some(Point::Histogram(Arc::clone(histogram))),
        (None, None) => None,
    })
}

/// The best float and its time; NaN only if there is nothing else.
fn extreme(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    is_better: impl Fn(f64, f64) -> bool,
) -> Option<(f64, i64)> {
    if !has_floats(context, window, notes) {
        return None;
    }
    let mut samples = window.floats.values.iter().zip(window.floats.times);
    let (value, time) = samples.next()?;
    // As in Prometheus, the first sample is compared with itself first: that matters for NaN only.
    let mut best = (*value, *time);
    for (value, time) in samples {
        if is_better(*value, best.0) || best.0.is_nan() {
            best = (*value, *time);
        }
    }
    Some(best)
}

fn variance(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<f64> {
    if !has_floats(context, window, notes) {
        return None;
    }
    let mut count = 0.0;
    let (mut mean, mut mean_lost) = (0.0, 0.0);
    let (mut squares, mut squares_lost) = (0.0, 0.0);
    for value in window.floats.values {
        count += 1.0;
        let delta = value - (mean + mean_lost);
        add_compensated(delta / count, &mut mean, &mut mean_lost);
        add_compensated(
            delta * (value - (mean + mean_lost)),
            &mut squares,
            &mut squares_lost,
        );
    }
    Some((squares + squares_lost) / count)
}

fn quantile_over_time(
    context: &RangeContext<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Outcome {
    if window.floats.values.is_empty() {
        return Ok(None);
    }
    let q = context.param(0);
    if !(0.0..=1.0).contains(&q) {
        context.note(notes, Note::InvalidQuantile(q));
    }
    if !window.histograms.values.is_empty() {
        context.note_ignored(notes);
    }
    let mut values = window.floats.values.to_vec();
    Ok(Some(Point::Float(quantile(q, &mut values))))
}

fn mad(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> Outcome {
    if !has_floats(context, window, notes) {
        return Ok(None);
    }
    if window.floats.values.iter().any(|value| value.is_nan()) {
        return Ok(Some(Point::Float(f64::NAN)));
    }
    let mut values = window.floats.values.to_vec();
    let median = quantile(0.5, &mut values);
    for value in &mut values {
        *value = (*value - median).abs();
    }
    Ok(Some(Point::Float(quantile(0.5, &mut values))))
}

/// The `q`-quantile by linear interpolation between ranks; NaN values are the smallest. Sorts `values`.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let highest = count(values.len() - 1);
    let rank = q * highest;
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(highest);
    let weight = rank - rank.floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 0 and the length"
    )]
    let (lower_at, upper_at) = (lower as usize, upper as usize);
    // Two neighbours in the order are wanted, not the order: the rank is selected, and its successor is the
    // smallest of what is beyond it.
    let (_, at_lower, beyond) = values.select_nth_unstable_by(lower_at, nan_first);
    let at_lower = *at_lower;
    let at_upper = if upper_at == lower_at {
        at_lower
    } else {
        beyond.iter().copied().min_by(nan_first).unwrap_or(f64::NAN)
    };
    at_lower * (1.0 - weight) + at_upper * weight
}

/// NaN is the smallest; zeros of both signs have an order too, so that the result is the same whatever way
/// the values come in.
fn nan_first(a: &f64, b: &f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.total_cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(0.5, &mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(quantile(1.0, &mut [4.0, 1.0]), 4.0);
        assert_eq!(quantile(1.1, &mut [4.0]), f64::INFINITY);
        assert!(quantile(0.5, &mut []).is_nan());
    }

    #[test]
    fn means_survive_overflow() {
        let mut mean = RunningMean::default();
        for value in [f64::MAX, f64::MAX, f64::MAX] {
            mean.add(value);
        }
        assert!(mean.finish() > 0.999 * f64::MAX && mean.finish().is_finite());
    }
}
