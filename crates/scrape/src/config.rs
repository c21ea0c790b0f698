//! What a pool is told: one `scrape_config` with global defaults filled in.

use std::collections::BTreeMap;

use model::Duration;
use model::name::NameScheme;
use model::relabel::RelabelConfig;
use wire::Protocol;
use wire::negotiate::Escaping;

/// One job. Equal configurations mean that nothing has to change on a reload.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolConfig {
    pub job_name: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub scheme: String,
    pub metrics_path: String,
    pub params: BTreeMap<String, Vec<String>>,
    /// In order of preference.
    pub protocols: Vec<Protocol>,
    /// For targets that send no usable Content-Type.
    pub fallback_protocol: Option<Protocol>,
    pub escaping: Escaping,
    pub name_scheme: NameScheme,
    pub enable_compression: bool,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub scrape_native_histograms: bool,
    pub always_scrape_classic_histograms: bool,
    pub convert_classic_histograms_to_nhcb: bool,
    /// Report also timeout, sample limit and body size of every scrape.
    pub extra_metrics: bool,
    pub type_and_unit_labels: bool,
    /// Samples get the start timestamps of the page; `_created` series are these, and no series.
    pub take_start_times: bool,
    pub relabel: Vec<RelabelConfig>,
    pub metric_relabel: Vec<RelabelConfig>,
    pub limits: Limits,
    /// Anything that changes when the HTTP client does; compared, never looked into.
    pub client_key: String,
}

/// Zero means no limit everywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Bytes, after decompression.
    pub body_size: u64,
    /// Samples of one scrape, after metric relabelling.
    pub samples: usize,
    pub targets: usize,
    pub labels: usize,
    pub label_name_length: usize,
    pub label_value_length: usize,
    /// Buckets of one native histogram.
    pub histogram_buckets: usize,
    /// The smallest growth factor that native histograms may have.
    pub histogram_min_bucket_factor: f64,
    /// How many dropped targets are kept to be shown.
    pub kept_dropped_targets: usize,
}

impl PoolConfig {
    /// A job with the defaults of the configuration file.
    pub fn new(job_name: &str) -> Self {
        Self {
            job_name: job_name.to_owned(),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            scheme: "http".to_owned(),
            metrics_path: "/metrics".to_owned(),
            params: BTreeMap::new(),
            protocols: vec![
                Protocol::OpenMetricsText1_0_0,
                Protocol::OpenMetricsText0_0_1,
                Protocol::PrometheusText1_0_0,
                Protocol::PrometheusText0_0_4,
            ],
            fallback_protocol: None,
            escaping: Escaping::AllowUtf8,
            name_scheme: NameScheme::Utf8,
            enable_compression: true,
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            scrape_native_histograms: false,
            always_scrape_classic_histograms: false,
            convert_classic_histograms_to_nhcb: false,
            extra_metrics: false,
            type_and_unit_labels: false,
            take_start_times: false,
            relabel: Vec::new(),
            metric_relabel: Vec::new(),
            limits: Limits::default(),
            client_key: String::new(),
        }
    }

    /// Whether the same page of the same target gives the same series under both configurations, so that
    /// what is remembered of a page stays good.
    pub(crate) fn gives_same_series_as(&self, other: &Self) -> bool {
        self.honor_labels == other.honor_labels
            && self.metric_relabel == other.metric_relabel
            && self.name_scheme == other.name_scheme
            && self.escaping == other.escaping
            && self.type_and_unit_labels == other.type_and_unit_labels
            && self.take_start_times == other.take_start_times
            && self.limits.labels == other.limits.labels
            && self.limits.label_name_length == other.limits.label_name_length
            && self.limits.label_value_length == other.limits.label_value_length
    }
}
