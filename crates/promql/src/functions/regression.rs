//! `deriv`, `predict_linear` and `double_exponential_smoothing`.

use model::histogram::add_compensated;

use super::math::seconds;
use super::range::{FloatWindow, RangeContext, RangeFunction, Window};
use crate::eval::QueryError;
use crate::eval::annotations::Annotations;
use crate::eval::column::Point;

type Outcome = Result<Option<Point>, QueryError>;

pub(super) static DERIV: RangeFunction = RangeFunction::plain(|context, window, notes| {
    if !has_line(context, window, notes) {
        return Ok(None);
    }
    let origin = window.floats.times.first().copied().unwrap_or(0);
    let (slope, _) = linear_regression(&window.floats, origin);
    Ok(Some(Point::Float(slope)))
});

pub(super) static PREDICT_LINEAR: RangeFunction = RangeFunction::plain(|context, window, notes| {
    if !has_line(context, window, notes) {
        return Ok(None);
    }
    let (slope, intercept) = linear_regression(&window.floats, context.time);
    Ok(Some(Point::Float(slope * context.param(0) + intercept)))
});

pub(super) static DOUBLE_EXPONENTIAL_SMOOTHING: RangeFunction = RangeFunction::plain(smoothing);

/// Whether there are two floats at least. Histograms beside floats are noted.
fn has_line(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> bool {
    if window.is_mixed() {
        context.note_ignored(notes);
    }
    window.floats.values.len() >= 2
}

/// The least-squares line as `(slope per second, value at origin)`.
fn linear_regression(floats: &FloatWindow<'_>, origin: i64) -> (f64, f64) {
    let first = floats.values.first().copied().unwrap_or(f64::NAN);
    if floats.values.iter().skip(1).all(|value| *value == first) {
        return if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
    }
    #[derive(Default)]
    struct Sum(f64, f64);
    impl Sum {
        fn add(&mut self, term: f64) {
            add_compensated(term, &mut self.0, &mut self.1);
        }
        fn total(&self) -> f64 {
            self.0 + self.1
        }
    }
    let mut n = 0.0;
    let (mut x_sum, mut y_sum) = (Sum::default(), Sum::default());
    let (mut xy_sum, mut xx_sum) = (Sum::default(), Sum::default());
    for (time, y) in floats.times.iter().zip(floats.values) {
        n += 1.0;
        let x = seconds(time.saturating_sub(origin));
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let (x, y, xy, xx) = (x_sum.total(), y_sum.total(), xy_sum.total(), xx_sum.total());
    let covariance = xy - x * y / n;
    let variance = xx - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// Holt's linear method: a level and a trend, each smoothed with a factor between 0 and 1.
fn smoothing(context: &RangeContext<'_>, window: &Window<'_>, notes: &mut Annotations) -> Outcome {
    let factor = |index: usize, name: &str, letters: &str| {
        let value = context.param(index);
        if value <= 0.0 || value >= 1.0 {
            return Err(QueryError::Evaluation(format!(
                "invalid {name} factor. Expected: 0 < {letters} < 1, got: {value:.6}"
            )));
        }
        Ok(value)
    };
    let level_factor = factor(0, "smoothing", "sf")?;
    let trend_factor = factor(1, "trend", "tf")?;
    if !has_line(context, window, notes) {
        return Ok(None);
    }
    let &[first, second, ..] = window.floats.values else {
        return Ok(None);
    };
    let mut previous = 0.0;
    let mut level = first;
    let mut trend = second - first;
    for (at, value) in window.floats.values.iter().enumerate().skip(1) {
        let scaled = level_factor * value;
        if at > 1 {
            trend = trend_factor * (level - previous) + (1.0 - trend_factor) * trend;
        }
        let smoothed = (1.0 - level_factor) * (level + trend);
        (previous, level) = (level, scaled + smoothed);
    }
    Ok(Some(Point::Float(level)))
}
