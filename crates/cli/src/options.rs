//! From flags to the server's options.

use anyhow::{Context, bail};
use clap::ArgMatches;
use config::ByteSize;
use config::alertmanager::matchers::MatcherMode;
use net::Overrides;
use server::{
    Access, AgentOptions, AlertmanagerOptions, ClusterOptions, CorsOrigin, Features, JournalLimits,
    LogCompression, MemoryBudgetOption, MeshOptions, MessageTypes, NotificationOptions, Options,
    PublicAddress, QueryOptions, RemoteReadOptions, RemoteWriteOptions, RetentionRules,
    RuleOptions, SearchLimits, StorageOptions, Switch, Tempo, UiFile,
};

use crate::flags::{Flag, Given, WITHOUT_EFFECT, shown};

const RETENTION_RULE: &str = "storage.tsdb.retention.rule";
/// The peer's, unless another is given.
const TRUNCATE_INTERVAL: model::Duration = model::Duration::from_secs(2 * 60 * 60);
const MEMORY_BUDGET: &str = "memory.budget";
const ACCEPTED_MESSAGES: &str = "web.remote-write-receiver.accepted-protobuf-messages";

/// The options that the flags of `serve` describe.
pub(crate) fn from_flags(
    matches: &ArgMatches,
    ui_files: &'static [UiFile],
) -> anyhow::Result<Options> {
    let given = Given(matches);
    tell_without_effect(&given, WITHOUT_EFFECT);
    let features = features(&given);
    let agent = is_agent(&given).then(|| agent(&given)).transpose()?;
    let log = match agent {
        Some(_) => "storage.agent",
        None => "storage.tsdb",
    };
    Ok(Options {
        config_file: given.text("config.file").map(Into::into),
        alertmanager_config_file: given.text("alertmanager.config.file").map(Into::into),
        manifests: given
            .texts("manifests")
            .into_iter()
            .map(Into::into)
            .collect(),
        default_namespace: given.text("namespace").unwrap_or("default").to_owned(),
        data_dir: match agent {
            Some(_) => given.text("storage.agent.path").unwrap_or("data-agent/"),
            None => given.text("storage.tsdb.path").unwrap_or("data/"),
        }
        .into(),
        agent,
        listen: given
            .texts("web.listen-address")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        web_config_file: given.text("web.config.file").map(Into::into),
        external_url: given.text("web.external-url").map(str::to_owned),
        route_prefix: given.text("web.route-prefix").map(str::to_owned),
        lifecycle: Switch::from(given.is_on("web.enable-lifecycle")),
        access: if given.is_on("web.read-only") {
            Access::ReadOnly
        } else {
            Access::Full
        },
        ui_files,
        admin_api: Switch::from(given.is_on("web.enable-admin-api")),
        remote_write: RemoteWriteOptions {
            receiver: Switch::from(given.is_on("web.enable-remote-write-receiver")),
            accepted: MessageTypes::parse(given.texts(ACCEPTED_MESSAGES))
                .with_context(|| format!("--{ACCEPTED_MESSAGES}"))?,
        },
        otlp_receiver: Switch::from(given.is_on("web.enable-otlp-receiver")),
        notifications: NotificationOptions {
            queue_max: given.number("alertmanager.notification-queue-capacity"),
            batch_max: given.number("alertmanager.notification-batch-size"),
            drains: given.is_on("alertmanager.drain-notification-queue-on-shutdown"),
        },
        remote_read: RemoteReadOptions {
            samples_max: given.number("storage.remote.read-sample-limit"),
            concurrent_max: given.number("storage.remote.read-concurrent-limit"),
            frame_bytes_max: given.number("storage.remote.read-max-bytes-in-frame"),
        },
        storage: StorageOptions {
            retention_time: given.duration("storage.tsdb.retention.time"),
            retention_bytes: bytes(&given, "storage.tsdb.retention.size")?,
            retention_rules: RetentionRules::parse(given.texts(RETENTION_RULE))
                .with_context(|| format!("--{RETENTION_RULE}"))?,
            block_range: given.duration("storage.tsdb.min-block-duration"),
            memory: MemoryBudgetOption::parse(given.text(MEMORY_BUDGET).unwrap_or("60%"))
                .with_context(|| format!("--{MEMORY_BUDGET}"))?,
            block_range_max: given.duration("storage.tsdb.max-block-duration"),
            log_compression: log_compression(&given, log)?,
            log_segment_bytes: log_segment_bytes(&given, log)?,
            uploads_file: given
                .text("storage.tsdb.delay-compact-file.path")
                .map(Into::into),
            is_locked: !given.is_on(&format!("{log}.no-lockfile")),
        },
        auto_reload: given
            .is_on("config.auto-reload")
            .then(|| given.duration("config.auto-reload-interval")),
        query: QueryOptions {
            lookback_delta: given.duration("query.lookback-delta"),
            timeout: given.duration("query.timeout"),
            concurrent_max: given.number("query.max-concurrency"),
            samples_max: given.number("query.max-samples"),
            bytes_max: Some(given.number("query.max-bytes")).filter(|max| *max > 0),
            series_max: Some(given.number("query.max-series")).filter(|max| *max > 0),
        },
        rules: RuleOptions {
            outage_tolerance: given.duration("rules.alert.for-outage-tolerance"),
            grace_period: given.duration("rules.alert.for-grace-period"),
            resend_delay: given.duration("rules.alert.resend-delay"),
            concurrent_max: given.number("rules.max-concurrent-evals"),
            backfill: given.duration("rules.backfill"),
        },
        alertmanager: AlertmanagerOptions {
            retention: given.duration("data.retention"),
            silences_max: given.number("silences.max-silences"),
            silence_bytes_max: given.number("silences.max-silence-size-bytes"),
            alerts_per_name_max: given.number("alerts.per-alertname-limit"),
            matchers: match given.text("alertmanager.matchers") {
                Some("classic") => MatcherMode::Classic,
                Some("utf8-strict") => MatcherMode::Utf8Strict,
                Some("fallback") | None => MatcherMode::Fallback,
                Some(other) => bail!(
                    "--alertmanager.matchers {other}: choose fallback, classic or utf8-strict"
                ),
            },
            journal: journal(&given)?,
            event_recorder: features.event_recorder,
            ..AlertmanagerOptions::default()
        },
        cluster: cluster(&given),
        features,
        search: SearchLimits {
            results_max: given.number("web.search.max-limit"),
        },
        cors_origin: CorsOrigin::parse(given.text("web.cors.origin").unwrap_or(".*"))
            .context("--web.cors.origin")?,
        notification_subscribers_max: given.number("web.max-notifications-subscribers"),
        connections_max: given.number("web.max-connections"),
        read_timeout: given.duration("web.read-timeout"),
        overrides: Overrides::parse(given.texts("resolve")).context("--resolve")?,
        tempo: Tempo::Real,
        flags: shown(&given),
    })
}

