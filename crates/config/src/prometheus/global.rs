//! `global`: defaults for jobs, and labels that identify this server.

use std::collections::BTreeMap;

use model::Duration;
use model::name::NameScheme;
use yaml::{MapReader, Node, Reading, Value};

use crate::ByteSize;
use crate::quote::quote_bytes;
use crate::section::Field;
use crate::text::{BinaryText, FilePath};

section! {
    /// Zero limits mean "none".
    pub struct Global: "config.plain", checked {
        ["scrape_interval", unless_default] pub scrape_interval: Duration,
        ["scrape_timeout", unless_default] pub scrape_timeout: Duration,
        ["scrape_protocols", some] pub scrape_protocols: Option<ScrapeProtocols>,
        ["evaluation_interval", unless_default] pub evaluation_interval: Duration,
        ["rule_query_offset", unless_default] pub rule_query_offset: Duration,
        ["query_log_file", omit] pub query_log_file: FilePath,
        ["scrape_failure_log_file", omit] pub scrape_failure_log_file: FilePath,
        ["external_labels", omit] pub external_labels: ExternalLabels,
        ["body_size_limit", omit] pub body_size_limit: ByteSize,
        ["sample_limit", omit] pub sample_limit: usize,
        ["target_limit", omit] pub target_limit: usize,
        ["label_limit", omit] pub label_limit: usize,
        ["label_name_length_limit", omit] pub label_name_length_limit: usize,
        ["label_value_length_limit", omit] pub label_value_length_limit: usize,
        ["keep_dropped_targets", omit] pub keep_dropped_targets: usize,
        ["metric_name_validation_scheme", some]
        pub metric_name_validation_scheme: Option<Validation>,
        ["metric_name_escaping_scheme", some]
        pub metric_name_escaping_scheme: Option<EscapingScheme>,
        ["scrape_native_histograms", some] pub scrape_native_histograms: Option<bool>,
        ["convert_classic_histograms_to_nhcb", omit] pub convert_classic_histograms_to_nhcb: bool,
        ["always_scrape_classic_histograms", omit] pub always_scrape_classic_histograms: bool,
        ["extra_scrape_metrics", some] pub extra_scrape_metrics: Option<bool>,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

impl Global {
    /// What is in force without a `global` section.
    pub fn prometheus_default() -> Self {
        Self {
            scrape_interval: MINUTE,
            scrape_timeout: Duration::from_secs(10),
            evaluation_interval: MINUTE,
            metric_name_validation_scheme: Some(Validation::Utf8),
            metric_name_escaping_scheme: Some(EscapingScheme::AllowUtf8),
            scrape_native_histograms: Some(false),
            extra_scrape_metrics: Some(false),
            ..Self::default()
        }
    }

    /// Which label and metric names are allowed unless a job says otherwise.
    pub fn name_scheme(&self) -> NameScheme {
        self.metric_name_validation_scheme
            .unwrap_or_default()
            .name_scheme()
    }

    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        let defaults = Self::prometheus_default();
        if self.scrape_interval.is_zero() {
            self.scrape_interval = MINUTE;
        }
        if self.scrape_timeout > self.scrape_interval {
            map.refuse_with_hint(
                "scrape_timeout",
                "timeout-above-interval",
                "global scrape timeout greater than scrape interval",
                format!("at most {}", self.scrape_interval),
            );
        }
        if self.scrape_timeout.is_zero() {
            self.scrape_timeout = defaults.scrape_timeout.min(self.scrape_interval);
        }
        if self.evaluation_interval.is_zero() {
            self.evaluation_interval = MINUTE;
        }
        self.metric_name_validation_scheme.get_or_insert_default();
        self.scrape_native_histograms.get_or_insert(false);
        self.extra_scrape_metrics.get_or_insert(false);
        if let Some(problem) = self
            .scrape_protocols
            .as_ref()
            .and_then(ScrapeProtocols::problem)
        {
            let message = format!("{problem} for global config");
            map.refuse_with_hint(
                "scrape_protocols",
                "bad-scrape-protocols",
                message,
                PROTOCOLS_HINT,
            );
        }
    }
}

pub(super) const PROTOCOLS_HINT: &str = "known: PrometheusProto, OpenMetricsText1.0.0, \
     OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4; each at most once";

/// Labels put on everything that leaves the server. Values have had `${VARIABLES}` replaced once the
/// configuration is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalLabels(pub BTreeMap<String, String>);

impl ExternalLabels {
    /// Replaces `$name` and `${name}`; `$$` is a dollar. Unknown variables are empty.
    pub(super) fn expand(&mut self, variable: &dyn Fn(&str) -> Option<String>) {
        for value in self.0.values_mut() {
            *value = expand(value, variable);
        }
    }
}

/// As Go's `os.Expand`, with `$$` for a dollar.
fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('$') {
        out.push_str(head);
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(braced) = tail.strip_prefix('{') {
            // Without a closing brace the two characters are dropped.
            let Some((name, after)) = braced.split_once('}') else {
                rest = braced;
                continue;
            };
            out.push_str(&variable(name).unwrap_or_default());
            rest = after;
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = tail.find(|c| !is_name(c)).unwrap_or(tail.len());
            if end == 0 {
                out.push('$');
            } else {
                out.push_str(&variable(&tail[..end]).unwrap_or_default());
            }
            rest = &tail[end..];
        }
    }
    out.push_str(rest);
    out
}

