//! One operator each, by family, so that a change shows where it acts: instant queries and ranges of 120 steps
//! over 20,000 series with an hour of samples, and over 500 native histograms.

#![allow(
    clippy::panic,
    missing_docs,
    reason = "a benchmark that cannot run has nothing to give back"
)]

use std::hint::black_box;

use bench::cluster::{Cluster, INTERVAL_MS, START_MS, Size};
use criterion::{Criterion, criterion_group, criterion_main};
use model::histogram::BucketSpan;
use model::storage::SeriesReader;
use model::{Duration, FloatHistogram, Labels, Timestamp, Value};
use promql::testing::memory::MemoryStorage;
use promql::{Engine, EngineOptions, ParserOptions, Query, RangeTimes};

const SIZE: Size = Size {
    series: 20_000,
    samples: 240,
};
const STEPS: i64 = 120;
const NATIVE_SERIES: u32 = 500;

/// Family, name, expression.
#[rustfmt::skip] // One line each, as in a table.
const OPERATORS: &[(&str, &str, &str)] = &[
    ("selector", "newest", "container_memory_rss"),
    ("selector", "regex", r#"{__name__=~"container_memory_.*", namespace=~"team-(1|2)"}"#),
    ("selector", "absent", r#"absent(container_memory_rss{namespace="nowhere"})"#),
    ("range", "rate", "rate(container_cpu_usage_seconds_total[5m])"),
    ("range", "irate", "irate(container_cpu_usage_seconds_total[5m])"),
    ("range", "sum_over_time", "sum_over_time(container_memory_rss[5m])"),
    ("range", "max_over_time", "max_over_time(container_memory_rss[5m])"),
    ("range", "quantile_over_time", "quantile_over_time(0.9, container_memory_rss[5m])"),
    ("range", "stddev_over_time", "stddev_over_time(container_memory_rss[5m])"),
    ("range", "changes", "changes(container_memory_rss[5m])"),
    ("range", "predict_linear", "predict_linear(container_memory_rss[5m], 3600)"),
    ("aggregation", "sum", "sum by (namespace) (container_memory_rss)"),
    ("aggregation", "avg-without", "avg without (pod, container) (container_memory_rss)"),
    ("aggregation", "stddev", "stddev by (namespace) (container_memory_rss)"),
    ("aggregation", "topk", "topk by (namespace) (3, container_memory_rss)"),
    ("aggregation", "quantile", "quantile by (namespace) (0.9, container_memory_rss)"),
    ("aggregation", "count_values", r#"count_values("value", kube_pod_info)"#),
    ("binary", "vector-scalar", "container_memory_rss * 2"),
    ("binary", "comparison", "container_memory_rss > 1e8"),
    ("binary", "one-to-one", "container_memory_rss / container_memory_working_set_bytes"),
    ("binary", "many-to-one", "container_memory_rss * on (namespace, pod) group_left (node) kube_pod_info"),
    ("binary", "and", "container_memory_rss and on (namespace, pod) kube_pod_info"),
    ("binary", "unless", "container_memory_rss unless on (pod) container_memory_cache"),
    ("function", "abs", "abs(container_memory_rss)"),
    ("function", "clamp", "clamp(container_memory_rss, 0, 1e8)"),
    ("function", "sort", "sort(container_memory_rss)"),
    ("function", "label_replace", r#"label_replace(container_memory_rss, "svc", "$1", "pod", "svc-([0-9]+)-.*")"#),
    ("function", "label_join", r#"label_join(container_memory_rss, "id", "/", "namespace", "pod")"#),
    ("histogram", "classic-quantile", "histogram_quantile(0.9, sum by (le, handler) (http_request_duration_seconds_bucket))"),
    ("histogram", "classic-fraction", "histogram_fraction(0, 0.2, http_request_duration_seconds_bucket)"),
    ("subquery", "max-of-sum", "max_over_time(sum(container_memory_rss)[10m:1m])"),
    ("subquery", "rate-of-many", "avg_over_time(rate(container_cpu_usage_seconds_total[5m])[10m:2m])"),
];

#[rustfmt::skip] // One line each, as in a table.
const NATIVE: &[(&str, &str, &str)] = &[
    ("native", "rate", "rate(native[5m])"),
    ("native", "sum", "sum(native)"),
    ("native", "quantile", "histogram_quantile(0.9, native)"),
    ("native", "quantile-of-rate", "histogram_quantile(0.9, sum(rate(native[5m])))"),
    ("native", "count", "histogram_count(native)"),
];

fn native_histograms() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for number in 0..NATIVE_SERIES {
        let labels = Labels::from_pairs([
            ("__name__".to_owned(), "native".to_owned()),
            ("pod".to_owned(), number.to_string()),
        ]);
        for step in 0..SIZE.samples {
            let grown = f64::from(number + 1) * f64::from(u32::try_from(step).unwrap_or(0));
            let buckets: Vec<f64> = (0..20).map(|bucket| grown * f64::from(bucket)).collect();
            let histogram = FloatHistogram {
                schema: 3,
                count: buckets.iter().sum(),
                sum: grown,
                positive_spans: vec![BucketSpan {
                    offset: -4,
                    length: 20,
                }],
                positive_buckets: buckets,
                ..FloatHistogram::default()
            };
            let time = START_MS + i64::try_from(step).unwrap_or(0) * INTERVAL_MS;
            storage.add(&labels, time, Value::Histogram(histogram.into()));
        }
    }
    storage
}

fn measure(
    criterion: &mut Criterion,
    operators: &[(&str, &str, &str)],
    reader: &dyn SeriesReader,
    end: Timestamp,
) {
    let engine = Engine::new(EngineOptions::default());
    let length = 30 * 60_000;
    let times = RangeTimes {
        start: Timestamp(end.0 - length),
        end,
        step: Duration::from_millis(length / STEPS),
    };
    for (family, name, text) in operators {
        let query = match Query::parse(*text, &ParserOptions::default()) {
            Ok(query) => query,
            Err(error) => panic!("{text}: {error}"),
        };
        let mut group = criterion.benchmark_group(*family);
        group.sample_size(10);
        group.bench_function(format!("{name}/instant"), |bencher| {
            bencher.iter(|| match engine.instant(reader, query.expression(), end) {
                Ok(result) => black_box(result),
                Err(error) => panic!("{text}: {error}"),
            });
        });
        group.bench_function(format!("{name}/range"), |bencher| {
            bencher.iter(|| match engine.range(reader, query.expression(), times) {
                Ok(result) => black_box(result),
                Err(error) => panic!("{text}: {error}"),
            });
        });
        group.finish();
    }
}

fn operators(criterion: &mut Criterion) {
    let cluster = match Cluster::new(SIZE) {
        Ok(cluster) => cluster,
        Err(error) => panic!("filling the head: {error}"),
    };
    measure(criterion, OPERATORS, &cluster.head, cluster.end);
    measure(criterion, NATIVE, &native_histograms(), cluster.end);
}

criterion_group!(benches, operators);
criterion_main!(benches);
