//! What the command line says, as types.

use std::path::PathBuf;
use tsdb::log::Compression as LogCompression;

use config::alertmanager::matchers::MatcherMode;
use config::prometheus::Mode;
use model::{Duration, Timestamp};
use net::Overrides;

use crate::address::ListenOptions;
use crate::alertmanagers::NotificationOptions;
use crate::budget::MemoryBudgetOption;
use crate::cluster::ClusterOptions;
use crate::features::Features;
use crate::journal::JournalLimits;
use crate::retention_rules::RetentionRules;
use crate::shown_flags::ShownFlags;

/// How fast time passes for the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tempo {
    /// Intervals are those of the configuration.
    #[default]
    Real,
    /// Intervals are cut to seconds, for demonstrations.
    Shortened,
}

/// All settings of one server process.
#[derive(Clone, Debug)]
pub struct Options {
    /// `prometheus.yml`; without one and without manifests the server scrapes itself.
    pub config_file: Option<PathBuf>,
    /// How often all files are looked at for changes, which are then loaded.
    pub auto_reload: Option<Duration>,
    /// `alertmanager.yml`.
    pub alertmanager_config_file: Option<PathBuf>,
    /// Files and folders with Kubernetes objects.
    pub manifests: Vec<PathBuf>,
    /// For objects that name no namespace, as kubectl's `-n`.
    pub default_namespace: String,
    pub data_dir: PathBuf,
    /// `HOST:PORT`; port 0 takes any free one. All serve the same paths.
    pub listen: Vec<String>,
    /// TLS, users and more of that kind.
    pub web_config_file: Option<PathBuf>,
    /// The URL under which users reach the server; made from the host's name if absent.
    pub external_url: Option<String>,
    /// Path before all paths; that of the external URL if absent.
    pub route_prefix: Option<String>,
    pub lifecycle: Switch,
    /// What requests may do.
    pub access: api::Access,
    /// Built files of the web UI; none if the program was built without them.
    pub ui_files: &'static [api::ui::UiFile],
    pub admin_api: Switch,
    pub remote_write: RemoteWriteOptions,
    pub remote_read: RemoteReadOptions,
    pub otlp_receiver: Switch,
    pub notifications: NotificationOptions,
    pub storage: StorageOptions,
    /// With it samples are kept in a log until they are sent on, and nothing can be queried.
    pub agent: Option<AgentOptions>,
    pub query: QueryOptions,
    pub rules: RuleOptions,
    pub alertmanager: AlertmanagerOptions,
    /// The mesh of Alertmanagers that this node is to be a member of.
    pub cluster: Option<ClusterOptions>,
    /// What is experimental.
    pub features: Features,
    pub search: api::SearchLimits,
    /// Whom answers are readable for in browsers.
    pub cors_origin: api::CorsOrigin,
    /// Who may listen to notifications at once.
    pub notification_subscribers_max: usize,
    pub connections_max: usize,
    pub read_timeout: Duration,
    pub overrides: Overrides,
    pub tempo: Tempo,
    pub flags: ShownFlags,
}

