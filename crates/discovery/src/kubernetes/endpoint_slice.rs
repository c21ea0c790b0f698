//! Role `endpointslice`: one target per endpoint address and port, and one per other declared port of
//! the pods behind them.

use model::Labels;
use model::labels::LabelsBuilder;

use super::labels::{add_object_labels, host_port};
use super::objects::{Endpoint, EndpointPort, EndpointSlice, Objects, Pod};
use super::pod::{add_container_labels, add_pod_labels, add_port_labels};
use crate::group::TargetGroup;

/// The label by which a slice names its service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

pub(super) fn group(slice: &EndpointSlice, objects: &Objects) -> TargetGroup {
    let (namespace, name) = slice.metadata.key();
    let mut labels = LabelsBuilder::new();
    labels.set("__meta_kubernetes_namespace", namespace);
    labels.set("__meta_kubernetes_endpointslice_name", name);
    labels.set(
        "__meta_kubernetes_endpointslice_address_type",
        &slice.address_type,
    );
    add_object_labels(&mut labels, "endpointslice", &slice.metadata);
    let service_name = slice.metadata.labels.get(SERVICE_NAME_LABEL);
    if let Some(service) = service_name.and_then(|service| objects.service(namespace, service)) {
        labels.set("__meta_kubernetes_service_name", &service.metadata.name);
        add_object_labels(&mut labels, "service", &service.metadata);
    }
    let mut targets = Vec::new();
    for endpoint in &slice.endpoints {
        let pod = endpoint
            .target_ref
            .as_ref()
            .filter(|target| target.kind == "Pod")
            .and_then(|target| objects.pod(&target.namespace, &target.name));
        for address in &endpoint.addresses {
            for port in &slice.ports {
                targets.push(target(endpoint, address, port, pod));
            }
        }
        if let Some(pod) = pod.filter(|pod| !pod.status.pod_ip.is_empty()) {
            targets.extend(undeclared_targets(slice, pod));
        }
    }
    TargetGroup {
        source: format!("endpointslice/{namespace}/{name}"),
        labels: labels.build(),
        targets,
    }
}

fn target(endpoint: &Endpoint, address: &str, port: &EndpointPort, pod: Option<&Pod>) -> Labels {
    let mut labels = LabelsBuilder::new();
    labels.set(
        "__address__",
        port.port
            .map_or_else(|| address.to_owned(), |number| host_port(address, number)),
    );
    let mut set = |name: &str, value: Option<&str>| {
        labels.set(
            format!("__meta_kubernetes_endpointslice_{name}"),
            value.unwrap_or(""),
        );
    };
    let number = port.port.map(|number| number.to_string());
    set("port", number.as_deref());
    set("port_name", port.name.as_deref());
    set("port_protocol", port.protocol.as_deref());
    set("port_app_protocol", port.app_protocol.as_deref());
    let truth = |value: Option<bool>| value.map(|value| if value { "true" } else { "false" });
    set(
        "endpoint_conditions_ready",
        truth(endpoint.conditions.ready),
    );
    set(
        "endpoint_conditions_serving",
        truth(endpoint.conditions.serving),
    );
    set(
        "endpoint_conditions_terminating",
        truth(endpoint.conditions.terminating),
    );
    set("endpoint_hostname", endpoint.hostname.as_deref());
    set("endpoint_node_name", endpoint.node_name.as_deref());
    set("endpoint_zone", endpoint.zone.as_deref());
    if let Some(target) = &endpoint.target_ref {
        set("address_target_kind", Some(&target.kind));
        set("address_target_name", Some(&target.name));
    }
    if let Some(pod) = pod {
        add_pod_labels(&mut labels, pod);
        let declared = |container: &super::objects::Container| {
            container
                .ports
                .iter()
                .find(|declared| Some(declared.container_port) == port.port)
                .cloned()
        };
        let declared = pod
            .spec
            .containers
            .iter()
            .find_map(|container| Some((container, declared(container)?)));
        if let Some((container, declared)) = declared {
            add_container_labels(&mut labels, container);
            add_port_labels(&mut labels, &declared);
        }
    }
    labels.build()
}

/// Ports that the pod declares and the slice does not: Prometheus makes targets of them too.
fn undeclared_targets<'a>(
    slice: &'a EndpointSlice,
    pod: &'a Pod,
) -> impl Iterator<Item = Labels> + 'a {
    let in_slice = |number: u16| slice.ports.iter().any(|port| port.port == Some(number));
    pod.spec.containers.iter().flat_map(move |container| {
        container
            .ports
            .iter()
            .filter(move |port| !in_slice(port.container_port))
            .map(move |port| {
                let mut labels = LabelsBuilder::new();
                labels.set(
                    "__address__",
                    host_port(&pod.status.pod_ip, port.container_port),
                );
                add_pod_labels(&mut labels, pod);
                add_container_labels(&mut labels, container);
                add_port_labels(&mut labels, port);
                labels.build()
            })
    })
}