impl Field for ExternalLabels {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let Some(entries) = node.as_mapping() else {
            reading.wrong_type(node, "map[string]string");
            return None;
        };
        let mut labels = BTreeMap::new();
        for (key, value) in entries {
            let (name_node, value_node) = (key, value);
            let name = BinaryText::of(key, reading);
            let value = BinaryText::of(value, reading);
            let (Some(name), Some(value)) = (name, value) else {
                continue;
            };
            match (
                String::from_utf8(name.0.clone()),
                String::from_utf8(value.0.clone()),
            ) {
                (Ok(name), Ok(value)) if !name.is_empty() => {
                    labels.insert(name, value);
                }
                (Ok(_), Err(_)) => {
                    let message = format!("{} is not a valid label value", quote_bytes(&value.0));
                    let hint = "label values are UTF-8 texts";
                    reading.refuse_with_hint(value_node.span, "bad-label-value", message, hint);
                }
                _ => {
                    let message = format!("{} is not a valid label name", quote_bytes(&name.0));
                    let hint = "label names are UTF-8 texts, not empty";
                    reading.refuse_with_hint(name_node.span, "bad-label-name", message, hint);
                }
            }
        }
        Some(Self(labels))
    }

    fn go_type() -> String {
        "labels.Labels".to_owned()
    }

    /// Labels print in the order of their names' bytes.
    fn to_value(&self) -> Value {
        let entries = self
            .0
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Value::Mapping(yaml::Mapping(entries))
    }
}

/// Which metric and label names are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    #[default]
    Utf8,
    Legacy,
}

words!(Validation, "unknown-validation-scheme", |word| format!("unrecognized ValidationScheme: {}", crate::quote::quote(word)), {
    Utf8 = "utf8",
    Legacy = "legacy",
});

impl Validation {
    pub fn name_scheme(self) -> NameScheme {
        match self {
            Self::Utf8 => NameScheme::Utf8,
            Self::Legacy => NameScheme::Legacy,
        }
    }

    /// What is asked of targets unless a job says otherwise.
    pub fn default_escaping(self) -> EscapingScheme {
        match self {
            Self::Utf8 => EscapingScheme::AllowUtf8,
            Self::Legacy => EscapingScheme::Underscores,
        }
    }
}

/// How targets are asked to write names that are not legacy names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EscapingScheme {
    #[default]
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

words!(
    EscapingScheme,
    "unknown-escaping-scheme",
    |word| format!(
        "unknown metric name escaping scheme, must be one of 'allow-utf-8', 'underscores', 'dots', or \
         'values', got {}",
        crate::quote::quote(word)
    ),
    {
        AllowUtf8 = "allow-utf-8",
        Underscores = "underscores",
        Dots = "dots",
        Values = "values",
    }
);

/// An exposition format, by the name it has in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrapeProtocol {
    PrometheusProto,
    OpenMetricsText1_0_0,
    OpenMetricsText0_0_1,
    PrometheusText1_0_0,
    PrometheusText0_0_4,
}

impl ScrapeProtocol {
    pub const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
        }
    }

    /// The error is the peers' wording.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| {
                let mut known = Self::ALL.map(Self::as_str);
                known.sort_unstable();
                format!(
                    "unknown scrape protocol {text}, supported: [{}]",
                    known.join(" ")
                )
            })
    }
}

/// Names of protocols in order of preference, as written; [`Self::protocols`] are the valid ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrapeProtocols(pub Vec<String>);

impl ScrapeProtocols {
    /// The order that is used unless the configuration names one.
    pub fn default_order(with_native_histograms: NativeHistograms) -> Self {
        let skipped = match with_native_histograms {
            NativeHistograms::Scraped => 0,
            NativeHistograms::Ignored => 1,
        };
        Self(
            ScrapeProtocol::ALL
                .iter()
                .skip(skipped)
                .map(|one| one.as_str().to_owned())
                .collect(),
        )
    }

    pub fn protocols(&self) -> Vec<ScrapeProtocol> {
        self.0
            .iter()
            .filter_map(|name| ScrapeProtocol::parse(name).ok())
            .collect()
    }

    pub(super) fn problem(&self) -> Option<String> {
        if self.0.is_empty() {
            return Some("scrape_protocols cannot be empty".to_owned());
        }
        for (at, name) in self.0.iter().enumerate() {
            if let Err(problem) = ScrapeProtocol::parse(name) {
                return Some(format!("scrape_protocols: {problem}"));
            }
            if self.0[..at].contains(name) {
                let all = self.0.join(" ");
                return Some(format!(
                    "duplicated protocol in scrape_protocols, got [{all}]"
                ));
            }
        }
        None
    }
}

/// Whether native histograms are asked for, which only the protobuf format can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeHistograms {
    Scraped,
    Ignored,
}

impl Field for ScrapeProtocols {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        Vec::<ProtocolName>::read(node, reading)
            .map(|names| Self(names.into_iter().map(|name| name.0).collect()))
    }

    fn go_type() -> String {
        "[]config.ScrapeProtocol".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

/// A name that is validated once the job it belongs to is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProtocolName(pub String);

impl Field for ProtocolName {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        if node.as_scalar().is_none() {
            reading.wrong_type(node, &Self::go_type());
            return None;
        }
        String::read(node, reading).map(Self)
    }

    fn go_type() -> String {
        "config.ScrapeProtocol".to_owned()
    }

    fn to_value(&self) -> Value {
        (&self.0).into()
    }
}
