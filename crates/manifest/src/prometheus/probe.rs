//! Probes: one job each, which asks a prober about static targets or about Ingresses.

use std::collections::BTreeMap;

use yaml::{Mapping, Value};

use super::Generator;
use super::http::lower;
use super::kubernetes_sd::{KubernetesSd, Role};
use super::relabel;
use super::sharding::ShardBy;
use crate::object::Object;
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn probe_job(&self, object: &Object) -> Mapping {
        let spec = object.spec();
        let namespace = object.namespace();
        let class = self.scrape_class(spec);
        let prober = spec.at("prober");
        let mut job = Mapping::new();
        job.put("job_name", format!("probe/{}", object.id.key()));
        self.put_honor_timestamps(&mut job, Some(true));
        job.put("metrics_path", prober.at("path").str());
        job.put_unless_empty("scrape_interval", spec.at("interval").str());
        job.put_unless_empty("scrape_timeout", spec.at("scrapeTimeout").str());
        if let Some(scheme) = lower(prober.at("scheme")) {
            job.put("scheme", scheme);
        }
        put_params(&mut job, spec);
        self.put_limits(&mut job, spec);
        self.put_histograms(&mut job, spec);
        self.put_scrape_protocols(&mut job, spec);
        self.put_fallback_protocol(&mut job, spec, class);
        self.put_body_size_limit(&mut job, Tree::default());
        self.put_proxy(&mut job, namespace, prober);
        self.put_http(&mut job, namespace, spec, class);

        let mut rules = vec![relabel::keep_job_name()];
        if let Some(name) = spec.at("jobName").filled() {
            rules.push(relabel::set("job", name));
        }
        let targets = spec.at("targets");
        let own = if targets.at("staticConfig").is_set() {
            self.add_static(&mut job, &mut rules, object)
        } else {
            self.add_ingress(&mut job, &mut rules, object)
        };
        self.close_rules(&mut rules, object, own, class);
        self.add_sharding(&mut rules, ShardBy::ProbeTarget);
        job.put("relabel_configs", rules);

        self.put_bearer_token(&mut job, namespace, spec.at("bearerTokenSecret"));
        self.put_basic_auth(&mut job, namespace, spec.at("basicAuth"));
        self.put_oauth2(&mut job, namespace, spec.at("oauth2"));
        self.put_merged_authorization(&mut job, namespace, spec.at("authorization"), class);
        self.put_metric_rules(&mut job, object, spec.at("metricRelabelings"), class);
        job
    }

    /// Returns the object's own rules for these targets.
    fn add_static<'t>(
        &self,
        job: &mut Mapping,
        rules: &mut Vec<Mapping>,
        object: &'t Object,
    ) -> Tree<'t> {
        let targets = object.spec().path(&["targets", "staticConfig"]);
        let mut labels: BTreeMap<&str, &str> = targets
            .at("labels")
            .entries()
            .into_iter()
            .map(|(k, v)| (k, v.str()))
            .collect();
        labels.entry("namespace").or_insert(object.namespace());
        let mut section = Mapping::new();
        section.put("targets", targets.at("static").texts());
        section.put("labels", Value::sorted_map(labels));
        job.put("static_configs", vec![section]);
        rules.push(relabel::copy("__address__", "__param_target"));
        rules.push(relabel::copy("__param_target", "instance"));
        rules.push(relabel::set("__address__", prober_url(object)));
        targets.at("relabelingConfigs")
    }

    fn add_ingress<'t>(
        &self,
        job: &mut Mapping,
        rules: &mut Vec<Mapping>,
        object: &'t Object,
    ) -> Tree<'t> {
        let ingress = object.spec().path(&["targets", "ingress"]);
        if !ingress.is_set() {
            return ingress;
        }
        rules.extend(relabel::selector_rules(ingress.at("selector"), "ingress"));
        let sd = KubernetesSd {
            role: Role::Ingress,
            namespace: object.namespace(),
            assets_namespace: object.namespace(),
            namespace_selector: ingress.at("namespaceSelector"),
            attach_node: None,
            selector_owner: Tree::default(),
        };
        self.put_kubernetes_sd(job, &sd);
        let mut target = Mapping::new();
        let sources = vec![
            "__meta_kubernetes_ingress_scheme",
            "__address__",
            "__meta_kubernetes_ingress_path",
        ];
        target.put("source_labels", sources);
        target.put("separator", ";");
        target.put("regex", "(.+);(.+);(.+)");
        target.put("target_label", "__param_target");
        target.put("replacement", "${1}://${2}${3}");
        target.put("action", "replace");
        rules.push(target);
        rules.push(relabel::copy("__meta_kubernetes_namespace", "namespace"));
        rules.push(relabel::copy("__meta_kubernetes_ingress_name", "ingress"));
        let mut address = Mapping::new();
        address.put("source_labels", vec!["__address__"]);
        address.put("separator", ";");
        address.put("regex", "(.*)");
        address.put("target_label", "__tmp_ingress_address");
        address.put("replacement", "$1");
        address.put("action", "replace");
        rules.push(address);
        rules.push(relabel::copy("__param_target", "instance"));
        rules.push(relabel::set("__address__", prober_url(object)));
        ingress.at("relabelingConfigs")
    }
}

fn prober_url(object: &Object) -> &str {
    object.spec().path(&["prober", "url"]).str()
}

/// `module` wins over a parameter of that name.
fn put_params(job: &mut Mapping, spec: Tree<'_>) {
    let mut params = Mapping::new();
    let module = spec.at("module").filled();
    if let Some(module) = module {
        params.put("module", vec![module]);
    }
    for param in spec.at("params").items() {
        let name = param.at("name").str();
        if module.is_none() || name != "module" {
            params.put(name, param.at("values").texts());
        }
    }
    if !params.0.is_empty() {
        job.put("params", params);
    }
}
