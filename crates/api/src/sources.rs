//! What handlers read. The server fills these traits; tests fill them with plain values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use diag::ReasonEntry;
use model::storage::TimeRange;
use model::{Clock, Exemplar, Labels, Matcher, Metadata, Timestamp, relabel};
use net::axum::extract::FromRef;
use queries::QueryService;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::cors::CorsOrigin;
use crate::keepwatch::events::Events;
use crate::keepwatch::rule_backfill::BackfillSource;
use crate::prometheus::notifications::Notifications;
use crate::prometheus::otlp::OtlpService;
use crate::prometheus::read::ReadService;
use crate::prometheus::search::SearchLimits;
use crate::prometheus::write::WriteService;

/// Everything behind the handlers.
pub struct Api {
    pub clock: Arc<dyn Clock>,
    pub queries: QueryService,
    pub rules: rules::schedule::Views,
    pub targets: Arc<dyn TargetSource>,
    pub alertmanager: Arc<dyn AlertmanagerSource>,
    pub tsdb: Arc<dyn TsdbSource>,
    pub notifications: Arc<Notifications>,
    pub events: Arc<Events>,
    /// With `--enable-feature=search-api`.
    pub search: Option<SearchLimits>,
    pub features: FeatureList,
    pub cors: CorsOrigin,
    pub remote_read: ReadService,
    /// With `--web.enable-remote-write-receiver`.
    pub remote_write: Option<WriteService>,
    /// With `--web.enable-otlp-receiver`.
    pub otlp: Option<OtlpService>,
    /// With `--rules.backfill`.
    pub backfill: Option<Arc<dyn BackfillSource>>,
    /// With `--web.enable-admin-api`.
    pub admin: Option<Arc<dyn AdminSource>>,
    pub config: Arc<dyn ConfigSource>,
    pub reasons: Arc<dyn ReasonSource>,
    pub lifecycle: Lifecycle,
    pub metrics: metrics::Registry,
    /// Answers of `/federate` that failed.
    pub federation_errors: metrics::Counter,
    pub started_at: Timestamp,
    pub version: &'static str,
    pub access: Access,
    pub mode: Mode,
}

/// What the process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Server,
    /// `--agent`: samples wait to be sent on, nothing can be queried.
    Agent,
}

/// What the server can do: by category, then by name, whether it is on.
pub type FeatureList = BTreeMap<String, BTreeMap<String, bool>>;

/// What handlers of queries read: there may be nothing else behind them.
#[derive(Clone)]
pub struct QueryApi {
    pub clock: Arc<dyn Clock>,
    pub queries: QueryService,
}

impl FromRef<Arc<Api>> for QueryApi {
    fn from_ref(api: &Arc<Api>) -> Self {
        Self {
            clock: Arc::clone(&api.clock),
            queries: api.queries.clone(),
        }
    }
}

/// What Alertmanager's handlers read, and those of ours that are about alerts: an Alertmanager alone has nothing else
/// behind them.
#[derive(Clone)]
pub struct AlertingApi {
    pub clock: Arc<dyn Clock>,
    pub alertmanager: Arc<dyn AlertmanagerSource>,
    /// Those of this process, if it has any.
    pub rules: rules::schedule::Views,
    pub reasons: Arc<dyn ReasonSource>,
    pub events: Arc<Events>,
    pub lifecycle: Lifecycle,
    pub metrics: metrics::Registry,
    pub external_url: String,
    pub started_at: Timestamp,
    pub version: &'static str,
    pub access: Access,
    /// `--web.enable-admin-api`, where there is a storage.
    pub is_admin_enabled: bool,
}

