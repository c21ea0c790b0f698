//! From flags to the server's options.

use anyhow::Context;
use clap::ArgMatches;
use net::Overrides;
use server::{MessageTypes, Options, QueryOptions, RemoteWriteOptions, RuleOptions, Switch, Tempo};

use crate::flags::{Given, SERVE};

const ACCEPTED_MESSAGES: &str = "web.remote-write-receiver.accepted-protobuf-messages";

/// The options that the flags of `serve` describe.
pub(crate) fn from_flags(matches: &ArgMatches) -> anyhow::Result<Options> {
    let given = Given(matches);
    Ok(Options {
        config_file: given.text("config.file").map(Into::into),
        alertmanager_config_file: given.text("alertmanager.config.file").map(Into::into),
        manifests: given
            .texts("manifests")
            .into_iter()
            .map(Into::into)
            .collect(),
        default_namespace: given.text("namespace").unwrap_or("default").to_owned(),
        data_dir: given.text("storage.tsdb.path").unwrap_or("data/").into(),
        listen: given
            .texts("web.listen-address")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        external_url: given.text("web.external-url").map(str::to_owned),
        route_prefix: given.text("web.route-prefix").map(str::to_owned),
        lifecycle: Switch::from(given.is_on("web.enable-lifecycle")),
        admin_api: Switch::from(given.is_on("web.enable-admin-api")),
        remote_write: RemoteWriteOptions {
            receiver: Switch::from(given.is_on("web.enable-remote-write-receiver")),
            accepted: MessageTypes::parse(given.texts(ACCEPTED_MESSAGES))
                .with_context(|| format!("--{ACCEPTED_MESSAGES}"))?,
        },
        retention: given.duration("storage.tsdb.retention.time"),
        query: QueryOptions {
            lookback_delta: given.duration("query.lookback-delta"),
            timeout: given.duration("query.timeout"),
            concurrent_max: given.number("query.max-concurrency"),
            samples_max: given.number("query.max-samples"),
        },
        rules: RuleOptions {
            outage_tolerance: given.duration("rules.alert.for-outage-tolerance"),
            grace_period: given.duration("rules.alert.for-grace-period"),
            resend_delay: given.duration("rules.alert.resend-delay"),
            concurrent_max: given.number("rules.max-concurrent-evals"),
        },
        alertmanager_retention: given.duration("data.retention"),
        connections_max: given.number("web.max-connections"),
        read_timeout: given.duration("web.read-timeout"),
        overrides: Overrides::parse(given.texts("resolve")).context("--resolve")?,
        tempo: Tempo::Real,
        flags: given.values(SERVE),
    })
}
