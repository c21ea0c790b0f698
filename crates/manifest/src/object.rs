//! An object of the cluster: its identity, its labels, and its tree with the source it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use diag::{Source, Span};
use yaml::Node;

use crate::tree::Tree;

pub(crate) const GROUP: &str = "monitoring.coreos.com";

/// The kinds this crate understands. Others are kept raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Prometheus,
    PrometheusAgent,
    Alertmanager,
    ServiceMonitor,
    PodMonitor,
    Probe,
    ScrapeConfig,
    PrometheusRule,
    AlertmanagerConfig,
    Namespace,
    Secret,
    ConfigMap,
    Service,
    Pod,
    EndpointSlice,
    Other,
}

const KINDS: [(Kind, &str, &[&str]); 15] = [
    (
        Kind::Prometheus,
        "Prometheus",
        &["monitoring.coreos.com/v1"],
    ),
    (
        Kind::PrometheusAgent,
        "PrometheusAgent",
        &["monitoring.coreos.com/v1alpha1"],
    ),
    (
        Kind::Alertmanager,
        "Alertmanager",
        &["monitoring.coreos.com/v1"],
    ),
    (
        Kind::ServiceMonitor,
        "ServiceMonitor",
        &["monitoring.coreos.com/v1"],
    ),
    (
        Kind::PodMonitor,
        "PodMonitor",
        &["monitoring.coreos.com/v1"],
    ),
    (Kind::Probe, "Probe", &["monitoring.coreos.com/v1"]),
    (
        Kind::ScrapeConfig,
        "ScrapeConfig",
        &["monitoring.coreos.com/v1alpha1"],
    ),
    (
        Kind::PrometheusRule,
        "PrometheusRule",
        &["monitoring.coreos.com/v1"],
    ),
    (
        Kind::AlertmanagerConfig,
        "AlertmanagerConfig",
        &[
            "monitoring.coreos.com/v1alpha1",
            "monitoring.coreos.com/v1beta1",
        ],
    ),
    (Kind::Namespace, "Namespace", &["v1"]),
    (Kind::Secret, "Secret", &["v1"]),
    (Kind::ConfigMap, "ConfigMap", &["v1"]),
    (Kind::Service, "Service", &["v1"]),
    (Kind::Pod, "Pod", &["v1"]),
    (
        Kind::EndpointSlice,
        "EndpointSlice",
        &["discovery.k8s.io/v1"],
    ),
];

impl Kind {
    /// The kind and whether its API version is one we read.
    pub(crate) fn find(api_version: &str, kind: &str) -> (Self, bool) {
        let group = |text: &str| {
            text.rsplit_once('/')
                .map_or("", |(group, _)| group)
                .to_owned()
        };
        for (known, name, versions) in KINDS {
            let is_same_group = versions
                .iter()
                .any(|version| group(version) == group(api_version));
            if name == kind && is_same_group {
                return (known, versions.contains(&api_version));
            }
        }
        (Self::Other, false)
    }

    /// The API versions that are read, for hints.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        KINDS
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or(&[], |(_, _, versions)| versions)
    }
}

/// `Kind namespace/name`: how decisions and diagnostics name an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    pub kind: String,
    /// Empty for objects that belong to no namespace.
    pub namespace: String,
    pub name: String,
}

impl ObjectRef {
    /// `namespace/name`, the key by which the operator sorts.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// One object, as read from a document.
#[derive(Clone, Debug)]
pub struct Object {
    pub kind: Kind,
    pub api_version: String,
    pub id: ObjectRef,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub source: Source,
    node: Arc<Node>,
}

impl Object {
    /// Reads identity and labels. `None` if the node has no `kind`. Objects without a namespace get
    /// `default_namespace`, except those that belong to none.
    pub fn from_node(source: &Source, node: Node, default_namespace: &str) -> Option<Self> {
        let root = Tree::of(&node);
        let kind_name = root.at("kind").filled()?;
        let api_version = root.at("apiVersion").str();
        let (kind, _) = Kind::find(api_version, kind_name);
        let meta = root.at("metadata");
        let is_cluster_wide = is_cluster_wide(kind_name);
        let namespace = match meta.at("namespace").filled() {
            Some(namespace) => namespace,
            None if is_cluster_wide => "",
            None => default_namespace,
        };
        let map = |key: &str| {
            let entries = meta.at(key).entries();
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.str().to_owned()))
                .collect()
        };
        Some(Self {
            kind,
            api_version: api_version.to_owned(),
            id: ObjectRef {
                kind: kind_name.to_owned(),
                namespace: namespace.to_owned(),
                name: meta.at("name").str().to_owned(),
            },
            uid: meta.at("uid").str().to_owned(),
            labels: map("labels"),
            annotations: map("annotations"),
            source: source.clone(),
            node: Arc::new(node),
        })
    }

    pub fn root(&self) -> Tree<'_> {
        Tree::of(&self.node)
    }

    pub fn spec(&self) -> Tree<'_> {
        self.root().at("spec")
    }

    /// Where the object's name stands, or else the object: the place to point at.
    pub fn place(&self) -> Span {
        let root = self.root();
        let name = root.path(&["metadata", "name"]).span();
        let head = root.at("kind").span().or(root.span());
        name.or(head).unwrap_or_default()
    }

    pub fn namespace(&self) -> &str {
        &self.id.namespace
    }

    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// Whether its kind is known in this API version.
    pub(crate) fn is_readable(&self) -> bool {
        Kind::find(&self.api_version, &self.id.kind).1
    }

    /// The API group, empty for core objects.
    pub fn group(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }
}

fn is_cluster_wide(kind: &str) -> bool {
    matches!(
        kind,
        "Namespace"
            | "Node"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "CustomResourceDefinition"
            | "PersistentVolume"
            | "StorageClass"
            | "PriorityClass"
    )
}
