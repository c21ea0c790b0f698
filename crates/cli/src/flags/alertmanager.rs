//! The flags of the role `alertmanager`: its own, and those that it has in common with `serve`.

use super::table::{flag, switch};
use super::{Flag, SERVE, Takes};

/// With the peer's names and defaults.
const OWN: &[Flag] = &[
    flag(
        "config.file",
        Takes::Text,
        "alertmanager.yml",
        "FILE",
        "Alertmanager configuration file",
    ),
    flag(
        "storage.path",
        Takes::Text,
        "data/",
        "FOLDER",
        "Where silences and the notification log are kept",
    ),
    flag(
        "data.maintenance-interval",
        Takes::Duration,
        "15m",
        "DURATION",
        "Pause between dropping expired silences and log entries; changes are written when they happen",
    ),
    flag(
        "alerts.gc-interval",
        Takes::Duration,
        "30m",
        "DURATION",
        "Pause between forgetting ended alerts",
    ),
    flag(
        "dispatch.start-delay",
        Takes::Duration,
        "0s",
        "DURATION",
        "Time after the start before anybody is notified",
    ),
    flag(
        "web.listen-address",
        Takes::Texts,
        ":9093",
        "HOST:PORT",
        "Address to listen on; may be repeated; port 0 takes any free one",
    ),
    flag(
        "web.get-concurrency",
        Takes::Number,
        "0",
        "NUMBER",
        "GET requests that are answered at once; 0 for as many as there are cores, and 8 at least",
    ),
    flag(
        "web.timeout",
        Takes::Duration,
        "0s",
        "DURATION",
        "Longest time to answer a request; 0 for no limit",
    ),
    switch(
        "web.systemd-socket",
        "Listen on the sockets that systemd passes, instead of addresses",
    ),
    flag(
        "cluster.listen-address",
        Takes::Text,
        "0.0.0.0:9094",
        "HOST:PORT",
        "Address of this node in a mesh of Alertmanagers; empty for none",
    ),
    flag(
        "enable-feature",
        Takes::Text,
        "",
        "NAME,NAME",
        "What is experimental, by Alertmanager's names; classic-mode and utf8-strict-mode change how matchers are read",
    ),
];

/// Those of `serve` that mean the same here.
const COMMON: &[&str] = &[
    "web.external-url",
    "web.route-prefix",
    "web.config.file",
    "web.read-timeout",
    "web.max-connections",
    "resolve",
    "data.retention",
    "journal.retention.time",
    "journal.retention.size",
    "silences.max-silences",
    "silences.max-silence-size-bytes",
    "alerts.per-alertname-limit",
    "cluster.advertise-address",
    "cluster.peer",
    "cluster.peer-name",
    "cluster.peer-timeout",
    "cluster.peers-resolve-timeout",
    "cluster.gossip-interval",
    "cluster.pushpull-interval",
    "cluster.tcp-timeout",
    "cluster.probe-timeout",
    "cluster.probe-interval",
    "cluster.settle-timeout",
    "cluster.reconnect-interval",
    "cluster.reconnect-timeout",
    "cluster.tls-config",
    "cluster.allow-insecure-public-advertise-address-discovery",
    "cluster.label",
    "log.level",
    "log.format",
];

/// Another value than the default is told at the start.
pub(crate) const ALERTMANAGER_WITHOUT_EFFECT: &[Flag] = &[
    flag(
        "auto-gomemlimit.ratio",
        Takes::Text,
        "0.9",
        "VALUE",
        "Without effect: there is no Go runtime here",
    ),
    flag(
        "dispatch.maintenance-interval",
        Takes::Duration,
        "30s",
        "VALUE",
        "Without effect: empty groups are dropped at once",
    ),
    switch(
        "log.silences",
        "Without effect: --log.level=debug logs which silences hold alerts back",
    ),
];

/// In the order of the help text.
pub(crate) fn alertmanager() -> impl Iterator<Item = &'static Flag> {
    let common = SERVE.iter().filter(|flag| COMMON.contains(&flag.name));
    OWN.iter().chain(common).chain(ALERTMANAGER_WITHOUT_EFFECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_is_there_once() {
        let names: Vec<&str> = alertmanager().map(|flag| flag.name).collect();
        for name in COMMON {
            let count = names.iter().filter(|known| *known == name).count();
            assert_eq!(count, 1, "{name}");
        }
        assert_eq!(
            names.len(),
            OWN.len() + COMMON.len() + ALERTMANAGER_WITHOUT_EFFECT.len()
        );
    }
}
