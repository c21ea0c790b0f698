//! A request of OpenTelemetry as a remote write request.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::histogram::CounterResetHint;
use model::labels::METRIC_NAME;
use model::sample::STALE_NAN;
use model::storage::HistogramSample;
use model::{Duration, Exemplar, Labels, LabelsBuilder, Timestamp};
use wire::otlp::{
    self, Attribute, HistogramPoint, Metric, NO_RECORDED_VALUE, NumberPoint, Request, Temporality,
};
use wire::remote::write1::{SeriesContent, Writer};
use wire::remote::{WrittenHistogram, WrittenSample};

use super::histogram;
use super::labels::{ResourceLabels, complete, of_attributes, scope_labels, target_info};
use super::names::{Kind, Naming, unit_name};
use super::{Promotion, Settings};

/// Series written out: labels are repeated for each bucket of a histogram.
const CONTENT_BYTES_MAX: usize = 128 << 20;
/// Characters of the labels of an exemplar.
const EXEMPLAR_CHARACTERS_MAX: usize = 128;
/// Samples of the `target_info` of one resource. At the peer's lookback, two weeks and a half of them.
const TARGET_INFO_SAMPLES_MAX: i64 = 10_000;
/// Texts about what could not be translated.
const PROBLEMS_MAX: usize = 100;

/// What became of a request.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// A remote write request, version 1.
    pub(super) content: Vec<u8>,
    /// What could not be translated; everything else is in the content.
    pub(super) problems: Vec<String>,
    /// Metrics without points, and histograms without a count and with a sum.
    pub(super) warnings: usize,
}

pub(super) fn translate(request: &Request, settings: &Settings) -> Translated {
    let mut translation = Translation {
        settings,
        writer: Writer::new(),
        problems: Vec::new(),
        warnings: 0,
        told: HashMap::new(),
    };
    for resource in &request.resource_metrics {
        translation.resource(resource);
    }
    Translated {
        content: translation.writer.finish(),
        problems: translation.problems,
        warnings: translation.warnings,
    }
}

struct Translation<'a> {
    settings: &'a Settings,
    writer: Writer,
    problems: Vec<String>,
    warnings: usize,
    /// Samples of `target_info` that are there already.
    told: HashMap<Labels, HashSet<Timestamp>>,
}

/// What all points of a metric share.
struct Context<'a> {
    resource: &'a ResourceLabels,
    scope: &'a [(String, String)],
    name: String,
    type_and_unit: Vec<(&'static str, String)>,
}

type Outcome = Result<(), String>;

