//! The driver of the alerting machine: time and alerts in, deliveries out, state shown to the API.

mod acknowledging;
mod counters;
mod delivering;
mod drill;
mod ids;
mod stopped;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use alerting::codec;
use alerting::silences::StoredSilence;
use alerting::stats::{LogStats, SilenceStats, Stats};
use alerting::view::{
    AlertFilter, AlertView, Explanation, GroupView, LabelFilter, SilenceFilter, SilenceView,
};
use alerting::{Action, Event, Input, Machine, PostedAlert, Settings, Silence, SilenceError};
use config::alertmanager::matchers::MatcherMode;
use diag::ReasonBook;
use gossip::driver::Mesh;
use gossip::peer::Part;
use model::{Clock, Labels, Timestamp};
use notify::Receivers;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

pub(crate) use self::counters::{Counters, SnapshotCounts};
use self::drill::Drills;
use self::ids::uuid;
use crate::StartError;
use crate::alerting_files::{AlertingFiles, LogFile, Remembered};
use crate::alerting_metrics;
use crate::cluster;
use crate::deliveries::Deliveries;
use crate::event_recorder::{self, EventRecorder, Surroundings};
use crate::journal::{self, Journal};
use crate::options::{AlertmanagerOptions, Options, Switch};
use crate::outgoing::Outgoing;
use crate::routing::trial;
use crate::traces::{Collector, Tracing};

/// Of a whole server: where alerting keeps its files, below the data folder.
pub(crate) const ALERTING_FOLDER: &str = "alertmanager";
/// Notifications of this time may be sent again after a crash: the log is not written for each one.
const LOG_WRITE_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// What a stop waits for deliveries: as long as Alertmanager waits for what it waits for.
const DELIVERIES_AT_STOP_MAX: std::time::Duration = std::time::Duration::from_secs(5);

/// What a reload replaces as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) config: Arc<alerting::Config>,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) written: Written,
    pub(crate) collector: Option<Arc<Collector>>,
    pub(crate) events: Arc<event_recorder::Plan>,
}

/// A configuration as it is read and shown.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// In its canonical form, secrets left out.
    pub(crate) text: String,
    /// What relative paths in it start from.
    pub(crate) base_dir: String,
}

/// The machine with everything around it. Shared by rules, API and the driver's task.
pub(crate) struct Alertmanager {
    machine: Mutex<Machine>,
    /// Held while a snapshot is taken and written, so that none replaces a later one.
    files: Mutex<AlertingFiles>,
    log_file: LogFile,
    /// Rung when there is something new to remember that nobody waits for.
    log_bell: Notify,
    /// Whether silences of other members came in since they were last written.
    has_new_silences: AtomicBool,
    /// The place among the members of the mesh, from 0.
    position: AtomicUsize,
    /// The other members, if there are any; set before anything runs.
    mesh: OnceLock<Mesh>,
    /// The same for every configuration of a process.
    reading: trial::Reading,
    receivers: RwLock<Arc<Receivers>>,
    deliveries: Deliveries,
    written: RwLock<Written>,
    clock: Arc<dyn Clock>,
    /// Rung when the next wake-up may have become earlier.
    bell: Notify,
    reasons: Arc<ReasonBook>,
    pub(crate) counters: Counters,
    pub(crate) journal: Arc<Journal>,
    pub(crate) tracing: Tracing,
    pub(crate) recorder: EventRecorder,
    drills: Drills,
    failures: delivering::Failures,
}

impl std::fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alertmanager")
    }
}

/// What alerting was and is to remember.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) files: AlertingFiles,
    pub(crate) remembered: Remembered,
    pub(crate) journal: journal::Opened,
}

