//! The parts of Kubernetes objects that discovery reads.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// All objects that discovery may look at, each list in the order of namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub(crate) pods: Vec<Pod>,
    pub(crate) services: Vec<Service>,
    pub(crate) endpoint_slices: Vec<EndpointSlice>,
}

/// An object that does not have the form of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {namespace}/{name}: {problem}")]
pub struct ObjectError {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub problem: String,
}

impl Objects {
    /// Takes the Pods, Services and EndpointSlices among `objects`; other kinds are left alone.
    /// `default_namespace` is for objects that name none. Objects of a wrong form are reported and left out.
    pub fn from_json(objects: &[Value], default_namespace: &str) -> (Self, Vec<ObjectError>) {
        let mut found = Self::default();
        let mut errors = Vec::new();
        for object in objects {
            let kind = object["kind"].as_str().unwrap_or_default();
            let taken = match kind {
                "Pod" => take(object, default_namespace, &mut found.pods),
                "Service" => take(object, default_namespace, &mut found.services),
                "EndpointSlice" => take(object, default_namespace, &mut found.endpoint_slices),
                _ => Ok(()),
            };
            if let Err(problem) = taken {
                let meta = |key: &str| {
                    object["metadata"][key]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                errors.push(ObjectError {
                    kind: kind.to_owned(),
                    namespace: meta("namespace"),
                    name: meta("name"),
                    problem,
                });
            }
        }
        found
            .pods
            .sort_by(|a, b| a.metadata.key().cmp(&b.metadata.key()));
        found
            .services
            .sort_by(|a, b| a.metadata.key().cmp(&b.metadata.key()));
        found
            .endpoint_slices
            .sort_by(|a, b| a.metadata.key().cmp(&b.metadata.key()));
        (found, errors)
    }

    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<&Pod> {
        let at = self
            .pods
            .binary_search_by(|pod| pod.metadata.key().cmp(&(namespace, name)))
            .ok()?;
        self.pods.get(at)
    }

    pub(crate) fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        let at = self
            .services
            .binary_search_by(|service| service.metadata.key().cmp(&(namespace, name)))
            .ok()?;
        self.services.get(at)
    }
}

trait Named {
    fn metadata_mut(&mut self) -> &mut Meta;
}

fn take<T: for<'de> Deserialize<'de> + Named>(
    object: &Value,
    default_namespace: &str,
    into: &mut Vec<T>,
) -> Result<(), String> {
    let mut taken = T::deserialize(object).map_err(|error| error.to_string())?;
    let meta = taken.metadata_mut();
    if meta.namespace.is_empty() {
        default_namespace.clone_into(&mut meta.namespace);
    }
    into.push(taken);
    Ok(())
}

macro_rules! named {
    ($($kind:ty),*) => {$(
        impl Named for $kind {
            fn metadata_mut(&mut self) -> &mut Meta {
                &mut self.metadata
            }
        }
    )*};
}
named!(Pod, Service, EndpointSlice);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) owner_references: Vec<OwnerReference>,
}

impl Meta {
    pub(crate) fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerReference {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) controller: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pod {
    pub(crate) metadata: Meta,
    pub(crate) spec: PodSpec,
    pub(crate) status: PodStatus,
}

impl Pod {
    pub(crate) fn fields(&self) -> [(&str, &str); 3] {
        [
            ("spec.nodeName", &self.spec.node_name),
            ("status.phase", &self.status.phase),
            ("status.podIP", &self.status.pod_ip),
        ]
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodSpec {
    pub(crate) node_name: String,
    pub(crate) containers: Vec<Container>,
    pub(crate) init_containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) ports: Vec<ContainerPort>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerPort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) container_port: u16,
    #[serde(default = "tcp")]
    pub(crate) protocol: String,
}

fn tcp() -> String {
    "TCP".to_owned()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: String,
    #[serde(rename = "podIP")]
    pub(crate) pod_ip: String,
    #[serde(rename = "hostIP")]
    pub(crate) host_ip: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) container_statuses: Vec<ContainerStatus>,
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerStatus {
    pub(crate) name: String,
    #[serde(rename = "containerID")]
    pub(crate) container_id: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) metadata: Meta,
    pub(crate) spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(rename = "clusterIP")]
    pub(crate) cluster_ip: String,
    pub(crate) external_name: String,
    #[serde(rename = "loadBalancerIP")]
    pub(crate) load_balancer_ip: String,
    pub(crate) ports: Vec<ServicePort>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ServicePort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) port: u16,
    #[serde(default = "tcp")]
    pub(crate) protocol: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EndpointSlice {
    pub(crate) metadata: Meta,
    pub(crate) address_type: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) ports: Vec<EndpointPort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Endpoint {
    pub(crate) addresses: Vec<String>,
    pub(crate) conditions: EndpointConditions,
    pub(crate) hostname: Option<String>,
    pub(crate) node_name: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) target_ref: Option<TargetRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointConditions {
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TargetRef {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EndpointPort {
    pub(crate) name: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<String>,
    pub(crate) app_protocol: Option<String>,
}
