//! Objects of a Kubernetes cluster.

use yaml::MapReader;

use super::{refuse, selector};
use crate::Url;
use crate::http::HttpClient;
use crate::text::FilePath;

section! {
    /// Without `api_server` and `kubeconfig_file` the pod's own service account is used.
    pub struct Kubernetes: "kubernetes.plain" as "*kubernetes.SDConfig", checked {
        ["api_server", omit] pub api_server: Url,
        ["role", some] pub role: Option<KubernetesRole>,
        ["kubeconfig_file"] pub kubeconfig_file: FilePath,
        [inline] pub http: HttpClient,
        ["namespaces", unless_default] pub namespaces: Namespaces,
        ["selectors", omit] pub selectors: Vec<Selector>,
        ["attach_metadata", unless_default] pub attach_metadata: AttachMetadata,
    }
}

section! {
    /// Empty means: all namespaces.
    pub struct Namespaces: "kubernetes.plain" {
        ["own_namespace"] pub own_namespace: bool,
        ["names"] pub names: Vec<String>,
    }
}

section! {
    /// Restricts which objects of a role are asked for.
    pub struct Selector: "kubernetes.SelectorConfig" {
        ["role", some] pub role: Option<KubernetesRole>,
        ["label", omit] pub label: String,
        ["field", omit] pub field: String,
    }
}

section! {
    /// Which other objects' labels and annotations are attached.
    pub struct AttachMetadata: "kubernetes.AttachMetadataConfig" {
        ["node"] pub node: bool,
        ["namespace"] pub namespace: bool,
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KubernetesRole {
    #[default]
    Node,
    Pod,
    Service,
    Endpoints,
    EndpointSlice,
    Ingress,
}

words!(KubernetesRole, "unknown-kubernetes-role", |word| format!("unknown Kubernetes SD role {}", crate::quote::quote(word)), {
    Node = "node",
    Pod = "pod",
    Service = "service",
    Endpoints = "endpoints",
    EndpointSlice = "endpointslice",
    Ingress = "ingress",
});

impl KubernetesRole {
    /// The kinds of objects that discovery of this role reads, hence which selectors make sense.
    pub fn selectable(self) -> &'static [Self] {
        match self {
            Self::Node => &[Self::Node],
            Self::Pod => &[Self::Pod, Self::Node],
            Self::Service => &[Self::Service],
            Self::Endpoints => &[Self::Pod, Self::Service, Self::Endpoints],
            Self::EndpointSlice => &[Self::Pod, Self::Service, Self::EndpointSlice],
            Self::Ingress => &[Self::Ingress],
        }
    }
}

impl Kubernetes {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.role.is_none() {
            let message =
                "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)";
            refuse(map, "role", message, "add `role`");
        }
        let has_http_options = !self.http.is_default();
        self.http.validate(map);
        let (server, file) = (
            !self.api_server.is_empty(),
            !self.kubeconfig_file.is_empty(),
        );
        if server && file {
            let message = "cannot use 'kubeconfig_file' and 'api_server' simultaneously";
            refuse(map, "kubeconfig_file", message, "keep one of them");
        }
        if file && has_http_options {
            let message =
                "cannot use a custom HTTP client configuration together with 'kubeconfig_file'";
            refuse(
                map,
                "kubeconfig_file",
                message,
                "move the options into the kubeconfig",
            );
        } else if !server && has_http_options {
            let message = "to use custom HTTP client configuration please provide the 'api_server' \
                           URL explicitly";
            refuse(map, "api_server", message, "add `api_server`");
        }
        if server && self.namespaces.own_namespace {
            let message = "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously";
            refuse(
                map,
                "namespaces",
                message,
                "name the namespace under `names`",
            );
        }
        if file && self.namespaces.own_namespace {
            let message =
                "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously";
            refuse(
                map,
                "namespaces",
                message,
                "name the namespace under `names`",
            );
        }
        self.validate_selectors(map);
    }

    fn validate_selectors(&self, map: &mut MapReader<'_, '_>) {
        let Some(role) = self.role else { return };
        let allowed = role.selectable();
        let names: Vec<_> = allowed.iter().map(|role| role.as_str()).collect();
        let mut seen: Vec<Option<KubernetesRole>> = Vec::new();
        for one in &self.selectors {
            if seen.contains(&one.role) {
                let name = one.role.map_or("", KubernetesRole::as_str);
                let message = format!("duplicated selector role: {name}");
                refuse(map, "selectors", message, "join the two selectors");
            }
            seen.push(one.role);
            if !one.role.is_some_and(|role| allowed.contains(&role)) {
                let message = format!(
                    "{} role supports only {} selectors",
                    role.as_str(),
                    names.join(", ")
                );
                refuse(
                    map,
                    "selectors",
                    message,
                    "remove the selector or change the role",
                );
            }
            let problems = [
                selector::field_problem(&one.field),
                selector::label_problem(&one.label),
            ];
            for message in problems.into_iter().flatten() {
                let hint = "as in `metadata.name=web` or `app in (a,b)`";
                refuse(map, "selectors", message, hint);
            }
        }
    }
}
