//! The step function. State is here; what happens on the way is in `ingest` (alerts into groups), `pipeline`
//! (a flush through its stages), `sending` (a notification through its attempts), `recording` (what the event
//! recorder is told) and [`acknowledging`] (silences
//! that hold while an alert fires).

pub mod acknowledging;
mod ingest;
mod pipeline;
mod recording;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::{Duration, Labels, Timestamp};

use crate::about::Commons;
use crate::alert::Fingerprint;
use crate::backoff::RandomNumbers;
use crate::config::{Config, ReceiverSpec, Settings};
use crate::event::Event;
use crate::flush::{Flush, Pending, Stage};
use crate::group::Group;
use crate::inhibit::Inhibitor;
use crate::io::{Action, Input};
use crate::measure::Stopwatch;
use crate::nflog::{NotificationLog, StoredEntry};
use crate::reason::NotNotified;
use crate::route::{Route, RouteTree};
use crate::silences::{Silences, StoredSilence};
use crate::stats::{LogStats, SilenceStats, Stats};
use crate::stopped::Stopped;
use crate::store::AlertStore;

/// A configuration with its routing tree.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) config: Arc<Config>,
    pub(crate) tree: RouteTree,
    receivers: BTreeMap<Arc<str>, usize>,
}

impl Compiled {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let receivers = config
            .receivers
            .iter()
            .enumerate()
            .map(|(index, receiver)| (receiver.name.clone(), index))
            .collect();
        Self {
            tree: RouteTree::new(&config.route),
            receivers,
            config,
        }
    }

    pub(crate) fn receiver(&self, name: &str) -> Option<&ReceiverSpec> {
        self.config.receivers.get(*self.receivers.get(name)?)
    }

    /// Why the route tells nobody, if its receiver has no integration.
    pub(crate) fn without_integrations(&self, route: &Route) -> Option<NotNotified> {
        let receiver = route.options.receiver.clone();
        let is_empty = self
            .receiver(&receiver)
            .is_none_or(|receiver| receiver.integrations.is_empty());
        is_empty.then(|| {
            if route.is_root() && self.tree.routes().len() > 1 {
                NotNotified::DefaultWithoutIntegrations { receiver }
            } else {
                NotNotified::ReceiverWithoutIntegrations { receiver }
            }
        })
    }
}

/// What the machine wants to be woken for. The order decides between timers of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    AlertGarbage,
    Maintenance,
    /// A group's next flush.
    Group(u64),
    /// A flush that waits for the cluster has waited long enough.
    Flush(u64),
    Delivery(u64),
}

/// All state of alerting. See the crate's documentation for how it is driven.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) alerts: AlertStore,
    commons: Commons,
    pub(crate) inhibitor: Inhibitor,
    pub(crate) silences: Silences,
    log: NotificationLog,
    /// By number, in order of creation.
    pub(crate) groups: BTreeMap<u64, Group>,
    group_numbers: HashMap<(usize, Labels), u64, FixedState>,
    flushes: BTreeMap<u64, Flush>,
    /// Flushes that outlived a reload, by receiver and group key.
    replaced: HashMap<(Arc<str>, Arc<str>), u64, FixedState>,
    /// Groups that wait for the end of such a flush.
    waiting: BTreeMap<u64, Vec<u64>>,
    pending: BTreeMap<u64, Pending>,
    timers: BTreeSet<(Timestamp, Timer)>,
    /// The last number given to a group, flush or delivery.
    last_number: u64,
    last_step: Timestamp,
    peer_wait: Duration,
    has_settled: bool,
    jitter: RandomNumbers,
    /// Makes UUIDs for the event recorder.
    identities: RandomNumbers,
    stats: Stats,
    pub(crate) stopped: Stopped,
    stopwatch: Stopwatch,
}

impl Machine {
    pub fn new(settings: Settings, config: Arc<Config>, now: Timestamp) -> Self {
        let mut settings = settings;
        // Without a pause the timers of the housekeeping would never let go.
        let pause_min = Duration::from_millis(1);
        settings.alerts_gc_interval = settings.alerts_gc_interval.max(pause_min);
        settings.maintenance_interval = settings.maintenance_interval.max(pause_min);
        let timers = BTreeSet::from([
            (now + settings.alerts_gc_interval, Timer::AlertGarbage),
            (now + settings.maintenance_interval, Timer::Maintenance),
        ]);
        Self {
            inhibitor: Inhibitor::new(&config.inhibit_rules),
            compiled: Arc::new(Compiled::new(config)),
            alerts: AlertStore::new(settings.alerts_per_name_max),
            commons: Commons::default(),
            silences: Silences::default(),
            log: NotificationLog::default(),
            groups: BTreeMap::new(),
            group_numbers: HashMap::default(),
            flushes: BTreeMap::new(),
            replaced: HashMap::default(),
            waiting: BTreeMap::new(),
            pending: BTreeMap::new(),
            timers,
            last_number: 0,
            last_step: now,
            peer_wait: Duration::ZERO,
            has_settled: !settings.waits_for_cluster,
            jitter: RandomNumbers::new(settings.jitter_seed),
            identities: RandomNumbers::new(settings.identity_seed),
            stats: Stats::default(),
            stopped: Stopped::default(),
            stopwatch: Stopwatch::default(),
            settings,
        }
    }

    /// Measures how long things take from now on.
    pub fn measure_with(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = stopwatch;
        self.silences.measure_with(stopwatch);
        self.log.measure_with(stopwatch);
    }

    /// Takes over the snapshots of an earlier run; before the first step.
    pub fn restore(
        &mut self,
        silences: impl IntoIterator<Item = StoredSilence>,
        log: impl IntoIterator<Item = StoredEntry>,
    ) {
        self.silences.restore(silences);
        self.log.restore(log);
    }

