//! Starts the parts in order, reloads them as a transaction, stops them in reverse order.

use std::net::SocketAddr;
use std::sync::Arc;

use api::ui::{Home, Ui};
use api::{Api, Events, Lifecycle, LifecycleRequest, Notice, Notifications, Readiness};
use diag::{Diagnostics, ReasonBook, Severity};
use discovery::kubernetes::Objects;
use gossip::driver::Mesh;
use metrics::Registry;
use model::Clock;
use model::storage::SampleWriter;
use parking_lot::RwLock;
use promql::ParserOptions;
use queries::QueryService;
use rules::{Environment, Schedule};
use scrape::{Collaborators, Pools, ScrapeOptions};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tsdb::Db;
use tsdb::head::ReplayProgress;

use crate::address::{Listening, OwnAddress, Scheme, route_prefix};
use crate::alerting_tasks::AlertingTasks;
use crate::alertmanager::{Alertmanager, AlertmanagerApi, Counters, Memory, RuleAlerts};
use crate::alertmanagers::Alertmanagers;
use crate::auto_reload::FileWatch;
use crate::budget::{self, MemoryBudget, MemoryLimit, Needed};
use crate::clock::SystemClock;
use crate::cluster::{self, Place};
use crate::exchange::Exchange;
use crate::feature_list::feature_list;
use crate::housekeeping::{HEAD_START, compact, keep_synced};
use crate::import::ImportPlace;
use crate::opened::Opened;
use crate::options::Options;
use crate::outgoing::{Outgoing, OutgoingAlerts};
use crate::plan::{Plan, PlanContext};
use crate::queries::RuleQueries;
use crate::query_settings::query_settings;
use crate::retention::Limits;
use crate::routing::trial;
use crate::rule_backfill::Backfill;
use crate::rule_metrics::RuleCounters;
use crate::samples::SampleSettings;
use crate::self_metrics::Observed;
use crate::serving::Serving;
use crate::signals::{Signal, Signals};
use crate::sources::{ConfigView, Current, ReasonView, TargetView, TsdbView};
use crate::storage::Storage;
use crate::targets::Targets;
use crate::{
    StartError, exchange, groups, input, plan, retention, self_metrics, sources, storage, tempo,
};

/// Refusals of each code that are kept with their evidence.
pub(crate) const REASONS_KEPT_PER_CODE: usize = 100;

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    scheme: Scheme,
    requests: mpsc::Sender<LifecycleRequest>,
    db: Db,
    /// `None` once it was told.
    has_started: Option<oneshot::Receiver<Result<(), StartError>>>,
    /// `None` once it has ended.
    main: Option<JoinHandle<()>>,
}

impl Running {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How it is spoken to there.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns when the data folder is read. Until then the server scrapes, and says how far it is.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        let Some(has_started) = self.has_started.take() else {
            return Ok(());
        };
        let lost = |_| StartError::Input("the main task ended by an internal error".to_owned());
        has_started.await.map_err(lost)?
    }

    /// How far reading the log is.
    pub fn replay_progress(&self) -> impl Fn() -> ReplayProgress + Send + 'static {
        let db = self.db.clone();
        move || db.replay_progress()
    }

    /// Returns when the server was stopped by a signal or over HTTP, and everything is written.
    pub async fn stopped(&mut self) {
        if let Some(main) = &mut self.main {
            // A panic of the main task was logged by the runtime.
            let _ = main.await;
            self.main = None;
        }
    }

    /// Stops the server and returns when everything is written.
    pub async fn stop(mut self) {
        // If the main task is gone, it has stopped already.
        let _ = self.requests.send(LifecycleRequest::Quit).await;
        self.stopped().await;
    }
}