pub(crate) fn tell_without_effect(given: &Given<'_>, flags: &[Flag]) {
    for flag in flags {
        if given.is_given(flag.name) {
            tracing::warn!("--{}: {}", flag.name, flag.help);
        }
    }
}

/// The smallest and the largest segment that the peer takes.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = (10 << 20)..=(256 << 20);

/// `log`: what the names of the flags begin with.
fn log_compression(given: &Given<'_>, log: &str) -> anyhow::Result<LogCompression> {
    let name = format!("{log}.wal-compression-type");
    Ok(match given.text(&name).unwrap_or("snappy") {
        _ if !given.is_on(&format!("{log}.wal-compression")) => LogCompression::None,
        "snappy" => LogCompression::Snappy,
        "zstd" => LogCompression::Zstd,
        other => bail!("--{name}={other}: choose snappy or zstd"),
    })
}

fn log_segment_bytes(given: &Given<'_>, log: &str) -> anyhow::Result<u64> {
    let name = format!("{log}.wal-segment-size");
    match bytes(given, &name)? {
        size if size == 0 || SEGMENT_BYTES.contains(&size) => Ok(size),
        size => bail!("--{name}: {size} bytes; choose 10MB to 256MB"),
    }
}

/// Whether agent mode is asked for; also as older versions of Prometheus are.
pub(crate) fn is_agent(given: &Given<'_>) -> bool {
    given.is_on("agent")
        || Features::parse(given.texts("enable-feature"))
            .0
            .agent
            .is_on()
}

