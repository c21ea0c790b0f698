//! The targets of one job.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use model::Labels;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::config::PoolConfig;
use crate::cycle::TargetState;
use crate::fetch::Fetch;
use crate::metadata::MetadataStore;
use crate::refusal::{ScrapeRefusal, TargetRefusal};
use crate::status::{DroppedTarget, LastScrape, TargetStatus};
use crate::target::{Resolution, Target, TargetGroup, discovered_labels, resolve};
use crate::target_loop::{Shared, Signal, TargetLoop};

/// What a reload replaces as a whole; loops look at it once per scrape.
pub(crate) struct PoolState {
    pub(crate) config: Arc<PoolConfig>,
    pub(crate) fetch: Arc<dyn Fetch>,
    /// Set while the pool has more targets than it may have: all scrapes fail with it.
    pub(crate) target_limit: Option<ScrapeRefusal>,
}

/// What the loops of a pool share.
pub(crate) struct PoolShared {
    pub(crate) state: ArcSwap<PoolState>,
    /// Public labels of the targets that are scraped now.
    scraped: Mutex<HashSet<Labels>>,
}

impl PoolShared {
    pub(crate) fn is_scraped(&self, labels: &Labels) -> bool {
        self.scraped.lock().contains(labels)
    }
}

struct Running {
    state: Arc<TargetState>,
    signal: watch::Sender<Signal>,
}

pub(crate) struct Pool {
    shared: Arc<PoolShared>,
    /// By target hash.
    running: BTreeMap<u64, Running>,
    dropped: Vec<DroppedTarget>,
    dropped_count: usize,
    groups: Arc<[TargetGroup]>,
}