impl Memory {
    /// The files are those of Alertmanager; the journal is a folder beside them.
    pub(crate) fn open(dir: &Path, options: &AlertmanagerOptions) -> Result<Self, StartError> {
        let fail = |error: io::Error| StartError::Storage {
            dir: dir.display().to_string(),
            problem: error.to_string(),
        };
        let disk: Arc<dyn model::disk::Disk> = Arc::new(tsdb::RealDisk);
        let opened = AlertingFiles::open(Arc::clone(&disk), dir.to_owned());
        let (files, remembered) = opened.map_err(fail)?;
        let journal = journal::Opened::open(disk, dir, options.journal).map_err(fail)?;
        Ok(Self {
            files,
            remembered,
            journal,
        })
    }

    pub(crate) fn of_server(options: &Options) -> Result<Self, StartError> {
        Self::open(
            &options.data_dir.join(ALERTING_FOLDER),
            &options.alertmanager,
        )
    }
}

/// How much of everything there is now.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Alerts.
    pub(crate) active: usize,
    pub(crate) suppressed: usize,
    /// By state; a state that is not there has none.
    pub(crate) silences: BTreeMap<&'static str, usize>,
    pub(crate) receivers: usize,
    pub(crate) integrations: usize,
    pub(crate) inhibit_rules: usize,
    pub(crate) groups: usize,
    /// By the keys of the groups, if the metrics tell of them.
    pub(crate) by_group: BTreeMap<Arc<str>, (usize, usize)>,
    pub(crate) told: counters::Told,
    pub(crate) alerts_per_name_max: usize,
    /// Totals since the start.
    pub(crate) stats: Stats,
    pub(crate) silence_stats: SilenceStats,
    pub(crate) log_stats: LogStats,
}

/// What a step says to the one who asked for it.
#[derive(Default)]
struct Answer {
    refused: Vec<String>,
    silence: Option<Result<String, SilenceError>>,
    changed_silences: Vec<StoredSilence>,
    /// How many pieces of news went to the other members.
    told: usize,
}

/// What becomes of the news of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// The other members are told.
    Told,
    /// They know already.
    Kept,
}

impl Alertmanager {
    pub(crate) fn new(
        routing: Routing,
        (settings, reading): (Settings, trial::Reading),
        memory: Memory,
        clock: Arc<dyn Clock>,
        reasons: Arc<ReasonBook>,
        counters: Counters,
    ) -> Arc<Self> {
        counters.latency.follow(&routing.config);
        let mut machine = Machine::new(settings, routing.config, clock.now());
        machine.measure_with(alerting_metrics::stopwatch());
        let remembered = memory.remembered;
        for damage in &remembered.damage {
            tracing::error!(%damage, "a file of alerting is damaged");
        }
        machine.restore(remembered.silences, remembered.log);
        counters.silences.begin(remembered.silence_bytes);
        counters.log.begin(remembered.log_bytes);
        let journal = Journal::start(
            memory.journal,
            Arc::clone(&clock),
            Arc::clone(&reasons),
            counters.journal.clone(),
        );
        journal.put_note(clock.now(), "alerting-started", "");
        let tracing = Tracing::default();
        tracing.follow(routing.collector, &clock);
        let surroundings = counters.events.clone().map(|counters| Surroundings {
            counters,
            clock: Arc::clone(&clock),
            reasons: Arc::clone(&reasons),
        });
        let recorder = EventRecorder::start(routing.events, surroundings);
        let alertmanager = Self {
            machine: Mutex::new(machine),
            log_file: memory.files.log(),
            files: Mutex::new(memory.files),
            log_bell: Notify::new(),
            has_new_silences: AtomicBool::new(false),
            position: AtomicUsize::new(0),
            mesh: OnceLock::new(),
            reading,
            receivers: RwLock::new(routing.receivers),
            deliveries: Deliveries::new(),
            written: RwLock::new(routing.written),
            clock,
            bell: Notify::new(),
            reasons,
            counters,
            journal: Arc::new(journal),
            tracing,
            recorder,
            drills: Drills::default(),
            failures: delivering::Failures::default(),
        };
        // From now on entries can be appended to it.
        alertmanager.write_log(|log, all| log.replace(all));
        Arc::new(alertmanager)
    }

