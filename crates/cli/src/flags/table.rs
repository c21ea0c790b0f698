//! The flags of `serve`. One that is accepted without effect says so in its help.

use super::{Flag, Role, Takes};

pub(super) const fn flag(
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
        role: Role::Any,
    }
}

/// One that an agent refuses.
pub(super) const fn of_server(flag: Flag) -> Flag {
    Flag {
        role: Role::Server,
        ..flag
    }
}

/// One that only an agent takes.
const fn of_agent(flag: Flag) -> Flag {
    Flag {
        role: Role::Agent,
        ..flag
    }
}

pub(super) const fn switch(name: &'static str, help: &'static str) -> Flag {
    flag(name, Takes::Nothing, "", "", help)
}

/// One that is on unless `--no-NAME` is given.
const fn switch_on(name: &'static str, help: &'static str) -> Flag {
    flag(name, Takes::Nothing, "true", "", help)
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
    switch(
        "config.auto-reload",
        "Look for changes of the files, and reload when there are some",
    ),
    flag(
        "config.auto-reload-interval",
        Takes::Duration,
        "30s",
        "DURATION",
        "Pause between two looks",
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
    of_server(flag(
        "storage.tsdb.path",
        Takes::Text,
        "data/",
        "FOLDER",
        "Where samples are kept",
    )),
    of_server(flag(
        "storage.tsdb.retention.time",
        Takes::Duration,
        "0s",
        "DURATION",
        "How long samples are kept; 0s: 15d if no size is given either, else for ever",
    )),
    of_server(flag(
        "storage.tsdb.retention.size",
        Takes::Text,
        "0B",
        "SIZE",
        "Bytes that blocks and log may have before the oldest blocks go, such as 512MB",
    )),
    flag(
        "storage.tsdb.retention.rule",
        Takes::Texts,
        "",
        "SELECTOR=DURATION",
        "Series that are kept for less time than the others, as in {namespace=\"dev\"}=2d; may be repeated",
    ),
    flag(
        "memory.budget",
        Takes::Text,
        "60%",
        "SIZE|SHARE%",
        "Memory of the whole process before it gives things up, queries first and what rules read last: a size such as 2GB, or a share of what the control group or the machine has",
    ),
    of_server(flag(
        "storage.tsdb.min-block-duration",
        Takes::Duration,
        "2h",
        "DURATION",
        "Time that a block covers when it is written; equal to the longest for a Thanos sidecar",
    )),
    of_server(flag(
        "storage.tsdb.max-block-duration",
        Takes::Duration,
        "0s",
        "DURATION",
        "Time that merged blocks cover at most; 0s: a tenth of the retention, at most 31d",
    )),
    switch(
        "agent",
        "Keep samples in a log until they are sent on, as Prometheus in agent mode: no queries, no rules",
    ),
    of_server(switch_on(
        "storage.tsdb.wal-compression",
        "Compress the records of the log",
    )),
    of_server(flag(
        "storage.tsdb.wal-compression-type",
        Takes::Text,
        "snappy",
        "NAME",
        "How the log is compressed: snappy or zstd",
    )),
    of_server(flag(
        "storage.tsdb.wal-segment-size",
        Takes::Text,
        "0B",
        "SIZE",
        "Size of the files of the log, 10MB to 256MB; 0B for 128MB",
    )),
    of_server(switch(
        "storage.tsdb.no-lockfile",
        "Use the data folder without locking it, where the file system has no locks",
    )),
    of_server(flag(
        "storage.tsdb.delay-compact-file.path",
        Takes::Text,
        "",
        "FILE",
        "Blocks are not merged before this file (JSON, of a Thanos sidecar) names them as uploaded",
    )),
    of_agent(flag(
        "storage.agent.path",
        Takes::Text,
        "data-agent/",
        "FOLDER",
        "Where an agent keeps its log",
    )),
    of_agent(flag(
        "storage.agent.retention.min-time",
        Takes::Duration,
        "5m",
        "DURATION",
        "How long an agent keeps samples that were sent",
    )),
    of_agent(flag(
        "storage.agent.retention.max-time",
        Takes::Duration,
        "4h",
        "DURATION",
        "How long an agent keeps samples that cannot be sent",
    )),
    of_agent(flag(
        "storage.agent.wal-truncate-frequency",
        Takes::Duration,
        "0s",
        "DURATION",
        "How often an agent looks what its log need not keep; 0s for 2h",
    )),
    of_agent(flag(
        "storage.agent.wal-segment-size",
        Takes::Text,
        "0B",
        "SIZE",
        "Size of the files of an agent's log, 10MB to 256MB; 0B for 128MB",
    )),
    of_agent(switch_on(
        "storage.agent.wal-compression",
        "Compress an agent's log",
    )),
    of_agent(flag(
        "storage.agent.wal-compression-type",
        Takes::Text,
        "snappy",
        "NAME",
        "How an agent's log is compressed: snappy or zstd",
    )),
    of_agent(switch(
        "storage.agent.no-lockfile",
        "Do not lock an agent's folder",
    )),
    of_agent(switch(
        "storage.agent.checkpoint-from-in-memory-series",
        "Accepted without effect: checkpoints are made of the log",
    )),
    of_agent(flag(
        "storage.agent.checkpoint-batch-size",
        Takes::Number,
        "1000",
        "NUMBER",
        "Accepted without effect, as long as it is not 0",
    )),
    of_server(flag(
        "storage.remote.read-sample-limit",
        Takes::Number,
        "50000000",
        "NUMBER",
        "Samples of one query that remote read answers with; 0 for no limit; streamed answers have none",
    )),
    of_server(flag(
        "storage.remote.read-concurrent-limit",
        Takes::Number,
        "10",
        "NUMBER",
        "Remote read requests answered at once; 0 for no limit",
    )),
    of_server(flag(
        "storage.remote.read-max-bytes-in-frame",
        Takes::Number,
        "1048576",
        "NUMBER",
        "Bytes of a frame of a streamed remote read answer, but for its last chunk",
    )),
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
        "web.config.file",
        Takes::Text,
        "",
        "FILE",
        "TLS, users, headers and the rate of requests; looked at for each request, no restart needed",
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
    flag(
        "web.max-notifications-subscribers",
        Takes::Number,
        "16",
        "NUMBER",
        "Readers of /api/v1/notifications/live at once",
    ),
    flag(
        "web.cors.origin",
        Takes::Text,
        ".*",
        "REGEX",
        "Origins whose pages may read the answers of /api/v1, as in 'https?://(one|two)\\.example'",
    ),
    of_server(flag(
        "web.search.max-limit",
        Takes::Number,
        "10000",
        "NUMBER",
        "Results of one search (feature search-api); 0 for no limit",
    )),
    of_server(flag(
        "alertmanager.notification-queue-capacity",
        Takes::Number,
        "10000",
        "ALERTS",
        "Alerts that may wait for one Alertmanager outside of this process",
    )),
    of_server(flag(
        "alertmanager.notification-batch-size",
        Takes::Number,
        "256",
        "ALERTS",
        "Alerts sent to it at once",
    )),
    of_server(switch_on(
        "alertmanager.drain-notification-queue-on-shutdown",
        "Send what waits before stopping",
    )),
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
        "web.enable-otlp-receiver",
        "Take OpenTelemetry metrics at /api/v1/otlp/v1/metrics",
    ),
    switch(
        "web.enable-admin-api",
        "Allow deleting series, cleaning tombstones and snapshots by HTTP",
    ),
    of_server(flag(
        "rules.backfill",
        Takes::Duration,
        "0s",
        "DURATION",
        "How far back new recording rules are evaluated, in the background; 0s for not at all",
    )),
    of_server(flag(
        "rules.alert.for-outage-tolerance",
        Takes::Duration,
        "1h",
        "DURATION",
        "Longest outage over which the `for` state of alerts is restored",
    )),
    of_server(flag(
        "rules.alert.for-grace-period",
        Takes::Duration,
        "10m",
        "DURATION",
        "Shortest time between restoring an alert and firing it",
    )),
    of_server(flag(
        "rules.alert.resend-delay",
        Takes::Duration,
        "1m",
        "DURATION",
        "How often firing alerts are sent again",
    )),
    of_server(flag(
        "rules.max-concurrent-evals",
        Takes::Number,
        "4",
        "NUMBER",
        "Rule groups evaluated at once",
    )),
    of_server(flag(
        "query.lookback-delta",
        Takes::Duration,
        "5m",
        "DURATION",
        "How far a selector looks back for a sample",
    )),
    of_server(flag(
        "query.timeout",
        Takes::Duration,
        "2m",
        "DURATION",
        "Longest time of a query",
    )),
    of_server(flag(
        "query.max-concurrency",
        Takes::Number,
        "20",
        "NUMBER",
        "Queries evaluated at once",
    )),
    of_server(flag(
        "query.max-samples",
        Takes::Number,
        "50000000",
        "NUMBER",
        "Samples that one query may hold in memory",
    )),
    of_server(flag(
        "query.max-bytes",
        Takes::Number,
        "4294967296",
        "NUMBER",
        "Bytes that one query may hold in memory; 0 for no limit",
    )),
    of_server(flag(
        "query.max-series",
        Takes::Number,
        "0",
        "NUMBER",
        "Series that one query may select; 0 for no limit",
    )),
    flag(
        "data.retention",
        Takes::Duration,
        "120h",
        "DURATION",
        "How long expired silences and the notification log are kept",
    ),
    flag(
        "journal.retention.time",
        Takes::Duration,
        "30d",
        "DURATION",
        "How long the journal tells what became of alerts",
    ),
    flag(
        "journal.retention.size",
        Takes::Text,
        "1GB",
        "SIZE",
        "Bytes that the journal may have before its oldest part goes",
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
        "cluster.listen-address",
        Takes::Text,
        "",
        "HOST:PORT",
        "Address of this node in a mesh of Alertmanagers; without it and --cluster.peer it is in none",
    ),
    flag(
        "cluster.advertise-address",
        Takes::Text,
        "",
        "IP:PORT",
        "Where the other members reach this node; by default the address it listens on, or a private one",
    ),
    flag(
        "cluster.peer",
        Takes::Texts,
        "",
        "HOST:PORT",
        "Another member of the mesh, or a name that leads to several; may be repeated",
    ),
    flag(
        "cluster.peer-name",
        Takes::Text,
        "",
        "NAME",
        "Name of this node in the mesh; by default a new one at each start",
    ),
    flag(
        "cluster.peer-timeout",
        Takes::Duration,
        "15s",
        "DURATION",
        "Time that each member waits for the one before it to notify",
    ),
    flag(
        "cluster.peers-resolve-timeout",
        Takes::Duration,
        "15s",
        "DURATION",
        "Longest time to look up the names of peers",
    ),
    flag(
        "cluster.gossip-interval",
        Takes::Duration,
        "200ms",
        "DURATION",
        "Pause between packets with news for other members",
    ),
    flag(
        "cluster.pushpull-interval",
        Takes::Duration,
        "1m",
        "DURATION",
        "Pause between exchanges of whole states",
    ),
    flag(
        "cluster.tcp-timeout",
        Takes::Duration,
        "10s",
        "DURATION",
        "Longest time of a stream to another member",
    ),
    flag(
        "cluster.probe-timeout",
        Takes::Duration,
        "500ms",
        "DURATION",
        "Time for an answer before other members are asked whether one is there",
    ),
    flag(
        "cluster.probe-interval",
        Takes::Duration,
        "1s",
        "DURATION",
        "Pause between questions whether a member is there",
    ),
    flag(
        "cluster.settle-timeout",
        Takes::Duration,
        "1m",
        "DURATION",
        "Longest time that notifications wait at the start for the mesh to settle",
    ),
    flag(
        "cluster.reconnect-interval",
        Takes::Duration,
        "10s",
        "DURATION",
        "Pause between attempts to reach lost members",
    ),
    flag(
        "cluster.reconnect-timeout",
        Takes::Duration,
        "6h",
        "DURATION",
        "How long lost members are tried",
    ),
    flag(
        "cluster.tls-config",
        Takes::Text,
        "",
        "FILE",
        "Certificates of the mesh; with it everything between members is TLS over TCP",
    ),
    switch(
        "cluster.allow-insecure-public-advertise-address-discovery",
        "Let the other members be told a public address of this machine if it has no private one",
    ),
    flag(
        "cluster.label",
        Takes::Text,
        "",
        "LABEL",
        "Members of the mesh have the same label; packets with another one are refused",
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