impl Translation<'_> {
    fn problem(&mut self, outcome: Outcome) {
        if let Err(problem) = outcome
            && self.problems.len() < PROBLEMS_MAX
        {
            self.problems.push(problem);
        }
    }

    fn naming(&self) -> Naming {
        self.settings.naming
    }

    fn resource(&mut self, resource: &otlp::ResourceMetrics) {
        let labels =
            ResourceLabels::new(&resource.resource, &self.settings.promotion, self.naming());
        let labels = match labels {
            Ok(labels) => labels,
            Err(problem) => return self.problem(Err(problem)),
        };
        let mut times: Option<(u64, u64)> = None;
        for scope in &resource.scope_metrics {
            let promotes = self.settings.promotes_scope && !scope.scope.name.is_empty();
            let scope_labels = if promotes {
                scope_labels(scope, self.naming())
            } else {
                Ok(Vec::new())
            };
            let scope_labels = match scope_labels {
                Ok(labels) => labels,
                Err(problem) => {
                    self.problem(Err(problem));
                    continue;
                }
            };
            for metric in &scope.metrics {
                times = with_times(metric, times);
                let outcome = self.metric(metric, &labels, &scope_labels);
                self.problem(outcome);
            }
        }
        if let Some((first, last)) = times {
            let outcome = self.target_info(&resource.resource, &labels, (first, last));
            self.problem(outcome);
        }
    }

    fn metric(
        &mut self,
        metric: &Metric,
        resource: &ResourceLabels,
        scope: &[(String, String)],
    ) -> Outcome {
        let temporality = temporality_of(metric);
        let is_good = match temporality {
            None | Some(Temporality::Cumulative) => true,
            Some(Temporality::Delta) => self.settings.takes_delta,
            Some(Temporality::Unspecified) => false,
        };
        if !is_good {
            return Err(format!(
                "invalid temporality and type combination for metric {}",
                model::format::go_quote(&metric.name)
            ));
        }
        let kind = match &metric.sum {
            Some(sum) if sum.is_monotonic => Kind::Counter,
            None if metric.gauge.is_some() => Kind::Gauge,
            _ => Kind::Other,
        };
        let context = Context {
            resource,
            scope,
            name: self.naming().metric(&metric.name, &metric.unit, kind)?,
            type_and_unit: self.type_and_unit(metric),
        };
        let hint = match temporality {
            Some(Temporality::Delta) => CounterResetHint::Gauge,
            _ => CounterResetHint::Unknown,
        };
        if let Some(gauge) = &metric.gauge {
            return self.all(&gauge.data_points, |own, point| {
                own.number(&context, point, Exemplars::No)
            });
        }
        if let Some(sum) = &metric.sum {
            return self.all(&sum.data_points, |own, point| {
                own.number(&context, point, Exemplars::Yes)
            });
        }
        if let Some(histogram) = &metric.histogram {
            let converts = self.settings.converts_to_custom_buckets;
            return self.all(&histogram.data_points, |own, point| {
                if converts {
                    own.custom(&context, point, hint)
                } else {
                    own.classic(&context, point)
                }
            });
        }
        if let Some(histogram) = &metric.exponential_histogram {
            return self.all(&histogram.data_points, |own, point| {
                own.exponential(&context, point, hint)
            });
        }
        if let Some(summary) = &metric.summary {
            return self.all(&summary.data_points, |own, point| {
                own.summary(&context, point)
            });
        }
        Err(format!(
            "could not get aggregation temporality for {} as it has unsupported metric type Empty",
            metric.name
        ))
    }

    /// The first point that cannot be translated ends its metric, as in the peer.
    fn all<T>(&mut self, points: &[T], each: impl Fn(&mut Self, &T) -> Outcome) -> Outcome {
        if points.is_empty() {
            self.warnings += 1;
        }
        points.iter().try_for_each(|point| each(self, point))
    }

    fn type_and_unit(&self, metric: &Metric) -> Vec<(&'static str, String)> {
        if !self.settings.adds_type_and_unit {
            return Vec::new();
        }
        let kind = if metric.gauge.is_some() {
            "gauge"
        } else if let Some(sum) = &metric.sum {
            match (sum.is_monotonic, sum.aggregation_temporality) {
                (_, Temporality::Delta) => "",
                (true, _) => "counter",
                (false, _) => "gauge",
            }
        } else if metric.summary.is_some() {
            "summary"
        } else {
            match temporality_of(metric) {
                Some(Temporality::Delta) => "",
                _ => "histogram",
            }
        };
        let unit = unit_name(&metric.unit, self.naming().allows_utf8);
        let labels = [("__type__", kind.to_owned()), ("__unit__", unit)];
        labels
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    fn labels(
        &self,
        context: &Context<'_>,
        attributes: &[Attribute],
    ) -> Result<LabelsBuilder, String> {
        let mut labels = of_attributes(attributes, &[METRIC_NAME], self.naming())?;
        complete(&mut labels, context.resource, context.scope);
        for (name, value) in &context.type_and_unit {
            labels.set(*name, value.as_str());
        }
        Ok(labels)
    }

    fn write(&mut self, content: &SeriesContent<'_>) -> Outcome {
        if self.writer.size() > CONTENT_BYTES_MAX {
            return Err(format!(
                "the series of the request take more than {CONTENT_BYTES_MAX} bytes; send it in several parts"
            ));
        }
        self.writer.series(content);
        Ok(())
    }

    fn sample(
        &mut self,
        labels: &Labels,
        sample: WrittenSample,
        exemplars: &[Exemplar],
    ) -> Outcome {
        self.write(&SeriesContent {
            labels,
            samples: &[sample],
            histograms: &[],
            exemplars,
        })
    }

    fn number(
        &mut self,
        context: &Context<'_>,
        point: &NumberPoint,
        exemplars: Exemplars,
    ) -> Outcome {
        let mut labels = self.labels(context, &point.attributes)?;
        labels.set(METRIC_NAME, context.name.as_str());
        let sample = Recorded::new(point.flags, point.time_unix_nano);
        let exemplars = match exemplars {
            Exemplars::Yes => exemplars_of(&point.exemplars)?,
            Exemplars::No => Vec::new(),
        };
        let value = number(point.as_double, point.as_int).unwrap_or(0.0);
        self.sample(&labels.build(), sample.value(value), &exemplars)
    }

    /// `_sum`, `_count` and `_bucket`s.
    fn classic(&mut self, context: &Context<'_>, point: &HistogramPoint) -> Outcome {
        let mut labels = self.labels(context, &point.attributes)?;
        let recorded = Recorded::new(point.flags, point.time_unix_nano);
        if let Some(sum) = point.sum {
            labels.set(METRIC_NAME, format!("{}_sum", context.name));
            self.sample(&labels.build(), recorded.value(sum), &[])?;
        }
        labels.set(METRIC_NAME, format!("{}_count", context.name));
        self.sample(&labels.build(), recorded.count(point.count), &[])?;
        labels.set(METRIC_NAME, format!("{}_bucket", context.name));
        let exemplars = exemplars_of(&point.exemplars)?;
        let mut exemplars = exemplars.as_slice();
        let mut cumulative = 0u64;
        for (bound, count) in point.explicit_bounds.iter().zip(&point.bucket_counts) {
            cumulative = cumulative.wrapping_add(*count);
            labels.set("le", model::format::float_plain(*bound));
            // They come by their values; one that does not is told with a later bucket.
            let inside = exemplars.iter().take_while(|own| own.value <= *bound);
            let inside = inside.count();
            let (own, rest) = exemplars.split_at(inside);
            exemplars = rest;
            self.sample(&labels.build(), recorded.count(cumulative), own)?;
        }
        labels.set("le", "+Inf");
        self.sample(&labels.build(), recorded.count(point.count), exemplars)
    }

    fn custom(
        &mut self,
        context: &Context<'_>,
        point: &HistogramPoint,
        hint: CounterResetHint,
    ) -> Outcome {
        let made = histogram::custom(point, hint)?;
        self.histogram(
            context,
            &point.attributes,
            point.time_unix_nano,
            made,
            &point.exemplars,
        )
    }

    fn exponential(
        &mut self,
        context: &Context<'_>,
        point: &otlp::ExponentialPoint,
        hint: CounterResetHint,
    ) -> Outcome {
        let made = histogram::exponential(point, hint)?;
        self.histogram(
            context,
            &point.attributes,
            point.time_unix_nano,
            made,
            &point.exemplars,
        )
    }

    fn histogram(
        &mut self,
        context: &Context<'_>,
        attributes: &[Attribute],
        time_unix_nano: u64,
        made: model::Histogram,
        exemplars: &[otlp::Exemplar],
    ) -> Outcome {
        if made.count == 0 && made.sum != 0.0 {
            self.warnings += 1;
        }
        let mut labels = self.labels(context, attributes)?;
        labels.set(METRIC_NAME, context.name.as_str());
        let exemplars = exemplars_of(exemplars)?;
        self.write(&SeriesContent {
            labels: &labels.build(),
            samples: &[],
            histograms: &[WrittenHistogram {
                time: millis(time_unix_nano),
                histogram: HistogramSample::Integer(made.into()),
                start_time: None,
            }],
            exemplars: &exemplars,
        })
    }

    fn summary(&mut self, context: &Context<'_>, point: &otlp::SummaryPoint) -> Outcome {
        let mut labels = self.labels(context, &point.attributes)?;
        let recorded = Recorded::new(point.flags, point.time_unix_nano);
        labels.set(METRIC_NAME, format!("{}_sum", context.name));
        self.sample(&labels.build(), recorded.value(point.sum), &[])?;
        labels.set(METRIC_NAME, format!("{}_count", context.name));
        self.sample(&labels.build(), recorded.count(point.count), &[])?;
        labels.set(METRIC_NAME, context.name.as_str());
        for quantile in &point.quantile_values {
            labels.set("quantile", model::format::float_plain(quantile.quantile));
            self.sample(&labels.build(), recorded.value(quantile.value), &[])?;
        }
        Ok(())
    }

    /// A sample every half of the lookback, so that queries find it at any time between; fewer if the points of
    /// the resource are too far apart.
    fn target_info(
        &mut self,
        resource: &otlp::Resource,
        own: &ResourceLabels,
        (first, last): (u64, u64),
    ) -> Outcome {
        let keeps_identity = self.settings.keeps_identity;
        let Some(labels) = target_info(resource, own, self.naming(), keeps_identity)? else {
            return Ok(());
        };
        let (first, last) = (millis(first), millis(last));
        let apart = last.0.saturating_sub(first.0) / TARGET_INFO_SAMPLES_MAX;
        let step = (self.settings.lookback.0 / 2).max(apart).max(1);
        let told = self.told.entry(labels.clone()).or_default();
        let mut samples = Vec::new();
        let mut time = first;
        loop {
            let now = time.min(last);
            if told.insert(now) {
                samples.push(WrittenSample {
                    time: now,
                    value: 1.0,
                    start_time: None,
                });
            }
            if time >= last {
                break;
            }
            time = Timestamp(time.0.saturating_add(step));
        }
        if samples.is_empty() {
            return Ok(());
        }
        self.write(&SeriesContent {
            labels: &labels,
            samples: &samples,
            histograms: &[],
            exemplars: &[],
        })
    }
}