impl FromRef<Arc<Api>> for AlertingApi {
    fn from_ref(api: &Arc<Api>) -> Self {
        Self {
            clock: Arc::clone(&api.clock),
            alertmanager: Arc::clone(&api.alertmanager),
            rules: api.rules.clone(),
            reasons: Arc::clone(&api.reasons),
            events: Arc::clone(&api.events),
            lifecycle: api.lifecycle.clone(),
            metrics: api.metrics.clone(),
            external_url: api.config.external_url(),
            started_at: api.started_at,
            version: api.version,
            access: api.access,
            is_admin_enabled: api.admin.is_some(),
        }
    }
}

impl std::fmt::Debug for AlertingApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AlertingApi")
    }
}

impl std::fmt::Debug for QueryApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueryApi")
    }
}

/// What requests may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    Full,
    /// `--web.read-only`: requests that change something are refused.
    ReadOnly,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

/// Scrape pools and their targets.
pub trait TargetSource: Send + Sync {
    fn targets(&self) -> TargetsView;
    /// Names of the scrape pools, sorted.
    fn pools(&self) -> Vec<String>;
    /// Families with what targets tell of them; the same family may come many times.
    fn metadata(&self) -> Vec<(String, Metadata)>;
    /// The same by target, with its labels; a family comes once.
    fn target_metadata(&self) -> Vec<(Labels, Vec<(String, Metadata)>)>;
    /// `None` if there is no such pool.
    fn relabel_rules(&self, pool: &str) -> Option<Vec<relabel::RelabelConfig>>;
    /// What the relabelling rules of a pool do to a discovered target; `None` if there is no such pool.
    fn relabel_steps(&self, pool: &str, discovered: &Labels) -> Option<Vec<RelabelStepView>>;
    /// By all scrapes since the start.
    fn samples_appended(&self) -> u64;
}

/// What one relabelling rule did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RelabelStep")]
pub struct RelabelStepView {
    /// As the configuration has it, in YAML.
    pub rule: String,
    pub kept: bool,
    /// After the rule.
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default)]
pub struct TargetsView {
    pub active: Vec<ActiveTargetView>,
    pub dropped: Vec<DroppedTargetView>,
    /// Per pool, also of targets that are not kept.
    pub dropped_counts: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActiveTarget")]
pub struct ActiveTargetView {
    pub discovered_labels: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub scrape_pool: String,
    pub scrape_url: String,
    pub global_url: String,
    pub last_error: String,
    /// RFC 3339.
    pub last_scrape: String,
    /// Seconds.
    pub last_scrape_duration: f64,
    /// `up`, `down` or `unknown`.
    pub health: String,
    pub scrape_interval: String,
    pub scrape_timeout: String,
    /// Code of the refusal, if the newest scrape failed; ours.
    #[serde(skip)]
    pub last_error_code: Option<&'static str>,
    /// Of the newest scrape; ours.
    #[serde(skip)]
    pub last_samples: usize,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DroppedTarget")]
pub struct DroppedTargetView {
    pub discovered_labels: BTreeMap<String, String>,
    pub scrape_pool: String,
    /// Why, and by which rule; ours.
    #[serde(skip)]
    pub reason: String,
    /// Stable code of the reason; ours.
    #[serde(skip)]
    pub code: &'static str,
}

/// A receiver with the labels that select it, its name among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverView {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

/// Why a change of silences was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceRefusal {
    #[error(transparent)]
    Refused(#[from] alerting::SilenceError),
    /// It is in force, but a restart would forget it.
    #[error("the change is in force, but could not be stored: {0}")]
    NotStored(String),
}

/// The mesh of Alertmanagers as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterView {
    /// This node is alone, and meant to be.
    Disabled,
    Enabled {
        name: String,
        /// Whether notifications go out: before that it may not know what others have told.
        has_settled: bool,
        /// Names and addresses of all members, this one included, in order of names.
        peers: Vec<(String, SocketAddr)>,
    },
}

impl ClusterView {
    /// In the peer's words.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled { has_settled, .. } if *has_settled => "ready",
            Self::Enabled { .. } => "settling",
        }
    }
}

