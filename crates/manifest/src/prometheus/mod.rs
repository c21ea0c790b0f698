//! A Prometheus object and what it selected, to `prometheus.yaml`.
//!
//! The tree is the one that the operator writes, field by field; the caller loads it with the same
//! strict reader as a file. Fields that the Prometheus version does not know are left out with a
//! warning.

mod alerting;
mod discovery;
mod generator;
mod global;
mod http;
mod kubernetes_sd;
mod otlp;
mod pod_monitor;
mod probe;
mod relabel;
mod remote;
mod scrape_config;
mod server;
mod service_monitor;
mod sharding;
mod storage;

pub(crate) use discovery::{DISCOVERIES, Step};
pub use generator::{DEFAULT_PROMETHEUS_VERSION, Features};
pub(crate) use generator::{Generator, prometheus_version};
pub(crate) use global::check_timeout;
pub(crate) use server::RULES_FOLDER;
pub use server::{Additional, Jobs};

use diag::Diagnostics;
use yaml::Value;

use crate::assets::{AssetFile, Assets};
use crate::object::{Kind, Object};
use crate::problem::{Checked, Problem};

/// What the configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Server,
    /// Scrapes and forwards; has no rules, alerts or queries.
    Agent,
}

impl Mode {
    pub fn of(workload: &Object) -> Self {
        if workload.kind == Kind::PrometheusAgent {
            Self::Agent
        } else {
            Self::Server
        }
    }
}

/// Everything that goes into one Prometheus configuration. Nothing is selected or checked here: every
/// object given is used.
#[derive(Clone, Debug)]
pub struct PrometheusInput<'a> {
    pub mode: Mode,
    pub workload: &'a Object,
    pub jobs: Jobs<'a>,
    pub assets: &'a Assets,
    pub additional: Additional,
    /// Names of the folders (ConfigMaps of the operator) with rule files.
    pub rule_folders: Vec<String>,
    pub features: Features,
}

/// A generated configuration.
#[derive(Clone, Debug)]
pub struct Generated {
    /// With `$(POD_NAME)`, `$(SHARD)` and the like, which are replaced where it is used.
    pub config: Value,
    /// TLS files that the configuration names, in `/etc/prometheus/certs`.
    pub files: Vec<AssetFile>,
    /// Fields left out because the version does not know them.
    pub warnings: Diagnostics,
}

/// Generates the configuration of a server or an agent.
pub fn generate(input: &PrometheusInput<'_>) -> Result<Generated, Problem> {
    let generator = Generator::new(input.workload, input.assets, input.features)?;
    let config = match input.mode {
        Mode::Agent => generator.agent(&input.jobs, &input.additional),
        Mode::Server => generator.server(&input.jobs, &input.additional, &input.rule_folders),
    };
    let files = input.assets.take_files();
    Ok(Generated {
        config: config?,
        files,
        warnings: generator.take_warnings(),
    })
}

/// Whether a monitor, Probe or ScrapeConfig can be used by the workload that selected it.
pub fn check_selected(workload: &Object, object: &Object, assets: &Assets) -> Checked {
    let generator = Generator::new(workload, assets, Features::default())?;
    let checker = crate::check::Checker {
        assets,
        version: &generator.version,
        namespace: object.namespace(),
        workload: workload.spec(),
    };
    checker.check(object)
}
