//! Service discovery: one file per provider, one line each in the table below.

mod aws;
mod azure;
mod consul;
mod digitalocean;
mod dns;
mod docker;
mod dockerswarm;
mod eureka;
mod file;
mod gce;
mod hetzner;
mod http;
mod ionos;
mod kubernetes;
mod kuma;
mod linode;
mod marathon;
mod nomad;
mod oci;
mod openstack;
mod outscale;
mod ovhcloud;
mod puppetdb;
mod scaleway;
mod selector;
mod stackit;
mod static_config;
mod triton;
mod uyuni;
mod vultr;
mod zookeeper;

pub use aws::{Aws, Ec2, Ec2Filter, Lightsail};
pub use azure::Azure;
pub use consul::Consul;
pub use digitalocean::DigitalOcean;
pub use dns::Dns;
pub use docker::{Docker, Filter};
pub use dockerswarm::DockerSwarm;
pub use eureka::Eureka;
pub use file::FileSd;
pub use gce::Gce;
pub use hetzner::Hetzner;
pub use http::HttpSd;
pub use ionos::Ionos;
pub use kubernetes::{AttachMetadata, Kubernetes, KubernetesRole, Namespaces, Selector};
pub use kuma::Kuma;
pub use linode::Linode;
pub use marathon::Marathon;
pub use nomad::Nomad;
pub use oci::Oci;
pub use openstack::OpenStack;
pub use outscale::Outscale;
pub use ovhcloud::OvhCloud;
pub use puppetdb::PuppetDb;
pub use scaleway::Scaleway;
pub use stackit::Stackit;
pub use static_config::StaticConfig;
pub use triton::Triton;
pub use uyuni::Uyuni;
pub use vultr::Vultr;
pub use zookeeper::{Nerve, Serverset};

use std::ops::Deref;

use model::Duration;
use yaml::{MapReader, Node, Reading, Value};

use crate::section::Field;

section! {
    /// Every way in which targets are found, in the order in which they print.
    pub struct Discoveries: "config.ScrapeConfig" {
        ["aws_sd_configs", omit] pub aws: Configs<Aws>,
        ["azure_sd_configs", omit] pub azure: Configs<Azure>,
        ["consul_sd_configs", omit] pub consul: Configs<Consul>,
        ["digitalocean_sd_configs", omit] pub digitalocean: Configs<DigitalOcean>,
        ["dns_sd_configs", omit] pub dns: Configs<Dns>,
        ["docker_sd_configs", omit] pub docker: Configs<Docker>,
        ["dockerswarm_sd_configs", omit] pub dockerswarm: Configs<DockerSwarm>,
        ["ec2_sd_configs", omit] pub ec2: Configs<Ec2>,
        ["eureka_sd_configs", omit] pub eureka: Configs<Eureka>,
        ["file_sd_configs", omit] pub file: Configs<FileSd>,
        ["gce_sd_configs", omit] pub gce: Configs<Gce>,
        ["hetzner_sd_configs", omit] pub hetzner: Configs<Hetzner>,
        ["http_sd_configs", omit] pub http: Configs<HttpSd>,
        ["ionos_sd_configs", omit] pub ionos: Configs<Ionos>,
        ["kubernetes_sd_configs", omit] pub kubernetes: Configs<Kubernetes>,
        ["kuma_sd_configs", omit] pub kuma: Configs<Kuma>,
        ["lightsail_sd_configs", omit] pub lightsail: Configs<Lightsail>,
        ["linode_sd_configs", omit] pub linode: Configs<Linode>,
        ["marathon_sd_configs", omit] pub marathon: Configs<Marathon>,
        ["nerve_sd_configs", omit] pub nerve: Configs<Nerve>,
        ["nomad_sd_configs", omit] pub nomad: Configs<Nomad>,
        ["oci_sd_configs", omit] pub oci: Configs<Oci>,
        ["openstack_sd_configs", omit] pub openstack: Configs<OpenStack>,
        ["outscale_sd_configs", omit] pub outscale: Configs<Outscale>,
        ["ovhcloud_sd_configs", omit] pub ovhcloud: Configs<OvhCloud>,
        ["puppetdb_sd_configs", omit] pub puppetdb: Configs<PuppetDb>,
        ["scaleway_sd_configs", omit] pub scaleway: Configs<Scaleway>,
        ["serverset_sd_configs", omit] pub serverset: Configs<Serverset>,
        ["stackit_sd_configs", omit] pub stackit: Configs<Stackit>,
        ["static_configs", omit] pub static_configs: Configs<StaticConfig>,
        ["triton_sd_configs", omit] pub triton: Configs<Triton>,
        ["uyuni_sd_configs", omit] pub uyuni: Configs<Uyuni>,
        ["vultr_sd_configs", omit] pub vultr: Configs<Vultr>,
    }
}

