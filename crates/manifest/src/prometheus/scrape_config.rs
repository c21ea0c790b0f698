//! ScrapeConfigs: one job each, with any service discovery.

use yaml::{Mapping, Value};

use super::Generator;
use super::discovery::DISCOVERIES;
use super::http::{Tls, lower, text_map};
use super::relabel;
use crate::enforcement::Enforcement;
use crate::object::Object;
use crate::problem::{Checked, Within};
use crate::tree::Tree;

impl Generator<'_> {
    pub(super) fn scrape_config_job(&self, object: &Object) -> Checked<Mapping> {
        let spec = object.spec();
        let namespace = object.namespace();
        let class = self.scrape_class(spec);
        let mut job = Mapping::new();
        job.put("job_name", format!("scrapeConfig/{}", object.id.key()));
        if let Some(wish) = spec.at("honorTimestamps").flag() {
            self.put_honor_timestamps(&mut job, Some(wish));
        }
        let staleness = spec.at("trackTimestampsStaleness");
        self.copy_since(
            &mut job,
            (2, 48, 0),
            "track_timestamps_staleness",
            staleness,
        );
        if spec.at("honorLabels").is_set() {
            self.put_honor_labels(&mut job, spec.at("honorLabels"));
        }
        if let Some(path) = spec.at("metricsPath").text() {
            job.put("metrics_path", path);
        }
        self.put_query(&mut job, spec);
        self.put_scrape_protocols(&mut job, spec);
        self.put_fallback_protocol(&mut job, spec, class);
        if let Some(scheme) = lower(spec.at("scheme")) {
            job.put("scheme", scheme);
        }
        self.put_proxy(&mut job, namespace, spec);
        self.put_basic_auth(&mut job, namespace, spec.at("basicAuth"));
        self.put_merged_authorization(&mut job, namespace, spec.at("authorization"), class);
        self.put_oauth2(&mut job, namespace, spec.at("oauth2"));
        self.put_tls(
            &mut job,
            namespace,
            Tls::merged_unless_empty(spec.at("tlsConfig"), class),
        );
        self.put_limits(&mut job, spec);
        self.put_histograms(&mut job, spec);
        self.put_body_size_limit(&mut job, spec.at("bodySizeLimit"));
        put_static(&mut job, spec.at("staticConfigs"));
        for discovery in &DISCOVERIES {
            let sections = spec.at(discovery.field);
            if sections.items().len() == 0 {
                continue;
            }
            let written: Checked<Vec<Mapping>> = sections
                .items()
                .map(|section| self.discovery(discovery, namespace, section))
                .collect();
            job.put(discovery.key, written.within(discovery.field, sections)?);
        }
        job.put("relabel_configs", self.scrape_config_rules(object, class));
        self.put_metric_rules(&mut job, object, spec.at("metricRelabelings"), class);
        self.put_name_schemes(&mut job, spec);
        Ok(job)
    }

    fn put_query(&self, job: &mut Mapping, spec: Tree<'_>) {
        let params = spec.at("params").entries();
        if !params.is_empty() {
            let params = params
                .into_iter()
                .map(|(name, values)| (name, values.value()));
            job.put("params", Value::sorted_map(params));
        }
        self.copy_since(
            job,
            (2, 49, 0),
            "enable_compression",
            spec.at("enableCompression"),
        );
        self.copy_since(job, (2, 35, 0), "enable_http2", spec.at("enableHTTP2"));
        for (field, key) in [
            ("scrapeInterval", "scrape_interval"),
            ("scrapeTimeout", "scrape_timeout"),
        ] {
            if let Some(text) = spec.at(field).text() {
                job.put(key, text);
            }
        }
    }

    fn scrape_config_rules(&self, object: &Object, class: Tree<'_>) -> Vec<Mapping> {
        let spec = object.spec();
        let mut rules = vec![relabel::keep_job_name()];
        rules.extend(relabel::rules(class.at("relabelings")));
        if let Some(name) = spec.at("jobName").text() {
            let mut rule = Mapping::new();
            rule.put("target_label", "job");
            rule.put("action", "replace");
            rule.put("replacement", name);
            rules.push(rule);
        }
        let own = spec.at("relabelings");
        // The operator enforces the namespace on targets only if the object has rules of its own; its
        // metrics are always covered.
        if own.items().len() > 0 {
            let enforcement = Enforcement::of_workload(self.spec);
            rules.extend(relabel::enforced_rules(own, &enforcement, object));
        }
        if self.shards() != 1 {
            self.add_sharding_if_missing(&mut rules);
        }
        rules
    }
}

fn put_static(job: &mut Mapping, sections: Tree<'_>) {
    if sections.items().len() == 0 {
        return;
    }
    let sections = sections.items().map(|section| {
        let mut out = Mapping::new();
        out.put("targets", section.at("targets").texts());
        out.put("labels", text_map(section.at("labels")));
        out
    });
    job.put("static_configs", sections.collect::<Vec<_>>());
}