    /// That a silence kept an alert from being told in an earlier run. Silences that are not there are not counted.
    pub fn restore_stopped(&mut self, silence: &str, alert: Fingerprint) {
        if self.silences.get(silence).is_some() {
            self.stopped.add(silence, alert);
        }
    }

    /// Does everything that is due at `now` and takes in `input`, no later than
    /// [`wake_at`](Self::wake_at) if possible; what is late is done late, but not lost. If the clock was set
    /// back, everything that waits goes on waiting for as long as it would have.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Action> {
        if now < self.last_step {
            self.set_back(self.last_step.since(now));
        }
        self.last_step = now;
        let mut actions = Vec::new();
        self.run_timers(now, &mut actions);
        self.take(now, input, &mut actions);
        self.run_timers(now, &mut actions);
        actions
    }

    /// When the next step is due even if nothing comes in.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn config(&self) -> &Arc<Config> {
        &self.compiled.config
    }

    pub fn routes(&self) -> &RouteTree {
        &self.compiled.tree
    }

    pub fn all_silences(&self) -> &Silences {
        &self.silences
    }

    pub fn notification_log(&self) -> &NotificationLog {
        &self.log
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    pub fn silence_stats(&self) -> SilenceStats {
        self.silences.stats()
    }

    pub fn log_stats(&self) -> LogStats {
        self.log.stats()
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn group_at(&self, route: usize, labels: &Labels) -> Option<&Group> {
        let number = self.group_numbers.get(&(route, labels.clone()))?;
        self.groups.get(number)
    }

    fn take(&mut self, now: Timestamp, input: Input, actions: &mut Vec<Action>) {
        match input {
            Input::Tick => {}
            Input::Posted(alerts) => self.post(now, &alerts, actions),
            Input::Delivered { delivery, outcome } => {
                self.delivered(now, delivery, outcome, actions);
            }
            Input::SilenceSet { silence, fresh_id } => {
                match self.silences.set(silence, fresh_id, now, &self.settings) {
                    Ok(change) => {
                        let id = change.id;
                        for stored in change.changed {
                            let silence = stored.silence.clone();
                            let event = if silence.id == id {
                                self.record_silence(&silence, change.is_new, actions);
                                Event::SilenceStored { silence }
                            } else {
                                Event::SilenceExpired { silence }
                            };
                            journal(actions, event);
                            actions.push(Action::BroadcastSilence(stored));
                        }
                        actions.push(Action::SilenceDone { id });
                    }
                    Err(error) => refuse(actions, error),
                }
            }
            Input::SilenceExpired { id } => {
                match self.silences.expire(&id, now, self.settings.retention) {
                    Ok(changed) => {
                        if let Some(stored) = changed {
                            let silence = stored.silence.clone();
                            actions.push(Action::BroadcastSilence(stored));
                            journal(actions, Event::SilenceExpired { silence });
                        }
                        actions.push(Action::SilenceDone { id });
                    }
                    Err(error) => refuse(actions, error),
                }
            }
            Input::AcknowledgementsDue { position } => {
                self.extend_acknowledgements(now, position, actions);
            }
            Input::SilencesMerged(silences) => {
                for stored in silences {
                    if self.silences.merge(stored.clone(), now) {
                        let silence = stored.silence.clone();
                        journal(actions, Event::SilenceMerged { silence });
                        actions.push(Action::BroadcastSilence(stored));
                    }
                }
            }
            Input::LogMerged(entries) => {
                for stored in entries {
                    if self.log.merge(stored.clone(), now) {
                        actions.push(Action::BroadcastLogEntry(stored));
                    }
                }
            }
            Input::PeerWait(wait) => self.peer_wait = wait,
            Input::ClusterSettled => self.cluster_settled(now, actions),
            Input::ConfigReplaced(config) => self.replace_config(now, config, actions),
        }
    }

    fn run_timers(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::AlertGarbage => {
                    self.collect_alerts(now, actions);
                    self.arm(now + self.settings.alerts_gc_interval, timer);
                }
                Timer::Maintenance => {
                    self.silences.collect_garbage(now);
                    let silences = &self.silences;
                    self.stopped.retain(|id| silences.get(id).is_some());
                    self.log.collect_garbage(now);
                    self.inhibitor.collect_garbage(now.into());
                    self.arm(now + self.settings.maintenance_interval, timer);
                }
                Timer::Group(group) => self.flush_due(now, group, actions),
                Timer::Flush(flush) => self.finish_flush(now, flush, true, actions),
                Timer::Delivery(delivery) => self.delivery_due(now, delivery, actions),
            }
        }
    }

    /// Moves everything that waits for a time along with a clock that was set back.
    fn set_back(&mut self, by: Duration) {
        self.settings.dispatch_from -= by;
        let timers = std::mem::take(&mut self.timers);
        self.timers = timers
            .into_iter()
            .map(|(at, timer)| (at - by, timer))
            .collect();
        for group in self.groups.values_mut() {
            group.flush_at -= by;
        }
        for flush in self.flushes.values_mut() {
            flush.deadline -= by;
        }
        for pending in self.pending.values_mut() {
            pending.timer_at -= by;
            if let Stage::Sending(sending) = &mut pending.stage {
                sending.attempt_started -= by;
            }
        }
    }

    fn arm(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

fn journal(actions: &mut Vec<Action>, event: Event) {
    actions.push(Action::Journal(event));
}

fn refuse(actions: &mut Vec<Action>, error: crate::silence::SilenceError) {
    journal(
        actions,
        Event::SilenceRefused {
            error: error.clone(),
        },
    );
    actions.push(Action::SilenceRefused(error));
}