/// Reads the configuration, plans, listens, starts. Nothing runs if it fails. The data folder is locked
/// then, and being read: see [`Running::ready`].
pub async fn start(options: Options) -> Result<Running, StartError> {
    let listening = Listening::new(options.listening()).await?;
    let (addresses, scheme) = (listening.addresses.clone(), listening.scheme);
    let parser = options.features.parser();
    let (objects, objects_seen) = watch::channel(Arc::new(Objects::default()));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let planner = Planner {
        options,
        own: listening.own_address(),
        external_url: listening.external_url.clone(),
        parser,
        objects_seen,
    };
    let plan = planner.plan()?;
    report(&plan.notices);
    let budget = MemoryBudget::new(MemoryLimit::new(planner.options.storage.memory));
    tracing::info!(budget = %budget.limit(), "memory");
    let budget = Arc::new(budget);
    let mesh = {
        let options = &planner.options;
        cluster::bind(options.cluster.as_ref(), &options.overrides, &clock).await?
    };
    let settings = storage::Settings {
        gate: budget.clone(),
        dir: planner.options.data_dir.clone(),
        options: planner.options.storage.clone(),
        is_agent: planner.options.agent.is_some(),
        limits: Limits::new(&planner.options.storage, &plan.config),
        samples: SampleSettings::new(&plan.config, planner.options.features),
        features: planner.options.features,
        clock: Arc::clone(&clock),
    };
    let locked = tokio::task::spawn_blocking(move || storage::lock(settings)).await;
    let (storage, opening) = locked.map_err(|error| StartError::Input(error.to_string()))??;
    let memory = Memory::of_server(&planner.options)?;
    // From here on the server answers, and scrapes; what is scraped waits for the folder to be read.
    let opened = tokio::task::spawn_blocking(move || opening.finish());
    let (parts, router) = Parts::build(
        &planner,
        plan,
        (storage, memory, budget, mesh),
        clock,
        objects,
    );
    let serving = Serving::start(listening, router);
    let requests = parts.requests.clone();
    let db = parts.storage.db.clone();
    let (started, has_started) = oneshot::channel();
    let first = FirstSteps { opened, started };
    let main = tokio::spawn(parts.run(planner, serving, first));
    Ok(Running {
        addresses,
        scheme,
        requests,
        db,
        has_started: Some(has_started),
        main: Some(main),
    })
}

/// What `/` opens: the page of the one role that was asked for.
fn home(options: &Options) -> Home {
    let is_prometheus = options.config_file.is_some();
    let is_alertmanager = options.alertmanager_config_file.is_some();
    match (is_prometheus, is_alertmanager, options.manifests.is_empty()) {
        _ if options.agent.is_some() => Home::Agent,
        (true, false, true) => Home::Query,
        (false, true, true) => Home::Alerts,
        _ => Home::Overview,
    }
}

/// Problems that do not stop anything, into the log.
pub(crate) fn report(notices: &Diagnostics) {
    for notice in notices {
        let line = diag::render_line(notice);
        match notice.severity {
            Severity::Warning | Severity::Error => tracing::warn!(code = notice.code, "{line}"),
            Severity::Note => tracing::info!(code = notice.code, "{line}"),
        }
    }
}

/// Makes plans from the files as they are now.
#[derive(Debug)]
struct Planner {
    options: Options,
    own: OwnAddress,
    external_url: String,
    parser: ParserOptions,
    objects_seen: watch::Receiver<Arc<Objects>>,
}

impl Planner {
    fn plan(&self) -> Result<Plan, StartError> {
        let input = input::read(&self.options, self.own)?;
        let context = PlanContext {
            overrides: &self.options.overrides,
            objects: &self.objects_seen,
            tempo: self.options.tempo,
            features: self.options.features,
            external_url: &self.external_url,
            parser: &self.parser,
            alertmanager: &self.options.alertmanager,
            mode: self.options.mode(),
        };
        let mut plan = plan::plan(input, &context).map_err(StartError::Configuration)?;
        if self.options.agent.is_none() {
            retention::fill_in(&mut plan.config, &self.options.storage);
        }
        Ok(plan)
    }
}

/// What the main task waits for before the server is ready, and whom it tells.
struct FirstSteps {
    opened: JoinHandle<Result<Opened, StartError>>,
    started: oneshot::Sender<Result<(), StartError>>,
}