fn agent(given: &Given<'_>) -> anyhow::Result<AgentOptions> {
    if given.number("storage.agent.checkpoint-batch-size") == 0 {
        bail!("--storage.agent.checkpoint-batch-size must be greater than 0.");
    }
    Ok(AgentOptions {
        retention_min: given.duration("storage.agent.retention.min-time"),
        retention_max: given.duration("storage.agent.retention.max-time"),
        truncate_interval: match given.duration("storage.agent.wal-truncate-frequency") {
            model::Duration::ZERO => TRUNCATE_INTERVAL,
            given => given,
        },
    }
    .corrected())
}

/// Without an address and without peers this node is no member of a mesh.
pub(crate) fn cluster(given: &Given<'_>) -> Option<ClusterOptions> {
    let text = |name: &str| given.text(name).map(str::to_owned);
    let listen = text("cluster.listen-address");
    let peers: Vec<String> = given
        .texts("cluster.peer")
        .into_iter()
        .filter(|peer| !peer.is_empty())
        .map(str::to_owned)
        .collect();
    if listen.is_none() && peers.is_empty() {
        return None;
    }
    let duration = |name: &str| given.duration(name).to_std();
    let discovery = given.is_on("cluster.allow-insecure-public-advertise-address-discovery");
    Some(ClusterOptions {
        mesh: MeshOptions {
            listen: listen.unwrap_or_else(|| "0.0.0.0:9094".to_owned()),
            advertise: text("cluster.advertise-address"),
            public_address: if discovery {
                PublicAddress::Allowed
            } else {
                PublicAddress::Refused
            },
            peers,
            name: text("cluster.peer-name").unwrap_or_default(),
            label: text("cluster.label").unwrap_or_default(),
            gossip_interval: duration("cluster.gossip-interval"),
            push_pull_interval: duration("cluster.pushpull-interval"),
            probe_interval: duration("cluster.probe-interval"),
            probe_timeout: duration("cluster.probe-timeout"),
            tcp_timeout: duration("cluster.tcp-timeout"),
            resolve_timeout: duration("cluster.peers-resolve-timeout"),
            settle_timeout: duration("cluster.settle-timeout"),
            reconnect_interval: duration("cluster.reconnect-interval"),
            reconnect_timeout: duration("cluster.reconnect-timeout"),
            tls: None,
            overrides: Overrides::default(),
            seed: 0,
        },
        tls_config: given.text("cluster.tls-config").map(Into::into),
        peer_timeout: given.duration("cluster.peer-timeout"),
    })
}

fn features(given: &Given<'_>) -> Features {
    let (features, notices) = Features::parse(given.texts("enable-feature"));
    for notice in notices {
        tracing::warn!("{notice}");
    }
    features
}

/// A number of bytes with a unit, as `512MB`; 0 if the flag is not given.
pub(crate) fn journal(given: &Given<'_>) -> anyhow::Result<JournalLimits> {
    /// Less would hold hardly anything.
    const BYTES_MIN: u64 = 1_000_000;
    let limits = JournalLimits {
        age: given.duration("journal.retention.time"),
        bytes: bytes(given, "journal.retention.size")?,
    };
    if limits.age <= model::Duration::ZERO {
        bail!("--journal.retention.time: give the journal some time, such as 30d");
    }
    if limits.bytes < BYTES_MIN {
        bail!("--journal.retention.size: give the journal 1MB at least");
    }
    Ok(limits)
}

fn bytes(given: &Given<'_>, name: &str) -> anyhow::Result<u64> {
    let Some(text) = given.text(name) else {
        return Ok(0);
    };
    let problem =
        |why: String| anyhow::anyhow!("--{name} {text}: {why}; write it as 512MB or 1.5TB");
    let size = ByteSize::parse(text).map_err(|error| problem(error.to_string()))?;
    u64::try_from(size.0).map_err(|_| problem("it is negative".to_owned()))
}
