//! What the functions of the language compute. One file per family, one line per function in the table
//! here; their signatures are in `syntax::functions`.

mod absent;
mod classic;
mod dates;
mod extended;
pub(crate) mod go_math;
mod histograms;
mod labels;
pub(crate) mod math;
mod natural;
mod over_time;
mod range;
mod rate;
mod regression;
mod sort;
mod starts;
mod transitions;

use model::FloatHistogram;

use crate::eval::calendar::Date;

pub(crate) use absent::absent_labels;

pub(crate) use extended::{extend, interpolate_histograms};
pub(crate) use histograms::{HistogramArgs, HistogramCall, evaluate as evaluate_histograms};
pub(crate) use labels::{label_join, label_replace};
pub(crate) use over_time::{RunningHistogramMean, RunningMean, SeenHints, quantile};
pub(crate) use range::{
    Boundaries, Drops, FloatWindow, FloatWindows, HistogramWindow, RangeContext, RangeFunction,
    Window, interpolate,
};
pub(crate) use sort::{Direction, sort_by_label, sort_by_value};

/// How a function is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Implementation {
    /// One window of one series at a time.
    Range(&'static RangeFunction),
    AbsentOverTime,
    Instant(InstantFunction),
    /// `timestamp` of a selector.
    SampleTimestamp,
    /// `start_timestamp` of a selector.
    SampleStartTimestamp,
    LabelReplace,
    LabelJoin,
    Info,
}

/// Functions of instant vectors and scalars.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InstantFunction {
    /// Float by float; histograms are left out.
    Map(fn(f64) -> f64),
    /// Histogram by histogram; floats are left out.
    MapHistogram(fn(&FloatHistogram) -> f64),
    /// A part of the date that the value is in seconds; of the evaluation time without an argument.
    Date(fn(Date) -> i64),
    Clamp,
    ClampMax,
    ClampMin,
    Round,
    Scalar,
    Vector,
    Time,
    Pi,
    MinOf,
    MaxOf,
    Absent,
    Sort,
    SortDesc,
    SortByLabel,
    SortByLabelDesc,
    Histogram(HistogramCall),
    /// Of anything but a selector: the evaluation time.
    Timestamp,
    StartTimestamp,
}

