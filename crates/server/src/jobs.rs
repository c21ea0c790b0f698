//! From a scrape job of the configuration to a pool and its discovery providers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::prometheus::sd::{Discoveries, Kubernetes, KubernetesRole};
use config::prometheus::{NativeHistograms, ScrapeConfig, ScrapeProtocol, ScrapeProtocols};
use diag::Reason;
use discovery::file::FileConfig;
use discovery::http::HttpConfig;
use discovery::kubernetes::{
    FieldSelector, KubernetesConfig, LabelSelector, Objects, Role, Selector,
};
use discovery::{ProviderConfig, TargetGroup};
use model::Labels;
use net::{HttpClient, Overrides};
use scrape::{Limits, PoolConfig};
use tokio::sync::watch;
use wire::Protocol;
use wire::negotiate::Escaping;

use crate::features::Features;
use crate::http_client;

/// A job that can be started.
#[derive(Clone, Debug)]
pub(crate) struct JobPlan {
    pub(crate) pool: PoolConfig,
    pub(crate) client: HttpClient,
    pub(crate) providers: Vec<ProviderConfig>,
    /// Equal keys mean that the providers need not be started anew.
    pub(crate) discovery_key: String,
}

/// A part of a job that this version cannot do. The job runs without it, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobRefusal {
    DiscoveryNotBuilt { mechanism: &'static str },
    Client { problem: String },
    KubernetesRoleNotBuilt { role: &'static str },
    KubernetesSelector { problem: String },
}

impl std::fmt::Display for JobRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DiscoveryNotBuilt { mechanism } => {
                write!(f, "{mechanism} is not built yet; its targets are not found")
            }
            Self::Client { problem } => write!(f, "no HTTP client can be made: {problem}"),
            Self::KubernetesRoleNotBuilt { role } => {
                write!(
                    f,
                    "Kubernetes discovery of role {role} is not built yet; its targets are not found"
                )
            }
            Self::KubernetesSelector { problem } => write!(f, "Kubernetes discovery: {problem}"),
        }
    }
}

impl Reason for JobRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::DiscoveryNotBuilt { .. } => "job-discovery-not-built",
            Self::Client { .. } => "job-client-not-built",
            Self::KubernetesRoleNotBuilt { .. } => "job-kubernetes-role-not-built",
            Self::KubernetesSelector { .. } => "job-kubernetes-selector",
        }
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::DiscoveryNotBuilt { .. }).then(|| {
            "use static_configs, file_sd_configs, http_sd_configs or kubernetes_sd_configs"
                .to_owned()
        })
    }
}

/// What jobs are made with.
#[derive(Debug)]
pub(crate) struct JobContext<'a> {
    pub(crate) overrides: &'a Overrides,
    pub(crate) objects: &'a watch::Receiver<Arc<Objects>>,
    pub(crate) user_agent: &'a str,
    pub(crate) features: Features,
}

/// The job, and what of it cannot be done. `None` if nothing can.
pub(crate) fn plan(
    job: &ScrapeConfig,
    context: &JobContext<'_>,
) -> (Option<JobPlan>, Vec<JobRefusal>) {
    let mut refusals = Vec::new();
    let client = match http_client::build(&job.http, context.overrides) {
        Ok(client) => client,
        Err(problem) => return (None, vec![JobRefusal::Client { problem }]),
    };
    let providers = providers(&job.discoveries, context, &mut refusals);
    let plan = JobPlan {
        pool: pool(job, context.features),
        client,
        providers,
        discovery_key: format!("{:?} {:?}", job.discoveries, context.overrides),
    };
    (Some(plan), refusals)
}

