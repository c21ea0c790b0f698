//! When groups are evaluated: one task per group, aligned so that groups spread over their interval.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Clock, Duration, Labels, Timestamp};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::environment::Environment;
use crate::group::{EvaluationCounts, Group, GroupView};
use crate::spec::GroupSpec;

/// Called after each evaluation of a group, for counters.
pub type Observer = Arc<dyn Fn(&GroupView, EvaluationCounts) + Send + Sync>;

/// Newest views by file and name.
type ViewMap = HashMap<(String, String), Arc<GroupView>>;

/// All groups and their tasks.
pub struct Schedule {
    clock: Arc<dyn Clock>,
    /// How many groups are evaluated at once.
    places: Arc<Semaphore>,
    observer: Observer,
    running: HashMap<(String, String), Running>,
    views: Arc<RwLock<ViewMap>>,
    /// Groups that were removed a short while ago.
    ending: JoinSet<()>,
    /// Whether the first groups came. Those that come later had no earlier run.
    has_groups: bool,
}

/// How many of its intervals later the series of a removed group end. If its rules only moved to another group, that
/// one has written newer samples by then, and nothing ends.
const END_AFTER_INTERVALS: i64 = 2;

struct Running {
    spec: GroupSpec,
    settings: crate::environment::Settings,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Group>,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schedule({} groups)", self.running.len())
    }
}

/// Reads the newest views without waiting for evaluations.
#[derive(Clone, Debug, Default)]
pub struct Views(Arc<RwLock<ViewMap>>);

impl Views {
    /// All groups, by file and name.
    pub fn all(&self) -> Vec<Arc<GroupView>> {
        let mut views: Vec<_> = self.0.read().values().cloned().collect();
        views.sort_by(|a, b| a.spec.key().cmp(&b.spec.key()));
        views
    }
}

impl Schedule {
    pub fn new(clock: Arc<dyn Clock>, concurrent_max: usize, observer: Observer) -> Self {
        Self {
            clock,
            places: Arc::new(Semaphore::new(concurrent_max.max(1))),
            observer,
            running: HashMap::new(),
            views: Arc::default(),
            ending: JoinSet::new(),
            has_groups: false,
        }
    }

    pub fn views(&self) -> Views {
        Views(Arc::clone(&self.views))
    }

    /// Makes these groups run. Groups that did not change go on untouched; changed ones keep the state
    /// of their unchanged rules; the series of removed ones end.
    pub async fn update(&mut self, groups: Vec<GroupSpec>, environment: &Environment) {
        let mut old = std::mem::take(&mut self.running);
        for spec in groups {
            let key = (spec.file.clone(), spec.name.clone());
            let previous = old.remove(&key);
            if let Some(previous) = previous {
                if previous.spec == spec
                    && previous.settings == environment.settings
                    && !previous.task.is_finished()
                {
                    self.running.insert(key, previous);
                    continue;
                }
                let mut group = Group::new(spec);
                if let Some(stopped) = previous.stop().await {
                    group.adopt(stopped);
                }
                self.start(key, group, environment);
            } else {
                let mut group = Group::new(spec);
                if self.has_groups {
                    group.skip_restoring();
                }
                self.start(key, group, environment);
            }
        }
        self.has_groups = true;
        while self.ending.try_join_next().is_some() {}
        for (key, removed) in old {
            self.views.write().remove(&key);
            if let Some(group) = removed.stop().await {
                let wait = group.spec.interval * END_AFTER_INTERVALS;
                self.end(group, wait, environment.clone());
            }
        }
    }

    /// Ends the series of a removed group at the time of its removal, a while later.
    fn end(&mut self, group: Group, wait: Duration, environment: Environment) {
        let removed_at = self.clock.now();
        self.ending.spawn(async move {
            tokio::time::sleep(wait.to_std()).await;
            let ended = tokio::task::spawn_blocking(move || group.end(&environment, removed_at));
            if let Err(error) = ended.await {
                tracing::error!(%error, "ending the series of a removed rule group panicked");
            }
        });
    }

    /// Stops all tasks after the evaluations that are under way. Series do not end: after a restart they
    /// go on.
    pub async fn stop(&mut self) {
        self.ending.abort_all();
        for (_, running) in self.running.drain() {
            running.stop().await;
        }
    }

    fn start(&mut self, key: (String, String), group: Group, environment: &Environment) {
        let (stop, stopped) = oneshot::channel();
        let spec = group.spec.clone();
        self.views
            .write()
            .insert(key.clone(), Arc::new(group.view()));
        let runner = Runner {
            spec: spec.clone(),
            group,
            environment: environment.for_group(&spec),
            clock: Arc::clone(&self.clock),
            places: Arc::clone(&self.places),
            observer: Arc::clone(&self.observer),
            views: Arc::clone(&self.views),
        };
        let task = tokio::spawn(runner.run(stopped));
        self.running.insert(
            key,
            Running {
                spec,
                settings: environment.settings.clone(),
                stop,
                task,
            },
        );
    }
}

impl Running {
    async fn stop(self) -> Option<Group> {
        // Nobody listens if the task ended by itself.
        let _ = self.stop.send(());
        self.task.await.ok()
    }
}

/// One group's task.
struct Runner {
    spec: GroupSpec,
    group: Group,
    environment: Environment,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    observer: Observer,
    views: Arc<RwLock<ViewMap>>,
}

impl Runner {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) -> Group {
        let mut next = first_time(&self.spec, self.clock.now());
        loop {
            let wait = next.since(self.clock.now()).to_std();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = &mut stopped => return self.group,
            }
            if next > self.clock.now() {
                // The timer ran ahead of the clock.
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return self.group;
            };
            let environment = self.environment.clone();
            let places = Arc::clone(&self.places);
            let mut group = self.group;
            let evaluated = tokio::task::spawn_blocking(move || {
                let counts = group.evaluate_at_once(&environment, next, Some(&places));
                (group, counts)
            });
            match evaluated.await {
                Ok((group, counts)) => {
                    self.group = group;
                    self.publish(counts);
                }
                Err(error) => {
                    // A bug in a rule's evaluation: the group starts over, the program lives.
                    tracing::error!(%error, "evaluating a rule group panicked; the group starts anew");
                    self.group = Group::new(self.spec.clone());
                }
            }
            drop(place);
            next = self.next_time(next);
        }
    }

    fn publish(&self, counts: EvaluationCounts) {
        let view = Arc::new(self.group.view());
        (self.observer)(&view, counts);
        let key = (view.spec.file.clone(), view.spec.name.clone());
        self.views.write().insert(key, view);
    }

    /// The time after `last`; times that have passed already are missed.
    fn next_time(&mut self, last: Timestamp) -> Timestamp {
        let interval = self.spec.interval;
        let late = self.clock.now().since(last + interval);
        let missed = late.millis().max(0) / interval.millis().max(1);
        if missed > 0 {
            self.group.count_missed(missed);
        }
        last + interval * (missed + 1)
    }
}

/// The first evaluation at or after `now`: groups are spread over their interval by a hash of their
/// name, and stay at their place over restarts.
pub fn first_time(spec: &GroupSpec, now: Timestamp) -> Timestamp {
    let interval = spec.interval.millis().max(1);
    let hash =
        Labels::from_pairs([("name", spec.name.as_str()), ("file", spec.file.as_str())]).xxhash();
    let offset = i64::try_from(hash % interval.unsigned_abs()).unwrap_or(0);
    let base = now.millis() - now.millis().rem_euclid(interval);
    let time = base + offset;
    Timestamp(if time < now.millis() {
        time + interval
    } else {
        time
    })
}
