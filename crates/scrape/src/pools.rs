//! All jobs: what the server talks to.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::ReasonBook;
use model::storage::SampleWriter;
use model::{Clock, Labels, Metadata};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::config::PoolConfig;
use crate::fetch::Fetch;
use crate::metadata::MetadataEntry;
use crate::pool::{Launcher, Pool};
use crate::reuse::Shelf;
use crate::stats::{Stats, StatsSnapshot};
use crate::status::{DroppedTarget, RelabelTrace, TargetStatus};
use crate::target::{TargetGroup, relabel_steps};
use crate::target_loop::Shared;

/// What holds for all jobs.
#[derive(Clone, Debug)]
pub struct ScrapeOptions {
    /// Differs between replicas, so that they scrape at different times.
    pub offset_seed: u64,
    /// Put timestamps that are close to the schedule on it.
    pub align_timestamps: bool,
    pub user_agent: String,
    /// How many pages are read at a time; as many as there are processors.
    pub readers_max: usize,
}

impl Default for ScrapeOptions {
    fn default() -> Self {
        Self {
            offset_seed: 0,
            align_timestamps: true,
            user_agent: concat!("Keepwatch/", env!("CARGO_PKG_VERSION")).to_owned(),
            readers_max: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// What scraping works with.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "traits without Debug")]
pub struct Collaborators {
    pub writer: Arc<dyn SampleWriter>,
    pub clock: Arc<dyn Clock>,
    pub reasons: Arc<ReasonBook>,
    /// Where the tasks of targets run.
    pub runtime: tokio::runtime::Handle,
}

/// One job of a configuration.
#[expect(missing_debug_implementations, reason = "a trait without Debug")]
pub struct PoolSetup {
    pub config: PoolConfig,
    pub fetch: Arc<dyn Fetch>,
}

/// All jobs. Methods are quick and may be called from anywhere.
pub struct Pools {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    /// By job name.
    pools: Mutex<BTreeMap<String, Pool>>,
    shutdown: watch::Sender<bool>,
    alive: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pools")
            .field("jobs", &self.jobs())
            .finish_non_exhaustive()
    }
}

impl Pools {
    /// No jobs yet.
    pub fn new(collaborators: Collaborators, options: ScrapeOptions) -> Self {
        let (shutdown, receiver) = watch::channel(false);
        let readers_max = options.readers_max.max(1);
        let shared = Shared {
            writer: collaborators.writer,
            clock: collaborators.clock,
            reasons: collaborators.reasons,
            stats: Stats::default(),
            bodies: Shelf::new(readers_max * 8),
            workspaces: Shelf::new(readers_max),
            readers: Semaphore::new(readers_max),
            shutdown: receiver,
            options,
        };
        Self {
            shared: Arc::new(shared),
            runtime: collaborators.runtime,
            pools: Mutex::default(),
            shutdown,
            alive: Mutex::new(Some(mpsc::channel(1))),
        }
    }

    /// Runs `change` with what it takes to start targets; not at all once stopped.
    fn with_launcher(&self, change: impl FnOnce(&mut BTreeMap<String, Pool>, &Launcher<'_>)) {
        let Some(alive) = self.alive.lock().as_ref().map(|(sender, _)| sender.clone()) else {
            return;
        };
        let launcher = Launcher {
            shared: &self.shared,
            runtime: &self.runtime,
            alive: &alive,
        };
        change(&mut self.pools.lock(), &launcher);
    }

    /// Takes a configuration: jobs that it does not have are removed, new ones are added without
    /// targets, changed ones are changed, and the others are not touched.
    pub fn apply(&self, setups: Vec<PoolSetup>) {
        self.with_launcher(|pools, launcher| {
            pools.retain(|job, pool| {
                let stays = setups.iter().any(|setup| setup.config.job_name == *job);
                if !stays {
                    pool.remove();
                }
                stays
            });
            for setup in setups {
                match pools.get_mut(&setup.config.job_name) {
                    Some(pool) => pool.apply(setup.config, setup.fetch, launcher),
                    None => {
                        let job = setup.config.job_name.clone();
                        pools.insert(job, Pool::new(setup.config, setup.fetch));
                    }
                }
            }
        });
    }

    /// Takes all groups that discovery has for a job now. An unknown job is ignored: discovery may be
    /// one reload behind.
    pub fn sync(&self, job: &str, groups: Vec<TargetGroup>) {
        self.with_launcher(|pools, launcher| {
            if let Some(pool) = pools.get_mut(job) {
                pool.sync(groups.into(), launcher);
            }
        });
    }

    /// Names of the jobs, sorted.
    pub fn jobs(&self) -> Vec<String> {
        self.pools.lock().keys().cloned().collect()
    }

    pub fn config(&self, job: &str) -> Option<Arc<PoolConfig>> {
        self.pools.lock().get(job).map(Pool::config)
    }

    /// Targets that are scraped, by job.
    pub fn active(&self) -> BTreeMap<String, Vec<TargetStatus>> {
        let pools = self.pools.lock();
        pools
            .iter()
            .map(|(job, pool)| (job.clone(), pool.active()))
            .collect()
    }

    /// Targets that are not scraped, by job, with how many relabelling dropped (of which some may not
    /// be kept).
    pub fn dropped(&self) -> BTreeMap<String, (Vec<DroppedTarget>, usize)> {
        let pools = self.pools.lock();
        pools
            .iter()
            .map(|(job, pool)| {
                let (kept, count) = pool.dropped();
                (job.clone(), (kept.to_vec(), count))
            })
            .collect()
    }

    /// What the relabelling rules of a job do to a target with these discovered labels.
    pub fn relabel_trace(&self, job: &str, discovered: &Labels) -> Option<RelabelTrace> {
        let config = self.config(job)?;
        Some(RelabelTrace {
            discovered_labels: discovered.clone(),
            steps: relabel_steps(&config, discovered),
        })
    }

    /// Metadata of all targets, with the labels of the target.
    pub fn metadata(&self) -> Vec<(Labels, Vec<MetadataEntry>)> {
        let pools = self.pools.lock();
        pools
            .values()
            .flat_map(Pool::states)
            .map(|state| {
                (
                    state.target.labels().clone(),
                    state.metadata.lock().entries(),
                )
            })
            .collect()
    }

    /// Metadata of one family from any target of a job that has it.
    pub fn family_metadata(&self, job: &str, family: &str) -> Option<Metadata> {
        let pools = self.pools.lock();
        pools
            .get(job)?
            .states()
            .find_map(|state| state.metadata.lock().get(family))
    }

    /// Families, and bytes of their texts, of each job: the size of the metadata cache.
    pub fn metadata_sizes(&self) -> BTreeMap<String, (usize, usize)> {
        let pools = self.pools.lock();
        let of_pool = |pool: &Pool| {
            pool.states().fold((0, 0), |(families, bytes), state| {
                let size = state.metadata.lock().size();
                (families + size.0, bytes + size.1)
            })
        };
        pools
            .iter()
            .map(|(job, pool)| (job.clone(), of_pool(pool)))
            .collect()
    }

    /// Gives back memory that is kept for the next scrapes.
    pub fn shed(&self) {
        self.shared.bodies.clear();
        self.shared.workspaces.clear();
    }

    pub fn stats(&self) -> StatsSnapshot {
        self.shared.stats.snapshot()
    }

    /// Stops all targets without ending their series, because scraping goes on after a restart. Returns
    /// once nothing is written any more.
    pub async fn stop(&self) {
        self.shutdown.send_replace(true);
        let alive = self.alive.lock().take();
        if let Some((sender, mut receiver)) = alive {
            drop(sender);
            // Ends when the last task has dropped its sender.
            while receiver.recv().await.is_some() {}
        }
    }
}