/// Everything that runs.
struct Parts {
    clock: Arc<dyn Clock>,
    storage: Storage,
    files: FileWatch,
    budget: Arc<MemoryBudget>,
    exchange: Exchange,
    pools: Arc<Pools>,
    targets: Targets,
    schedule: Schedule,
    /// With `--rules.backfill`.
    backfill: Option<Backfill>,
    environment: Environment,
    query_service: QueryService,
    alertmanager: Arc<Alertmanager>,
    mesh: Option<Mesh>,
    alertmanagers: Arc<Alertmanagers>,
    outgoing: Arc<RwLock<Outgoing>>,
    notifications: Arc<Notifications>,
    current: Arc<RwLock<Current>>,
    limits: Arc<RwLock<Limits>>,
    reasons: Arc<ReasonBook>,
    objects: watch::Sender<Arc<Objects>>,
    readiness: watch::Sender<Readiness>,
    requests: mpsc::Sender<LifecycleRequest>,
    inbox: mpsc::Receiver<LifecycleRequest>,
    /// Put in place by the main task, so that nothing runs before the server answers.
    first_plan: Option<Plan>,
}

impl Parts {
    fn build(
        planner: &Planner,
        mut plan: Plan,
        (storage, memory, budget, mesh): (Storage, Memory, Arc<MemoryBudget>, Option<Place>),
        clock: Arc<dyn Clock>,
        objects: watch::Sender<Arc<Objects>>,
    ) -> (Self, net::axum::Router) {
        let options = &planner.options;
        let registry = Registry::new();
        let reasons = Arc::new(ReasonBook::new(REASONS_KEPT_PER_CODE));
        let runtime = tokio::runtime::Handle::current();
        let reader: Arc<dyn model::storage::SeriesReader> = Arc::new(storage.db.clone());
        let writer: Arc<dyn SampleWriter> = storage.writer();
        let collaborators = Collaborators {
            writer: Arc::clone(&writer),
            clock: Arc::clone(&clock),
            reasons: Arc::clone(&reasons),
            runtime: runtime.clone(),
        };
        let pools = Arc::new(Pools::new(collaborators, ScrapeOptions::default()));
        let targets = Targets::new(
            Arc::clone(&pools),
            budget.page_bytes_max(),
            Arc::clone(&clock),
            Arc::clone(&reasons),
        );
        let settings = options.alertmanager.settings(clock.now(), mesh.is_some());
        let counters = Counters::new(&registry, &options.alertmanager);
        let routing = plan.routing.clone();
        let reading = trial::Reading {
            matchers: options.alertmanager.matchers,
            tempo: options.tempo,
        };
        let alertmanager = Alertmanager::new(
            routing,
            (settings, reading),
            memory,
            Arc::clone(&clock),
            Arc::clone(&reasons),
            counters,
        );
        let mesh = mesh.map(|mesh| cluster::join(mesh, &alertmanager, &registry));
        let outgoing = Arc::new(RwLock::new(Outgoing::default()));
        let query_service = QueryService::new(
            queries::Settings {
                room: Some(budget.clone()),
                ..query_settings(
                    &options.query,
                    options.features,
                    options.rules.concurrent_max,
                )
            },
            Arc::clone(&reader),
            Arc::clone(&clock),
            &registry,
            Some(&options.data_dir),
        );
        let rule_queries = RuleQueries {
            service: query_service.clone(),
            file: String::new(),
            group: String::new(),
            known: None,
        };
        let alertmanagers = Arc::new(Alertmanagers::new(
            options.notifications,
            Arc::clone(&clock),
            Arc::clone(&reasons),
            &registry,
        ));
        let sink = OutgoingAlerts {
            outgoing: Arc::clone(&outgoing),
            alertmanagers: Arc::clone(&alertmanagers),
            next: RuleAlerts(Arc::clone(&alertmanager), runtime),
        };
        let environment = Environment {
            queries: Arc::new(rule_queries),
            reader: Arc::clone(&reader),
            writer: Arc::clone(&writer),
            alerts: Arc::new(sink),
            settings: rules::environment::Settings {
                external_labels: plan.external_labels.clone(),
                external_url: planner.external_url.clone(),
                has_page: true,
                resend_delay: tempo::resend_delay(options),
                outage_tolerance: options.rules.outage_tolerance,
                grace_period: options.rules.grace_period,
            },
        };
        let rule_counters = RuleCounters::new(&registry);
        let observed_rules = rule_counters.clone();
        let observer = {
            let (reasons, clock) = (Arc::clone(&reasons), Arc::clone(&clock));
            Arc::new(move |view: &rules::GroupView, counts| {
                rule_counters.observe(view, counts);
                groups::record_refusals(view, &reasons, &*clock);
            })
        };
        let schedule = Schedule::new(Arc::clone(&clock), options.rules.concurrent_max, observer);
        let started_at = clock.now();
        let current = Arc::new(RwLock::new(Current {
            yaml: plan.config.to_text(),
            external_labels: plan.external_labels.clone(),
            jobs: std::mem::take(&mut plan.job_texts),
            decisions: std::mem::take(&mut plan.decisions),
            is_reload_ok: true,
            loaded_at: started_at,
        }));
        let (exchange, services) = Exchange::new(
            options,
            exchange::Collaborators {
                db: &storage.db,
                writer,
                reader: Arc::clone(&reader),
                clock: Arc::clone(&clock),
                reasons: Arc::clone(&reasons),
                registry: &registry,
                room: budget.clone(),
            },
        );
        let notifications = Arc::new(Notifications::new(
            Arc::clone(&clock),
            options.notification_subscribers_max,
            &registry,
        ));
        notifications.add(Notice::Starting);
        let limits = Limits::new(&options.storage, &plan.config);
        let shown_flags = match options.agent {
            Some(_) => options.flags.clone(),
            None => options.flags.clone().with_limits(&options.storage, limits),
        };
        let limits = Arc::new(RwLock::new(limits));
        let observed = Observed {
            remote_write: exchange.receiver.clone(),
            pools: Arc::clone(&pools),
            db: storage.db.clone(),
            agent: storage.agent.clone(),
            budget: budget.clone(),
            alertmanager: Arc::clone(&alertmanager),
            current: Arc::clone(&current),
            limits: Arc::clone(&limits),
            reasons: Arc::clone(&reasons),
            started_at,
        };
        self_metrics::register(&registry, observed);
        observed_rules.show(&registry, schedule.views());
        let backfill = Backfill::of(options, &storage, (&budget, &reasons, &clock), &registry);
        let (requests, inbox) = mpsc::channel(8);
        let (readiness, readiness_seen) = watch::channel(Readiness::Starting);
        let host = planner
            .external_url
            .split_once("://")
            .map_or("", |(_, rest)| rest);
        let external_host = host.split(['/', ':']).next().unwrap_or_default().to_owned();
        let tsdb_view = Arc::new(TsdbView {
            db: storage.db.clone(),
            dir: storage.dir.clone(),
            clock: Arc::clone(&clock),
            budget: budget.clone(),
            import: ImportPlace::default(),
        });
        let api = Arc::new(Api {
            clock: Arc::clone(&clock),
            queries: query_service.clone(),
            rules: schedule.views(),
            targets: Arc::new(TargetView {
                pools: Arc::clone(&pools),
                external_host,
            }),
            alertmanager: Arc::new(AlertmanagerApi {
                alertmanager: Arc::clone(&alertmanager),
                outgoing: Arc::clone(&outgoing),
            }),
            admin: options
                .admin_api
                .is_on()
                .then(|| Arc::clone(&tsdb_view) as Arc<dyn api::AdminSource>),
            tsdb: tsdb_view,
            notifications: Arc::clone(&notifications),
            events: Arc::new(Events::new(started_at, &registry)),
            search: options
                .features
                .search_api
                .is_on()
                .then_some(options.search),
            features: feature_list(options),
            cors: options.cors_origin.clone(),
            backfill: backfill.as_ref().map(Backfill::view),
            remote_read: services.read,
            remote_write: services.write,
            otlp: services.otlp,
            config: Arc::new(ConfigView {
                current: Arc::clone(&current),
                flags: shown_flags,
                limits: Arc::clone(&limits),
                external_url: planner.external_url.clone(),
                alertmanagers: Arc::clone(&alertmanagers),
            }),
            reasons: Arc::new(ReasonView {
                book: Arc::clone(&reasons),
                current: Arc::clone(&current),
            }),
            lifecycle: Lifecycle {
                requests: requests.clone(),
                is_enabled: options.lifecycle.is_on(),
                readiness: readiness_seen,
            },
            federation_errors: exchange::federation_errors(&registry),
            metrics: registry,
            started_at,
            version: crate::VERSION,
            access: options.access,
            mode: match options.mode() {
                config::prometheus::Mode::Agent => api::Mode::Agent,
                config::prometheus::Mode::Server => api::Mode::Server,
            },
        });
        let ui = Ui {
            files: options.ui_files,
            home: home(options),
        };
        let router = api::router(
            api,
            &route_prefix(options.route_prefix.as_deref(), &planner.external_url),
            ui,
        );
        let parts = Self {
            files: FileWatch::new(options),
            clock,
            storage,
            budget,
            exchange,
            pools,
            targets,
            schedule,
            backfill,
            environment,
            query_service,
            alertmanager,
            mesh,
            alertmanagers,
            outgoing,
            notifications,
            current,
            limits,
            reasons,
            objects,
            readiness,
            requests,
            inbox,
            first_plan: Some(plan),
        };
        (parts, router)
    }