/// What scraping is told of a job.
pub(crate) fn pool(job: &ScrapeConfig, features: Features) -> PoolConfig {
    let protocol = |protocol: ScrapeProtocol| Protocol::parse(protocol.as_str());
    let escaping = job.metric_name_escaping_scheme.unwrap_or_default();
    let mut pool = PoolConfig::new(&job.job_name);
    pool.interval = job.scrape_interval;
    pool.timeout = job.scrape_timeout;
    pool.scheme.clone_from(&job.scheme);
    pool.metrics_path.clone_from(&job.metrics_path);
    pool.params.clone_from(&job.params);
    pool.protocols = protocols(job, features)
        .into_iter()
        .filter_map(protocol)
        .collect();
    pool.type_and_unit_labels = features.type_and_unit_labels.is_on();
    pool.take_start_times = features.takes_start_times();
    pool.fallback_protocol = job.fallback_protocol().and_then(protocol);
    pool.escaping = Escaping::parse(escaping.as_str()).unwrap_or(Escaping::AllowUtf8);
    pool.name_scheme = job.name_scheme();
    pool.enable_compression = job.enable_compression;
    pool.honor_labels = job.honor_labels;
    pool.honor_timestamps = job.honor_timestamps;
    pool.track_timestamps_staleness = job.track_timestamps_staleness;
    pool.scrape_native_histograms = job.scrape_native_histograms.unwrap_or_default();
    pool.always_scrape_classic_histograms =
        job.always_scrape_classic_histograms.unwrap_or_default();
    pool.convert_classic_histograms_to_nhcb =
        job.convert_classic_histograms_to_nhcb.unwrap_or_default();
    pool.extra_metrics = job.extra_scrape_metrics.unwrap_or_default();
    pool.relabel.clone_from(&job.relabel_configs.rules);
    pool.metric_relabel
        .clone_from(&job.metric_relabel_configs.rules);
    pool.limits = Limits {
        body_size: u64::try_from(job.body_size_limit.0).unwrap_or(0),
        samples: job.sample_limit,
        targets: job.target_limit,
        labels: job.label_limit,
        label_name_length: job.label_name_length_limit,
        label_value_length: job.label_value_length_limit,
        histogram_buckets: job.native_histogram_bucket_limit,
        histogram_min_bucket_factor: job.native_histogram_min_bucket_factor,
        kept_dropped_targets: job.keep_dropped_targets,
    };
    pool.client_key = format!("{:?}", job.http);
    pool
}

/// Start timestamps come cheapest and surest with protobuf: then the default order has it first.
fn protocols(job: &ScrapeConfig, features: Features) -> Vec<ScrapeProtocol> {
    let order = |histograms| ScrapeProtocols::default_order(histograms).protocols();
    let own = job.protocols();
    if features.takes_start_times() && own == order(NativeHistograms::Ignored) {
        return order(NativeHistograms::Scraped);
    }
    own
}