impl Default for Options {
    /// As a server without any flag has it, on any free port of this machine.
    fn default() -> Self {
        let minutes = |count: i64| Duration::from_secs(count * 60);
        Self {
            config_file: None,
            auto_reload: None,
            alertmanager_config_file: None,
            manifests: Vec::new(),
            default_namespace: "default".to_owned(),
            data_dir: PathBuf::from("data"),
            listen: vec!["127.0.0.1:0".to_owned()],
            web_config_file: None,
            external_url: None,
            route_prefix: None,
            lifecycle: Switch::Off,
            access: api::Access::Full,
            ui_files: &[],
            admin_api: Switch::Off,
            remote_write: RemoteWriteOptions {
                receiver: Switch::Off,
                accepted: remote::write::MessageTypes::default(),
            },
            remote_read: RemoteReadOptions::default(),
            otlp_receiver: Switch::Off,
            notifications: NotificationOptions::default(),
            storage: StorageOptions {
                retention_time: Duration::ZERO,
                retention_bytes: 0,
                retention_rules: RetentionRules::default(),
                block_range: minutes(120),
                block_range_max: Duration::ZERO,
                log_compression: LogCompression::default(),
                log_segment_bytes: 0,
                is_locked: true,
                uploads_file: None,
                memory: MemoryBudgetOption::default(),
            },
            agent: None,
            query: QueryOptions::default(),
            rules: RuleOptions {
                outage_tolerance: minutes(60),
                grace_period: minutes(10),
                resend_delay: minutes(1),
                concurrent_max: 4,
                backfill: Duration::ZERO,
            },
            alertmanager: AlertmanagerOptions::default(),
            cluster: None,
            features: Features::default(),
            search: api::SearchLimits {
                results_max: 10_000,
            },
            cors_origin: api::CorsOrigin::default(),
            notification_subscribers_max: 16,
            connections_max: 512,
            read_timeout: minutes(5),
            overrides: Overrides::default(),
            tempo: Tempo::Real,
            flags: ShownFlags::default(),
        }
    }
}

impl Options {
    pub(crate) fn listening(&self) -> ListenOptions<'_> {
        ListenOptions {
            addresses: &self.listen,
            inherited: Switch::Off,
            web_config_file: self.web_config_file.as_deref(),
            external_url: self.external_url.as_deref(),
            connections_max: self.connections_max,
            read_timeout: self.read_timeout,
        }
    }

    /// Which sections the configuration may have.
    pub(crate) fn mode(&self) -> Mode {
        match self.agent {
            Some(_) => Mode::Agent,
            None => Mode::Server,
        }
    }
}

/// Alertmanager's own settings; the limits count from 1, and 0 is none.
#[derive(Clone, Copy, Debug)]
pub struct AlertmanagerOptions {
    /// How long expired silences and log entries are kept.
    pub retention: Duration,
    pub silences_max: usize,
    pub silence_bytes_max: usize,
    pub alerts_per_name_max: usize,
    /// How often ended alerts are forgotten.
    pub alerts_gc_interval: Duration,
    /// How often expired silences and log entries are dropped.
    pub maintenance_interval: Duration,
    /// Nothing is notified before so much time has passed since the start.
    pub start_delay: Duration,
    /// Which syntax matchers have, and which names labels may have.
    pub matchers: MatcherMode,
    /// How much of the journal is kept.
    pub journal: JournalLimits,
    pub metric_labels: MetricLabels,
    /// Whether events are recorded as the configuration asks for it.
    pub event_recorder: Switch,
}

/// Labels that some metrics of alerting get where somebody wants them. Each can make many series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricLabels {
    /// `alertname`, of alerts that a limit dropped.
    pub alert_name: Switch,
    /// `receiver_name`, of notifications.
    pub receiver_name: Switch,
    /// `group_key`, of the number of alerts.
    pub group_key: Switch,
}

impl Default for AlertmanagerOptions {
    /// As Alertmanager has it.
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(120 * 3600),
            silences_max: 0,
            silence_bytes_max: 0,
            alerts_per_name_max: 0,
            alerts_gc_interval: Duration::from_secs(30 * 60),
            maintenance_interval: Duration::from_secs(15 * 60),
            start_delay: Duration::ZERO,
            matchers: MatcherMode::default(),
            journal: JournalLimits::default(),
            metric_labels: MetricLabels::default(),
            event_recorder: Switch::Off,
        }
    }
}

impl AlertmanagerOptions {
    /// For a machine that starts now, alone or as a member of a mesh.
    pub(crate) fn settings(&self, now: Timestamp, is_clustered: bool) -> alerting::Settings {
        alerting::Settings {
            dispatch_from: match self.start_delay {
                Duration::ZERO => Timestamp::MIN,
                delay => now + delay,
            },
            retention: self.retention,
            alerts_gc_interval: self.alerts_gc_interval,
            maintenance_interval: self.maintenance_interval,
            alerts_per_name_max: self.alerts_per_name_max,
            silences_max: self.silences_max,
            silence_bytes_max: self.silence_bytes_max,
            names: self.matchers.name_scheme(),
            waits_for_cluster: is_clustered,
            jitter_seed: u64::from(std::process::id()),
            records_events: self.event_recorder.is_on(),
            identity_seed: crate::storage::random(),
        }
    }
}