    /// The main task: until a signal or a request ends it.
    async fn run(mut self, planner: Planner, serving: Serving, first: FirstSteps) {
        let watch = budget::Watch::start(
            self.budget.clone(),
            budget::Collaborators {
                reasons: Arc::clone(&self.reasons),
                clock: Arc::clone(&self.clock),
                pools: Arc::clone(&self.pools),
                receiver: self.exchange.receiver.clone(),
            },
        );
        if let Err(error) = &watch {
            tracing::error!(%error, "no thread for the memory budget; it is looked at only where series are made");
        }
        let alerting = AlertingTasks::start(&self.alertmanager, self.mesh.take());
        let mut opening = first.opened;
        let early = tokio::time::timeout(HEAD_START, &mut opening).await;
        if let Some(plan) = self.first_plan.take() {
            self.put_in_place(plan, &planner).await;
        }
        let opened = match early {
            Ok(opened) => opened,
            Err(_) => opening.await,
        };
        match opened.unwrap_or_else(|error| Err(StartError::Input(error.to_string()))) {
            Ok(opened) => opened.tell(&self.reasons, &*self.clock),
            Err(error) => {
                self.schedule.stop().await;
                self.pools.stop().await;
                drop(alerting);
                // If nobody waits for it any more, the server was told to stop.
                let _ = first.started.send(Err(error));
                return;
            }
        }
        let syncing = keep_synced(&self.storage, &planner.options, &self.clock);
        let compaction = compact(&self.storage, &self.budget, &self.reasons, &self.clock);
        if let Some(backfill) = &mut self.backfill {
            backfill.start();
        }
        self.readiness.send_replace(Readiness::Ready);
        self.notifications.remove(Notice::Starting);
        tracing::info!("ready");
        // As above.
        let _ = first.started.send(Ok(()));
        let mut signals = Signals::new();
        loop {
            tokio::select! {
                () = self.files.tick() => {
                    if self.files.has_changed(&planner.options, planner.own) {
                        tracing::info!("the configuration files have changed");
                        self.reload(&planner, None).await;
                    }
                }
                request = self.inbox.recv() => match request {
                    Some(LifecycleRequest::Reload(answer)) => self.reload(&planner, Some(answer)).await,
                    Some(LifecycleRequest::Compare(answer)) => {
                        // The client may have gone; nothing was changed.
                        let _ = answer.send(sources::files(planner.plan()));
                    }
                    Some(LifecycleRequest::Quit) | None => break,
                },
                signal = signals.next() => match signal {
                    Signal::Reload => self.reload(&planner, None).await,
                    Signal::Stop => break,
                },
            }
        }
        tracing::info!("stopping");
        self.notifications.add(Notice::Stopping);
        self.readiness.send_replace(Readiness::Stopping);
        self.schedule.stop().await;
        self.alertmanagers.stop().await;
        self.pools.stop().await;
        self.alertmanager.begin_stop();
        serving.stop().await;
        alerting.stop().await;
        syncing.abort();
        let (db, agent) = (self.storage.db.clone(), self.storage.agent.clone());
        let (alertmanager, backfill) = (Arc::clone(&self.alertmanager), self.backfill.take());
        let closed = tokio::task::spawn_blocking(move || {
            alertmanager.close();
            if let Ok(watch) = watch {
                watch.stop();
            }
            if let Some(backfill) = backfill {
                backfill.stop();
            }
            if let Some(compaction) = compaction {
                compaction.stop();
            }
            Storage::close(&db, agent.as_ref())
        })
        .await;
        self.alertmanager.recorder.finish().await;
        match closed {
            Ok(Ok(())) => tracing::info!("stopped; everything is on disk"),
            Ok(Err(error)) => tracing::error!(%error, "closing the log failed"),
            Err(error) => tracing::error!(%error, "closing the log failed"),
        }
    }