/// What starting a loop needs of the outside.
pub(crate) struct Launcher<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) runtime: &'a tokio::runtime::Handle,
    pub(crate) alive: &'a mpsc::Sender<()>,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig, fetch: Arc<dyn Fetch>) -> Self {
        let state = PoolState {
            config: Arc::new(config),
            fetch,
            target_limit: None,
        };
        Self {
            shared: Arc::new(PoolShared {
                state: ArcSwap::from_pointee(state),
                scraped: Mutex::default(),
            }),
            running: BTreeMap::new(),
            dropped: Vec::new(),
            dropped_count: 0,
            groups: Arc::from([]),
        }
    }

    pub(crate) fn config(&self) -> Arc<PoolConfig> {
        Arc::clone(&self.shared.state.load().config)
    }

    /// Takes a new configuration. Targets that stay the same go on as they are; without a change nothing
    /// is touched at all.
    pub(crate) fn apply(
        &mut self,
        config: PoolConfig,
        fetch: Arc<dyn Fetch>,
        launcher: &Launcher<'_>,
    ) {
        if *self.config() == config {
            return;
        }
        self.shared.state.store(Arc::new(PoolState {
            config: Arc::new(config),
            fetch,
            target_limit: None,
        }));
        let groups = Arc::clone(&self.groups);
        self.sync(groups, launcher);
    }

    /// Takes the groups that discovery knows now: starts new targets, stops those that are gone.
    pub(crate) fn sync(&mut self, groups: Arc<[TargetGroup]>, launcher: &Launcher<'_>) {
        let config = self.config();
        self.dropped.clear();
        self.dropped_count = 0;
        let mut wanted: BTreeMap<u64, (Target, Labels)> = BTreeMap::new();
        for group in groups.iter() {
            for labels in &group.targets {
                let discovered = discovered_labels(&config, labels, &group.labels);
                let refusal = match resolve(&config, &discovered) {
                    Resolution::Refused(refusal) => refusal,
                    Resolution::Target(target) => {
                        let hash = target.hash();
                        if let std::collections::btree_map::Entry::Vacant(place) =
                            wanted.entry(hash)
                        {
                            place.insert((*target, discovered));
                            continue;
                        }
                        TargetRefusal::Duplicate
                    }
                };
                self.refuse(&config, group, discovered, refusal, launcher.shared);
            }
        }
        self.groups = groups;
        self.replace(wanted, launcher);
        self.check_target_limit(&config, launcher.shared);
        launcher.shared.stats.syncs.add(1);
    }

    fn refuse(
        &mut self,
        config: &PoolConfig,
        group: &TargetGroup,
        discovered_labels: Labels,
        refusal: TargetRefusal,
        shared: &Shared,
    ) {
        let subject = format!("{} {discovered_labels}", config.job_name);
        let now = shared.clock.now();
        shared.reasons.record(now.0, &subject, &refusal);
        match refusal {
            TargetRefusal::DroppedByRelabelling { .. } | TargetRefusal::NoLabels => {
                self.dropped_count += 1;
            }
            TargetRefusal::Duplicate => {}
            _ => {
                shared.stats.targets_failed.add(1);
                tracing::error!(job = config.job_name, group = group.source, error = %refusal, "creating target failed");
            }
        }
        let kept_max = config.limits.kept_dropped_targets;
        if kept_max == 0 || self.dropped.len() < kept_max {
            self.dropped.push(DroppedTarget {
                job: config.job_name.clone(),
                source: group.source.clone(),
                discovered_labels,
                refusal,
            });
        }
    }

    fn replace(&mut self, wanted: BTreeMap<u64, (Target, Labels)>, launcher: &Launcher<'_>) {
        *self.shared.scraped.lock() = wanted
            .values()
            .map(|(target, _)| target.labels().clone())
            .collect();
        self.running.retain(|hash, running| {
            let stays = wanted.contains_key(hash);
            if !stays {
                running.signal.send_replace(Signal::Removed);
            }
            stays
        });
        for (hash, (target, discovered)) in wanted {
            match self.running.get(&hash) {
                Some(running) => *running.state.discovered.lock() = discovered,
                None => {
                    self.running
                        .insert(hash, self.start(target, discovered, launcher));
                }
            }
        }
    }

    fn start(&self, target: Target, discovered: Labels, launcher: &Launcher<'_>) -> Running {
        let state = Arc::new(TargetState {
            target,
            discovered: Mutex::new(discovered),
            last: Mutex::new(LastScrape::default()),
            metadata: Mutex::new(MetadataStore::default()),
            intervals_missed: AtomicU64::new(0),
        });
        let (signal, receiver) = watch::channel(Signal::Run);
        let task = TargetLoop {
            shared: Arc::clone(launcher.shared),
            pool: Arc::clone(&self.shared),
            state: Arc::clone(&state),
            signal: receiver,
            alive: launcher.alive.clone(),
        };
        launcher.runtime.spawn(task.run());
        Running { state, signal }
    }

    fn check_target_limit(&self, config: &PoolConfig, shared: &Shared) {
        let (targets, limit) = (self.running.len(), config.limits.targets);
        let refusal =
            (limit > 0 && targets > limit).then_some(ScrapeRefusal::TargetLimit { targets, limit });
        let state = self.shared.state.load();
        if let Some(refusal) = &refusal {
            shared.stats.target_limit_exceeded.add(1);
            let now = shared.clock.now();
            shared.reasons.record(now.0, &config.job_name, refusal);
        }
        if state.target_limit != refusal {
            self.shared.state.store(Arc::new(PoolState {
                config: Arc::clone(&state.config),
                fetch: Arc::clone(&state.fetch),
                target_limit: refusal,
            }));
        }
    }

    /// Stops all targets; their series are ended later.
    pub(crate) fn remove(&mut self) {
        self.shared.scraped.lock().clear();
        for running in std::mem::take(&mut self.running).into_values() {
            running.signal.send_replace(Signal::Removed);
        }
    }

    /// By URL, then labels.
    pub(crate) fn active(&self) -> Vec<TargetStatus> {
        let config = self.config();
        let mut targets: Vec<TargetStatus> = self
            .states()
            .map(|state| TargetStatus {
                job: config.job_name.clone(),
                discovered_labels: state.discovered.lock().clone(),
                labels: state.target.labels().clone(),
                scrape_url: state.target.url().to_owned(),
                interval: state.target.interval(),
                timeout: state.target.timeout(),
                last: state.last.lock().clone(),
                intervals_missed: state.intervals_missed.load(Ordering::Relaxed),
            })
            .collect();
        targets.sort_by(|left, right| {
            (&left.scrape_url, &left.labels).cmp(&(&right.scrape_url, &right.labels))
        });
        targets
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &Arc<TargetState>> {
        self.running.values().map(|running| &running.state)
    }

    pub(crate) fn dropped(&self) -> (&[DroppedTarget], usize) {
        (&self.dropped, self.dropped_count)
    }
}
