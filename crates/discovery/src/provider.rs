//! The table of providers and the task that runs one.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::file::FileConfig;
use crate::group::TargetGroup;
use crate::http::HttpConfig;
use crate::kubernetes::KubernetesConfig;
use crate::refusal::DiscoveryRefusal;

/// What a provider knows now.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Whether the provider has had a list at all; false until its first answer.
    pub is_complete: bool,
    pub groups: Vec<Arc<TargetGroup>>,
    /// Why the newest refresh failed, if it did. `groups` is then the last good list.
    pub refusal: Option<DiscoveryRefusal>,
    /// Refreshes that failed since the start.
    pub failures: u64,
}

/// A provider with its settings.
#[derive(Clone, Debug)]
pub enum ProviderConfig {
    /// Groups written in the configuration.
    Static(Vec<TargetGroup>),
    File(FileConfig),
    Http(Box<HttpConfig>),
    Kubernetes(KubernetesConfig),
}

impl ProviderConfig {
    /// The mechanism's name as in configuration keys and metrics.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Static(_) => "static",
            Self::File(_) => "file",
            Self::Http(_) => "http",
            Self::Kubernetes(_) => "kubernetes",
        }
    }
}

/// A running provider; dropping it stops the task.
#[derive(Debug)]
pub struct ProviderTask {
    snapshots: watch::Receiver<Snapshot>,
    task: Option<JoinHandle<()>>,
}

impl ProviderTask {
    /// A receiver that sees the newest snapshot.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }
}

impl Drop for ProviderTask {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Starts a provider on the current runtime.
pub fn start(config: ProviderConfig) -> ProviderTask {
    let (publisher, snapshots) = watch::channel(Snapshot::default());
    let task = match config {
        ProviderConfig::Static(groups) => {
            let groups = groups.into_iter().map(Arc::new).collect();
            publisher.send_replace(Snapshot {
                is_complete: true,
                groups,
                ..Snapshot::default()
            });
            None
        }
        ProviderConfig::File(config) => Some(tokio::spawn(crate::file::run(config, publisher))),
        ProviderConfig::Http(config) => Some(tokio::spawn(crate::http::run(*config, publisher))),
        ProviderConfig::Kubernetes(config) => {
            Some(tokio::spawn(crate::kubernetes::run(config, publisher)))
        }
    };
    ProviderTask { snapshots, task }
}

/// Publishes the result of one refresh: a new list, or why there is none.
pub(crate) fn publish(
    publisher: &watch::Sender<Snapshot>,
    refreshed: Result<Vec<TargetGroup>, DiscoveryRefusal>,
) {
    match refreshed {
        Ok(groups) => publisher.send_if_modified(|snapshot| {
            let is_same = snapshot.is_complete
                && snapshot.refusal.is_none()
                && snapshot
                    .groups
                    .iter()
                    .map(|group| &**group)
                    .eq(groups.iter());
            if is_same {
                return false;
            }
            snapshot.is_complete = true;
            snapshot.groups = groups.into_iter().map(Arc::new).collect();
            snapshot.refusal = None;
            true
        }),
        Err(refusal) => publisher.send_if_modified(|snapshot| {
            tracing::warn!(%refusal, "service discovery failed; the last good list stays in use");
            snapshot.failures += 1;
            snapshot.refusal = Some(refusal);
            true
        }),
    };
}
