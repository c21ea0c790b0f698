//! `scrape_configs`: jobs.

use std::collections::BTreeMap;

use diag::Span;
use model::Duration;
use model::name::NameScheme;
use yaml::MapReader;

use super::global::{
    EscapingScheme, Global, NativeHistograms, PROTOCOLS_HINT, ProtocolName, ScrapeProtocol,
    ScrapeProtocols, Validation,
};
use super::refusals::Refusals;
use super::sd::Discoveries;
use crate::ByteSize;
use crate::http::HttpClient;
use crate::place::Place;
use crate::quote::quote;
use crate::relabel::RelabelRules;
use crate::section::Field;
use crate::text::FilePath;

section! {
    /// One job. After loading, what it does not say is filled in from `global`.
    pub struct ScrapeConfig: "config.ScrapeConfig" as "*config.ScrapeConfig", checked {
        [place] pub place: Place,
        ["job_name"] pub job_name: String,
        ["honor_labels", omit] pub honor_labels: bool,
        ["honor_timestamps"] pub honor_timestamps: bool = true,
        ["track_timestamps_staleness"] pub track_timestamps_staleness: bool,
        ["params", omit] pub params: BTreeMap<String, Vec<String>>,
        ["scrape_interval", unless_default] pub scrape_interval: Duration,
        ["scrape_timeout", unless_default] pub scrape_timeout: Duration,
        ["scrape_protocols", some] pub scrape_protocols: Option<ScrapeProtocols>,
        ["fallback_scrape_protocol", unless_default] pub fallback_scrape_protocol: ProtocolName,
        ["scrape_native_histograms", some] pub scrape_native_histograms: Option<bool>,
        ["always_scrape_classic_histograms", some]
        pub always_scrape_classic_histograms: Option<bool>,
        ["convert_classic_histograms_to_nhcb", some]
        pub convert_classic_histograms_to_nhcb: Option<bool>,
        ["scrape_failure_log_file", omit] pub scrape_failure_log_file: FilePath,
        ["metrics_path", omit] pub metrics_path: String = "/metrics".to_owned(),
        ["scheme", omit] pub scheme: String = "http".to_owned(),
        ["enable_compression"] pub enable_compression: bool = true,
        ["body_size_limit", omit] pub body_size_limit: ByteSize,
        ["sample_limit", omit] pub sample_limit: usize,
        ["target_limit", omit] pub target_limit: usize,
        ["label_limit", omit] pub label_limit: usize,
        ["label_name_length_limit", omit] pub label_name_length_limit: usize,
        ["label_value_length_limit", omit] pub label_value_length_limit: usize,
        ["native_histogram_bucket_limit", omit] pub native_histogram_bucket_limit: usize,
        ["native_histogram_min_bucket_factor", omit] pub native_histogram_min_bucket_factor: f64,
        ["keep_dropped_targets", omit] pub keep_dropped_targets: usize,
        ["metric_name_validation_scheme", some]
        pub metric_name_validation_scheme: Option<Validation>,
        ["metric_name_escaping_scheme", some]
        pub metric_name_escaping_scheme: Option<EscapingScheme>,
        ["extra_scrape_metrics", some] pub extra_scrape_metrics: Option<bool>,
        [inline] pub http: HttpClient,
        ["relabel_configs", unless_default] pub relabel_configs: RelabelRules,
        ["metric_relabel_configs", unless_default] pub metric_relabel_configs: RelabelRules,
        [inline] pub discoveries: Discoveries,
    }
}

