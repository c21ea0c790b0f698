//! Discovery into scrape pools: providers run, and every new list reaches its pool.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Reason, ReasonBook};
use discovery::{ProviderTask, Snapshot};
use model::Clock;
use scrape::{PoolSetup, Pools};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http_client::PageFetcher;
use crate::jobs::JobPlan;

/// The providers of all jobs.
pub(crate) struct Targets {
    pools: Arc<Pools>,
    page_bytes_max: usize,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
    jobs: BTreeMap<String, JobDiscovery>,
}

impl std::fmt::Debug for Targets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Targets({} jobs)", self.jobs.len())
    }
}

struct JobDiscovery {
    key: String,
    /// Dropping a provider stops it.
    _providers: Vec<ProviderTask>,
    feeder: JoinHandle<()>,
}

impl Drop for JobDiscovery {
    fn drop(&mut self) {
        self.feeder.abort();
    }
}

impl Targets {
    /// `page_bytes_max`: of a page for which no limit is configured.
    pub(crate) fn new(
        pools: Arc<Pools>,
        page_bytes_max: usize,
        clock: Arc<dyn Clock>,
        reasons: Arc<ReasonBook>,
    ) -> Self {
        Self {
            pools,
            page_bytes_max,
            clock,
            reasons,
            jobs: BTreeMap::new(),
        }
    }

    /// Puts these jobs in place. Jobs whose discovery did not change keep their providers and lists.
    pub(crate) fn apply(&mut self, plans: Vec<JobPlan>) {
        let setup = |plan: &JobPlan| PoolSetup {
            config: plan.pool.clone(),
            fetch: Arc::new(PageFetcher {
                client: plan.client.clone(),
                page_bytes_max: self.page_bytes_max,
            }),
        };
        self.pools.apply(plans.iter().map(setup).collect());
        let mut old = std::mem::take(&mut self.jobs);
        for plan in plans {
            let name = plan.pool.job_name.clone();
            let kept = old
                .remove(&name)
                .filter(|job| job.key == plan.discovery_key);
            let job = kept.unwrap_or_else(|| self.start(plan));
            self.jobs.insert(name, job);
        }
    }

    fn start(&self, plan: JobPlan) -> JobDiscovery {
        let providers: Vec<ProviderTask> =
            plan.providers.into_iter().map(discovery::start).collect();
        let snapshots = providers.iter().map(ProviderTask::snapshots).collect();
        let feeder = Feeder {
            job: plan.pool.job_name,
            snapshots,
            pools: Arc::clone(&self.pools),
            clock: Arc::clone(&self.clock),
            reasons: Arc::clone(&self.reasons),
        };
        JobDiscovery {
            key: plan.discovery_key,
            _providers: providers,
            feeder: tokio::spawn(feeder.run()),
        }
    }
}

/// Merges the lists of a job's providers.
struct Feeder {
    job: String,
    snapshots: Vec<watch::Receiver<Snapshot>>,
    pools: Arc<Pools>,
    clock: Arc<dyn Clock>,
    reasons: Arc<ReasonBook>,
}

impl Feeder {
    async fn run(mut self) {
        loop {
            self.feed();
            news(&mut self.snapshots).await;
        }
    }

    fn feed(&mut self) {
        let mut groups = Vec::new();
        for snapshots in &mut self.snapshots {
            let snapshot = snapshots.borrow_and_update();
            if let Some(refusal) = &snapshot.refusal {
                self.reasons
                    .record(self.clock.now().millis(), &self.job, refusal as &dyn Reason);
            }
            groups.extend(snapshot.groups.iter().map(|group| scrape::TargetGroup {
                source: group.source.clone(),
                labels: group.labels.clone(),
                targets: group.targets.clone(),
            }));
        }
        self.pools.sync(&self.job, groups);
    }
}

/// Waits until one of the providers has news; for ever, if there is none, or none that will have any: then
/// the lists stay.
pub(crate) async fn news(snapshots: &mut [watch::Receiver<Snapshot>]) {
    let changes = snapshots
        .iter_mut()
        .map(|snapshots| Box::pin(snapshots.changed()));
    let changes: Vec<_> = changes.collect();
    if changes.is_empty() || first(changes).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until one of the receivers has news. An error means that one will never have any; the others
/// are not waited for then, so static lists must come without a sender that is dropped.
async fn first<F: Future<Output = Result<(), watch::error::RecvError>> + Unpin>(
    mut futures: Vec<F>,
) -> Result<(), ()> {
    std::future::poll_fn(move |context| {
        let mut is_any_open = false;
        for future in &mut futures {
            match std::pin::Pin::new(future).poll(context) {
                std::task::Poll::Ready(Ok(())) => return std::task::Poll::Ready(Ok(())),
                std::task::Poll::Ready(Err(_)) => {}
                std::task::Poll::Pending => is_any_open = true,
            }
        }
        if is_any_open {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(Err(()))
        }
    })
    .await
}
