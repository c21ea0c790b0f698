//! The flags of `serve`. One that is accepted without effect says so in its help.

use super::{Flag, Takes};

const fn flag(
    name: &'static str,
    takes: Takes,
    default: &'static str,
    value_name: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        short: None,
        takes,
        default,
        value_name,
        help,
    }
}

const fn switch(name: &'static str, help: &'static str) -> Flag {
    flag(name, Takes::Nothing, "", "", help)
}

/// In the order of the help text.
pub(crate) const SERVE: &[Flag] = &[
    flag(
        "config.file",
        Takes::Text,
        "",
        "FILE",
        "Prometheus configuration file",
    ),
    flag(
        "alertmanager.config.file",
        Takes::Text,
        "",
        "FILE",
        "Alertmanager configuration file",
    ),
    Flag {
        short: Some('f'),
        ..flag(
            "manifests",
            Takes::Texts,
            "",
            "FILE_OR_FOLDER",
            "Kubernetes objects to read instead of a cluster; may be repeated",
        )
    },
    Flag {
        short: Some('n'),
        ..flag(
            "namespace",
            Takes::Text,
            "default",
            "NAMESPACE",
            "Namespace of objects that name none",
        )
    },
    flag(
        "resolve",
        Takes::Texts,
        "",
        "NAME:PORT=ADDR:PORT",
        "Connect to ADDR:PORT where NAME:PORT is asked for, as curl does; may be repeated",
    ),
    flag(
        "storage.tsdb.path",
        Takes::Text,
        "data/",
        "FOLDER",
        "Where samples are kept",
    ),
    flag(
        "storage.tsdb.retention.time",
        Takes::Duration,
        "0s",
        "DURATION",
        "How long samples are kept; 0s: 15d if no size is given either, else for ever",
    ),
    flag(
        "storage.tsdb.retention.size",
        Takes::Text,
        "",
        "SIZE",
        "Bytes that blocks and log may have before the oldest blocks go, such as 512MB",
    ),
    flag(
        "memory.budget",
        Takes::Text,
        "60%",
        "SIZE|SHARE%",
        "Memory of the whole process before it gives things up, queries first and what rules read last: a size such as 2GB, or a share of what the control group or the machine has",
    ),
    flag(
        "storage.tsdb.min-block-duration",
        Takes::Duration,
        "2h",
        "DURATION",
        "Time that a block covers when it is written; equal to the longest for a Thanos sidecar",
    ),
    flag(
        "storage.tsdb.max-block-duration",
        Takes::Duration,
        "0s",
        "DURATION",
        "Time that merged blocks cover at most; 0s: a tenth of the retention, at most 31d",
    ),
    flag(
        "web.listen-address",
        Takes::Texts,
        "0.0.0.0:9090",
        "HOST:PORT",
        "Address to listen on; may be repeated; port 0 takes any free one",
    ),
    flag(
        "web.external-url",
        Takes::Text,
        "",
        "URL",
        "The URL under which users reach this server",
    ),
    flag(
        "web.route-prefix",
        Takes::Text,
        "",
        "PATH",
        "Prefix of all paths; by default the path of the external URL",
    ),
    flag(
        "web.read-timeout",
        Takes::Duration,
        "5m",
        "DURATION",
        "Time to read a request, and to keep an idle connection",
    ),
    flag(
        "web.max-connections",
        Takes::Number,
        "512",
        "NUMBER",
        "Connections open at once",
    ),
    switch("web.enable-lifecycle", "Allow reload and shutdown by HTTP"),
    switch(
        "web.read-only",
        "Refuse requests that change something: reload, quit, posted alerts, silences, writes",
    ),
    switch(
        "web.enable-remote-write-receiver",
        "Take remote write requests at /api/v1/write",
    ),
    flag(
        "web.remote-write-receiver.accepted-protobuf-messages",
        Takes::Texts,
        "prometheus.WriteRequest,io.prometheus.write.v2.Request",
        "MESSAGE",
        "Remote write messages to accept; may be repeated",
    ),
    switch(
        "web.enable-admin-api",
        "Allow deleting series, cleaning tombstones and snapshots by HTTP",
    ),
    flag(
        "rules.alert.for-outage-tolerance",
        Takes::Duration,
        "1h",
        "DURATION",
        "Longest outage over which the `for` state of alerts is restored",
    ),
    flag(
        "rules.alert.for-grace-period",
        Takes::Duration,
        "10m",
        "DURATION",
        "Shortest time between restoring an alert and firing it",
    ),
    flag(
        "rules.alert.resend-delay",
        Takes::Duration,
        "1m",
        "DURATION",
        "How often firing alerts are sent again",
    ),
    flag(
        "rules.max-concurrent-evals",
        Takes::Number,
        "4",
        "NUMBER",
        "Rule groups evaluated at once",
    ),
    flag(
        "query.lookback-delta",
        Takes::Duration,
        "5m",
        "DURATION",
        "How far a selector looks back for a sample",
    ),
    flag(
        "query.timeout",
        Takes::Duration,
        "2m",
        "DURATION",
        "Longest time of a query",
    ),
    flag(
        "query.max-concurrency",
        Takes::Number,
        "20",
        "NUMBER",
        "Queries evaluated at once",
    ),
    flag(
        "query.max-samples",
        Takes::Number,
        "50000000",
        "NUMBER",
        "Samples that one query may hold in memory",
    ),
    flag(
        "query.max-bytes",
        Takes::Number,
        "4294967296",
        "NUMBER",
        "Bytes that one query may hold in memory; 0 for no limit",
    ),
    flag(
        "query.max-series",
        Takes::Number,
        "0",
        "NUMBER",
        "Series that one query may select; 0 for no limit",
    ),
    flag(
        "data.retention",
        Takes::Duration,
        "120h",
        "DURATION",
        "How long expired silences and the notification log are kept",
    ),
    flag(
        "enable-feature",
        Takes::Texts,
        "",
        "NAME,NAME",
        "What is experimental, by Prometheus' names, such as promql-experimental-functions; may be repeated",
    ),
    flag(
        "silences.max-silences",
        Takes::Number,
        "0",
        "NUMBER",
        "Silences, expired ones included, that may be there at once; 0 for no limit",
    ),
    flag(
        "silences.max-silence-size-bytes",
        Takes::Number,
        "0",
        "NUMBER",
        "Bytes that one silence may take; 0 for no limit",
    ),
    flag(
        "alerts.per-alertname-limit",
        Takes::Number,
        "0",
        "NUMBER",
        "Alerts of one name that are kept; 0 for no limit",
    ),
    flag(
        "alertmanager.matchers",
        Takes::Text,
        "fallback",
        "SYNTAX",
        "Syntax of Alertmanager's matchers: classic, utf8-strict, or fallback, which reads both",
    ),
    flag(
        "log.level",
        Takes::Text,
        "info",
        "LEVEL",
        "debug, info, warn or error",
    ),
    flag(
        "log.format",
        Takes::Text,
        "logfmt",
        "FORMAT",
        "logfmt or json",
    ),
];
