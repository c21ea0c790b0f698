//! `histogram_quantile`, `histogram_quantiles`, `histogram_fraction` of classic and native histograms,
//! and the variance of native ones.

use std::collections::HashMap;

use diag::Span;
use model::histogram::{FloatHistogram, NanEffect, add_compensated};
use model::labels::BUCKET;
use model::{Labels, format};

use super::classic::{Bucket, bucket_fraction, bucket_quantile, sort_buckets};
use crate::eval::annotations::{Annotations, ForcedMonotonicity, Note};
use crate::eval::column::{Column, PointRef, Series};
use crate::eval::steps::Steps;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistogramCall {
    Quantile,
    Quantiles,
    Fraction,
}

/// One thing to compute per histogram; the scalars have one value per step.
pub(crate) enum Wanted<'a> {
    Quantile(&'a [f64]),
    Fraction { lower: &'a [f64], upper: &'a [f64] },
}

/// The arguments of a call, evaluated.
pub(crate) struct HistogramArgs<'a> {
    pub(crate) input: Vec<Series>,
    /// Where the input and the scalars are in the query.
    pub(crate) input_span: Span,
    pub(crate) scalars: &'a [(Vec<f64>, Span)],
    /// The label that `histogram_quantiles` writes the quantile to.
    pub(crate) label: &'a str,
    pub(crate) steps: Steps,
    /// Whether notes name the metric: only with delayed name removal, as in Prometheus.
    pub(crate) names_metrics: bool,
}

impl HistogramArgs<'_> {
    fn name_of(&self, labels: &Labels) -> String {
        if self.names_metrics {
            labels.metric_name().to_owned()
        } else {
            String::new()
        }
    }
}

/// The buckets of one classic histogram.
struct Classic {
    /// Without `le`.
    labels: Labels,
    /// `(upper bound, row of the input)`, by bound.
    members: Vec<(f64, usize)>,
}

/// The results; series of different input may have the same labels at different steps.
pub(crate) fn evaluate(
    call: HistogramCall,
    args: HistogramArgs<'_>,
    notes: &mut Annotations,
) -> Vec<Series> {
    if call != HistogramCall::Fraction {
        for (quantiles, span) in args.scalars {
            for q in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
                notes.add(Note::InvalidQuantile(*q), *span);
            }
        }
    }
    let classics = classics(&args, notes);
    let excluded = mixed_steps(&args, &classics, notes);

    let mut results = Vec::new();
    match call {
        HistogramCall::Fraction => {
            if let [(lower, _), (upper, _)] = args.scalars {
                let wanted = Wanted::Fraction { lower, upper };
                one_result(&args, &classics, &excluded, &wanted, notes, &mut results);
            }
        }
        HistogramCall::Quantile => {
            if let [(quantiles, _)] = args.scalars {
                let wanted = Wanted::Quantile(quantiles);
                one_result(&args, &classics, &excluded, &wanted, notes, &mut results);
            }
        }
        HistogramCall::Quantiles => {
            for (quantiles, _) in args.scalars {
                let mut part = Vec::new();
                let wanted = Wanted::Quantile(quantiles);
                one_result(&args, &classics, &excluded, &wanted, notes, &mut part);
                for series in part {
                    split_by_quantile(series, quantiles, args.label, &mut results);
                }
            }
        }
    }
    results
}

/// Groups the classic buckets by their labels without `le`.
fn classics(args: &HistogramArgs<'_>, notes: &mut Annotations) -> Vec<Classic> {
    let mut classics: Vec<Classic> = Vec::new();
    let mut by_labels: HashMap<Labels, usize> = HashMap::new();
    for (row, series) in args.input.iter().enumerate() {
        if series.column.floats().next().is_none() {
            continue;
        }
        let text = series.labels.value(BUCKET);
        let Some(upper) = parse_bound(text) else {
            let note = Note::BadBucketLabel {
                name: args.name_of(&series.labels),
                label: text.to_owned(),
            };
            notes.add(note, args.input_span);
            continue;
        };
        let labels = series.labels.filtered(|name| name != BUCKET);
        let at = *by_labels.entry(labels.clone()).or_insert_with(|| {
            classics.push(Classic {
                labels,
                members: Vec::new(),
            });
            classics.len() - 1
        });
        if let Some(classic) = classics.get_mut(at) {
            classic.members.push((upper, row));
        }
    }
    classics
}

