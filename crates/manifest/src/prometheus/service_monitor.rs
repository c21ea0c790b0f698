//! ServiceMonitors: one job for each endpoint.

use yaml::Mapping;

use super::Generator;
use super::http::{Tls, lower};
use super::kubernetes_sd::{KubernetesSd, Role};
use super::relabel;
use super::sharding::ShardBy;
use crate::enforcement::Enforcement;
use crate::object::Object;
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn service_monitor_jobs(&self, object: &Object) -> Vec<Mapping> {
        let endpoints = object.spec().at("endpoints").items();
        endpoints
            .enumerate()
            .map(|(at, endpoint)| self.endpoint_job(object, endpoint, at))
            .collect()
    }

    fn endpoint_job(&self, object: &Object, endpoint: Tree<'_>, index: usize) -> Mapping {
        let spec = object.spec();
        let namespace = object.namespace();
        let class = self.scrape_class(spec);
        let role = self.endpoint_role(spec);
        let mut job = Mapping::new();
        job.put(
            "job_name",
            format!("serviceMonitor/{}/{index}", object.id.key()),
        );
        self.put_honor_labels(&mut job, endpoint.at("honorLabels"));
        self.put_honor_timestamps(&mut job, endpoint.at("honorTimestamps").flag());
        let staleness = endpoint.at("trackTimestampsStaleness");
        self.copy_since(
            &mut job,
            (2, 48, 0),
            "track_timestamps_staleness",
            staleness,
        );
        let sd = KubernetesSd {
            role,
            namespace,
            assets_namespace: namespace,
            namespace_selector: spec.at("namespaceSelector"),
            attach_node: self.attach_node(spec, class),
            selector_owner: spec,
        };
        self.put_kubernetes_sd(&mut job, &sd);
        put_request(&mut job, endpoint);
        self.copy_since(
            &mut job,
            (2, 26, 0),
            "follow_redirects",
            endpoint.at("followRedirects"),
        );
        self.copy_since(
            &mut job,
            (2, 35, 0),
            "enable_http2",
            endpoint.at("enableHttp2"),
        );
        self.put_proxy(&mut job, namespace, endpoint);
        self.put_oauth2(&mut job, namespace, endpoint.at("oauth2"));
        self.put_tls(
            &mut job,
            namespace,
            Tls::merged(endpoint.at("tlsConfig"), class),
        );
        job.put_unless_empty("bearer_token_file", endpoint.at("bearerTokenFile").str());
        self.put_bearer_token(&mut job, namespace, endpoint.at("bearerTokenSecret"));
        self.put_basic_auth(&mut job, namespace, endpoint.at("basicAuth"));
        self.put_merged_authorization(&mut job, namespace, endpoint.at("authorization"), class);
        job.put(
            "relabel_configs",
            self.endpoint_rules(object, endpoint, role, class),
        );
        self.put_job_end(&mut job, object, endpoint.at("metricRelabelings"), class);
        job
    }

    fn endpoint_rules(
        &self,
        object: &Object,
        endpoint: Tree<'_>,
        role: Role,
        class: Tree<'_>,
    ) -> Vec<Mapping> {
        let spec = object.spec();
        let mut rules = vec![relabel::keep_job_name()];
        if selects_by_rules(spec) {
            rules.extend(relabel::selector_rules(spec.at("selector"), "service"));
        }
        let word = role.endpoint_word();
        let port = endpoint.at("port").str();
        if port.is_empty() {
            rules.extend(container_port_rule(endpoint.at("targetPort")));
        } else {
            let label = format!("__meta_kubernetes_{word}_port_name");
            rules.push(relabel::keep(&[&label], port));
        }
        for (kind, target) in [("Node", "node"), ("Pod", "pod")] {
            rules.push(address_target_rule(word, kind, target));
        }
        rules.push(relabel::copy("__meta_kubernetes_namespace", "namespace"));
        rules.push(relabel::copy("__meta_kubernetes_service_name", "service"));
        rules.push(relabel::copy("__meta_kubernetes_pod_name", "pod"));
        rules.push(relabel::copy(
            "__meta_kubernetes_pod_container_name",
            "container",
        ));
        if endpoint.at("filterRunning").flag() != Some(false) {
            rules.push(relabel::drop_ended_pods());
        }
        for label in spec.at("targetLabels").texts() {
            let name = relabel::label_name(label);
            rules.push(relabel::copy_filled(
                &format!("__meta_kubernetes_service_label_{name}"),
                &name,
            ));
        }
        rules.extend(self.pod_target_label_rules(spec));
        let mut job = relabel::copy("__meta_kubernetes_service_name", "job");
        job.put("replacement", "${1}");
        rules.push(job);
        if let Some(label) = spec.at("jobLabel").filled() {
            let name = relabel::label_name(label);
            rules.push(relabel::copy_filled(
                &format!("__meta_kubernetes_service_label_{name}"),
                "job",
            ));
        }
        let target_port = endpoint.at("targetPort").str();
        let name = if port.is_empty() { target_port } else { port };
        if !name.is_empty() {
            rules.push(relabel::set("endpoint", name));
        }
        self.close_rules(&mut rules, object, endpoint.at("relabelings"), class);
        self.add_sharding(&mut rules, ShardBy::Address);
        rules
    }

    /// `podTargetLabels` of the monitor, then those of the workload.
    pub(super) fn pod_target_label_rules(&self, object_spec: Tree<'_>) -> Vec<Mapping> {
        let own = object_spec.at("podTargetLabels").texts();
        let common = self.spec.at("podTargetLabels").texts();
        let rule = |label: &str| {
            let name = relabel::label_name(label);
            relabel::copy_filled(&format!("__meta_kubernetes_pod_label_{name}"), &name)
        };
        own.into_iter().chain(common).map(rule).collect()
    }

    /// The class's rules, the object's, and the enforced namespace label.
    pub(super) fn close_rules(
        &self,
        rules: &mut Vec<Mapping>,
        object: &Object,
        own: Tree<'_>,
        class: Tree<'_>,
    ) {
        rules.extend(relabel::rules(class.at("relabelings")));
        let enforcement = Enforcement::of_workload(self.spec);
        rules.extend(relabel::enforced_rules(own, &enforcement, object));
    }

    /// Limits, histograms, protocols and metric relabelling: the end of every monitor's job.
    pub(super) fn put_job_end(
        &self,
        job: &mut Mapping,
        object: &Object,
        metric_relabelings: Tree<'_>,
        class: Tree<'_>,
    ) {
        let spec = object.spec();
        self.put_limits(job, spec);
        self.put_histograms(job, spec);
        self.put_scrape_protocols(job, spec);
        self.put_fallback_protocol(job, spec, class);
        self.put_body_size_limit(job, spec.at("bodySizeLimit"));
        self.put_metric_rules(job, object, metric_relabelings, class);
    }

    pub(super) fn put_metric_rules(
        &self,
        job: &mut Mapping,
        object: &Object,
        own: Tree<'_>,
        class: Tree<'_>,
    ) {
        let mut rules: Vec<Mapping> = relabel::rules(class.at("metricRelabelings")).collect();
        let enforcement = Enforcement::of_workload(self.spec);
        rules.extend(relabel::enforced_rules(own, &enforcement, object));
        if !rules.is_empty() {
            job.put("metric_relabel_configs", rules);
        }
    }
}

