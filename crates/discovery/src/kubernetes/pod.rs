//! Role `pod`: one target per declared container port.

use model::Labels;
use model::labels::LabelsBuilder;

use super::labels::{add_object_labels, host_port};
use super::objects::{Container, ContainerPort, Pod};
use crate::group::TargetGroup;

pub(super) fn group(pod: &Pod) -> TargetGroup {
    let source = format!("pod/{}/{}", pod.metadata.namespace, pod.metadata.name);
    // A pod without an address cannot be reached; it gets targets when it has one.
    if pod.status.pod_ip.is_empty() {
        return TargetGroup {
            source,
            labels: Labels::empty(),
            targets: Vec::new(),
        };
    }
    let mut labels = LabelsBuilder::new();
    labels.set("__meta_kubernetes_namespace", &pod.metadata.namespace);
    add_pod_labels(&mut labels, pod);
    let regular = pod
        .spec
        .containers
        .iter()
        .map(|container| (container, false));
    let init = pod
        .spec
        .init_containers
        .iter()
        .map(|container| (container, true));
    let targets = regular
        .chain(init)
        .flat_map(|(container, is_init)| container_targets(pod, container, is_init))
        .collect();
    TargetGroup {
        source,
        labels: labels.build(),
        targets,
    }
}

/// The pod's own meta labels; endpoints that point to a pod carry them too.
pub(super) fn add_pod_labels(labels: &mut LabelsBuilder, pod: &Pod) {
    let ready = pod
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == "Ready");
    let ready = ready.map_or_else(
        || "unknown".to_owned(),
        |condition| condition.status.to_lowercase(),
    );
    let controller = pod
        .metadata
        .owner_references
        .iter()
        .find(|owner| owner.controller);
    for (name, value) in [
        ("name", pod.metadata.name.as_str()),
        ("ip", &pod.status.pod_ip),
        ("ready", &ready),
        ("phase", &pod.status.phase),
        ("node_name", &pod.spec.node_name),
        ("host_ip", &pod.status.host_ip),
        ("uid", &pod.metadata.uid),
        (
            "controller_kind",
            controller.map_or("", |owner| &owner.kind),
        ),
        (
            "controller_name",
            controller.map_or("", |owner| &owner.name),
        ),
    ] {
        labels.set(format!("__meta_kubernetes_pod_{name}"), value);
    }
    add_object_labels(labels, "pod", &pod.metadata);
}

fn container_targets(pod: &Pod, container: &Container, is_init: bool) -> Vec<Labels> {
    let mut base = LabelsBuilder::new();
    add_container_labels(&mut base, container);
    base.set(
        "__meta_kubernetes_pod_container_init",
        if is_init { "true" } else { "false" },
    );
    let statuses = if is_init {
        &pod.status.init_container_statuses
    } else {
        &pod.status.container_statuses
    };
    if let Some(status) = statuses.iter().find(|status| status.name == container.name) {
        base.set("__meta_kubernetes_pod_container_id", &status.container_id);
    }
    if container.ports.is_empty() {
        // Without a declared port the address alone is the target; users add the port by relabelling.
        base.set("__address__", &pod.status.pod_ip);
        return vec![base.build()];
    }
    let with_port = |port: &ContainerPort| {
        let mut labels = base.clone();
        labels.set(
            "__address__",
            host_port(&pod.status.pod_ip, port.container_port),
        );
        add_port_labels(&mut labels, port);
        labels.build()
    };
    container.ports.iter().map(with_port).collect()
}

pub(super) fn add_container_labels(labels: &mut LabelsBuilder, container: &Container) {
    labels.set("__meta_kubernetes_pod_container_name", &container.name);
    labels.set("__meta_kubernetes_pod_container_image", &container.image);
}

pub(super) fn add_port_labels(labels: &mut LabelsBuilder, port: &ContainerPort) {
    labels.set("__meta_kubernetes_pod_container_port_name", &port.name);
    labels.set(
        "__meta_kubernetes_pod_container_port_number",
        port.container_port.to_string(),
    );
    labels.set(
        "__meta_kubernetes_pod_container_port_protocol",
        &port.protocol,
    );
}
