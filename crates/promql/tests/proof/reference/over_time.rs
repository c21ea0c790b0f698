//! The functions named `…_over_time`, and those that fit a line or a curve.

use model::FloatHistogram;
use model::histogram::CompensatedHistogram;

use super::value::{Failure, Kahan, Outcome};
use super::window::Window;

pub(crate) fn sum(values: &[f64]) -> f64 {
    let sum = values
        .iter()
        .fold(Kahan::default(), |sum, value| sum.plus(*value));
    if sum.sum.is_infinite() {
        return sum.sum;
    }
    sum.total()
}

/// The sum by the count; if the sum overflows, from there on a mean that is corrected value by value.
pub(crate) fn average(values: &[f64]) -> f64 {
    let mut sum = Kahan {
        sum: values[0],
        lost: 0.0,
    };
    let mut mean: Option<Kahan> = None;
    let mut count = 1.0;
    for value in &values[1..] {
        count += 1.0;
        if mean.is_none() {
            let next = sum.plus(*value);
            if !next.sum.is_infinite() {
                sum = next;
                continue;
            }
        }
        let before = mean.unwrap_or(Kahan {
            sum: sum.sum / (count - 1.0),
            lost: sum.lost / (count - 1.0),
        });
        let part = (count - 1.0) / count;
        let scaled = Kahan {
            sum: part * before.sum,
            lost: part * before.lost,
        };
        mean = Some(scaled.plus(value / count));
    }
    match mean {
        Some(mean) => mean.total(),
        None => sum.sum / count + sum.lost / count,
    }
}

/// None if exponential and custom buckets are mixed.
pub(crate) fn sum_histograms(window: &Window) -> Option<FloatHistogram> {
    let histograms = window.histograms();
    let (_, first) = histograms.first()?;
    let mut sum = CompensatedHistogram::new((**first).clone());
    for (_, histogram) in &histograms[1..] {
        sum.add(histogram).ok()?;
    }
    Some(sum.finish())
}

/// None if exponential and custom buckets are mixed.
pub(crate) fn average_histograms(window: &Window) -> Option<FloatHistogram> {
    let histograms = window.histograms();
    let histograms: Vec<&FloatHistogram> = histograms.iter().map(|(_, h)| &**h).collect();
    histograms_average(&histograms)
}

pub(crate) fn histograms_average(histograms: &[&FloatHistogram]) -> Option<FloatHistogram> {
    let mut sum = CompensatedHistogram::new((*histograms.first()?).clone());
    let mut mean: Option<CompensatedHistogram> = None;
    let mut count = 1.0;
    for histogram in &histograms[1..] {
        count += 1.0;
        if mean.is_none() {
            let mut next = sum.clone();
            next.add(histogram).ok()?;
            if !next.sum.has_overflow() {
                sum = next;
                continue;
            }
        }
        let mut running = mean.take().unwrap_or_else(|| {
            let mut mean = sum.clone();
            mean.divide(count - 1.0);
            mean
        });
        running.scale((count - 1.0) / count);
        let mut part = (*histogram).clone();
        part.divide(count);
        running.add(&part).ok()?;
        mean = Some(running);
    }
    Some(match mean {
        Some(mean) => mean.finish(),
        None => {
            sum.divide(count);
            sum.finish()
        }
    })
}

