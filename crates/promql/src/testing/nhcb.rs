//! Classic histograms as native ones with custom buckets, for `load_with_nhcb`.

use std::collections::BTreeMap;

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use model::labels::{BUCKET, METRIC_NAME};
use model::{FloatHistogram, Labels};

#[derive(Default)]
struct Classic {
    /// Cumulative counts by upper bound, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Collects the samples of classic series and converts them.
#[derive(Default)]
pub(super) struct Collector {
    by_series: BTreeMap<Labels, BTreeMap<i64, Classic>>,
}

impl Collector {
    pub(super) fn add(&mut self, labels: &Labels, time: i64, value: f64) {
        let name = labels.metric_name();
        let (base, suffix) = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|suffix| Some((name.strip_suffix(suffix)?, *suffix)))
            .unwrap_or((name, ""));
        if suffix.is_empty() {
            return;
        }
        let mut builder = labels.to_builder();
        builder.set(METRIC_NAME, base);
        builder.remove(BUCKET);
        let bound = labels.value(BUCKET).parse::<f64>();
        if suffix == "_bucket" && bound.as_ref().is_ok_and(|bound| bound.is_nan()) {
            return;
        }
        let series = self.by_series.entry(builder.build()).or_default();
        let classic = series.entry(time).or_default();
        match (suffix, bound) {
            ("_count", _) => classic.count = Some(value),
            ("_sum", _) => classic.sum = value,
            (_, Ok(bound)) => {
                let at = classic.buckets.partition_point(|(known, _)| *known < bound);
                if classic
                    .buckets
                    .get(at)
                    .is_none_or(|(known, _)| *known != bound)
                {
                    classic.buckets.insert(at, (bound, value));
                }
            }
            (_, Err(_)) => {}
        }
    }

    pub(super) fn finish(self) -> Vec<(Labels, i64, FloatHistogram)> {
        let mut histograms = Vec::new();
        for (labels, times) in self.by_series {
            for (time, classic) in times {
                histograms.push((labels.clone(), time, classic.convert()));
            }
        }
        histograms
    }
}

impl Classic {
    fn convert(mut self) -> FloatHistogram {
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, count)| count)).unwrap_or(0.0);
        if last.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut below = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (_, cumulative) in &self.buckets {
            counts.push(cumulative - below);
            below = *cumulative;
        }
        let mut histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![BucketSpan {
                offset: 0,
                length: u32::try_from(counts.len()).unwrap_or(u32::MAX),
            }],
            positive_buckets: counts,
            custom_values: self
                .buckets
                .iter()
                .map(|(bound, _)| *bound)
                .filter(|bound| *bound != f64::INFINITY)
                .collect(),
            ..FloatHistogram::default()
        };
        histogram.compact();
        histogram
    }
}