impl ScrapeConfig {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        if self.job_name.is_empty() {
            let hint = "every job needs a `job_name` of its own";
            map.refuse_with_hint("job_name", "job-name-empty", "job_name is empty", hint);
        }
        self.http.validate(map);
        // Relabelling may turn them into addresses.
        if self.relabel_configs == RelabelRules::default() {
            self.discoveries.validate_targets(map);
        }
    }

    /// Which label and metric names the job accepts.
    pub fn name_scheme(&self) -> NameScheme {
        self.metric_name_validation_scheme
            .unwrap_or_default()
            .name_scheme()
    }

    /// The formats to ask for, best first.
    pub fn protocols(&self) -> Vec<ScrapeProtocol> {
        self.scrape_protocols
            .as_ref()
            .map(ScrapeProtocols::protocols)
            .unwrap_or_default()
    }

    /// The format of an answer without a usable Content-Type.
    pub fn fallback_protocol(&self) -> Option<ScrapeProtocol> {
        ScrapeProtocol::parse(&self.fallback_scrape_protocol.0).ok()
    }

    /// Fills in from `global` what the job leaves open and validates the result.
    pub(super) fn complete(&mut self, global: &Global, refusals: &mut Refusals<'_>) {
        let place = self.place.0;
        let job = format!("for scrape config with job name {}", quote(&self.job_name));
        self.complete_times(global, &job, refusals);
        self.complete_limits(global);
        self.complete_protocols(global, &job, refusals);
        let validation = *self
            .metric_name_validation_scheme
            .get_or_insert_with(|| global.metric_name_validation_scheme.unwrap_or_default());
        let inherited = match global.metric_name_escaping_scheme {
            // What speaks for the server's validation does not speak for a job with another one.
            Some(EscapingScheme::AllowUtf8)
                if global.metric_name_validation_scheme != Some(Validation::Legacy) =>
            {
                validation.default_escaping()
            }
            None => validation.default_escaping(),
            Some(other) => other,
        };
        let escaping = *self.metric_name_escaping_scheme.get_or_insert(inherited);
        if escaping == EscapingScheme::AllowUtf8 && validation == Validation::Legacy {
            refusals.refuse(
                place,
                "escaping-needs-utf8",
                "utf8 metric names requested but validation scheme is not set to UTF8",
                "set `metric_name_validation_scheme: utf8`",
            );
        }
        let scheme = validation.name_scheme();
        self.relabel_configs
            .validate(scheme, "target relabeling rule in scrape config", refusals);
        self.metric_relabel_configs.validate(
            scheme,
            "metric relabeling rule in scrape config",
            refusals,
        );
    }

    fn complete_times(&mut self, global: &Global, job: &str, refusals: &mut Refusals<'_>) {
        if self.scrape_interval.is_zero() {
            self.scrape_interval = global.scrape_interval;
        }
        if self.scrape_timeout > self.scrape_interval {
            refusals.refuse(
                self.place.0,
                "timeout-above-interval",
                format!("scrape timeout greater than scrape interval {job}"),
                format!("at most {}", self.scrape_interval),
            );
        }
        if self.scrape_timeout.is_zero() {
            self.scrape_timeout = global.scrape_timeout.min(self.scrape_interval);
        }
    }

    fn complete_limits(&mut self, global: &Global) {
        fn inherit<T: Default + PartialEq + Copy>(own: &mut T, global: T) {
            if *own == T::default() {
                *own = global;
            }
        }
        inherit(&mut self.body_size_limit, global.body_size_limit);
        inherit(&mut self.sample_limit, global.sample_limit);
        inherit(&mut self.target_limit, global.target_limit);
        inherit(&mut self.label_limit, global.label_limit);
        inherit(
            &mut self.label_name_length_limit,
            global.label_name_length_limit,
        );
        inherit(
            &mut self.label_value_length_limit,
            global.label_value_length_limit,
        );
        inherit(&mut self.keep_dropped_targets, global.keep_dropped_targets);
        if self.scrape_failure_log_file.is_empty() {
            self.scrape_failure_log_file = global.scrape_failure_log_file.clone();
        }
    }

    fn complete_protocols(&mut self, global: &Global, job: &str, refusals: &mut Refusals<'_>) {
        let place = self.place.0;
        let native = global.scrape_native_histograms.unwrap_or(false);
        let native = *self.scrape_native_histograms.get_or_insert(native);
        self.always_scrape_classic_histograms
            .get_or_insert(global.always_scrape_classic_histograms);
        self.convert_classic_histograms_to_nhcb
            .get_or_insert(global.convert_classic_histograms_to_nhcb);
        self.extra_scrape_metrics
            .get_or_insert(global.extra_scrape_metrics.unwrap_or(false));
        let protocols = self.scrape_protocols.get_or_insert_with(|| {
            global.scrape_protocols.clone().unwrap_or_else(|| {
                ScrapeProtocols::default_order(if native {
                    NativeHistograms::Scraped
                } else {
                    NativeHistograms::Ignored
                })
            })
        });
        if let Some(problem) = protocols.problem() {
            let message = format!("{problem} {job}");
            refusals.refuse(place, "bad-scrape-protocols", message, PROTOCOLS_HINT);
        }
        let fallback = &self.fallback_scrape_protocol.0;
        if let (false, Err(problem)) = (fallback.is_empty(), ScrapeProtocol::parse(fallback)) {
            let message = format!("invalid fallback_scrape_protocol {job}: {problem}");
            refusals.refuse(place, "bad-scrape-protocols", message, PROTOCOLS_HINT);
        }
    }
}

impl ScrapeConfig {
    /// As [`super::Config::to_text`] prints it.
    pub fn to_text(&self) -> String {
        yaml::to_text(&self.to_value())
    }
}

/// A job, or the place of a null in the list of jobs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Listed<T> {
    Section(Box<T>),
    Null(Place),
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self::Null(Place(Span::default()))
    }
}

impl<T: Field> Field for Listed<T> {
    fn read(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
        T::read(node, reading).map(|section| Self::Section(Box::new(section)))
    }

    fn go_type() -> String {
        T::go_type()
    }

    fn to_value(&self) -> yaml::Value {
        match self {
            Self::Section(section) => section.to_value(),
            Self::Null(_) => yaml::Value::Null,
        }
    }

    fn read_or_null(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
        if node.is_null() {
            Some(Self::Null(Place(node.span)))
        } else {
            Self::read(node, reading)
        }
    }
}

/// The sections of a list; nulls in it are refused with "empty or null … section".
pub(super) fn sections<T>(
    listed: Vec<Listed<T>>,
    what: &str,
    refusals: &mut Refusals<'_>,
    mut each: impl FnMut(&mut T, &mut Refusals<'_>),
) -> Vec<T> {
    let mut sections = Vec::with_capacity(listed.len());
    for one in listed {
        match one {
            Listed::Section(mut section) => {
                each(&mut section, refusals);
                sections.push(*section);
            }
            Listed::Null(place) => {
                let message = format!("empty or null {what} section");
                let hint = "write the section or remove the dash";
                refusals.refuse(place.0, "section-empty", message, hint);
            }
        }
    }
    sections
}
