//! Service discovery by the Kubernetes API, as monitors and Alertmanager endpoints use it.

use yaml::{Mapping, Value};

use super::Generator;
use super::http::Tls;
use crate::selector::Selector;
use crate::tree::Tree;

/// What is discovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Endpoints,
    EndpointSlice,
    Pod,
    Ingress,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::EndpointSlice => "endpointslice",
            Self::Pod => "pod",
            Self::Ingress => "ingress",
        }
    }

    /// How meta labels name an endpoint.
    pub(super) fn endpoint_word(self) -> &'static str {
        if self == Self::EndpointSlice {
            "endpointslice"
        } else {
            "endpoint"
        }
    }
}

/// One `kubernetes_sd_configs` section.
pub(super) struct KubernetesSd<'t> {
    pub(super) role: Role,
    /// What is meant if the selector names no namespaces.
    pub(super) namespace: &'t str,
    /// Where the references of `spec.apiserverConfig` resolve.
    pub(super) assets_namespace: &'t str,
    /// `{any, matchNames}`; absent means the object's own namespace.
    pub(super) namespace_selector: Tree<'t>,
    /// Whether node metadata is attached, and since which version that is possible.
    pub(super) attach_node: Option<bool>,
    /// The object's spec if it may ask for filtering by the API server.
    pub(super) selector_owner: Tree<'t>,
}

impl Generator<'_> {
    /// `Endpoints` or `EndpointSlice`, by the object's wish, else the workload's.
    pub(super) fn endpoint_role(&self, object_spec: Tree<'_>) -> Role {
        let own = object_spec.at("serviceDiscoveryRole");
        let wish = if own.is_set() {
            own
        } else {
            self.spec.at("serviceDiscoveryRole")
        };
        let has_slices = self.features.endpoint_slices && self.version.is_at_least((2, 21, 0));
        if has_slices && wish.str() == "EndpointSlice" {
            Role::EndpointSlice
        } else {
            Role::Endpoints
        }
    }

    pub(super) fn put_kubernetes_sd(&self, map: &mut Mapping, sd: &KubernetesSd<'_>) {
        let mut out = Mapping::new();
        out.put("role", sd.role.as_str());
        let namespaces = self.namespaces(sd);
        if !namespaces.is_empty() {
            let mut names = Mapping::new();
            names.put("names", namespaces);
            out.put("namespaces", names);
        }
        self.put_api_server(&mut out, sd.assets_namespace);
        if let Some(node) = sd.attach_node {
            let since = if sd.role == Role::Pod {
                (2, 35, 0)
            } else {
                (2, 37, 0)
            };
            let mut attach = Mapping::new();
            attach.put("node", node);
            self.put_since(&mut out, since, "attach_metadata", attach);
        }
        let selectors = self.server_side_selectors(sd);
        if !selectors.is_empty() {
            out.put("selectors", selectors);
        }
        map.put("kubernetes_sd_configs", vec![out]);
    }

    /// Empty: all namespaces.
    fn namespaces<'t>(&self, sd: &KubernetesSd<'t>) -> Vec<&'t str> {
        let selector = sd.namespace_selector;
        if self.spec.at("ignoreNamespaceSelectors").flag() == Some(true) {
            return vec![sd.namespace];
        }
        if selector.at("any").flag() == Some(true) {
            return Vec::new();
        }
        let names = selector.at("matchNames").texts();
        if names.is_empty() {
            vec![sd.namespace]
        } else {
            names
        }
    }

    fn put_api_server(&self, out: &mut Mapping, namespace: &str) {
        let api = self.spec.at("apiserverConfig");
        if !api.is_set() {
            return;
        }
        out.put("api_server", api.at("host").str());
        self.put_basic_auth(out, namespace, api.at("basicAuth"));
        out.put_unless_empty("bearer_token", api.at("bearerToken").str());
        out.put_unless_empty("bearer_token_file", api.at("bearerTokenFile").str());
        self.put_authorization_with_file(out, namespace, api.at("authorization"));
        self.put_tls(out, namespace, Tls::of(api.at("tlsConfig")));
        self.put_proxy(out, namespace, api);
    }

    fn server_side_selectors(&self, sd: &KubernetesSd<'_>) -> Vec<Value> {
        let entry = |role: &str, kind: &str, text: &str| {
            let mut out = Mapping::new();
            out.put("role", role);
            out.put(kind, text);
            Value::from(out)
        };
        let mut selectors = Vec::new();
        if self.features.daemon_set {
            selectors.push(entry("pod", "field", "spec.nodeName=$(NODE_NAME)"));
        }
        let owner = sd.selector_owner;
        if owner.at("selectorMechanism").str() == "RoleSelector" {
            let text = Selector::read(owner.at("selector"))
                .unwrap_or_default()
                .to_string();
            selectors.push(entry(sd.role.as_str(), "label", &text));
            if sd.role != Role::Pod {
                selectors.push(entry("service", "label", &text));
            }
        }
        selectors
    }
}
