//! PodMonitors: one job for each endpoint. The order of rules differs from that of ServiceMonitors.

use yaml::Mapping;

use super::Generator;
use super::kubernetes_sd::{KubernetesSd, Role};
use super::relabel;
use super::service_monitor::{container_port_rule, put_request, selects_by_rules};
use super::sharding::ShardBy;
use crate::object::Object;
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn pod_monitor_jobs(&self, object: &Object) -> Vec<Mapping> {
        let endpoints = object.spec().at("podMetricsEndpoints").items();
        endpoints
            .enumerate()
            .map(|(at, endpoint)| self.pod_job(object, endpoint, at))
            .collect()
    }

    fn pod_job(&self, object: &Object, endpoint: Tree<'_>, index: usize) -> Mapping {
        let spec = object.spec();
        let namespace = object.namespace();
        let class = self.scrape_class(spec);
        let mut job = Mapping::new();
        job.put(
            "job_name",
            format!("podMonitor/{}/{index}", object.id.key()),
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
            role: Role::Pod,
            namespace,
            assets_namespace: namespace,
            namespace_selector: spec.at("namespaceSelector"),
            attach_node: self.attach_node(spec, class),
            selector_owner: spec,
        };
        self.put_kubernetes_sd(&mut job, &sd);
        put_request(&mut job, endpoint);
        self.put_http(&mut job, namespace, endpoint, class);
        self.put_bearer_token(&mut job, namespace, endpoint.at("bearerTokenSecret"));
        self.put_basic_auth(&mut job, namespace, endpoint.at("basicAuth"));
        self.put_oauth2(&mut job, namespace, endpoint.at("oauth2"));
        self.put_proxy(&mut job, namespace, endpoint);
        self.put_merged_authorization(&mut job, namespace, endpoint.at("authorization"), class);
        job.put("relabel_configs", self.pod_rules(object, endpoint, class));
        self.put_job_end(&mut job, object, endpoint.at("metricRelabelings"), class);
        job
    }

    fn pod_rules(&self, object: &Object, endpoint: Tree<'_>, class: Tree<'_>) -> Vec<Mapping> {
        let spec = object.spec();
        let mut rules = vec![relabel::keep_job_name()];
        if endpoint.at("filterRunning").flag() != Some(false) {
            rules.push(relabel::drop_ended_pods());
        }
        if selects_by_rules(spec) {
            rules.extend(relabel::selector_rules(spec.at("selector"), "pod"));
        }
        let port = endpoint.at("port").str();
        let number = endpoint
            .at("portNumber")
            .int()
            .filter(|number| *number != 0);
        if !port.is_empty() {
            rules.push(relabel::keep(
                &["__meta_kubernetes_pod_container_port_name"],
                port,
            ));
        } else if let Some(number) = number {
            rules.push(relabel::keep(
                &["__meta_kubernetes_pod_container_port_number"],
                number,
            ));
        } else {
            rules.extend(container_port_rule(endpoint.at("targetPort")));
        }
        rules.push(relabel::copy("__meta_kubernetes_namespace", "namespace"));
        rules.push(relabel::copy(
            "__meta_kubernetes_pod_container_name",
            "container",
        ));
        rules.push(relabel::copy("__meta_kubernetes_pod_name", "pod"));
        rules.extend(self.pod_target_label_rules(spec));
        rules.push(relabel::set("job", &object.id.key()));
        if let Some(label) = spec.at("jobLabel").filled() {
            let name = relabel::label_name(label);
            rules.push(relabel::copy_filled(
                &format!("__meta_kubernetes_pod_label_{name}"),
                "job",
            ));
        }
        let target_port = endpoint.at("targetPort").str();
        let name = if port.is_empty() { target_port } else { port };
        if !name.is_empty() {
            rules.push(relabel::set("endpoint", name));
        }
        self.close_rules(&mut rules, object, endpoint.at("relabelings"), class);
        if !self.features.daemon_set {
            self.add_sharding(&mut rules, ShardBy::Address);
        }
        rules
    }
}
