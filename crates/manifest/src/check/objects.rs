//! The monitors, Probes and ScrapeConfigs.

use super::Checker;
use super::http::{check_one_credential, check_safe_tls, check_tls_files};
use super::relabel::{check_relabelings, is_label_name};
use crate::object::{Kind, Object};
use crate::problem::{Checked, Problem, Within};
use crate::prometheus::{DISCOVERIES, Step, check_timeout};
use crate::selector::Selector;
use crate::tree::Tree;

impl Checker<'_> {
    /// Whether a selected object can become jobs.
    pub(crate) fn check(&self, object: &Object) -> Checked {
        let spec = object.spec();
        self.scrape_class(spec)?;
        match object.kind {
            Kind::ServiceMonitor => self.service_monitor(spec),
            Kind::PodMonitor => self.pod_monitor(spec),
            Kind::Probe => self.probe(spec),
            Kind::ScrapeConfig => self.scrape_config(spec),
            _ => Ok(()),
        }
    }

    fn scrape_class(&self, spec: Tree<'_>) -> Checked {
        let Some(name) = spec.at("scrapeClass").filled() else {
            return Ok(());
        };
        let mut classes = self.workload.at("scrapeClasses").items();
        if classes.any(|class| class.at("name").str() == name) {
            return Ok(());
        }
        let message =
            format!("scrapeClassName: scrapeClass {name:?} not found in Prometheus scrapeClasses");
        Err(Problem::at(spec.at("scrapeClass"), message))
    }

    fn relabelings(&self, owner: Tree<'_>, fields: &[&str]) -> Checked {
        for field in fields {
            check_relabelings(owner.at(field), self.version).within(field, owner.at(field))?;
        }
        Ok(())
    }

    fn timeout(&self, owner: Tree<'_>, interval_field: &str) -> Checked {
        let timeout = owner.at("scrapeTimeout");
        let own = owner.at(interval_field).filled();
        let interval = own.unwrap_or_else(|| self.workload.at("scrapeInterval").str());
        check_timeout(timeout.str(), interval, timeout)
    }

    fn selection(&self, spec: Tree<'_>) -> Checked {
        Selector::read(spec.at("selector"))?;
        let mechanism = spec.at("selectorMechanism");
        if mechanism.str() == "RoleSelector" && !self.version.is_at_least((2, 17, 0)) {
            let message =
                "RoleSelector selectorMechanism is only supported in Prometheus 2.17.0 and newer";
            return Err(Problem::at(mechanism, message));
        }
        Ok(())
    }

    fn service_monitor(&self, spec: Tree<'_>) -> Checked {
        self.selection(spec)?;
        for (at, endpoint) in spec.at("endpoints").items().enumerate() {
            self.service_endpoint(endpoint)
                .within(format!("endpoints[{at}]"), endpoint)?;
        }
        Ok(())
    }

    fn service_endpoint(&self, endpoint: Tree<'_>) -> Checked {
        if self
            .workload
            .path(&["arbitraryFSAccessThroughSMs", "deny"])
            .flag()
            == Some(true)
        {
            let tls = endpoint.at("tlsConfig");
            let token = endpoint.at("bearerTokenFile");
            let prohibits = |how: &str| {
                format!(
                    "it accesses file system via {how} which Prometheus specification prohibits"
                )
            };
            if token.filled().is_some() {
                return Err(Problem::at(token, prohibits("bearer token file")));
            }
            for file in ["caFile", "certFile", "keyFile"] {
                if tls.at(file).filled().is_some() {
                    return Err(Problem::at(tls.at(file), prohibits("tls config")));
                }
            }
        }
        check_one_credential(endpoint)?;
        check_tls_files(endpoint.at("tlsConfig")).within("tlsConfig", endpoint)?;
        let token = endpoint.at("bearerTokenSecret");
        if token.at("name").filled().is_some() {
            self.secret("bearerTokenSecret", token)?;
        }
        self.basic_auth(endpoint)?;
        self.tls_with_files(endpoint)?;
        self.oauth2(endpoint)?;
        self.authorization(endpoint)?;
        self.timeout(endpoint, "interval")?;
        self.relabelings(endpoint, &["relabelings", "metricRelabelings"])?;
        self.proxy(endpoint)
    }

    fn pod_monitor(&self, spec: Tree<'_>) -> Checked {
        self.selection(spec)?;
        for (at, endpoint) in spec.at("podMetricsEndpoints").items().enumerate() {
            self.pod_endpoint(endpoint)
                .within(format!("endpoint[{at}]"), endpoint)?;
        }
        Ok(())
    }

    fn pod_endpoint(&self, endpoint: Tree<'_>) -> Checked {
        self.timeout(endpoint, "interval")?;
        self.relabelings(endpoint, &["relabelings", "metricRelabelings"])?;
        check_one_credential(endpoint)?;
        check_safe_tls(endpoint.at("tlsConfig")).within("tlsConfig", endpoint)?;
        let token = endpoint.at("bearerTokenSecret");
        if token.at("name").filled().is_some() && token.at("key").filled().is_some() {
            self.secret("bearerTokenSecret", token)?;
        }
        self.basic_auth(endpoint)?;
        self.tls(endpoint)?;
        self.oauth2(endpoint)?;
        self.authorization(endpoint)?;
        self.proxy(endpoint)
    }

    fn probe(&self, spec: Tree<'_>) -> Checked {
        let targets = spec.at("targets");
        let (fixed, ingress) = (targets.at("staticConfig"), targets.at("ingress"));
        if !fixed.is_set() && !ingress.is_set() {
            let message =
                "at least one of .spec.targets.staticConfig and .spec.targets.ingress is required";
            return Err(Problem::at(spec, message));
        }
        self.secret("bearerTokenSecret", spec.at("bearerTokenSecret"))?;
        self.basic_auth(spec)?;
        self.tls(spec)?;
        self.authorization(spec)?;
        self.oauth2(spec)?;
        self.timeout(spec, "interval")?;
        self.relabelings(spec, &["metricRelabelings"])?;
        self.static_labels(fixed.at("labels"))
            .within("targets.staticConfig.labels", fixed)?;
        self.relabelings(fixed, &["relabelingConfigs"])
            .within("targets.staticConfig", fixed)?;
        self.relabelings(ingress, &["relabelingConfigs"])
            .within("targets.ingress", ingress)?;
        let prober = spec.at("prober");
        self.proxy(prober).within("proxy configuration", prober)?;
        check_prober(prober.at("url"))
    }

    fn static_labels(&self, labels: Tree<'_>) -> Checked {
        for (name, _) in labels.sorted_entries() {
            if !is_label_name(name, self.version) {
                return Err(Problem::at(labels, format!("invalid label {name:?}")));
            }
        }
        Ok(())
    }

    fn scrape_config(&self, spec: Tree<'_>) -> Checked {
        self.relabelings(spec, &["relabelings", "metricRelabelings"])?;
        self.basic_auth(spec)?;
        self.authorization(spec)?;
        self.oauth2(spec)?;
        self.tls(spec)?;
        self.timeout(spec, "scrapeInterval")?;
        self.proxy(spec)?;
        for (at, section) in spec.at("staticConfigs").items().enumerate() {
            let field = format!("staticConfigs: [{at}]");
            self.static_labels(section.at("labels"))
                .within(field, section)?;
        }
        for discovery in &DISCOVERIES {
            let sections = spec.at(discovery.field);
            if let Some((major, minor, patch)) = discovery.since
                && !self.version.is_at_least((major, minor, patch))
            {
                let message = format!(
                    "{}: only supported for Prometheus version >= {major}.{minor}.{patch}",
                    discovery.field
                );
                return Err(Problem::at(sections, message));
            }
            for (at, section) in sections.items().enumerate() {
                let field = format!("{}: [{at}]", discovery.field);
                if let Some(check) = discovery.check {
                    check(self, section).within(&field, section)?;
                }
                for step in discovery.steps {
                    self.step(*step, section).within(&field, section)?;
                }
            }
        }
        Ok(())
    }

    fn step(&self, step: Step, section: Tree<'_>) -> Checked {
        match step {
            Step::BasicAuth => self.basic_auth(section),
            Step::Authorization => self.authorization(section),
            Step::OAuth2 => self.oauth2(section),
            Step::Proxy => self.proxy(section),
            Step::Tls => self.tls(section),
            Step::Secret(field, _) => self.secret(field, section.at(field)),
            Step::AwsKeys => {
                self.secret("accessKey", section.at("accessKey"))?;
                self.secret("secretKey", section.at("secretKey"))
            }
            Step::Since(_, step) => self.step(*step, section),
            _ => Ok(()),
        }
    }
}

/// A host name or address, with or without a port.
fn check_prober(url: Tree<'_>) -> Checked {
    let text = url.str();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if host.starts_with('[') && host.ends_with(']') => {
            (host.trim_matches(['[', ']']), Some(port))
        }
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if is_port && (is_address || is_host_name(host)) {
        return Ok(());
    }
    let message = format!(
        "{text:?} url specified in proberSpec is invalid, it should be of the format `hostname` or \
         `hostname:port`"
    );
    Err(Problem::at(url, message))
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.is_empty() && text.len() <= 255 && text.split('.').all(is_label)
}