fn parse_bound(text: &str) -> Option<f64> {
    // Rust also takes what Go takes: `+Inf`, `inf`, `1e3`; an empty text is no number in both.
    text.parse().ok()
}

/// Per classic histogram, the steps at which there is a native one with the same labels too: neither is
/// evaluated there. Second: the same per input row.
struct Excluded {
    classics: Vec<Vec<usize>>,
    natives: HashMap<usize, Vec<usize>>,
}

fn mixed_steps(
    args: &HistogramArgs<'_>,
    classics: &[Classic],
    notes: &mut Annotations,
) -> Excluded {
    let mut excluded = Excluded {
        classics: vec![Vec::new(); classics.len()],
        natives: HashMap::new(),
    };
    let by_labels: HashMap<&Labels, usize> = classics
        .iter()
        .enumerate()
        .map(|(at, classic)| (&classic.labels, at))
        .collect();
    for (row, series) in args.input.iter().enumerate() {
        if !series.column.has_histograms() {
            continue;
        }
        let Some(at) = by_labels.get(&series.labels).copied() else {
            continue;
        };
        let Some(classic) = classics.get(at) else {
            continue;
        };
        for step in 0..args.steps.count {
            let point = series.column.get(step);
            let has_native = matches!(point, Some(PointRef::Histogram(_)));
            let has_bucket = classic.members.iter().any(|(_, member)| {
                args.input
                    .get(*member)
                    .is_some_and(|series| series.column.float(step).is_some())
            });
            if has_native && has_bucket {
                let note = Note::MixedClassicNative {
                    name: args.name_of(&series.labels),
                };
                notes.add(note, args.input_span);
                if let Some(steps) = excluded.classics.get_mut(at) {
                    steps.push(step);
                }
                excluded.natives.entry(row).or_default().push(step);
            }
        }
    }
    excluded
}

fn one_result(
    args: &HistogramArgs<'_>,
    classics: &[Classic],
    excluded: &Excluded,
    wanted: &Wanted<'_>,
    notes: &mut Annotations,
    results: &mut Vec<Series>,
) {
    for (row, series) in args.input.iter().enumerate() {
        if !series.column.has_histograms() {
            continue;
        }
        let mut column = Column::absent(args.steps.count);
        let skipped = excluded.natives.get(&row);
        for step in 0..args.steps.count {
            if skipped.is_some_and(|steps| steps.contains(&step)) {
                continue;
            }
            if let Some(PointRef::Histogram(histogram)) = series.column.get(step) {
                let (value, effect) = of_native(wanted, step, histogram);
                column.set_float(step, value);
                if let Some(effect) = effect {
                    let name = args.name_of(&series.labels);
                    let note = match effect {
                        NanEffect::Result => Note::QuantileNan { name },
                        NanEffect::Skew => Note::QuantileSkewed { name },
                        NanEffect::Excluded => Note::FractionNan { name },
                    };
                    notes.add(note, args.input_span);
                }
            }
        }
        push(results, series.labels.clone(), column);
    }
    let mut buckets = Vec::new();
    for (classic, skipped) in classics.iter().zip(&excluded.classics) {
        let mut column = Column::absent(args.steps.count);
        for step in 0..args.steps.count {
            if skipped.contains(&step) {
                continue;
            }
            buckets.clear();
            buckets.extend(classic.members.iter().filter_map(|(upper, row)| {
                let count = args.input.get(*row)?.column.float(step)?;
                Some(Bucket {
                    upper: *upper,
                    count,
                })
            }));
            if buckets.is_empty() {
                continue;
            }
            sort_buckets(&mut buckets);
            let value = match wanted {
                Wanted::Fraction { lower, upper } => {
                    bucket_fraction(at(lower, step), at(upper, step), &mut buckets)
                }
                Wanted::Quantile(quantiles) => {
                    let (value, forced) = bucket_quantile(at(quantiles, step), &mut buckets);
                    if let Some(forced) = forced {
                        let time = args.steps.at(step);
                        let note = Note::ForcedMonotonicity(ForcedMonotonicity {
                            name: args.name_of(&classic.labels),
                            time_min_ms: time,
                            time_max_ms: time,
                            bucket_min: forced.bucket_min,
                            bucket_max: forced.bucket_max,
                            difference_max: forced.difference_max,
                            more: 0,
                        });
                        notes.add(note, args.input_span);
                    }
                    value
                }
            };
            column.set_float(step, value);
        }
        push(results, classic.labels.clone(), column);
    }
}

