//! One group of Alertmanagers of the configuration: found by its providers, relabelled, each with a queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::AlertmanagersView;
use config::prometheus::AlertmanagerClient;
use diag::Reason;
use discovery::{ProviderConfig, ProviderTask, Snapshot};
use model::relabel;
use model::{Labels, LabelsBuilder};
use net::HttpClient;
use parking_lot::Mutex;
use rules::SentAlert;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Shared;
use super::endpoint::{Endpoint, Way};
use crate::jobs::{self, JobContext, JobRefusal};
use crate::targets::news;
use crate::{aws, http_client};

const API_PATH: &str = "api/v2/alerts";

/// A set that can be started.
#[derive(Debug)]
pub(crate) struct SetPlan {
    /// Its place in the configuration.
    pub(super) name: String,
    client: HttpClient,
    pub(super) config: AlertmanagerClient,
    providers: Vec<ProviderConfig>,
}

/// What requests are signed for where the configuration names nothing else: as the peer has it.
const SERVICE: &str = "aps";

impl SetPlan {
    /// `index`: its place in the configuration.
    pub(crate) fn new(
        index: usize,
        config: &AlertmanagerClient,
        context: &JobContext<'_>,
        refusals: &mut Vec<JobRefusal>,
    ) -> Option<Self> {
        let client = match &config.sigv4 {
            Some(signing) => {
                let service = match signing.service_name.as_str() {
                    "" => SERVICE,
                    name => name,
                };
                let made = aws::client(service, signing, &config.http, context.overrides);
                made.map(|(client, _)| client)
            }
            None => http_client::build(&config.http, context.overrides),
        };
        let client = match client {
            Ok(client) => client,
            Err(problem) => {
                refusals.push(JobRefusal::Client { problem });
                return None;
            }
        };
        Some(Self {
            name: format!("alertmanagers {index}"),
            client,
            config: config.clone(),
            providers: jobs::providers(&config.discoveries, context, refusals),
        })
    }
}

/// Whom the providers found, as of their last news.
#[derive(Default)]
struct Found {
    endpoints: BTreeMap<String, Endpoint>,
    /// URLs of those that relabelling left out.
    dropped: Vec<String>,
}

/// Ends everything that it started when dropped.
pub(crate) struct Set {
    pub(super) config: AlertmanagerClient,
    found: Arc<Mutex<Found>>,
    /// Dropping a provider stops it.
    _providers: Vec<ProviderTask>,
    feeder: JoinHandle<()>,
}

impl Drop for Set {
    fn drop(&mut self) {
        self.feeder.abort();
    }
}

impl Set {
    pub(super) fn start(plan: SetPlan, shared: Arc<Shared>) -> Self {
        let providers: Vec<ProviderTask> =
            plan.providers.into_iter().map(discovery::start).collect();
        let found = Arc::new(Mutex::new(Found::default()));
        let config = plan.config.clone();
        let mut feeder = Feeder {
            name: plan.name,
            client: plan.client,
            config: plan.config,
            snapshots: providers.iter().map(ProviderTask::snapshots).collect(),
            found: Arc::clone(&found),
            shared,
        };
        // At once: alerts do not wait for the task.
        feeder.feed();
        Self {
            config,
            found,
            _providers: providers,
            feeder: tokio::spawn(feeder.run()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.found.lock().endpoints.len()
    }

    pub(super) fn send(&self, alerts: &[SentAlert]) {
        let relabelled: Vec<SentAlert>;
        let rules = &self.config.alert_relabel_configs.rules;
        let alerts = if rules.is_empty() {
            alerts
        } else {
            let kept = alerts.iter().filter_map(|alert| {
                let labels = relabel::apply(rules, &alert.labels)?;
                Some(SentAlert {
                    labels,
                    ..alert.clone()
                })
            });
            relabelled = kept.collect();
            &relabelled
        };
        if alerts.is_empty() {
            return;
        }
        for endpoint in self.found.lock().endpoints.values() {
            endpoint.send(alerts);
        }
    }

    pub(super) fn show(&self, view: &mut AlertmanagersView) {
        let found = self.found.lock();
        view.active.extend(found.endpoints.keys().cloned());
        view.dropped.extend(found.dropped.iter().cloned());
    }

    /// URLs, and how many alerts wait there.
    pub(super) fn each_queue(&self, mut each: impl FnMut(&str, usize)) {
        for (url, endpoint) in &self.found.lock().endpoints {
            each(url, endpoint.waiting());
        }
    }

    /// For the end, when nothing is added any more.
    pub(super) fn take_endpoints(&mut self) -> Vec<Endpoint> {
        self.feeder.abort();
        let endpoints = std::mem::take(&mut self.found.lock().endpoints);
        endpoints.into_values().collect()
    }
}

struct Feeder {
    name: String,
    client: HttpClient,
    config: AlertmanagerClient,
    snapshots: Vec<watch::Receiver<Snapshot>>,
    found: Arc<Mutex<Found>>,
    shared: Arc<Shared>,
}

impl Feeder {
    async fn run(mut self) {
        loop {
            news(&mut self.snapshots).await;
            self.feed();
        }
    }

    fn feed(&mut self) {
        let (mut active, mut dropped) = (Vec::new(), Vec::new());
        for snapshots in &mut self.snapshots {
            let snapshot = snapshots.borrow_and_update();
            if let Some(refusal) = &snapshot.refusal {
                let now = self.shared.clock.now().millis();
                let reasons = &self.shared.reasons;
                reasons.record(now, &self.name, refusal as &dyn Reason);
            }
            for group in &snapshot.groups {
                for target in &group.targets {
                    match place(&self.config, target, &group.labels) {
                        Place::Active(url) => active.push(url),
                        Place::Dropped(url) => dropped.push(url),
                        Place::Nowhere => {}
                    }
                }
            }
        }
        let mut found = self.found.lock();
        let mut old = std::mem::take(&mut found.endpoints);
        for url in active {
            let endpoint = old.remove(&url);
            found.endpoints.entry(url).or_insert_with_key(|url| {
                endpoint.unwrap_or_else(|| {
                    let way = Way {
                        client: self.client.clone(),
                        timeout: self.config.timeout.to_std(),
                    };
                    Endpoint::start(url, way, Arc::clone(&self.shared))
                })
            });
        }
        found.dropped = dropped;
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Active(String),
    /// By relabelling; the URL is the one before.
    Dropped(String),
    /// Without an address.
    Nowhere,
}

/// Where an Alertmanager is that a provider found.
pub(super) fn place(config: &AlertmanagerClient, target: &Labels, group: &Labels) -> Place {
    let mut labels = target.to_builder();
    labels.set("__scheme__", config.scheme.as_str());
    let prefix = config.path_prefix.trim_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    labels.set("__alerts_path__", format!("/{prefix}{slash}{API_PATH}"));
    for (name, value) in group {
        if !labels.contains(name) {
            labels.set(name, value);
        }
    }
    let before = labels.build();
    match relabel::apply(&config.relabel_configs.rules, &before) {
        None => Place::Dropped(url(&before.to_builder())),
        Some(after) if !after.contains("__address__") => Place::Nowhere,
        Some(after) => Place::Active(url(&after.to_builder())),
    }
}

fn url(labels: &LabelsBuilder) -> String {
    let [scheme, address, path] =
        ["__scheme__", "__address__", "__alerts_path__"].map(|name| labels.get(name));
    format!("{scheme}://{address}{path}")
}