impl Discoveries {
    /// As the peers do, refuses targets that look like URLs.
    pub(super) fn validate_targets(&self, map: &mut MapReader<'_, '_>) {
        for target in self
            .static_configs
            .iter()
            .flat_map(|config| &config.targets)
        {
            if target.contains('/') {
                let message = format!("{} is not a valid hostname", crate::quote::quote(target));
                let hint = "targets are `host:port`; put the rest into `scheme` and `metrics_path`";
                map.refuse_with_hint("static_configs", "bad-target", message, hint);
            }
        }
    }
}

/// The sections of one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Configs<T>(pub Vec<T>);

impl<T> Default for Configs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Configs<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Field> Field for Configs<T> {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let place = node.span;
        yaml::read_list(node, &Self::go_type(), reading, |node, reading| {
            if node.is_null() {
                let key = key_before(reading.source().text(), place.start);
                let message = format!("empty or null section in {key}");
                let hint = "write the section or remove the dash";
                reading.refuse_with_hint(node.span, "sd-section-empty", message, hint);
                return None;
            }
            T::read(node, reading)
        })
        .map(Self)
    }

    fn go_type() -> String {
        format!("[]{}", T::go_item())
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }

    fn visit_paths(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.0.visit_paths(visit);
    }
}

/// The key whose value starts at `at`: the last word before the colon before it.
fn key_before(text: &str, at: usize) -> &str {
    let head = text.get(..at).unwrap_or("");
    let head = head
        .rfind(':')
        .and_then(|colon| head.get(..colon))
        .unwrap_or(head);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let head = head.trim_end_matches(|c| !is_word(c));
    head.rsplit(|c| !is_word(c)).next().unwrap_or("")
}

const MINUTE: Duration = Duration::from_secs(60);

/// A refusal by a provider's validation.
fn refuse(map: &mut MapReader<'_, '_>, key: &str, message: impl Into<String>, hint: &str) {
    map.refuse_with_hint(key, "bad-service-discovery", message, hint);
}

/// Refuses a required text that is empty.
fn require(map: &mut MapReader<'_, '_>, key: &str, text: &str, message: &str) {
    if text.is_empty() {
        refuse(map, key, message, &format!("add `{key}`"));
    }
}

/// Refuses a URL that is not an absolute HTTP URL, in the words of HTTP and PuppetDB discovery.
fn require_http_url(map: &mut MapReader<'_, '_>, key: &str, text: &str) {
    const HINT: &str = "write it as in `http://host:port/path`";
    if text.is_empty() {
        return refuse(map, key, "URL is missing", "add `url`");
    }
    match crate::Url::parse(text) {
        Err(problem) => refuse(map, key, problem, HINT),
        Ok(url) if !["http", "https"].contains(&url.scheme().as_str()) => {
            refuse(map, key, "URL scheme must be 'http' or 'https'", HINT);
        }
        Ok(url) if url.host().is_empty() => refuse(map, key, "host is missing in URL", HINT),
        Ok(_) => {}
    }
}
