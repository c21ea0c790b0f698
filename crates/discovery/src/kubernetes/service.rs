//! Role `service`: one target per service port, by the service's cluster name.

use model::labels::LabelsBuilder;

use super::labels::add_object_labels;
use super::objects::Service;
use crate::group::TargetGroup;

pub(super) fn group(service: &Service) -> TargetGroup {
    let (namespace, name) = service.metadata.key();
    let mut labels = LabelsBuilder::new();
    labels.set("__meta_kubernetes_namespace", namespace);
    add_object_labels(&mut labels, "service", &service.metadata);
    let kind = if service.spec.kind.is_empty() {
        "ClusterIP"
    } else {
        &service.spec.kind
    };
    let targets = service.spec.ports.iter().map(|port| {
        let mut labels = LabelsBuilder::new();
        labels.set(
            "__address__",
            format!("{name}.{namespace}.svc:{}", port.port),
        );
        labels.set("__meta_kubernetes_service_name", name);
        labels.set("__meta_kubernetes_service_type", kind);
        labels.set("__meta_kubernetes_service_port_name", &port.name);
        labels.set(
            "__meta_kubernetes_service_port_number",
            port.port.to_string(),
        );
        labels.set("__meta_kubernetes_service_port_protocol", &port.protocol);
        if kind == "ExternalName" {
            labels.set(
                "__meta_kubernetes_service_external_name",
                &service.spec.external_name,
            );
        } else {
            labels.set(
                "__meta_kubernetes_service_cluster_ip",
                &service.spec.cluster_ip,
            );
        }
        if kind == "LoadBalancer" {
            labels.set(
                "__meta_kubernetes_service_loadbalancer_ip",
                &service.spec.load_balancer_ip,
            );
        }
        labels.build()
    });
    TargetGroup {
        source: format!("svc/{namespace}/{name}"),
        targets: targets.collect(),
        labels: labels.build(),
    }
}
