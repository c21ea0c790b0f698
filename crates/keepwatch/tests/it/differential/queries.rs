//! What both servers are asked.

use testkit::process::percent_encoded;

use super::replay::{Span, seconds};

/// Which order of series an answer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The language promises none.
    ByLabels,
    /// The expression sorts.
    AsGiven,
}

/// Asked at one time and over a range. Windows are whole seconds, inner windows of subqueries are not,
/// because their evaluation times are (see the module above). `TIME` is replaced.
const EXPRESSIONS: &[&str] = &[
    // Selectors.
    "node_load1",
    "node_cpu_seconds_total{mode=\"idle\"}",
    "node_cpu_seconds_total{mode=~\"i.*|user\",cpu!~\"1.*\"}",
    "{__name__=~\"node_memory_.*_bytes\",__name__!~\".*Huge.*\"}",
    "{job=\"node\",__name__=~\"(go|process|promhttp|shop)_.*\"}",
    "node_uname_info",
    "node_nothing",
    // Time.
    "node_load1 offset 10s",
    "rate(node_context_switches_total[10s] offset 15s)",
    "node_memory_MemFree_bytes @ TIME",
    "rate(node_intr_total[20s] @ end())",
    "node_load1 @ start() - node_load1 @ end()",
    "timestamp(node_load1)",
    "time() - node_time_seconds",
    "hour() + minute() + day_of_week() + days_in_month()",
    // Functions over windows.
    "rate(node_cpu_seconds_total[20s])",
    "irate(node_cpu_seconds_total{mode!=\"idle\"}[10s])",
    "increase({__name__=~\"node_(context_switches|forks|intr)_total\"}[20s])",
    "delta(node_memory_MemFree_bytes[20s])",
    "idelta(node_memory_MemFree_bytes[10s])",
    "deriv(node_memory_MemFree_bytes[20s])",
    "predict_linear(node_memory_MemFree_bytes[20s], 3600)",
    "avg_over_time({__name__=~\"node_load.*\"}[20s])",
    "max_over_time(node_memory_MemFree_bytes[20s]) - min_over_time(node_memory_MemFree_bytes[20s])",
    "sum_over_time(node_memory_MemFree_bytes[20s])",
    "count_over_time({__name__=~\"node_network_.*\"}[20s])",
    "stddev_over_time(node_memory_MemFree_bytes[20s]) + stdvar_over_time(node_load1[20s])",
    "quantile_over_time(0.9, node_memory_MemFree_bytes[20s])",
    "last_over_time(node_load5[20s]) * present_over_time(node_load5[20s])",
    "changes(node_memory_MemFree_bytes[20s]) + resets(node_memory_MemFree_bytes[20s])",
    "absent(node_nothing{job=\"node\"})",
    "absent_over_time(node_load1[20s])",
    "absent_over_time(node_nothing{job=\"node\"}[20s])",
    // Subqueries.
    "max_over_time(rate(node_cpu_seconds_total{mode=\"user\"}[10s500ms])[20s:4s])",
    "avg_over_time((node_load1 > bool 0)[20s:3s] offset 5s)",
    "deriv(sum(node_memory_MemFree_bytes)[20s:5s])",
    // Aggregations.
    "sum by (mode) (rate(node_cpu_seconds_total[20s]))",
    "avg without (cpu) (node_cpu_seconds_total)",
    "max(node_memory_MemTotal_bytes) - min(node_memory_MemFree_bytes)",
    "count by (__name__) ({__name__=~\"node_network_.*_total\"})",
    "group by (device) ({__name__=~\"node_network_.*_total\"})",
    "stddev by (mode) (node_cpu_seconds_total) + stdvar by (mode) (node_cpu_seconds_total)",
    "quantile by (cpu) (0.75, node_cpu_seconds_total)",
    "count_values(\"load\", round({__name__=~\"node_load.*\"}))",
    "topk(1, node_memory_MemTotal_bytes or node_memory_MemFree_bytes)",
    "bottomk by (job) (1, node_memory_MemTotal_bytes or node_memory_MemFree_bytes)",
    // Histograms and summaries.
    "histogram_quantile(0.9, rate(shop_request_duration_seconds_bucket[20s]))",
    "histogram_quantile(0.5, sum by (le) (rate(shop_request_duration_seconds_bucket[20s])))",
    "rate(shop_request_duration_seconds_sum[20s]) / rate(shop_request_duration_seconds_count[20s])",
    "go_gc_duration_seconds{quantile=\"0.5\"}",
    // Matching.
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    "node_cpu_seconds_total{mode=\"user\"} / ignoring (mode) node_cpu_seconds_total{mode=\"system\"}",
    "node_load1 * on (instance, job) group_left (sysname, release) node_uname_info",
    "sum without (cpu, mode) (node_cpu_seconds_total) / on (instance) group_right node_cpu_seconds_total",
    "node_load1 and on (instance) node_load5",
    "node_load1 or node_load5 or node_load15",
    "node_cpu_seconds_total unless on (mode) node_cpu_seconds_total{mode=~\"i.*\"}",
    // Operators and plain functions.
    "node_cpu_seconds_total > 10",
    "node_cpu_seconds_total{mode=\"idle\"} <= bool 10",
    "-node_load1 % 7 ^ 2 + 1 / 3",
    // Prometheus 2.42 keeps a name here, so there is none.
    "(node_load1 + 0) atan2 node_load5",
    "clamp(ceil(node_load1) + floor(node_load5), 1, 3) + clamp_min(node_load15, 2) - clamp_max(node_load15, 1)",
    "sqrt(node_load1) + exp(node_load5) - ln(node_memory_MemTotal_bytes) + log2(node_memory_MemFree_bytes)",
    "round(node_load1, 0.1) + sgn(node_load5) - abs(-node_load15)",
    "label_replace(node_cpu_seconds_total, \"kind\", \"$1-of-$2\", \"mode\", \"(.)(.*)\")",
    "label_join(node_cpu_seconds_total, \"place\", \"/\", \"cpu\", \"mode\")",
    "vector(scalar(node_load1)) + vector(time())",
    "scalar(node_load1)",
    "1 + 2 * pi()",
];