    /// Runs until the task is dropped. Deliveries run beside it.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let wake_at = self.machine.lock().wake_at();
            let rung = self.bell.notified();
            match wake_at {
                Some(time) => {
                    let wait = time.since(self.clock.now()).to_std();
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = rung => {}
                    }
                }
                None => rung.await,
            }
            self.step(Input::Tick);
        }
    }

    /// Writes the notification log, and silences of other members, soon after each change, until the task is
    /// dropped.
    pub(crate) async fn keep_log(self: Arc<Self>) {
        loop {
            self.log_bell.notified().await;
            tokio::time::sleep(LOG_WRITE_PAUSE).await;
            let alertmanager = Arc::clone(&self);
            // A panic in there is logged by the runtime and must not end the writing.
            let _ = tokio::task::spawn_blocking(move || {
                alertmanager.write_log(|log, all| log.settle(all));
                alertmanager.write_new_silences();
            })
            .await;
        }
    }

    /// Ends what fire drills wait for, so that whoever waits for them is answered.
    pub(crate) fn begin_stop(&self) {
        self.deliveries.begin_stop();
    }

    /// Waits for what is being delivered. Nothing is delivered from then on.
    pub(crate) async fn finish_deliveries(&self) {
        let broken_off = self.deliveries.finish(DELIVERIES_AT_STOP_MAX).await;
        if broken_off > 0 {
            tracing::warn!(
                broken_off,
                "deliveries took too long to wait for; the next start sends them again"
            );
        }
    }

    /// Records that this process stops; nothing is recorded from then on.
    pub(crate) fn stop_recorder(&self) {
        let position = self.position.load(Ordering::Relaxed);
        self.recorder.begin_stop(self.clock.now(), position);
    }

    /// Writes everything that is remembered.
    pub(crate) fn close(&self) {
        self.write_log(|log, all| log.replace(all));
        if let Err(error) = self.write_silences() {
            self.not_written(&error);
        }
        self.journal
            .put_note(self.clock.now(), "alerting-stopped", "");
        self.journal.close();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The configuration in use stays; somebody may wonder later why.
    pub(crate) fn reload_refused(&self, problems: &str) {
        self.journal
            .put_note(self.clock.now(), "config-reload-refused", problems);
    }

    fn not_written(&self, error: &io::Error) {
        let dir = self.files.lock().dir().display().to_string();
        tracing::error!(%error, dir, "what alerting remembers could not be written; a restart would forget it");
    }

    /// Makes the log survive a power cut.
    fn write_log(&self, settle: impl FnOnce(&LogFile, &dyn Fn() -> Vec<u8>) -> io::Result<usize>) {
        let all = || codec::nflog::encode(self.machine.lock().notification_log().iter());
        let log = &self.counters.log;
        if let Err(error) = log.measure(|| settle(&self.log_file, &all)) {
            self.not_written(&error);
        }
    }

    fn write_new_silences(&self) {
        if self.has_new_silences.swap(false, Ordering::Relaxed)
            && let Err(error) = self.write_silences()
        {
            self.has_new_silences.store(true, Ordering::Relaxed);
            self.not_written(&error);
        }
    }

    fn write_silences(&self) -> io::Result<()> {
        let mut files = self.files.lock();
        self.counters.silences.measure(|| {
            let bytes = self.encoded_silences();
            files.write_silences(&bytes).map(|()| bytes.len())
        })
    }

    fn encoded_silences(&self) -> Vec<u8> {
        codec::silence::encode(self.machine.lock().all_silences().iter())
    }

    pub(crate) fn replace(self: &Arc<Self>, routing: Routing) {
        self.counters.latency.follow(&routing.config);
        self.tracing.follow(routing.collector, &self.clock);
        self.recorder.follow(routing.events);
        *self.receivers.write() = routing.receivers;
        *self.written.write() = routing.written;
        self.step(Input::ConfigReplaced(routing.config));
    }

    /// One step of the machine; carries out what it asks for.
    fn step(self: &Arc<Self>, input: Input) -> Answer {
        self.step_and_spread(input, Spread::Told)
    }

    fn step_and_spread(self: &Arc<Self>, input: Input, spread: Spread) -> Answer {
        let now = self.clock.now();
        // The driver's own ticks must not wake the driver again.
        let is_news = !matches!(input, Input::Tick);
        let actions = {
            let mut machine = self.machine.lock();
            let mut actions = machine.step(now, input);
            let position = self.position.load(Ordering::Relaxed);
            self.recorder.take(now, position, &mut actions);
            // Within the lock, so that events of one step do not overtake those of another.
            let events = actions.iter().filter_map(|action| match action {
                Action::Journal(event) => Some(event.clone()),
                _ => None,
            });
            self.journal.put_events(now, events);
            self.drills.see(now, &actions);
            actions
        };
        if is_news {
            self.bell.notify_one();
        }
        let mut answer = Answer::default();
        let mut log_news = Vec::new();
        for action in actions {
            match action {
                Action::Deliver(delivery) => self.deliver(*delivery),
                Action::Journal(event) => self.tell_of(now, &event),
                // The recorder has taken them out.
                Action::Record(_) => {}
                Action::AlertRefused(error) => {
                    self.reasons.record(now.millis(), "posted alert", &error);
                    answer.refused.push(error.to_string());
                }
                Action::SilenceDone { id } => answer.silence = Some(Ok(id)),
                Action::SilenceRefused(error) => {
                    self.reasons.record(now.millis(), "posted silence", &error);
                    answer.silence = Some(Err(error));
                }
                Action::BroadcastLogEntry(stored) => {
                    let encoded = codec::nflog::encode([&stored]);
                    log_news.extend_from_slice(&encoded);
                    answer.told += self.tell(cluster::LOG, spread, || encoded);
                }
                Action::BroadcastSilence(stored) => {
                    let encode = || codec::silence::encode([&stored]);
                    answer.told += self.tell(cluster::SILENCES, spread, encode);
                    answer.changed_silences.push(stored);
                }
            }
        }
        if !log_news.is_empty() {
            self.log_file.add(&log_news);
            self.log_bell.notify_one();
        }
        answer
    }

    /// Tells the other members. Returns how many pieces of news that were.
    fn tell(&self, key: &str, spread: Spread, encode: impl FnOnce() -> Vec<u8>) -> usize {
        let Some(mesh) = self.mesh.get().filter(|_| spread == Spread::Told) else {
            return 0;
        };
        mesh.broadcast(Part {
            key: key.to_owned(),
            data: encode(),
        });
        1
    }

    /// Takes in what the mesh says. Returns how much of it was news that were told on.
    pub(crate) fn merge(self: &Arc<Self>, input: Input, spread: Spread) -> usize {
        let are_silences = matches!(input, Input::SilencesMerged(_));
        let told = self.step_and_spread(input, spread).told;
        if are_silences {
            self.has_new_silences.store(true, Ordering::Relaxed);
            self.log_bell.notify_one();
        }
        told
    }

    /// Silences and the notification log, as bytes.
    pub(crate) fn snapshots(&self) -> (Vec<u8>, Vec<u8>) {
        let machine = self.machine.lock();
        let silences = codec::silence::encode(machine.all_silences().iter());
        let log = codec::nflog::encode(machine.notification_log().iter());
        (silences, log)
    }

    /// The mesh that this node is a member of, before anything runs.
    pub(crate) fn set_mesh(&self, mesh: Mesh) {
        // It is set once, by the one who makes both.
        let _ = self.mesh.set(mesh);
    }

    /// A change of silences. It is on disk before it is confirmed.
    fn change_silences(self: &Arc<Self>, input: Input) -> Result<String, api::SilenceRefusal> {
        // Held from before the change, so that changes of one silence are written in their order.
        let mut files = self.files.lock();
        let answer = self.step(input);
        let id = answer.silence.unwrap_or(Err(SilenceError::NotFound))?;
        let changed = codec::silence::encode(&answer.changed_silences);
        let (start, mut whole) = (Instant::now(), None);
        let written = files.add_silences(&changed, || {
            let bytes = self.encoded_silences();
            whole = Some(bytes.len());
            bytes
        });
        drop(files);
        if let Some(bytes) = whole {
            let snapshot = written.as_ref().map(|()| bytes);
            self.counters.silences.note(start.elapsed(), snapshot.ok());
        }
        written.map_err(|error| {
            self.not_written(&error);
            api::SilenceRefusal::NotStored(error.to_string())
        })?;
        Ok(id)
    }

    fn tell_of(&self, now: Timestamp, event: &Event) {
        if let Event::NotNotified { group, reason, .. } = event {
            self.reasons.record(
                now.millis(),
                &format!("group {} of receiver {}", group.key, group.receiver),
                reason,
            );
        }
        tracing::debug!(code = event.code(), ?event, "alerting");
    }

    pub(crate) fn config(&self) -> Arc<alerting::Config> {
        Arc::clone(self.machine.lock().config())
    }

    /// What would become of an alert with these labels at a time, whether it exists or not.
    pub(crate) fn explain(&self, labels: &Labels, at: Timestamp) -> Explanation {
        let now = self.clock.now();
        self.machine.lock().explain(labels, at, now)
    }

    /// Those that have not ended.
    pub(crate) fn firing_alerts(&self) -> Vec<Arc<alerting::Alert>> {
        let now = self.clock.now();
        self.machine.lock().firing_alerts(now)
    }

    pub(crate) fn is_clustered(&self) -> bool {
        self.mesh.get().is_some()
    }

    pub(crate) fn counts(&self) -> Counts {
        let now = self.clock.now();
        let machine = self.machine.lock();
        let (active, suppressed) = machine.alert_counts(now);
        let mut silences = BTreeMap::new();
        for stored in machine.all_silences().iter() {
            let state = stored.silence.state_at(now.into());
            *silences.entry(state.as_str()).or_default() += 1;
        }
        let config = machine.config();
        Counts {
            active,
            suppressed,
            silences,
            receivers: config.receivers.len(),
            integrations: config
                .receivers
                .iter()
                .map(|one| one.integrations.len())
                .sum(),
            inhibit_rules: config.inhibit_rules.len(),
            groups: machine.group_count(),
            by_group: match self.counters.labels.group_key {
                Switch::On => machine.alert_counts_by_group(now),
                Switch::Off => BTreeMap::new(),
            },
            told: counters::told(config),
            alerts_per_name_max: machine.settings().alerts_per_name_max,
            stats: machine.stats().clone(),
            silence_stats: machine.silence_stats(),
            log_stats: machine.log_stats(),
        }
    }
}

