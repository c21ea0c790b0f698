//! The role `alertmanager`: an Alertmanager alone, without scraping, rules and a database.
//!
//! It is made of the parts that alerting has in the whole server: machine, files, mesh, API and web UI.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use api::ui::{Home, Ui, UiFile};
use api::{
    Access, AlertingApi, DecisionView, Lifecycle, LifecycleRequest, Limits, Readiness, ReasonSource,
};
use diag::{Diagnostics, ReasonBook, ReasonEntry};
use metrics::Registry;
use model::{Clock, Duration};
use net::Overrides;
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::StartError;
use crate::address::{ListenOptions, Listening, Scheme, route_prefix};
use crate::alerting_metrics::{self, Loaded, Observed};
use crate::alerting_tasks::AlertingTasks;
use crate::alertmanager::{Alertmanager, AlertmanagerApi, Counters, Memory, Routing};
use crate::clock::SystemClock;
use crate::cluster::{self, ClusterOptions};
use crate::input;
use crate::options::{AlertmanagerOptions, Switch, Tempo};
use crate::outgoing::Outgoing;
use crate::plan::RoutingContext;
use crate::routing::{self, trial};
use crate::running::{REASONS_KEPT_PER_CODE, report};
use crate::serving::Serving;
use crate::signals::{Signal, Signals};
use crate::storage::lock_folder;

/// All settings of an Alertmanager alone.
#[derive(Clone, Debug)]
pub struct AlertmanagerRole {
    /// `alertmanager.yml`.
    pub config_file: PathBuf,
    /// The folder with the files `silences` and `nflog`.
    pub storage: PathBuf,
    /// `HOST:PORT`; port 0 takes any free one. All serve the same paths.
    pub listen: Vec<String>,
    /// Listen on the sockets that the process was started with instead.
    pub systemd_socket: Switch,
    /// TLS, users and more of that kind.
    pub web_config_file: Option<PathBuf>,
    /// The URL under which users reach it; made from the host's name if absent.
    pub external_url: Option<String>,
    /// Path before all paths; that of the external URL if absent.
    pub route_prefix: Option<String>,
    pub ui_files: &'static [UiFile],
    pub alertmanager: AlertmanagerOptions,
    /// The mesh that this node is to be a member of.
    pub cluster: Option<ClusterOptions>,
    /// GET requests that are answered at once; 0 for as many as there are cores.
    pub gets_max: usize,
    /// Longest time to answer a request; 0 for no limit.
    pub answer_timeout: Duration,
    pub connections_max: usize,
    pub read_timeout: Duration,
    pub overrides: Overrides,
}

impl AlertmanagerRole {
    fn listening(&self) -> ListenOptions<'_> {
        ListenOptions {
            addresses: &self.listen,
            inherited: self.systemd_socket,
            web_config_file: self.web_config_file.as_deref(),
            external_url: self.external_url.as_deref(),
            connections_max: self.connections_max,
            read_timeout: self.read_timeout,
        }
    }
}

/// An Alertmanager that answers.
#[derive(Debug)]
pub struct RunningAlertmanager {
    addresses: Vec<SocketAddr>,
    scheme: Scheme,
    main: JoinHandle<()>,
}

impl RunningAlertmanager {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How it is spoken to there.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns when it was stopped by a signal, and everything is written.
    pub async fn stopped(self) {
        // A panic of the main task was logged by the runtime.
        let _ = self.main.await;
    }
}

/// Reads the configuration and what was remembered, listens, starts. Nothing runs if it fails.
pub async fn start_alertmanager(
    options: AlertmanagerRole,
) -> Result<RunningAlertmanager, StartError> {
    let listening = Listening::new(options.listening()).await?;
    let (addresses, scheme) = (listening.addresses.clone(), listening.scheme);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let planner = Planner {
        options,
        external_url: listening.external_url.clone(),
    };
    let plan = planner.plan()?;
    report(&plan.notices);
    let options = &planner.options;
    let lock = lock_folder(&options.storage)?;
    let memory = Memory::open(&options.storage, &options.alertmanager)?;
    let mesh = cluster::bind(options.cluster.as_ref(), &options.overrides, &clock).await?;

    let registry = Registry::new();
    let reasons = Arc::new(ReasonBook::new(REASONS_KEPT_PER_CODE));
    let started_at = clock.now();
    let settings = options.alertmanager.settings(started_at, mesh.is_some());
    let reading = trial::Reading {
        matchers: options.alertmanager.matchers,
        tempo: Tempo::Real,
    };
    let alertmanager = Alertmanager::new(
        plan.routing,
        (settings, reading),
        memory,
        Arc::clone(&clock),
        Arc::clone(&reasons),
        Counters::new(&registry, &options.alertmanager),
    );
    let mesh = mesh.map(|mesh| cluster::join(mesh, &alertmanager, &registry));
    let loaded = Arc::new(RwLock::new(Loaded {
        is_ok: true,
        at: started_at,
        hash: plan.hash,
    }));
    let observed = Observed {
        alertmanager: Arc::clone(&alertmanager),
        loaded: Arc::clone(&loaded),
        reasons: Arc::clone(&reasons),
        started_at,
    };
    alerting_metrics::register(&registry, observed);
    let (requests, inbox) = mpsc::channel(8);
    let (readiness, readiness_seen) = watch::channel(Readiness::Ready);
    let limits = Limits::new(options.gets_max, options.answer_timeout.to_std(), &registry);
    let asked = api::Requests::new(&registry, alertmanager.tracing.traces().clone());
    let events = Arc::new(api::Events::new(started_at, &registry));
    let api = AlertingApi {
        clock: Arc::clone(&clock),
        alertmanager: Arc::new(AlertmanagerApi {
            alertmanager: Arc::clone(&alertmanager),
            outgoing: Arc::new(RwLock::new(Outgoing::default())),
        }),
        rules: rules::schedule::Views::default(),
        reasons: Arc::new(Reasons(reasons)),
        events,
        lifecycle: Lifecycle {
            requests,
            is_enabled: true,
            readiness: readiness_seen,
        },
        metrics: registry,
        external_url: planner.external_url.clone(),
        started_at,
        version: crate::VERSION,
        access: Access::Full,
        is_admin_enabled: false,
    };
    let ui = Ui {
        files: options.ui_files,
        home: Home::Alerts,
    };
    let prefix = route_prefix(options.route_prefix.as_deref(), &planner.external_url);
    let router = api::alertmanager_router(api, (limits, asked), &prefix, ui);
    let tasks = AlertingTasks::start(&alertmanager, mesh);
    let serving = Serving::start(listening, router);
    let main = Main {
        planner,
        alertmanager,
        loaded,
        clock,
        readiness,
        inbox,
    };
    let main = tokio::spawn(async move {
        main.run(serving, tasks).await;
        drop(lock);
    });
    Ok(RunningAlertmanager {
        addresses,
        scheme,
        main,
    })
}

