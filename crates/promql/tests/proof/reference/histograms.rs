//! Quantiles and fractions of histograms, classic (series with `le`) and native.

use model::Labels;
use model::labels::BUCKET;

use super::SharedHistogram;
use super::instant::Args;
use super::value::{Element, Point, without_metadata};

#[derive(Clone, Copy)]
struct Bucket {
    bound: f64,
    /// Of all observations up to the bound.
    count: f64,
}

enum Input {
    Classic(Vec<Bucket>),
    Native(SharedHistogram),
}

enum Question {
    Quantile(f64),
    Fraction(f64, f64),
}

pub(crate) fn evaluate(name: &str, args: &Args) -> Vec<Element> {
    let ask = |question: Question, vector: usize, label: Option<(&str, String)>| {
        let answer = |(labels, input): (Labels, Input)| {
            let mut builder = without_metadata(&labels).to_builder();
            if let Some((name, value)) = &label {
                builder.set(*name, value.clone());
            }
            (builder.build(), Point::Float(answer(&question, &input)))
        };
        inputs(args.vector(vector))
            .into_iter()
            .map(answer)
            .collect()
    };
    match name {
        "histogram_fraction" => ask(Question::Fraction(args.scalar(0), args.scalar(1)), 2, None),
        "histogram_quantile" => ask(Question::Quantile(args.scalar(0)), 1, None),
        _ => {
            let mut all: Vec<Element> = Vec::new();
            for index in 2..args.len() {
                let q = args.scalar(index);
                let label = (args.text(1), open_metrics(q));
                all.extend(ask(Question::Quantile(q), 0, Some(label)));
            }
            all
        }
    }
}

/// A float as OpenMetrics writes it: whole numbers with `.0`.
fn open_metrics(value: f64) -> String {
    let text = model::format::float_shortest(value);
    if value.is_finite() && !text.contains(['.', 'e']) {
        return text + ".0";
    }
    text
}

/// Classic buckets joined to histograms; where there is a native one with the same labels, neither counts.
fn inputs(elements: Vec<Element>) -> Vec<(Labels, Input)> {
    let mut classic: Vec<(Labels, Vec<Bucket>)> = Vec::new();
    let mut native: Vec<(Labels, SharedHistogram)> = Vec::new();
    for (labels, point) in elements {
        match point {
            Point::Histogram(histogram) => native.push((labels, histogram)),
            Point::Float(count) => {
                let Ok(bound) = labels.value(BUCKET).parse::<f64>() else {
                    continue;
                };
                let labels = labels.filtered(|name| name != BUCKET);
                let bucket = Bucket { bound, count };
                match classic.iter_mut().find(|(known, _)| *known == labels) {
                    Some((_, buckets)) => buckets.push(bucket),
                    None => classic.push((labels, vec![bucket])),
                }
            }
        }
    }
    let conflicts: Vec<Labels> = native
        .iter()
        .filter(|(labels, _)| classic.iter().any(|(known, _)| known == labels))
        .map(|(labels, _)| labels.clone())
        .collect();
    let native = native.into_iter().map(|(l, h)| (l, Input::Native(h)));
    let classic = classic.into_iter().map(|(l, b)| (l, Input::Classic(b)));
    native
        .chain(classic)
        .filter(|(labels, _)| !conflicts.contains(labels))
        .collect()
}

fn answer(question: &Question, input: &Input) -> f64 {
    match (question, input) {
        (Question::Quantile(q), Input::Native(histogram)) => histogram.quantile(*q).value,
        (Question::Fraction(from, to), Input::Native(histogram)) => {
            histogram.fraction(*from, *to).value
        }
        (Question::Quantile(q), Input::Classic(buckets)) => quantile(*q, buckets),
        (Question::Fraction(from, to), Input::Classic(buckets)) => fraction(*from, *to, buckets),
    }
}

/// Sorted, buckets with the same bound added up. None if the last one does not hold everything.
fn ordered(buckets: &[Bucket]) -> Option<Vec<Bucket>> {
    let mut sorted = buckets.to_vec();
    sorted.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    let mut joined: Vec<Bucket> = Vec::new();
    for bucket in sorted {
        match joined.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => joined.push(bucket),
        }
    }
    (joined.last()?.bound == f64::INFINITY).then_some(joined)
}

fn quantile(q: f64, buckets: &[Bucket]) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let Some(mut buckets) = ordered(buckets) else {
        return f64::NAN;
    };
    // Counts never go down; differences as small as rounding errors are none.
    for at in 1..buckets.len() {
        let before = buckets[at - 1].count;
        let count = buckets[at].count;
        if is_almost_equal(before, count) || count < before {
            buckets[at].count = before;
        }
    }
    let last = buckets.len() - 1;
    if last == 0 || buckets[last].count == 0.0 {
        return f64::NAN;
    }
    let rank = q * buckets[last].count;
    let reached = buckets[..last].iter().position(|b| b.count >= rank);
    match reached {
        None => buckets[last - 1].bound,
        Some(0) if buckets[0].bound <= 0.0 => buckets[0].bound,
        Some(0) => buckets[0].bound * (rank / buckets[0].count),
        Some(at) => {
            let (from, to) = (buckets[at - 1], buckets[at]);
            let part = (rank - from.count) / (to.count - from.count);
            from.bound + (to.bound - from.bound) * part
        }
    }
}

fn is_almost_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-12;
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

fn fraction(from: f64, to: f64, buckets: &[Bucket]) -> f64 {
    let Some(buckets) = ordered(buckets) else {
        return f64::NAN;
    };
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || from.is_nan() || to.is_nan() {
        return f64::NAN;
    }
    if from >= to {
        return 0.0;
    }
    let rank_of = |limit: f64| -> f64 {
        let mut lower = if buckets[0].bound <= 0.0 {
            f64::NEG_INFINITY
        } else {
            0.0
        };
        let mut rank = 0.0;
        for bucket in &buckets {
            if lower >= limit {
                return rank;
            }
            if bucket.bound > limit {
                if lower == f64::NEG_INFINITY {
                    return bucket.count;
                }
                return rank + (bucket.count - rank) * (limit - lower) / (bucket.bound - lower);
            }
            rank = bucket.count;
            lower = bucket.bound;
        }
        f64::INFINITY
    };
    let limited = |rank: f64| if rank > count { count } else { rank };
    (limited(rank_of(to)) - limited(rank_of(from))) / count
}
