//! Functions of instant vectors and scalars.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::{FloatHistogram, Labels};
use promql::ast::{Call, Expr, ValueType};

use super::dates::date_part;
use super::eval::{Buckets, Reference, constant};
use super::labels::absent_labels;
use super::steps::Steps;
use super::value::{Element, Failure, Kahan, Outcome, Point, Series, Value, at, without_metadata};
use super::{histograms, labels};

/// An argument at one time.
pub(crate) enum Arg {
    Vector(Vec<Element>),
    Scalar(f64),
    Text(String),
}

pub(crate) struct Args(Vec<Arg>);

impl Args {
    pub(crate) fn vector(&self, index: usize) -> Vec<Element> {
        match self.0.get(index) {
            Some(Arg::Vector(elements)) => elements.clone(),
            _ => panic!("argument {index} is no vector"),
        }
    }

    pub(crate) fn scalar(&self, index: usize) -> f64 {
        match self.0.get(index) {
            Some(Arg::Scalar(value)) => *value,
            _ => panic!("argument {index} is no scalar"),
        }
    }

    pub(crate) fn text(&self, index: usize) -> &str {
        match self.0.get(index) {
            Some(Arg::Text(text)) => text,
            _ => panic!("argument {index} is no text"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The smaller one; NaN if one of them is, unless the other is -Inf (Go's `math.Min`).
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        // Of the two zeros the negative one.
        if a.is_sign_negative() { a } else { b }
    } else if a < b {
        a
    } else {
        b
    }
}

/// The larger one; NaN if one of them is, unless the other is +Inf (Go's `math.Max`).
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    -go_min(-a, -b)
}

impl Reference<'_> {
    pub(crate) fn call(&self, call: &Call, steps: Steps, buckets: Buckets) -> Outcome<Value> {
        let name = call.function.name;
        let below = match (buckets, name) {
            (Buckets::All, _) => Buckets::All,
            (_, "histogram_count" | "histogram_sum" | "histogram_avg") => Buckets::StatsOnly,
            (_, "histogram_quantile" | "histogram_quantiles" | "histogram_fraction") => {
                Buckets::All
            }
            (buckets, _) => buckets,
        };
        // Parentheses around an argument do not count.
        let first = call.args.first().map(Expr::without_parens);
        match (name, first) {
            ("start", _) => return Ok(constant(self.query.start as f64 / 1000.0, steps)),
            ("end", _) => return Ok(constant(self.query.end as f64 / 1000.0, steps)),
            ("range", _) => {
                let range = self.query.end - self.query.start;
                return Ok(constant(range as f64 / 1000.0, steps));
            }
            ("step", _) => {
                let is_instant = self.query.start == self.query.end;
                let step = if is_instant { 0 } else { self.query.step };
                return Ok(constant(step as f64 / 1000.0, steps));
            }
            ("info", _) => return Ok(Value::Vector(self.info(call, steps, below)?)),
            ("timestamp" | "start_timestamp", Some(Expr::Vector(selector))) => {
                return Ok(Value::Vector(self.sample_times(name, selector, steps)?));
            }
            _ => {}
        }
        if call
            .args
            .iter()
            .any(|arg| arg.value_type() == ValueType::Matrix)
        {
            return Ok(Value::Vector(self.range_call(call, steps, below)?));
        }
        let mut values = Vec::new();
        for arg in &call.args {
            values.push(self.eval(arg, steps, below)?);
        }
        if matches!(name, "label_replace" | "label_join") {
            let mut series = labels::relabelled(name, values)?;
            self.order(&mut series);
            return Ok(Value::Vector(series));
        }
        let args_at = |time: i64| -> Args {
            let arg = |value: &Value| match value {
                Value::Vector(series) => Arg::Vector(at(series, time)),
                Value::Scalar(values) => Arg::Scalar(values[&time]),
                Value::Text(text) => Arg::Text(text.clone()),
            };
            Args(values.iter().map(arg).collect())
        };
        if call.function.return_type == ValueType::Scalar {
            let mut result = BTreeMap::new();
            for time in steps.times() {
                result.insert(time, scalar_function(name, &args_at(time), time)?);
            }
            return Ok(Value::Scalar(result));
        }
        let mut series = self.per_step(steps, |time| {
            vector_function(name, &args_at(time), first, time)
        })?;
        if name.starts_with("histogram_") {
            self.order(&mut series);
        }
        Ok(Value::Vector(series))
    }

    /// `timestamp` and `start_timestamp` of a selector are about the samples, not about the steps.
    fn sample_times(
        &self,
        name: &str,
        selector: &promql::ast::VectorSelector,
        steps: Steps,
    ) -> Outcome<Vec<Series>> {
        if name == "start_timestamp" && !self.settings.uses_starts {
            return Ok(Vec::new());
        }
        let matching = self.matching(selector, Buckets::Unknown);
        self.per_step(steps, |time| {
            // Prometheus forgets the offset here if there is an `@`.
            let fixed = self.fixed_time(selector.at);
            let looked_at = fixed.unwrap_or_else(|| self.looked_at(selector, time));
            let samples = matching.iter().filter_map(|stored| {
                let sample = self.newest(stored, looked_at)?;
                let millis = match name {
                    "timestamp" => sample.time,
                    _ => sample.start,
                };
                let labels = without_metadata(&stored.labels);
                Some((labels, Point::Float(millis as f64 / 1000.0)))
            });
            Ok(samples.collect())
        })
    }
}

fn scalar_function(name: &str, args: &Args, time: i64) -> Outcome<f64> {
    Ok(match name {
        "time" => time as f64 / 1000.0,
        "pi" => std::f64::consts::PI,
        "min_of" => go_min(args.scalar(0), args.scalar(1)),
        "max_of" => go_max(args.scalar(0), args.scalar(1)),
        "scalar" => {
            let elements = args.vector(0);
            let floats: Vec<f64> = elements.iter().filter_map(|(_, p)| p.float()).collect();
            match floats.as_slice() {
                [only] => *only,
                _ => f64::NAN,
            }
        }
        _ => return Err(Failure::new(format!("unknown scalar function {name}"))),
    })
}

fn vector_function(
    name: &str,
    args: &Args,
    first: Option<&Expr>,
    time: i64,
) -> Outcome<Vec<Element>> {
    if let Some(f) = float_function(name) {
        return Ok(each_float(args.vector(0), f));
    }
    if let Some(f) = histogram_function(name) {
        let elements = args.vector(0).into_iter();
        let values = elements.filter_map(|(labels, point)| match point {
            Point::Float(_) => None,
            Point::Histogram(histogram) => {
                let labels = labels.filtered(|name| name != "__name__");
                Some((labels, Point::Float(f(&histogram))))
            }
        });
        return Ok(values.collect());
    }
    Ok(match name {
        "vector" => vec![(Labels::empty(), Point::Float(args.scalar(0)))],
        "round" => {
            let nearest = if args.len() > 1 { args.scalar(1) } else { 1.0 };
            let inverse = 1.0 / nearest;
            each_float(args.vector(0), |value| {
                (value * inverse + 0.5).floor() / inverse
            })
        }
        "clamp" => clamped(args.vector(0), args.scalar(1), args.scalar(2)),
        "clamp_min" => clamped(args.vector(0), args.scalar(1), f64::INFINITY),
        "clamp_max" => clamped(args.vector(0), f64::NEG_INFINITY, args.scalar(1)),
        "absent" if !args.vector(0).is_empty() => Vec::new(),
        "absent" => {
            let labels = first.map_or_else(Labels::empty, absent_labels);
            vec![(labels, Point::Float(1.0))]
        }
        // Of what is no selector it is the time of the step.
        "timestamp" => {
            let of_step = |(labels, _): Element| {
                let seconds = Point::Float(time as f64 / 1000.0);
                (without_metadata(&labels), seconds)
            };
            args.vector(0).into_iter().map(of_step).collect()
        }
        "start_timestamp" => Vec::new(),
        "sort" | "sort_desc" => sorted(args.vector(0), name == "sort_desc"),
        "sort_by_label" | "sort_by_label_desc" => {
            let names: Vec<&str> = (1..args.len()).map(|index| args.text(index)).collect();
            let mut elements = args.vector(0);
            elements.sort_by(|(a, _), (b, _)| labels::compare(a, b, &names));
            if name == "sort_by_label_desc" {
                elements.reverse();
            }
            elements
        }
        "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => {
            histograms::evaluate(name, args)
        }
        _ => {
            if args.len() == 0 {
                let seconds = (time / 1000) as f64;
                let part = date_part(name, seconds);
                let part = part.ok_or_else(|| Failure::new(format!("unknown function {name}")))?;
                return Ok(vec![(Labels::empty(), Point::Float(part))]);
            }
            if date_part(name, 0.0).is_none() {
                return Err(Failure::new(format!("unknown function {name}")));
            }
            each_float(args.vector(0), |value| {
                date_part(name, value).unwrap_or(f64::NAN)
            })
        }
    })
}