/// An optional part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    On,
    #[default]
    Off,
}

impl Switch {
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

impl From<bool> for Switch {
    fn from(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }
}

/// Receiving remote write.
#[derive(Clone, Debug)]
pub struct RemoteWriteOptions {
    pub receiver: Switch,
    pub accepted: remote::write::MessageTypes,
}

/// Answering remote read.
#[derive(Clone, Copy, Debug)]
pub struct RemoteReadOptions {
    /// Samples of one query in an answer with samples; 0 for no limit.
    pub samples_max: usize,
    /// Requests at once; 0 for no limit.
    pub concurrent_max: usize,
    /// Bytes of a frame of a streamed answer, but for its last chunk.
    pub frame_bytes_max: usize,
}

impl Default for RemoteReadOptions {
    /// As Prometheus has it.
    fn default() -> Self {
        Self {
            samples_max: 50_000_000,
            concurrent_max: 10,
            frame_bytes_max: 1 << 20,
        }
    }
}

/// What the command line says of the database. The configuration may say more of the retention.
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// Blocks that end so long before the newest one are dropped. 0: nothing said.
    pub retention_time: Duration,
    /// The oldest blocks are dropped as long as all files are longer. 0: nothing said.
    pub retention_bytes: u64,
    /// Series that are kept for less time.
    pub retention_rules: RetentionRules,
    /// Length of the blocks that the head is written out in.
    pub block_range: Duration,
    /// Memory of the whole process.
    pub memory: MemoryBudgetOption,
    /// Blocks are not merged into longer ones. 0: a tenth of the retention, 31 days at most.
    pub block_range_max: Duration,
    pub log_compression: LogCompression,
    /// Length of the files of the log; 0: the usual one.
    pub log_segment_bytes: u64,
    /// Whether only one process can use the folder.
    pub is_locked: bool,
    /// Names the blocks that are uploaded; others are not merged.
    pub uploads_file: Option<PathBuf>,
}

/// Run as an agent.
#[derive(Clone, Copy, Debug)]
pub struct AgentOptions {
    /// How long samples are kept after they were sent.
    pub retention_min: Duration,
    /// How long samples are kept that cannot be sent.
    pub retention_max: Duration,
    /// How often it is looked what can go.
    pub truncate_interval: Duration,
}

impl AgentOptions {
    /// As Prometheus corrects what makes no sense together: nothing is kept for less than the shortest time
    /// nor for less than the pause between two looks.
    #[must_use]
    pub fn corrected(mut self) -> Self {
        self.retention_max = self
            .retention_max
            .max(self.retention_min)
            .max(self.truncate_interval);
        self
    }
}

#[derive(Clone, Debug)]
pub struct QueryOptions {
    pub lookback_delta: Duration,
    pub timeout: Duration,
    pub concurrent_max: usize,
    pub samples_max: usize,
    /// `None` for no limit.
    pub bytes_max: Option<usize>,
    /// `None` for no limit.
    pub series_max: Option<usize>,
}

impl Default for QueryOptions {
    /// As Prometheus has it.
    fn default() -> Self {
        Self {
            lookback_delta: Duration::from_secs(300),
            timeout: Duration::from_secs(120),
            concurrent_max: 20,
            samples_max: 50_000_000,
            bytes_max: None,
            series_max: None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct RuleOptions {
    pub outage_tolerance: Duration,
    pub grace_period: Duration,
    pub resend_delay: Duration,
    pub concurrent_max: usize,
    /// How far back new recording rules are filled; zero: not at all.
    pub backfill: Duration,
}