/// The alerting machine of this process.
pub trait AlertmanagerSource: Send + Sync {
    fn alerts(&self, filter: &alerting::view::AlertFilter) -> Vec<alerting::view::AlertView>;
    fn groups(&self, filter: &alerting::view::AlertFilter) -> Vec<alerting::view::GroupView>;
    /// The labels that the group's route gives it, rendered.
    fn route_labels(&self, group: &alerting::view::GroupView) -> BTreeMap<String, String>;
    /// In the order of the configuration.
    fn receivers(&self, filter: &alerting::view::LabelFilter) -> Vec<ReceiverView>;
    fn silences(&self, filter: &alerting::view::SilenceFilter) -> Vec<alerting::view::SilenceView>;
    fn silence(&self, id: &str) -> Option<alerting::view::SilenceView>;
    /// Makes the silence, or changes the one of its id. Gives the id that it has now.
    fn set_silence(&self, silence: alerting::Silence) -> Result<String, SilenceRefusal>;
    /// Ends the silence now; one that has ended stays as it is.
    fn expire_silence(&self, id: &str) -> Result<(), SilenceRefusal>;
    /// Which syntax matchers of requests have.
    fn matcher_mode(&self) -> config::alertmanager::matchers::MatcherMode;
    /// The configuration in its canonical text form, secrets left out.
    fn config_text(&self) -> String;
    /// Takes alerts; gives the reasons for those that were not taken.
    fn post(&self, alerts: Vec<alerting::PostedAlert>) -> Vec<String>;
    /// Begins a fire drill, from within the async runtime.
    fn drill(&self, request: crate::DrillRequest) -> Result<crate::Drill, crate::DrillRefusal>;
    fn cluster(&self) -> ClusterView;
    /// The labels that an alert of a rule has when it is handed over: with external labels, and relabelled.
    /// `None` if relabelling drops it.
    fn outgoing_labels(&self, labels: &Labels) -> Option<Labels>;
    fn routing(&self) -> RoutingView;
    fn journal(&self) -> Arc<dyn JournalSource>;
    fn trials(&self) -> Arc<dyn TrialSource>;
}

/// What happened to alerts.
pub trait JournalSource: Send + Sync {
    /// May read files for a while.
    fn read(&self, request: &alerting::journal::Request) -> alerting::journal::Page;
    /// Which alerts it mentions; may read files for a while, too.
    fn sighted(&self, request: &alerting::journal::SightedRequest) -> alerting::journal::Sighted;
}

/// Configurations of alerting, to try alerts against. Nothing here changes what runs.
pub trait TrialSource: Send + Sync {
    /// The one in use, if there is a server.
    fn in_use(&self) -> Option<Arc<alerting::Config>>;
    /// Reads one as a reload would, but no file that it names. `name` stands before the places of problems, a line each.
    fn read(&self, name: &str, text: &str) -> Result<TrialConfig, String>;
    /// Alerts that have not ended.
    fn alerts(&self) -> Vec<Arc<alerting::Alert>>;
    /// What would become of an alert with these labels at a time by the configuration in use, whether it exists or not.
    fn explain(&self, labels: &Labels, at: Timestamp) -> Option<alerting::view::Explanation>;
}

/// A configuration that could be loaded.
#[derive(Clone, Debug)]
pub struct TrialConfig {
    pub config: Arc<alerting::Config>,
    /// What a start would warn of.
    pub warnings: Vec<String>,
}

/// What comparing and trying configurations needs: there may be no server.
#[derive(Clone)]
pub struct TrialApi {
    pub clock: Arc<dyn Clock>,
    pub trials: Arc<dyn TrialSource>,
    /// `None` where there is no folder.
    pub journal: Option<Arc<dyn JournalSource>>,
}

impl FromRef<AlertingApi> for TrialApi {
    fn from_ref(api: &AlertingApi) -> Self {
        Self {
            clock: Arc::clone(&api.clock),
            trials: api.alertmanager.trials(),
            journal: Some(api.alertmanager.journal()),
        }
    }
}