/// Applies `f` to floats; histograms go away.
fn each_float(elements: Vec<Element>, f: impl Fn(f64) -> f64) -> Vec<Element> {
    let apply = |(labels, point): Element| {
        let value = f(point.float()?);
        Some((without_metadata(&labels), Point::Float(value)))
    };
    elements.into_iter().filter_map(apply).collect()
}

fn float_function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "rad" => |degrees| degrees * std::f64::consts::PI / 180.0,
        "deg" => |radians| radians * 180.0 / std::f64::consts::PI,
        "sgn" => |value| match value.partial_cmp(&0.0) {
            Some(Ordering::Less) => -1.0,
            Some(Ordering::Greater) => 1.0,
            _ => value,
        },
        _ => return None,
    })
}

fn histogram_function(name: &str) -> Option<fn(&FloatHistogram) -> f64> {
    Some(match name {
        "histogram_count" => |histogram| histogram.count,
        "histogram_sum" => |histogram| histogram.sum,
        "histogram_avg" => |histogram| histogram.sum / histogram.count,
        "histogram_stdvar" => variance,
        "histogram_stddev" => |histogram| variance(histogram).sqrt(),
        _ => return None,
    })
}

/// Every bucket counts as if all its observations stood in its middle.
fn variance(histogram: &FloatHistogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = Kahan::default();
    for bucket in histogram.all_buckets() {
        if bucket.count == 0.0 {
            continue;
        }
        let middle = if histogram.uses_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else if bucket.upper < 0.0 {
            -(bucket.upper * bucket.lower).sqrt()
        } else {
            (bucket.upper * bucket.lower).sqrt()
        };
        let delta = middle - mean;
        squares = squares.plus(bucket.count * delta * delta);
    }
    squares.total() / histogram.count
}

fn clamped(elements: Vec<Element>, min: f64, max: f64) -> Vec<Element> {
    if max < min {
        return Vec::new();
    }
    each_float(elements, |value| go_max(min, go_min(max, value)))
}

/// By value; NaN last, histograms left out.
fn sorted(elements: Vec<Element>, is_descending: bool) -> Vec<Element> {
    let mut floats: Vec<Element> = elements
        .into_iter()
        .filter(|(_, point)| point.float().is_some())
        .collect();
    floats.sort_by(|(_, a), (_, b)| {
        let (a, b) = (a.float().unwrap_or(0.0), b.float().unwrap_or(0.0));
        let by_value = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
        let by_value = if is_descending {
            by_value.reverse()
        } else {
            by_value
        };
        a.is_nan().cmp(&b.is_nan()).then(by_value)
    });
    floats
}