/// Rules hand their alerts over in memory.
#[derive(Debug)]
pub(crate) struct RuleAlerts(
    pub(crate) Arc<Alertmanager>,
    pub(crate) tokio::runtime::Handle,
);

impl rules::AlertSink for RuleAlerts {
    fn send(&self, alerts: Vec<rules::SentAlert>) {
        let time = |at: Timestamp| alerting::Time::from(at);
        let posted = alerts.into_iter().map(|alert| PostedAlert {
            labels: alert.labels,
            annotations: alert.annotations,
            starts_at: Some(time(alert.starts_at)),
            ends_at: Some(time(alert.ends_at)),
            generator_url: alert.generator_url,
        });
        let posted: Vec<PostedAlert> = posted.collect();
        // Deliveries are started from here, and rules are evaluated outside the async threads.
        let _runtime = self.1.enter();
        self.0.step(Input::Posted(posted));
    }
}

/// The API's view. A type of its own, because stepping needs the shared pointer.
#[derive(Clone, Debug)]
pub(crate) struct AlertmanagerApi {
    pub(crate) alertmanager: Arc<Alertmanager>,
    pub(crate) outgoing: Arc<RwLock<Outgoing>>,
}

impl api::AlertmanagerSource for AlertmanagerApi {
    fn alerts(&self, filter: &AlertFilter) -> Vec<AlertView> {
        self.alertmanager
            .machine
            .lock()
            .alert_views(self.alertmanager.clock.now(), filter)
    }