/// Gauges have none.
#[derive(Clone, Copy)]
enum Exemplars {
    Yes,
    No,
}

/// When a point was made, and whether it has values at all.
#[derive(Clone, Copy)]
struct Recorded {
    time: Timestamp,
    is_ended: bool,
}

impl Recorded {
    fn new(flags: u32, time_unix_nano: u64) -> Self {
        Self {
            time: millis(time_unix_nano),
            is_ended: flags & NO_RECORDED_VALUE != 0,
        }
    }

    fn value(self, value: f64) -> WrittenSample {
        WrittenSample {
            time: self.time,
            value: if self.is_ended { STALE_NAN } else { value },
            start_time: None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts become floats by definition"
    )]
    fn count(self, count: u64) -> WrittenSample {
        self.value(count as f64)
    }
}

fn millis(nanos: u64) -> Timestamp {
    Timestamp(nanos.cast_signed() / 1_000_000)
}

#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
fn number(double: Option<f64>, int: Option<i64>) -> Option<f64> {
    double.or(int.map(|int| int as f64))
}

fn temporality_of(metric: &Metric) -> Option<Temporality> {
    if metric.gauge.is_some() {
        return None;
    }
    let sum = metric.sum.as_ref().map(|sum| sum.aggregation_temporality);
    let histogram = metric.histogram.as_ref();
    let histogram = histogram.map(|histogram| histogram.aggregation_temporality);
    let exponential = metric.exponential_histogram.as_ref();
    let exponential = exponential.map(|histogram| histogram.aggregation_temporality);
    sum.or(histogram).or(exponential)
}