impl FromRef<Arc<Api>> for TrialApi {
    fn from_ref(api: &Arc<Api>) -> Self {
        Self::from_ref(&AlertingApi::from_ref(api))
    }
}

impl std::fmt::Debug for TrialApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TrialApi")
    }
}

/// What handlers of the journal read: it may be that of a server that is stopped.
#[derive(Clone)]
pub struct JournalApi {
    pub clock: Arc<dyn Clock>,
    pub journal: Arc<dyn JournalSource>,
    pub matcher_mode: config::alertmanager::matchers::MatcherMode,
}

impl FromRef<AlertingApi> for JournalApi {
    fn from_ref(api: &AlertingApi) -> Self {
        Self {
            clock: Arc::clone(&api.clock),
            journal: api.alertmanager.journal(),
            matcher_mode: api.alertmanager.matcher_mode(),
        }
    }
}

impl FromRef<Arc<Api>> for JournalApi {
    fn from_ref(api: &Arc<Api>) -> Self {
        Self::from_ref(&AlertingApi::from_ref(api))
    }
}

impl std::fmt::Debug for JournalApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JournalApi")
    }
}

/// The routes in use.
#[derive(Clone, Debug)]
pub struct RoutingView {
    pub tree: alerting::RouteTree,
    /// Names with the kinds of their integrations, in the order of the configuration.
    pub receivers: Vec<(String, Vec<String>)>,
}

/// What is in the database.
pub trait TsdbSource: Send + Sync {
    fn status(&self, limit: usize) -> TsdbStatusView;
    /// The `meta.json` of each block, oldest first.
    fn blocks(&self) -> Vec<serde_json::Value>;
    /// Exemplars of series that match any of the selectors, by series, the oldest first.
    fn exemplars(
        &self,
        range: TimeRange,
        selectors: &[Vec<Matcher>],
    ) -> Vec<(Labels, Vec<Exemplar>)>;
    /// How far reading the log at the start is; answers before anything else here does.
    fn replay_progress(&self) -> ReplayProgressView;
}

/// Numbers of the log's segments: the first and the last to read, and the one that is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayProgressView {
    pub first: u64,
    pub last: u64,
    pub current: u64,
}

#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TsdbStatus")]
pub struct TsdbStatusView {
    pub head_stats: HeadStatsView,
    pub series_count_by_metric_name: Vec<TsdbCount>,
    pub label_value_count_by_label_name: Vec<TsdbCount>,
    pub memory_in_bytes_by_label_name: Vec<TsdbCount>,
    pub series_count_by_label_value_pair: Vec<TsdbCount>,
}

#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HeadStats")]
pub struct HeadStatsView {
    pub num_series: u64,
    pub num_label_pairs: u64,
    pub chunk_count: u64,
    pub min_time: i64,
    pub max_time: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TsdbCount {
    pub name: String,
    pub value: u64,
}

/// What becomes of samples that are in no block yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadPart {
    Include,
    Skip,
}

/// Storage, for who may change it by hand.
pub trait AdminSource: Send + Sync {
    /// Deletes the samples of matching series in the range.
    fn delete_series(&self, range: TimeRange, matchers: &[Matcher]) -> Result<(), String>;
    /// Takes deleted samples out of the files too.
    fn clean_tombstones(&self) -> Result<(), String>;
    /// Makes a copy of all samples below the data folder; gives its name.
    fn snapshot(&self, head: HeadPart) -> Result<String, String>;
    /// Begins to take in samples or blocks; one at a time.
    fn begin_import(&self, source: ImportSource) -> Result<Box<dyn Import>, ImportFailure>;
}

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// A page in OpenMetrics.
    OpenMetrics,
    /// Blocks in a tar archive.
    Blocks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSource {
    pub kind: ImportKind,
    /// Added to every series.
    pub labels: Vec<(String, String)>,
}