/// Nothing but alerting refuses anything here, and there are no objects.
#[derive(Debug)]
struct Reasons(Arc<ReasonBook>);

impl ReasonSource for Reasons {
    fn entries(&self, code: Option<&str>) -> Vec<ReasonEntry> {
        self.0.entries(code)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.0.counts()
    }

    fn decisions(&self) -> Vec<DecisionView> {
        Vec::new()
    }
}

/// What a start or a reload puts in place.
struct Plan {
    routing: Routing,
    hash: f64,
    /// Warnings and notes; errors would have refused the plan.
    notices: Diagnostics,
}

/// Makes plans from the file as it is now.
struct Planner {
    options: AlertmanagerRole,
    external_url: String,
}

impl Planner {
    fn plan(&self) -> Result<Plan, StartError> {
        let file = input::file(&self.options.config_file)?;
        let context = RoutingContext {
            overrides: &self.options.overrides,
            tempo: Tempo::Real,
            external_url: &self.external_url,
            alertmanager: &self.options.alertmanager,
        };
        let mut problems = Diagnostics::new();
        match routing::plan(Some(&file), context, &mut problems) {
            Some(routing) if !problems.has_errors() => Ok(Plan {
                routing,
                hash: alerting_metrics::hash(file.source.text()),
                notices: problems,
            }),
            _ => Err(StartError::Configuration(problems)),
        }
    }
}

/// What the main task works with.
struct Main {
    planner: Planner,
    alertmanager: Arc<Alertmanager>,
    loaded: Arc<RwLock<Loaded>>,
    clock: Arc<dyn Clock>,
    readiness: watch::Sender<Readiness>,
    inbox: mpsc::Receiver<LifecycleRequest>,
}

impl Main {
    /// Until a signal ends it.
    async fn run(mut self, serving: Serving, tasks: AlertingTasks) {
        tracing::info!("ready");
        let mut signals = Signals::new();
        loop {
            tokio::select! {
                request = self.inbox.recv() => match request {
                    Some(LifecycleRequest::Reload(answer)) => {
                        // The client may have gone; the reload happened all the same.
                        let _ = answer.send(self.reload());
                    }
                    // No path here asks for it.
                    Some(LifecycleRequest::Compare(_)) => {}
                    Some(LifecycleRequest::Quit) | None => break,
                },
                signal = signals.next() => match signal {
                    Signal::Reload => {
                        // The log has what is wrong.
                        let _ = self.reload();
                    }
                    Signal::Stop => break,
                },
            }
        }
        tracing::info!("stopping");
        self.readiness.send_replace(Readiness::Stopping);
        self.alertmanager.begin_stop();
        serving.stop().await;
        tasks.stop().await;
        let alertmanager = Arc::clone(&self.alertmanager);
        // A panic in there is logged by the runtime, and what could not be written is too.
        let _ = tokio::task::spawn_blocking(move || alertmanager.close()).await;
        // Last, as it may take a while.
        self.alertmanager.recorder.finish().await;
        tracing::info!("stopped");
    }

    fn reload(&self) -> Result<(), String> {
        match self.planner.plan() {
            Ok(plan) => {
                report(&plan.notices);
                *self.loaded.write() = Loaded {
                    is_ok: true,
                    at: self.clock.now(),
                    hash: plan.hash,
                };
                self.alertmanager.replace(plan.routing);
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                self.loaded.write().is_ok = false;
                let problems = error.to_lines();
                self.alertmanager.reload_refused(&problems);
                tracing::error!(
                    problems,
                    "reload refused; the old configuration keeps running"
                );
                Err(problems)
            }
        }
    }
}
