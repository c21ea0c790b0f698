//! All sections together, for servers and for agents.

use diag::{Diagnostics, Source};
use yaml::{Mapping, Value};

use super::Generator;
use super::global::log_path;
use crate::object::Object;
use crate::problem::{Checked, Problem, Within};

/// Where rule files are mounted.
pub(crate) const RULES_FOLDER: &str = "/etc/prometheus/rules";

/// What was selected, each list in the order in which jobs are written.
#[derive(Clone, Debug, Default)]
pub struct Jobs<'a> {
    pub service_monitors: Vec<&'a Object>,
    pub pod_monitors: Vec<&'a Object>,
    pub probes: Vec<&'a Object>,
    pub scrape_configs: Vec<&'a Object>,
}

/// Texts from Secrets that are put into the configuration as they are: YAML lists.
#[derive(Clone, Debug, Default)]
pub struct Additional {
    pub scrape_configs: Option<String>,
    pub alert_relabel_configs: Option<String>,
    pub alertmanager_configs: Option<String>,
}

impl Additional {
    /// The items of such a text, which must be a list of maps.
    pub(super) fn list(text: Option<&str>) -> Checked<Vec<Value>> {
        let source = Source::new("additional configuration", text.unwrap_or(""));
        let mut diagnostics = Diagnostics::new();
        let node = yaml::parse(&source, &mut diagnostics);
        let refuse = |why: &str| Err(Problem::new(format!("additional configuration: {why}")));
        let Some(node) = node else {
            let first = diagnostics.iter().next();
            return refuse(first.map_or("not YAML", |diagnostic| &diagnostic.message));
        };
        match Value::from_node(&node) {
            Value::Null => Ok(Vec::new()),
            Value::Sequence(items)
                if items.iter().all(|item| matches!(item, Value::Mapping(_))) =>
            {
                Ok(items)
            }
            _ => refuse("not a list of sections"),
        }
    }
}

impl Generator<'_> {
    /// `rule_folders` are the folders below [`RULES_FOLDER`] that hold rule files.
    pub(crate) fn server(
        &self,
        jobs: &Jobs<'_>,
        additional: &Additional,
        rule_folders: &[String],
    ) -> Checked<Value> {
        self.check_scrape_timeout()?;
        let spec = self.spec;
        let mut out = Mapping::new();
        let mut global = self.global();
        global.put("evaluation_interval", spec.at("evaluationInterval").str());
        self.copy_since(
            &mut global,
            (2, 53, 0),
            "rule_query_offset",
            spec.at("ruleQueryOffset"),
        );
        if let Some(file) = spec.at("queryLogFile").filled() {
            self.put_since(&mut global, (2, 16, 0), "query_log_file", log_path(file));
        }
        out.put("global", global);
        self.put_runtime(&mut out);
        if spec.at("ruleSelector").is_set() {
            let globs = rule_folders
                .iter()
                .map(|name| format!("{RULES_FOLDER}/{name}/*.yaml"));
            out.put("rule_files", globs.collect::<Vec<_>>());
        }
        let mut scrape_configs: Vec<Value> = Vec::new();
        self.add_service_monitors(&mut scrape_configs, jobs);
        self.add_pod_monitors(&mut scrape_configs, jobs);
        self.add_probes(&mut scrape_configs, jobs);
        self.add_scrape_configs(&mut scrape_configs, jobs)?;
        scrape_configs.extend(self.additional_jobs(additional)?);
        out.put("scrape_configs", scrape_configs);
        self.put_server_storage(&mut out)?;
        self.put_alerting(&mut out, additional)?;
        self.put_remote_write(&mut out);
        self.put_remote_read(&mut out);
        self.put_otlp(&mut out)?;
        self.put_tracing(&mut out)?;
        Ok(out.into())
    }

    pub(crate) fn agent(&self, jobs: &Jobs<'_>, additional: &Additional) -> Checked<Value> {
        self.check_scrape_timeout()?;
        let mut out = Mapping::new();
        out.put("global", self.global());
        self.put_runtime(&mut out);
        let mut scrape_configs: Vec<Value> = Vec::new();
        self.add_pod_monitors(&mut scrape_configs, jobs);
        scrape_configs.extend(self.additional_jobs(additional)?);
        if !self.features.daemon_set {
            self.add_service_monitors(&mut scrape_configs, jobs);
            self.add_probes(&mut scrape_configs, jobs);
            self.add_scrape_configs(&mut scrape_configs, jobs)?;
        }
        out.put("scrape_configs", scrape_configs);
        self.put_agent_storage(&mut out)?;
        self.put_remote_write(&mut out);
        self.put_otlp(&mut out)?;
        self.put_tracing(&mut out)?;
        Ok(out.into())
    }

    fn add_service_monitors(&self, out: &mut Vec<Value>, jobs: &Jobs<'_>) {
        let jobs = jobs
            .service_monitors
            .iter()
            .flat_map(|object| self.service_monitor_jobs(object));
        out.extend(jobs.map(Value::from));
    }

    fn add_pod_monitors(&self, out: &mut Vec<Value>, jobs: &Jobs<'_>) {
        let jobs = jobs
            .pod_monitors
            .iter()
            .flat_map(|object| self.pod_monitor_jobs(object));
        out.extend(jobs.map(Value::from));
    }

    fn add_probes(&self, out: &mut Vec<Value>, jobs: &Jobs<'_>) {
        out.extend(
            jobs.probes
                .iter()
                .map(|object| Value::from(self.probe_job(object))),
        );
    }

    fn add_scrape_configs(&self, out: &mut Vec<Value>, jobs: &Jobs<'_>) -> Checked {
        for object in &jobs.scrape_configs {
            out.push(
                self.scrape_config_job(object)
                    .within(&object.id, object.spec())?
                    .into(),
            );
        }
        Ok(())
    }

    fn put_runtime(&self, out: &mut Mapping) {
        let runtime = self.spec.at("runtime");
        if runtime.is_set() {
            let mut section = Mapping::new();
            if let Some(percent) = runtime.at("goGC").int() {
                section.put("gogc", percent);
            }
            self.put_since(out, (2, 53, 0), "runtime", section);
        }
    }

    /// Jobs as they were written, with sharding added where they do not do it themselves.
    fn additional_jobs(&self, additional: &Additional) -> Checked<Vec<Value>> {
        let jobs = Additional::list(additional.scrape_configs.as_deref())?;
        if self.features.daemon_set || self.shards() == 1 {
            return Ok(jobs);
        }
        jobs.into_iter()
            .map(|job| self.shard_additional(job))
            .collect()
    }

    fn shard_additional(&self, job: Value) -> Checked<Value> {
        let Value::Mapping(mut job) = job else {
            return Ok(job);
        };
        let mut rules = Vec::new();
        let is_rules = |(key, _): &(Value, Value)| key.as_str() == Some("relabel_configs");
        if let Some(at) = job.0.iter().position(is_rules) {
            let (_, value) = job.0.remove(at);
            let Value::Sequence(items) = value else {
                return Err(Problem::new(
                    "additional configuration: relabel_configs is no list",
                ));
            };
            for item in items {
                let Value::Mapping(rule) = item else {
                    return Err(Problem::new(
                        "additional configuration: a rule is no section",
                    ));
                };
                rules.push(rule);
            }
        }
        self.add_sharding_if_missing(&mut rules);
        job.put("relabel_configs", rules);
        Ok(job.into())
    }
}