/// An import under way; dropping it unfinished leaves nothing behind.
pub trait Import: Send {
    /// Takes more of what comes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImportFailure>;
    /// All has come: makes blocks of it and shows them to queries.
    fn finish(self: Box<Self>) -> Result<ImportView, ImportFailure>;
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportFailure {
    /// What came is wrong.
    Input(String),
    /// Not now; why.
    Busy(String),
    Failed(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportView {
    pub blocks: Vec<ImportedBlockView>,
    pub samples: u64,
    /// Samples that were left out: their series has another one at the same time.
    pub duplicates: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedBlockView {
    pub ulid: String,
    /// Milliseconds; the last one is not in the block.
    pub min_time: i64,
    pub max_time: i64,
    pub series: u64,
    pub samples: u64,
}

/// The configuration in use.
pub trait ConfigSource: Send + Sync {
    /// Printed in full, secrets left out.
    fn yaml(&self) -> String;
    /// The job of this name, printed likewise.
    fn scrape_pool_yaml(&self, pool: &str) -> Option<String>;
    /// Those that a client of the peer expects, and what else was given.
    fn flags(&self) -> BTreeMap<String, String>;
    /// And ours that have their defaults.
    fn all_flags(&self) -> BTreeMap<String, String>;
    /// Whether the newest reload succeeded, and when the newest successful one was.
    fn last_reload(&self) -> (bool, Timestamp);
    fn retention_text(&self) -> String;
    /// What this server's samples and alerts have besides their own labels where others see them.
    fn external_labels(&self) -> Labels;
    /// Under which users reach the server, without a trailing slash.
    fn external_url(&self) -> String;
    fn alertmanagers(&self) -> AlertmanagersView;
}

/// URLs of external Alertmanagers.
#[derive(Clone, Debug, Default)]
pub struct AlertmanagersView {
    pub active: Vec<String>,
    pub dropped: Vec<String>,
}

/// All refusals of the process.
pub trait ReasonSource: Send + Sync {
    /// Kept entries, newest first.
    fn entries(&self, code: Option<&str>) -> Vec<ReasonEntry>;
    fn counts(&self) -> Vec<(&'static str, u64)>;
    /// What became of each object of the manifests.
    fn decisions(&self) -> Vec<DecisionView>;
}

/// What became of one object, as one of those that considered it decided.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Decision")]
pub struct DecisionView {
    pub object: String,
    /// Who decided.
    pub by: Option<String>,
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    pub in_use: bool,
    pub file: String,
    pub line: usize,
}

/// A problem in input.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemView {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    pub code: &'static str,
    pub message: String,
    pub places: Vec<PlaceView>,
    pub hints: Vec<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Place")]
pub struct PlaceView {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub text: String,
    pub remark: String,
}

/// What the files would make if they were loaded now.
#[derive(Clone, Debug, Default)]
pub struct FilesView {
    /// Of `prometheus.yml` and `alertmanager.yml`, printed in full; `None` if a reload would be refused.
    pub texts: Option<(String, String)>,
    pub problems: Vec<ProblemView>,
    /// What could not even be read.
    pub failure: Option<String>,
}

/// What `/-/reload` and `/-/quit` ask of the server.
#[derive(Debug)]
pub enum LifecycleRequest {
    /// Answered with the problems as text if the new configuration was refused.
    Reload(oneshot::Sender<Result<(), String>>),
    /// Reads the files as for a reload, and changes nothing.
    Compare(oneshot::Sender<FilesView>),
    Quit,
}

/// How far the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Starting,
    Ready,
    Stopping,
}

/// The door to the server's main task.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub requests: mpsc::Sender<LifecycleRequest>,
    /// `--web.enable-lifecycle`.
    pub is_enabled: bool,
    pub readiness: tokio::sync::watch::Receiver<Readiness>,
}