/// Functions whose value is a float and which look at floats only, with exceptions told below.
pub(crate) fn number(name: &str, window: &Window) -> Outcome<Option<f64>> {
    let floats = window.floats();
    let values = window.values();
    let has_floats = !values.is_empty();
    let scalar = |index: usize| window.scalars[index];
    Ok(match name {
        // These look at histograms as well.
        "count_over_time" => Some(window.samples.len() as f64),
        "present_over_time" => Some(1.0),
        "ts_of_first_over_time" => window.samples.first().map(|s| s.time as f64 / 1000.0),
        "ts_of_last_over_time" => window.samples.last().map(|s| s.time as f64 / 1000.0),
        "double_exponential_smoothing" => smoothing(&values, scalar(0), scalar(1))?,
        _ if !has_floats => None,
        "max_over_time" => Some(extreme(&floats, |value, best| value > best).1),
        "min_over_time" => Some(extreme(&floats, |value, best| value < best).1),
        // Of equal values the last one.
        "ts_of_max_over_time" => {
            Some(extreme(&floats, |value, best| value >= best).0 as f64 / 1000.0)
        }
        "ts_of_min_over_time" => {
            Some(extreme(&floats, |value, best| value <= best).0 as f64 / 1000.0)
        }
        "stdvar_over_time" => Some(variance(&values)),
        "stddev_over_time" => Some(variance(&values).sqrt()),
        "quantile_over_time" => Some(quantile(scalar(0), &values)),
        "mad_over_time" => Some(median_deviation(&values)),
        "deriv" if values.len() < 2 => None,
        "deriv" => Some(line(&floats, floats[0].0).0),
        "predict_linear" if values.len() < 2 => None,
        "predict_linear" => {
            let (slope, intercept) = line(&floats, window.time);
            Some(slope * scalar(0) + intercept)
        }
        _ => return Err(Failure::new(format!("unknown range function {name}"))),
    })
}

/// The sample that beats all others; NaN loses to everything.
fn extreme(floats: &[(i64, f64)], beats: impl Fn(f64, f64) -> bool) -> (i64, f64) {
    let mut best = floats[0];
    for candidate in floats {
        if beats(candidate.1, best.1) || best.1.is_nan() {
            best = *candidate;
        }
    }
    best
}

/// Welford's algorithm with compensated sums.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Kahan::default(), Kahan::default());
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean = mean.plus(delta / count);
        squares = squares.plus(delta * (value - mean.total()));
    }
    squares.total() / count
}

/// Interpolated between the two nearest ranks; NaN is smaller than everything. Which of the two zeros comes
/// first is open; here it is the negative one.
pub(crate) fn quantile(q: f64, values: &[f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| {
        let order = b.is_nan().cmp(&a.is_nan());
        order.then_with(|| a.total_cmp(b))
    });
    let rank = q * (sorted.len() as f64 - 1.0);
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(sorted.len() - 1);
    let weight = rank - rank.floor();
    sorted[lower] * (1.0 - weight) + sorted[upper] * weight
}

/// The median of the distances from the median.
fn median_deviation(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let median = quantile(0.5, values);
    let distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    quantile(0.5, &distances)
}

/// Slope and value at `origin` of the line with the least squares.
fn line(floats: &[(i64, f64)], origin: i64) -> (f64, f64) {
    let first = floats[0].1;
    if floats[1..].iter().all(|(_, value)| *value == first) {
        if first.is_infinite() {
            return (f64::NAN, f64::NAN);
        }
        return (0.0, first);
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Kahan::default(); 4];
    for (time, y) in floats {
        let x = (time - origin) as f64 / 1e3;
        x_sum = x_sum.plus(x);
        y_sum = y_sum.plus(*y);
        xy_sum = xy_sum.plus(x * y);
        xx_sum = xx_sum.plus(x * x);
    }
    let count = floats.len() as f64;
    let (x, y) = (x_sum.total(), y_sum.total());
    let covariance = xy_sum.total() - x * y / count;
    let variance = xx_sum.total() - x * x / count;
    let slope = covariance / variance;
    (slope, y / count - slope * x / count)
}

/// Holt's linear method: a level and a trend, both smoothed.
fn smoothing(values: &[f64], level_factor: f64, trend_factor: f64) -> Outcome<Option<f64>> {
    for factor in [level_factor, trend_factor] {
        if factor <= 0.0 || factor >= 1.0 {
            return Err(Failure::new(format!("invalid factor {factor}")));
        }
    }
    if values.len() < 2 {
        return Ok(None);
    }
    let (mut before, mut level) = (0.0, values[0]);
    let mut trend = values[1] - values[0];
    for (index, value) in values.iter().enumerate().skip(1) {
        if index > 1 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * value + (1.0 - level_factor) * (level + trend);
        (before, level) = (level, next);
    }
    Ok(Some(level))
}