    /// The second half of the transaction: cannot fail, touches only what differs.
    async fn put_in_place(&mut self, plan: Plan, planner: &Planner) {
        self.exchange.put_in_place(&plan, &planner.options);
        self.objects.send_replace(Arc::new(plan.objects));
        for (job, refusal) in &plan.job_refusals {
            self.reasons.record(self.clock.now().millis(), job, refusal);
        }
        for part in &plan.parts_not_built {
            self.reasons
                .record(self.clock.now().millis(), "configuration", part);
        }
        self.files
            .follow(&plan.config, &planner.options, planner.own);
        let limits = Limits::new(&planner.options.storage, &plan.config);
        *self.limits.write() = limits;
        let rules = &planner.options.storage.retention_rules;
        rules.tell_idle(limits, &self.reasons, &*self.clock);
        let retention = limits.of_folder(&self.storage.dir);
        self.storage.db.set_retention(retention);
        SampleSettings::new(&plan.config, planner.options.features).put_in_place(&self.storage.db);
        *self.outgoing.write() = Outgoing {
            external_labels: plan.external_labels.clone(),
            relabel: plan.alert_relabel,
        };
        self.alertmanagers.apply(plan.alertmanagers);
        self.query_service.switch_log(plan.query_log);
        self.budget
            .set_needed(Needed::of(&plan.groups, &planner.parser));
        self.targets.apply(plan.jobs);
        self.environment.settings.external_labels = plan.external_labels;
        self.environment
            .settings
            .external_url
            .clone_from(&planner.external_url);
        if let Some(backfill) = &self.backfill {
            backfill.put_in_place(&plan.groups, self.clock.now());
        }
        self.schedule.update(plan.groups, &self.environment).await;
    }

    async fn reload(
        &mut self,
        planner: &Planner,
        answer: Option<oneshot::Sender<Result<(), String>>>,
    ) {
        let outcome = match planner.plan() {
            Ok(mut plan) => {
                report(&plan.notices);
                let loaded = Current {
                    yaml: plan.config.to_text(),
                    external_labels: plan.external_labels.clone(),
                    jobs: std::mem::take(&mut plan.job_texts),
                    decisions: std::mem::take(&mut plan.decisions),
                    is_reload_ok: true,
                    loaded_at: self.clock.now(),
                };
                *self.current.write() = loaded;
                self.alertmanager.replace(plan.routing.clone());
                self.put_in_place(plan, planner).await;
                self.notifications.remove(Notice::ReloadFailed);
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                self.current.write().is_reload_ok = false;
                self.notifications.add(Notice::ReloadFailed);
                let problems = error.to_lines();
                self.alertmanager.reload_refused(&problems);
                tracing::error!(
                    problems,
                    "reload refused; the old configuration keeps running"
                );
                Err(problems)
            }
        };
        if let Some(answer) = answer {
            // The client may have gone; the reload happened all the same.
            let _ = answer.send(outcome);
        }
    }
}