/// The implementation of a function; none for those that planning turns into numbers.
pub(crate) fn implementation(name: &str) -> Option<Implementation> {
    use Implementation::{AbsentOverTime, Info, Instant, LabelJoin, LabelReplace, Range};
    use InstantFunction as F;
    Some(match name {
        "abs" => Instant(F::Map(f64::abs)),
        "absent" => Instant(F::Absent),
        "absent_over_time" => AbsentOverTime,
        "acos" => Instant(F::Map(f64::acos)),
        "acosh" => Instant(F::Map(f64::acosh)),
        "asin" => Instant(F::Map(f64::asin)),
        "asinh" => Instant(F::Map(f64::asinh)),
        "atan" => Instant(F::Map(f64::atan)),
        "atanh" => Instant(F::Map(f64::atanh)),
        "avg_over_time" => Range(&over_time::AVG),
        "ceil" => Instant(F::Map(f64::ceil)),
        "changes" => Range(&transitions::CHANGES),
        "clamp" => Instant(F::Clamp),
        "clamp_max" => Instant(F::ClampMax),
        "clamp_min" => Instant(F::ClampMin),
        "cos" => Instant(F::Map(f64::cos)),
        "cosh" => Instant(F::Map(f64::cosh)),
        "count_over_time" => Range(&over_time::COUNT),
        "day_of_month" => Instant(F::Date(|date| date.day)),
        "day_of_week" => Instant(F::Date(|date| date.weekday)),
        "day_of_year" => Instant(F::Date(|date| date.day_of_year)),
        "days_in_month" => Instant(F::Date(Date::days_in_month)),
        "deg" => Instant(F::Map(|radians| radians * 180.0 / std::f64::consts::PI)),
        "delta" => Range(&rate::DELTA),
        "deriv" => Range(&regression::DERIV),
        "double_exponential_smoothing" => Range(&regression::DOUBLE_EXPONENTIAL_SMOOTHING),
        "exp" => Instant(F::Map(f64::exp)),
        "first_over_time" => Range(&over_time::FIRST),
        "floor" => Instant(F::Map(f64::floor)),
        "histogram_avg" => Instant(F::MapHistogram(|h| h.sum / h.count)),
        "histogram_count" => Instant(F::MapHistogram(|h| h.count)),
        "histogram_fraction" => Instant(F::Histogram(HistogramCall::Fraction)),
        "histogram_quantile" => Instant(F::Histogram(HistogramCall::Quantile)),
        "histogram_quantiles" => Instant(F::Histogram(HistogramCall::Quantiles)),
        "histogram_stddev" => Instant(F::MapHistogram(|h| histograms::variance(h).sqrt())),
        "histogram_stdvar" => Instant(F::MapHistogram(histograms::variance)),
        "histogram_sum" => Instant(F::MapHistogram(|h| h.sum)),
        "hour" => Instant(F::Date(|date| date.hour)),
        "idelta" => Range(&transitions::IDELTA),
        "increase" => Range(&rate::INCREASE),
        "info" => Info,
        "irate" => Range(&transitions::IRATE),
        "label_join" => LabelJoin,
        "label_replace" => LabelReplace,
        "last_over_time" => Range(&over_time::LAST),
        "ln" => Instant(F::Map(f64::ln)),
        "log10" => Instant(F::Map(f64::log10)),
        "log2" => Instant(F::Map(f64::log2)),
        "mad_over_time" => Range(&over_time::MAD),
        "max_of" => Instant(F::MaxOf),
        "max_over_time" => Range(&over_time::MAX),
        "min_of" => Instant(F::MinOf),
        "min_over_time" => Range(&over_time::MIN),
        "minute" => Instant(F::Date(|date| date.minute)),
        "month" => Instant(F::Date(|date| date.month)),
        "pi" => Instant(F::Pi),
        "predict_linear" => Range(&regression::PREDICT_LINEAR),
        "present_over_time" => Range(&over_time::PRESENT),
        "quantile_over_time" => Range(&over_time::QUANTILE),
        "rad" => Instant(F::Map(|degrees| degrees * std::f64::consts::PI / 180.0)),
        "rate" => Range(&rate::RATE),
        "resets" => Range(&transitions::RESETS),
        "round" => Instant(F::Round),
        "scalar" => Instant(F::Scalar),
        "sgn" => Instant(F::Map(math::sign)),
        "sin" => Instant(F::Map(f64::sin)),
        "sinh" => Instant(F::Map(f64::sinh)),
        "sort" => Instant(F::Sort),
        "sort_by_label" => Instant(F::SortByLabel),
        "sort_by_label_desc" => Instant(F::SortByLabelDesc),
        "sort_desc" => Instant(F::SortDesc),
        "sqrt" => Instant(F::Map(f64::sqrt)),
        "start_timestamp" => Instant(F::StartTimestamp),
        "stddev_over_time" => Range(&over_time::STDDEV),
        "stdvar_over_time" => Range(&over_time::STDVAR),
        "sum_over_time" => Range(&over_time::SUM),
        "tan" => Instant(F::Map(f64::tan)),
        "tanh" => Instant(F::Map(f64::tanh)),
        "time" => Instant(F::Time),
        "timestamp" => Instant(F::Timestamp),
        "ts_of_first_over_time" => Range(&over_time::TS_OF_FIRST),
        "ts_of_last_over_time" => Range(&over_time::TS_OF_LAST),
        "ts_of_max_over_time" => Range(&over_time::TS_OF_MAX),
        "ts_of_min_over_time" => Range(&over_time::TS_OF_MIN),
        "vector" => Instant(F::Vector),
        "year" => Instant(F::Date(|date| date.year)),
        _ => return None,
    })
}

pub(crate) use dates::date_part;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_an_implementation() {
        for function in crate::syntax::functions::FUNCTIONS {
            let is_folded = matches!(function.name, "start" | "end" | "range" | "step");
            assert_eq!(
                implementation(function.name).is_none(),
                is_folded,
                "{}",
                function.name
            );
        }
    }
}