fn at(values: &[f64], step: usize) -> f64 {
    values.get(step).copied().unwrap_or(f64::NAN)
}

fn of_native(
    wanted: &Wanted<'_>,
    step: usize,
    histogram: &FloatHistogram,
) -> (f64, Option<NanEffect>) {
    match wanted {
        Wanted::Quantile(quantiles) => {
            let result = histogram.quantile(at(quantiles, step));
            (result.value, result.nan_effect)
        }
        Wanted::Fraction { lower, upper } => {
            let result = histogram.fraction(at(lower, step), at(upper, step));
            (result.value, result.nan_effect)
        }
    }
}

fn push(results: &mut Vec<Series>, labels: Labels, column: Column) {
    if !column.is_absent() {
        results.push(Series {
            labels,
            drop_name: true,
            column,
        });
    }
}

/// The quantile may differ from step to step; each value has its own series.
fn split_by_quantile(series: Series, quantiles: &[f64], label: &str, results: &mut Vec<Series>) {
    let mut parts: Vec<(u64, Series)> = Vec::new();
    for (step, q) in quantiles.iter().enumerate() {
        let Some(value) = series.column.float(step) else {
            continue;
        };
        let bits = q.to_bits();
        let known = parts.iter().position(|(known, _)| *known == bits);
        let at = known.unwrap_or_else(|| {
            let mut builder = series.labels.to_builder();
            builder.set(label, quantile_text(*q));
            let part = Series {
                labels: builder.build(),
                drop_name: series.drop_name,
                column: Column::absent(series.column.len()),
            };
            parts.push((bits, part));
            parts.len() - 1
        });
        if let Some((_, part)) = parts.get_mut(at) {
            part.column.set_float(step, value);
        }
    }
    results.extend(parts.into_iter().map(|(_, part)| part));
}

/// As OpenMetrics writes floats: whole numbers with `.0`.
fn quantile_text(q: f64) -> String {
    let text = format::float_shortest(q);
    if q.is_finite() && !text.contains(['.', 'e']) {
        format!("{text}.0")
    } else {
        text
    }
}

/// The variance of the observations, each taken at the middle of its bucket: geometric in exponential
/// buckets, arithmetic in custom ones, zero in those around zero.
pub(super) fn variance(histogram: &FloatHistogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let (mut variance, mut lost) = (0.0, 0.0);
    for bucket in histogram.all_buckets() {
        if bucket.count == 0.0 {
            continue;
        }
        let value = if histogram.uses_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            let middle = (bucket.upper * bucket.lower).sqrt();
            if bucket.upper < 0.0 { -middle } else { middle }
        };
        let delta = value - mean;
        add_compensated(bucket.count * delta * delta, &mut variance, &mut lost);
    }
    (variance + lost) / histogram.count
}
