//! The running server: all roles that the input asks for, in one process.
//!
//! In reading order: [`options`] (what the command line says), `features`, `input` (files read), `plan` (input
//! checked and turned into parts that can be started: may fail, nothing changed), `jobs`, `groups`,
//! `routing` (one part of the plan each), `tempo`; then what runs: `storage`, `agent` (a log instead of it), `retention`, `compaction` (with `pending_uploads`), `budget` (memory),
//! `targets` (discovery into scrape pools), `queries`, `outgoing`, `alertmanager`, `cluster`, `receivers` (with `aws`, `mail`, `proxy`);
//! `alertmanager_role` (an Alertmanager alone: the same parts, fewer of them); `offline` (a folder without a server), [`pieces`] (parts for other tools); `address`, `web_config` and `serving` answer requests; `running` starts, reloads and stops it all, `signals` too; `sources`
//! shows it to the API, `import` takes in what comes over it; `self_metrics`.
//!
//! A reload is a transaction: [`plan`] may fail and has changed nothing, then the switch cannot fail and
//! touches only what differs.

mod address;
mod agent;
mod alerting_files;
mod alerting_metrics;
mod alerting_tasks;
mod alertmanager;
mod alertmanager_role;
mod alertmanagers;
mod auto_reload;
mod aws;
mod budget;
mod build_info;
mod checks;
mod clock;
mod cluster;
mod compaction;
mod deliveries;
mod event_recorder;
mod exchange;
mod feature_list;
mod features;
mod files;
mod groups;
mod housekeeping;
mod http_client;
mod import;
mod input;
mod jobs;
mod journal;
mod mail;
mod not_built;
mod offline;
mod opened;
mod options;
mod outgoing;
mod pending_uploads;
pub mod pieces;
mod plan;
mod process;
mod proxy;
mod queries;
mod query_settings;
mod receivers;
mod retention;
mod retention_rules;
mod routing;
mod rule_backfill;
mod rule_metrics;
mod rule_stages;
mod running;
mod samples;
mod self_metrics;
mod serving;
mod shown_flags;
mod signals;
mod sources;
mod storage;
mod targets;
mod tempo;
mod traces;
mod web_config;

use std::path::Path;

use diag::Diagnostics;

pub use address::Scheme;
pub use alertmanager_role::{AlertmanagerRole, RunningAlertmanager, start_alertmanager};
pub use alertmanagers::NotificationOptions;
pub use api::ui::UiFile;
pub use api::{Access, CorsOrigin, SearchLimits};
pub use budget::{MemoryBudgetError, MemoryBudgetOption};
pub use cluster::ClusterOptions;
pub use features::Features;
pub use gossip::driver::{MeshOptions, PublicAddress};
pub use journal::{JournalLimits, OfflineJournal};
pub use offline::OfflineData;
pub use options::{
    AgentOptions, AlertmanagerOptions, MetricLabels, Options, QueryOptions, RemoteReadOptions,
    RemoteWriteOptions, RuleOptions, StorageOptions, Switch, Tempo,
};
pub use process::raise_open_files;
pub use remote::write::MessageTypes;
pub use retention_rules::{RetentionRules, RetentionRulesError};
pub use routing::trial::OfflineTrials;
pub use running::{Running, start};
pub use shown_flags::ShownFlags;
pub use tsdb::head::ReplayProgress;
pub use tsdb::log::Compression as LogCompression;

/// Our version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why the server did not start. Nothing runs then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Problems in configuration files or manifests, all of them, with their places.
    #[error("the configuration has errors")]
    Configuration(Diagnostics),
    #[error("{0}")]
    Input(String),
    #[error("opening the data folder {dir}: {problem}")]
    Storage { dir: String, problem: String },
    #[error("listening on {address}: {problem}")]
    Listen { address: String, problem: String },
    #[error(transparent)]
    Mesh(#[from] gossip::driver::MeshError),
    #[error(
        "the data folder {dir} is in use by another process ({problem}); stop it, or choose another folder"
    )]
    Locked { dir: String, problem: String },
}

impl StartError {
    /// One line for each problem.
    pub(crate) fn to_lines(&self) -> String {
        match self {
            Self::Configuration(problems) => {
                let lines: Vec<String> = problems.errors().map(diag::render_line).collect();
                lines.join("\n")
            }
            other => other.to_string(),
        }
    }
}

/// The executor pods of Kasten among the manifests of a folder: name, and address with metrics port.
pub fn executor_pods(folder: &Path) -> Result<Vec<(String, String)>, StartError> {
    let texts = files::manifest_files(&[folder.to_owned()]).map_err(StartError::Input)?;
    let mut pods = Vec::new();
    for (path, text) in texts {
        let (documents, _) = yaml::parse_documents(&diag::Source::new(path, text));
        for pod in documents
            .iter()
            .map(input::to_json)
            .filter(|object| object["kind"] == "Pod")
        {
            if pod["metadata"]["labels"]["component"] != "executor" {
                continue;
            }
            let ports = pod["spec"]["containers"].as_array().into_iter().flatten();
            let ports =
                ports.flat_map(|container| container["ports"].as_array().into_iter().flatten());
            let port = ports
                .filter_map(|port| port["containerPort"].as_u64())
                .find(|port| (8000..9000).contains(port));
            if let (Some(name), Some(address), Some(port)) = (
                pod["metadata"]["name"].as_str(),
                pod["status"]["podIP"].as_str(),
                port,
            ) {
                pods.push((name.to_owned(), format!("{address}:{port}")));
            }
        }
    }
    Ok(pods)
}
