//! `kubernetes_sd_configs`: pods, services, endpoint slices, as Prometheus labels them.
//!
//! The objects come over a watch channel. Today a folder of manifests fills it (where there is no
//! cluster, the folder is the cluster); an API server's watch will fill the same channel.

mod endpoint_slice;
mod labels;
mod objects;
mod pod;
mod selector;
mod service;

use std::sync::Arc;

use tokio::sync::watch;

use crate::group::TargetGroup;
use crate::provider::{Snapshot, publish};

pub use objects::{ObjectError, Objects};
pub use selector::{FieldSelector, LabelSelector, SelectorError};

/// What kind of object targets are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Pod,
    Service,
    EndpointSlice,
}

#[derive(Clone, Debug)]
pub struct KubernetesConfig {
    pub role: Role,
    /// Only objects of these namespaces; all if empty.
    pub namespaces: Vec<String>,
    pub selectors: Vec<Selector>,
    pub objects: watch::Receiver<Arc<Objects>>,
}

/// Restricts the objects of one role, as an API server would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub role: Role,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

pub(crate) async fn run(mut config: KubernetesConfig, publisher: watch::Sender<Snapshot>) {
    loop {
        let objects = Arc::clone(&config.objects.borrow_and_update());
        publish(&publisher, Ok(groups(&config, &objects)));
        if config.objects.changed().await.is_err() {
            // Nobody will ever change the objects again: what is known stays.
            publisher.closed().await;
            return;
        }
    }
}

/// The groups of the configured role, one per object, in the order of namespace and name.
pub fn groups(config: &KubernetesConfig, objects: &Objects) -> Vec<TargetGroup> {
    let is_wanted = |role: Role, meta: &objects::Meta, fields: &[(&str, &str)]| {
        let in_namespace =
            config.namespaces.is_empty() || config.namespaces.contains(&meta.namespace);
        let selectors = config
            .selectors
            .iter()
            .filter(|selector| selector.role == role);
        in_namespace
            && selectors
                .into_iter()
                .all(|selector| selector.matches(meta, fields))
    };
    match config.role {
        Role::Pod => objects
            .pods
            .iter()
            .filter(|pod| is_wanted(Role::Pod, &pod.metadata, &pod.fields()))
            .map(pod::group)
            .collect(),
        Role::Service => objects
            .services
            .iter()
            .filter(|service| is_wanted(Role::Service, &service.metadata, &[]))
            .map(service::group)
            .collect(),
        Role::EndpointSlice => objects
            .endpoint_slices
            .iter()
            .filter(|slice| is_wanted(Role::EndpointSlice, &slice.metadata, &[]))
            .map(|slice| endpoint_slice::group(slice, objects))
            .collect(),
    }
}

impl Selector {
    fn matches(&self, meta: &objects::Meta, fields: &[(&str, &str)]) -> bool {
        let field = |name: &str| match name {
            "metadata.name" => meta.name.as_str(),
            "metadata.namespace" => meta.namespace.as_str(),
            other => fields
                .iter()
                .find(|(field, _)| *field == other)
                .map_or("", |(_, value)| value),
        };
        self.labels.matches(&meta.labels) && self.fields.matches(field)
    }
}