/// The earliest and the latest time of points.
fn with_times(metric: &Metric, known: Option<(u64, u64)>) -> Option<(u64, u64)> {
    fn times<T>(points: &[T], time: impl Fn(&T) -> u64) -> Vec<u64> {
        points.iter().map(time).collect()
    }
    let found = if let Some(gauge) = &metric.gauge {
        times(&gauge.data_points, |point| point.time_unix_nano)
    } else if let Some(sum) = &metric.sum {
        times(&sum.data_points, |point| point.time_unix_nano)
    } else if let Some(histogram) = &metric.histogram {
        times(&histogram.data_points, |point| point.time_unix_nano)
    } else if let Some(histogram) = &metric.exponential_histogram {
        times(&histogram.data_points, |point| point.time_unix_nano)
    } else if let Some(summary) = &metric.summary {
        times(&summary.data_points, |point| point.time_unix_nano)
    } else {
        Vec::new()
    };
    found.into_iter().fold(known, |known, time| match known {
        None => Some((time, time)),
        Some((first, last)) => Some((first.min(time), last.max(time))),
    })
}

/// Attributes are left out where they make the labels too long.
fn exemplars_of(exemplars: &[otlp::Exemplar]) -> Result<Vec<Exemplar>, String> {
    let one = |exemplar: &otlp::Exemplar| {
        let value = number(exemplar.as_double, exemplar.as_int);
        let value = value.ok_or("unsupported exemplar value type: Empty")?;
        let mut labels: Vec<(String, String)> = Vec::new();
        for (name, id) in [
            ("trace_id", &exemplar.trace_id),
            ("span_id", &exemplar.span_id),
        ] {
            if !id.is_empty() {
                labels.push((name.to_owned(), id.clone()));
            }
        }
        let attributes = exemplar.filtered_attributes.iter();
        let attributes: Vec<(String, String)> = attributes
            .map(|attribute| (attribute.key.clone(), attribute.value.to_text()))
            .collect();
        let characters = |pairs: &[(String, String)]| -> usize {
            let sizes = pairs
                .iter()
                .map(|(name, value)| name.chars().count() + value.chars().count());
            sizes.sum()
        };
        if characters(&labels) + characters(&attributes) <= EXEMPLAR_CHARACTERS_MAX {
            labels.extend(attributes);
        }
        let time = millis(exemplar.time_unix_nano);
        Ok(Exemplar {
            labels: Labels::from_pairs(labels),
            value,
            time: (time.0 != 0).then_some(time),
        })
    };
    exemplars.iter().map(one).collect()
}

impl Default for Settings {
    /// As the peer has it without an `otlp` section.
    fn default() -> Self {
        Self {
            naming: Naming {
                adds_suffixes: true,
                allows_utf8: false,
                prefixes_underscores: true,
                keeps_underscores: true,
            },
            promotion: Promotion::Only(BTreeSet::new()),
            keeps_identity: false,
            converts_to_custom_buckets: false,
            promotes_scope: false,
            takes_delta: false,
            adds_type_and_unit: false,
            lookback: Duration::from_secs(300),
        }
    }
}
