//! Rules that split targets between shards, and between zones.

use yaml::{Mapping, Value};

use super::{Generator, relabel};
use crate::tree::Tree;

const HASH: &str = "__tmp_hash";
const DISABLED: &str = "__tmp_disable_sharding";
const TOPOLOGY: &str = "__tmp_topology";

/// What a target's shard is computed from.
#[derive(Clone, Copy)]
pub(super) enum ShardBy {
    Address,
    ProbeTarget,
}

impl Generator<'_> {
    pub(super) fn add_sharding(&self, rules: &mut Vec<Mapping>, by: ShardBy) {
        let shards = self.shards();
        if self.features.shard_retention {
            let mut current = relabel::set("__tmp_current_shard", "$(SHARD)");
            current.put("action", "replace");
            rules.push(current);
            // Shards that were scaled away keep serving queries but scrape nothing.
            let active: Vec<String> = (0..shards).map(|shard| shard.to_string()).collect();
            rules.push(relabel::keep(&["__tmp_current_shard"], active.join("|")));
        }
        let zones = self.zones();
        let mut modulus = shards;
        let mut variable = "SHARD";
        if let Some(zones) = zones {
            modulus = (shards / i64::try_from(zones.max(1)).unwrap_or(1)).max(1);
            variable = "INZONE_SHARD";
            self.add_zone_rules(rules);
        }
        let label = match by {
            ShardBy::Address => "__address__",
            ShardBy::ProbeTarget => "__param_target",
        };
        rules.push(replace(&[label, HASH], HASH, "(.+);"));
        let mut hash = relabel::copy(HASH, HASH);
        hash.put("modulus", modulus);
        hash.put("action", "hashmod");
        rules.push(hash);
        rules.push(relabel::keep(
            &[HASH, DISABLED],
            format!("$({variable});|.+;.+"),
        ));
    }

    /// As [`Self::add_sharding`], unless the rules do their own sharding.
    pub(super) fn add_sharding_if_missing(&self, rules: &mut Vec<Mapping>) {
        let is_hash =
            |rule: &Mapping| rule.get("action").and_then(Value::as_str) == Some("hashmod");
        if !rules.iter().any(is_hash) {
            self.add_sharding(rules, ShardBy::Address);
        }
    }

    /// The number of zones, if targets are split by zone.
    pub(super) fn zones(&self) -> Option<usize> {
        let strategy = self.spec.at("shardingStrategy");
        let zones = strategy.path(&["topology", "values"]).items().len();
        let is_active =
            self.features.topology_sharding && strategy.at("mode").str() == "Topology" && zones > 0;
        is_active.then_some(zones)
    }

    fn add_zone_rules(&self, rules: &mut Vec<Mapping>) {
        let slice_zone = "__meta_kubernetes_endpointslice_endpoint_zone";
        rules.push(replace(&[slice_zone, TOPOLOGY], TOPOLOGY, "(.+);"));
        let owner = if self.features.pod_topology_labels {
            "pod"
        } else {
            "node"
        };
        let zone = format!("__meta_kubernetes_{owner}_label_topology_kubernetes_io_zone");
        let present = format!("__meta_kubernetes_{owner}_labelpresent_topology_kubernetes_io_zone");
        rules.push(replace(
            &[&zone, &present, TOPOLOGY],
            TOPOLOGY,
            "(.+);true;",
        ));
        rules.push(relabel::keep(
            &[TOPOLOGY, DISABLED],
            "$(TOPOLOGY_ZONE);|.+;.+",
        ));
    }

    /// Whether node metadata must be attached: by wish of the object or its class, or because zones are
    /// read from nodes.
    pub(super) fn attach_node(&self, object_spec: Tree<'_>, class: Tree<'_>) -> Option<bool> {
        let own = object_spec.at("attachMetadata");
        let wished = if own.is_set() {
            own
        } else {
            class.at("attachMetadata")
        };
        let wished = wished
            .is_set()
            .then(|| wished.at("node").flag().unwrap_or(false));
        let needs_zone = self.zones().is_some() && !self.features.pod_topology_labels;
        if needs_zone { Some(true) } else { wished }
    }
}

fn replace(sources: &[&str], target: &str, regex: &str) -> Mapping {
    let mut out = Mapping::new();
    out.put("source_labels", sources.to_vec());
    out.put("target_label", target);
    out.put("regex", regex);
    out.put("replacement", "$1");
    out.put("action", "replace");
    out
}
