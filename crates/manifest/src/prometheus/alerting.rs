//! The `alerting` section: where alerts are sent.

use yaml::{Mapping, Value};

use super::Generator;
use super::http::{Tls, lower};
use super::kubernetes_sd::{KubernetesSd, Role};
use super::relabel;
use super::server::Additional;
use crate::problem::Checked;
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn put_alerting(&self, out: &mut Mapping, additional: &Additional) -> Checked {
        let alerting = self.spec.at("alerting");
        let is_wanted = alerting.is_set()
            || additional.alert_relabel_configs.is_some()
            || additional.alertmanager_configs.is_some();
        if !is_wanted {
            return Ok(());
        }
        let mut alertmanagers: Vec<Value> = alerting
            .at("alertmanagers")
            .items()
            .map(|endpoint| self.alertmanager(endpoint).into())
            .collect();
        alertmanagers.extend(Additional::list(
            additional.alertmanager_configs.as_deref(),
        )?);
        let mut rules: Vec<Value> = Vec::new();
        let replica = self.replica_label();
        if !replica.is_empty() {
            // Replicas send the same alert; without the label Alertmanager sees that it is one.
            let mut rule = Mapping::new();
            rule.put("action", "labeldrop");
            rule.put("regex", quote_regex(replica));
            rules.push(rule.into());
        }
        rules.extend(Additional::list(
            additional.alert_relabel_configs.as_deref(),
        )?);
        let mut section = Mapping::new();
        section.put("alert_relabel_configs", rules);
        section.put("alertmanagers", alertmanagers);
        out.put("alerting", section);
        Ok(())
    }

    fn alertmanager(&self, endpoint: Tree<'_>) -> Mapping {
        let namespace = self.workload.namespace();
        let mut out = Mapping::new();
        if let Some(scheme) = lower(endpoint.at("scheme")) {
            out.put("scheme", scheme);
        }
        if let Some(prefix) = endpoint.at("pathPrefix").text() {
            out.put("path_prefix", prefix);
        }
        if let Some(timeout) = endpoint.at("timeout").text() {
            out.put("timeout", timeout);
        }
        self.copy_since(
            &mut out,
            (2, 35, 0),
            "enable_http2",
            endpoint.at("enableHttp2"),
        );
        self.put_tls(&mut out, namespace, Tls::of(endpoint.at("tlsConfig")));
        self.put_proxy(&mut out, namespace, endpoint);
        let role = self.endpoint_role(Tree::default());
        let sd = KubernetesSd {
            role,
            namespace: endpoint.at("namespace").text().unwrap_or(namespace),
            assets_namespace: namespace,
            namespace_selector: Tree::default(),
            attach_node: None,
            selector_owner: Tree::default(),
        };
        self.put_kubernetes_sd(&mut out, &sd);
        out.put_unless_empty("bearer_token_file", endpoint.at("bearerTokenFile").str());
        if self.supports((2, 26, 0)) {
            self.put_basic_auth(&mut out, namespace, endpoint.at("basicAuth"));
        }
        self.put_authorization(&mut out, namespace, endpoint.at("authorization"));
        if self.supports((2, 48, 0)) {
            self.put_sigv4(&mut out, namespace, endpoint.at("sigv4"));
        }
        self.put_api_version(&mut out, endpoint.at("apiVersion").str());
        out.put("relabel_configs", self.alertmanager_rules(endpoint, role));
        let alert_rules: Vec<Mapping> = relabel::rules(endpoint.at("alertRelabelings")).collect();
        if !alert_rules.is_empty() {
            self.put_since(&mut out, (2, 51, 0), "alert_relabel_configs", alert_rules);
        }
        out
    }

    fn put_api_version(&self, out: &mut Mapping, version: &str) {
        let version = version.to_lowercase();
        // Prometheus 3 speaks only the second version.
        let is_known = version == "v2" || (version == "v1" && self.version.major() <= 2);
        if is_known {
            self.put_since(out, (2, 11, 0), "api_version", version);
        }
    }

    fn alertmanager_rules(&self, endpoint: Tree<'_>, role: Role) -> Vec<Mapping> {
        let name = endpoint.at("name").str();
        let mut rules = vec![relabel::keep(&["__meta_kubernetes_service_name"], name)];
        let port = endpoint.at("port");
        if port.is_textual() && port.filled().is_some() {
            let label = format!("__meta_kubernetes_{}_port_name", role.endpoint_word());
            rules.push(relabel::keep(&[&label], port.str()));
        } else if port.int().is_some_and(|number| number != 0) {
            // Written as text: only monitors write numbers.
            let label = "__meta_kubernetes_pod_container_port_number";
            rules.push(relabel::keep(&[label], port.str()));
        }
        rules.extend(relabel::rules(endpoint.at("relabelings")));
        rules
    }
}

fn quote_regex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
