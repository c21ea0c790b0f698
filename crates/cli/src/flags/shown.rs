//! Flags with their values, for `/api/v1/status/flags`.

use std::collections::BTreeMap;

use server::ShownFlags;

use super::{Flag, Given, SERVE, WITHOUT_EFFECT};

/// Flags of `serve` that are none of Prometheus' (any more); a trailing dot stands for all names that begin so.
const OURS: &[&str] = &[
    "alertmanager.config.file",
    "alertmanager.matchers",
    "alerts.",
    "cluster.",
    "data.retention",
    "journal.",
    "manifests",
    "memory.budget",
    "namespace",
    "query.max-bytes",
    "query.max-series",
    "resolve",
    "rules.backfill",
    "silences.",
    "storage.tsdb.allow-overlapping-blocks",
    "storage.tsdb.retention.rule",
    "web.read-only",
];

/// All flags; those that follow from others as they came out, as the peer shows them.
pub(crate) fn shown(given: &Given<'_>) -> ShownFlags {
    let all = [SERVE, WITHOUT_EFFECT].concat();
    let mut values = given.values(all.iter());
    if given.text("web.route-prefix").is_none() {
        let url = given.text("web.external-url").unwrap_or_default();
        let prefix = match server::pieces::route_prefix(None, url) {
            none if none.is_empty() => "/".to_owned(),
            prefix => prefix,
        };
        values.insert("web.route-prefix".to_owned(), prefix);
    }
    let is_left_out = |flag: &&Flag| is_ours(flag.name) && !given.is_given(flag.name);
    let move_out = |flag: &Flag| values.remove_entry(flag.name);
    let left_out: BTreeMap<_, _> = all
        .iter()
        .filter(is_left_out)
        .filter_map(move_out)
        .collect();
    ShownFlags {
        usual: values,
        own_defaults: left_out,
    }
}

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|ours| match ours.strip_suffix('.') {
        Some(_) => name.starts_with(ours),
        None => name == *ours,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_names_a_flag() {
        for ours in OURS {
            let is_there =
                [SERVE, WITHOUT_EFFECT]
                    .concat()
                    .iter()
                    .any(|flag| match ours.strip_suffix('.') {
                        Some(_) => flag.name.starts_with(ours),
                        None => flag.name == *ours,
                    });
            assert!(is_there, "no flag {ours}");
        }
    }
}