/// Asked at one time only, and the order counts.
const SORTED: &[&str] = &[
    "sort({__name__=~\"node_memory_(MemTotal|MemFree|MemAvailable)_bytes\"})",
    "sort_desc({__name__=~\"node_memory_(MemTotal|MemFree|MemAvailable)_bytes\"})",
    "topk(2, {__name__=~\"node_memory_(MemTotal|MemFree|MemAvailable)_bytes\"})",
    "bottomk(2, {__name__=~\"node_memory_(MemTotal|MemFree|MemAvailable)_bytes\"})",
];

/// Asked at one time only: whole windows, and what is no number or an error.
const INSTANT: &[&str] = &[
    "node_load1[20s]",
    "{__name__=~\"(node|go|shop)_.+\"}[10m]",
    "rate(node_cpu_seconds_total{cpu=\"0\"}[9s500ms])[20s:5s]",
    "\"a text\"",
    "node_cpu_seconds_total / on (instance) node_cpu_seconds_total",
    "rate(node_load1)",
    "sum(",
];

/// Paths of the API with the order of series that they must give.
pub(super) fn paths(span: &Span) -> Vec<(String, Order)> {
    // Half a second after a sample; the range begins when the longest window and offset are full.
    let at = seconds(span.last_ms + 500);
    let start = seconds(span.first_ms + 40_500);
    let encode = |expression: &str| percent_encoded(&expression.replace("TIME", &at));
    let instant =
        |expression: &&str| format!("/api/v1/query?time={at}&query={}", encode(expression));
    let range = |expression: &&str| {
        format!(
            "/api/v1/query_range?start={start}&end={at}&step=3s&query={}",
            encode(expression)
        )
    };
    let unordered = EXPRESSIONS
        .iter()
        .flat_map(|expression| [instant(expression), range(expression)]);
    let mut paths: Vec<(String, Order)> = unordered.map(|path| (path, Order::ByLabels)).collect();
    paths.extend(
        INSTANT
            .iter()
            .map(|expression| (instant(expression), Order::ByLabels)),
    );
    paths.extend(
        SORTED
            .iter()
            .map(|expression| (instant(expression), Order::AsGiven)),
    );
    let metadata = [
        "labels?match[]=node_cpu_seconds_total",
        "label/mode/values?match[]=node_cpu_seconds_total",
        "label/__name__/values?match[]={__name__=~\"node_.%2B\"}",
        "series?match[]=node_cpu_seconds_total&match[]={__name__=~\"node_load.*\"}",
    ];
    let times = format!("&start={start}&end={at}");
    let escape = |path: &str| {
        path.replace('[', "%5B")
            .replace(']', "%5D")
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('"', "%22")
    };
    paths
        .extend(metadata.map(|path| (format!("/api/v1/{}{times}", escape(path)), Order::ByLabels)));
    paths
}