pub(crate) fn providers(
    sd: &Discoveries,
    context: &JobContext<'_>,
    refusals: &mut Vec<JobRefusal>,
) -> Vec<ProviderConfig> {
    let mut providers = Vec::new();
    let static_groups: Vec<TargetGroup> = sd
        .static_configs
        .iter()
        .enumerate()
        .map(|(index, group)| {
            let addresses = group.targets.iter().map(String::as_str);
            TargetGroup::of_addresses(
                index.to_string(),
                addresses,
                Labels::from_pairs(pairs(&group.labels)),
            )
        })
        .collect();
    if !static_groups.is_empty() {
        providers.push(ProviderConfig::Static(static_groups));
    }
    for file in sd.file.iter() {
        providers.push(ProviderConfig::File(FileConfig {
            patterns: file.files.iter().map(|path| path.to_string()).collect(),
            refresh_interval: file.refresh_interval.to_std().max(Duration::from_secs(1)),
        }));
    }
    for http in sd.http.iter() {
        match http_client::build(&http.http, context.overrides) {
            Ok(client) => providers.push(ProviderConfig::Http(Box::new(HttpConfig {
                url: http.url.clone(),
                refresh_interval: http
                    .refresh_interval
                    .to_std()
                    .max(Duration::from_millis(100)),
                client,
                user_agent: context.user_agent.to_owned(),
            }))),
            Err(problem) => refusals.push(JobRefusal::Client { problem }),
        }
    }
    for kubernetes in sd.kubernetes.iter() {
        match kubernetes_config(kubernetes, context) {
            Ok(config) => providers.push(ProviderConfig::Kubernetes(config)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    refusals.extend(
        not_built(sd)
            .into_iter()
            .map(|mechanism| JobRefusal::DiscoveryNotBuilt { mechanism }),
    );
    providers
}

fn pairs(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn kubernetes_config(
    sd: &Kubernetes,
    context: &JobContext<'_>,
) -> Result<KubernetesConfig, JobRefusal> {
    let selector = |selector: &config::prometheus::sd::Selector| {
        let wrong = |error: discovery::kubernetes::SelectorError| JobRefusal::KubernetesSelector {
            problem: error.to_string(),
        };
        Ok(Selector {
            role: role(selector.role.unwrap_or_default())?,
            labels: LabelSelector::parse(&selector.label).map_err(wrong)?,
            fields: FieldSelector::parse(&selector.field).map_err(wrong)?,
        })
    };
    Ok(KubernetesConfig {
        role: role(sd.role.unwrap_or_default())?,
        namespaces: sd.namespaces.names.clone(),
        selectors: sd
            .selectors
            .iter()
            .map(selector)
            .collect::<Result<_, JobRefusal>>()?,
        objects: context.objects.clone(),
    })
}

fn role(role: KubernetesRole) -> Result<Role, JobRefusal> {
    match role {
        KubernetesRole::Pod => Ok(Role::Pod),
        KubernetesRole::Service => Ok(Role::Service),
        KubernetesRole::EndpointSlice => Ok(Role::EndpointSlice),
        KubernetesRole::Node | KubernetesRole::Endpoints | KubernetesRole::Ingress => {
            Err(JobRefusal::KubernetesRoleNotBuilt {
                role: role.as_str(),
            })
        }
    }
}

/// The mechanisms that a job asks for and that no provider here answers.
fn not_built(sd: &Discoveries) -> Vec<&'static str> {
    let asked = [
        ("aws_sd_configs", sd.aws.len()),
        ("azure_sd_configs", sd.azure.len()),
        ("consul_sd_configs", sd.consul.len()),
        ("digitalocean_sd_configs", sd.digitalocean.len()),
        ("dns_sd_configs", sd.dns.len()),
        ("docker_sd_configs", sd.docker.len()),
        ("dockerswarm_sd_configs", sd.dockerswarm.len()),
        ("ec2_sd_configs", sd.ec2.len()),
        ("eureka_sd_configs", sd.eureka.len()),
        ("gce_sd_configs", sd.gce.len()),
        ("hetzner_sd_configs", sd.hetzner.len()),
        ("ionos_sd_configs", sd.ionos.len()),
        ("kuma_sd_configs", sd.kuma.len()),
        ("lightsail_sd_configs", sd.lightsail.len()),
        ("linode_sd_configs", sd.linode.len()),
        ("marathon_sd_configs", sd.marathon.len()),
        ("nerve_sd_configs", sd.nerve.len()),
        ("nomad_sd_configs", sd.nomad.len()),
        ("oci_sd_configs", sd.oci.len()),
        ("openstack_sd_configs", sd.openstack.len()),
        ("outscale_sd_configs", sd.outscale.len()),
        ("ovhcloud_sd_configs", sd.ovhcloud.len()),
        ("puppetdb_sd_configs", sd.puppetdb.len()),
        ("scaleway_sd_configs", sd.scaleway.len()),
        ("serverset_sd_configs", sd.serverset.len()),
        ("stackit_sd_configs", sd.stackit.len()),
        ("triton_sd_configs", sd.triton.len()),
        ("uyuni_sd_configs", sd.uyuni.len()),
        ("vultr_sd_configs", sd.vultr.len()),
    ];
    asked
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(mechanism, _)| mechanism)
        .collect()
}
