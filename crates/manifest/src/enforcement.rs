//! The namespace label that a Prometheus forces upon what it selects.

use crate::object::{GROUP, Object};
use crate::tree::Tree;

/// The label and the objects that are spared.
#[derive(Clone, Debug, Default)]
pub struct Enforcement {
    /// Empty: nothing is enforced.
    label: String,
    excluded: Vec<Exclusion>,
}

#[derive(Clone, Debug)]
struct Exclusion {
    group: String,
    kind: &'static str,
    namespace: String,
    /// Empty: all of the namespace.
    name: String,
}

impl Enforcement {
    /// `exclusions` is the list in `spec.excludedFromEnforcement`.
    pub fn new(label: &str, exclusions: Tree<'_>) -> Self {
        let excluded = exclusions.items().filter_map(|tree| {
            let kind = match tree.at("resource").str() {
                "prometheusrules" => "PrometheusRule",
                "servicemonitors" => "ServiceMonitor",
                "podmonitors" => "PodMonitor",
                "probes" => "Probe",
                "scrapeconfigs" => "ScrapeConfig",
                _ => return None,
            };
            let namespace = tree.at("namespace").filled()?.to_owned();
            let group = tree.at("group").filled().unwrap_or(GROUP).to_owned();
            Some(Exclusion {
                group,
                kind,
                namespace,
                name: tree.at("name").str().to_owned(),
            })
        });
        Self {
            label: label.to_owned(),
            excluded: excluded.collect(),
        }
    }

    pub(crate) fn of_workload(spec: Tree<'_>) -> Self {
        Self::new(
            spec.at("enforcedNamespaceLabel").str(),
            spec.at("excludedFromEnforcement"),
        )
    }

    /// The label to enforce on the object, `None` if it is spared.
    pub fn label_for(&self, object: &Object) -> Option<&str> {
        if self.label.is_empty() {
            return None;
        }
        let is_spared = self.excluded.iter().any(|exclusion| {
            exclusion.group == object.group()
                && exclusion.kind == object.id.kind
                && exclusion.namespace == object.namespace()
                && (exclusion.name.is_empty() || exclusion.name == object.name())
        });
        (!is_spared).then_some(self.label.as_str())
    }
}
