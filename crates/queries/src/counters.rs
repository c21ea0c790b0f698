//! The metrics of the engine, under Prometheus' names.

use metrics::{Counter, Gauge, Histogram, Registry, Summary};

use crate::stats::Timings;

/// A part of the life of a query, as summary and histogram.
#[derive(Clone, Debug)]
struct Slice {
    summary: Summary,
    histogram: Histogram,
}

impl Slice {
    fn observe(&self, seconds: f64) {
        self.summary.observe(seconds);
        self.histogram.observe(seconds);
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Counters {
    pub(crate) active: Gauge,
    samples: Counter,
    samples_read: Counter,
    queue: Slice,
    prepare: Slice,
    inner: Slice,
    pub(crate) log_enabled: Gauge,
    pub(crate) log_failures: Counter,
}

impl Counters {
    pub(crate) fn new(registry: &Registry, concurrent_max: usize) -> Self {
        let summaries = registry.summaries(
            "prometheus_engine_query_duration_seconds",
            "Query timings",
            &["slice"],
        );
        let histograms = registry.histograms(
            "prometheus_engine_query_duration_histogram_seconds",
            "The duration of various parts of PromQL query execution.",
            &["slice"],
            &[0.01, 0.1, 1.0, 10.0],
        );
        let slice = |name: &str| Slice {
            summary: summaries.with(&[name]),
            histogram: histograms.with(&[name]),
        };
        // Sorting is part of the evaluation here: the slice is there, for dashboards, and stays empty.
        slice("result_sort");
        let concurrent = registry.gauge(
            "prometheus_engine_queries_concurrent_max",
            "The max number of concurrent queries.",
        );
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        concurrent.set(concurrent_max as f64);
        Self {
            active: registry.gauge(
                "prometheus_engine_queries",
                "The current number of queries being executed or waiting.",
            ),
            samples: registry.counter(
                "prometheus_engine_query_samples_total",
                "The total number of samples loaded by all queries (full window per step for range-vector).",
            ),
            samples_read: registry.counter(
                "prometheus_engine_query_samples_read_total",
                "The total number of samples read by all queries (only new points per step for range-vector).",
            ),
            queue: slice("queue_time"),
            prepare: slice("prepare_time"),
            inner: slice("inner_eval"),
            log_enabled: registry.gauge(
                "prometheus_engine_query_log_enabled",
                "State of the query log.",
            ),
            log_failures: registry.counter(
                "prometheus_engine_query_log_failures_total",
                "The number of query log failures.",
            ),
        }
    }

    pub(crate) fn observe_queue(&self, timings: &Timings) {
        self.queue.observe(timings.exec_queue_time);
    }

    pub(crate) fn observe_evaluation(&self, timings: &Timings, stats: &promql::QueryStats) {
        self.prepare.observe(timings.query_preparation_time);
        self.inner.observe(timings.inner_eval_time);
        #[expect(clippy::cast_precision_loss, reason = "a counter is a float")]
        let add = |counter: &Counter, count: u64| counter.add(count as f64);
        add(&self.samples, stats.samples_total);
        add(&self.samples_read, stats.samples_read);
    }
}