    fn groups(&self, filter: &AlertFilter) -> Vec<GroupView> {
        self.alertmanager
            .machine
            .lock()
            .group_views(self.alertmanager.clock.now(), filter)
    }

    fn route_labels(&self, group: &GroupView) -> BTreeMap<String, String> {
        let receivers = Arc::clone(&self.alertmanager.receivers.read());
        let now = self.alertmanager.clock.now();
        receivers.templates().group_route_labels(group, now)
    }

    fn receivers(&self, filter: &LabelFilter) -> Vec<api::ReceiverView> {
        let machine = self.alertmanager.machine.lock();
        let receivers = machine.receiver_views(filter).into_iter();
        let view = |receiver: &alerting::ReceiverSpec| api::ReceiverView {
            name: receiver.name.to_string(),
            labels: receiver.labels.clone(),
        };
        receivers.map(view).collect()
    }

    fn silences(&self, filter: &SilenceFilter) -> Vec<SilenceView> {
        let now = self.alertmanager.clock.now();
        self.alertmanager.machine.lock().silence_views(now, filter)
    }

    fn silence(&self, id: &str) -> Option<SilenceView> {
        let now = self.alertmanager.clock.now();
        self.alertmanager.machine.lock().silence_view(id, now)
    }

    fn set_silence(&self, silence: Silence) -> Result<String, api::SilenceRefusal> {
        self.alertmanager.change_silences(Input::SilenceSet {
            silence,
            fresh_id: uuid(),
        })
    }