/// Interval, timeout, path, parameters and scheme.
pub(super) fn put_request(job: &mut Mapping, endpoint: Tree<'_>) {
    job.put_unless_empty("scrape_interval", endpoint.at("interval").str());
    job.put_unless_empty("scrape_timeout", endpoint.at("scrapeTimeout").str());
    job.put_unless_empty("metrics_path", endpoint.at("path").str());
    let params = endpoint.at("params");
    if params.is_set() {
        job.put("params", params.value());
    }
    if let Some(scheme) = lower(endpoint.at("scheme")) {
        job.put("scheme", scheme);
    }
}

/// Whether targets are filtered by rules, not by the API server.
pub(super) fn selects_by_rules(object_spec: Tree<'_>) -> bool {
    object_spec.at("selectorMechanism").str() != "RoleSelector"
}

/// Keeps a container's port by name or number.
pub(super) fn container_port_rule(port: Tree<'_>) -> Option<Mapping> {
    if port.is_textual() {
        let name = port.filled()?;
        return Some(relabel::keep(
            &["__meta_kubernetes_pod_container_port_name"],
            name,
        ));
    }
    let number = port.int().filter(|number| *number != 0)?;
    Some(relabel::keep(
        &["__meta_kubernetes_pod_container_port_number"],
        number,
    ))
}

fn address_target_rule(word: &str, kind: &str, target: &str) -> Mapping {
    let mut out = Mapping::new();
    let sources =
        ["kind", "name"].map(|part| format!("__meta_kubernetes_{word}_address_target_{part}"));
    out.put("source_labels", sources.to_vec());
    out.put("separator", ";");
    out.put("regex", format!("{kind};(.*)"));
    out.put("replacement", "${1}");
    out.put("target_label", target);
    out
}
