//! Expressions in the manner of the dashboards that come with Kubernetes monitoring.

/// Whether a query is asked for one time or for 240 steps of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Instant,
    /// Over so many minutes.
    Range(i64),
}

/// Name, how it is asked, expression.
#[rustfmt::skip] // One line each, as in a table.
pub const QUERIES: &[(&str, Asked, &str)] = &[
    ("ns-cpu-instant", Asked::Instant, r#"sum by (namespace) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))"#),
    ("ns-cpu-1h", Asked::Range(60), r#"sum by (namespace) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))"#),
    ("ns-cpu-2h", Asked::Range(120), r#"sum by (namespace) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))"#),
    ("pod-cpu-join-node", Asked::Instant, r#"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!=""}[5m])) * on (namespace, pod) group_left (node) topk by (namespace, pod) (1, max by (namespace, pod, node) (kube_pod_info{node!=""}))"#),
    ("pod-mem-one-ns-1h", Asked::Range(60), r#"sum by (pod) (container_memory_working_set_bytes{namespace="team-3", container!=""})"#),
    ("node-cpu-2h", Asked::Range(120), r#"1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))"#),
    ("node-mem-2h", Asked::Range(120), "sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)"),
    ("topk-net", Asked::Instant, "topk(10, sum by (pod) (rate(container_network_receive_bytes_total[5m])))"),
    ("topk-all-cpu-1h", Asked::Range(60), r#"topk(10, rate(container_cpu_usage_seconds_total{container!=""}[5m]))"#),
    ("api-p99-instant", Asked::Instant, r#"histogram_quantile(0.99, sum by (le, resource, verb) (rate(apiserver_request_duration_seconds_bucket{verb!="WATCH"}[5m])))"#),
    ("api-p99-1h", Asked::Range(60), r#"histogram_quantile(0.99, sum by (le, resource) (rate(apiserver_request_duration_seconds_bucket{verb!="WATCH"}[5m])))"#),
    ("api-p99-le-2h", Asked::Range(120), "histogram_quantile(0.99, sum by (le) (rate(apiserver_request_duration_seconds_bucket[5m])))"),
    ("api-codes-2h", Asked::Range(120), "sum by (code) (rate(apiserver_request_total[5m]))"),
    ("http-errors-1h", Asked::Range(60), r#"sum by (handler) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (handler) (rate(http_requests_total[5m]))"#),
    ("http-p50-1h", Asked::Range(60), "histogram_quantile(0.5, sum by (le, handler) (rate(http_request_duration_seconds_bucket[5m])))"),
    ("pods-by-ns", Asked::Instant, "count by (namespace) (kube_pod_info)"),
    ("pods-by-phase-2h", Asked::Range(120), "sum by (phase) (kube_pod_status_phase)"),
    ("requests-util", Asked::Instant, r#"sum by (namespace) (rate(container_cpu_usage_seconds_total{container!=""}[5m])) / sum by (namespace) (kube_pod_container_resource_requests{resource="cpu"})"#),
    ("count-everything", Asked::Instant, r#"count({__name__=~".+"})"#),
    ("names-by-regex", Asked::Instant, r#"count by (__name__) ({__name__=~"node_.+"})"#),
    ("regex-pods", Asked::Instant, r#"sum by (__name__) ({__name__=~"container_(cpu|fs|network).*_total", pod=~"svc-1.*"})"#),
    ("max-over-1h", Asked::Instant, r#"max by (namespace) (max_over_time(container_memory_working_set_bytes{container!=""}[1h]))"#),
    ("quantile-over-1h", Asked::Instant, r#"max by (namespace) (quantile_over_time(0.95, container_memory_working_set_bytes{container!=""}[1h]))"#),
    ("predict-linear", Asked::Instant, "predict_linear(node_filesystem_avail_bytes[1h], 4 * 3600) < 0"),
    ("restarts", Asked::Instant, "increase(kube_pod_container_status_restarts_total[1h]) > 0"),
    ("subquery", Asked::Instant, "max_over_time(sum(rate(http_requests_total[5m]))[1h:1m])"),
    ("unless", Asked::Instant, r#"count(kube_pod_info unless on (namespace, pod) container_memory_rss{container!=""})"#),
    ("raw-node-2h", Asked::Range(120), r#"node_cpu_seconds_total{instance="node-0"}"#),
];