    fn expire_silence(&self, id: &str) -> Result<(), api::SilenceRefusal> {
        let id = id.to_owned();
        self.alertmanager
            .change_silences(Input::SilenceExpired { id })
            .map(|_| ())
    }

    fn matcher_mode(&self) -> MatcherMode {
        self.alertmanager.reading.matchers
    }

    fn config_text(&self) -> String {
        self.alertmanager.written.read().text.clone()
    }

    fn drill(&self, request: api::DrillRequest) -> Result<api::Drill, api::DrillRefusal> {
        self.alertmanager.drill(request)
    }

    fn post(&self, alerts: Vec<PostedAlert>) -> Vec<String> {
        self.alertmanager.step(Input::Posted(alerts)).refused
    }

    fn cluster(&self) -> api::ClusterView {
        let Some(mesh) = self.alertmanager.mesh.get() else {
            return api::ClusterView::Disabled;
        };
        let peers = mesh.members().into_iter();
        api::ClusterView::Enabled {
            name: mesh.name(),
            has_settled: mesh.is_settled(),
            peers: peers.map(|peer| (peer.name, peer.address)).collect(),
        }
    }

    fn outgoing_labels(&self, labels: &Labels) -> Option<Labels> {
        self.outgoing.read().labels(labels)
    }

    fn routing(&self) -> api::RoutingView {
        let machine = self.alertmanager.machine.lock();
        let receivers = machine.config().receivers.iter().map(|receiver| {
            let integrations = receiver.integrations.iter();
            let kinds = integrations.map(|integration| integration.name.to_string());
            (receiver.name.to_string(), kinds.collect())
        });
        api::RoutingView {
            tree: machine.routes().clone(),
            receivers: receivers.collect(),
        }
    }

    fn journal(&self) -> Arc<dyn api::JournalSource> {
        Arc::clone(&self.alertmanager.journal) as Arc<dyn api::JournalSource>
    }

    fn trials(&self) -> Arc<dyn api::TrialSource> {
        let (api, reading) = (self.clone(), self.alertmanager.reading);
        let base_dir = self.alertmanager.written.read().base_dir.clone();
        Arc::new(trial::Running {
            api,
            reading,
            base_dir,
        })
    }
}
